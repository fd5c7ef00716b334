//! Credit events to a broker: persistent, confirmed, at least once, in the order of the outbox.
//!
//! The cursor moves past what the broker has confirmed, and past nothing else. After a failure everything from the
//! cursor on is sent again: consumers know by `sequence` what they have.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aquarium_store::derived::{OutboxItem, OutboxPlace};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, PublisherConfirm};
use serde::Deserialize;
use tokio::time::Instant;

use super::broker::{self, Broker};
use super::declare;
use super::fault::Fault;
use super::link::Link;
use super::route::Route;
use crate::outbox::Outbox;

/// Messages that are on their way unconfirmed.
const WINDOW: usize = 1_024;
/// The cursor is written after so many events, and whenever nothing is under way.
const CURSOR_EVERY: u64 = 256;
/// AMQP's word for a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// How often it is looked whether the broker lets us publish.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// A broker that confirms nothing for so long, and does not say that it has no room, is asked again: one that was
/// just started forgets what it was sent before its queues were there.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);
/// The longest that a stop waits for confirmations of what is under way.
const LAST_CONFIRMATIONS_MAX: Duration = Duration::from_secs(2);

/// A publisher of credit events.
pub struct Publisher {
    /// The link to its broker.
    pub link: Link,
    route: Route,
    outbox: Arc<Outbox>,
    /// Up to where the broker has the outbox.
    done: AtomicU64,
    /// Up to where it is sent.
    sent: AtomicU64,
}

/// Credit events on their way.
struct Flight {
    unconfirmed: VecDeque<(OutboxPlace, PublisherConfirm)>,
    /// The last that was sent.
    sent: OutboxPlace,
    /// The last before which all are confirmed.
    confirmed: OutboxPlace,
    /// The cursor.
    written: OutboxPlace,
}

/// What a message needs of a credit event.
#[derive(Deserialize)]
struct Identity {
    id: String,
}

impl Publisher {
    /// A publisher that is yet to run.
    pub fn new(name: &str, route: Route, broker: &Arc<Broker>, outbox: Arc<Outbox>) -> Self {
        let link = Link::new(format!("queue-{name}"), broker.clone());
        Self { link, route, outbox, done: AtomicU64::new(0), sent: AtomicU64::new(0) }
    }

    /// How many credit events the broker does not have yet; 0 where another node publishes them.
    pub fn lag(&self) -> u64 {
        if !self.outbox.is_here() {
            return 0;
        }
        self.outbox.end().borrow().0.saturating_sub(self.done.load(Ordering::Relaxed))
    }

    /// Publishes, on one node at a time, until nothing more is to be published.
    pub async fn run(self: Arc<Self>) {
        self.outbox.publish_here(|| self.link.keep(self.outbox.stopped(), || self.session())).await;
    }

    async fn session(&self) -> Result<(), Fault> {
        let start = self.outbox.published(&self.link.name).await;
        let start = start.map_err(|error| Fault::passing(format!("the cursor cannot be read: {error}")))?;
        self.done.store(start.0, Ordering::Relaxed);
        self.sent.store(start.0, Ordering::Relaxed);
        let Some(connection) = self.link.connect(self.outbox.stopped()).await? else { return Ok(()) };
        let mut flight = Flight::new(start);
        let outcome = self.publish_all(&connection, &mut flight).await;
        let written = self.write_cursor(&mut flight).await;
        broker::close(connection).await;
        outcome.and(written)
    }

    async fn publish_all(&self, connection: &Connection, flight: &mut Flight) -> Result<(), Fault> {
        let what = self.what();
        let opened = tokio::select! {
            opened = declare::in_time(self.open(connection), &what) => opened?,
            () = self.outbox.stopped() => return Ok(()),
        };
        tokio::select! {
            outcome = self.pump(&opened, flight) => outcome?,
            fault = self.watch(connection) => return Err(fault),
            () = self.outbox.stopped() => {}
        }
        let rest = async {
            while !flight.unconfirmed.is_empty() {
                flight.next_confirmed().await?;
            }
            Ok(())
        };
        // What is not confirmed by then is sent again by the next one to run.
        tokio::time::timeout(LAST_CONFIRMATIONS_MAX, rest).await.unwrap_or(Ok(()))
    }

    /// Sends and takes confirmations in. While the broker takes nothing it stands still in the midst of sending.
    async fn pump(&self, channel: &Channel, flight: &mut Flight) -> Result<(), Fault> {
        let mut end = self.outbox.end();
        loop {
            end.mark_unchanged();
            self.send(channel, flight).await?;
            let room = flight.has_room();
            tokio::select! {
                confirmed = flight.next_confirmed() => self.note(confirmed?, flight).await?,
                moved = end.changed(), if room => if moved.is_err() { return Ok(()) },
            }
        }
    }

    /// Says so where the broker takes nothing because it has no room, and gives up where it just does not answer.
    async fn watch(&self, connection: &Connection) -> Fault {
        let mut looked = tokio::time::interval(LOOKED_EVERY);
        let (mut known, mut since) = (self.done.load(Ordering::Relaxed), Instant::now());
        loop {
            looked.tick().await;
            let (done, sent) = (self.done.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
            let blocked = connection.status().blocked();
            self.link.set_blocked(blocked);
            if blocked {
                self.link.trouble(
                    "the broker takes no messages: it is short of memory or disk; see `rabbitmqctl status` and make room",
                );
            }
            if blocked || done != known || sent <= done {
                (known, since) = (done, Instant::now());
            } else if since.elapsed() >= CONFIRMED_WITHIN {
                return Fault::passing("the broker does not confirm what it was sent");
            }
        }
    }

    async fn open(&self, connection: &Connection) -> Result<Channel, Fault> {
        let channel = declare::route(connection, &self.route).await?;
        let selected = channel.confirm_select(ConfirmSelectOptions::default()).await;
        selected.map_err(declare::words(&self.what()))?;
        self.link.established();
        Ok(channel)
    }

    fn what(&self) -> String {
        format!("the exchange `{}`", self.route.exchange)
    }

    /// Sends what the outbox has and there is room for.
    async fn send(&self, channel: &Channel, flight: &mut Flight) -> Result<(), Fault> {
        while flight.has_room() {
            let room = WINDOW.saturating_sub(flight.unconfirmed.len());
            let items = self.outbox.after(flight.sent, room).await;
            let items =
                items.map_err(|error| Fault::passing(format!("the outbox cannot be read: {error}")))?;
            if items.is_empty() {
                return Ok(());
            }
            for item in items {
                let place = item.place;
                self.sent.store(place.0, Ordering::Relaxed);
                let confirm = self.publish(channel, item).await.map_err(declare::words(&self.what()))?;
                flight.unconfirmed.push_back((place, confirm));
                flight.sent = place;
            }
        }
        Ok(())
    }

    async fn publish(&self, channel: &Channel, item: OutboxItem) -> lapin::Result<PublisherConfirm> {
        let body = item.announcement.body;
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_type("credit-event".into())
            .with_app_id("aquarium".into());
        if let Ok(Identity { id }) = serde_json::from_slice(&body) {
            properties = properties.with_message_id(id.into());
        }
        let (exchange, key) = match (&self.route.queue, self.route.exchange.is_empty()) {
            // The nameless exchange of AMQP sends to the queue of the name.
            (Some(queue), true) => ("", queue.as_str()),
            _ => (self.route.exchange.as_str(), self.route.routing_key.as_str()),
        };
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        channel.basic_publish(exchange.into(), key.into(), options, &body, properties).await
    }

    async fn note(&self, confirmed: OutboxPlace, flight: &mut Flight) -> Result<(), Fault> {
        self.link.recovered();
        self.done.store(confirmed.0, Ordering::Relaxed);
        let ahead = confirmed.0.saturating_sub(flight.written.0);
        if ahead >= CURSOR_EVERY || flight.unconfirmed.is_empty() {
            return self.write_cursor(flight).await;
        }
        Ok(())
    }

    async fn write_cursor(&self, flight: &mut Flight) -> Result<(), Fault> {
        if flight.confirmed == flight.written {
            return Ok(());
        }
        let written = self.outbox.publish(&self.link.name, flight.confirmed).await;
        written.map_err(|error| Fault::passing(format!("the cursor cannot be written: {error}")))?;
        flight.written = flight.confirmed;
        Ok(())
    }
}

impl Flight {
    /// Nothing is under way; everything up to a place was confirmed before.
    fn new(start: OutboxPlace) -> Self {
        Self { unconfirmed: VecDeque::new(), sent: start, confirmed: start, written: start }
    }

    /// Whether it is worth while to read more from the outbox.
    fn has_room(&self) -> bool {
        self.unconfirmed.len() <= WINDOW / 2
    }

    /// Waits for the confirmation of the first that has none; for ever where there is none.
    async fn next_confirmed(&mut self) -> Result<OutboxPlace, Fault> {
        let Some((place, confirm)) = self.unconfirmed.front_mut() else {
            return std::future::pending().await;
        };
        let place = *place;
        let confirmation = confirm.await.map_err(|error| Fault::working(&error, "the exchange"))?;
        let _ = self.unconfirmed.pop_front();
        match confirmation {
            Confirmation::Ack(None) => {}
            Confirmation::Ack(Some(_)) => {
                return Err(Fault::lasting(
                    "the broker has no queue that takes credit events",
                    "bind one, or name one in `to`: `exchange:routing.key:queue`",
                ));
            }
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                return Err(Fault::passing("the broker did not take a credit event"));
            }
        }
        self.confirmed = place;
        Ok(place)
    }
}
