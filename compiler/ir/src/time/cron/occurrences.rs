//! Occurrences of a cron pattern as instants of a zone.

use crate::instant::Millis;
use crate::time::Zone;
use crate::time::civil::DAY;
use crate::time::cron::Cron;

/// How much is worked out at once, at first and at most.
const STEP_MIN: i64 = 2 * DAY;
const STEP_MAX: i64 = 4 * 366 * DAY;
/// How far [`Cron::next_instant`] looks: longer than any pattern that occurs at all stays away.
const SEARCH: i64 = 9 * 366 * DAY;

impl Cron {
    /// The instants in `[from, to)` that the pattern names, in order, each once.
    ///
    /// A local time that the clock skips is moved forward by the gap, of a time that the clock shows
    /// twice the first is meant.
    #[must_use]
    pub fn occurrences<'a>(&'a self, zone: &'a Zone, from: Millis, to: Millis) -> Occurrences<'a> {
        Occurrences { cron: self, zone, from, to, step: STEP_MIN, found: Vec::new() }
    }

    /// The first instant after `after` that the pattern names.
    #[must_use]
    pub fn next_instant(&self, zone: &Zone, after: Millis) -> Option<Millis> {
        let from = Millis(after.0.saturating_add(1));
        self.occurrences(zone, from, Millis(from.0.saturating_add(SEARCH))).next()
    }
}

/// See [`Cron::occurrences`].
#[derive(Debug, Clone)]
pub struct Occurrences<'a> {
    cron: &'a Cron,
    zone: &'a Zone,
    /// What is not worked out yet.
    from: Millis,
    to: Millis,
    step: i64,
    /// What is worked out and not yet given, the last first.
    found: Vec<Millis>,
}

impl Iterator for Occurrences<'_> {
    type Item = Millis;

    fn next(&mut self) -> Option<Millis> {
        while self.found.is_empty() && self.from < self.to {
            let until = Millis(self.from.0.saturating_add(self.step)).min(self.to);
            self.found = self.within(self.from, until);
            self.from = until;
            self.step = if self.found.is_empty() { (self.step * 8).min(STEP_MAX) } else { self.step };
        }
        self.found.pop()
    }
}

impl Occurrences<'_> {
    /// All of `[from, until)`, the last first.
    fn within(&self, from: Millis, until: Millis) -> Vec<Millis> {
        let (first, end) = self.zone.locals(from, until);
        let later = |local| self.cron.at_or_after(local).filter(|local| *local < end);
        let locals = std::iter::successors(later(first), |local| later(local.plus(1)));
        let instants = locals.map(|local| self.zone.instant(local));
        let mut found: Vec<_> = instants.filter(|instant| (from..until).contains(instant)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.dedup();
        found
    }
}
