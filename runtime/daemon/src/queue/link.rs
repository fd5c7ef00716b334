//! A session with a broker that is begun again whenever it ends, and what others may know of it.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::Connection;
use tokio::time::Instant;

use super::backoff::BackOff;
use super::broker::Broker;
use super::fault::Fault;

/// A session that lasted so long has worked: the next failure is a first one.
const WORKED_AFTER: Duration = Duration::from_secs(5);

/// A link to a broker.
pub struct Link {
    /// What it is called in messages and metrics.
    pub name: String,
    broker: Arc<Broker>,
    connected: AtomicBool,
    connections: AtomicU64,
    blocked: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Link {
    /// A link that is yet to be used.
    pub fn new(name: String, broker: Arc<Broker>) -> Self {
        Self {
            name,
            broker,
            connected: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    /// Holds sessions until one ends well, or until told to stop while it waits for the next.
    pub async fn keep<F: Future<Output = Result<(), Fault>>>(
        &self,
        stopped: impl Future<Output = ()>,
        session: impl Fn() -> F,
    ) {
        let mut stopped = pin!(stopped);
        let mut back_off = BackOff::default();
        loop {
            let begun = Instant::now();
            let outcome = session().await;
            let was_connected = self.connected.swap(false, Ordering::Relaxed);
            self.set_blocked(false);
            let Err(fault) = outcome else { return };
            if was_connected && begun.elapsed() >= WORKED_AFTER {
                back_off.worked();
            }
            let wait = back_off.failed(fastrand::f64());
            self.note(fault.to_string(), wait);
            tokio::select! {
                () = &mut stopped => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Connects, unless told to stop before.
    pub async fn connect(&self, stopped: impl Future<Output = ()>) -> Result<Option<Connection>, Fault> {
        tokio::select! {
            () = stopped => Ok(None),
            connection = self.broker.connect(&self.name) => connection.map(Some),
        }
    }

    /// Everything is as it must be.
    pub fn established(&self) {
        self.connected.store(true, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.recovered();
        tracing::info!(link = self.name, "connected");
    }

    /// Says what is wrong; the same is said once.
    pub fn trouble(&self, what: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_deref() != Some(what) {
            tracing::warn!(link = self.name, what, "a queue does not work as it must");
            *trouble = Some(what.to_owned());
        }
    }

    /// What was wrong is over.
    pub fn recovered(&self) {
        let over = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(what) = over {
            tracing::info!(link = self.name, what, "it is over");
        }
    }

    fn note(&self, what: String, wait: Duration) {
        tracing::debug!(link = self.name, what, ?wait, "tried again later");
        self.trouble(&what);
    }

    /// What is wrong.
    pub fn known_trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is a connection on which all is well.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Notes whether the broker takes messages.
    pub fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// Whether the broker takes no messages, because it has no room for them.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// How often a connection was made.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}
