//! The outbox: credit events in the order in which they were announced, for all who follow them.
//!
//! It is written by the shards, in the transaction of the checkpoint; here it is read, and the places are kept
//! up to where others have it.

use std::sync::Arc;

use aquarium_store::derived::{Batch, Derived, DerivedError, OutboxItem, OutboxPlace};
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::sync::watch;

use crate::cluster::Role;

/// Hexadecimal digits of a place in a cursor.
const PLACE_DIGITS: usize = 16;

/// The outbox.
#[derive(Clone)]
pub struct Outbox {
    derived: Arc<dyn Derived>,
    end: watch::Sender<OutboxPlace>,
    stopped: watch::Sender<bool>,
    /// Whoever publishes does it as long as this node has the role.
    role: Option<Role>,
}

/// A place in the feed of credit events, for whoever reads it: opaque, to be given back as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub OutboxPlace);

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is no cursor of the feed of credit events")]
pub struct NoCursor;

impl std::str::FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let digits = text.strip_prefix('c').filter(|digits| digits.len() == PLACE_DIGITS).ok_or(NoCursor)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoCursor);
        }
        u64::from_str_radix(digits, 16).map(|place| Self(OutboxPlace(place))).map_err(|_| NoCursor)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{:0PLACE_DIGITS$x}", self.0.0)
    }
}

impl Outbox {
    /// Credit events after a place, in order, and the cursor after each.
    pub async fn feed(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Box<RawValue>)>, DerivedError> {
        let after = after.map_or(OutboxPlace::default(), |cursor| cursor.0);
        let items = self.after(after, limit).await?;
        let event = |item: OutboxItem| {
            // What was announced was written as JSON.
            Some((Cursor(item.place), serde_json::from_slice(&item.announcement.body).ok()?))
        };
        Ok(items.into_iter().filter_map(event).collect())
    }

    /// The outbox of a store.
    pub fn new(derived: Arc<dyn Derived>) -> Self {
        let (end, stopped) = (watch::Sender::new(OutboxPlace::default()), watch::Sender::new(false));
        Self { derived, end, stopped, role: None }
    }

    /// The same outbox for one who publishes, on one node at a time.
    pub fn of_publisher(&self, role: Role) -> Self {
        Self { role: Some(role), ..self.clone() }
    }

    /// Whether this node is to publish.
    pub fn is_here(&self) -> bool {
        self.role.as_ref().is_none_or(Role::is_here)
    }

    /// Publishes by `publish`, which ends when it is told to stop, whenever this node is to publish.
    pub async fn publish_here<F: Future<Output = ()>>(&self, publish: impl Fn() -> F) {
        loop {
            tokio::select! {
                () = self.ended() => return,
                () = async { if let Some(role) = &self.role { role.taken().await } } => {}
            }
            publish().await;
        }
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

    /// Waits until those who follow are told to stop, or the role is another node's.
    pub async fn stopped(&self) {
        let gone = async {
            match &self.role {
                Some(role) => role.gone().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.ended() => {}
            () = gone => {}
        }
    }

    async fn ended(&self) {
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
        // A node that has slept must not put the cursor back.
        let fences = match &self.role {
            None => Vec::new(),
            Some(role) => {
                let partition = role.partition();
                role.fences().ok_or(DerivedError::Fenced { partition, epoch: 0, current: 0 })?
            }
        };
        let batch = Batch { fences, published: vec![(publisher, place)], ..Batch::default() };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written_and_nothing_else_is() {
        for place in [0, 1, u64::MAX] {
            let cursor = Cursor(OutboxPlace(place));
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in ["", "c", "c1", "x0000000000000000", "c+000000000000001", "c00000000000000000"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
