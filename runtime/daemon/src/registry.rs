//! What the log says that concerns everybody: deployments, ticks, refused input and what became of it.
//!
//! One view over the log that all who need it share; it is built anew at every start by following the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aquarium_charging::input::{self, Source};
use aquarium_charging::record::{Body, Handling};
use aquarium_charging::{Deployments, Span};
use aquarium_ir::Millis;
use aquarium_store::{Digest, Kind, Needed, Position, ReadError, Record};
use serde::Deserialize;
use tokio::sync::watch;

use crate::feed::Feed;
use crate::policies::{Policies, PolicyError};
use crate::quarantine::{Fate, Quarantine};

/// The wait after a page of the log that could not be read.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The view.
#[derive(Clone)]
pub struct Registry {
    known: Arc<Mutex<Known>>,
    /// Everything before this was looked at.
    cursor: watch::Sender<Position>,
}

/// What is known up to the cursor.
#[derive(Default)]
pub struct Known {
    /// Refused input.
    pub quarantine: Quarantine,
    /// Everything that was deployed, in order.
    pub deployments: Vec<Deployment>,
    /// The last instant that a tick told.
    pub ticked: Option<Millis>,
    /// When the last record that was looked at was received; those of users need not be looked at.
    pub received: Millis,
}

/// A deployment, as its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The id of the record.
    pub id: String,
    /// The hash of the module.
    pub module: String,
    /// When it holds, as it was asked for.
    pub span: Span,
    /// The name that was given to it.
    pub name: Option<String>,
    /// By whom.
    pub author: Option<String>,
}

/// What the record of a deployment says besides what the fold reads.
#[derive(Debug, Default, Deserialize)]
struct Remarks {
    name: Option<String>,
    author: Option<String>,
}

impl Registry {
    /// A view of nothing, before the log was looked at.
    pub fn new() -> Self {
        Self { known: Arc::default(), cursor: watch::Sender::new(Position::START) }
    }

    /// Follows the log until nothing more will be appended. Blocks; must be called on a runtime's thread.
    pub fn follow(&self, feed: &Feed) {
        let mut end = feed.end();
        let runtime = tokio::runtime::Handle::current();
        while !feed.is_stopped() {
            if *self.cursor.borrow() < *end.borrow_and_update() {
                let Err(error) = self.look_at_a_page(feed) else { continue };
                tracing::error!(%error, "what concerns everybody is known up to here only; it is read again");
                runtime.block_on(async {
                    tokio::select! {
                        () = feed.stopped() => {}
                        () = tokio::time::sleep(READ_AGAIN_AFTER) => {}
                    }
                });
                continue;
            }
            runtime.block_on(async {
                tokio::select! {
                    () = feed.stopped() => {}
                    _ = end.changed() => {}
                }
            });
        }
    }

    /// Waits until everything before a place was looked at.
    pub async fn reached(&self, end: Position) {
        // The sender is this view's own.
        let _ = self.cursor.subscribe().wait_for(|cursor| *cursor >= end).await;
    }

    /// Up to where the log was looked at.
    pub fn cursor(&self) -> Position {
        *self.cursor.borrow()
    }

    /// What is known now.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The versions that were deployed, ready to charge.
    pub fn deployed(&self, policies: &Policies) -> Result<Deployments, PolicyError> {
        let list = self.known().deployments.clone();
        let mut deployments = Deployments::new();
        for deployment in list {
            // One that was refused then is refused again.
            let _ = deployments.deploy(policies.version(&deployment.module)?, deployment.span);
        }
        Ok(deployments)
    }

    fn look_at_a_page(&self, feed: &Feed) -> Result<(), ReadError> {
        let from = *self.cursor.borrow();
        let page = feed.page_for(from, &Needed::Nobodys, || Needed::Nobodys)?;
        let mut known = self.known();
        page.records().for_each(|record| known.take(&record));
        drop(known);
        self.cursor.send_replace(page.next());
        Ok(())
    }
}

impl Known {
    /// Takes the next record of the log in.
    pub fn take(&mut self, record: &Record<'_>) {
        self.received = self.received.max(Millis(record.stored.received_millis));
        match record.stored.kind {
            Kind::Quarantined(reason) => self.quarantine.list(record.position, record.stored.key, reason),
            Kind::Runtime if record.stored.user.is_empty() => self.take_own(record),
            _ => {}
        }
    }

    fn take_own(&mut self, record: &Record<'_>) {
        let received = Millis(record.stored.received_millis);
        let source = Source { received, keeps_received: false, writes_records: true, plausible: None };
        // What was read once can be read again; shards tell where it cannot.
        let Ok(message) = input::read(record.stored.body, &source) else { return };
        match message.record.body {
            Body::Tick { instant, .. } => self.ticked = self.ticked.max(Some(instant)),
            Body::Redrive(handling) => self.handle(&handling, Fate::Redriven),
            Body::Discard(handling) => self.handle(&handling, Fate::Discarded),
            Body::Deployment { module, from, to } => {
                let remarks: Remarks = serde_json::from_slice(record.stored.body).unwrap_or_default();
                self.deployments.push(Deployment {
                    id: message.record.id.into_owned(),
                    module: module.into_owned(),
                    span: Span { from, to: to.unwrap_or(Millis::MAX), received },
                    name: remarks.name,
                    author: remarks.author,
                });
            }
            _ => {}
        }
    }

    fn handle(&mut self, handling: &Handling<'_>, fate: Fate) {
        if let Some(digest) = digest_of(&handling.event) {
            self.quarantine.handle(digest, fate);
        }
    }
}

/// How a record names refused input: the digest of its bytes, in hexadecimal.
pub fn name_of(digest: Digest) -> String {
    digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest that the JSON text of a name stands for.
fn digest_of(name: &str) -> Option<Digest> {
    let name: String = serde_json::from_str(name).ok()?;
    let mut digest = [0; Digest::LENGTH];
    if name.len() != 2 * Digest::LENGTH || !name.is_ascii() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(name.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(Digest(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_input_is_found_by_the_name_that_records_give_it() {
        let digest = Digest([0, 1, 0x7f, 0x80, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(digest_of(&format!("\"{}\"", name_of(digest))), Some(digest));
        for wrong in ["7", "\"\"", "\"0001\"", "\"zz017f80ff05060708090a0b0c0d0e0f\"", "\"ääääääääääääääää\""]
        {
            assert_eq!(digest_of(wrong), None, "{wrong}");
        }
    }
}
