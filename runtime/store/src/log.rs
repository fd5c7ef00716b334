//! The log as its users see it, whatever keeps it.
//!
//! Every method blocks until it is done; a caller that must not wait calls from a thread of its own.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use crate::page::{Needed, Page};
use crate::postgres::PostgresError;
use crate::record::{Appended, NewRecord, OwnedRecord, Position, Record};

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

    /// Some records in order from a place on, among them those that are needed; an empty page at the end of the log. The
    /// page says up to where everything that is needed was read, though nothing of it may have been found.
    ///
    /// # Errors
    ///
    /// As [`Log::read`].
    fn read_needed(&self, from: Position, _needed: &Needed) -> Result<Page, ReadError> {
        self.read(from)
    }

    /// The records at some places, in order; `places` ascend. Where there is none nothing is given.
    ///
    /// # Errors
    ///
    /// As [`Log::read`].
    fn read_at(&self, places: &[Position]) -> Result<Vec<OwnedRecord>, ReadError> {
        let mut found = Vec::with_capacity(places.len());
        let mut wanted = places;
        while let Some(first) = wanted.first() {
            let page = self.read(*first)?;
            let (here, beyond) = wanted.split_at(wanted.partition_point(|place| *place < page.next()));
            let is_wanted = |record: &Record<'_>| here.binary_search(&record.position).is_ok();
            found.extend(page.records().filter(is_wanted).map(OwnedRecord::from));
            // At its end there are no more.
            wanted = if page.is_empty() { &[] } else { beyond };
        }
        Ok(found)
    }

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

    /// Compresses a segment that nothing is added to any more; false where there is none, or `give_up` has said so meanwhile.
    /// What the log says stays the same.
    ///
    /// # Errors
    ///
    /// Where it is damaged, and where it cannot be written; the log stands as it was.
    fn compress(&self, _give_up: &dyn Fn() -> bool) -> Result<bool, CompressError> {
        Ok(false)
    }

    /// How large it is.
    fn statistics(&self) -> Statistics;
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

/// Why a segment was not compressed.
#[derive(Debug, Error)]
pub enum CompressError {
    /// It cannot be read, or is damaged: damage is not written anew.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The compressed one could not be written.
    #[error("the compressed segment could not be written: {0}")]
    Write(io::Error),
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
