//! Where log and derived state are kept.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The word for the embedded store.
const EMBEDDED: &str = "embedded";
/// Connections to a server, at most, unless configured otherwise: one that appends, two for each of some shards, and
/// some for questions.
const CONNECTIONS: usize = 16;

/// Where log and derived state are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Store {
    /// In the data directory.
    #[default]
    Embedded,
    /// In PostgreSQL.
    Postgres(Postgres),
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// `postgresql://user@host/database`.
    pub url: String,
    /// As whom to connect; over the user in the address.
    #[serde(default)]
    pub user: Option<String>,
    /// The file of the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The variable of the environment that holds the password.
    #[serde(default)]
    pub password_variable: Option<String>,
    /// The certificates of authorities that vouch for the server, a PEM file; `None`: those of the system.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// The schema of the tables.
    #[serde(default = "schema")]
    pub schema: String,
    /// Connections, at most.
    #[serde(default = "connections")]
    pub connections: usize,
}

fn schema() -> String {
    "aquarium".to_owned()
}

fn connections() -> usize {
    CONNECTIONS
}

impl Serialize for Store {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Embedded => serializer.serialize_str(EMBEDDED),
            Self::Postgres(postgres) => postgres.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoreVisitor)
    }
}

/// Reads a store: a word, an address, or an address with settings.
struct StoreVisitor;

impl<'de> Visitor<'de> for StoreVisitor {
    type Value = Store;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`embedded`, `postgresql://user@host/database`, or `{ url: 'postgresql://...', ... }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Store, E> {
        if text == EMBEDDED {
            return Ok(Store::Embedded);
        }
        if !text.starts_with("postgresql://") && !text.starts_with("postgres://") {
            // What is shown may hold a password.
            return Err(E::custom("this is no store: write `embedded` or `postgresql://user@host/database`"));
        }
        Ok(Store::Postgres(Postgres {
            url: text.to_owned(),
            user: None,
            password_file: None,
            password_variable: None,
            authorities: None,
            schema: schema(),
            connections: CONNECTIONS,
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Store, A::Error> {
        Postgres::deserialize(MapAccessDeserializer::new(map)).map(Store::Postgres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_word_an_address_or_an_address_with_settings() {
        let read = |text: &str| serde_yaml::from_str::<Store>(text);
        assert_eq!(read("embedded").unwrap(), Store::Embedded);
        let url = "postgresql://aquarium@db/aquarium";
        let Store::Postgres(alone) = read(url).unwrap() else { panic!("an address is PostgreSQL") };
        assert_eq!((alone.url.as_str(), alone.schema.as_str()), (url, "aquarium"));
        let Store::Postgres(with) = read(&format!("{{ url: '{url}', schema: s, connections: 3 }}")).unwrap()
        else {
            panic!("an address is PostgreSQL")
        };
        assert_eq!((with.schema.as_str(), with.connections), ("s", 3));
        for store in [Store::Embedded, Store::Postgres(with)] {
            assert_eq!(read(&serde_yaml::to_string(&store).unwrap()).unwrap(), store);
        }
        for (wrong, said) in
            [("sqlite", "this is no store"), ("{ url: x, uri: y }", "uri"), ("7", "embedded")]
        {
            let refused = read(wrong).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
