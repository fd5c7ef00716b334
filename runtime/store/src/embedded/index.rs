//! What the writer keeps in memory: which records are there, and how far receipt has come.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::files::Files;
use super::ids::Ids;
use crate::record::Record;

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

    /// What is known of each partition, and of what concerns all.
    pub fn of(partitions: Vec<i64>, floor: i64) -> Self {
        Self { partitions, floor }
    }

    /// The last of each partition that is known, and of what concerns all.
    pub fn parts(&self) -> (&[i64], i64) {
        (&self.partitions, self.floor)
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
    /// The index of a log that is yet to be read, in which there may be something of it on disk already.
    pub fn open(files: Arc<dyn Files>, log: &Path, recent_ids_max: usize) -> io::Result<Self> {
        Ok(Self { ids: Ids::open(files, log, recent_ids_max)?, receipts: Receipts::new() })
    }

    /// The index of a log that is yet to be read, without anything of what is on disk.
    pub fn afresh(files: Arc<dyn Files>, log: &Path, recent_ids_max: usize) -> io::Result<Self> {
        Ok(Self { ids: Ids::afresh(files, log, recent_ids_max)?, receipts: Receipts::new() })
    }

    /// Takes in a record that is in the log.
    pub fn take_in(&mut self, record: &Record<'_>) {
        self.ids.take_in(record.position, record.stored.key, record.stored.content);
        self.receipts.advance(record.stored.partition, record.stored.received_millis);
    }
}
