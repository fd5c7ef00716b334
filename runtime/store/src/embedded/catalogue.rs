//! What readers need: which block stands where, and where a user's last record is.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::files::LogFile;
use super::format::HEADER_LENGTH;
use super::groups::RecentGroups;
use super::ids::DigestHasher;
use super::scan::{BlockPlace, Segment};
use crate::log::Statistics;
use crate::record::{Kind, NewRecord, Position, user_hash};

/// The last record of every user hash.
pub type UserTable = HashMap<u64, Position, BuildHasherDefault<DigestHasher>>;

/// Segments, blocks and users.
#[derive(Default)]
pub struct Catalogue {
    /// The segments, in order, the writer's last.
    pub segments: Vec<Segment>,
    /// The last record of every user hash.
    pub users: UserTable,
    /// The records that concern all partitions and were not refused: few, and each somebody's decision.
    pub shared: Vec<Position>,
    /// Where records stand in the latest blocks.
    pub groups: RecentGroups,
    /// The place after the last durable record.
    pub end: Position,
}

/// Whether a record concerns all partitions.
pub fn is_shared(record: &NewRecord<'_>) -> bool {
    record.partition.is_none() && record.kind == Kind::Runtime
}

/// Where to find a block.
#[derive(Clone)]
pub struct Location {
    /// The file.
    pub file: Arc<dyn LogFile>,
    /// Its name.
    pub name: Arc<str>,
    /// The block in it.
    pub block: BlockPlace,
}

impl Location {
    /// Bytes of the block's payload as they are in the file.
    pub fn bytes(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        let begin = self.block.offset.saturating_add((HEADER_LENGTH + range.start) as u64);
        self.file.read_exact_at(&mut bytes, begin)?;
        Ok(bytes)
    }
}

impl Catalogue {
    /// The last record of a user, or of one with the same hash.
    pub fn last_of(&self, user: &str) -> Option<Position> {
        if user.is_empty() { None } else { self.users.get(&user_hash(user)).copied() }
    }

    /// Remembers a record of a log that is read.
    pub fn take_in(&mut self, record: &NewRecord<'_>, position: Position) {
        if !record.user.is_empty() {
            self.users.insert(user_hash(record.user), position);
        }
        if is_shared(record) {
            self.shared.push(position);
        }
    }

    /// The records from a place on that concern all partitions.
    pub fn shared_since(&self, from: Position) -> Vec<Position> {
        let before = self.shared.partition_point(|place| *place < from);
        self.shared.get(before..).unwrap_or_default().to_vec()
    }

    /// The block that holds a record.
    pub fn locate(&self, position: Position) -> Option<Location> {
        if position >= self.end {
            return None;
        }
        let begins_after =
            |segment: &Segment| segment.blocks.first().is_none_or(|block| block.first > position);
        let after = self.segments.partition_point(|segment| !begins_after(segment));
        let segment = self.segments.get(after.checked_sub(1)?)?;
        let after = segment.blocks.partition_point(|block| block.first <= position);
        let block = *segment.blocks.get(after.checked_sub(1)?)?;
        Some(Location { file: segment.file.clone(), name: segment.name.clone(), block })
    }

    /// How large the log is.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            records: self.end.0,
            blocks: self.segments.iter().map(|segment| segment.blocks.len() as u64).sum(),
            segments: self.segments.len() as u64,
            bytes: self.segments.iter().map(|segment| segment.bytes).sum(),
        }
    }
}
