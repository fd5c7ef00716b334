//! Which records are in the log: key and content of each, without a limit of time and within bounded memory.
//!
//! The latest are in a table in memory. A full table becomes a *run*, a sorted file with a filter; runs of like size are
//! merged into larger ones. Both are done by a thread of their own, while the table before is still looked into. Runs
//! can always be made anew from the log: what is damaged, or of another log, is thrown away when the log is opened.

mod filter;
mod merge;
mod run;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::files::Files;
use super::format::{Chain, RunHeader};
use crate::record::{Digest, Position};
use run::Run;

/// The directory of runs within that of the log.
pub const DIRECTORY: &str = "ids";
/// Bytes of filters that are kept in memory, those of the latest runs first: enough for forty million records. Others
/// are read where they are needed.
const FILTER_BYTES_MAX: u64 = 64 << 20;

/// Takes the first eight bytes of a digest for its hash: they are uniform already.
#[derive(Default)]
pub struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn write_u64(&mut self, value: u64) {
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A hash table with digests for keys.
pub type DigestTable<V> = HashMap<Digest, V, BuildHasherDefault<DigestHasher>>;

/// A key and its content.
type Entry = (Digest, Digest);

/// The records of a log.
pub struct Ids {
    files: Arc<dyn Files>,
    directory: PathBuf,
    /// Records of a table.
    recent_max: usize,
    recent: DigestTable<Digest>,
    /// The first record of the table; those before are in runs.
    recent_from: Position,
    sealing: Option<Sealing>,
    /// By the place of their records.
    runs: Vec<Arc<Run>>,
    /// Where runs end that were found and are yet to be compared with the log, and the beginning of its chain there.
    unconfirmed: BTreeMap<Position, [u8; 16]>,
    /// Whether one of them was found to be of another log.
    foreign: bool,
}

/// A table on its way to a run.
struct Sealing {
    table: Arc<DigestTable<Digest>>,
    from: Position,
    thread: JoinHandle<io::Result<Vec<Arc<Run>>>>,
}

impl Ids {
    /// What the runs of a directory have. The log is to be read then, and [`Ids::are_foreign`] to be asked.
    ///
    /// # Errors
    /// Where the directory cannot be used.
    pub fn open(files: Arc<dyn Files>, log: &Path, recent_max: usize) -> io::Result<Self> {
        let directory = log.join(DIRECTORY);
        files.create_directory(&directory)?;
        let runs = run::open_all(&*files, &directory)?;
        let recent_from = runs.last().map_or(Position::START, |run| run.header.end);
        let recent_max = recent_max.max(1);
        let (recent, sealing) = (DigestTable::default(), None);
        let unconfirmed = runs.iter().map(|run| (run.header.end, run.header.chain)).collect();
        let foreign = false;
        let mut ids =
            Self { files, directory, recent_max, recent, recent_from, sealing, runs, unconfirmed, foreign };
        ids.choose_filters()?;
        Ok(ids)
    }

    /// As [`Ids::open`], having thrown all runs away.
    ///
    /// # Errors
    /// As [`Ids::open`].
    pub fn afresh(files: Arc<dyn Files>, log: &Path, recent_max: usize) -> io::Result<Self> {
        let directory = log.join(DIRECTORY);
        for path in files.list(&directory)? {
            files.remove(&path)?;
        }
        Self::open(files, log, recent_max)
    }

    /// The content of the record with a key.
    ///
    /// # Errors
    /// Where a run cannot be read, or is damaged.
    pub fn content(&self, key: &Digest) -> io::Result<Option<Digest>> {
        if let Some(content) = self.recent.get(key) {
            return Ok(Some(*content));
        }
        if let Some(content) = self.sealing.as_ref().and_then(|sealing| sealing.table.get(key)) {
            return Ok(Some(*content));
        }
        for run in self.runs.iter().rev() {
            if let Some(content) = run.content(key)? {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    /// Takes a record in.
    pub fn insert(&mut self, key: Digest, content: Digest) {
        self.recent.insert(key, content);
    }

    /// Takes in a record that was found in the log, unless a run has it.
    pub fn take_in(&mut self, position: Position, key: Digest, content: Digest) {
        if position >= self.recent_from {
            self.insert(key, content);
        }
    }

    /// Whether the runs that were found are of another log than the one that was read.
    pub fn are_foreign(&self) -> bool {
        self.foreign || !self.unconfirmed.is_empty()
    }

    /// After a block: compares runs that end with it, and has a full table sealed.
    pub fn end_block(&mut self, end: Position, chain: &Chain) {
        if let Some(beginning) = self.unconfirmed.remove(&end) {
            self.foreign |= !chain.starts_with(&beginning);
        }
        if self.sealing.as_ref().is_some_and(|sealing| sealing.thread.is_finished()) {
            self.finish_sealing();
        }
        if self.recent.len() < self.recent_max {
            return;
        }
        if self.sealing.is_some() {
            if self.recent.len() < self.recent_max.saturating_mul(2) {
                return;
            }
            // Memory is bounded: whoever writes faster than runs are made waits for them.
            self.finish_sealing();
        }
        self.seal(end, chain);
    }

    fn seal(&mut self, end: Position, chain: &Chain) {
        let table = Arc::new(std::mem::take(&mut self.recent));
        let from = std::mem::replace(&mut self.recent_from, end);
        let header = RunHeader::new(from, end, chain, table.len() as u64);
        let (files, directory) = (self.files.clone(), self.directory.clone());
        let (entries, runs, tier) = (table.clone(), self.runs.clone(), self.recent_max as u64);
        let thread = std::thread::spawn(move || {
            let run = merge::seal(&*files, &directory, header, &entries)?;
            merge::merge(&*files, &directory, runs, run, tier)
        });
        self.sealing = Some(Sealing { table, from, thread });
    }

    /// Waits for the run that is being made. Where it could not be its records stay in memory, and become part of the
    /// next one.
    fn finish_sealing(&mut self) {
        let Some(Sealing { table, from, thread }) = self.sealing.take() else { return };
        let made = thread.join().unwrap_or_else(|_| Err(io::Error::other("it could not be made")));
        match made.and_then(|runs| {
            self.runs = runs;
            self.choose_filters()
        }) {
            Ok(()) => {}
            Err(_) => {
                self.recent_from = from;
                self.recent.extend(table.iter().map(|(key, content)| (*key, *content)));
            }
        }
    }

    /// Keeps filters in memory as far as there is room for them, the latest first.
    fn choose_filters(&mut self) -> io::Result<()> {
        let mut room = FILTER_BYTES_MAX;
        for run in self.runs.iter_mut().rev() {
            let bytes = run.header.filter_bytes();
            let keep = bytes <= room;
            room = room.saturating_sub(bytes);
            if keep != run.has_filter() {
                *run = Arc::new(run.with_filter(keep)?);
            }
        }
        Ok(())
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        // Nobody else may write to the directory once the log's lock is given back.
        self.finish_sealing();
    }
}
