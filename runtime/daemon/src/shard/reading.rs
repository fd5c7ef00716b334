//! Records of the log as the fold takes them.

use aquarium_charging::Record;
use aquarium_charging::input::{self, Refusal, Source};
use aquarium_ir::Millis;
use aquarium_store::{Kind, OwnedRecord, Page, Position};
use thiserror::Error;

/// Why records cannot be charged. What was read once can be read again, so none of these is a user's fault.
#[derive(Debug, Error)]
pub enum Misread {
    /// The log cannot be read.
    #[error("{0}")]
    Log(String),
    /// A record is not what was written.
    #[error("record {position} of the log: {why}")]
    Record {
        /// Its place.
        position: Position,
        /// Why.
        why: String,
    },
}

impl Misread {
    /// A record that cannot be read.
    pub fn record(position: Position, why: &Refusal) -> Self {
        Self::Record { position, why: why.to_string() }
    }
}

/// Records with their places in the log.
pub type Placed = Vec<(Position, Record<'static>)>;

/// What a page holds for a shard, in the order of the log.
#[derive(Default)]
pub struct Sorted<'a> {
    /// Records of users, with their partitions.
    pub users: Vec<(&'a str, u16, (Position, Record<'static>))>,
    /// Records that concern everybody: their places, times of receipt and bytes.
    pub shared: Vec<Shared>,
    /// When the first of them was received, whomever it concerns.
    pub first_received: Option<Millis>,
    /// When the last of them was received, whomever it concerns.
    pub received: Millis,
}

/// A record that concerns everybody.
pub struct Shared {
    /// Its place.
    pub position: Position,
    /// When it was received, in milliseconds since the epoch.
    pub received_millis: i64,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl From<OwnedRecord> for Shared {
    fn from(stored: OwnedRecord) -> Self {
        Self { position: stored.position, received_millis: stored.received_millis, body: stored.body }
    }
}

impl Shared {
    /// Its row in the store: the time of receipt, eight bytes; the bytes.
    pub fn row(&self) -> (Position, Vec<u8>) {
        (self.position, [self.received_millis.to_be_bytes().as_slice(), &self.body].concat())
    }

    /// The record of a row.
    pub fn of_row(position: Position, row: &[u8]) -> Option<Self> {
        let (received, body) = row.split_first_chunk()?;
        Some(Self { position, received_millis: i64::from_be_bytes(*received), body: body.to_vec() })
    }

    /// The record.
    pub fn read(&self) -> Result<Record<'static>, Misread> {
        read_stored(&self.body, self.received_millis).map_err(|why| Misread::record(self.position, &why))
    }
}

/// Sorts the records of a page by whom they concern. `counts` says whether a partition's record at a place does.
pub fn sort(page: &Page, counts: impl Fn(u16, Position) -> bool) -> Result<Sorted<'_>, Misread> {
    let mut sorted = Sorted::default();
    for record in page.records() {
        let stored = &record.stored;
        let received = Millis(stored.received_millis);
        sorted.first_received.get_or_insert(received);
        sorted.received = sorted.received.max(received);
        let counts = stored.partition.is_none_or(|partition| counts(partition, record.position));
        if !counts || matches!(stored.kind, Kind::Quarantined(_)) {
            continue;
        }
        let (position, received_millis) = (record.position, stored.received_millis);
        match stored.partition {
            Some(partition) if !stored.user.is_empty() => {
                let read = read_stored(stored.body, received_millis);
                let read = read.map_err(|why| Misread::record(position, &why))?;
                sorted.users.push((stored.user, partition, (position, read)));
            }
            Some(_) => {}
            None => sorted.shared.push(Shared { position, received_millis, body: stored.body.to_vec() }),
        }
    }
    Ok(sorted)
}

/// The record that the log holds as these bytes.
pub fn read_stored(body: &[u8], received_millis: i64) -> Result<Record<'static>, Refusal> {
    let received = Millis(received_millis);
    let source = Source { received, keeps_received: false, writes_records: true, plausible: None };
    input::read(body, &source).map(|message| message.record.into_owned())
}
