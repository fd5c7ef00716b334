//! What the writer keeps in memory: which records are there, and how far receipt has come.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::record::{Digest, Record};

/// Tables that the ids are spread over, so that none of them pauses the writer for long when it grows.
const SHARDS: usize = 64;

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

/// Key and content of every record, without a limit of time.
pub struct Ids {
    shards: Vec<DigestTable<Digest>>,
}

impl Ids {
    fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| DigestTable::default()).collect() }
    }

    /// The content of the record with a key.
    pub fn content(&self, key: &Digest) -> Option<Digest> {
        self.shards.get(shard(key))?.get(key).copied()
    }

    /// Takes a record in.
    pub fn insert(&mut self, key: Digest, content: Digest) {
        if let Some(shard) = self.shards.get_mut(shard(&key)) {
            shard.insert(key, content);
        }
    }
}

/// The shard of a key: by its last byte, since the tables use the first ones.
fn shard(key: &Digest) -> usize {
    usize::from(key.0.last().copied().unwrap_or_default()) % SHARDS
}

/// The last time of receipt of every partition.
#[derive(Clone)]
pub struct Receipts {
    /// By partition; none of them is before the floor.
    partitions: Vec<i64>,
    /// The last time of receipt of a record that concerns all partitions.
    floor: i64,
}

impl Receipts {
    fn new() -> Self {
        Self { partitions: Vec::new(), floor: i64::MIN }
    }

    /// The time of receipt that a record gets: what it brings, but none before the last of its
    /// partition (of all partitions where it concerns all).
    pub fn advance(&mut self, partition: Option<u16>, proposed: i64) -> i64 {
        let Some(partition) = partition.map(usize::from) else {
            let latest = self.partitions.iter().copied().max().unwrap_or(i64::MIN);
            self.floor = self.floor.max(latest).max(proposed);
            return self.floor;
        };
        if self.partitions.len() <= partition {
            self.partitions.resize(partition + 1, i64::MIN);
        }
        let latest = proposed.max(self.floor);
        match self.partitions.get_mut(partition) {
            Some(last) => {
                *last = latest.max(*last);
                *last
            }
            None => latest,
        }
    }
}

/// All of it.
pub struct Index {
    /// Which records are there.
    pub ids: Ids,
    /// How far receipt has come.
    pub receipts: Receipts,
}

impl Index {
    /// The index of an empty log.
    pub fn new() -> Self {
        Self { ids: Ids::new(), receipts: Receipts::new() }
    }

    /// Takes in a record that is in the log.
    pub fn take_in(&mut self, record: &Record<'_>) {
        self.ids.insert(record.stored.key, record.stored.content);
        self.receipts.advance(record.stored.partition, record.stored.received_millis);
    }
}
