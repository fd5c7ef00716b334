//! The laws of charging, over generated policies and events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::bills::{Bill, GRACE_MILLIS, batch, finished};
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::ledger::{Changes, LineKind, View, WalletLine};
use aquarium_charging::posting::Entry;
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::Credits;
use aquarium_ir::instant::Millis;
use common::cases::{self, Case, Event, What};
use proptest::collection::vec;
use proptest::prelude::*;

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
fn arrive(
    deployments: &mut Deployments,
    records: Vec<Record<'static>>,
    steps: &[Step],
) -> (Ledger, Vec<WalletLine>) {
    let mut ledger = Ledger::new("u");
    let mut lines = Vec::new();
    let mut records = records.into_iter();
    let mut take = |changes: Changes| lines.extend(changes.lines);
    for step in steps.iter().chain(std::iter::repeat(&Step::Append)) {
        match step {
            Step::Append => match records.next() {
                Some(record) => ledger.append(record),
                None => break,
            },
            Step::Fold(now) => take(ledger.fold(deployments, Millis(*now))),
            Step::Sweep(now) => take(ledger.sweep(deployments, Millis(*now))),
            Step::Query(at) => {
                ledger.at(deployments, Millis(*at));
            }
        }
    }
    take(ledger.sweep(deployments, Millis(END)));
    (ledger, lines)
}

fn figures(view: Option<View>) -> Option<(Credits, Credits, Credits, [u8; 32])> {
    view.map(|view| (view.balance(), view.state.charged(), view.accrual.credits, view.state.digest()))
}

/// From nothing, by the records that were known.
fn replayed(case: &Case, at: i64, known: i64) -> Option<(Credits, Credits, Credits, [u8; 32])> {
    let mut deployments = case.deployments();
    let events: Vec<_> =
        case.events.iter().filter(|it| it.at <= at && it.received <= known).cloned().collect();
    figures(whole(&mut deployments, records(&events), at).at(&mut deployments, Millis(at)))
}

/// What a bill's month itself adds to the balance.
fn own(bill: &Bill) -> Credits {
    let adjusted: Credits = bill.adjustments.iter().map(|it| it.credits).sum();
    bill.closing - bill.opening - adjusted
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
            let usage = |resource: &str| What::Usage {
                resource: resource.to_owned(),
                instance: "one".to_owned(),
                nano: 0,
            };
            let what = if number % 2 == 0 { usage("disk") } else { What::Grant(0) };
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
    // Each case makes some dozen bills, each from nothing.
    #![proptest_config(common::fewer(5))]

    #[test]
    fn final_bills_and_their_adjustments_add_up_to_the_batch_bills(
        case in cases::case(),
        late in cases::at(),
    ) {
        let mut deployments = case.deployments();
        let ledger = whole(&mut deployments, records(&case.events), END);
        let mut closing = Credits::ZERO;
        let mut adjusted: BTreeMap<String, Credits> = BTreeMap::new();
        let mut finals = Vec::new();
        let mut month = deployments.month(Millis(cases::window_start()));
        // The last of these is final after everything is known.
        for _ in 0..6 {
            let bill = finished(&ledger, &mut deployments, month, GRACE_MILLIS);
            if let Some(bill) = &bill {
                prop_assert_eq!(bill.opening, closing);
                closing = bill.closing;
                for adjustment in &bill.adjustments {
                    *adjusted.entry(adjustment.month.clone()).or_default() += adjustment.credits;
                }
            }
            finals.push((month, bill));
            month = deployments.month(month.end);
        }
        for (month, bill) in finals {
            let now = batch(&ledger, &mut deployments, month, month.end, Millis::MAX);
            let name = month.month.to_string();
            let later = adjusted.get(&name).copied().unwrap_or_default();
            prop_assert_eq!(now.map_or(Credits::ZERO, |bill| own(&bill)), bill.map_or(Credits::ZERO, |bill| own(&bill)) + later);
        }
        let month = deployments.month(Millis(late));
        let open = batch(&ledger, &mut deployments, month, Millis(late), Millis::MAX);
        let balance = ledger.at(&mut deployments, Millis(late)).map(|view| view.balance());
        prop_assert_eq!(open.map(|bill| bill.closing), balance);
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
