//! Segments that are full, written anew with their blocks compressed.
//!
//! What a segment says stays the same to the last byte, and so does the chain: only the bytes of the file become fewer. It
//! is written beside the old file, checked as it is read, made durable, and takes its name then; whoever reads the old
//! one at that time reads on.

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, TryLockError};
use std::thread;

use super::catalogue::{Catalogue, Location};
use super::files::LogFile;
use super::format::{self, BlockHeader, Chain, HEADER_LENGTH, SegmentHeader};
use super::scan::{BlockPlace, Segment};
use super::writer::{Unnamed, unfinished};
use super::{Home, compression, damaged, read_header, read_lock, read_payload};
use crate::log::{CompressError, ReadError};
use crate::record::Position;

/// Full segments that are left as they are: what was written last is what is read most.
const LEFT_ALONE: usize = 1;

/// A full segment that is not compressed.
struct Full {
    name: Arc<str>,
    file: Arc<dyn LogFile>,
    blocks: Vec<BlockPlace>,
    /// The place after its last record.
    end: Position,
}

/// Compresses the first segment that can be; false where there is none, or `give_up` says so meanwhile.
pub fn compress_one(
    home: &Home,
    catalogue: &RwLock<Catalogue>,
    give_up: &dyn Fn() -> bool,
) -> Result<bool, CompressError> {
    let Some((place, full)) = next(&read_lock(catalogue)) else { return Ok(false) };
    let written = write(home, &full, give_up);
    if !matches!(written, Ok(Some(_))) {
        // What there is of it takes room; where it cannot be removed it is written over.
        let _ = home.files.remove(&unfinished(&home.directory.join(&*full.name)));
    }
    let Some(segment) = written? else { return Ok(false) };
    let mut catalogue = alone_with(catalogue);
    if let Some(old) = catalogue.segments.get_mut(place) {
        *old = segment;
    }
    catalogue.groups.forget_before(full.end);
    Ok(true)
}

/// Changes the catalogue once nobody else has it. Whoever waits for a lock holds up those who come later, and this thread may
/// wait for a processor when it gets it.
fn alone_with(catalogue: &RwLock<Catalogue>) -> RwLockWriteGuard<'_, Catalogue> {
    loop {
        match catalogue.try_write() {
            Ok(alone) => return alone,
            Err(TryLockError::Poisoned(held)) => return PoisonError::into_inner(held),
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
}

fn next(catalogue: &Catalogue) -> Option<(usize, Full)> {
    let full = catalogue.segments.len().checked_sub(1 + LEFT_ALONE)?;
    let place = catalogue.segments.iter().take(full).position(|segment| !segment.compressed)?;
    let segment = catalogue.segments.get(place)?;
    let end = catalogue.segments.get(place + 1)?.blocks.first()?.first;
    let (name, file, blocks) = (segment.name.clone(), segment.file.clone(), segment.blocks.clone());
    Some((place, Full { name, file, blocks, end }))
}

fn write(home: &Home, full: &Full, give_up: &dyn Fn() -> bool) -> Result<Option<Segment>, CompressError> {
    let header = full.header()?;
    let unnamed = Unnamed::begin(&*home.files, &home.directory, &header).map_err(CompressError::Write)?;
    let mut blocks = Vec::with_capacity(full.blocks.len());
    let (mut chain, mut offset) = (header.chain, HEADER_LENGTH as u64);
    for block in &full.blocks {
        if give_up() {
            return Ok(None);
        }
        let (head, payload) = full.read(block, &mut chain)?;
        let written = unnamed.file.write_all_at(&head.encode(), offset);
        let written = written
            .and_then(|()| unnamed.file.write_all_at(&payload, offset.saturating_add(HEADER_LENGTH as u64)));
        written.map_err(CompressError::Write)?;
        blocks.push(BlockPlace { first: block.first, offset });
        offset = offset.saturating_add(head.block_length());
    }
    let named = unnamed.name(&*home.files).map_err(CompressError::Write)?;
    home.files.sync_directory(&home.directory).map_err(CompressError::Write)?;
    Ok(Some(Segment { blocks, bytes: offset, ..named }))
}

impl Full {
    /// The header of the new file.
    fn header(&self) -> Result<SegmentHeader, ReadError> {
        let mut bytes = [0; HEADER_LENGTH];
        self.file.read_exact_at(&mut bytes, 0)?;
        let header = SegmentHeader::decode(&bytes).map_err(|what| {
            let (file, what) = (self.name.to_string(), what.to_owned());
            let first = self.blocks.first().map_or(self.end, |block| block.first);
            ReadError::Damaged { file, offset: 0, what, first }
        })?;
        Ok(SegmentHeader { version: format::VERSION, compressed: true, ..header })
    }

    /// A block as it will be in the file. What is damaged is not written anew, and what is written comes to the same again.
    fn read(&self, block: &BlockPlace, chain: &mut Chain) -> Result<(BlockHeader, Vec<u8>), ReadError> {
        let location = Location { file: self.file.clone(), name: self.name.clone(), block: *block };
        let header = read_header(&location)?;
        let payload = read_payload(&location, &header)?;
        if !header.follows(chain, &payload) {
            return Err(damaged(&location, "the block does not follow the one before it"));
        }
        *chain = header.chain;
        let compressed = compression::compress(&payload, header.count)
            .filter(|it| compression::decompress(it, header.count, payload.len()).as_ref() == Some(&payload));
        Ok(match compressed {
            Some(compressed) => (header.with_compressed(&payload, &compressed), compressed),
            None => (header.with_payload(&payload), payload),
        })
    }
}
