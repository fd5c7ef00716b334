//! One frame, expanded into intervals as far as anybody asked.

use super::Membership;
use crate::instant::Millis;
use crate::time::civil::DAY;
use crate::time::frame::{FIRST_REPEAT, Frame, LAST_REPEAT, Range};
use crate::time::interval::{Interval, append};
use crate::time::zone::Zone;

/// How much is expanded at once at first, and at most while nothing changes.
const STEP_MIN: i64 = 40 * DAY;
const STEP_MAX: i64 = 8 * 366 * DAY;
/// A question further than this from what is known starts anew instead of filling what lies between.
const REACH: i64 = 3 * 366 * DAY;
/// With as many intervals the expansion starts anew (a range per day for 180 years).
const INTERVALS_MAX: usize = 1 << 16;
/// How far a change is looked for before the answer is given with a provisional end, at one range a day.
const SEARCH: i64 = 40 * 366 * DAY;

/// A frame and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Expansion {
    frame: Frame,
    /// What there is to know: outside of it the frame has no instant.
    bounds: (Millis, Millis),
    /// Where `intervals` says all.
    known: (Millis, Millis),
    /// The frame within `known`: in order, none touching another.
    intervals: Vec<Interval>,
    /// The last answer and the instant that was asked: most questions have it again.
    recent: (Millis, Membership),
    /// How much to expand next.
    step: i64,
    /// The ranges of a day, at most: where there are many, less is expanded and searched at once.
    density: i64,
}

impl Expansion {
    pub(super) fn new(frame: &Frame, zone: &Zone) -> Self {
        let recent = (Millis::MAX, Membership { inside: false, until: Millis::MAX });
        let mut frame = frame.clone();
        if frame.repeat.iter().any(Range::goes_on) {
            frame.repeat.clear();
        }
        let density = frame.ranges_a_day().max(1);
        let whole = (frame.from, frame.to);
        let (bounds, known, intervals) = if frame.repeat.is_empty() {
            (whole, whole, frame.intervals(zone, frame.from, frame.to))
        } else if frame.repeat.iter().all(Range::never_occurs) {
            ((Millis::MIN, Millis::MIN), (Millis::MIN, Millis::MIN), Vec::new())
        } else {
            let bounds = (frame.from.max(FIRST_REPEAT), frame.to.min(LAST_REPEAT));
            (bounds, (bounds.0, bounds.0), Vec::new())
        };
        Self { frame, bounds, known, intervals, recent, step: STEP_MIN, density }
    }

    /// Whether the frame has an instant, and until when that stays so.
    pub(super) fn membership(&mut self, zone: &Zone, instant: Millis) -> Membership {
        let (asked, answer) = self.recent;
        if instant < asked || instant >= answer.until {
            self.recent = (instant, self.find(zone, instant));
        }
        self.recent.1
    }

    /// How many intervals are known.
    pub(super) fn remembered(&self) -> usize {
        self.intervals.len()
    }

    fn find(&mut self, zone: &Zone, instant: Millis) -> Membership {
        let (first, last) = self.bounds;
        if instant >= last {
            return Membership { inside: false, until: Millis::MAX };
        }
        if instant < first {
            let at_first = self.find(zone, first);
            return if at_first.inside { Membership { inside: false, until: first } } else { at_first };
        }
        self.reach(zone, instant);
        let search_end = Millis(instant.0.saturating_add(SEARCH / self.density)).min(last);
        let mut answer = self.look_up(instant);
        while answer.until >= self.known.1 && self.known.1 < search_end {
            self.extend(zone);
            answer = self.look_up(instant);
        }
        let until = if self.known.1 < last { answer.until.min(self.known.1) } else { answer.until };
        Membership { until, ..answer }
    }

    /// The answer from the intervals alone.
    fn look_up(&self, instant: Millis) -> Membership {
        let place = self.intervals.partition_point(|interval| interval.end <= instant);
        match self.intervals.get(place) {
            Some(interval) if interval.start <= instant => Membership { inside: true, until: interval.end },
            Some(interval) => Membership { inside: false, until: interval.start },
            None => Membership { inside: false, until: Millis::MAX },
        }
    }

    /// Makes an instant within the bounds known.
    fn reach(&mut self, zone: &Zone, instant: Millis) {
        let (start, end) = self.known;
        if (start..end).contains(&instant) && self.intervals.len() <= INTERVALS_MAX {
            return;
        }
        let far = instant.0.saturating_sub(end.0) > REACH || start.0.saturating_sub(instant.0) > REACH;
        if far || self.intervals.len() > INTERVALS_MAX {
            let start = Millis(instant.0.saturating_sub(STEP_MIN)).max(self.bounds.0);
            self.known = (start, start);
            self.intervals.clear();
        }
        if instant < self.known.0 {
            self.extend_back(zone, Millis(instant.0.saturating_sub(STEP_MIN)).max(self.bounds.0));
        }
        while instant >= self.known.1 {
            self.extend(zone);
        }
    }

    /// Expands the next piece, a longer one each time while nothing changes.
    fn extend(&mut self, zone: &Zone) {
        let start = self.known.1;
        let end = Millis(start.0.saturating_add(self.step)).min(self.bounds.1);
        let piece = self.frame.intervals(zone, start, end);
        let changes = !(piece.is_empty() || piece == [Interval { start, end }]);
        for interval in piece {
            append(&mut self.intervals, interval);
        }
        self.step =
            if changes { STEP_MIN } else { (self.step * 2).min(STEP_MAX / self.density).max(STEP_MIN) };
        self.known.1 = end;
    }

    /// Expands from `start` to what is known.
    fn extend_back(&mut self, zone: &Zone, start: Millis) {
        let mut intervals = self.frame.intervals(zone, start, self.known.0);
        for interval in self.intervals.drain(..) {
            append(&mut intervals, interval);
        }
        self.intervals = intervals;
        self.known.0 = start;
    }
}
