//! Derived state as its users see it, whatever keeps it: what was folded of the log, and what was announced.
//!
//! Two kinds of rows, which differ in what may be done to them:
//!
//! - what the log yields again: users' images and parts, wallet lines, records that concern everybody, and how
//!   far each partition is folded. It may be dropped and rebuilt, and its last writes may be lost with the power;
//! - what was told to others: the outbox, each user's last announcement, and the publishers' cursors. It is
//!   durable once written and survives a rebuild.
//!
//! The store moves bytes: what is in an image, a part or an announcement is known to those who write it. Rows of
//! users are keyed by (partition, user), so that a partition is a range. Every method blocks until it is done.

mod embedded;
mod keys;
mod rebuild;
mod reopening;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::Position;

pub(crate) use embedded::VERSION;
pub use embedded::{DerivedOptions, EmbeddedDerived, EmbeddedOpener};
pub use rebuild::{Kept, restart};
pub use reopening::{Opener, Reopening};

/// A store of derived state.
pub trait Derived: Send + Sync {
    /// Applies a batch: all of it, or nothing. Gives the outbox's end.
    ///
    /// A batch with announcements or publishers' cursors is durable when this returns; another one survives
    /// the death of the process, and may be lost with the power together with all batches after it.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is applied then, or, after [`DerivedError::Full`], all of it once the store was opened
    /// again. After both, and after [`DerivedError::Failed`], the store must be opened again.
    fn write(&self, batch: &Batch) -> Result<OutboxPlace, DerivedError>;

    /// Makes everything that was written durable.
    ///
    /// # Errors
    ///
    /// As [`Derived::write`].
    fn sync(&self) -> Result<(), DerivedError>;

    /// The image of a user.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read; so it is with all methods that read.
    fn image(&self, owner: Owner<'_>) -> Result<Option<Vec<u8>>, DerivedError>;

    /// Users of a partition with their images, by their ids' bytes, from the one after `after` on.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn users(
        &self,
        partition: u16,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, DerivedError>;

    /// Parts of a user's history, in order, as far as there are any of these numbers.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn parts(&self, owner: Owner<'_>, numbers: Range<u32>) -> Result<Vec<Vec<u8>>, DerivedError>;

    /// The parts with findings of a partition's users, by user and number, from the one after `after` on.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn parts_with_findings(
        &self,
        partition: u16,
        after: Option<(&str, u32)>,
        limit: usize,
    ) -> Result<Vec<(String, u32)>, DerivedError>;

    /// Blocks of a user's wallet lines in order, the one with line `from` first; each with the number of its
    /// first line.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn lines(&self, owner: Owner<'_>, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, DerivedError>;

    /// Up to where a partition is folded.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn folded(&self, partition: u16) -> Result<Position, DerivedError>;

    /// The records that concern everybody and stand before a place in the log, in order.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn shared(&self, before: Position) -> Result<Vec<(Position, Vec<u8>)>, DerivedError>;

    /// Announcements after a place of the outbox, in order.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn outbox(&self, after: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>, DerivedError>;

    /// What was last announced of a user.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn announced(&self, owner: Owner<'_>) -> Result<Option<Announcement>, DerivedError>;

    /// How far a publisher has published; the start of the outbox where nothing is known of it.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn published(&self, publisher: &str) -> Result<OutboxPlace, DerivedError>;

    /// The epoch of a partition's lease.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn epoch(&self, partition: u16) -> Result<u64, DerivedError>;

    /// Begins another epoch of a partition's lease: batches of earlier ones are refused from now on.
    ///
    /// # Errors
    ///
    /// As [`Derived::write`].
    fn begin_epoch(&self, partition: u16) -> Result<u64, DerivedError>;

    /// Writes everything, as it is at one instant, to another directory where there is nothing yet, durably; a store of
    /// this kind can be opened there then. Gives the number of rows.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or not be written there.
    fn copy_to(&self, directory: &Path) -> Result<u64, DerivedError>;

    /// Bytes on disk.
    ///
    /// # Errors
    ///
    /// As [`Derived::image`].
    fn bytes(&self) -> Result<u64, DerivedError>;
}

/// Whose rows: a user within its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner<'a> {
    /// The partition of the user.
    pub partition: u16,
    /// The user.
    pub user: &'a str,
}

/// A place in the outbox: the number of announcements before and at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OutboxPlace(pub u64);

/// What is written in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The epochs in which the writer owns its partitions; a partition that is not named is not compared.
    pub fences: Vec<Fence>,
    /// What changed of users.
    pub users: Vec<UserWrite>,
    /// Records that concern everybody, at their places in the log.
    pub shared: Vec<(Position, Vec<u8>)>,
    /// Up to where partitions are folded: every user touched before is in this batch or an earlier one.
    pub folded: Vec<(u16, Position)>,
    /// How far publishers have published.
    pub published: Vec<(String, OutboxPlace)>,
}

/// A partition, and the epoch of the lease under which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The partition.
    pub partition: u16,
    /// The epoch.
    pub epoch: u64,
}

/// What is written of one user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserWrite {
    /// The partition of the user.
    pub partition: u16,
    /// The user.
    pub user: String,
    /// Whether whatever there was of the user, but for announcements, is gone.
    pub afresh: bool,
    /// The image, in place of the one before.
    pub image: Vec<u8>,
    /// Where `parts` begin; parts of these and later numbers that were there are gone.
    pub first_part: u32,
    /// How many parts there were before, as far as their writer knows.
    pub parts_before: u32,
    /// Parts of the history, in order.
    pub parts: Vec<PartWrite>,
    /// A block of wallet lines: the number of its first line, and the lines.
    pub lines: Option<(u64, Vec<u8>)>,
    /// What is to be told to others, by ascending sequence; what was announced before is not announced again.
    pub announcements: Vec<Announcement>,
}

/// A part of a user's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartWrite {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether there are findings in it.
    pub findings: bool,
}

/// What is told to others about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its number among those of the user: ascending, whatever the gaps.
    pub sequence: u64,
    /// What is told.
    pub body: Vec<u8>,
}

/// An announcement in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// Its place.
    pub place: OutboxPlace,
    /// The partition of the user.
    pub partition: u16,
    /// The user.
    pub user: String,
    /// What is told.
    pub announcement: Announcement,
}

impl UserWrite {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner<'_> {
        Owner { partition: self.partition, user: &self.user }
    }

    /// Bytes of rows that it brings, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(|part| part.bytes.len()).sum();
        self.image.len() + parts + self.lines.as_ref().map_or(0, |(_, block)| block.len())
    }
}

impl Batch {
    /// Whether it must not be lost, not even with the power: nothing yields its rows again.
    #[must_use]
    pub fn must_last(&self) -> bool {
        !self.published.is_empty() || self.users.iter().any(|user| !user.announcements.is_empty())
    }

    /// Bytes of rows that it brings, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.users.iter().map(UserWrite::bytes).sum()
    }
}

/// Why derived state was not written or read.
#[derive(Debug, Error)]
pub enum DerivedError {
    /// Another process has it open.
    #[error("the derived state in `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// What was written by a newer version is left alone.
    #[error("the derived state in `{}` has format {found}, this program knows formats up to {known}", directory.display())]
    Newer {
        /// Its directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// Something in it is not what was written.
    #[error("damaged derived state in `{}`: {what}", directory.display())]
    Damaged {
        /// Its directory.
        directory: PathBuf,
        /// What, as far as it can be told.
        what: String,
    },
    /// Another node owns the partition by now.
    #[error(
        "partition {partition} is written under epoch {epoch} of its lease, but epoch {current} has begun"
    )]
    Fenced {
        /// The partition.
        partition: u16,
        /// The epoch of the batch.
        epoch: u64,
        /// The epoch that holds.
        current: u64,
    },
    /// There is no room on its disk, or there was none when it wrote last. It may write again once it was opened
    /// again; see [`Reopening`].
    #[error("no room for derived state on its disk: {0}")]
    Full(io::Error),
    /// The server cannot be used.
    #[error("the store at {place} cannot be used: {what}")]
    Server {
        /// The server and the database.
        place: String,
        /// Why.
        what: String,
    },
    /// The program ends, and its server could not be used before.
    #[error("the store at {0} could not be used any more before the program ended")]
    Closed(String),
    /// The disk failed, or the store gave up; what it holds is certain only once it is opened again.
    #[error("the derived state in `{}` cannot be used any more: {what}", directory.display())]
    Failed {
        /// Its directory.
        directory: PathBuf,
        /// Why.
        what: String,
    },
}

impl DerivedError {
    /// Whether the same may work later, without anything being opened again by hand.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Server { .. })
    }
}
