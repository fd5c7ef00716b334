//! Credit events to webhooks: signed, at least once, each user's in their order.
//!
//! A webhook follows the outbox at its own pace from its own cursor, which moves only past what was answered by
//! success. While the event of one user is tried again that user's later ones wait; those of others do not.

mod signature;
mod window;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aquarium_store::derived::{OutboxItem, OutboxPlace};
use hyper::Method;
use hyper::header::HeaderValue;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Address, Call, ClientError};
use crate::clock::Clock;
use crate::outbox::Outbox;
use signature::Secret;
use window::Window;

/// Requests to one webhook at a time.
const REQUESTS_MAX: usize = 8;
/// The longest that one request may take, unless configured otherwise.
const REQUEST_MILLIS_MAX: u64 = 10_000;
/// The wait after the outbox could not be read or the cursor not be written.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// The cursor is written after so many events, and whenever nothing is under way.
const CURSOR_EVERY: u64 = 64;

/// A webhook, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {
    /// What its cursor is kept under: another name begins at the start of the outbox.
    pub name: String,
    /// Where credit events are posted.
    pub url: String,
    /// The file of the key that signs them.
    pub secret_file: PathBuf,
    /// The certificates of authorities that vouch for an `https:` address; not given: those that the system trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The longest that one request may take.
    #[serde(default = "request_millis_max")]
    pub request_millis_max: u64,
}

fn request_millis_max() -> u64 {
    REQUEST_MILLIS_MAX
}

/// Why a webhook cannot be used.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// Where it is makes no sense.
    #[error("the webhook `{name}`: {source}")]
    Address {
        /// The webhook.
        name: String,
        /// What is wrong.
        source: ClientError,
    },
    /// There is no key.
    #[error("the webhook `{name}`: the key `{}` cannot be used: {why}", path.display())]
    Secret {
        /// The webhook.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// A webhook.
pub struct Webhook {
    name: String,
    address: Address,
    secret: Secret,
    outbox: Arc<Outbox>,
    clock: Arc<Clock>,
    patience: Duration,
    /// Up to where it has the outbox.
    done: AtomicU64,
}

impl Webhook {
    /// A webhook that is yet to run.
    pub fn new(
        configured: &Configured,
        outbox: Arc<Outbox>,
        clock: Arc<Clock>,
    ) -> Result<Self, WebhookError> {
        let name = configured.name.clone();
        let address = Address::read(&configured.url, configured.ca_file.as_deref())
            .map_err(|source| WebhookError::Address { name: name.clone(), source })?;
        let secret = Secret::read(&configured.secret_file).map_err(|why| WebhookError::Secret {
            name: name.clone(),
            path: configured.secret_file.clone(),
            why,
        })?;
        let patience = Duration::from_millis(configured.request_millis_max);
        Ok(Self { name, address, secret, outbox, clock, patience, done: AtomicU64::new(0) })
    }

    /// How many credit events it does not have yet; 0 where another node delivers them.
    pub fn lag(&self) -> u64 {
        if !self.outbox.is_here() {
            return 0;
        }
        self.outbox.end().borrow().0.saturating_sub(self.done.load(Ordering::Relaxed))
    }

    /// The name under which the cursor is kept.
    pub fn publisher(&self) -> String {
        format!("webhook-{}", self.name)
    }

    /// Delivers, on one node at a time, until nothing more is to be delivered.
    pub async fn run(self: Arc<Self>) {
        self.outbox.publish_here(|| self.clone().deliver()).await;
    }

    async fn deliver(self: Arc<Self>) {
        let Some(start) = self.start().await else { return };
        self.done.store(start.0, Ordering::Relaxed);
        let mut delivery = Delivery {
            window: Window::new(start),
            under_way: JoinSet::new(),
            written: start,
            webhook: self.clone(),
        };
        let mut end = self.outbox.end();
        loop {
            end.mark_unchanged();
            delivery.fill().await;
            delivery.begin();
            let retry = delivery.window.next_retry();
            tokio::select! {
                () = self.outbox.stopped() => break,
                Some(done) = delivery.under_way.join_next() => delivery.note(done.ok()).await,
                moved = end.changed(), if delivery.window.has_room() => if moved.is_err() { break },
                () = sleep_until(retry) => {}
            }
        }
        delivery.write_cursor().await;
    }

    async fn start(&self) -> Option<OutboxPlace> {
        loop {
            match self.outbox.published(&self.publisher()).await {
                Ok(place) => return Some(place),
                Err(error) => tracing::error!(webhook = self.name, %error, "its cursor cannot be read"),
            }
            tokio::select! {
                () = self.outbox.stopped() => return None,
                () = tokio::time::sleep(STORE_RETRY) => {}
            }
        }
    }

    async fn post(&self, item: &OutboxItem) -> Result<(), String> {
        let body = item.announcement.body.clone();
        let signature = self.secret.sign(self.clock.now(), &body);
        let call = Call {
            method: Method::POST,
            content_type: HeaderValue::from_static("application/json"),
            headers: vec![(signature::HEADER, signature)],
            body,
            patience: self.patience,
        };
        match self.address.send(call).await {
            Ok(reply) if reply.is_success() => Ok(()),
            Ok(reply) => Err(format!("it was answered by {}", reply.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// What became of one attempt.
struct Attempt {
    place: OutboxPlace,
    outcome: Result<(), String>,
}

/// Events on their way to one webhook.
struct Delivery {
    webhook: Arc<Webhook>,
    window: Window,
    under_way: JoinSet<Attempt>,
    written: OutboxPlace,
}

impl Delivery {
    /// Takes in what the outbox has and the window has room for.
    async fn fill(&mut self) {
        while let Some((after, room)) = self.window.room() {
            match self.webhook.outbox.after(after, room).await {
                Ok(items) if items.is_empty() => return,
                Ok(items) => items.into_iter().for_each(|item| self.window.push(item)),
                Err(error) => {
                    tracing::error!(webhook = self.webhook.name, %error, "the outbox cannot be read");
                    tokio::time::sleep(STORE_RETRY).await;
                    return;
                }
            }
        }
    }

    /// Sends what may be sent now.
    fn begin(&mut self) {
        let free = REQUESTS_MAX.saturating_sub(self.under_way.len());
        for item in self.window.begin(Instant::now(), free) {
            let webhook = self.webhook.clone();
            self.under_way.spawn(async move {
                let outcome = webhook.post(&item).await;
                Attempt { place: item.place, outcome }
            });
        }
    }

    async fn note(&mut self, attempt: Option<Attempt>) {
        let Some(Attempt { place, outcome }) = attempt else { return };
        match outcome {
            Ok(()) => self.window.delivered(place),
            Err(why) => {
                let attempts = self.window.failed(place, Instant::now(), fastrand::f64);
                let webhook = &self.webhook.name;
                tracing::warn!(webhook, place = place.0, attempts, why, "a credit event is sent again later");
            }
        }
        self.webhook.done.store(self.window.done_up_to().0, Ordering::Relaxed);
        let ahead = self.window.done_up_to().0.saturating_sub(self.written.0);
        if ahead >= CURSOR_EVERY || (ahead > 0 && self.under_way.is_empty()) {
            self.write_cursor().await;
        }
    }

    async fn write_cursor(&mut self) {
        let done = self.window.done_up_to();
        if done == self.written {
            return;
        }
        match self.webhook.outbox.publish(&self.webhook.publisher(), done).await {
            Ok(()) => self.written = done,
            Err(error) => {
                tracing::error!(webhook = self.webhook.name, %error, "its cursor cannot be written");
            }
        }
    }
}
