//! Reading a log from its first byte to its last, checking everything that can be checked.
//!
//! Recovery, which rebuilds the index from what it reads, and verification, which only looks, both
//! walk through here. Neither skips anything: the walk ends at the first thing that is wrong.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Files, LogFile};
use super::format::{self, BLOCK_MAGIC, BlockHeader, Chain, HEADER_LENGTH, Mark, SegmentHeader};
use crate::log::{OpenError, ReadError};
use crate::record::{Position, Record};

/// The file that says how far the log was acknowledged.
pub const MARK_FILE: &str = "acknowledged";
const SEGMENT_SUFFIX: &str = ".segment";

/// The name of the segment that begins at a place.
pub fn segment_name(first: Position) -> String {
    format!("{:020}{SEGMENT_SUFFIX}", first.0)
}

/// The name of a file, for messages.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The segment files of a directory, in order.
pub fn segment_paths(files: &dyn Files, directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = files.list(directory)?;
    paths.retain(|path| file_name(path).ends_with(SEGMENT_SUFFIX));
    Ok(paths)
}

/// Where a block stands in its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPlace {
    /// Its first record.
    pub first: Position,
    /// Its first byte.
    pub offset: u64,
}

/// A segment that was read.
pub struct Segment {
    /// Its file.
    pub file: Arc<dyn LogFile>,
    /// The name of its file.
    pub name: Arc<str>,
    /// Its blocks.
    pub blocks: Vec<BlockPlace>,
    /// Bytes up to the end of its last block.
    pub bytes: u64,
    /// Whether it was compressed.
    pub compressed: bool,
}

/// Something that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The segment file.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// What is wrong.
    pub what: &'static str,
    /// The first record that is affected.
    pub first: Position,
    /// Whether an interrupted write may look like this.
    pub torn: bool,
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Damaged {
            file: fault.file,
            offset: fault.offset,
            what: fault.what.to_owned(),
            first: fault.first,
        }
    }
}

/// A log that was read as far as it is sound.
pub struct Scan {
    /// Its segments.
    pub segments: Vec<Segment>,
    /// The number of its partitions; `None` where there is no segment.
    pub partitions: Option<u16>,
    /// The place after the last sound record.
    pub end: Position,
    /// The chain there.
    pub chain: Chain,
    /// What ended the walk before the end of the files: an unfinished block, never acknowledged.
    pub unfinished: Option<Unfinished>,
}

/// The rest of a write that was interrupted before it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The segment file, the last one.
    pub file: String,
    /// Where the rest begins.
    pub offset: u64,
    /// Bytes of it.
    pub bytes: u64,
}

/// Who is told what a log holds while it is read.
pub trait Visitor {
    /// The next record.
    fn record(&mut self, record: Record<'_>);

    /// A block ends at this place, with this chain.
    fn end_block(&mut self, end: Position, chain: &Chain);
}

/// A visitor that blocks are nothing to.
pub struct EachRecord<'a>(pub &'a mut dyn FnMut(Record<'_>));

impl Visitor for EachRecord<'_> {
    fn record(&mut self, record: Record<'_>) {
        (self.0)(record);
    }

    fn end_block(&mut self, _: Position, _: &Chain) {}
}

/// Reads the whole log in a directory and tells `visitor` what is in it.
///
/// An incomplete or corrupt last block that was never acknowledged ends the log before it; everything
/// else that is wrong is an error.
pub fn scan(
    files: &dyn Files,
    directory: &Path,
    open: &dyn Fn(&Path) -> io::Result<Box<dyn LogFile>>,
    visitor: &mut dyn Visitor,
) -> Result<Scan, OpenError> {
    let mark = read_mark(files, directory)?;
    let paths = segment_paths(files, directory).map_err(ReadError::Io)?;
    let mut walk = Walk::new(mark);
    for (place, path) in paths.iter().enumerate() {
        let file: Arc<dyn LogFile> = Arc::from(open(path).map_err(ReadError::Io)?);
        walk.segment(file, &file_name(path), place + 1 == paths.len(), visitor)?;
    }
    walk.finish()
}

fn read_mark(files: &dyn Files, directory: &Path) -> Result<Option<Mark>, ReadError> {
    let file = match files.open(&directory.join(MARK_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if file.length()? == 0 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER_LENGTH];
    let read = file.read_exact_at(&mut bytes, 0);
    match read.ok().and_then(|()| Mark::decode(&bytes)) {
        Some(mark) => Ok(Some(mark)),
        None => Err(ReadError::Damaged {
            file: MARK_FILE.to_owned(),
            offset: 0,
            what:
                "it does not say how far the log was acknowledged; without this file the log ends where its \
                   segments end"
                    .to_owned(),
            first: Position::START,
        }),
    }
}

/// The state of the walk between two blocks.
struct Walk {
    mark: Option<Mark>,
    scan: Scan,
}

/// What stands at a place in a segment.
enum Step {
    Block(BlockHeader, Vec<u8>),
    End,
    Fault(&'static str, bool),
}

impl Walk {
    fn new(mark: Option<Mark>) -> Self {
        let scan = Scan {
            segments: Vec::new(),
            partitions: None,
            end: Position::START,
            chain: [0; 32],
            unfinished: None,
        };
        Self { mark, scan }
    }

    fn segment(
        &mut self,
        file: Arc<dyn LogFile>,
        name: &str,
        last: bool,
        visitor: &mut dyn Visitor,
    ) -> Result<(), OpenError> {
        let compressed = self.segment_header(&*file, name)?.compressed;
        let length = file.length().map_err(ReadError::Io)?;
        let mut segment = Segment {
            file,
            name: Arc::from(name),
            blocks: Vec::new(),
            bytes: HEADER_LENGTH as u64,
            compressed,
        };
        loop {
            match self.step(&*segment.file, segment.bytes, length).map_err(ReadError::Io)? {
                Step::Block(header, payload) => self.block(&mut segment, header, &payload, visitor)?,
                Step::End => break,
                Step::Fault(what, torn) => {
                    let fault = self.fault(name, segment.bytes, what, torn);
                    self.tail(&*segment.file, fault, length, last)?;
                    break;
                }
            }
        }
        self.scan.segments.push(segment);
        Ok(())
    }

    fn segment_header(&mut self, file: &dyn LogFile, name: &str) -> Result<SegmentHeader, OpenError> {
        let mut bytes = [0; HEADER_LENGTH];
        if file.length().map_err(ReadError::Io)? < HEADER_LENGTH as u64 {
            return Err(self.damage(name, 0, "the file ends within the segment's header"));
        }
        file.read_exact_at(&mut bytes, 0).map_err(ReadError::Io)?;
        let header = SegmentHeader::decode(&bytes).map_err(|what| self.damage(name, 0, what))?;
        if header.version > format::VERSION {
            let (found, known) = (header.version, format::VERSION);
            return Err(OpenError::Newer { file: name.to_owned(), found, known });
        }
        if header.first != self.scan.end || header.chain != self.scan.chain {
            return Err(self.damage(name, 0, "the segment does not follow the one before it"));
        }
        if self.scan.partitions.is_some_and(|partitions| partitions != header.partitions) {
            return Err(self.damage(name, 0, "the segment has another number of partitions"));
        }
        self.scan.partitions = Some(header.partitions);
        Ok(header)
    }

    fn step(&self, file: &dyn LogFile, offset: u64, length: u64) -> io::Result<Step> {
        let left = length.saturating_sub(offset);
        if left == 0 {
            return Ok(Step::End);
        }
        if left < HEADER_LENGTH as u64 {
            return Ok(Step::Fault("the file ends within a block's header", true));
        }
        let mut bytes = [0; HEADER_LENGTH];
        file.read_exact_at(&mut bytes, offset)?;
        let header = match BlockHeader::decode(&bytes) {
            Ok(header) => header,
            Err(what) => return Ok(Step::Fault(what, true)),
        };
        if left < header.block_length() {
            return Ok(Step::Fault("the file ends within a block", true));
        }
        let mut stored = vec![0; header.length as usize];
        file.read_exact_at(&mut stored, offset + HEADER_LENGTH as u64)?;
        Ok(self.check(header, stored))
    }

    fn check(&self, header: BlockHeader, stored: Vec<u8>) -> Step {
        let payload = match header.payload(stored) {
            Ok(payload) => payload,
            Err(what) => return Step::Fault(what, true),
        };
        if header.first != self.scan.end || !header.follows(&self.scan.chain, &payload) {
            return Step::Fault("the block does not follow the one before it", false);
        }
        let mut records = format::records(&payload, header.first, header.count);
        let whole = records.by_ref().count() == header.count as usize && records.rest() == 0;
        if whole {
            Step::Block(header, payload)
        } else {
            Step::Fault("the block's records are malformed", false)
        }
    }

    fn block(
        &mut self,
        segment: &mut Segment,
        header: BlockHeader,
        payload: &[u8],
        visitor: &mut dyn Visitor,
    ) -> Result<(), ReadError> {
        format::records(payload, header.first, header.count).for_each(|record| visitor.record(record));
        segment.blocks.push(BlockPlace { first: header.first, offset: segment.bytes });
        self.scan.end = header.end();
        self.scan.chain = header.chain;
        let disagrees = |mark: Mark| mark.end == header.end() && mark.chain != header.chain;
        if self.mark.is_some_and(disagrees) {
            let what = "the block is not the one that was acknowledged";
            return Err(Fault {
                first: header.first,
                ..self.fault(&segment.name, segment.bytes, what, false)
            }
            .into());
        }
        visitor.end_block(header.end(), &header.chain);
        segment.bytes += header.block_length();
        Ok(())
    }

    /// Decides what to make of a fault: the torn end of the log, or damage.
    fn tail(&mut self, file: &dyn LogFile, fault: Fault, length: u64, last: bool) -> Result<(), ReadError> {
        let acknowledged = self.mark.is_some_and(|mark| mark.end > self.scan.end);
        let offset = fault.offset;
        if !last || !fault.torn || acknowledged || block_follows(file, offset + 1, length, self.scan.end)? {
            return Err(fault.into());
        }
        self.scan.unfinished = Some(Unfinished { file: fault.file, offset, bytes: length - offset });
        Ok(())
    }

    fn finish(self) -> Result<Scan, OpenError> {
        match self.mark {
            Some(mark) if mark.end > self.scan.end => {
                let (name, bytes) = match self.scan.segments.last() {
                    Some(segment) => (segment.name.to_string(), segment.bytes),
                    None => (MARK_FILE.to_owned(), 0),
                };
                Err(self.damage(&name, bytes, "records that were acknowledged are missing"))
            }
            _ => Ok(self.scan),
        }
    }

    fn fault(&self, file: &str, offset: u64, what: &'static str, torn: bool) -> Fault {
        Fault { file: file.to_owned(), offset, what, first: self.scan.end, torn }
    }

    fn damage(&self, file: &str, offset: u64, what: &'static str) -> OpenError {
        OpenError::Read(self.fault(file, offset, what, false).into())
    }
}

/// Whether the header of a later block stands anywhere in the rest of a segment: an interrupted write
/// has none after it.
fn block_follows(file: &dyn LogFile, from: u64, length: u64, after: Position) -> io::Result<bool> {
    const WINDOW: usize = 1 << 20;
    let mut offset = from;
    let mut window = Vec::new();
    while length.saturating_sub(offset) >= HEADER_LENGTH as u64 {
        let size = usize::try_from(length - offset).unwrap_or(WINDOW).min(WINDOW);
        window.resize(size, 0);
        file.read_exact_at(&mut window, offset)?;
        if window.windows(HEADER_LENGTH).any(|bytes| is_later_block(bytes, after)) {
            return Ok(true);
        }
        offset += (size - HEADER_LENGTH + 1) as u64;
    }
    Ok(false)
}

fn is_later_block(bytes: &[u8], after: Position) -> bool {
    if !bytes.starts_with(&BLOCK_MAGIC) {
        return false;
    }
    let header = bytes.try_into().ok().and_then(|bytes| BlockHeader::decode(bytes).ok());
    header.is_some_and(|header| header.first > after)
}
