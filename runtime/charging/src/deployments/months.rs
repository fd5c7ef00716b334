//! Billing months across policy versions that differ in their zone.
//!
//! A month ends where the zone in force at its start says. A new zone therefore counts from the first
//! month start, in the old zone, at or after the instant at which its version takes effect.

use aquarium_ir::instant::Millis;
use aquarium_ir::time::{MonthSpan, Zone};

/// The months from the one in which the zone may first change, as far as they were asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Months {
    spans: Vec<MonthSpan>,
}

impl Months {
    pub(super) fn forget(&mut self) {
        self.spans.clear();
    }

    /// The month that has `instant`. Up to `anchor`, inclusive, the zone is `first`; from there on `zone_at`
    /// tells it.
    pub(super) fn at(
        &mut self,
        instant: Millis,
        anchor: Millis,
        first: &Zone,
        mut zone_at: impl FnMut(Millis) -> Zone,
    ) -> MonthSpan {
        if self.spans.is_empty() {
            self.spans.push(of(first, anchor));
        }
        if self.spans.first().is_none_or(|earliest| instant < earliest.start) {
            return of(first, instant);
        }
        let mut last = self.spans.last().copied().unwrap_or_else(|| of(first, anchor));
        while last.end <= instant {
            let month = last.month.next();
            let end = zone_at(last.end).month_start(month.next());
            last = MonthSpan { month, start: last.end, end };
            self.spans.push(last);
        }
        let after = self.spans.partition_point(|span| span.start <= instant);
        self.spans.get(after.wrapping_sub(1)).copied().unwrap_or(last)
    }
}

/// The month of an instant in one zone.
pub(super) fn of(zone: &Zone, instant: Millis) -> MonthSpan {
    let month = zone.month(instant);
    MonthSpan { month, start: zone.month_start(month), end: zone.month_start(month.next()) }
}
