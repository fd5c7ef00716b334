//! A user's month: the balance from beginning to end, beside the threshold, with what came in, as it was
//! and as it was known at an instant.
//!
//! What lies after the instant that is asked about is a projection: what will be if nothing more happens.

use std::collections::BTreeSet;

use aquarium_charging::bills::{self, Bill};
use aquarium_charging::posting::{Postings, Refill};
use aquarium_charging::state::State;
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::time::MonthSpan;
use aquarium_ir::{Credits, Millis};

use super::trace::TracedRefill;

/// The balance is looked at so many times a month, evenly: every three hours.
const LOOKS: i64 = 248;
/// Refills and grants whose steps are looked at, at most: a chart shows no more.
const STEPS_MAX: usize = 200;
/// Late records that are listed, at most.
const LATE_MAX: usize = 50;

/// Which month, seen from where.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// By the records up to this instant; its month is meant.
    pub at: Millis,
    /// By what was received up to this one.
    pub known: Millis,
    /// The daemon's time.
    pub now: Millis,
}

/// A month.
#[derive(Debug)]
pub struct MonthView {
    /// Which.
    pub span: MonthSpan,
    /// The balance, in order of time.
    pub points: Vec<Point>,
    /// The balance by all that is known now, at the same instants; `None`: nothing became known since.
    pub corrected: Option<Vec<Point>>,
    /// What came in, up to the end of the month.
    pub refills: Vec<TracedRefill>,
    /// What came late, the first ones.
    pub late: Vec<LateRecord>,
    /// The bill of the month up to the instant; `None`: nothing was known.
    pub bill: Option<Bill>,
}

/// The balance at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: Millis,
    /// What is left.
    pub balance: Credits,
    /// The threshold that holds.
    pub threshold: Credits,
}

/// A record that was received late: after the instant that is asked about as known, else after something that
/// happened later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateRecord {
    /// When it happened.
    pub occurred: Millis,
    /// When it was received.
    pub received: Millis,
    /// `resource`, `user`, `grant`, `threshold` or `assign`.
    pub kind: &'static str,
    /// Who sent it.
    pub client: String,
    /// Its id.
    pub id: String,
}

/// The month of an instant.
pub fn month(ledger: &Ledger, deployments: &Deployments, which: &Which) -> MonthView {
    let mut known = deployments.known(which.known);
    let span = known.month(which.at);
    let walk = Walk::new(ledger, &mut known, span, which.at, which.known);
    let instants = walk.instants(&mut known, which.at);
    let points = walk.points(&mut known, &instants);
    let refills = walk.refills(&mut known).iter().map(TracedRefill::of).collect();
    let corrected = (which.known < which.now).then(|| {
        let mut now = deployments.clone();
        Walk::new(ledger, &mut now, span, which.at, which.now).points(&mut now, &instants)
    });
    let corrected = corrected.filter(|corrected| *corrected != points);
    let bill = bills::batch(ledger, deployments, span.month, which.at, which.known);
    MonthView { span, points, corrected, refills, late: late(ledger, span, which), bill }
}

/// A month of a user, ready to be walked through any number of times.
struct Walk {
    /// Before the month.
    start: State,
    /// Of the month, up to the instant that is asked about.
    records: Vec<Record<'static>>,
    span: MonthSpan,
}

impl Walk {
    fn new(
        ledger: &Ledger,
        deployments: &mut Deployments,
        span: MonthSpan,
        at: Millis,
        known: Millis,
    ) -> Self {
        let before = Millis(span.start.0.saturating_sub(1));
        let start = ledger.at_known(deployments, before, known).map(|view| view.state).unwrap_or_default();
        let meant = |record: &&Record<'static>| {
            record.occurred >= span.start && record.occurred <= at && record.received <= known
        };
        Self { start, records: ledger.records().filter(meant).cloned().collect(), span }
    }

    /// The last instant of the month.
    fn last(&self) -> Millis {
        Millis(self.span.end.0.saturating_sub(1))
    }

    /// What comes in within the month.
    fn refills(&self, deployments: &mut Deployments) -> Vec<Refill> {
        let (mut state, mut postings) = (self.start.clone(), Postings::default());
        // The records of a ledger are in order.
        let _ = state.fold(deployments, &self.records, &mut postings);
        state.derive(deployments, self.last(), &mut postings);
        postings.refills
    }

    /// When the balance is looked at: evenly, where it steps, and at the instant that is asked about.
    fn instants(&self, deployments: &mut Deployments, at: Millis) -> BTreeSet<Millis> {
        let (start, last) = (self.span.start, self.last());
        let step = (self.span.end.0.saturating_sub(start.0) / LOOKS).max(1);
        let even = (0..LOOKS).map(|look| Millis(start.0.saturating_add(look.saturating_mul(step))));
        let refills = self.refills(deployments);
        let steps = refills.iter().take(STEPS_MAX).map(|refill| refill.at);
        let steps = steps.flat_map(|at| [Millis(at.0.saturating_sub(1)), at]);
        let instants = even.chain(steps).chain([last, at]);
        instants.filter(|instant| (start..=last).contains(instant)).collect()
    }

    fn points(&self, deployments: &mut Deployments, instants: &BTreeSet<Millis>) -> Vec<Point> {
        let (mut state, mut nothing) = (self.start.clone(), Postings::default());
        let mut rest = self.records.as_slice();
        let mut points = Vec::new();
        for at in instants {
            let (now, later) = rest.split_at(rest.partition_point(|record| record.occurred <= *at));
            rest = later;
            // The records of a ledger are in order.
            let _ = state.fold(deployments, now, &mut nothing);
            state.derive(deployments, *at, &mut nothing);
            let balance = state.wallet().balance() - state.accrual(deployments, *at).credits;
            let threshold = state.threshold(deployments, *at);
            points.push(Point { at: *at, balance, threshold });
        }
        points
    }
}

/// What came late of the month's records.
fn late(ledger: &Ledger, span: MonthSpan, which: &Which) -> Vec<LateRecord> {
    let meant = |record: &&Record<'static>| (span.start..span.end).contains(&record.occurred);
    let records: Vec<&Record<'static>> = ledger.records().filter(meant).collect();
    let mut earliest_after = Millis::MAX;
    let mut late = Vec::new();
    for record in records.into_iter().rev() {
        let is_late = if which.known < which.now {
            record.received > which.known
        } else {
            record.received > earliest_after
        };
        earliest_after = earliest_after.min(record.received);
        if is_late && record.occurred <= which.at {
            late.push(LateRecord::of(record));
        }
    }
    late.reverse();
    late.truncate(LATE_MAX);
    late
}

impl LateRecord {
    fn of(record: &Record<'_>) -> Self {
        Self {
            occurred: record.occurred,
            received: record.received,
            kind: record.body.kind(),
            client: record.client.to_string(),
            id: record.id.to_string(),
        }
    }
}
