//! Where some records stand within blocks that were written lately, so that one of them can be read without its block.
//!
//! A block is read and checked as a whole by whoever follows the log. Whoever wants the few records of one user that
//! nobody has come to yet reads groups: each some records long, with a checksum of its own, which is kept in memory
//! alone. Where a block has no groups, because it is older, it is read as a whole.

use std::collections::VecDeque;
use std::ops::Range;

use crate::record::Position;

/// Records of a group: reading one costs little more than asking the disk at all.
pub const GROUP_RECORDS: u32 = 16;
/// Groups that are kept: those of some ten million records, 8 bytes each.
const GROUPS_MAX: usize = 1 << 20;

/// Consecutive records of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Where they begin in the payload.
    pub offset: u32,
    /// The CRC-32 of their bytes.
    pub checksum: u32,
}

/// Where a group stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlace {
    /// Its first record.
    pub first: Position,
    /// Its records, at most.
    pub count: u32,
    /// Where its bytes are in the block's payload.
    pub bytes: Range<u32>,
    /// The CRC-32 of its bytes.
    pub checksum: u32,
}

/// The groups of a block.
#[derive(Debug)]
pub struct BlockGroups {
    /// The first record of the block.
    first: Position,
    /// Bytes of its payload.
    length: u32,
    groups: Box<[Group]>,
}

impl BlockGroups {
    /// The groups of a payload, by where they begin.
    pub fn of(first: Position, payload: &[u8], offsets: &[u32]) -> Self {
        let ends = offsets.iter().skip(1).map(|next| *next as usize).chain([payload.len()]);
        let group = |(offset, end): (&u32, usize)| {
            let bytes = payload.get(*offset as usize..end).unwrap_or_default();
            Group { offset: *offset, checksum: crc32fast::hash(bytes) }
        };
        let groups = offsets.iter().zip(ends).map(group).collect();
        Self { first, length: u32::try_from(payload.len()).unwrap_or(u32::MAX), groups }
    }
}

/// The groups of the latest blocks.
#[derive(Debug, Default)]
pub struct RecentGroups {
    blocks: VecDeque<BlockGroups>,
    count: usize,
}

impl RecentGroups {
    /// Takes the groups of the next block in; those of the oldest ones go where there are too many.
    pub fn push(&mut self, block: BlockGroups) {
        self.count = self.count.saturating_add(block.groups.len());
        self.blocks.push_back(block);
        while self.count > GROUPS_MAX
            && let Some(gone) = self.blocks.pop_front()
        {
            self.count = self.count.saturating_sub(gone.groups.len());
        }
    }

    /// Lets those of blocks before a place go.
    pub fn forget_before(&mut self, place: Position) {
        while let Some(gone) = self.blocks.pop_front_if(|block| block.first < place) {
            self.count = self.count.saturating_sub(gone.groups.len());
        }
    }

    /// The group of a record, in the block that begins at `block`.
    pub fn find(&self, block: Position, position: Position) -> Option<GroupPlace> {
        let at = self.blocks.binary_search_by_key(&block, |block| block.first).ok()?;
        let BlockGroups { length, groups, .. } = self.blocks.get(at)?;
        let number = position.0.checked_sub(block.0)? / u64::from(GROUP_RECORDS);
        let place = usize::try_from(number).ok()?;
        let group = groups.get(place)?;
        Some(GroupPlace {
            first: Position(block.0.saturating_add(number * u64::from(GROUP_RECORDS))),
            count: GROUP_RECORDS,
            bytes: group.offset..groups.get(place.saturating_add(1)).map_or(*length, |next| next.offset),
            checksum: group.checksum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_the_oldest_blocks_go_first() {
        let mut recent = RecentGroups::default();
        let block = |first, count| BlockGroups {
            first,
            length: 0,
            groups: vec![Group { offset: 0, checksum: 0 }; count].into_boxed_slice(),
        };
        let records = |groups: usize| (groups as u64) * u64::from(GROUP_RECORDS);
        let (second, third) = (Position(records(GROUPS_MAX / 2)), Position(records(GROUPS_MAX)));
        recent.push(block(Position(0), GROUPS_MAX / 2));
        recent.push(block(second, GROUPS_MAX / 2));
        assert!(recent.find(Position(0), Position(5)).is_some());
        recent.push(block(third, 1));
        assert_eq!(recent.find(Position(0), Position(5)), None);
        assert_eq!(recent.find(second, Position(second.0 + 17)).unwrap().first, Position(second.0 + 16));
        assert_eq!(recent.find(third, Position(third.0 + 16)), None);
    }
}
