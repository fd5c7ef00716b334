//! Records of the log that were read together.

use std::sync::Arc;

use crate::embedded::format::{self, Records};
use crate::record::{Position, Record};

/// Whose records somebody who follows the log needs. Others may be left out of what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// All of them.
    Everything,
    /// Those of the users of some partitions, and those that concern everybody.
    OfPartitions(Vec<u16>),
    /// Those that are no user's: what concerns everybody, and ticks.
    Nobodys,
}

/// The records of a stretch of the log: all of them, or those that somebody needs.
#[derive(Debug, Clone)]
pub struct Page {
    first: Position,
    next: Position,
    count: u32,
    /// The payload of a block.
    bytes: Arc<Vec<u8>>,
    /// Where the first record begins in it.
    start: usize,
    /// Where the records stand, those that are skipped among them; `None`: one after the other.
    places: Option<Arc<[Position]>>,
}

impl Page {
    /// A page of all records of a block's payload.
    pub(crate) fn new(first: Position, count: u32, bytes: Vec<u8>) -> Self {
        let next = Position(first.0.saturating_add(u64::from(count)));
        Self { first, next, count, bytes: Arc::new(bytes), start: 0, places: None }
    }

    /// A page of those records between two places that are needed, which stand at these.
    pub(crate) fn of_some(first: Position, next: Position, places: Vec<Position>, bytes: Vec<u8>) -> Self {
        let count = u32::try_from(places.len()).unwrap_or(u32::MAX);
        Self { first, next, count, bytes: Arc::new(bytes), start: 0, places: Some(places.into()) }
    }

    /// A page without records, where the log ends.
    pub(crate) fn empty(at: Position) -> Self {
        Self::new(at, 0, Vec::new())
    }

    /// The rest of the page from a place on.
    #[must_use]
    pub fn skip_to(mut self, place: Position) -> Self {
        let first = place.clamp(self.first, self.next);
        let skipped = match &self.places {
            None => u32::try_from(first.0.saturating_sub(self.first.0)).unwrap_or(u32::MAX),
            Some(_) => u32::try_from(self.left().partition_point(|at| *at < first)).unwrap_or(u32::MAX),
        };
        let skipped = skipped.min(self.count);
        let mut records = self.payload();
        records.by_ref().take(skipped as usize).for_each(drop);
        self.start = self.bytes.len() - records.rest();
        self.first = first;
        self.count -= skipped;
        self
    }

    /// The page of its first records, at most so many, and that of the others. They share its bytes.
    #[must_use]
    pub fn split_at(&self, count: u32) -> (Self, Self) {
        let border = match (count < self.count, &self.places) {
            (false, _) => self.next,
            (true, None) => Position(self.first.0.saturating_add(u64::from(count))),
            (true, Some(_)) => self.left().get(count as usize).copied().unwrap_or(self.next),
        };
        let rest = self.clone().skip_to(border);
        (Self { count: self.count - rest.count, next: border, ..self.clone() }, rest)
    }

    /// Whether it stands for nothing: the log ends where it begins. One without the records of others is not empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first >= self.next
    }

    /// Whether all records are there that the log has between its beginning and its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.places.is_none()
    }

    /// The place where it begins, which is that of its first record where it is whole.
    #[must_use]
    pub fn first(&self) -> Position {
        self.first
    }

    /// Where to read on.
    #[must_use]
    pub fn next(&self) -> Position {
        self.next
    }

    /// Bytes that it has in memory, those of others who share it among them.
    #[must_use]
    pub fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    /// Its records, borrowed.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let places = self.left();
        self.payload().enumerate().map(move |(number, record)| match places.get(number) {
            Some(position) => Record { position: *position, ..record },
            None => record,
        })
    }

    /// The places of its records, where they are listed.
    fn left(&self) -> &[Position] {
        let places = self.places.as_deref().unwrap_or_default();
        // What is skipped is at the beginning, and what is split off at the end.
        let from = places.partition_point(|place| *place < self.first);
        let left = places.get(from..).unwrap_or_default();
        left.get(..self.count as usize).unwrap_or(left)
    }

    fn payload(&self) -> Records<'_> {
        format::records(self.bytes.get(self.start..).unwrap_or_default(), self.first, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Digest, Kind, NewRecord};

    const PLACES: [u64; 4] = [11, 12, 15, 19];

    /// The records of a page, each of which says its own place.
    fn found(page: &Page) -> Vec<(u64, String)> {
        let said = |record: Record<'_>| String::from_utf8(record.stored.body.to_vec()).unwrap();
        page.records().map(|record| (record.position.0, said(record))).collect()
    }

    fn payload(places: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for place in places {
            let (body, key) = (place.to_string(), Digest([0; Digest::LENGTH]));
            let record = NewRecord {
                kind: Kind::ResourceEvent,
                partition: Some(1),
                user: "u",
                received_millis: 1,
                key,
                content: key,
                note: "",
                body: body.as_bytes(),
            };
            format::encode_record(&mut bytes, &record, None);
        }
        bytes
    }

    fn pages() -> [(Page, Vec<u64>); 2] {
        let sparse = PLACES.map(Position).to_vec();
        let sparse = Page::of_some(Position(10), Position(22), sparse, payload(&PLACES));
        let whole: Vec<u64> = (10..22).collect();
        [(sparse, PLACES.to_vec()), (Page::new(Position(10), 12, payload(&whole)), whole)]
    }

    #[test]
    fn the_rest_of_a_page_has_what_stands_from_there_on() {
        for (page, places) in pages() {
            for from in 0..25 {
                let rest = page.clone().skip_to(Position(from));
                assert_eq!((rest.first().0, rest.next().0), (from.clamp(10, 22), 22));
                let expected: Vec<_> =
                    places.iter().filter(|at| **at >= from).map(|at| (*at, at.to_string())).collect();
                assert_eq!(found(&rest), expected, "from {from}");
                assert_eq!(rest.is_empty(), from >= 22);
            }
        }
    }

    #[test]
    fn a_page_is_split_between_two_records_and_nothing_is_lost_or_twice() {
        for (page, places) in pages() {
            for (from, count) in (0..25).flat_map(|from| (0..14).map(move |count| (from, count))) {
                let rest = page.clone().skip_to(Position(from));
                let (one, other) = rest.split_at(count);
                assert_eq!(
                    (one.first(), one.next(), other.next()),
                    (rest.first(), other.first(), rest.next())
                );
                assert_eq!([found(&one), found(&other)].concat(), found(&rest));
                let left = places.iter().filter(|at| **at >= from).count();
                assert_eq!(found(&one).len(), left.min(count as usize), "from {from}, {count}");
            }
        }
    }

    #[test]
    fn a_page_without_records_stands_for_those_that_nobody_needs() {
        let page = Page::of_some(Position(3), Position(9), Vec::new(), Vec::new());
        assert!(!page.is_empty() && !page.is_whole());
        let (one, rest) = page.split_at(5);
        assert_eq!((found(&one), one.next(), rest.is_empty()), (vec![], Position(9), true));
    }
}
