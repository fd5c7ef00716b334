//! The log as its users see it, whatever keeps it.
//!
//! Every method blocks until it is done; a caller that must not wait calls from a thread of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::embedded::format::{self, Records};
use crate::postgres::PostgresError;
use crate::record::{Appended, NewRecord, OwnedRecord, Position};

/// An append-only sequence of records, each stored once.
pub trait Log: Send + Sync {
    /// The number of partitions, fixed when the log was made.
    fn partitions(&self) -> u16;

    /// Stores a batch durably: one answer per record, in order, and only once all are durable.
    ///
    /// A record whose key and content are in the log already, or earlier in the batch, is not stored
    /// again, however old the first one is. One whose key alone is there is stored as quarantined for
    /// `conflict`.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is acknowledged then. After [`AppendError::Full`] the next call tries again.
    fn append(&self, batch: &[NewRecord<'_>]) -> Result<Vec<Appended>, AppendError>;

    /// The place after the last durable record.
    fn end(&self) -> Position;

    /// Some records in order, the one at `from` first; an empty page at the end of the log.
    ///
    /// # Errors
    ///
    /// What is damaged is never skipped.
    fn read(&self, from: Position) -> Result<Page, ReadError>;

    /// All records of a user, in order.
    ///
    /// # Errors
    ///
    /// As [`Log::read`].
    fn read_user(&self, user: &str) -> Result<Vec<OwnedRecord>, ReadError> {
        self.read_user_since(user, Position::START)
    }

    /// The records of a user from a place on, in order. Takes time by their number, not by that of the records
    /// between them: a question about one user does not wait for all the others.
    ///
    /// # Errors
    ///
    /// As [`Log::read`].
    fn read_user_since(&self, user: &str, from: Position) -> Result<Vec<OwnedRecord>, ReadError>;

    /// The records from a place on that concern all partitions and were not refused, in order: deployments, and what
    /// was decided about refused input.
    ///
    /// # Errors
    ///
    /// As [`Log::read`].
    fn read_shared_since(&self, from: Position) -> Result<Vec<OwnedRecord>, ReadError>;

    /// How large it is.
    fn statistics(&self) -> Statistics;
}

/// Consecutive records, read together.
#[derive(Debug, Clone)]
pub struct Page {
    first: Position,
    count: u32,
    /// The payload of a block.
    bytes: Arc<Vec<u8>>,
    /// Where the first record begins in it.
    start: usize,
}

impl Page {
    /// A page of all records of a block's payload.
    pub(crate) fn new(first: Position, count: u32, bytes: Vec<u8>) -> Self {
        Self { first, count, bytes: Arc::new(bytes), start: 0 }
    }

    /// A page without records.
    pub(crate) fn empty(at: Position) -> Self {
        Self::new(at, 0, Vec::new())
    }

    /// The rest of the page from a record on.
    pub(crate) fn skip_to(mut self, position: Position) -> Self {
        let skipped =
            u32::try_from(position.0.saturating_sub(self.first.0)).unwrap_or(u32::MAX).min(self.count);
        let mut records = self.records();
        records.by_ref().take(skipped as usize).for_each(drop);
        self.start = self.bytes.len() - records.rest();
        self.first = Position(self.first.0.saturating_add(u64::from(skipped)));
        self.count -= skipped;
        self
    }

    /// The page of its first records, at most so many, and that of the others. They share its bytes.
    #[must_use]
    pub fn split_at(&self, count: u32) -> (Self, Self) {
        let rest = self.clone().skip_to(Position(self.first.0.saturating_add(u64::from(count))));
        (Self { count: self.count - rest.count, ..self.clone() }, rest)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The place of its first record.
    #[must_use]
    pub fn first(&self) -> Position {
        self.first
    }

    /// The place after its last record: where to read on.
    #[must_use]
    pub fn next(&self) -> Position {
        Position(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// Its records, borrowed.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        format::records(self.bytes.get(self.start..).unwrap_or_default(), self.first, self.count)
    }
}

/// How large a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Records.
    pub records: u64,
    /// Blocks (group commits).
    pub blocks: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes of all segment files.
    pub bytes: u64,
}

/// Why nothing was stored.
#[derive(Debug, Error)]
pub enum AppendError {
    /// There is no room; the log stands as it was and takes records again when there is.
    #[error("no room for the log on its disk: {0}")]
    Full(io::Error),
    /// Something else failed before anything was written for good; the log stands as it was.
    #[error("the log could not be written: {0}")]
    Failed(io::Error),
    /// A write could not be made durable: what is on disk is not certain until the log is opened again.
    #[error("the log has stopped after an error of its disk and must be opened again: {0}")]
    Stopped(String),
    /// More bytes than one group commit may have.
    #[error("a batch of {bytes} bytes is larger than a block may be ({limit} bytes)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// Why the log could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A block is not what was written.
    #[error("damaged log: {file}, byte {offset}: {what}; records from {first} on are affected")]
    Damaged {
        /// The segment file.
        file: String,
        /// Where its damage begins.
        offset: u64,
        /// What is wrong there.
        what: String,
        /// The first record that is affected.
        first: Position,
    },
    /// The disk failed.
    #[error("the log could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Why the log could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process writes to it.
    #[error("the log directory `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The directory cannot be written.
    #[error("the log directory `{}` cannot be written: {source}", directory.display())]
    NotWritable {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no log there.
    #[error("there is no log in `{}`", .0.display())]
    Missing(PathBuf),
    /// The log was written by a newer version.
    #[error("`{file}` has format {found}, this program knows formats up to {known}")]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// The server of the log cannot be used.
    #[error(transparent)]
    Server(PostgresError),
    /// The log is damaged or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}
