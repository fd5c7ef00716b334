//! Sets of instants as sorted half-open intervals that neither overlap nor touch.

use crate::instant::Millis;

/// The instants from `start` until just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// The first instant.
    pub start: Millis,
    /// The instant after the last.
    pub end: Millis,
}

impl Interval {
    /// The interval; `None` where the end is not after the start.
    #[must_use]
    pub fn new(start: Millis, end: Millis) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// What the interval has in common with another.
    #[must_use]
    pub fn cut(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// The union of any intervals.
pub(super) fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut joined = Vec::with_capacity(intervals.len());
    for interval in intervals {
        append(&mut joined, interval);
    }
    joined
}

/// Adds an interval that does not start before the last one, joining the two where they meet.
pub(super) fn append(intervals: &mut Vec<Interval>, next: Interval) {
    match intervals.last_mut() {
        Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
        _ => intervals.push(next),
    }
}

/// What is left of `intervals` without `holes`; both are unions.
pub(super) fn without(intervals: &[Interval], holes: &[Interval]) -> Vec<Interval> {
    let mut rest = Vec::with_capacity(intervals.len());
    for interval in intervals {
        let mut start = interval.start;
        let first = holes.partition_point(|hole| hole.end <= interval.start);
        for hole in holes.iter().skip(first).take_while(|hole| hole.start < interval.end) {
            rest.extend(Interval::new(start, hole.start));
            start = hole.end;
        }
        rest.extend(Interval::new(start, interval.end));
    }
    rest
}
