//! Blocks made shorter: see `docs/log-format.md`.
//!
//! Knows no file. Records are compressed some at a time, so that one of them can be read without its block. Their keys and
//! contents are digests, which nothing makes shorter: these stand apart, so that what is like from record to record stands
//! together.

use std::ops::Range;

use super::format::{DIGESTS, RECORD_HEADER_LENGTH, Reader, length_u32, text_lengths};

/// Records of a part: with more of them events become hardly shorter, with fewer one of them is read sooner.
const PART_RECORDS: u32 = 256;
/// Bytes that say where a part is.
const PLACE_LENGTH: usize = 12;
/// Bytes of the digests of a record.
const DIGESTS_LENGTH: usize = DIGESTS.end - DIGESTS.start;
/// Bytes of a record before its texts, without the digests.
const HEAD_LENGTH: usize = RECORD_HEADER_LENGTH - DIGESTS_LENGTH;
/// How hard is tried. More makes events no shorter.
const LEVEL: i32 = 1;

/// Where a part is in a compressed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its first record, counted from that of the block.
    pub first: u32,
    /// Its records.
    pub count: u32,
    /// Where its bytes are in the compressed payload.
    pub bytes: Range<usize>,
    /// Its bytes before it was compressed.
    length: u32,
    /// The CRC-32 of its bytes.
    checksum: u32,
}

/// Bytes of what says where the parts of so many records are.
pub fn places_length(count: u32) -> usize {
    (count.div_ceil(PART_RECORDS) as usize).saturating_mul(PLACE_LENGTH)
}

/// Where the parts of so many records and bytes are, by the first bytes of a compressed payload; `None` where these are fewer,
/// and where a part is said to be longer than all of them: that would be believed until room is made for it.
pub fn parts(places: &[u8], count: u32, length: usize) -> Option<Vec<Part>> {
    let mut places = Reader(places.get(..places_length(count))?);
    let mut begin = places_length(count);
    let firsts = (0..count).step_by(PART_RECORDS as usize);
    let parts = firsts.map(|first| {
        let (bytes, of_part, checksum) = (places.u32()?, places.u32()?, places.u32()?);
        let end = begin.saturating_add(bytes as usize);
        let bytes = begin..end;
        begin = end;
        let part = Part { first, count: PART_RECORDS.min(count - first), bytes, length: of_part, checksum };
        (of_part as usize <= length).then_some(part)
    });
    parts.collect()
}

/// A payload of so many records, compressed; `None` where that does not make it shorter.
pub fn compress(payload: &[u8], count: u32) -> Option<Vec<u8>> {
    let mut compressed = Vec::with_capacity(payload.len());
    compressed.resize(places_length(count), 0);
    let mut places = Vec::with_capacity(compressed.len());
    let mut rest = payload;
    for first in (0..count).step_by(PART_RECORDS as usize) {
        let begin = compressed.len();
        let before = rest.len();
        rest = compress_part(&mut compressed, rest, PART_RECORDS.min(count - first))?;
        let part = compressed.get(begin..)?;
        for number in [length_u32(part), u32::try_from(before - rest.len()).ok()?, crc32fast::hash(part)] {
            places.extend_from_slice(&number.to_le_bytes());
        }
    }
    compressed.get_mut(..places.len())?.copy_from_slice(&places);
    (rest.is_empty() && compressed.len() < payload.len()).then_some(compressed)
}

/// Adds the first records of some, compressed; gives the others.
fn compress_part<'a>(compressed: &mut Vec<u8>, records: &'a [u8], count: u32) -> Option<&'a [u8]> {
    let mut heads = Vec::new();
    let mut texts = Vec::new();
    let mut rest = records;
    for _ in 0..count {
        let (head, after) = rest.split_first_chunk::<RECORD_HEADER_LENGTH>()?;
        let (text, after) = after.split_at_checked(text_lengths(head))?;
        compressed.extend_from_slice(head.get(DIGESTS)?);
        heads.extend_from_slice(head.get(..DIGESTS.start)?);
        heads.extend_from_slice(head.get(DIGESTS.end..)?);
        texts.extend_from_slice(text);
        rest = after;
    }
    heads.append(&mut texts);
    compressed.append(&mut zstd::bulk::compress(&heads, LEVEL).ok()?);
    Some(rest)
}

/// The payload of so many records and bytes that was compressed; `None` where it was not this.
pub fn decompress(compressed: &[u8], count: u32, length: usize) -> Option<Vec<u8>> {
    let parts = parts(compressed, count, length)?;
    let whole = parts.last().map_or(0, |part| part.bytes.end) == compressed.len();
    let sum = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.length as usize));
    if !whole || sum != length {
        return None;
    }
    let mut payload = Vec::with_capacity(length);
    for part in parts {
        part.decompress_to(&mut payload, compressed.get(part.bytes.clone())?)?;
    }
    Some(payload)
}

impl Part {
    /// The records of the part, from its bytes; `None` where these are not what was written.
    pub fn decompress(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut records = Vec::new();
        self.decompress_to(&mut records, bytes)?;
        Some(records)
    }

    fn decompress_to(&self, records: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
        let (count, length) = (self.count as usize, self.length as usize);
        if crc32fast::hash(bytes) != self.checksum {
            return None;
        }
        let (digests, frame) = bytes.split_at_checked(count.checked_mul(DIGESTS_LENGTH)?)?;
        let others = zstd::bulk::decompress(frame, length.checked_sub(digests.len())?).ok()?;
        let (heads, mut texts) = others.split_at_checked(count.checked_mul(HEAD_LENGTH)?)?;
        let end = records.len().checked_add(length)?;
        records.reserve(length);
        for (head, digests) in heads.chunks_exact(HEAD_LENGTH).zip(digests.chunks_exact(DIGESTS_LENGTH)) {
            let begin = records.len();
            let (before, behind) = head.split_at_checked(DIGESTS.start)?;
            records.extend_from_slice(before);
            records.extend_from_slice(digests);
            records.extend_from_slice(behind);
            let (text, after) = texts.split_at_checked(text_lengths(records.get(begin..)?.first_chunk()?))?;
            records.extend_from_slice(text);
            texts = after;
        }
        (texts.is_empty() && records.len() == end).then_some(())
    }
}
