//! Time zones, carried by the module: local clock to instant and back.
//!
//! A zone is read once from its TZif data into a table of offsets; every question is answered from
//! that table. It never looks at the zone data of the machine.

use std::fmt;
use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::base64;
use super::civil::{CYCLE, DAY, Date, Local, Month};
use crate::instant::Millis;

/// From here on (2100-01-01T00:00Z) only the rule at the end of the data holds, and the rule repeats
/// with the calendar, every 400 years. No zone of the IANA database names a transition after 2087.
const RULE_FROM: i64 = 4_102_444_800_000;
/// Where instants are moved back by cycles of the rule.
const TABLE_END: i64 = RULE_FROM + CYCLE;
/// How far beyond its end the table goes, so that lookups near the end see what follows.
const TABLE_MARGIN: i64 = 366 * DAY;
/// No offset is as large as this (RFC 9636 allows up to 26 hours).
pub(super) const OFFSET_LIMIT: i64 = 26 * 3_600_000;
/// Instants are moved into plus or minus this before any arithmetic: the year 300,000 is far enough.
const INSTANT_LIMIT: i64 = 10_000_000_000_000_000;

/// The TZif data of UTC, the same bytes as in the IANA database as `zic` compiles it.
const UTC_TZIF: &[u8] =
    b"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\
    \0\0\0\0\0\0\0\
    TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\
    \0\0\0\0\0\0UTC\0\nUTC0\n";

/// A time zone: its name and its data (TZif, RFC 9636: the transitions, and the rule after them).
///
/// In JSON: `{"name": ..., "tzif": ...}`, the data in base64. Two zones are equal when name and data
/// are. A copy is cheap.
///
/// No question panics and no answer overflows: instants beyond the year 300,000 are taken for it.
#[derive(Clone)]
pub struct Zone(Arc<Table>);

struct Table {
    name: String,
    tzif: Vec<u8>,
    /// The stretches of equal offset, in order; the first has no start.
    stretches: Vec<Stretch>,
}

/// A stretch of time on which the offset is the same.
#[derive(Clone, Copy)]
struct Stretch {
    start: i64,
    /// Local clock minus UTC, in milliseconds.
    offset: i64,
}

/// Why zone data cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the data of time zone `{name}` cannot be read: {reason}")]
pub struct ZoneError {
    /// The zone's name.
    pub name: String,
    /// What is wrong with the data.
    pub reason: String,
}

impl Zone {
    /// The zone with that name and TZif data.
    ///
    /// # Errors
    ///
    /// Where the data is not TZif.
    pub fn from_tzif(name: &str, tzif: &[u8]) -> Result<Self, ZoneError> {
        let error = |reason: String| ZoneError { name: name.to_owned(), reason };
        let zone = TimeZone::tzif(name, tzif).map_err(|reason| error(reason.to_string()))?;
        let stretches = stretches(&zone);
        Ok(Self(Arc::new(Table { name: name.to_owned(), tzif: tzif.to_vec(), stretches })))
    }

    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        let stretches = vec![Stretch { start: i64::MIN, offset: 0 }];
        Self(Arc::new(Table { name: "UTC".to_owned(), tzif: UTC_TZIF.to_vec(), stretches }))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The data.
    #[must_use]
    pub fn tzif(&self) -> &[u8] {
        &self.0.tzif
    }

    /// Local clock minus UTC at an instant, in milliseconds.
    #[must_use]
    pub fn offset(&self, instant: Millis) -> i64 {
        let (_, instant) = fold_into_table(instant.0);
        self.stretch(self.place(instant)).offset
    }

    /// What the local clock shows at an instant.
    #[must_use]
    pub fn local(&self, instant: Millis) -> Local {
        Local(clamp(instant.0) + self.offset(instant))
    }

    /// The instant of a local time: the first of two, and a time that the clock skips is moved forward
    /// by the gap.
    #[must_use]
    pub fn instant(&self, local: Local) -> Millis {
        match self.find(local) {
            Found::Shown(instant) | Found::Skipped { moved: instant, .. } => instant,
        }
    }

    /// The first instant at which the local clock shows this time or a later one.
    #[must_use]
    pub fn first_instant_not_before(&self, local: Local) -> Millis {
        match self.find(local) {
            Found::Shown(instant) | Found::Skipped { transition: instant, .. } => instant,
        }
    }

    /// What the clock makes of a local time.
    pub(super) fn find(&self, local: Local) -> Found {
        let (shift, local) = fold_into_table(local.0);
        let mut place = self.place(local - OFFSET_LIMIT);
        let mut instant = local - self.stretch(place).offset;
        while let Some(next) = self.0.stretches.get(place + 1).filter(|next| next.start <= instant) {
            let under_next = local - next.offset;
            if under_next < next.start {
                let (moved, transition) = (Millis(instant + shift), Millis(next.start + shift));
                return Found::Skipped { moved, transition };
            }
            instant = under_next;
            place += 1;
        }
        Found::Shown(Millis(instant + shift))
    }

    /// The month that has an instant: months are cut where the local clock first reaches the first of
    /// the month.
    #[must_use]
    pub fn month(&self, instant: Millis) -> Month {
        let Date { year, month, .. } = self.local(instant).date();
        let shown = Month { year, month };
        // A clock set back over the first midnight of a month does not bring the old month back.
        if instant >= self.month_start(shown.next()) { shown.next() } else { shown }
    }

    /// The first instant of a month.
    #[must_use]
    pub fn month_start(&self, month: Month) -> Millis {
        self.first_instant_not_before(month.first_day().midnight())
    }

    /// The local times that can mean an instant in `[from, to)`: none before the first, none from the
    /// second on.
    pub(super) fn locals(&self, from: Millis, to: Millis) -> (Local, Local) {
        // A time skipped by an earlier clock change may have been moved into the span.
        let first = self.place(clamp(from.0) - 2 * OFFSET_LIMIT);
        let last = if to.0 < TABLE_END { self.place(to.0) } else { self.0.stretches.len() };
        let first = if to.0 < TABLE_END { first } else { 0 };
        let offsets = || (first..=last).filter_map(|place| self.0.stretches.get(place)).map(|it| it.offset);
        let (least, greatest) = (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0));
        (Local(clamp(from.0) + least), Local(clamp(to.0) + greatest))
    }

    /// The place of the stretch that has an instant within the table.
    fn place(&self, instant: i64) -> usize {
        self.0.stretches.partition_point(|stretch| stretch.start <= instant).saturating_sub(1)
    }

    fn stretch(&self, place: usize) -> Stretch {
        self.0.stretches.get(place).copied().unwrap_or(Stretch { start: i64::MIN, offset: 0 })
    }
}

/// What the clock makes of a local time.
pub(super) enum Found {
    /// The clock shows it, first at this instant.
    Shown(Millis),
    /// The clock skips it.
    Skipped {
        /// The instant as far after the change as the time is after the change's.
        moved: Millis,
        /// The instant of the change.
        transition: Millis,
    },
}

fn clamp(instant: i64) -> i64 {
    instant.clamp(-INSTANT_LIMIT, INSTANT_LIMIT)
}

/// The same time of the same calendar day within the table, and how far back it is.
fn fold_into_table(time: i64) -> (i64, i64) {
    let time = clamp(time);
    let cycles = if time < TABLE_END { 0 } else { (time - RULE_FROM).div_euclid(CYCLE) };
    (cycles * CYCLE, time - cycles * CYCLE)
}

/// The table of a zone.
fn stretches(zone: &TimeZone) -> Vec<Stretch> {
    let end = (TABLE_END + TABLE_MARGIN).div_euclid(1_000);
    let offset_millis = |offset: jiff::tz::Offset| i64::from(offset.seconds()) * 1_000;
    let first = Stretch { start: i64::MIN, offset: offset_millis(zone.to_offset(Timestamp::MIN)) };
    let mut stretches = vec![first];
    for transition in zone.following(Timestamp::MIN).take_while(|it| it.timestamp().as_second() < end) {
        let offset = offset_millis(transition.offset());
        if stretches.last().is_some_and(|last| last.offset != offset) {
            stretches.push(Stretch { start: transition.timestamp().as_millisecond(), offset });
        }
    }
    stretches
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.0.name).finish()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.name == other.0.name && self.0.tzif == other.0.tzif)
    }
}

impl Eq for Zone {}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { name: self.0.name.clone(), tzif: base64::encode(&self.0.tzif) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let tzif = base64::decode(&written.tzif)
            .ok_or_else(|| serde::de::Error::custom("the data of the time zone is not base64"))?;
        Self::from_tzif(&written.name, &tzif).map_err(serde::de::Error::custom)
    }
}

/// A zone as it stands in JSON.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename = "Zone")]
struct Written {
    /// Its IANA name.
    name: String,
    /// Its transitions and the rule after them: TZif (RFC 9636), in base64.
    tzif: String,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
