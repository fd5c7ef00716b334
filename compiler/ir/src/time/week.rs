//! A week as people look at it: seven days of twenty-four hours on the local clock, and what holds in them.
//!
//! Hours are those that the clock of the zone shows, so that an hour may be skipped or shown twice where the
//! clock changes. What holds is asked of the caller: a price, an expression, or both.

use super::civil::HOUR;
use super::{Date, Zone};
use crate::instant::Millis;

/// The days of a week.
const DAYS: i64 = 7;
/// The hours that a clock shows on a day.
const HOURS: i64 = 24;

/// A week, Monday to Sunday, and what holds in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week<V> {
    /// Its first instant.
    pub from: Millis,
    /// The instant after its last.
    pub to: Millis,
    /// What holds, in order of time; neighbours differ.
    pub stretches: Vec<Stretch<V>>,
    /// Its days, Monday first.
    pub days: Vec<Day>,
}

/// A stretch of time in which the same holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch<V> {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last.
    pub to: Millis,
    /// What holds.
    pub value: V,
}

/// A day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// The 24 hours of a clock.
    pub hours: Vec<Hour>,
}

/// The time during which the clock shows an hour of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last: `from` itself where the clock skips the hour, two hours later where it
    /// shows the hour twice.
    pub to: Millis,
}

impl Hour {
    /// Whether the clock never shows it.
    #[must_use]
    pub fn is_skipped(self) -> bool {
        self.from >= self.to
    }

    /// Whether it has an instant.
    #[must_use]
    pub fn contains(self, at: Millis) -> bool {
        self.from <= at && at < self.to
    }
}

impl<V: PartialEq> Week<V> {
    /// The week that has `at`. `value` tells what holds at an instant, and until when that is surely so.
    pub fn of(zone: &Zone, at: Millis, mut value: impl FnMut(Millis) -> (V, Millis)) -> Self {
        let days = days(zone, at);
        let first = days.first().and_then(|day| day.hours.first()).map_or(at, |hour| hour.from);
        let last = days.last().and_then(|day| day.hours.last()).map_or(at, |hour| hour.to);
        let mut stretches: Vec<Stretch<V>> = Vec::new();
        let mut from = first;
        while from < last {
            let (holds, until) = value(from);
            let to = until.min(last).max(Millis(from.0.saturating_add(1)));
            match stretches.last_mut() {
                Some(stretch) if stretch.value == holds => stretch.to = to,
                _ => stretches.push(Stretch { from, to, value: holds }),
            }
            from = to;
        }
        Self { from: first, to: last, stretches, days }
    }

    /// What holds during an hour, in order of time; nothing where the hour is skipped.
    #[must_use]
    pub fn within(&self, hour: Hour) -> &[Stretch<V>] {
        if hour.is_skipped() {
            return &[];
        }
        let start = self.stretches.partition_point(|stretch| stretch.to <= hour.from);
        let end = self.stretches.partition_point(|stretch| stretch.from < hour.to);
        self.stretches.get(start..end.max(start)).unwrap_or_default()
    }

    /// The values of the week, each once, in the order in which they first hold.
    #[must_use]
    pub fn distinct(&self) -> Vec<&V> {
        let mut distinct: Vec<&V> = Vec::new();
        for stretch in &self.stretches {
            if !distinct.contains(&&stretch.value) {
                distinct.push(&stretch.value);
            }
        }
        distinct
    }
}

/// The days of the week that has an instant.
fn days(zone: &Zone, at: Millis) -> Vec<Day> {
    let today = zone.local(at).date();
    let monday = today.day_number() - i64::from((today.weekday() + 6) % 7);
    let start_of = |date: Date, hour: i64| zone.first_instant_not_before(date.midnight().plus(hour * HOUR));
    let day = |number: i64| {
        let date = Date::from_day_number(number);
        let hours = (0..HOURS).map(|hour| Hour { from: start_of(date, hour), to: start_of(date, hour + 1) });
        Day { date, hours: hours.collect() }
    };
    (monday..monday + DAYS).map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::zone;

    fn week(at: i64) -> Week<bool> {
        // Something that changes every 90 minutes of universal time.
        let period = 5_400_000;
        Week::of(&zone("Europe/Athens"), Millis(at), |at| {
            let turn = at.0.div_euclid(period);
            (turn % 2 == 0, Millis((turn + 1) * period))
        })
    }

    #[test]
    fn hours_join_without_gap_or_overlap_whatever_the_clock_does() {
        // An ordinary week, the weeks of both clock changes of 2011, and a week before the epoch.
        for at in [1_320_000_000_000, 1_301_000_000_000, 1_319_900_000_000, -86_400_000] {
            let week = week(at);
            let hours: Vec<Hour> = week.days.iter().flat_map(|day| day.hours.clone()).collect();
            assert_eq!(hours.len(), 168);
            assert!(hours.windows(2).all(|pair| pair[0].to == pair[1].from));
            assert_eq!((hours[0].from, hours[167].to), (week.from, week.to));
            assert!(hours.iter().any(|hour| hour.contains(Millis(at))));
            assert!(week.stretches.windows(2).all(|pair| pair[0].to == pair[1].from));
            assert!(week.stretches.windows(2).all(|pair| pair[0].value != pair[1].value));
        }
    }

    #[test]
    fn a_skipped_hour_holds_nothing_and_one_shown_twice_holds_two() {
        let forward = week(1_301_000_000_000);
        let sunday = &forward.days[6];
        assert_eq!(sunday.date.to_string(), "2011-03-27");
        assert!(sunday.hours[3].is_skipped());
        assert_eq!(forward.within(sunday.hours[3]), &[]);
        let back = week(1_319_900_000_000);
        let hour = back.days[6].hours[3];
        assert_eq!(hour.to.0 - hour.from.0, 2 * HOUR);
        assert!(back.within(hour).len() >= 2);
    }
}
