//! A broker: where it is, as whom to connect, and connections to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aquarium_store::trust;
use async_rs::Runtime;
use lapin::tcp::AsyncTcpStream;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::fault::{Attempt, Fault};
use super::transport::{Kit, Wire};
use crate::config::{self, PasswordPlace};

/// The longest that a connection may take to be open.
const CONNECTING_MAX: Duration = Duration::from_secs(10);
/// Seconds between signs of life, unless the URL says otherwise: a dead network is noticed after twice as long.
const HEARTBEAT_SECONDS: u16 = 15;
/// The longest that a goodbye may take.
const CLOSING_MAX: Duration = Duration::from_secs(2);
/// As whom to connect where nobody is named: RabbitMQ's own default, for its own machine.
const GUEST: &str = "guest";

/// Why a broker cannot be used as it is configured.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// Where it is makes no sense.
    #[error(
        "the broker `{broker}`: `{url}` is no address of the form `amqp://HOST:PORT/VIRTUAL-HOST`: {why}"
    )]
    Address {
        /// The broker.
        broker: String,
        /// What was written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is nowhere.
    #[error("the broker `{0}` has no `urls`")]
    Nowhere(String),
    /// A password stands where everybody reads it.
    #[error(
        "the broker `{0}`: a password does not belong into `urls`; put it into a file and name that by \
         `password_file`, or name a variable of the environment by `password_variable`"
    )]
    OpenPassword(String),
    /// There is no password.
    #[error("the broker `{broker}`: the password cannot be used: {why}")]
    Password {
        /// The broker.
        broker: String,
        /// Why.
        why: String,
    },
    /// No authority of certificates.
    #[error("the broker `{broker}`: whom to trust is not known: {why}")]
    Authorities {
        /// The broker.
        broker: String,
        /// Why.
        why: String,
    },
}

/// A broker.
pub struct Broker {
    /// Its name.
    pub name: String,
    nodes: Vec<AMQPUri>,
    /// Where the password is; nowhere: it is the guest's. It is read whenever a connection is made, so that it may change.
    password: Option<PasswordPlace>,
    tls: Option<TlsConnector>,
    /// How often a node was tried.
    turns: AtomicUsize,
}

impl Broker {
    /// A broker that is yet to be connected to.
    pub fn new(configured: &config::Broker) -> Result<Self, BrokerError> {
        let name = configured.name.clone();
        let nodes: Vec<AMQPUri> =
            configured.urls.iter().map(|url| node(configured, url)).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(BrokerError::Nowhere(name));
        }
        let password =
            PasswordPlace::of(configured.password_file.as_ref(), configured.password_variable.as_ref());
        read(password.as_ref()).map_err(|why| BrokerError::Password { broker: name.clone(), why })?;
        let encrypted = nodes.iter().any(|node| node.scheme == AMQPScheme::AMQPS);
        let tls = encrypted
            .then(|| trust::connector(configured.authorities.as_deref()))
            .transpose()
            .map_err(|why| BrokerError::Authorities { broker: name.clone(), why })?;
        Ok(Self { name, nodes, password, tls, turns: AtomicUsize::new(0) })
    }

    /// Connects to a node; to another one than the last time, where there are several.
    pub async fn connect(&self, purpose: &str) -> Result<Connection, Fault> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let node = turn.checked_rem(self.nodes.len()).and_then(|index| self.nodes.get(index));
        let mut node = node.cloned().ok_or_else(|| Fault::passing("there is no node"))?;
        node.authority.userinfo.password = read(self.password.as_ref()).map_err(Fault::passing)?;
        let (user, virtual_host) = (node.authority.userinfo.username.clone(), node.vhost.clone());
        let place = format!("{}:{}", node.authority.host, node.authority.port);
        let encrypted = node.scheme == AMQPScheme::AMQPS;
        let opening = tokio::time::timeout(CONNECTING_MAX, self.open(node, purpose)).await;
        match opening {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Fault::connecting(
                &error,
                Attempt { place: &place, user: &user, virtual_host: &virtual_host, encrypted },
            )),
            Err(_) => Err(Fault::lasting(
                format!("{place} does not answer"),
                "see whether it is a broker, whether it is overloaded, and the network",
            )),
        }
    }

    async fn open(&self, node: AMQPUri, purpose: &str) -> lapin::Result<Connection> {
        let tls = self.tls.clone();
        let opened = Arc::new(AtomicBool::new(false));
        let is_open = opened.clone();
        let connect = async move |node: AMQPUri, _: Runtime<Kit>| {
            let tls = tls.clone().filter(|_| node.scheme == AMQPScheme::AMQPS);
            let wire = Wire::open(&node.authority.host, node.authority.port, tls).await?;
            Ok(AsyncTcpStream::Plain(wire.opened_within(CONNECTING_MAX, is_open.clone())))
        };
        let properties =
            ConnectionProperties::default().with_connection_name(format!("aquariumd {purpose}").into());
        let connection =
            Connection::connector(node, Runtime::new(Kit::current()), connect, properties).await?;
        opened.store(true, Ordering::Relaxed);
        Ok(connection)
    }
}

fn read(password: Option<&PasswordPlace>) -> Result<String, String> {
    password.map_or_else(|| Ok(GUEST.to_owned()), PasswordPlace::read)
}

/// A node by its URL, and as whom to connect.
fn node(configured: &config::Broker, url: &str) -> Result<AMQPUri, BrokerError> {
    let broker = || configured.name.clone();
    let mut node: AMQPUri = url.parse().map_err(|why: String| {
        let shown = without_secret(url);
        BrokerError::Address { broker: broker(), why: why.replace(url, &shown), url: shown }
    })?;
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        return Err(BrokerError::OpenPassword(broker()));
    }
    if let Some(user) = &configured.user {
        node.authority.userinfo.username.clone_from(user);
    }
    node.query.heartbeat = node.query.heartbeat.or(Some(HEARTBEAT_SECONDS));
    Ok(node)
}

/// A URL as it may be shown: what stands before an `@` may be secret.
fn without_secret(url: &str) -> String {
    url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("...@{rest}"))
}

/// Says goodbye; whoever does not answer is left without.
pub async fn close(connection: Connection) {
    let goodbye = connection.close(200, "goodbye".into());
    // It may be closed already.
    let _ = tokio::time::timeout(CLOSING_MAX, goodbye).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: &str) -> String {
        let configured = serde_yaml::from_str(&format!("{{ name: main, {settings} }}")).unwrap();
        Broker::new(&configured).err().unwrap().to_string()
    }

    #[test]
    fn brokers_that_make_no_sense_are_named_and_secrets_are_not_told() {
        for (settings, said) in [
            ("urls: []", "`main` has no `urls`"),
            ("urls: ['http://localhost']", "is no address of the form"),
            ("urls: ['amqp://localhost:x@y:z']", "`...@y:z` is no address"),
            ("urls: ['amqp://meter:hunter2@localhost']", "`password_file`"),
            ("urls: ['amqp://localhost'], password_file: /nonexistent/password", "/nonexistent/password"),
            ("urls: ['amqp://localhost'], password_variable: AQUARIUM_NO_SUCH", "`AQUARIUM_NO_SUCH`"),
            ("urls: ['amqps://localhost'], authorities: /nonexistent/ca.pem", "/nonexistent/ca.pem"),
        ] {
            let refused = refused(settings);
            assert!(refused.contains(said) && refused.contains("`main`"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
