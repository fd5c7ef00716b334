//! Derived state in one directory: an ordered store (fjall) with one keyspace.
//!
//! Everything stands in a single keyspace on purpose: what survives a crash or a damaged journal is then always
//! the state after some number of batches, never the images of one batch beside the parts of another.

mod marks;
mod opening;
mod passing;
mod rows;

use std::io::ErrorKind;
use std::ops::{Bound, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable as _,
};

pub use opening::EmbeddedOpener;
use passing::Passing;

use super::keys::{self, Table};
use super::{Announcement, Batch, Derived, DerivedError, Fence, OutboxItem, OutboxPlace, Owner, UserWrite};
use crate::record::Position;

/// The version of the format of keys and of the rows that this module writes itself.
pub(crate) const VERSION: u32 = 1;
/// The name of the keyspace.
const KEYSPACE: &str = "derived";
/// Rows that a scan holds at once.
const SCANNED_AT_ONCE: usize = 1_024;

/// What can be chosen about an embedded store of derived state.
#[derive(Debug, Clone, Copy)]
pub struct DerivedOptions {
    /// Bytes of blocks that are kept in memory once they were read.
    pub cache_bytes: u64,
    /// Bytes of the latest writes that are kept in memory, and in the journal, before they are sorted in.
    pub fresh_bytes: u64,
}

impl Default for DerivedOptions {
    fn default() -> Self {
        // Enough for the images of some hundred thousand users; the rest of the machine's memory is the
        // page cache's.
        Self { cache_bytes: 64 << 20, fresh_bytes: 64 << 20 }
    }
}

/// Derived state in one directory.
pub struct EmbeddedDerived {
    pub(super) directory: PathBuf,
    // Before the database: what is held goes before it is closed.
    passing: Mutex<Passing>,
    database: Database,
    pub(super) rows: Keyspace,
    /// The end of the outbox; who holds it writes.
    outbox_end: Mutex<OutboxPlace>,
}

impl EmbeddedDerived {
    /// Opens the derived state of a directory, or makes an empty one.
    ///
    /// # Errors
    /// Where another process has it open, where it is damaged or was found to be, and where a newer version
    /// wrote it.
    pub fn open(directory: &Path, options: DerivedOptions) -> Result<Self, DerivedError> {
        marks::check(directory)?;
        Self::open_damaged(directory, options)
    }

    /// Opens what may be damaged, to save what can be read.
    pub(super) fn open_damaged(directory: &Path, options: DerivedOptions) -> Result<Self, DerivedError> {
        let opening = marks::Opening::begin(directory)?;
        let (database, rows) = guarded(directory, || {
            // One thread that flushes and one that compacts: folding has the cores.
            let builder = Database::builder(directory).cache_size(options.cache_bytes).worker_threads(2);
            // The journal is gone in seconds, and compressing it takes a tenth of what folding takes.
            let database = builder.journal_compression(CompressionType::None).open()?;
            let keyspace = || KeyspaceCreateOptions::default().max_memtable_size(options.fresh_bytes);
            let rows = database.keyspace(KEYSPACE, keyspace)?;
            Ok((database, rows))
        })?;
        let opened = Self {
            directory: directory.to_owned(),
            passing: Mutex::default(),
            database,
            rows,
            outbox_end: Mutex::default(),
        };
        opened.check_format()?;
        *opened.writer() = opened.last_of_outbox()?;
        drop(opening);
        Ok(opened)
    }

    fn check_format(&self) -> Result<(), DerivedError> {
        let key = keys::only(Table::Format);
        match self.get(&key)? {
            Some(bytes) => self.check_version(self.number_u32(&bytes)?),
            None if self.rows.first_key_value().is_some() => {
                Err(self.damaged("it does not say which format it has"))
            }
            None => {
                let mut rows = self.database.batch();
                rows.insert(&self.rows, key, VERSION.to_be_bytes());
                self.commit(rows, true)
            }
        }
    }

    fn check_version(&self, found: u32) -> Result<(), DerivedError> {
        if found > VERSION {
            return Err(DerivedError::Newer { directory: self.directory.clone(), found, known: VERSION });
        }
        Ok(())
    }

    fn last_of_outbox(&self) -> Result<OutboxPlace, DerivedError> {
        let last = self.rows.prefix(keys::only(Table::Outbox)).next_back();
        let Some(last) = last else { return Ok(OutboxPlace::default()) };
        let key = last.key().map_err(|error| self.failed(error))?;
        self.number_u64(&key).map(OutboxPlace)
    }

    fn writer(&self) -> MutexGuard<'_, OutboxPlace> {
        // A writer that panicked has not moved it.
        self.outbox_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_fences(&self, fences: &[Fence]) -> Result<(), DerivedError> {
        for Fence { partition, epoch } in fences.iter().copied() {
            let current = self.epoch(partition)?;
            if current != epoch {
                return Err(DerivedError::Fenced { partition, epoch, current });
            }
        }
        Ok(())
    }

    fn put_user(
        &self,
        rows: &mut OwnedWriteBatch,
        write: &UserWrite,
        end: &mut OutboxPlace,
    ) -> Result<(), DerivedError> {
        let owner = write.owner();
        if write.afresh {
            self.remove_user(rows, owner)?;
        }
        rows.insert(&self.rows, keys::of_user(Table::Image, owner), write.image.as_slice());
        self.put_parts(rows, write);
        if let Some((first, block)) = &write.lines {
            rows.insert(&self.rows, keys::lines(owner, *first), block.as_slice());
        }
        self.put_announcements(rows, write, end)
    }

    fn put_parts(&self, rows: &mut OwnedWriteBatch, write: &UserWrite) {
        let owner = write.owner();
        let mut number = write.first_part;
        for part in &write.parts {
            rows.insert(&self.rows, keys::part(Table::Part, owner, number), part.bytes.as_slice());
            let findings = keys::part(Table::Findings, owner, number);
            if part.findings {
                rows.insert(&self.rows, findings, []);
            } else if number < write.parts_before {
                rows.remove(&self.rows, findings);
            }
            number = number.saturating_add(1);
        }
        for gone in number..write.parts_before {
            rows.remove(&self.rows, keys::part(Table::Part, owner, gone));
            rows.remove(&self.rows, keys::part(Table::Findings, owner, gone));
        }
    }

    /// Removes what the log yields again of a user.
    fn remove_user(&self, rows: &mut OwnedWriteBatch, owner: Owner<'_>) -> Result<(), DerivedError> {
        for table in [Table::Image, Table::Part, Table::Findings, Table::Line] {
            for row in self.rows.prefix(keys::of_user(table, owner)) {
                rows.remove(&self.rows, row.key().map_err(|error| self.failed(error))?);
            }
        }
        Ok(())
    }

    fn put_announcements(
        &self,
        rows: &mut OwnedWriteBatch,
        write: &UserWrite,
        end: &mut OutboxPlace,
    ) -> Result<(), DerivedError> {
        if write.announcements.is_empty() {
            return Ok(());
        }
        let owner = write.owner();
        let mut last = self.announced(owner)?.map(|last| last.sequence);
        for announcement in &write.announcements {
            if last.is_some_and(|last| announcement.sequence <= last) {
                continue;
            }
            last = Some(announcement.sequence);
            *end = OutboxPlace(end.0.saturating_add(1));
            rows.insert(&self.rows, keys::outbox(*end), rows::outbox_item(owner, announcement));
            rows.insert(&self.rows, keys::of_user(Table::Announced, owner), rows::announcement(announcement));
        }
        Ok(())
    }

    fn put_cursors(&self, rows: &mut OwnedWriteBatch, batch: &Batch) {
        for (position, record) in &batch.shared {
            rows.insert(&self.rows, keys::shared(*position), record.as_slice());
        }
        for (partition, position) in &batch.folded {
            rows.insert(&self.rows, keys::of_partition(Table::Folded, *partition), position.0.to_be_bytes());
        }
        for (publisher, place) in &batch.published {
            rows.insert(&self.rows, keys::published(publisher), place.0.to_be_bytes());
        }
    }

    /// Lets go of what the tree has forgotten, with nothing locked.
    fn let_go(&self) {
        let forgotten = self.passing.lock().unwrap_or_else(PoisonError::into_inner).look(&self.rows);
        drop(forgotten);
    }

    fn commit(&self, rows: OwnedWriteBatch, must_last: bool) -> Result<(), DerivedError> {
        let mode = if must_last { PersistMode::SyncData } else { PersistMode::Buffer };
        rows.durability(Some(mode)).commit().map_err(|error| self.failed(error))
    }

    /// Copies the rows of a table into another store; gives their number.
    pub(super) fn copy_table(&self, table: Table, to: &Self) -> Result<u64, DerivedError> {
        self.copy_rows(self.rows.prefix(keys::only(table)), to)
    }

    fn copy_rows(&self, rows: impl Iterator<Item = fjall::Guard>, to: &Self) -> Result<u64, DerivedError> {
        let mut count = 0;
        let mut batch = to.database.batch();
        for row in rows {
            let (key, value) = row.into_inner().map_err(|error| self.failed(error))?;
            batch.insert(&to.rows, key, value);
            count += 1;
            if batch.len() == SCANNED_AT_ONCE {
                to.commit(std::mem::replace(&mut batch, to.database.batch()), false)?;
            }
        }
        to.commit(batch, true)?;
        Ok(count)
    }

    fn get(&self, key: &[u8]) -> Result<Option<fjall::UserValue>, DerivedError> {
        guarded(&self.directory, || self.rows.get(key))
    }

    /// Rows of a range in order, at most `limit`, each read by `read`.
    fn scan<T>(
        &self,
        range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        limit: usize,
        read: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, DerivedError> {
        let found = guarded(&self.directory, || {
            let rows = self.rows.range(range).take(limit);
            rows.map(|row| row.into_inner().map(|(key, value)| read(&key, &value))).collect()
        });
        let found: Option<Vec<T>> = found.map(|rows: Vec<Option<T>>| rows.into_iter().collect())?;
        found.ok_or_else(|| self.damaged("the key or the value of a row is too short"))
    }

    fn number_u64(&self, bytes: &[u8]) -> Result<u64, DerivedError> {
        keys::number_u64(bytes).ok_or_else(|| self.damaged("a number is too short"))
    }

    fn number_u32(&self, bytes: &[u8]) -> Result<u32, DerivedError> {
        keys::number_u32(bytes).ok_or_else(|| self.damaged("a number is too short"))
    }

    fn damaged(&self, what: &str) -> DerivedError {
        DerivedError::Damaged { directory: self.directory.clone(), what: what.to_owned() }
    }

    pub(super) fn failed(&self, error: fjall::Error) -> DerivedError {
        failure(&self.directory, error)
    }
}

/// What the store does with files that may be damaged: it panics over some of the damage.
fn guarded<T>(directory: &Path, work: impl FnOnce() -> fjall::Result<T>) -> Result<T, DerivedError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| failure(directory, error)),
        Err(_) => {
            let what = "its journal or one of its tables holds what was never written";
            marks::note_damage(directory, what);
            Err(DerivedError::Damaged { directory: directory.to_owned(), what: what.to_owned() })
        }
    }
}

/// What an error of the store means.
fn failure(directory: &Path, error: fjall::Error) -> DerivedError {
    let directory = directory.to_owned();
    let what = error.to_string();
    match error {
        fjall::Error::Locked => DerivedError::InUse(directory),
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                DerivedError::Full(error)
            }
            // A file that is cut off or not there.
            ErrorKind::UnexpectedEof | ErrorKind::NotFound => {
                marks::note_damage(&directory, &error.to_string());
                DerivedError::Damaged { directory, what: error.to_string() }
            }
            _ => DerivedError::Failed { directory, what: error.to_string() },
        },
        // Its own threads write too, and are the first to find no room: what they found is not told. Another
        // failure comes again when it is opened.
        fjall::Error::Poisoned => DerivedError::Full(std::io::Error::other("an earlier write failed")),
        _ => {
            marks::note_damage(&directory, &what);
            DerivedError::Damaged { directory, what }
        }
    }
}

/// The keys that begin with a prefix, from the one after a key on where one is given.
fn after(prefix: Vec<u8>, last: Option<Vec<u8>>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut end = prefix.clone();
    // No key has a byte 255 right after a whole prefix: tables are letters, partitions end in what follows.
    while let Some(byte) = end.pop() {
        if byte < u8::MAX {
            end.push(byte + 1);
            break;
        }
    }
    let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
    (last.map_or(Bound::Included(prefix), Bound::Excluded), end)
}

impl Derived for EmbeddedDerived {
    fn write(&self, batch: &Batch) -> Result<OutboxPlace, DerivedError> {
        let mut outbox_end = self.writer();
        self.check_fences(&batch.fences)?;
        let mut end = *outbox_end;
        let mut rows = self.database.batch();
        for user in &batch.users {
            self.put_user(&mut rows, user, &mut end)?;
        }
        self.put_cursors(&mut rows, batch);
        self.commit(rows, batch.must_last())?;
        *outbox_end = end;
        drop(outbox_end);
        self.let_go();
        Ok(end)
    }

    fn sync(&self) -> Result<(), DerivedError> {
        self.database.persist(PersistMode::SyncData).map_err(|error| self.failed(error))
    }

    fn image(&self, owner: Owner<'_>) -> Result<Option<Vec<u8>>, DerivedError> {
        Ok(self.get(&keys::of_user(Table::Image, owner))?.map(|bytes| bytes.to_vec()))
    }

    fn users(
        &self,
        partition: u16,
        after_user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, DerivedError> {
        let last = after_user.map(|user| keys::of_user(Table::Image, Owner { partition, user }));
        let range = after(keys::of_partition(Table::Image, partition), last);
        self.scan(range, limit, |key, value| Some((keys::user_of(key)?.0, value.to_vec())))
    }

    fn parts(&self, owner: Owner<'_>, numbers: Range<u32>) -> Result<Vec<Vec<u8>>, DerivedError> {
        let first = keys::part(Table::Part, owner, numbers.start);
        let range = (Bound::Included(first), Bound::Excluded(keys::part(Table::Part, owner, numbers.end)));
        self.scan(range, usize::MAX, |_, value| Some(value.to_vec()))
    }

    fn parts_with_findings(
        &self,
        partition: u16,
        after_part: Option<(&str, u32)>,
        limit: usize,
    ) -> Result<Vec<(String, u32)>, DerivedError> {
        let last =
            after_part.map(|(user, number)| keys::part(Table::Findings, Owner { partition, user }, number));
        let range = after(keys::of_partition(Table::Findings, partition), last);
        self.scan(range, limit, |key, _| {
            let (user, rest) = keys::user_of(key)?;
            Some((user, keys::number_u32(rest)?))
        })
    }

    fn lines(&self, owner: Owner<'_>, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, DerivedError> {
        let of_user = keys::of_user(Table::Line, owner);
        let up_to_from = (Bound::Included(of_user.clone()), Bound::Included(keys::lines(owner, from)));
        let before = self.rows.range::<Vec<u8>, _>(up_to_from).next_back();
        let before = before.map(fjall::Guard::key).transpose().map_err(|error| self.failed(error))?;
        let (_, end) = after(of_user.clone(), None);
        let first = before.map_or(of_user, |key| key.to_vec());
        self.scan((Bound::Included(first), end), limit, |key, value| {
            Some((keys::number_u64(key)?, value.to_vec()))
        })
    }

    fn folded(&self, partition: u16) -> Result<Position, DerivedError> {
        let bytes = self.get(&keys::of_partition(Table::Folded, partition))?;
        bytes.map_or(Ok(Position::START), |bytes| self.number_u64(&bytes).map(Position))
    }

    fn shared(&self, before: Position) -> Result<Vec<(Position, Vec<u8>)>, DerivedError> {
        let range = (Bound::Included(keys::shared(Position::START)), Bound::Excluded(keys::shared(before)));
        self.scan(range, usize::MAX, |key, value| Some((Position(keys::number_u64(key)?), value.to_vec())))
    }

    fn outbox(&self, after: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>, DerivedError> {
        let range =
            (Bound::Excluded(keys::outbox(after)), Bound::Included(keys::outbox(OutboxPlace(u64::MAX))));
        self.scan(range, limit, |key, value| {
            rows::read_outbox_item(OutboxPlace(keys::number_u64(key)?), value)
        })
    }

    fn announced(&self, owner: Owner<'_>) -> Result<Option<Announcement>, DerivedError> {
        let Some(bytes) = self.get(&keys::of_user(Table::Announced, owner))? else { return Ok(None) };
        let read = rows::read_announcement(&bytes);
        read.map(Some).ok_or_else(|| self.damaged("an announcement is too short"))
    }

    fn published(&self, publisher: &str) -> Result<OutboxPlace, DerivedError> {
        let bytes = self.get(&keys::published(publisher))?;
        bytes.map_or(Ok(OutboxPlace::default()), |bytes| self.number_u64(&bytes).map(OutboxPlace))
    }

    fn epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        let bytes = self.get(&keys::of_partition(Table::Epoch, partition))?;
        bytes.map_or(Ok(0), |bytes| self.number_u64(&bytes))
    }

    fn begin_epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        let _writing = self.writer();
        let epoch = self.epoch(partition)?.saturating_add(1);
        let mut rows = self.database.batch();
        rows.insert(&self.rows, keys::of_partition(Table::Epoch, partition), epoch.to_be_bytes());
        self.commit(rows, true)?;
        Ok(epoch)
    }

    fn copy_to(&self, directory: &Path) -> Result<u64, DerivedError> {
        let to = Self::open(directory, DerivedOptions::default())?;
        let now = self.database.snapshot();
        let count = self.copy_rows(now.iter(&self.rows), &to)?;
        to.sync()?;
        Ok(count)
    }

    fn bytes(&self) -> Result<u64, DerivedError> {
        self.database.disk_space().map_err(|error| self.failed(error))
    }
}
