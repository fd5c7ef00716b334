//! Settings of message brokers.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Unacknowledged messages that a broker may send ahead, unless configured otherwise: enough for several group commits.
const PREFETCH: u16 = 2_000;

/// A broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// What it is called in messages and metrics, and by those who refer to it.
    pub name: String,
    /// Where it is: its nodes, `amqp://` or `amqps://`, tried in turn.
    pub urls: Vec<String>,
    /// As whom to connect.
    #[serde(default)]
    pub user: Option<String>,
    /// The file of the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The variable of the environment that holds the password.
    #[serde(default)]
    pub password_variable: Option<String>,
    /// The certificates that `amqps` trusts, a PEM file; `None`: those of the system.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// Where events come from.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// A queue of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// `exchange:routing.key:queue`.
    pub from: String,
    /// The clients whose events it may bring; `None`: all.
    pub clients: Option<Vec<String>>,
    /// Unacknowledged messages that the broker may send ahead.
    pub prefetch: u16,
}

/// Where credit events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditEventQueue {
    /// What its cursor is kept under: another name begins at the start of the outbox.
    pub name: String,
    /// The name of the broker.
    pub broker: String,
    /// `exchange:routing.key`, or `exchange:routing.key:queue`.
    pub to: String,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

/// Reads a source: its route alone, or with settings.
struct SourceVisitor;

/// A source with settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceSettings {
    from: String,
    #[serde(default)]
    clients: Option<Vec<String>>,
    #[serde(default = "prefetch")]
    prefetch: u16,
}

fn prefetch() -> u16 {
    PREFETCH
}

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`exchange:routing.key:queue`, or `{ from: ..., clients: [...], prefetch: ... }`")
    }

    fn visit_str<E: Error>(self, from: &str) -> Result<Source, E> {
        Ok(Source { from: from.to_owned(), clients: None, prefetch: PREFETCH })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        let SourceSettings { from, clients, prefetch } =
            SourceSettings::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Source { from, clients, prefetch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_its_route_alone_or_with_settings() {
        let read = |text: &str| serde_yaml::from_str::<Vec<Source>>(text);
        let sources = read("[ 'a:b:c', { from: 'a:b:d', clients: [cyclades], prefetch: 7 } ]").unwrap();
        let clients = Some(vec!["cyclades".to_owned()]);
        let expected = [
            Source { from: "a:b:c".to_owned(), clients: None, prefetch: PREFETCH },
            Source { from: "a:b:d".to_owned(), clients, prefetch: 7 },
        ];
        assert_eq!(sources, expected);
        assert_eq!(read(&serde_yaml::to_string(&sources).unwrap()).unwrap(), expected);
        let refused = read("[ { from: 'a:b:c', client: x } ]").unwrap_err().to_string();
        assert!(refused.contains("client"), "{refused}");
        let refused = read("[ 7 ]").unwrap_err().to_string();
        assert!(refused.contains("exchange:routing.key:queue"), "{refused}");
    }
}
