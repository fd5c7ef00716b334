//! The outbox: credit events in the order in which they were announced, for all who follow them.
//!
//! It is written by the shards, in the transaction of the checkpoint; here it is read, and the places are kept
//! up to where others have it.

use std::sync::Arc;

use aquarium_store::derived::{Batch, Derived, DerivedError, OutboxItem, OutboxPlace};
use tokio::sync::watch;

/// The outbox.
pub struct Outbox {
    derived: Arc<dyn Derived>,
    end: watch::Sender<OutboxPlace>,
    stopped: watch::Sender<bool>,
}

impl Outbox {
    /// The outbox of a store.
    pub fn new(derived: Arc<dyn Derived>) -> Self {
        Self { derived, end: watch::Sender::new(OutboxPlace::default()), stopped: watch::Sender::new(false) }
    }

    /// Announcements were written; this is where the outbox ends now.
    pub fn moved(&self, end: OutboxPlace) {
        self.end.send_if_modified(|known| {
            let further = end > *known;
            *known = end.max(*known);
            further
        });
    }

    /// The end of the outbox as far as it is known, and when it moves.
    pub fn end(&self) -> watch::Receiver<OutboxPlace> {
        self.end.subscribe()
    }

    /// Tells all who follow it to stop.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Waits until those who follow are told to stop.
    pub async fn stopped(&self) {
        // The sender is this outbox's own.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Announcements after a place, in order.
    pub async fn after(&self, place: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>, DerivedError> {
        let derived = self.derived.clone();
        off_the_runtime(move || derived.outbox(place, limit)).await
    }

    /// How far a publisher has published.
    pub async fn published(&self, publisher: &str) -> Result<OutboxPlace, DerivedError> {
        let (derived, publisher) = (self.derived.clone(), publisher.to_owned());
        off_the_runtime(move || derived.published(&publisher)).await
    }

    /// Notes, durably, how far a publisher has published.
    pub async fn publish(&self, publisher: &str, place: OutboxPlace) -> Result<(), DerivedError> {
        let (derived, publisher) = (self.derived.clone(), publisher.to_owned());
        let batch = Batch { published: vec![(publisher, place)], ..Batch::default() };
        off_the_runtime(move || derived.write(&batch).map(|_| ())).await
    }
}

/// The store blocks; the runtime must not.
async fn off_the_runtime<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, DerivedError> + Send + 'static,
) -> Result<T, DerivedError> {
    match tokio::task::spawn_blocking(task).await {
        Ok(done) => done,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
