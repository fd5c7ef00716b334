//! Declares what is missing: what is there already is used as it is, of whatever kind.

use std::future::Future;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};

use super::fault::Fault;
use super::route::Route;

/// The longest that a broker may take to open what there is to work on. A quorum queue without a leader never answers.
const OPENED_WITHIN: Duration = Duration::from_secs(30);

/// What opens, or a fault where it takes too long.
pub async fn in_time<T>(opening: impl Future<Output = Result<T, Fault>>, what: &str) -> Result<T, Fault> {
    let late = |_| {
        Err(Fault::lasting(
            format!("the broker does not answer about {what}"),
            "see `rabbitmq-queues quorum_status`: a quorum queue needs the majority of its nodes and a leader; where \
             there is a single node restart it",
        ))
    };
    tokio::time::timeout(OPENED_WITHIN, opening).await.unwrap_or_else(late)
}

/// Sees to it that the exchange and the queue of a route are there, and gives a channel to work on.
pub async fn route(connection: &Connection, route: &Route) -> Result<Channel, Fault> {
    if !route.exchange.is_empty() && !has_exchange(connection, &route.exchange).await? {
        let what = format!("the exchange `{}`", route.exchange);
        declare_exchange(&channel(connection).await?, &route.exchange).await.map_err(words(&what))?;
        tracing::info!(exchange = route.exchange, "declared a durable topic exchange");
    }
    let Some(queue) = &route.queue else { return channel(connection).await };
    let what = format!("the queue `{queue}`");
    if !has_queue(connection, queue).await? {
        declare_queue(&channel(connection).await?, queue).await.map_err(words(&what))?;
        tracing::info!(queue, "declared a quorum queue");
    }
    let channel = channel(connection).await?;
    if !route.exchange.is_empty() {
        let (queue, exchange, key) = (&**queue, &*route.exchange, &*route.routing_key);
        let binding = channel.queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        binding.await.map_err(words(&what))?;
    }
    Ok(channel)
}

/// A channel of its own: the broker closes one on which something was refused.
pub async fn channel(connection: &Connection) -> Result<Channel, Fault> {
    connection.create_channel().await.map_err(words("a channel"))
}

/// A fault that names what was worked on.
pub fn words(what: &str) -> impl Fn(lapin::Error) -> Fault {
    move |error| Fault::working(&error, what)
}

async fn has_exchange(connection: &Connection, exchange: &str) -> Result<bool, Fault> {
    let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let channel = channel(connection).await?;
    let found = channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, options, FieldTable::default())
        .await
        .map(|()| true);
    found.or_else(|error| absent(&error, &format!("the exchange `{exchange}`")))
}

async fn has_queue(connection: &Connection, queue: &str) -> Result<bool, Fault> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let channel = channel(connection).await?;
    let found = channel.queue_declare(queue.into(), options, FieldTable::default()).await.map(|_| true);
    found.or_else(|error| absent(&error, &format!("the queue `{queue}`")))
}

fn absent(error: &lapin::Error, what: &str) -> Result<bool, Fault> {
    if Fault::is_missing(error) { Ok(false) } else { Err(Fault::working(error, what)) }
}

async fn declare_exchange(channel: &Channel, exchange: &str) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, FieldTable::default()).await
}

async fn declare_queue(channel: &Channel, queue: &str) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(queue.into(), options, arguments).await.map(|_| ())
}
