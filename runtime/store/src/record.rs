//! What the log holds: records, and what is said about one before and after it is stored.

use std::fmt;

use aquarium_charging::Reason;
use sha2::{Digest as _, Sha256};

/// A place in the log: the number of records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// The place of the first record.
    pub const START: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// 128 bits that stand for some content: the first half of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; Digest::LENGTH]);

impl Digest {
    /// Bytes of a digest.
    pub const LENGTH: usize = 16;

    /// The digest of a list of texts; their borders count, so `["ab", "c"]` differs from `["a", "bc"]`.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let [digest, _] = halves(hasher.finalize().into());
        Self(digest)
    }
}

fn halves(whole: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (half, bytes) in halves.iter_mut().zip(whole.as_chunks::<16>().0) {
        *half = *bytes;
    }
    halves
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An event of a resource.
    ResourceEvent,
    /// An event about a user.
    UserEvent,
    /// One of the runtime's own records: grant, threshold, assign, deployment, tick, redrive, discard.
    Runtime,
    /// Input that was refused, as it came.
    Quarantined(Reason),
}

/// The reasons of quarantine on arrival, in the order of their numbers in the log's format, which begin at 1.
pub const REFUSALS: [Reason; 7] = [
    Reason::NotJson,
    Reason::MissingField,
    Reason::BadType,
    Reason::BadVersion,
    Reason::ReservedClient,
    Reason::Conflict,
    Reason::ImplausibleTime,
];

/// A record that is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// What it is.
    pub kind: Kind,
    /// Whose partition it belongs to; `None` for what concerns all of them (deployments, refused input).
    pub partition: Option<u16>,
    /// Whose record it is; empty where it is nobody's.
    pub user: &'a str,
    /// When it was received, in milliseconds since the epoch; raised where the partition is further already.
    pub received_millis: i64,
    /// What makes it the same record as another.
    pub key: Digest,
    /// What it says: a record of the same key and other content is a conflict.
    pub content: Digest,
    /// Why it was refused, for people; empty for accepted records.
    pub note: &'a str,
    /// Its bytes, as they came.
    pub body: &'a [u8],
}

impl<'a> NewRecord<'a> {
    /// The record under which refused input is kept: the same bytes refused again are the same record.
    #[must_use]
    pub fn quarantined(reason: Reason, note: &'a str, body: &'a [u8], received_millis: i64) -> Self {
        let key = Digest::of(&[b"quarantine", body]);
        Self {
            kind: Kind::Quarantined(reason),
            partition: None,
            user: "",
            received_millis,
            key,
            content: key,
            note,
            body,
        }
    }

    /// The record under which one is kept whose key stands for something else already.
    pub(crate) fn in_conflict(&self) -> Self {
        let note = "its id was used before for an event that says something else";
        Self::quarantined(Reason::Conflict, note, self.body, self.received_millis)
    }

    /// Bytes of text that it brings.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.user.len() + self.note.len() + self.body.len()
    }
}

/// A record as the log holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place.
    pub position: Position,
    /// The place of the record before it that has the same user hash.
    pub previous: Option<Position>,
    /// What it is and says; `received_millis` never decreases within a partition.
    pub stored: NewRecord<'a>,
}

/// A record with texts of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Its place.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
    /// Whose record it is.
    pub user: String,
    /// When it was received, in milliseconds since the epoch.
    pub received_millis: i64,
    /// Why it was refused, for people.
    pub note: String,
    /// Its bytes, as they came.
    pub body: Vec<u8>,
}

impl From<Record<'_>> for OwnedRecord {
    fn from(record: Record<'_>) -> Self {
        Self {
            position: record.position,
            kind: record.stored.kind,
            user: record.stored.user.to_owned(),
            received_millis: record.stored.received_millis,
            note: record.stored.note.to_owned(),
            body: record.stored.body.to_vec(),
        }
    }
}

/// What became of a record that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Stored {
        /// Its place.
        position: Position,
        /// Its time of receipt, as stored.
        received_millis: i64,
    },
    /// The same record was there already.
    Duplicate,
    /// Another record of that key was there already; this one is durable in quarantine.
    Conflict,
}

/// The partition of a user: the same on every machine and in every version.
///
/// FNV-1a over the bytes of the id, its halves folded together, modulo the number of partitions.
#[must_use]
pub fn partition_of(user: &str, partitions: u16) -> u16 {
    let hash = user_hash(user);
    let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
    u16::try_from(folded % u64::from(partitions.max(1))).unwrap_or_default()
}

/// FNV-1a, 64 bits.
pub(crate) fn user_hash(user: &str) -> u64 {
    user.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_user_is_what_it_always_was() {
        let partitions: Vec<u16> =
            ["", "1234", "user-1", "Ωμέγα"].map(|user| partition_of(user, 64)).to_vec();
        assert_eq!(partitions, [1, 44, 62, 3]);
    }

    #[test]
    fn digests_see_the_borders_of_their_parts() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_eq!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"ab", b"c"]));
    }
}
