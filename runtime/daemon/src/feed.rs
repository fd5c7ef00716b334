//! The log as those see it who follow it: page after page, each read from the disk once for all of them.
//!
//! Followers pull: each has its own place in the log and goes on at its own pace, so a slow or restarted
//! one holds up nobody, and nothing is queued but the last few pages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aquarium_store::{Log, Needed, OwnedRecord, Page, Position, ReadError};
use tokio::sync::watch;

/// Pages that are kept for followers that are a little behind: each look goes through them.
const PAGES_KEPT: usize = 16;
/// Bytes of them, unless the last one alone has more.
const BYTES_KEPT: usize = 16 << 20;

/// The pages of a log.
pub struct Feed {
    log: Arc<dyn Log>,
    end: watch::Receiver<Position>,
    recent: Mutex<VecDeque<(Needed, Page)>>,
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

    /// A page from a place on, with all records.
    pub fn page(&self, from: Position) -> Result<Page, ReadError> {
        self.page_for(from, &Needed::Everything, || Needed::Everything)
    }

    /// A page from a place on with the records that are needed, among others. What has to be read for it is what `wanted`
    /// says, which may be more: others need it, too.
    pub fn page_for(
        &self,
        from: Position,
        needed: &Needed,
        wanted: impl FnOnce() -> Needed,
    ) -> Result<Page, ReadError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let reaches = |page: &Page| page.first() <= from && from < page.next();
        let known =
            recent.iter().find(|(read, page)| reaches(page) && (page.is_whole() || includes(read, needed)));
        if let Some((_, page)) = known {
            return Ok(page.clone().skip_to(from));
        }
        let wanted = wanted();
        let page = self.log.read_needed(from, &wanted)?;
        // What one follower alone needs is not kept for others.
        if page.is_empty() || wanted == Needed::Nobodys && !page.is_whole() {
            return Ok(page);
        }
        recent.push_back((wanted, page.clone()));
        let bytes = |recent: &VecDeque<(Needed, Page)>| -> usize {
            recent.iter().map(|(_, page)| page.byte_length()).sum()
        };
        while recent.len() > PAGES_KEPT || recent.len() > 1 && bytes(&recent) > BYTES_KEPT {
            recent.pop_front();
        }
        Ok(page)
    }
}

/// Whether everything that is needed is read together with what is.
fn includes(read: &Needed, needed: &Needed) -> bool {
    match (read, needed) {
        (Needed::Everything, _) | (Needed::Nobodys, Needed::Nobodys) => true,
        (Needed::OfPartitions(read), Needed::OfPartitions(needed)) => {
            needed.iter().all(|partition| read.contains(partition))
        }
        (Needed::OfPartitions(_) | Needed::Nobodys, _) => false,
    }
}
