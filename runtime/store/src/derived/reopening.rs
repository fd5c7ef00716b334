//! A store that is opened again after its disk was full, while everybody goes on to use it.
//!
//! A ready-made store gives up for good once a write has failed: it cannot know what of it is on the disk. Opening it
//! again settles that. It is opened again by the next write, once there is room; what is read meanwhile comes from
//! the store as it was.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use super::{Announcement, Batch, Derived, DerivedError, OutboxItem, OutboxPlace, Owner};
use crate::record::Position;

/// How a store is opened, and how room on its disk is looked for.
pub trait Opener: Send + Sync {
    /// Opens it.
    ///
    /// # Errors
    /// Where it cannot be opened.
    fn open(&self) -> Result<Box<dyn Derived>, DerivedError>;

    /// Whether there is room.
    ///
    /// # Errors
    /// Where there is none.
    fn has_room(&self) -> io::Result<()>;

    /// What is said while there is no store.
    fn missing(&self) -> DerivedError;
}

/// A store that is opened again when it is of no more use.
pub struct Reopening {
    opener: Box<dyn Opener>,
    /// `None`: it was closed and could not be opened yet.
    store: RwLock<Option<Box<dyn Derived>>>,
    gave_up: AtomicBool,
}

impl Reopening {
    /// A store that is open, and how to open it again.
    pub fn new(store: Box<dyn Derived>, opener: Box<dyn Opener>) -> Self {
        Self { opener, store: RwLock::new(Some(store)), gave_up: AtomicBool::new(false) }
    }

    fn with<T>(&self, work: impl FnOnce(&dyn Derived) -> Result<T, DerivedError>) -> Result<T, DerivedError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        match &*store {
            Some(store) => work(&**store),
            None => Err(self.opener.missing()),
        }
    }

    /// As [`Reopening::with`], for what writes.
    fn writing<T>(
        &self,
        work: impl FnOnce(&dyn Derived) -> Result<T, DerivedError>,
    ) -> Result<T, DerivedError> {
        if self.gave_up.load(Ordering::Acquire) {
            self.open_again()?;
        }
        let written = self.with(work);
        if matches!(written, Err(DerivedError::Full(_))) {
            self.gave_up.store(true, Ordering::Release);
        }
        written
    }

    fn open_again(&self) -> Result<(), DerivedError> {
        self.opener.has_room().map_err(DerivedError::Full)?;
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        if !self.gave_up.load(Ordering::Acquire) {
            return Ok(());
        }
        // Whoever has it open keeps others out: it is closed before.
        drop(store.take());
        *store = Some(self.opener.open()?);
        self.gave_up.store(false, Ordering::Release);
        Ok(())
    }
}

impl Derived for Reopening {
    fn write(&self, batch: &Batch) -> Result<OutboxPlace, DerivedError> {
        self.writing(|store| store.write(batch))
    }

    fn sync(&self) -> Result<(), DerivedError> {
        self.writing(|store| store.sync())
    }

    fn image(&self, owner: Owner<'_>) -> Result<Option<Vec<u8>>, DerivedError> {
        self.with(|store| store.image(owner))
    }

    fn users(
        &self,
        partition: u16,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, DerivedError> {
        self.with(|store| store.users(partition, after, limit))
    }

    fn parts(&self, owner: Owner<'_>, numbers: Range<u32>) -> Result<Vec<Vec<u8>>, DerivedError> {
        self.with(|store| store.parts(owner, numbers))
    }

    fn parts_with_findings(
        &self,
        partition: u16,
        after: Option<(&str, u32)>,
        limit: usize,
    ) -> Result<Vec<(String, u32)>, DerivedError> {
        self.with(|store| store.parts_with_findings(partition, after, limit))
    }

    fn lines(&self, owner: Owner<'_>, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, DerivedError> {
        self.with(|store| store.lines(owner, from, limit))
    }

    fn folded(&self, partition: u16) -> Result<Position, DerivedError> {
        self.with(|store| store.folded(partition))
    }

    fn shared(&self, before: Position) -> Result<Vec<(Position, Vec<u8>)>, DerivedError> {
        self.with(|store| store.shared(before))
    }

    fn outbox(&self, after: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>, DerivedError> {
        self.with(|store| store.outbox(after, limit))
    }

    fn announced(&self, owner: Owner<'_>) -> Result<Option<Announcement>, DerivedError> {
        self.with(|store| store.announced(owner))
    }

    fn published(&self, publisher: &str) -> Result<OutboxPlace, DerivedError> {
        self.with(|store| store.published(publisher))
    }

    fn epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        self.with(|store| store.epoch(partition))
    }

    fn begin_epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        self.writing(|store| store.begin_epoch(partition))
    }

    fn copy_to(&self, directory: &std::path::Path) -> Result<u64, DerivedError> {
        self.with(|store| store.copy_to(directory))
    }

    fn bytes(&self) -> Result<u64, DerivedError> {
        self.with(|store| store.bytes())
    }
}
