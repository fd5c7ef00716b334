//! Time frames: `effective`.

mod checks;

use serde::{Deserialize, Serialize};

use super::civil::{DAY, Local};
use super::cron::Cron;
use super::interval::{Interval, union, without};
use super::zone::{Found, Zone};
use crate::instant::Millis;

pub use checks::{Extent, PATTERN_YEARS, horizon};

/// Ranges are followed from the year 1600 on; before it no repeating frame has an instant.
pub(super) const FIRST_REPEAT: Millis = Millis(-11_676_096_000_000);
/// And until the year 10100, a century after the last instant of any event.
pub(super) const LAST_REPEAT: Millis = Millis(Millis::LIMIT.0 + 36_524 * DAY);

/// An index of [`Policy::frames`](crate::policy::Policy::frames). Equal frames have one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FrameId(pub u32);

/// A set of instants: `[from, to)`, cut to the ranges of `repeat` (where there are any), less `except`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Frame {
    /// The first instant; `Millis::MIN` where not given.
    pub from: Millis,
    /// The instant after the last; `Millis::MAX` where not given.
    pub to: Millis,
    /// Ranges that repeat; empty: no cut.
    pub repeat: Vec<Range>,
    /// What is cut out: half-open intervals.
    pub except: Vec<(Millis, Millis)>,
}

/// From each start to the first end after it, on the local clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Range {
    /// The starts.
    pub start: Cron,
    /// The ends.
    pub end: Cron,
}

impl Frame {
    /// What the frame has of `[from, to)`: intervals in order, none touching another.
    ///
    /// The work grows with the number of ranges in `[from, to)`, so a frame that repeats wants a span of
    /// some years at most; [`Calendar`](super::Calendar) asks piece by piece.
    #[must_use]
    pub fn intervals(&self, zone: &Zone, from: Millis, to: Millis) -> Vec<Interval> {
        let Some(span) = Interval::new(from.max(self.from), to.min(self.to)) else {
            return Vec::new();
        };
        let covered = if self.repeat.is_empty() {
            vec![span]
        } else {
            let span = span.cut(Interval { start: FIRST_REPEAT, end: LAST_REPEAT });
            let ranges = self.repeat.iter().flat_map(|range| Some(range.intervals(zone, span?)));
            union(ranges.flatten().collect())
        };
        let holes = self.except.iter().filter_map(|(start, end)| Interval::new(*start, *end));
        without(&covered, &union(holes.collect()))
    }
}

impl Range {
    /// The ranges within a span, cut to it, in no particular order.
    fn intervals(&self, zone: &Zone, span: Interval) -> Vec<Interval> {
        let (first, limit) = zone.locals(span.start, span.end);
        let mut found = Vec::new();
        // All starts from one end until the next have that next end in common.
        let mut previous_end = self.end.at_or_before(first.plus(-1));
        while let Some(after) = previous_end
            && let Some(start) = self.start.at_or_after(after).filter(|start| *start < limit)
            && let Some(end) = self.end.at_or_after(start.plus(1))
        {
            let interval = Interval::new(self.first_instant(zone, start, end), zone.instant(end));
            found.extend(interval.and_then(|interval| interval.cut(span)));
            previous_end = Some(end);
        }
        found
    }

    /// The earliest instant of the starts from `start` until `end`.
    fn first_instant(&self, zone: &Zone, start: Local, end: Local) -> Millis {
        let (moved, transition) = match zone.find(start) {
            Found::Shown(instant) => return instant,
            Found::Skipped { moved, transition } => (moved, transition),
        };
        // A skipped start is moved forward, perhaps beyond the first start after the gap.
        let shown = self.start.at_or_after(zone.local(transition)).filter(|shown| *shown < end);
        shown.map_or(moved, |shown| moved.min(zone.instant(shown)))
    }
}
