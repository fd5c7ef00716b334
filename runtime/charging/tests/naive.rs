//! The fold against the one that is done by hand, over generated policies and events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::RefillKind;
use aquarium_charging::simulate::{Entries, Options, Report, simulate};
use aquarium_charging::view::CauseView;
use aquarium_charging::wallet::Wallet;
use aquarium_charging::{Deployments, Ledger, Reason};
use aquarium_ir::instant::Millis;
use common::cases::{self, Case};
use common::naive::{Figures, Line, World, fold};
use common::{OVERRIDE, number};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn figures(report: &Report) -> Figures {
    let Some(user) = report.users.get("u") else { return Figures::default() };
    let Entries::List(entries) = &user.entries else { panic!("a list of entries") };
    let line = |entry: &aquarium_charging::view::EntryView| Line {
        resource: entry.resource.clone(),
        instance: entry.instance.clone(),
        from: entry.from.0,
        to: entry.to.0,
        volume: entry.volume.parse().unwrap(),
        agreement: entry.agreement.clone(),
        credits: entry.credits,
        uncovered: entry.uncovered,
        module: entry.module.clone(),
    };
    assert_eq!(user.balance, user.refilled - user.charged - user.accrued);
    Figures {
        refilled: user.refilled,
        charged: user.charged,
        accrued: user.accrued,
        entries: entries.iter().map(line).collect(),
    }
}

fn report(case: &Case, at: i64) -> Report {
    let texts = case.lines();
    let options = Options { at: Some(Millis(at)), ..Options::default() };
    simulate(&case.deployments(), cases::lines(&texts), &options)
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn the_fold_and_the_one_by_hand_agree(case in cases::case(), at in cases::at()) {
        let world = World::new(&case);
        let mut deployments = case.deployments();
        let ledger = ledger_of(&case, &mut deployments);
        let mut wallet = |at: i64| {
            let view = ledger.at(&mut deployments, Millis(at));
            view.map_or_else(Wallet::default, |view| view.state.wallet())
        };
        let (expected, (plan, grants)) = fold(&world, at);
        prop_assert_eq!(figures(&report(&case, at)), expected);
        prop_assert_eq!(wallet(at), Wallet { plan, grants });
        let end = cases::window_end();
        let whole = report(&case, end);
        let (expected, (plan, grants)) = fold(&world, end);
        prop_assert_eq!(figures(&whole), expected);
        prop_assert_eq!(wallet(end), Wallet { plan, grants });
        let conflicts = whole.quarantined.iter().filter(|it| it.reason == Reason::Conflict).count();
        prop_assert_eq!((whole.duplicates, conflicts), case.duplicates_and_conflicts());
    }
}

/// What a case has in it that could go wrong.
fn features(case: &Case) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut note = |feature, there: bool| {
        if there {
            found.insert(feature);
        }
    };
    let events = &case.events;
    note("late", events.windows(2).any(|pair| pair[0].at > pair[1].at));
    let (duplicates, conflicts) = case.duplicates_and_conflicts();
    note("duplicate", duplicates > 0);
    note("conflict", conflicts > 0);
    let instants: BTreeSet<i64> = events.iter().map(|event| event.at).collect();
    note("simultaneous", instants.len() < events.len());
    let report = report(case, cases::window_end());
    let Some(Entries::List(entries)) = report.users.get("u").map(|user| &user.entries) else { return found };
    for entry in entries {
        note("month edge", matches!(entry.cause, CauseView::MonthEnd { .. }));
        note("uncovered", entry.uncovered);
        let zone = &case.versions[0].policy.zone;
        note("clock change", zone.offset(entry.from) != zone.offset(entry.to));
        let later = case.versions.iter().skip(1).map(|version| version.from);
        note("version change", later.into_iter().any(|from| (entry.from.0 + 1..entry.to.0).contains(&from)));
        note(
            "tier crossing",
            entry.tiers.as_ref().is_some_and(|tiers| {
                let before = number(entry.total_before.as_deref().unwrap()).0;
                let after = &before + number(&entry.volume).0;
                tiers
                    .iter()
                    .filter_map(|tier| tier.upto.as_ref())
                    .any(|upto| before < upto.0 && upto.0 < after)
            }),
        );
    }
    note("override", entries.iter().any(|entry| entry.item.as_deref() == Some(OVERRIDE)));
    note("refill", refilled(case));
    note("threshold crossing", crossings(case) > 0);
    found
}

fn ledger_of(case: &Case, deployments: &mut Deployments) -> Ledger {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    let mut ledger = Ledger::new("u");
    for event in &case.events {
        ledger.append(read_text(&event.json(), &source).unwrap().record.into_owned());
    }
    ledger.sweep(deployments, Millis(cases::window_end()));
    ledger
}

/// Whether a credit plan brought something.
fn refilled(case: &Case) -> bool {
    let ledger = ledger_of(case, &mut case.deployments());
    ledger.refills().iter().any(|refill| !matches!(refill.kind, RefillKind::Grant(_)))
}

/// How often the balance comes to lie on the other side of the threshold at an event.
fn crossings(case: &Case) -> usize {
    let mut deployments = case.deployments();
    let ledger = ledger_of(case, &mut deployments);
    let instants: BTreeSet<i64> = case.events.iter().map(|event| event.at).collect();
    let below = |at: i64| ledger.at(&mut deployments, Millis(at)).unwrap().below(&mut deployments);
    let sides: Vec<bool> = instants.into_iter().map(below).collect();
    sides.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[test]
fn the_generated_cases_have_everything_that_could_go_wrong() {
    const CASES: usize = 300;
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..CASES {
        let case = cases::case().new_tree(&mut runner).unwrap().current();
        for feature in features(&case) {
            *counts.entry(feature).or_default() += 1;
        }
    }
    println!("of {CASES} cases: {counts:?}");
    assert_eq!(counts.len(), 12, "{counts:?}");
    assert!(counts.values().all(|count| count * 20 >= CASES), "each in a twentieth of the cases: {counts:?}");
}
