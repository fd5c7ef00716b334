//! The log in one directory: segment files, one writer, everything checked when it is opened.
//!
//! | file | holds |
//! |---|---|
//! | `lock` | nothing: the process that writes has it locked |
//! | `acknowledged` | how far the log was acknowledged |
//! | `00000000000000000000.segment`, ... | blocks of records; named by the first record |
//! | `ids/` | which ids are in the log, as far as it is no longer known in memory; made anew where it is damaged |

mod catalogue;
mod compressing;
mod compression;
mod copy;
pub mod files;
pub(crate) mod format;
mod groups;
mod ids;
mod index;
mod scan;
mod verify;
mod writer;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use copy::{CopyError, copy};
pub use scan::Unfinished;
pub use verify::{Verified, read_all, verify};

use catalogue::{Catalogue, Location};
use files::{Files, RealFiles};
use format::{BlockHeader, Chain, HEADER_LENGTH, SegmentHeader};
use groups::GroupPlace;
use index::Index;
pub(crate) use index::Receipts;
use scan::{MARK_FILE, Scan, Visitor};
use writer::Writer;

use crate::log::{AppendError, CompressError, Log, OpenError, Page, ReadError, Statistics};
use crate::record::{Appended, NewRecord, OwnedRecord, Position, Record, user_hash};

/// The file that the writing process has locked.
const LOCK_FILE: &str = "lock";

/// What can be chosen about an embedded log.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The size at which a new segment begins.
    pub segment_bytes: u64,
    /// The number of partitions of a log that is made anew; an existing one keeps its own.
    pub partitions: u16,
    /// Records whose ids are kept in memory; twice as many while they are written down, at about 70 bytes each.
    pub recent_ids_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, partitions: 64, recent_ids_max: 500_000 }
    }
}

/// Where a log is.
#[derive(Clone)]
struct Home {
    files: Arc<dyn Files>,
    directory: PathBuf,
}

/// The log in one directory.
pub struct EmbeddedLog {
    home: Home,
    partitions: u16,
    writer: Mutex<Writer>,
    catalogue: RwLock<Catalogue>,
    unfinished: Option<Unfinished>,
    /// Whoever compresses segments does so alone.
    compressing: Mutex<()>,
    _lock: File,
}

impl EmbeddedLog {
    /// Opens the log of a directory, or makes one.
    ///
    /// The rest of a write that was interrupted before it was acknowledged is cut off; see
    /// [`EmbeddedLog::unfinished`].
    ///
    /// # Errors
    ///
    /// Where another process writes to it, where it cannot be written, and where it is damaged.
    pub fn open(directory: &Path, options: Options) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealFiles), directory, options)
    }

    /// As [`EmbeddedLog::open`], on a file system that is given.
    ///
    /// # Errors
    ///
    /// As [`EmbeddedLog::open`].
    pub fn open_on(files: Arc<dyn Files>, directory: &Path, options: Options) -> Result<Self, OpenError> {
        let refuse = |source: io::Error| OpenError::NotWritable { directory: directory.to_owned(), source };
        files.create_directory(directory).map_err(refuse)?;
        let lock = files.lock(&directory.join(LOCK_FILE)).map_err(refuse)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(directory.to_owned()))?;
        let recent = options.recent_ids_max;
        let index = Index::open(files.clone(), directory, recent).map_err(refuse)?;
        let mut found = read(&*files, directory, index)?;
        if found.1.index.ids.are_foreign() {
            // What still writes there ends first.
            drop(found);
            let index = Index::afresh(files.clone(), directory, recent).map_err(refuse)?;
            found = read(&*files, directory, index)?;
        }
        let (mut scan, Read { index, mut catalogue }) = found;
        catalogue.end = scan.end;
        let partitions = scan.partitions.unwrap_or(options.partitions);
        let unfinished = scan.unfinished.take();
        let home = Home { files, directory: directory.to_owned() };
        let opened = Opened { home: home.clone(), options, partitions, index };
        let writer = opened.writer(scan, &mut catalogue).map_err(refuse)?;
        let (writer, catalogue) = (Mutex::new(writer), RwLock::new(catalogue));
        Ok(Self {
            home,
            partitions,
            writer,
            catalogue,
            unfinished,
            compressing: Mutex::default(),
            _lock: lock,
        })
    }

    /// What was cut off when the log was opened.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Unfinished> {
        self.unfinished.as_ref()
    }

    /// The records around a place: a group of them, or all of the block.
    fn around(&self, position: Position) -> Result<Option<Page>, ReadError> {
        let (location, group) = {
            let catalogue = read_lock(&self.catalogue);
            let Some(location) = catalogue.locate(position) else { return Ok(None) };
            let group = catalogue.groups.find(location.block.first, position);
            (location, group)
        };
        match group {
            Some(group) => read_group(&location, &group).map(Some),
            None => read_around(&location, position).map(Some),
        }
    }

    /// The records of a user up to a place that are among some consecutive ones, and the place of the one before them. What is
    /// beyond that place was found before: how much is read around a place changes while others write and compress.
    fn user_records_in(
        page: &Page,
        user: &str,
        up_to: Position,
        found: &mut Vec<OwnedRecord>,
    ) -> Option<Position> {
        let hash = user_hash(user);
        let same_hash = |record: &Record<'_>| {
            let other = record.stored.user;
            record.position <= up_to && !other.is_empty() && user_hash(other) == hash
        };
        let chain: Vec<Record<'_>> = page.records().filter(same_hash).collect();
        let of_user = chain.iter().rev().filter(|record| record.stored.user == user);
        found.extend(of_user.map(|record| OwnedRecord::from(*record)));
        chain.first().and_then(|record| record.previous)
    }
}

/// What is known of a log once it was read.
struct Read {
    index: Index,
    catalogue: Catalogue,
}

impl Visitor for Read {
    fn record(&mut self, record: Record<'_>) {
        self.index.take_in(&record);
        self.catalogue.take_in(&record.stored, record.position);
    }

    fn end_block(&mut self, end: Position, chain: &Chain) {
        self.index.ids.end_block(end, chain);
    }
}

fn read(files: &dyn Files, directory: &Path, index: Index) -> Result<(Scan, Read), OpenError> {
    let mut read = Read { index, catalogue: Catalogue::default() };
    let scan = scan::scan(files, directory, &|path| files.open_to_write(path), &mut read)?;
    Ok((scan, read))
}

/// A directory that is open, before there is a writer.
struct Opened {
    home: Home,
    options: Options,
    partitions: u16,
    index: Index,
}

impl Opened {
    /// Makes the log ready to be written: cuts its torn end off, begins its first segment.
    fn writer(self, scan: Scan, catalogue: &mut Catalogue) -> io::Result<Writer> {
        catalogue.segments = scan.segments;
        if catalogue.segments.is_empty() {
            let header = SegmentHeader {
                version: format::VERSION,
                partitions: self.partitions,
                first: Position::START,
                chain: scan.chain,
                compressed: false,
            };
            let Home { files, directory } = &self.home;
            catalogue.segments.push(writer::create_segment(&**files, directory, &header)?);
        }
        let missing = || io::Error::other("the log has no segment");
        let last = catalogue.segments.last().ok_or_else(missing)?;
        if last.file.length()? > last.bytes {
            last.file.set_length(last.bytes)?;
            last.file.sync_data()?;
        }
        Ok(Writer {
            mark: self.home.files.open_to_write(&self.home.directory.join(MARK_FILE))?,
            segment: last.file.clone(),
            offset: last.bytes,
            home: self.home,
            segment_bytes: self.options.segment_bytes,
            partitions: self.partitions,
            index: self.index,
            end: scan.end,
            chain: scan.chain,
            stopped: None,
        })
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self) -> u16 {
        self.partitions
    }

    fn append(&self, batch: &[NewRecord<'_>]) -> Result<Vec<Appended>, AppendError> {
        lock(&self.writer).append(batch, &self.catalogue)
    }

    fn end(&self) -> Position {
        read_lock(&self.catalogue).end
    }

    fn read(&self, from: Position) -> Result<Page, ReadError> {
        let location = read_lock(&self.catalogue).locate(from);
        match location {
            Some(location) => Ok(read_block(&location)?.skip_to(from)),
            None => Ok(Page::empty(from)),
        }
    }

    fn read_user_since(&self, user: &str, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        let mut found = Vec::new();
        let mut next = read_lock(&self.catalogue).last_of(user);
        while let Some(position) = next.filter(|position| *position >= from) {
            let page = self.around(position)?;
            next = page.and_then(|page| Self::user_records_in(&page, user, position, &mut found));
        }
        found.retain(|record| record.position >= from);
        found.reverse();
        Ok(found)
    }

    fn read_shared_since(&self, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        let places = read_lock(&self.catalogue).shared_since(from);
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let page = self.around(place)?;
            let record = page.and_then(|page| page.skip_to(place).records().next().map(OwnedRecord::from));
            found.extend(record);
        }
        Ok(found)
    }

    fn compress(&self, give_up: &dyn Fn() -> bool) -> Result<bool, CompressError> {
        let _alone = lock(&self.compressing);
        compressing::compress_one(&self.home, &self.catalogue, give_up)
    }

    fn statistics(&self) -> Statistics {
        read_lock(&self.catalogue).statistics()
    }
}

fn damaged(location: &Location, what: &str) -> ReadError {
    ReadError::Damaged {
        file: location.name.to_string(),
        offset: location.block.offset,
        what: what.to_owned(),
        first: location.block.first,
    }
}

fn read_header(location: &Location) -> Result<BlockHeader, ReadError> {
    let mut bytes = [0; HEADER_LENGTH];
    location.file.read_exact_at(&mut bytes, location.block.offset)?;
    let header = BlockHeader::decode(&bytes).map_err(|what| damaged(location, what))?;
    if header.first != location.block.first {
        return Err(damaged(location, "another block begins here"));
    }
    Ok(header)
}

fn read_payload(location: &Location, header: &BlockHeader) -> Result<Vec<u8>, ReadError> {
    let stored = location.bytes(0..header.length as usize)?;
    header.payload(stored).map_err(|what| damaged(location, what))
}

fn read_block(location: &Location) -> Result<Page, ReadError> {
    let header = read_header(location)?;
    Ok(Page::new(header.first, header.count, read_payload(location, &header)?))
}

/// The records around a place of a block: those of its part where it is compressed, else all of them.
fn read_around(location: &Location, position: Position) -> Result<Page, ReadError> {
    let header = read_header(location)?;
    let Some(length) = header.uncompressed else {
        return Ok(Page::new(header.first, header.count, read_payload(location, &header)?));
    };
    let places = location.bytes(0..compression::places_length(header.count))?;
    let parts = compression::parts(&places, header.count, length as usize).unwrap_or_default();
    let number = position.0.saturating_sub(header.first.0);
    let part = parts.into_iter().rfind(|part| u64::from(part.first) <= number);
    let fits = |part: &compression::Part| part.bytes.end <= header.length as usize;
    let part =
        part.filter(fits).ok_or_else(|| damaged(location, "its parts are not where they were written"))?;
    let records = part.decompress(&location.bytes(part.bytes.clone())?);
    let records = records.ok_or_else(|| damaged(location, "a part of the block is not what was written"))?;
    Ok(Page::new(Position(header.first.0.saturating_add(part.first.into())), part.count, records))
}

/// Some records of a block, checked by what the writer knows of them.
fn read_group(location: &Location, group: &GroupPlace) -> Result<Page, ReadError> {
    let bytes = location.bytes(group.bytes.start as usize..group.bytes.end as usize)?;
    if crc32fast::hash(&bytes) != group.checksum {
        return Err(damaged(location, "the block is not what was written"));
    }
    let mut records = format::records(&bytes, group.first, group.count);
    let count = u32::try_from(records.by_ref().count()).unwrap_or(group.count);
    Ok(Page::new(group.first, count, bytes))
}

/// The lock, also after a panic of its holder: the writer's state changes only once a block is durable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_lock<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write_lock<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
