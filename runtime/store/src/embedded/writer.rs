//! Group commit: a batch becomes one block, one write and one sync.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use super::catalogue::{Catalogue, UserTable, is_shared};
use super::files::{Files, LogFile};
use super::format::{self, BlockHeader, Chain, HEADER_LENGTH, Mark, SegmentHeader};
use super::groups::{BlockGroups, GROUP_RECORDS};
use super::ids::DigestTable;
use super::index::{Index, Receipts};
use super::scan::{BlockPlace, Segment, file_name, segment_name};
use super::{Home, read_lock, write_lock};
use crate::log::AppendError;
use crate::record::{Appended, Digest, NewRecord, Position, user_hash};

/// What only the one writer touches.
pub struct Writer {
    /// Where the log is.
    pub home: Home,
    /// The size at which a new segment begins.
    pub segment_bytes: u64,
    /// The number of partitions.
    pub partitions: u16,
    /// Which records are there.
    pub index: Index,
    /// The segment that is written.
    pub segment: Arc<dyn LogFile>,
    /// Bytes of it.
    pub offset: u64,
    /// The place after the last record.
    pub end: Position,
    /// The chain there.
    pub chain: Chain,
    /// The file that says how far the log was acknowledged.
    pub mark: Box<dyn LogFile>,
    /// Why nothing can be written any more.
    pub stopped: Option<String>,
}

/// A batch, decided upon and encoded.
#[derive(Default)]
struct Plan {
    /// Room for the header, then the payload.
    block: Vec<u8>,
    count: u32,
    answers: Vec<Appended>,
    ids: DigestTable<Digest>,
    users: UserTable,
    shared: Vec<Position>,
    /// Where groups of records begin in the payload.
    groups: Vec<u32>,
}

impl Writer {
    /// Stores a batch; see [`Log::append`](crate::Log::append).
    pub fn append(
        &mut self,
        batch: &[NewRecord<'_>],
        catalogue: &RwLock<Catalogue>,
    ) -> Result<Vec<Appended>, AppendError> {
        if let Some(why) = &self.stopped {
            return Err(AppendError::Stopped(why.clone()));
        }
        format::check_size(batch)?;
        let mut receipts = self.index.receipts.clone();
        let plan = self.plan(batch, &mut receipts, catalogue);
        let mut plan = plan.map_err(|error| self.stop(&error))?;
        if plan.count == 0 {
            return Ok(plan.answers);
        }
        let block = self.commit(&mut plan, catalogue)?;
        let payload = plan.block.get(HEADER_LENGTH..).unwrap_or_default();
        let groups = BlockGroups::of(block.first, payload, &plan.groups);
        self.index.receipts = receipts;
        for (key, content) in plan.ids {
            self.index.ids.insert(key, content);
        }
        self.index.ids.end_block(self.end, &self.chain);
        let mut catalogue = write_lock(catalogue);
        if let Some(segment) = catalogue.segments.last_mut() {
            segment.blocks.push(block);
            segment.bytes = self.offset;
        }
        catalogue.groups.push(groups);
        catalogue.users.extend(plan.users);
        catalogue.shared.extend(plan.shared);
        catalogue.end = self.end;
        Ok(plan.answers)
    }

    fn plan(
        &self,
        batch: &[NewRecord<'_>],
        receipts: &mut Receipts,
        catalogue: &RwLock<Catalogue>,
    ) -> io::Result<Plan> {
        let catalogue = read_lock(catalogue);
        let mut planner = Planner { writer: self, catalogue: &catalogue, receipts, plan: Plan::default() };
        planner.plan.block.resize(HEADER_LENGTH, 0);
        for record in batch {
            let answer = planner.decide(record)?;
            planner.plan.answers.push(answer);
        }
        Ok(planner.plan)
    }

    /// Writes the block and makes it durable.
    fn commit(&mut self, plan: &mut Plan, catalogue: &RwLock<Catalogue>) -> Result<BlockPlace, AppendError> {
        let length = plan.block.len() as u64;
        if self.offset > HEADER_LENGTH as u64 && self.offset.saturating_add(length) > self.segment_bytes {
            self.begin_segment(catalogue)?;
        }
        let payload = plan.block.get(HEADER_LENGTH..).unwrap_or_default();
        let header = BlockHeader::of(payload, plan.count, self.end, &self.chain);
        if let Some(room) = plan.block.first_chunk_mut::<HEADER_LENGTH>() {
            *room = header.encode();
        }
        if let Err(error) = self.segment.write_all_at(&plan.block, self.offset) {
            return Err(self.undo_write(error));
        }
        self.segment.sync_data().map_err(|error| self.stop(&error))?;
        let mark = Mark { end: header.end(), chain: header.chain };
        self.mark.write_all_at(&mark.encode(), 0).map_err(|error| self.stop(&error))?;
        let place = BlockPlace { first: self.end, offset: self.offset };
        self.offset += length;
        self.end = header.end();
        self.chain = header.chain;
        Ok(place)
    }

    /// Takes back what a failed write may have left.
    fn undo_write(&mut self, error: io::Error) -> AppendError {
        match self.segment.set_length(self.offset) {
            Ok(()) => append_error(error),
            Err(again) => self.stop(&again),
        }
    }

    fn stop(&mut self, error: &io::Error) -> AppendError {
        let why = error.to_string();
        self.stopped = Some(why.clone());
        AppendError::Stopped(why)
    }

    fn begin_segment(&mut self, catalogue: &RwLock<Catalogue>) -> Result<(), AppendError> {
        let header = SegmentHeader {
            version: format::VERSION,
            partitions: self.partitions,
            first: self.end,
            chain: self.chain,
            compressed: false,
        };
        let Home { files, directory } = self.home.clone();
        let unnamed = Unnamed::begin(&*files, &directory, &header);
        let segment = unnamed.and_then(|unnamed| unnamed.name(&*files)).map_err(append_error)?;
        // It has its name, so nothing may be written to the one before any more.
        files.sync_directory(&directory).map_err(|error| self.stop(&error))?;
        self.segment = segment.file.clone();
        self.offset = segment.bytes;
        write_lock(catalogue).segments.push(segment);
        Ok(())
    }
}

/// Makes a segment's file; under its name it is there whole or not at all.
pub fn create_segment(files: &dyn Files, directory: &Path, header: &SegmentHeader) -> io::Result<Segment> {
    let segment = Unnamed::begin(files, directory, header)?.name(files)?;
    files.sync_directory(directory)?;
    Ok(segment)
}

/// Where a segment's file is made.
pub fn unfinished(segment: &Path) -> PathBuf {
    segment.with_extension("new")
}

/// The file of a segment that has not got its name yet.
pub struct Unnamed {
    /// It, with its header.
    pub file: Box<dyn LogFile>,
    path: PathBuf,
    unfinished: PathBuf,
    compressed: bool,
}

impl Unnamed {
    /// Begins it.
    pub fn begin(files: &dyn Files, directory: &Path, header: &SegmentHeader) -> io::Result<Self> {
        let path = directory.join(segment_name(header.first));
        let unfinished = unfinished(&path);
        let file = files.open_to_write(&unfinished)?;
        file.set_length(0)?;
        file.write_all_at(&header.encode(), 0)?;
        Ok(Self { file, path, unfinished, compressed: header.compressed })
    }

    /// Makes it durable and gives it its name, from which it replaces what had it; without blocks yet. The name lasts once
    /// the directory is durable, too.
    pub fn name(self, files: &dyn Files) -> io::Result<Segment> {
        self.file.sync_data()?;
        files.rename(&self.unfinished, &self.path)?;
        Ok(Segment {
            file: Arc::from(self.file),
            name: Arc::from(file_name(&self.path)),
            blocks: Vec::new(),
            bytes: HEADER_LENGTH as u64,
            compressed: self.compressed,
        })
    }
}

fn append_error(error: io::Error) -> AppendError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            AppendError::Full(error)
        }
        _ => AppendError::Failed(error),
    }
}

/// Decides on the records of a batch, one after the other.
struct Planner<'a> {
    writer: &'a Writer,
    catalogue: &'a Catalogue,
    receipts: &'a mut Receipts,
    plan: Plan,
}

impl Planner<'_> {
    fn decide(&mut self, record: &NewRecord<'_>) -> io::Result<Appended> {
        match self.content(&record.key)? {
            None => {
                let (position, received_millis) = self.store(record);
                Ok(Appended::Stored { position, received_millis })
            }
            Some(content) if content == record.content => Ok(Appended::Duplicate),
            Some(_) => self.conflict(record),
        }
    }

    fn content(&self, key: &Digest) -> io::Result<Option<Digest>> {
        match self.plan.ids.get(key) {
            Some(content) => Ok(Some(*content)),
            None => self.writer.index.ids.content(key),
        }
    }

    fn conflict(&mut self, record: &NewRecord<'_>) -> io::Result<Appended> {
        let refused = record.in_conflict();
        if self.content(&refused.key)?.is_none() {
            self.store(&refused);
        }
        Ok(Appended::Conflict)
    }

    fn store(&mut self, record: &NewRecord<'_>) -> (Position, i64) {
        let received_millis = self.receipts.advance(record.partition, record.received_millis);
        let position = Position(self.writer.end.0.saturating_add(u64::from(self.plan.count)));
        let previous = self.take_user(record.user, position);
        let stored = NewRecord { received_millis, ..*record };
        if self.plan.count.is_multiple_of(GROUP_RECORDS) {
            let begin = self.plan.block.len().saturating_sub(HEADER_LENGTH);
            self.plan.groups.push(u32::try_from(begin).unwrap_or(u32::MAX));
        }
        if is_shared(record) {
            self.plan.shared.push(position);
        }
        format::encode_record(&mut self.plan.block, &stored, previous);
        self.plan.ids.insert(record.key, record.content);
        self.plan.count += 1;
        (position, received_millis)
    }

    /// The last record of a user so far; from now on it is the one at `position`.
    fn take_user(&mut self, user: &str, position: Position) -> Option<Position> {
        if user.is_empty() {
            return None;
        }
        let hash = user_hash(user);
        self.plan.users.insert(hash, position).or_else(|| self.catalogue.users.get(&hash).copied())
    }
}
