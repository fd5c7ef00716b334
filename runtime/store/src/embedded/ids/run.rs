//! A run: keys and contents of consecutive records, sorted, in a file that does not change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::filter::{self, BLOCK_BYTES, Block};
use crate::embedded::files::{Files, LogFile};
use crate::embedded::format::{Chain, HEADER_LENGTH, RunHeader};
use crate::embedded::scan::file_name;
use crate::record::{Digest, Position};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
/// Bytes of an entry: key and content.
const ENTRY_BYTES: usize = 2 * Digest::LENGTH;
/// Entries of a page; its count and checksum follow.
pub const PAGE_ENTRIES: usize = (PAGE_BYTES - 8) / ENTRY_BYTES;
/// How files of runs are named.
const EXTENSION: &str = "run";

impl RunHeader {
    /// The header of a run of consecutive records, after which the chain is this.
    pub fn new(first: Position, end: Position, chain: &Chain, entries: u64) -> Self {
        let mut beginning = [0; 16];
        beginning.iter_mut().zip(chain).for_each(|(to, from)| *to = *from);
        Self { first, end, chain: beginning, entries }
    }

    /// Blocks of its filter.
    pub fn filter_blocks(&self) -> u64 {
        filter::blocks_for(self.entries)
    }

    /// Bytes of its filter.
    pub fn filter_bytes(&self) -> u64 {
        self.filter_blocks().saturating_mul(BLOCK_BYTES as u64)
    }

    /// Where pages begin.
    pub fn pages_at(&self) -> u64 {
        self.filter_bytes().saturating_add(HEADER_LENGTH as u64)
    }

    /// How many pages it has.
    pub fn pages(&self) -> u64 {
        self.entries.div_ceil(PAGE_ENTRIES as u64)
    }

    fn file_bytes(&self) -> u64 {
        self.pages_at().saturating_add(self.pages().saturating_mul(PAGE_BYTES as u64))
    }

    /// The name of its file.
    pub fn name(&self) -> String {
        format!("{:020}-{:020}.{EXTENSION}", self.first.0, self.end.0)
    }
}

/// A run that is open.
pub struct Run {
    /// What it is of.
    pub header: RunHeader,
    /// Its file.
    pub path: PathBuf,
    file: Arc<dyn LogFile>,
    /// The filter, where it is kept in memory.
    filter: Option<Vec<u8>>,
    /// The first bytes of each page's first key.
    fences: Arc<[u64]>,
}

/// One page, as it was read.
pub type Page = [u8; PAGE_BYTES];

impl Run {
    /// Opens a run; every byte of it is checked.
    pub fn open(files: &dyn Files, path: &Path) -> io::Result<Self> {
        let file: Arc<dyn LogFile> = Arc::from(files.open(path)?);
        let mut bytes = [0; HEADER_LENGTH];
        file.read_exact_at(&mut bytes, 0)?;
        let header = RunHeader::decode(&bytes).ok_or_else(damaged)?;
        if header.file_bytes() != file.length()? || file_name(path) != header.name() {
            return Err(damaged());
        }
        let mut run = Self { header, path: path.to_owned(), file, filter: None, fences: Arc::from([]) };
        for number in 0..header.filter_blocks() {
            run.filter_block(number)?;
        }
        let fences = (0..header.pages()).map(|number| {
            let page = run.page(number)?;
            Ok(entries(&page).next().map_or(u64::MAX, |(key, _)| filter::leading(&key)))
        });
        run.fences = fences.collect::<io::Result<_>>()?;
        Ok(run)
    }

    /// The content of the record with a key.
    pub fn content(&self, key: &Digest) -> io::Result<Option<Digest>> {
        if !self.may_have(key)? {
            return Ok(None);
        }
        let leading = filter::leading(key);
        // Keys with the same first bytes may stand on both sides of a fence.
        let last = self.fences.partition_point(|fence| *fence <= leading);
        let first = self.fences.partition_point(|fence| *fence < leading).saturating_sub(1);
        for number in first..last {
            let page = self.page(number as u64)?;
            if let Some((_, content)) = entries(&page).find(|(found, _)| found == key) {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    fn may_have(&self, key: &Digest) -> io::Result<bool> {
        let number = filter::block_of(key, self.header.filter_blocks());
        let place = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(BLOCK_BYTES);
        let kept = self.filter.as_ref().and_then(|filter| filter.get(place..)?.first_chunk());
        match kept {
            Some(block) => Ok(filter::may_have(block, key)),
            None => Ok(filter::may_have(&self.filter_block(number)?, key)),
        }
    }

    fn filter_block(&self, number: u64) -> io::Result<Block> {
        let mut block = [0; BLOCK_BYTES];
        let offset = number.saturating_mul(BLOCK_BYTES as u64).saturating_add(HEADER_LENGTH as u64);
        self.file.read_exact_at(&mut block, offset)?;
        if filter::holds(&block) { Ok(block) } else { Err(damaged()) }
    }

    /// A page.
    pub fn page(&self, number: u64) -> io::Result<Page> {
        let mut page = [0; PAGE_BYTES];
        let offset = number.saturating_mul(PAGE_BYTES as u64).saturating_add(self.header.pages_at());
        self.file.read_exact_at(&mut page, offset)?;
        let sound = page
            .split_last_chunk::<4>()
            .is_some_and(|(checked, checksum)| crc32fast::hash(checked) == u32::from_le_bytes(*checksum));
        if sound { Ok(page) } else { Err(damaged()) }
    }

    /// Whether the filter is in memory.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The same run, with its filter in memory or not.
    pub fn with_filter(&self, keep: bool) -> io::Result<Self> {
        let mut filter = None;
        if keep {
            let length = usize::try_from(self.header.filter_bytes()).unwrap_or(usize::MAX);
            let mut bytes = vec![0; length];
            self.file.read_exact_at(&mut bytes, HEADER_LENGTH as u64)?;
            if !bytes.as_chunks::<BLOCK_BYTES>().0.iter().all(filter::holds) {
                return Err(damaged());
            }
            filter = Some(bytes);
        }
        let (file, fences) = (self.file.clone(), self.fences.clone());
        Ok(Self { header: self.header, path: self.path.clone(), file, filter, fences })
    }
}

/// The entries of a page, sorted.
pub fn entries(page: &Page) -> impl Iterator<Item = (Digest, Digest)> {
    let count = page
        .get(PAGE_BYTES - 8..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |it| u32::from_le_bytes(*it));
    let (entries, _) = page.as_chunks::<ENTRY_BYTES>();
    entries
        .iter()
        .take((count as usize).min(PAGE_ENTRIES))
        .filter_map(|entry| Some((Digest(*entry.first_chunk()?), Digest(*entry.last_chunk()?))))
}

/// A page of some entries.
pub fn page_of(entries: &[(Digest, Digest)]) -> Page {
    let mut page = [0; PAGE_BYTES];
    for (place, (key, content)) in page.as_chunks_mut::<ENTRY_BYTES>().0.iter_mut().zip(entries) {
        let (first, second) = place.split_at_mut(Digest::LENGTH);
        first.copy_from_slice(&key.0);
        second.copy_from_slice(&content.0);
    }
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes();
    if let Some((rest, checksum)) = page.split_last_chunk_mut::<4>() {
        if let Some(place) = rest.last_chunk_mut() {
            *place = count;
        }
        *checksum = crc32fast::hash(rest).to_le_bytes();
    }
    page
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the index of ids is damaged; it is made anew when the log is opened",
    )
}

/// The runs of a directory that follow one upon the other from the first record on. What is damaged, left over or
/// unfinished is removed.
pub fn open_all(files: &dyn Files, directory: &Path) -> io::Result<Vec<Arc<Run>>> {
    let mut found = Vec::new();
    for path in files.list(directory)? {
        let is_run = path.extension().is_some_and(|extension| extension == EXTENSION);
        match Run::open(files, &path) {
            Ok(run) if is_run => found.push(run),
            _ => files.remove(&path)?,
        }
    }
    // Of those that begin at the same place the longest: it was merged of the others.
    found.sort_by_key(|run| (run.header.first, std::cmp::Reverse(run.header.end)));
    let (mut runs, mut end) = (Vec::new(), Position::START);
    for run in found {
        if run.header.first == end && run.header.end > end {
            end = run.header.end;
            runs.push(Arc::new(run));
        } else {
            files.remove(&run.path)?;
        }
    }
    Ok(runs)
}
