//! A queue of events: read in groups, stored, and acknowledged once they are durable.
//!
//! While one group is made durable the next one is read. What was not acknowledged when a connection breaks comes
//! again; the log knows it by its id.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::sync::{mpsc, watch};
use tokio_stream::{Stream, StreamExt};

use super::broker::{self, Broker};
use super::declare;
use super::fault::Fault;
use super::link::Link;
use super::message::{self, Message};
use super::route::Route;
use crate::clients::Clients;
use crate::config;
use crate::daemon::Daemon;
use crate::ingest::{Answer, Batch, IngestError, NotStored, Outcome};
use crate::threads;

/// A group ends at so many bytes.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Groups in the time of one prefetch: while one is stored and one is read the broker goes on sending.
const GROUPS_IN_PREFETCH: u16 = 4;
/// Groups up to here are read on the spot; larger ones on a thread that may take its time.
const SMALL_GROUP_BYTES: usize = 16 << 10;
/// The wait before what the log did not take is offered again.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How often the broker is asked how many messages wait.
const MEASURED_EVERY: Duration = Duration::from_secs(2);

/// A source of events.
pub struct Source {
    /// The link to its broker.
    pub link: Link,
    queue: String,
    route: Route,
    clients: Clients,
    prefetch: u16,
    stopped: watch::Sender<bool>,
    counts: Counts,
}

/// What can be counted of a source.
#[derive(Default)]
struct Counts {
    received: AtomicU64,
    redelivered: AtomicU64,
    waiting: AtomicU64,
    held: AtomicU64,
}

/// Messages that are acknowledged together.
struct Group {
    batch: Batch,
    messages: u64,
    /// The number of the last one.
    tag: u64,
}

/// Messages as they came.
#[derive(Default)]
struct Gathered {
    messages: Vec<Message>,
    bytes: usize,
    tag: u64,
    /// Nothing comes after them, and why.
    end: Option<Fault>,
}

impl Source {
    /// A source that is yet to be read from; `queue` is that of the route.
    pub fn new(configured: &config::Source, route: Route, queue: String, broker: &Arc<Broker>) -> Self {
        Self {
            link: Link::new(format!("source-{}/{route}", broker.name), broker.clone()),
            queue,
            route,
            clients: Clients::bound_to(configured.clients.as_deref()),
            prefetch: configured.prefetch.max(1),
            stopped: watch::Sender::new(false),
            counts: Counts::default(),
        }
    }

    /// Reads until told to stop.
    pub async fn run(self: Arc<Self>, daemon: Arc<Daemon>) {
        self.link.keep(self.stopped(), || self.session(&daemon)).await;
    }

    /// Tells it to store what it has read, to acknowledge that, and to read nothing more.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    async fn stopped(&self) {
        // The sender is this source's own.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Messages that came, and those of them that had come before.
    pub fn received(&self) -> (u64, u64) {
        (self.counts.received.load(Ordering::Relaxed), self.counts.redelivered.load(Ordering::Relaxed))
    }

    /// Messages that wait in the queue, as far as is known, or are not acknowledged.
    pub fn lag(&self) -> u64 {
        self.counts.waiting.load(Ordering::Relaxed) + self.held()
    }

    /// Messages that are here and not acknowledged.
    pub fn held(&self) -> u64 {
        self.counts.held.load(Ordering::Relaxed)
    }

    async fn session(&self, daemon: &Arc<Daemon>) -> Result<(), Fault> {
        let Some(connection) = self.link.connect(self.stopped()).await? else { return Ok(()) };
        let what = self.what();
        let outcome = tokio::select! {
            opened = declare::in_time(self.open(&connection), &what) => opened.map(Some),
            () = self.stopped() => Ok(None),
        };
        let outcome = match outcome {
            Ok(Some((channel, consumer))) => self.work(&connection, &channel, consumer, daemon).await,
            Ok(None) => Ok(()),
            Err(fault) => Err(fault),
        };
        broker::close(connection).await;
        self.counts.held.store(0, Ordering::Relaxed);
        outcome
    }

    async fn open(&self, connection: &Connection) -> Result<(Channel, Consumer), Fault> {
        let channel = declare::route(connection, &self.route).await?;
        let what = self.what();
        let words = declare::words(&what);
        channel.basic_qos(self.prefetch, BasicQosOptions::default()).await.map_err(&words)?;
        let consumer = channel.basic_consume(
            self.queue.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consumer.await.map_err(&words)?;
        self.link.established();
        Ok((channel, consumer))
    }

    fn what(&self) -> String {
        format!("the queue `{}`", self.queue)
    }

    async fn work(
        &self,
        connection: &Connection,
        channel: &Channel,
        consumer: Consumer,
        daemon: &Arc<Daemon>,
    ) -> Result<(), Fault> {
        let (sender, receiver) = mpsc::channel(1);
        let work = async {
            let (gathered, stored) =
                tokio::join!(self.gather(consumer, sender, daemon), self.store(channel, receiver, daemon));
            gathered.and(stored)
        };
        tokio::select! {
            outcome = work => outcome,
            () = self.measure(connection) => Ok(()),
        }
    }

    /// Reads messages, as many at a time as are there already.
    async fn gather(
        &self,
        mut consumer: Consumer,
        groups: mpsc::Sender<Group>,
        daemon: &Arc<Daemon>,
    ) -> Result<(), Fault> {
        let messages_max = usize::from((self.prefetch / GROUPS_IN_PREFETCH).max(1));
        loop {
            let first = tokio::select! {
                biased;
                () = self.stopped() => return Ok(()),
                () = groups.closed() => return Ok(()),
                next = consumer.next() => next,
            };
            let mut gathered = Gathered::default();
            self.take(&mut gathered, first);
            while gathered.end.is_none() && gathered.has_room(messages_max) {
                let Some(next) = at_hand(&mut consumer).await else { break };
                self.take(&mut gathered, next);
            }
            let end = gathered.end.take();
            if let Some(group) = self.read(gathered, daemon).await?
                && groups.send(group).await.is_err()
            {
                return Ok(());
            }
            if let Some(fault) = end {
                return Err(fault);
            }
        }
    }

    fn take(&self, gathered: &mut Gathered, next: Option<lapin::Result<Delivery>>) {
        match next {
            Some(Ok(delivery)) => {
                self.counts.received.fetch_add(1, Ordering::Relaxed);
                self.counts.redelivered.fetch_add(u64::from(delivery.redelivered), Ordering::Relaxed);
                self.counts.held.fetch_add(1, Ordering::Relaxed);
                gathered.push(delivery);
            }
            Some(Err(error)) => {
                gathered.end = Some(Fault::working(&error, &self.what()));
            }
            None => {
                let what = format!("the queue `{}` was removed, or has moved to another node", self.queue);
                gathered.end = Some(Fault::passing(what));
            }
        }
    }

    async fn read(&self, gathered: Gathered, daemon: &Arc<Daemon>) -> Result<Option<Group>, Fault> {
        let Gathered { messages, bytes, tag, .. } = gathered;
        let count = u64::try_from(messages.len()).unwrap_or(u64::MAX);
        let batch = if bytes <= SMALL_GROUP_BYTES {
            message::read(daemon, &self.clients, messages)
        } else {
            let (daemon, clients) = (daemon.clone(), self.clients.clone());
            let read = threads::giving_way(move || message::read(&daemon, &clients, messages));
            read.await.map_err(|_| Fault::passing("messages could not be read"))?
        };
        Ok(batch.map(|batch| Group { batch, messages: count, tag }))
    }

    /// Stores groups and acknowledges them, in order.
    async fn store(
        &self,
        channel: &Channel,
        mut groups: mpsc::Receiver<Group>,
        daemon: &Daemon,
    ) -> Result<(), Fault> {
        while let Some(Group { batch, messages, tag }) = groups.recv().await {
            let Some(answers) = self.submit(batch, daemon).await? else { return Ok(()) };
            self.tell_of_refused(&answers);
            let acknowledged = channel.basic_ack(tag, BasicAckOptions { multiple: true }).await;
            acknowledged.map_err(|error| Fault::working(&error, &self.what()))?;
            // Another connection may have begun to count meanwhile.
            let less = |held: u64| Some(held.saturating_sub(messages));
            let _ = self.counts.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        Ok(())
    }

    /// Offers a batch until the log takes it; `None` when told to stop before.
    async fn submit(&self, mut batch: Batch, daemon: &Daemon) -> Result<Option<Vec<Answer>>, Fault> {
        loop {
            let NotStored { error, batch: returned } = match daemon.ingest.submit_returning(batch).await {
                Ok(answers) => return Ok(Some(answers)),
                Err(refused) => refused,
            };
            let Some(same) = returned.filter(|_| error != IngestError::Stopping) else {
                return Err(Fault::passing(error.to_string()));
            };
            self.link.trouble(&error.to_string());
            batch = same;
            tokio::select! {
                () = self.stopped() => return Ok(None),
                () = tokio::time::sleep(STORE_RETRY) => {}
            }
            self.link.recovered();
        }
    }

    fn tell_of_refused(&self, answers: &[Answer]) {
        let refused = |answer: &&Answer| matches!(answer.result, Outcome::Quarantined | Outcome::Conflict);
        let count = answers.iter().filter(refused).count();
        if let Some(first) = answers.iter().find(refused) {
            let reason = first.reason.map_or("", |reason| reason.as_str());
            let message = first.message.as_deref().unwrap_or_default();
            let (link, id) = (&self.link.name, first.id.as_deref().unwrap_or_default());
            tracing::warn!(
                link,
                count,
                id,
                reason,
                message,
                "messages went to quarantine; this is the first"
            );
        }
    }

    /// Asks again and again how many messages wait. Whoever does not answer has lost the connection, which others
    /// notice.
    async fn measure(&self, connection: &Connection) {
        let Ok(channel) = connection.create_channel().await else { return std::future::pending().await };
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        loop {
            let queue =
                channel.queue_declare(self.queue.as_str().into(), options, FieldTable::default()).await;
            let Ok(queue) = queue else { return std::future::pending().await };
            self.counts.waiting.store(u64::from(queue.message_count()), Ordering::Relaxed);
            tokio::time::sleep(MEASURED_EVERY).await;
        }
    }
}

impl Gathered {
    fn push(&mut self, delivery: Delivery) {
        let text = |property: &lapin::types::ShortString| property.to_string();
        self.tag = delivery.delivery_tag;
        self.bytes += delivery.data.len();
        self.messages.push(Message {
            content_type: delivery.properties.content_type().as_ref().map(text),
            content_encoding: delivery.properties.content_encoding().as_ref().map(text),
            body: delivery.data,
        });
    }

    fn has_room(&self, messages_max: usize) -> bool {
        self.messages.len() < messages_max && self.bytes < GROUP_BYTES_MAX
    }
}

/// What has come already.
async fn at_hand(consumer: &mut Consumer) -> Option<Option<lapin::Result<Delivery>>> {
    let next = |context: &mut std::task::Context<'_>| match Pin::new(&mut *consumer).poll_next(context) {
        Poll::Ready(next) => Poll::Ready(Some(next)),
        Poll::Pending => Poll::Ready(None),
    };
    poll_fn(next).await
}
