//! Message brokers: events come in, credit events go out. AMQP 0-9-1, as RabbitMQ speaks it.
//!
//! Each source and each publisher is a component of its own with a connection of its own: what is wrong with one
//! concerns no other. Everything that knows of AMQP is in this module.

mod backoff;
mod broker;
mod declare;
mod fault;
mod link;
mod message;
mod publisher;
mod route;
mod source;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::config::Configuration;
use crate::outbox::Outbox;
use broker::{Broker, BrokerError};
pub use link::Link;
pub use publisher::Publisher;
use route::{Route, RouteError};
pub use source::Source;

/// Why brokers cannot be used as they are configured.
#[derive(Debug, Error)]
pub enum QueueError {
    /// A broker makes no sense.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A route makes no sense.
    #[error("`{route}` says not where messages go: {source}")]
    Route {
        /// What was written.
        route: String,
        /// What is wrong with it.
        source: RouteError,
    },
    /// A source without a queue.
    #[error("the source `{0}` names no queue: write it as `exchange:routing.key:queue`")]
    NoQueue(String),
    /// Two of one name.
    #[error("there are two of the name `{0}`")]
    Twice(String),
    /// A broker that is not there.
    #[error("the credit events `{name}` go to the broker `{broker}`, which is not configured")]
    UnknownBroker {
        /// The credit events.
        name: String,
        /// The broker.
        broker: String,
    },
}

/// All sources and publishers of a daemon.
#[derive(Default)]
pub struct Links {
    /// Where events come from.
    pub sources: Vec<Arc<Source>>,
    /// Where credit events go.
    pub publishers: Vec<Arc<Publisher>>,
}

impl Links {
    /// What is configured, yet to run; `outbox` gives a publisher its own.
    pub fn new(
        configuration: &Configuration,
        outbox: &dyn Fn(&str) -> Arc<Outbox>,
    ) -> Result<Self, QueueError> {
        let mut links = Self::default();
        let mut brokers: BTreeMap<&str, Arc<Broker>> = BTreeMap::new();
        for configured in &configuration.brokers {
            let broker = Arc::new(Broker::new(configured)?);
            for source in &configured.sources {
                let route = read_route(&source.from)?;
                let queue = route.queue.clone().ok_or_else(|| QueueError::NoQueue(source.from.clone()))?;
                links.sources.push(Arc::new(Source::new(source, route, queue, &broker)));
            }
            if brokers.insert(&configured.name, broker).is_some() {
                return Err(QueueError::Twice(configured.name.clone()));
            }
        }
        for configured in &configuration.credit_events.queues {
            let (name, broker) = (&configured.name, &configured.broker);
            let broker = brokers
                .get(broker.as_str())
                .ok_or_else(|| QueueError::UnknownBroker { name: name.clone(), broker: broker.clone() })?;
            let route = read_route(&configured.to)?;
            links.publishers.push(Arc::new(Publisher::new(name, route, broker, outbox(name))));
        }
        links.checked()
    }

    fn checked(self) -> Result<Self, QueueError> {
        let mut names = BTreeSet::new();
        let twice = self.all().find(|link| !names.insert(&link.name)).map(|link| link.name.clone());
        twice.map_or(Ok(self), |name| Err(QueueError::Twice(name)))
    }

    /// The links of all of them.
    pub fn all(&self) -> impl Iterator<Item = &Link> {
        let publishers = self.publishers.iter().map(|publisher| &publisher.link);
        self.sources.iter().map(|source| &source.link).chain(publishers)
    }
}

fn read_route(text: &str) -> Result<Route, QueueError> {
    text.parse().map_err(|source| QueueError::Route { route: text.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        for (settings, said) in [
            ("brokers: [{ name: a, urls: ['amqp://h'], sources: ['queue'] }]", "`queue` says not where"),
            ("brokers: [{ name: a, urls: ['amqp://h'], sources: ['e:k'] }]", "`e:k` names no queue"),
            ("brokers: [{ name: a, urls: ['amqp://h'], sources: ['e:k:q', 'e:k:q'] }]", "`source-a/e:k:q`"),
            ("brokers: [{ name: a, urls: ['amqp://h'] }, { name: a, urls: ['amqp://i'] }]", "`a`"),
            (
                "credit_events: { queues: [{ name: crm, broker: a, to: 'e:k' }] }",
                "the broker `a`, which is not",
            ),
        ] {
            let configuration: Configuration = serde_yaml::from_str(settings).unwrap();
            let directory = tempfile::tempdir().unwrap();
            let derived = crate::derived::open(directory.path(), 1, aquarium_store::Position(0)).unwrap();
            let outbox = Arc::new(Outbox::new(Arc::new(derived)));
            let refused = Links::new(&configuration, &|_| outbox.clone()).err().unwrap();
            assert!(refused.to_string().contains(said), "{refused}");
        }
    }
}
