//! A client of the broker that waits for everything it asks.

use std::time::{Duration, Instant};

use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use tokio::runtime::Runtime;
use tokio_stream::StreamExt;

/// The longest that a broker may take to confirm: one that was just started may never do.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(20);

/// As the daemon does it.
const PREFETCH: u16 = 2_000;
/// Messages that are acknowledged together.
const ACKNOWLEDGED_TOGETHER: usize = 500;

/// A connection with one channel.
pub struct Client {
    runtime: Runtime,
    connection: Connection,
    channel: Channel,
}

/// A broker that has not answered by then does not know of the connection.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The longest that it takes until all that is published is confirmed: brokers are killed and started meanwhile.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(300);

/// Whoever publishes until it is confirmed, at whichever of some brokers lets it.
pub struct Producer {
    ports: Vec<u16>,
    exchange: String,
    client: Option<Client>,
    turn: usize,
}

impl Producer {
    /// One that has published nothing yet.
    pub fn to(ports: &[u16], exchange: &str) -> Self {
        Self { ports: ports.to_vec(), exchange: exchange.to_owned(), client: None, turn: 0 }
    }

    /// Publishes events, an event a message, until each is confirmed.
    pub fn publish(&mut self, events: &[String]) {
        let (begun, mut confirmed) = (Instant::now(), 0);
        while confirmed < events.len() {
            assert!(begun.elapsed() < PUBLISHED_WITHIN, "not confirmed within {PUBLISHED_WITHIN:?}");
            if self.client.is_none() {
                self.client = Client::connect(self.ports[self.turn % self.ports.len()]);
                self.turn += 1;
            }
            let rest = events[confirmed..].iter().cloned().map(Message::json);
            confirmed += self.client.as_ref().map_or(0, |client| client.publish(&self.exchange, rest));
            if confirmed < events.len() {
                self.client = None;
            }
        }
    }
}

/// A message.
pub struct Message {
    pub key: &'static str,
    pub content_type: &'static str,
    pub content_encoding: &'static str,
    pub body: Vec<u8>,
}

impl Message {
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::of_type("application/json", body)
    }

    pub fn of_type(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { key: "events.test", content_type, content_encoding: "", body: body.into() }
    }
}

impl Client {
    /// Connects; `None` where nobody answers as a broker does.
    pub fn connect(port: u16) -> Option<Self> {
        let runtime = Runtime::new().unwrap();
        let opened = async {
            let url = format!("amqp://127.0.0.1:{port}");
            let connection = Connection::connect(&url, ConnectionProperties::default()).await.ok()?;
            let channel = connection.create_channel().await.ok()?;
            channel.confirm_select(ConfirmSelectOptions::default()).await.ok()?;
            Some((connection, channel))
        };
        // A broker that is on its way up may take a connection and never answer on it.
        let opened = runtime.block_on(async { tokio::time::timeout(ANSWERS_WITHIN, opened).await.ok()? });
        let (connection, channel) = opened?;
        Some(Self { runtime, connection, channel })
    }

    /// Makes an exchange and a quorum queue that takes everything from it.
    pub fn declare(&self, exchange: &str, queue: &str) {
        self.declare_of("quorum", exchange, queue);
    }

    /// Makes an exchange and a queue that outlives a broker that is killed: on a single node of RabbitMQ 3.10 quorum
    /// queues do not always. One that is asked for something before it has elected itself leader may never do so.
    pub fn declare_lasting(&self, exchange: &str, queue: &str) {
        self.declare_of("classic", exchange, queue);
    }

    fn declare_of(&self, kind: &str, exchange: &str, queue: &str) {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        self.runtime.block_on(async {
            let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let none = FieldTable::default;
            let (exchange, queue) = (|| exchange.into(), || queue.into());
            self.channel.exchange_declare(exchange(), ExchangeKind::Topic, options, none()).await.unwrap();
            self.channel.queue_declare(queue(), durable, arguments).await.unwrap();
            let binding =
                self.channel.queue_bind(queue(), exchange(), "#".into(), QueueBindOptions::default(), none());
            binding.await.unwrap();
        });
    }

    /// Publishes, persistently, and waits until all is confirmed; gives how many were, from the first on.
    pub fn publish(&self, exchange: &str, messages: impl IntoIterator<Item = Message>) -> usize {
        self.runtime.block_on(async {
            let mut confirmations = Vec::new();
            for message in messages {
                let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
                let mut properties = BasicProperties::default()
                    .with_delivery_mode(2)
                    .with_content_encoding(message.content_encoding.into());
                if !message.content_type.is_empty() {
                    properties = properties.with_content_type(message.content_type.into());
                }
                let (exchange, key) = (exchange.into(), message.key.into());
                let publish = self.channel.basic_publish(exchange, key, options, &message.body, properties);
                let Ok(confirmation) = publish.await else { break };
                confirmations.push(confirmation);
            }
            let mut confirmed = 0;
            for confirmation in confirmations {
                let Ok(Ok(answer)) = tokio::time::timeout(CONFIRMED_WITHIN, confirmation).await else {
                    break;
                };
                if !answer.is_ack() || answer.take_message().is_some() {
                    break;
                }
                confirmed += 1;
            }
            confirmed
        })
    }

    /// Messages that wait in a queue.
    pub fn waiting(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), passive, FieldTable::default());
        self.runtime.block_on(queue).unwrap().message_count()
    }

    /// Whether a queue has a leader that gives messages away; what it gives goes back with the connection.
    pub fn is_led(&self, queue: &str) -> bool {
        self.runtime.block_on(self.channel.basic_get(queue.into(), BasicGetOptions::default())).is_ok()
    }

    /// Takes a message from a queue.
    pub fn take(&self, queue: &str) -> Option<Delivery> {
        self.runtime.block_on(async {
            let taken = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()?;
            taken.delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
            Some(taken.delivery)
        })
    }

    /// Takes messages and acknowledges them, many at a time, and does nothing else with them.
    pub fn consume(&self, queue: &str, count: usize) {
        self.runtime.block_on(async {
            let channel = self.connection.create_channel().await.unwrap();
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
            let options = BasicConsumeOptions::default();
            let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
            let mut consumer = consumer.await.unwrap();
            for number in 1..=count {
                let tag = consumer.next().await.unwrap().unwrap().delivery_tag;
                if number % ACKNOWLEDGED_TOGETHER == 0 || number == count {
                    channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.unwrap();
                }
            }
            channel.close(200, "done".into()).await.unwrap();
        });
    }

    /// Removes a queue.
    pub fn delete(&self, queue: &str) {
        let delete = self.channel.queue_delete(queue.into(), QueueDeleteOptions::default());
        self.runtime.block_on(delete).unwrap();
    }
}
