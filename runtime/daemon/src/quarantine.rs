//! The list of refused input: a view over the log, built anew at every start.

use std::sync::{Arc, Mutex, PoisonError};

use aquarium_store::{Kind, Position, ReadError};
use tokio::sync::watch;

use crate::feed::Feed;

/// Where refused input stands in the log.
#[derive(Clone)]
pub struct Quarantine {
    refused: Arc<Mutex<Vec<Position>>>,
    /// Everything before this was looked at.
    cursor: watch::Sender<Position>,
}

impl Quarantine {
    /// A list of nothing, before the log was looked at.
    pub fn new() -> Self {
        Self { refused: Arc::default(), cursor: watch::Sender::new(Position::START) }
    }

    /// Follows the log until nothing more will be appended. Blocks; must be called on a runtime's thread.
    pub fn follow(&self, feed: &Feed) {
        let mut end = feed.end();
        let runtime = tokio::runtime::Handle::current();
        while !feed.is_stopped() {
            if *self.cursor.borrow() < *end.borrow_and_update() {
                if let Err(error) = self.look_at_a_page(feed) {
                    tracing::error!(%error, "the list of refused input ends here");
                    return;
                }
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

    /// The places of refused input from a place on, at most `limit`, once everything before `end` was
    /// looked at.
    pub async fn places(&self, from: Position, limit: usize, end: Position) -> Vec<Position> {
        // The sender is this list's own.
        let _ = self.cursor.subscribe().wait_for(|cursor| *cursor >= end).await;
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let first = refused.partition_point(|place| *place < from);
        refused.iter().skip(first).take(limit).copied().collect()
    }

    fn look_at_a_page(&self, feed: &Feed) -> Result<(), ReadError> {
        let from = *self.cursor.borrow();
        let page = feed.page(from)?;
        let refused = page.records().filter(|record| matches!(record.stored.kind, Kind::Quarantined(_)));
        let mut places = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        places.extend(refused.map(|record| record.position));
        self.cursor.send_replace(page.next());
        Ok(())
    }
}
