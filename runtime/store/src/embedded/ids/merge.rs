//! Making runs: of a table, and of other runs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::filter::{self, BLOCK_BYTES, Block};
use super::run::{PAGE_BYTES, PAGE_ENTRIES, Run, entries, page_of};
use super::{DigestTable, Entry};
use crate::embedded::files::{Files, LogFile};
use crate::embedded::format::{HEADER_LENGTH, RunHeader};
use crate::record::Digest;

/// Runs of like size that are merged into one: so a record is written again once for each fourfold growth, and there are
/// some twelve runs of a hundred million records.
const FAN: usize = 4;
/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// Makes a run of a table.
pub fn seal(
    files: &dyn Files,
    directory: &Path,
    header: RunHeader,
    table: &DigestTable<Digest>,
) -> io::Result<Arc<Run>> {
    let mut sorted: Vec<Entry> = table.iter().map(|(key, content)| (*key, *content)).collect();
    sorted.sort_unstable();
    write(files, directory, header, sorted.into_iter().map(Ok))
}

/// Adds a run to others, and merges the last ones while there are enough of like size. `table` is the size of the least.
pub fn merge(
    files: &dyn Files,
    directory: &Path,
    mut runs: Vec<Arc<Run>>,
    added: Arc<Run>,
    table: u64,
) -> io::Result<Vec<Arc<Run>>> {
    runs.push(added);
    while let Some(alike) = alike(&runs, table) {
        let merged = merge_some(files, directory, runs.get(alike..).unwrap_or_default())?;
        for run in runs.drain(alike..) {
            files.remove(&run.path)?;
        }
        runs.push(merged);
    }
    Ok(runs)
}

/// From where on the last runs are of like size, if they are enough.
fn alike(runs: &[Arc<Run>], table: u64) -> Option<usize> {
    let tier = |run: &Arc<Run>| (run.header.entries / table.max(1)).max(1).ilog2() / FAN.ilog2();
    let last = tier(runs.last()?);
    let alike = runs.iter().rev().take_while(|run| tier(run) <= last).count();
    (alike >= FAN).then(|| runs.len() - alike)
}

fn merge_some(files: &dyn Files, directory: &Path, runs: &[Arc<Run>]) -> io::Result<Arc<Run>> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Err(io::Error::other("there is nothing to merge"));
    };
    let entries = runs.iter().map(|run| run.header.entries).sum();
    let header = RunHeader { first: first.header.first, entries, ..last.header };
    let mut cursors = runs.iter().map(|run| Cursor::new(run.clone())).collect::<io::Result<Vec<_>>>()?;
    let next = std::iter::from_fn(move || {
        let least =
            cursors.iter_mut().filter(|cursor| cursor.head.is_some()).min_by_key(|cursor| cursor.head)?;
        least.take().transpose()
    });
    write(files, directory, header, next)
}

/// A place in a run that is read from its beginning.
struct Cursor {
    run: Arc<Run>,
    head: Option<Entry>,
    page: std::vec::IntoIter<Entry>,
    next_page: u64,
}

impl Cursor {
    fn new(run: Arc<Run>) -> io::Result<Self> {
        let mut cursor = Self { run, head: None, page: Vec::new().into_iter(), next_page: 0 };
        cursor.take()?;
        Ok(cursor)
    }

    /// Gives the head and goes on.
    fn take(&mut self) -> io::Result<Option<Entry>> {
        let next = self.page.next();
        let next = if next.is_none() && self.next_page < self.run.header.pages() {
            let page = self.run.page(self.next_page)?;
            self.next_page += 1;
            self.page = entries(&page).collect::<Vec<_>>().into_iter();
            self.page.next()
        } else {
            next
        };
        Ok(std::mem::replace(&mut self.head, next))
    }
}

/// Writes a run, durably; under its name it is there whole or not at all.
fn write(
    files: &dyn Files,
    directory: &Path,
    header: RunHeader,
    entries: impl Iterator<Item = io::Result<Entry>>,
) -> io::Result<Arc<Run>> {
    let path = directory.join(header.name());
    let unfinished = path.with_extension("new");
    let file = files.open_to_write(&unfinished)?;
    file.set_length(0)?;
    file.write_all_at(&header.encode(), 0)?;
    let mut writing = Writing::new(&*file, header);
    for entry in entries {
        writing.add(entry?)?;
    }
    writing.finish()?;
    file.sync_data()?;
    files.rename(&unfinished, &path)?;
    files.sync_directory(directory)?;
    Run::open(files, &path).map(Arc::new)
}

/// The filter and the pages of a run, both written from their beginnings.
struct Writing<'a> {
    filter: Region<'a>,
    pages: Region<'a>,
    blocks: u64,
    block_number: u64,
    block: Block,
    page: Vec<Entry>,
}

impl<'a> Writing<'a> {
    fn new(file: &'a dyn LogFile, header: RunHeader) -> Self {
        Self {
            filter: Region { file, offset: HEADER_LENGTH as u64, waiting: Vec::new() },
            pages: Region { file, offset: header.pages_at(), waiting: Vec::new() },
            blocks: header.filter_blocks(),
            block_number: 0,
            block: [0; BLOCK_BYTES],
            page: Vec::with_capacity(PAGE_ENTRIES),
        }
    }

    fn add(&mut self, entry: Entry) -> io::Result<()> {
        self.blocks_up_to(filter::block_of(&entry.0, self.blocks))?;
        filter::add(&mut self.block, &entry.0);
        self.page.push(entry);
        if self.page.len() == PAGE_ENTRIES { self.end_page() } else { Ok(()) }
    }

    /// Keys come in order, and so do their blocks.
    fn blocks_up_to(&mut self, number: u64) -> io::Result<()> {
        while self.block_number < number {
            let mut block = std::mem::replace(&mut self.block, [0; BLOCK_BYTES]);
            filter::finish(&mut block);
            self.filter.put(&block)?;
            self.block_number += 1;
        }
        Ok(())
    }

    fn end_page(&mut self) -> io::Result<()> {
        let page: [u8; PAGE_BYTES] = page_of(&self.page);
        self.page.clear();
        self.pages.put(&page)
    }

    fn finish(mut self) -> io::Result<()> {
        self.blocks_up_to(self.blocks)?;
        if !self.page.is_empty() {
            self.end_page()?;
        }
        self.filter.flush()?;
        self.pages.flush()
    }
}

/// A part of a file that is written from its beginning.
struct Region<'a> {
    file: &'a dyn LogFile,
    offset: u64,
    waiting: Vec<u8>,
}

impl Region<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.waiting, self.offset)?;
        self.offset = self.offset.saturating_add(self.waiting.len() as u64);
        self.waiting.clear();
        Ok(())
    }
}
