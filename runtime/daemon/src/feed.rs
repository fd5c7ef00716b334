//! The log as those see it who follow it: page after page, each read from the disk once for all of them.
//!
//! Followers pull: each has its own place in the log and goes on at its own pace, so a slow or restarted
//! one holds up nobody, and nothing is queued but the last few pages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aquarium_store::{Log, OwnedRecord, Page, Position, ReadError};
use tokio::sync::watch;

/// Pages that are kept for followers that are a little behind.
const PAGES_KEPT: usize = 4;

/// The pages of a log.
pub struct Feed {
    log: Arc<dyn Log>,
    end: watch::Receiver<Position>,
    recent: Mutex<VecDeque<Arc<Page>>>,
    stopped: watch::Sender<bool>,
}

impl Feed {
    /// The feed of a log whose end is watched.
    pub fn new(log: Arc<dyn Log>, end: watch::Receiver<Position>) -> Self {
        Self { log, end, recent: Mutex::default(), stopped: watch::Sender::new(false) }
    }

    /// The end of the log, and when it moves.
    pub fn end(&self) -> watch::Receiver<Position> {
        self.end.clone()
    }

    /// Tells all followers that nothing more will come.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Whether followers are told to stop.
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits until followers are told to stop.
    pub async fn stopped(&self) {
        // The sender is this feed's own.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// All records of a user.
    pub fn records_of(&self, user: &str) -> Result<Vec<OwnedRecord>, ReadError> {
        self.log.read_user(user)
    }

    /// The records of a user from a place on.
    pub fn records_since(&self, user: &str, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        self.log.read_user_since(user, from)
    }

    /// The records from a place on that concern everybody.
    pub fn shared_since(&self, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        self.log.read_shared_since(from)
    }

    /// The page whose first record is at a place.
    pub fn page(&self, from: Position) -> Result<Arc<Page>, ReadError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = recent.iter().find(|page| page.first() == from) {
            return Ok(page.clone());
        }
        let page = Arc::new(self.log.read(from)?);
        if page.is_empty() {
            return Ok(page);
        }
        if recent.len() == PAGES_KEPT {
            recent.pop_front();
        }
        recent.push_back(page.clone());
        Ok(page)
    }
}
