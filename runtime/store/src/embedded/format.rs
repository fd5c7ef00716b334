//! The bytes of the log's files: see `docs/log-format.md`, which this module follows to the byte.
//!
//! Knows no file: it turns values into bytes and bytes into values or a reason why not.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::compression;
use crate::log::AppendError;
use crate::record::{Digest, Kind, NewRecord, Position, REFUSALS, Record};

/// The version of the format of segments; greater ones are refused.
pub const VERSION: u32 = 2;
/// The version of the format of the mark and of the index of ids.
const AROUND_VERSION: u32 = 1;
/// Bytes of a segment's header, of a block's header and of the mark.
pub const HEADER_LENGTH: usize = 64;
/// The most bytes that the payload of a block may have: what a reader must be ready to hold.
pub const BLOCK_BYTES_MAX: usize = 64 << 20;
/// Bytes of a record before its texts.
pub const RECORD_HEADER_LENGTH: usize = 60;
/// Key and content of a record: bytes that nothing makes shorter.
pub const DIGESTS: Range<usize> = 20..52;

const SEGMENT_MAGIC: [u8; 8] = *b"AQUALOG\0";
const RUN_MAGIC: [u8; 8] = *b"AQUAIDS\0";
const MARK_MAGIC: [u8; 8] = *b"AQUAMARK";
pub(crate) const BLOCK_MAGIC: [u8; 4] = *b"AQB1";
const NO_PARTITION: u16 = u16::MAX;
/// Bytes of a header that its own checksum covers.
const CHECKED: usize = HEADER_LENGTH - 4;

/// One link of the hash chain: the SHA-256 of everything up to and including a block.
pub type Chain = [u8; 32];

/// A 64-byte header in the making.
struct HeaderWriter(Vec<u8>);

impl HeaderWriter {
    fn new(magic: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend_from_slice(magic);
        Self(bytes)
    }

    fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Pads with zeros and adds the checksum.
    fn finish(mut self) -> [u8; HEADER_LENGTH] {
        self.0.resize(CHECKED, 0);
        let checksum = crc32fast::hash(&self.0);
        self.0.extend_from_slice(&checksum.to_le_bytes());
        let mut header = [0; HEADER_LENGTH];
        header.copy_from_slice(&self.0);
        header
    }
}

/// A cursor over bytes that ends early instead of failing.
#[derive(Clone)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes as a number.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

fn checksum_holds(header: &[u8; HEADER_LENGTH]) -> bool {
    match header.split_last_chunk::<4>() {
        Some((checked, checksum)) => crc32fast::hash(checked) == u32::from_le_bytes(*checksum),
        None => false,
    }
}

/// The head of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The version of its format.
    pub version: u32,
    /// The number of partitions of the log.
    pub partitions: u16,
    /// Its first record.
    pub first: Position,
    /// The chain before its first block.
    pub chain: Chain,
    /// Whether its blocks were compressed where that makes them shorter.
    pub compressed: bool,
}

impl SegmentHeader {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        HeaderWriter::new(&SEGMENT_MAGIC)
            .put(&self.version.to_le_bytes())
            .put(&self.partitions.to_le_bytes())
            .put(&[0; 2])
            .put(&self.first.0.to_le_bytes())
            .put(&self.chain)
            .put(&u32::from(self.compressed).to_le_bytes())
            .finish()
    }

    /// The header that the bytes hold, or what is wrong with them.
    pub fn decode(bytes: &[u8; HEADER_LENGTH]) -> Result<Self, &'static str> {
        if !bytes.starts_with(&SEGMENT_MAGIC) {
            return Err("this is no segment of a log");
        }
        if !checksum_holds(bytes) {
            return Err("the checksum of the segment's header does not hold");
        }
        Self::fields(bytes).ok_or("the segment's header is too short")
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        reader.take(SEGMENT_MAGIC.len())?;
        let (version, partitions) = (reader.u32()?, reader.u16()?);
        reader.take(2)?;
        let (first, chain) = (Position(reader.u64()?), reader.array()?);
        Some(Self { version, partitions, first, chain, compressed: reader.u32()? != 0 })
    }
}

/// The head of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Bytes of its payload as they are in the file.
    pub length: u32,
    /// Its records.
    pub count: u32,
    /// Bytes of its payload before it was compressed; `None`: it is not.
    pub uncompressed: Option<u32>,
    /// Its first record.
    pub first: Position,
    /// The chain up to and including it: compressed or not, it is the same.
    pub chain: Chain,
    /// The CRC-32 of its payload as it is in the file.
    pub checksum: u32,
}

impl BlockHeader {
    /// The header of a payload that follows what `before` stands for.
    #[must_use]
    pub fn of(payload: &[u8], count: u32, first: Position, before: &Chain) -> Self {
        let length = length_u32(payload);
        let chain = link(before, count, first, payload);
        Self { length, count, uncompressed: None, first, chain, checksum: crc32fast::hash(payload) }
    }

    /// The header of the same block with its payload as it is.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Self {
        let (length, checksum) = (length_u32(payload), crc32fast::hash(payload));
        Self { length, checksum, uncompressed: None, ..*self }
    }

    /// The header of the same block with its payload compressed.
    #[must_use]
    pub fn with_compressed(&self, payload: &[u8], compressed: &[u8]) -> Self {
        Self { uncompressed: Some(length_u32(payload)), ..self.with_payload(compressed) }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        HeaderWriter::new(&BLOCK_MAGIC)
            .put(&self.length.to_le_bytes())
            .put(&self.count.to_le_bytes())
            .put(&self.uncompressed.unwrap_or_default().to_le_bytes())
            .put(&self.first.0.to_le_bytes())
            .put(&self.chain)
            .put(&self.checksum.to_le_bytes())
            .finish()
    }

    /// The header that the bytes hold, or what is wrong with them.
    pub fn decode(bytes: &[u8; HEADER_LENGTH]) -> Result<Self, &'static str> {
        if !bytes.starts_with(&BLOCK_MAGIC) {
            return Err("no block begins here");
        }
        if !checksum_holds(bytes) {
            return Err("the checksum of the block's header does not hold");
        }
        let header = Self::fields(bytes).ok_or("the block's header is too short")?;
        if header.length.max(header.uncompressed.unwrap_or_default()) as usize > BLOCK_BYTES_MAX {
            return Err("the block is longer than a block may be");
        }
        Ok(header)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        reader.take(BLOCK_MAGIC.len())?;
        let (length, count) = (reader.u32()?, reader.u32()?);
        let uncompressed = Some(reader.u32()?).filter(|length| *length > 0);
        let (first, chain) = (Position(reader.u64()?), reader.array()?);
        Some(Self { length, count, uncompressed, first, chain, checksum: reader.u32()? })
    }

    /// The payload that was written, from its bytes in the file; or what is wrong with them.
    pub fn payload(&self, stored: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        if crc32fast::hash(&stored) != self.checksum {
            return Err("the checksum of the block's records does not hold");
        }
        match self.uncompressed {
            None => Ok(stored),
            Some(length) => compression::decompress(&stored, self.count, length as usize)
                .ok_or("the block's records cannot be decompressed"),
        }
    }

    /// Whether the payload follows what `before` stands for.
    #[must_use]
    pub fn follows(&self, before: &Chain, payload: &[u8]) -> bool {
        link(before, self.count, self.first, payload) == self.chain
    }

    /// The place after its last record.
    #[must_use]
    pub fn end(&self) -> Position {
        Position(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// Bytes of the whole block in the file.
    #[must_use]
    pub fn block_length(&self) -> u64 {
        HEADER_LENGTH as u64 + u64::from(self.length)
    }
}

fn link(before: &Chain, count: u32, first: Position, payload: &[u8]) -> Chain {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(length_u32(payload).to_le_bytes());
    hasher.update(count.to_le_bytes());
    hasher.update(first.0.to_le_bytes());
    hasher.update(payload);
    hasher.finalize().into()
}

/// How many bytes there are, of at most [`BLOCK_BYTES_MAX`].
pub fn length_u32(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}

/// The head of a run of the index of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHeader {
    /// The place of its first record.
    pub first: Position,
    /// The place after its last record, the end of a block.
    pub end: Position,
    /// The first half of the chain there.
    pub chain: [u8; 16],
    /// Entries.
    pub entries: u64,
}

impl RunHeader {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        HeaderWriter::new(&RUN_MAGIC)
            .put(&AROUND_VERSION.to_le_bytes())
            .put(&[0; 4])
            .put(&self.first.0.to_le_bytes())
            .put(&self.end.0.to_le_bytes())
            .put(&self.chain)
            .put(&self.entries.to_le_bytes())
            .finish()
    }

    /// The header that the bytes hold, if they hold one of a format that is known.
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER_LENGTH]) -> Option<Self> {
        if !bytes.starts_with(&RUN_MAGIC) || !checksum_holds(bytes) {
            return None;
        }
        let mut reader = Reader(bytes.get(RUN_MAGIC.len()..)?);
        let version = reader.u32()?;
        reader.take(4)?;
        let (first, end) = (Position(reader.u64()?), Position(reader.u64()?));
        let header = Self { first, end, chain: reader.array()?, entries: reader.u64()? };
        (version <= AROUND_VERSION).then_some(header)
    }
}

/// How far the log was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The place after the last acknowledged record.
    pub end: Position,
    /// The chain there.
    pub chain: Chain,
}

impl Mark {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        HeaderWriter::new(&MARK_MAGIC)
            .put(&AROUND_VERSION.to_le_bytes())
            .put(&[0; 4])
            .put(&self.end.0.to_le_bytes())
            .put(&self.chain)
            .finish()
    }

    /// The mark that the bytes hold, if they hold one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_LENGTH] = bytes.try_into().ok()?;
        if !header.starts_with(&MARK_MAGIC) || !checksum_holds(header) {
            return None;
        }
        let mut reader = Reader(header);
        reader.take(MARK_MAGIC.len() + 8)?;
        Some(Self { end: Position(reader.u64()?), chain: reader.array()? })
    }
}

/// Refuses a batch that is larger than a block may be.
pub fn check_size(batch: &[NewRecord<'_>]) -> Result<(), AppendError> {
    let bytes = batch.iter().map(|record| RECORD_HEADER_LENGTH + record.text_bytes()).sum();
    let limit = BLOCK_BYTES_MAX;
    if bytes > limit { Err(AppendError::TooLarge { bytes, limit }) } else { Ok(()) }
}

/// Adds a record to a payload.
pub fn encode_record(payload: &mut Vec<u8>, record: &NewRecord<'_>, previous: Option<Position>) {
    let (kind, reason) = kind_numbers(record.kind);
    payload.extend_from_slice(&[kind, reason]);
    payload.extend_from_slice(&record.partition.unwrap_or(NO_PARTITION).to_le_bytes());
    payload.extend_from_slice(&record.received_millis.to_le_bytes());
    payload.extend_from_slice(&previous.map_or(0, |position| position.next().0).to_le_bytes());
    payload.extend_from_slice(&record.key.0);
    payload.extend_from_slice(&record.content.0);
    let (user, note) = (short(record.user), short(record.note));
    payload.extend_from_slice(&length_u16(user).to_le_bytes());
    payload.extend_from_slice(&length_u16(note).to_le_bytes());
    payload.extend_from_slice(&u32::try_from(record.body.len()).unwrap_or(u32::MAX).to_le_bytes());
    payload.extend_from_slice(user.as_bytes());
    payload.extend_from_slice(note.as_bytes());
    payload.extend_from_slice(record.body);
}

/// The text, cut where its length would not fit into two bytes: ids and notes are far shorter.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default()
}

fn length_u16(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

/// Bytes of the texts of a record, from what stands before them.
pub fn text_lengths(head: &[u8; RECORD_HEADER_LENGTH]) -> usize {
    let mut reader = Reader(head.get(DIGESTS.end..).unwrap_or_default());
    let (user, note, body) = (reader.u16(), reader.u16(), reader.u32());
    let lengths = [user.map(u32::from), note.map(u32::from), body];
    lengths.into_iter().flatten().fold(0, |sum: usize, length| sum.saturating_add(length as usize))
}

/// The numbers that stand for a kind, and for the reason where it is quarantined.
pub fn kind_numbers(kind: Kind) -> (u8, u8) {
    match kind {
        Kind::ResourceEvent => (1, 0),
        Kind::UserEvent => (2, 0),
        Kind::Runtime => (3, 0),
        Kind::Quarantined(reason) => {
            let place = REFUSALS.iter().position(|other| *other == reason).unwrap_or_default();
            (4, u8::try_from(place + 1).unwrap_or(u8::MAX))
        }
    }
}

/// The kind that numbers stand for.
pub fn kind_of(kind: u8, reason: u8) -> Option<Kind> {
    match (kind, reason) {
        (1, 0) => Some(Kind::ResourceEvent),
        (2, 0) => Some(Kind::UserEvent),
        (3, 0) => Some(Kind::Runtime),
        (4, number) => REFUSALS.get(usize::from(number).checked_sub(1)?).copied().map(Kind::Quarantined),
        _ => None,
    }
}

/// The records of a block, read from its payload one by one.
///
/// Ends early where the payload does not hold what its header says, which a payload that passed its
/// checksum always does.
#[derive(Clone)]
pub struct Records<'a> {
    reader: Reader<'a>,
    next: Position,
    left: u32,
}

/// The records of a payload.
#[must_use]
pub fn records(payload: &[u8], first: Position, count: u32) -> Records<'_> {
    Records { reader: Reader(payload), next: first, left: count }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (previous, stored) = decode_record(&mut self.reader)?;
        let position = self.next;
        self.next = position.next();
        Some(Record { position, previous, stored })
    }
}

impl Records<'_> {
    /// Bytes that are left.
    #[must_use]
    pub fn rest(&self) -> usize {
        self.reader.0.len()
    }
}

fn decode_record<'a>(reader: &mut Reader<'a>) -> Option<(Option<Position>, NewRecord<'a>)> {
    let kind = kind_of(reader.byte()?, reader.byte()?)?;
    let partition = Some(reader.u16()?).filter(|partition| *partition != NO_PARTITION);
    let received_millis = i64::from_le_bytes(reader.array()?);
    let previous = reader.u64()?.checked_sub(1).map(Position);
    let (key, content) = (Digest(reader.array()?), Digest(reader.array()?));
    let (user, note, body) = (reader.u16()?, reader.u16()?, reader.u32()?);
    let user = str::from_utf8(reader.take(usize::from(user))?).ok()?;
    let note = str::from_utf8(reader.take(usize::from(note))?).ok()?;
    let body = reader.take(body as usize)?;
    Some((previous, NewRecord { kind, partition, user, received_millis, key, content, note, body }))
}
