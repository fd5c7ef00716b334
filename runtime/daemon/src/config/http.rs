//! Settings of HTTP.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Settings of HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// Where administrators are served.
    pub admin: Admin,
    /// Whether the console is served on the public port, too.
    pub console: bool,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// Who may ask; none: whoever reaches the port.
    pub tokens: Vec<Token>,
    /// Names in `Host` besides `localhost` and addresses.
    pub hosts: Vec<String>,
    /// The longest that a request may take.
    pub request_millis_max: u64,
    /// The longest that a client may take over the head of a request.
    pub head_millis_max: u64,
    /// The longest that a client may pause within a body or an answer.
    pub pause_millis_max: u64,
    /// The most connections at a time.
    pub connections_max: usize,
    /// The most bytes of bodies at a time.
    pub bodies_bytes_max: usize,
    /// The longest that open requests may take once the daemon is told to stop.
    pub stop_millis_max: u64,
}

/// Where administrators are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// On a socket in the data directory.
    Socket,
    /// On a socket of another path.
    Path(PathBuf),
    /// On a port.
    Address(SocketAddr),
    /// Nowhere.
    Off,
}

/// Certificate and key of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and those that lead to a known one: a PEM file.
    pub certificate: PathBuf,
    /// Its key: a PEM file.
    pub key: PathBuf,
}

/// A bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The SHA-256 of the token, in hexadecimal digits.
    pub sha256: String,
    /// The clients whose events it may send; `None`: all.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
    /// Whether it opens the administrators' port.
    #[serde(default)]
    pub admin: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8888)),
            admin: Admin::Socket,
            console: false,
            tls: None,
            tokens: Vec::new(),
            hosts: Vec::new(),
            request_millis_max: 30_000,
            head_millis_max: 20_000,
            pause_millis_max: 30_000,
            connections_max: 16_384,
            bodies_bytes_max: 256 << 20,
            stop_millis_max: 10_000,
        }
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket => f.write_str("socket"),
            Self::Path(path) => path.display().fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for Admin {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "socket" => Self::Socket,
            "off" => Self::Off,
            _ => text.parse().map_or_else(|_| Self::Path(PathBuf::from(text)), Self::Address),
        })
    }
}

impl Serialize for Admin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Admin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ok(admin) = String::deserialize(deserializer)?.parse();
        Ok(admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_are_served_where_it_is_said() {
        for (text, expected) in [
            ("socket", Admin::Socket),
            ("off", Admin::Off),
            ("127.0.0.1:1", Admin::Address("127.0.0.1:1".parse().unwrap())),
            ("/run/aquarium/admin.sock", Admin::Path(PathBuf::from("/run/aquarium/admin.sock"))),
        ] {
            let Ok(read) = text.parse::<Admin>();
            assert_eq!((read.to_string(), read), (text.to_owned(), expected));
        }
    }
}
