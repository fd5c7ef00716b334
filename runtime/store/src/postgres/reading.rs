//! Stretches of the log, read for whoever follows it: of some partitions where others are charged elsewhere.
//!
//! Places have no gaps, so a stretch is a range of them that the index of places yields in order. Statements are planned
//! for the range that they name: that is short, which nobody would guess of a range that is a parameter.

use std::fmt::Write as _;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

use super::copy::count;
use super::error::Fault;
use crate::embedded::format;
use crate::log::{Needed, Page};
use crate::record::{NewRecord, Position};

/// The partition of what concerns all of them.
pub const EVERYWHERE: i32 = -1;

/// Records of a page, more or less. Stretches end at multiples of it, so that those who begin anywhere come to read the same.
const PAGE_RECORDS: u64 = 4_096;
/// Records of a page, at most: users may all be of one partition.
const PAGE_RECORDS_MAX: u64 = 2 * PAGE_RECORDS;
/// By how much a stretch is longer, at most, where few partitions are needed: the index is walked for the others, too.
const STRETCH_MAX: u64 = 16;
/// A body of more bytes is left out of a page of many records, and read by itself or with few others.
const SMALL_BYTES_MAX: u32 = 4_096;
/// A page of bodies that are not small ends after so many bytes.
const PAGE_BYTES_MAX: u64 = 4 << 20;

/// How partitions are named where records are found by their places: by the log's key, which begins with the partition, a
/// server that knows nothing of the table yet would look at all records of all these partitions.
const BY_PLACE: &str = "partition + 0";
/// How they are named where records are found by the log's key.
const BY_KEY: &str = "partition";

const COLUMNS: &str = "position, partition, user_id, kind, reason, received, key, content, note";

/// Records between two places.
pub struct Stretch {
    from: Position,
    to: Position,
    /// Which of them, beyond their places; empty: all.
    condition: String,
}

impl Stretch {
    /// The one from a place on; `None`: the log ends there.
    pub fn from(from: Position, end: Position, needed: &Needed, partitions: u16) -> Option<Self> {
        if from >= end {
            return None;
        }
        let (condition, length) = match needed {
            Needed::OfPartitions(some) if some.len() < usize::from(partitions) => {
                let longer = u64::from(partitions) / (some.len() as u64).max(1);
                let condition = format!(" AND {}", of_partitions(BY_PLACE, some.iter().copied()));
                (condition, PAGE_RECORDS.saturating_mul(longer.min(STRETCH_MAX)))
            }
            Needed::Everything | Needed::OfPartitions(_) => (String::new(), PAGE_RECORDS),
            // They are found by the log's own key, at once.
            Needed::Nobodys => {
                let condition = of_partitions(BY_KEY, 0..partitions);
                (format!(" AND {condition} AND user_id = ''"), end.0)
            }
        };
        let to = (from.0 / length).saturating_add(1).saturating_mul(length).min(end.0);
        Some(Self { from, to: Position(to), condition })
    }

    /// Reads it, or as much of it as a page may have.
    pub async fn read(&self, client: &ClientWrapper) -> Result<Page, Fault> {
        let rows = client.query_typed(&self.small(), &[]).await?;
        let large = rows.iter().position(|row| !has_body(row));
        let (rows, to) = match large.map(|place| (rows.get(..place).unwrap_or_default(), rows.get(place))) {
            None if rows.len() as u64 >= PAGE_RECORDS_MAX => (&*rows, self.after(&rows)?),
            None => (&*rows, self.to),
            Some(([], _)) => return self.read_large(client).await,
            Some((before, large)) => (before, large.map_or(Ok(self.to), place)?),
        };
        self.page(rows, to)
    }

    /// Reads as much of it as a page may have whose records may be large.
    async fn read_large(&self, client: &ClientWrapper) -> Result<Page, Fault> {
        let rows = client.query_typed(&self.large(), &[]).await?;
        self.page(&rows, self.after(&rows)?)
    }

    fn small(&self) -> String {
        let range = self.range();
        format!(
            "SELECT {COLUMNS}, CASE WHEN octet_length(body) <= {SMALL_BYTES_MAX} THEN body END FROM log \
             WHERE {range} ORDER BY position LIMIT {PAGE_RECORDS_MAX}"
        )
    }

    fn large(&self) -> String {
        let range = self.range();
        format!(
            "SELECT {COLUMNS}, body FROM \
             (SELECT *, sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS before \
              FROM log WHERE {range} ORDER BY position LIMIT {PAGE_RECORDS_MAX}) AS page \
             WHERE before < {PAGE_BYTES_MAX} ORDER BY position"
        )
    }

    fn range(&self) -> String {
        format!("position >= {} AND position < {}{}", self.from.0, self.to.0, self.condition)
    }

    /// The place after the last row, to where everything is read.
    fn after(&self, rows: &[Row]) -> Result<Position, Fault> {
        rows.last().map_or(Ok(self.to), |last| place(last).map(Position::next))
    }

    /// Rows as a page that ends at a place.
    fn page(&self, rows: &[Row], to: Position) -> Result<Page, Fault> {
        let mut payload = Vec::new();
        let mut places = Vec::with_capacity(rows.len());
        for row in rows {
            format::encode_record(&mut payload, &stored(row)?, None);
            places.push(place(row)?);
        }
        if !self.condition.is_empty() {
            return Ok(Page::of_some(self.from, to, places, payload));
        }
        let consecutive = (self.from.0..).zip(&places).all(|(expected, place)| place.0 == expected);
        let length = u32::try_from(rows.len()).map_err(|_| Fault::Damaged("a page is too long"))?;
        if !consecutive || to.0.saturating_sub(self.from.0) != u64::from(length) {
            return Err(Fault::Damaged("a record of the log is missing"));
        }
        Ok(Page::new(self.from, length, payload))
    }
}

/// Those of some partitions, and what concerns all of them.
fn of_partitions(partition: &str, partitions: impl Iterator<Item = u16>) -> String {
    let mut condition = format!("{partition} = ANY('{{{EVERYWHERE}");
    for partition in partitions {
        // Writing to a text does not fail.
        let _ = write!(condition, ",{partition}");
    }
    condition + "}'::int4[])"
}

fn place(row: &Row) -> Result<Position, Fault> {
    Ok(Position(count(row.try_get(0)?)))
}

fn has_body(row: &Row) -> bool {
    row.try_get::<_, Option<&[u8]>>(9).is_ok_and(|body| body.is_some())
}

/// The record of a row.
pub fn stored(row: &Row) -> Result<NewRecord<'_>, Fault> {
    let partition: i32 = row.try_get(1)?;
    let (kind, reason): (i16, i16) = (row.try_get(3)?, row.try_get(4)?);
    let byte = |number: i16| u8::try_from(number).unwrap_or(u8::MAX);
    Ok(NewRecord {
        kind: format::kind_of(byte(kind), byte(reason))
            .ok_or(Fault::Damaged("a record is of no known kind"))?,
        partition: u16::try_from(partition).ok(),
        user: text(row.try_get(2)?)?,
        received_millis: row.try_get(5)?,
        key: row.try_get(6)?,
        content: row.try_get(7)?,
        note: text(row.try_get(8)?)?,
        body: row.try_get(9)?,
    })
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(bytes).map_err(|_| Fault::Damaged("a text of a record is no UTF-8"))
}
