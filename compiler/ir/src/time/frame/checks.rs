//! What the checks of a policy ask of a frame, on the local clock of no zone in particular.

use super::{Frame, Range};
use crate::instant::Millis;
use crate::time::civil::{Date, Local, MINUTE, Month};
use crate::time::cron::Cron;
use crate::time::interval::Interval;
use crate::time::zone::Zone;

/// After so many years the days of the week fall on the same dates again (within a century).
pub const PATTERN_YEARS: i32 = 28;
/// The years that the checks look at: 28, among them every kind of year.
const FIRST_YEAR: i32 = 2000;

/// With more ranges a day than this the checks look at fewer years.
const RANGES_A_DAY_MAX: i64 = 24;

/// How much of all time some ranges cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// No instant.
    Nothing,
    /// Some instants and not others.
    Part,
    /// Every instant.
    Everything,
}

impl Frame {
    /// How much of all time the ranges of `repeat` cover together, clock changes and bounds apart.
    #[must_use]
    pub fn repeat_extent(&self) -> Extent {
        if self.repeat.is_empty() { Extent::Everything } else { extent(&self.repeat) }
    }

    /// The local time of the first hole of exactly one minute that the ranges of `repeat` leave, as an
    /// end at 23:59 does.
    #[must_use]
    pub fn minute_gap(&self) -> Option<Local> {
        let mut previous_end = None;
        for interval in years(&self.repeat).flat_map(|(_, intervals)| intervals) {
            if let Some(Millis(end)) = previous_end
                && interval.start.0 - end == MINUTE
            {
                return Some(Local(end));
            }
            previous_end = Some(interval.end);
        }
        None
    }

    /// How many ranges begin on a day at most; 0 where none repeats.
    #[must_use]
    pub fn ranges_a_day(&self) -> i64 {
        self.repeat.iter().map(Range::ranges_a_day).sum()
    }

    /// The last instant that the frame names: where everything that does not repeat is over.
    #[must_use]
    pub fn last_boundary(&self) -> Option<Millis> {
        let holes = self.except.iter().flat_map(|(start, end)| [*start, *end]);
        holes.chain([self.from, self.to]).filter(|it| *it != Millis::MIN && *it != Millis::MAX).max()
    }
}

impl Range {
    /// How much of all time the range covers, clock changes apart.
    #[must_use]
    pub fn extent(&self) -> Extent {
        extent(std::slice::from_ref(self))
    }

    /// Whether there is no start or no end, as on 30 February.
    #[must_use]
    pub fn never_occurs(&self) -> bool {
        self.start.never_occurs() || self.end.never_occurs()
    }

    /// How many ranges begin on a day at most; at least 1.
    pub(in crate::time) fn ranges_a_day(&self) -> i64 {
        self.start.times_a_day().min(self.end.times_a_day()).max(1)
    }

    /// Whether every end is a start too, so that the range goes on for ever, clock changes or not.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let contains = |outer: u64, inner: u64| inner & !outer == 0;
        let (start, end): (&Cron, &Cron) = (&self.start, &self.end);
        let days = || {
            let months = (FIRST_YEAR..FIRST_YEAR + PATTERN_YEARS)
                .flat_map(|year| (1..=12).map(move |month| Month { year, month }));
            months.map(|month| (u64::from(start.days_of(month)), u64::from(end.days_of(month))))
        };
        !self.never_occurs()
            && contains(start.minutes, end.minutes)
            && contains(u64::from(start.hours), u64::from(end.hours))
            && days().all(|(starts, ends)| contains(starts, ends))
    }
}

/// Up to where some frames have to be followed to see everything that they ever do: the last boundary
/// that one of them names, and [`PATTERN_YEARS`] after it where one repeats.
#[must_use]
pub fn horizon<'a>(zone: &Zone, frames: impl IntoIterator<Item = &'a Frame>) -> Millis {
    let mut last = Millis::EPOCH;
    let mut repeats = false;
    for frame in frames {
        last = frame.last_boundary().map_or(last, |boundary| last.max(boundary));
        repeats |= !frame.repeat.is_empty();
    }
    if !repeats {
        return last;
    }
    let local = zone.local(last);
    let Date { year, month, day } = local.date();
    let later = Date { year: year.saturating_add(PATTERN_YEARS), month, day };
    zone.instant(later.midnight().plus(local.time_of_day()))
}

fn extent(ranges: &[Range]) -> Extent {
    if ranges.iter().any(Range::goes_on) {
        return Extent::Everything;
    }
    let mut extents = years(ranges).map(|(year, intervals)| {
        if intervals.is_empty() {
            Extent::Nothing
        } else if intervals == [year] {
            Extent::Everything
        } else {
            Extent::Part
        }
    });
    let first = extents.next().unwrap_or(Extent::Nothing);
    let same = first != Extent::Part && extents.all(|extent| extent == first);
    if same { first } else { Extent::Part }
}

/// What some ranges cover of each year that the checks look at, on a clock without changes. With many
/// ranges a day fewer years are looked at, so that the work stays bounded.
fn years(ranges: &[Range]) -> impl Iterator<Item = (Interval, Vec<Interval>)> {
    let density = ranges.iter().map(Range::ranges_a_day).sum::<i64>().max(1);
    let count = (RANGES_A_DAY_MAX * i64::from(PATTERN_YEARS) / density).clamp(2, i64::from(PATTERN_YEARS));
    let last_year = FIRST_YEAR + i32::try_from(count).unwrap_or(PATTERN_YEARS);
    let clock = Zone::utc();
    let frame = Frame { from: Millis::MIN, to: Millis::MAX, repeat: ranges.to_vec(), except: Vec::new() };
    (FIRST_YEAR..last_year).map(move |year| {
        let start = |year| Millis(Date { year, month: 1, day: 1 }.midnight().0);
        let span = Interval { start: start(year), end: start(year + 1) };
        (span, frame.intervals(&clock, span.start, span.end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::{range, zone};

    fn repeating(ranges: &[(&str, &str)]) -> Frame {
        let repeat = ranges.iter().map(|(start, end)| range(start, end)).collect();
        Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() }
    }

    #[test]
    fn ranges_cover_everything_a_part_or_nothing() {
        for (ranges, extent) in [
            (&[("0 0 * * *", "0 0 * * *")][..], Extent::Everything),
            (&[("0 0 1 * *", "0 0 1 1 *")], Extent::Everything),
            (&[("0-59 0-23 * * *", "0-59 0-23 * * *")], Extent::Everything),
            (&[("0 8 * * *", "0 20 * * *"), ("0 20 * * *", "0 8 * * *")], Extent::Everything),
            (&[("0 8 * * *", "0 20 * * *"), ("0 20 * * *", "59 7 * * *")], Extent::Part),
            (&[("0 0 29 2 *", "0 0 1 3 *")], Extent::Part),
            (&[("0 0 30 2 *", "0 0 1 3 *")], Extent::Nothing),
            (&[("0 0 1 3 *", "0 0 30 2 *")], Extent::Nothing),
        ] {
            assert_eq!(repeating(ranges).repeat_extent(), extent, "{ranges:?}");
        }
        assert_eq!(range("0 0 1 * *", "0 0 1 1 *").extent(), Extent::Everything);
    }

    #[test]
    fn a_hole_of_one_minute_is_found() {
        let gap = |ranges: &[(&str, &str)]| repeating(ranges).minute_gap().map(|it| it.to_string());
        assert_eq!(gap(&[("0 0 * * *", "59 23 * * *")]).as_deref(), Some("2000-01-01T23:59"));
        assert_eq!(
            gap(&[("0 0 * * 1", "59 23 * * 5"), ("0 0 * * 6", "0 0 * * 1")]).as_deref(),
            Some("2000-01-07T23:59")
        );
        assert_eq!(gap(&[("0 8 * * *", "0 20 * * *"), ("2 20 * * *", "58 7 * * *")]), None);
        assert_eq!(gap(&[("59 23 31 12 *", "0 0 1 1 *")]), None);
        assert_eq!(gap(&[("0 0 1 1 *", "59 23 31 12 *")]).as_deref(), Some("2000-12-31T23:59"));
    }

    #[test]
    fn frames_are_followed_a_pattern_beyond_the_last_boundary() {
        let athens = zone("Europe/Athens");
        let bounded = Frame { from: Millis(1_293_703_200_000), ..repeating(&[]) };
        assert_eq!(horizon(&athens, [&bounded]), Millis(1_293_703_200_000));
        let frames = [bounded, repeating(&[("0 0 * * *", "0 1 * * *")])];
        assert_eq!(athens.format(horizon(&athens, &frames)), "2038-12-30T12:00:00+02:00");
        assert_eq!(athens.format(horizon(&athens, [])), "1970-01-01T02:00:00+02:00");
    }
}
