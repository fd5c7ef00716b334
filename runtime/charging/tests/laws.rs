//! The laws of charging, over generated policies and events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::bills::{Adjustment, Bill, BillLine, GRACE_MILLIS, batch, final_at, finished};
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::ledger::{LineKind, View, WalletLine};
use aquarium_charging::posting::Entry;
use aquarium_charging::simulate::{Options, simulate};
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::instant::Millis;
use aquarium_ir::time::Month;
use aquarium_ir::{Credits, Rational};
use common::cases::{self, Case, Event, What};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const END: i64 = 1_714_780_800_000;

fn records(events: &[Event]) -> Vec<Record<'static>> {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    events.iter().map(|event| read_text(&event.json(), &source).unwrap().record.into_owned()).collect()
}

/// All records at once, up to an instant.
fn whole(deployments: &mut Deployments, records: Vec<Record<'static>>, at: i64) -> Ledger {
    let mut ledger = Ledger::new("u");
    records.into_iter().for_each(|record| ledger.append(record));
    ledger.sweep(deployments, Millis(at));
    ledger
}

fn entries(ledger: &Ledger) -> Vec<Entry> {
    ledger.entries().map(|(entry, _)| entry.clone()).collect()
}

/// What is left of the wallet when every reversal has struck out its entry.
fn net(lines: &[WalletLine], deployments: &mut Deployments) -> BTreeSet<String> {
    let mut standing = BTreeMap::new();
    for line in lines {
        let view = line.view(deployments, "u");
        match line.kind {
            LineKind::Posted => {
                assert!(standing.insert(view.id.clone(), view).is_none(), "an id is used once");
            }
            LineKind::Reversal => {
                let entry = standing.remove(view.reverses.as_ref().unwrap()).unwrap();
                assert_eq!(entry.credits, -view.credits);
            }
        }
    }
    standing.into_keys().collect()
}

fn ids(ledger: &Ledger, deployments: &mut Deployments) -> BTreeSet<String> {
    let view = |(entry, revision)| aquarium_charging::view::entry(deployments, "u", entry, revision).id;
    ledger.entries().map(view).collect()
}

/// A permutation by sorting with generated keys.
fn permuted(events: &[Event], keys: &[u32]) -> Vec<Event> {
    let mut keyed: Vec<_> = events.iter().cloned().zip(keys).collect();
    keyed.sort_by_key(|(_, key)| **key);
    keyed.into_iter().map(|(event, _)| event).collect()
}

/// What happens between batches of arrivals.
#[derive(Debug, Clone, Copy)]
enum Step {
    Append,
    Fold(i64),
    Sweep(i64),
    Query(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Append),
        2 => cases::at().prop_map(Step::Fold),
        1 => cases::at().prop_map(Step::Sweep),
        1 => cases::at().prop_map(Step::Query),
    ]
}

/// A ledger to which records arrive in some order, with folds, sweeps and queries in between.
struct Run {
    ledger: Ledger,
    /// The log, in the order of arrival.
    log: Vec<Record<'static>>,
    /// How many of them have arrived.
    arrived: usize,
    lines: Vec<WalletLine>,
}

impl Run {
    fn new(log: Vec<Record<'static>>) -> Self {
        Self { ledger: Ledger::new("u"), log, arrived: 0, lines: Vec::new() }
    }

    fn step(&mut self, deployments: &mut Deployments, step: Step) {
        match step {
            Step::Append => {
                if let Some(record) = self.log.get(self.arrived) {
                    self.ledger.append(record.clone());
                    self.arrived += 1;
                }
            }
            Step::Fold(now) => self.lines.extend(self.ledger.fold(deployments, Millis(now)).lines),
            Step::Sweep(now) => self.lines.extend(self.ledger.sweep(deployments, Millis(now)).lines),
            Step::Query(at) => drop(self.ledger.at(deployments, Millis(at))),
        }
    }

    /// Everything arrives and is folded up to the end.
    fn finish(&mut self, deployments: &mut Deployments) {
        while self.arrived < self.log.len() {
            self.step(deployments, Step::Append);
        }
        self.step(deployments, Step::Sweep(END));
    }

    /// The run after a crash, with nothing but what the log has.
    fn recovered(self) -> Self {
        let mut run = Self::new(self.log);
        while run.arrived < self.arrived {
            run.ledger.append(run.log[run.arrived].clone());
            run.arrived += 1;
        }
        run
    }
}

fn arrive(
    deployments: &mut Deployments,
    records: Vec<Record<'static>>,
    steps: &[Step],
) -> (Ledger, Vec<WalletLine>) {
    let mut run = Run::new(records);
    steps.iter().for_each(|step| run.step(deployments, *step));
    run.finish(deployments);
    (run.ledger, run.lines)
}

fn figures(view: Option<View>) -> Option<(Credits, Credits, Credits, [u8; 32])> {
    view.map(|view| (view.balance(), view.state.charged(), view.accrual.credits, view.state.digest()))
}

/// The versions that were known, and the events up to an instant that were.
fn known_then(case: &Case, at: i64, known: i64) -> (Deployments, Vec<Event>) {
    let mut deployments = Deployments::new();
    for (version, index) in case.versions.iter().zip(0..) {
        if version.received.is_none_or(|received| received <= known) {
            deployments.deploy(version.version(index), version.span()).unwrap();
        }
    }
    let events = case.events.iter().filter(|it| it.at <= at && it.received <= known).cloned().collect();
    (deployments, events)
}

/// From nothing, by the records that were known.
fn replayed(case: &Case, at: i64, known: i64) -> Option<(Credits, Credits, Credits, [u8; 32])> {
    let (mut deployments, events) = known_then(case, at, known);
    figures(whole(&mut deployments, records(&events), at).at(&mut deployments, Millis(at)))
}

/// Batch and final bills of the months of the cases.
fn bills(ledger: &Ledger, deployments: &Deployments) -> Vec<(Option<Bill>, Option<Bill>)> {
    let both = |month| {
        let now = batch(ledger, deployments, month, Millis(END), Millis::MAX);
        (now, finished(ledger, deployments, month, GRACE_MILLIS))
    };
    months(4).map(both).collect()
}

/// Months from the first of the cases on.
fn months(count: usize) -> impl Iterator<Item = Month> {
    std::iter::successors(Some(Month { year: 2024, month: 2 }), |month| Some(month.next())).take(count)
}

/// Whether a bill becomes final at an instant: it is the first that lies the grace after the month's end, by the
/// versions that were known at it.
fn becomes_final_at(deployments: &Deployments, month: Month, at: Millis) -> bool {
    let is_over = |now: Millis| now.0 >= deployments.known(now).span_of(month).end.0 + GRACE_MILLIS;
    // Between two receipts nothing changes but the time.
    let earlier =
        deployments.versions().flat_map(|(_, span)| [span.received.0, span.received.0.saturating_sub(1)]);
    let mut earlier = earlier.chain([at.0 - 1]).filter(|earlier| (0..at.0).contains(earlier));
    is_over(at) && !earlier.any(|earlier| is_over(Millis(earlier)))
}

/// Volumes and credits per line of a bill; refills and grants as a line of their own.
type LineSums = BTreeMap<String, (Rational, Credits)>;

fn add(sums: &mut LineSums, key: String, volume: &str, credits: Credits) {
    let sum = sums.entry(key).or_insert_with(|| (Rational::zero(), Credits::ZERO));
    sum.0 = Rational(&sum.0.0 + volume.parse::<Rational>().unwrap().0);
    sum.1 += credits;
}

fn add_line(sums: &mut LineSums, line: &BillLine) {
    let key = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        line.resource, line.instance, line.agreement, line.price, line.tiers
    );
    add(sums, key, &line.volume, line.credits);
}

fn add_bill(sums: &mut LineSums, bill: &Bill) {
    bill.lines.iter().for_each(|line| add_line(sums, line));
    let credits: Credits = bill.refills.iter().chain(&bill.grants).map(|it| it.credits).sum();
    add(sums, "credits".to_owned(), "0", credits);
}

fn add_adjustment(sums: &mut LineSums, adjustment: &Adjustment) {
    match &adjustment.line {
        Some(line) => add_line(sums, line),
        None => add(sums, "credits".to_owned(), "0", adjustment.credits),
    }
}

fn without_zeros(mut sums: LineSums) -> LineSums {
    sums.retain(|_, (volume, credits)| !volume.is_zero() || !credits.is_zero());
    sums
}

/// What everything before an instant adds to the balance, folded from nothing by what was known.
fn net_before(case: &Case, end: Millis, known: Millis) -> Credits {
    let (mut deployments, events) = known_then(case, end.0, known.0);
    let ledger = whole(&mut deployments, records(&events), end.0);
    let refilled = ledger.refills().iter().filter(|refill| refill.at < end).map(|refill| refill.credits);
    let charged = ledger.entries().filter(|(it, _)| it.slot.from < end).map(|(it, _)| it.slot.credits);
    refilled.sum::<Credits>() - charged.sum::<Credits>()
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn arrival_order_and_batches_change_nothing_that_lasts(
        case in cases::case(),
        keys in vec(any::<u32>(), 24),
        steps in vec(step(), 0..50),
    ) {
        let mut deployments = case.deployments();
        let expected = whole(&mut deployments, records(&case.events), END);
        let (ledger, lines) = arrive(&mut deployments, records(&permuted(&case.events, &keys)), &steps);
        prop_assert_eq!(entries(&ledger), entries(&expected));
        prop_assert_eq!(ledger.refills(), expected.refills());
        prop_assert_eq!(ledger.findings(), expected.findings());
        prop_assert_eq!(ledger.state(), expected.state());
        prop_assert_eq!(net(&lines, &mut deployments), ids(&ledger, &mut deployments));
        prop_assert_eq!(bills(&ledger, &deployments), bills(&expected, &deployments));
    }

    #[test]
    fn every_past_state_is_what_a_replay_gives(
        case in cases::case(),
        keys in vec(any::<u32>(), 24),
        steps in vec(step(), 0..30),
        at in cases::at(),
        known in cases::at(),
    ) {
        let mut deployments = case.deployments();
        let (ledger, _) = arrive(&mut deployments, records(&permuted(&case.events, &keys)), &steps);
        let all = ledger.at(&mut deployments, Millis(at));
        prop_assert_eq!(figures(all), replayed(&case, at, i64::MAX));
        let known_then = ledger.at_known(&mut deployments, Millis(at), Millis(known));
        prop_assert_eq!(figures(known_then), replayed(&case, at, known));
    }

    #[test]
    fn a_no_op_event_splits_nothing(case in cases::case(), at in vec(cases::at(), 1..5)) {
        let mut deployments = case.deployments();
        let expected = whole(&mut deployments, records(&case.events), END);
        let mut split = case.events.clone();
        for (at, number) in at.iter().zip(0..) {
            let usage = |resource: &str, nano| What::Usage {
                resource: resource.to_owned(),
                instance: "one".to_owned(),
                nano,
            };
            let what = match number % 4 {
                0 => usage("disk", 0),
                1 => What::Grant(0),
                2 => usage("nothing", 1),
                _ => usage("vmtime", 2_000_000_000),
            };
            split.push(Event { id: format!("n{number}"), client: "n".to_owned(), at: *at, received: *at, what });
        }
        let ledger = whole(&mut deployments, records(&split), END);
        prop_assert_eq!(entries(&ledger), entries(&expected));
    }

    #[test]
    fn balances_are_the_sums_of_what_is_listed(case in cases::case(), at in cases::at()) {
        let mut deployments = case.deployments();
        let ledger = whole(&mut deployments, records(&case.events), at);
        let refilled: Credits = ledger.refills().iter().map(|refill| refill.credits).sum();
        let charged: Credits = ledger.entries().map(|(entry, _)| entry.slot.credits).sum();
        let view = ledger.at(&mut deployments, Millis(at));
        let balance = view.map_or(Credits::ZERO, |view| view.balance() + view.accrual.credits);
        prop_assert_eq!(refilled - charged, balance);
        prop_assert_eq!(ledger.state().refilled() - ledger.state().charged(), refilled - charged);
    }

}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn final_bills_and_their_adjustments_add_up_to_the_batch_bills(
        case in cases::case(),
        late in cases::at(),
    ) {
        let mut deployments = case.deployments();
        let ledger = whole(&mut deployments, records(&case.events), END);
        let mut closing = Credits::ZERO;
        let mut billed: BTreeMap<String, LineSums> = BTreeMap::new();
        // The last of these is final after everything is known.
        for month in months(7) {
            let known = final_at(&deployments, month, GRACE_MILLIS).unwrap();
            prop_assert!(becomes_final_at(&deployments, month, known), "{} at {}", month, known);
            if let Some(bill) = finished(&ledger, &deployments, month, GRACE_MILLIS) {
                prop_assert_eq!(bill.opening, closing, "the opening of {}", bill.month);
                closing = bill.closing;
                prop_assert_eq!(net_before(&case, bill.to, known), closing);
                add_bill(billed.entry(bill.month.clone()).or_default(), &bill);
                for adjustment in &bill.adjustments {
                    prop_assert!(adjustment.month < bill.month);
                    add_adjustment(billed.entry(adjustment.month.clone()).or_default(), adjustment);
                }
            }
        }
        for month in months(7) {
            let mut now = LineSums::new();
            if let Some(bill) = batch(&ledger, &deployments, month, Millis::MAX, Millis::MAX) {
                prop_assert_eq!(net_before(&case, bill.to, Millis::MAX), bill.closing);
                add_bill(&mut now, &bill);
            }
            let billed = billed.remove(&month.to_string()).unwrap_or_default();
            prop_assert_eq!(without_zeros(billed), without_zeros(now), "{}", month);
        }
        let month = deployments.month(Millis(late)).month;
        let open = batch(&ledger, &deployments, month, Millis(late), Millis::MAX);
        let balance = ledger.at(&mut deployments, Millis(late)).map(|view| view.balance());
        prop_assert_eq!(open.map(|bill| bill.closing), balance);
    }

    #[test]
    fn lines_may_come_in_any_order_and_any_number_of_times(
        case in cases::case(),
        keys in vec(any::<u32>(), 36),
        again in vec(any::<Index>(), 0..12),
        at in cases::at(),
    ) {
        let report = |texts: &[String], month: u8| {
            let bills = Some(Month { year: 2024, month });
            let options = Options { at: Some(Millis(at)), bills, ..Options::default() };
            simulate(&case.deployments(), cases::lines(texts), &options)
        };
        let texts: Vec<String> = case.events.iter().map(Event::json).collect();
        let again: Vec<_> = again.iter().filter(|_| !texts.is_empty()).map(|index| index.get(&texts).clone()).collect();
        let mut mixed: Vec<_> = texts.iter().chain(&again).zip(&keys).collect();
        mixed.sort_by_key(|(_, key)| **key);
        let mixed: Vec<String> = mixed.into_iter().map(|(text, _)| text.clone()).collect();
        let once = |texts: &[String]| texts.iter().collect::<BTreeSet<_>>().len();
        prop_assert_eq!(once(&mixed), once(&texts));
        for month in 2..=4 {
            let (expected, found) = (report(&texts, month), report(&mixed, month));
            prop_assert_eq!(&found.users, &expected.users);
            prop_assert_eq!(&found.bills, &expected.bills);
            prop_assert_eq!(found.duplicates, again.len() as u64);
        }
    }

    #[test]
    fn a_crash_at_any_point_changes_nothing(
        case in cases::case(),
        keys in vec(any::<u32>(), 24),
        steps in vec(step(), 0..40),
        crashes in vec(any::<Index>(), 1..4),
    ) {
        let mut deployments = case.deployments();
        let arriving = records(&permuted(&case.events, &keys));
        let (expected, _) = arrive(&mut deployments, arriving.clone(), &steps);
        let crashes: BTreeSet<usize> = crashes.iter().map(|crash| crash.index(steps.len() + 1)).collect();
        let mut run = Run::new(arriving);
        for (number, step) in steps.iter().enumerate() {
            if crashes.contains(&number) {
                // The log has what was acknowledged, in its order; everything else is worked out again.
                run = run.recovered();
            }
            run.step(&mut deployments, *step);
        }
        if crashes.contains(&steps.len()) {
            run = run.recovered();
        }
        run.finish(&mut deployments);
        prop_assert_eq!(entries(&run.ledger), entries(&expected));
        prop_assert_eq!(run.ledger.refills(), expected.refills());
        prop_assert_eq!(run.ledger.findings(), expected.findings());
        prop_assert_eq!(run.ledger.state(), expected.state());
        prop_assert_eq!(net(&run.lines, &mut deployments), ids(&run.ledger, &mut deployments));
    }
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn a_version_may_be_deployed_before_or_after_the_events(case in cases::case(), now in cases::at()) {
        let mut deployments = case.deployments();
        let expected = whole(&mut deployments, records(&case.events), END);
        let mut deployed = Deployments::new();
        let mut ledger = Ledger::new("u");
        records(&case.events).into_iter().for_each(|record| ledger.append(record));
        let mut lines = Vec::new();
        for (version, index) in case.versions.iter().zip(0..) {
            deployed.deploy(version.version(index), version.span()).unwrap();
            ledger.refold();
            lines.extend(ledger.sweep(&mut deployed, Millis(now)).lines);
        }
        lines.extend(ledger.sweep(&mut deployed, Millis(END)).lines);
        prop_assert_eq!(entries(&ledger), entries(&expected));
        prop_assert_eq!(ledger.state(), expected.state());
        prop_assert_eq!(net(&lines, &mut deployed), ids(&ledger, &mut deployed));
    }
}
