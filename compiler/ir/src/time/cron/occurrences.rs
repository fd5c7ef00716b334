//! Occurrences of a cron pattern as instants of a zone.

use crate::instant::Millis;
use crate::time::civil::{DAY, Local};
use crate::time::cron::Cron;
use crate::time::zone::{OFFSET_LIMIT, Zone};

/// How much is worked out at once.
const STEP: i64 = 2 * DAY;
/// How far [`Cron::next_instant`] looks: longer than any pattern that occurs at all stays away.
const SEARCH: i64 = 9 * 366 * DAY;

impl Cron {
    /// The instants in `[from, to)` that the pattern names, in order, each once.
    ///
    /// A local time that the clock skips is moved forward by the gap, of a time that the clock shows
    /// twice the first is meant.
    #[must_use]
    pub fn occurrences<'a>(&'a self, zone: &'a Zone, from: Millis, to: Millis) -> Occurrences<'a> {
        Occurrences { cron: self, zone, from, to, found: Vec::new() }
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
    /// What is worked out and not yet given, the last first.
    found: Vec<Millis>,
}

impl Iterator for Occurrences<'_> {
    type Item = Millis;

    fn next(&mut self) -> Option<Millis> {
        while self.found.is_empty() && self.from < self.to {
            let until = Millis(self.from.0.saturating_add(STEP)).min(self.to);
            let next = self.work_out(until);
            // No local time is further from its instant than the largest offset.
            self.from = next.map_or(self.to, |local| Millis(local.0.saturating_sub(OFFSET_LIMIT)).max(until));
        }
        self.found.pop()
    }
}

impl Occurrences<'_> {
    /// Finds all up to `until`, and a local time before which none is beyond.
    fn work_out(&mut self, until: Millis) -> Option<Local> {
        let from = self.from;
        let (first, end) = self.zone.locals(from, until);
        let later = |local| self.cron.at_or_after(local).filter(|local| *local < end);
        let locals = std::iter::successors(later(first), |local| later(local.plus(1)));
        let instants = locals.map(|local| self.zone.instant(local));
        let mut found: Vec<_> = instants.filter(|instant| (from..until).contains(instant)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.dedup();
        self.found = found;
        self.cron.at_or_after(self.zone.locals(until, until).0)
    }
}
