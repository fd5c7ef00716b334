//! The list of refused input: a view over the log, built anew at every start.

use std::sync::{Arc, Mutex, PoisonError};

use aquarium_store::{Kind, Position};

use crate::feed::Feed;

/// Where refused input stands in the log.
#[derive(Clone, Default)]
pub struct Quarantine {
    places: Arc<Mutex<Places>>,
}

#[derive(Default)]
struct Places {
    /// Everything before this was looked at.
    cursor: Position,
    refused: Vec<Position>,
}

impl Quarantine {
    /// Follows the log until nothing more will be appended. Blocks; must be called on a runtime's thread.
    pub fn follow(&self, feed: &Feed) {
        let mut end = feed.end();
        let runtime = tokio::runtime::Handle::current();
        loop {
            let behind = *end.borrow_and_update();
            while self.cursor() < behind {
                if let Err(error) = self.look_at_a_page(feed) {
                    tracing::error!(%error, "the list of refused input ends here");
                    return;
                }
            }
            let stopped = runtime.block_on(async {
                tokio::select! {
                    () = feed.stopped() => true,
                    moved = end.changed() => moved.is_err(),
                }
            });
            if stopped {
                return;
            }
        }
    }

    /// The places of refused input from a place on, at most `limit`, and up to where the list is complete.
    pub fn places(&self, from: Position, limit: usize) -> (Vec<Position>, Position) {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let first = places.refused.partition_point(|place| *place < from);
        let listed = places.refused.iter().skip(first).take(limit).copied().collect();
        (listed, places.cursor)
    }

    fn cursor(&self) -> Position {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).cursor
    }

    fn look_at_a_page(&self, feed: &Feed) -> Result<(), aquarium_store::ReadError> {
        let page = feed.page(self.cursor())?;
        let refused = page.records().filter(|record| matches!(record.stored.kind, Kind::Quarantined(_)));
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.refused.extend(refused.map(|record| record.position));
        places.cursor = page.next();
        Ok(())
    }
}
