//! Every amount of a large run, worked out again from its derivation alone, as whoever doubts a bill would.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use aquarium_charging::explain::{Derivation, explain};
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::Entry;
use aquarium_charging::view::EntryView;
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::Tier;
use aquarium_ir::{Credits, Rational};
use common::cases::{self, Case};
use common::{HOUR, number};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

const ENTRIES: usize = 10_000;

/// The derivations of all entries of a case.
fn derivations(case: &Case) -> Vec<Derivation> {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    let mut deployments: Deployments = case.deployments();
    let mut ledger = Ledger::new("u");
    for event in &case.events {
        ledger.append(read_text(&event.json(), &source).unwrap().record.into_owned());
    }
    ledger.sweep(&mut deployments, Millis(cases::window_end()));
    let entries: Vec<(Entry, u32)> =
        ledger.entries().map(|(entry, revision)| (entry.clone(), revision)).collect();
    entries.iter().map(|(entry, revision)| explain(&mut deployments, "u", entry, *revision)).collect()
}

/// What is charged: the value, or time, or amount times time.
fn volume(entry: &EntryView) -> Rational {
    let hours = Rational::fraction(entry.to.0 - entry.from.0, HOUR).unwrap();
    let amount = || number(entry.amount.as_deref().unwrap());
    match entry.resource.as_str() {
        "bandwidth" => amount(),
        "disk" => Rational(amount().0 * hours.0),
        _ => hours,
    }
}

fn up_to(tiers: &[Tier], total: &Rational) -> Rational {
    let mut charge = Rational::zero();
    let mut low = Rational::zero();
    for tier in tiers {
        let high = tier.upto.clone().filter(|upto| upto < total).unwrap_or_else(|| total.clone());
        if high > low {
            charge = Rational(charge.0 + (&high.0 - &low.0) * &tier.price.0);
        }
        low = tier.upto.clone().unwrap_or(high);
    }
    charge
}

/// Price times volume, over the tiers from the total before on.
fn product(entry: &EntryView, volume: &Rational) -> Rational {
    if let Some(price) = &entry.price {
        return Rational(&price.0 * &volume.0);
    }
    let before = number(entry.total_before.as_deref().unwrap());
    let after = Rational(&before.0 + &volume.0);
    let tiers = entry.tiers.as_ref().unwrap();
    Rational(up_to(tiers, &after).0 - up_to(tiers, &before).0)
}

/// The nearest decimal, a tie going to the even digit: by trying the two that are near.
fn rounded(value: &Rational, precision: u8) -> Rational {
    let step = Rational::power_of_ten(-i32::from(precision));
    let count = Rational(&value.0 / &step.0).0.floor();
    let low = Rational(&count * &step.0);
    let (below, above) = (&value.0 - &low.0, &low.0 + &step.0 - &value.0);
    let even = (count.to_integer() % 2_u8) == 0_u8.into();
    if below < above || (below == above && even) { low } else { Rational(low.0 + step.0) }
}

fn check(derivation: &Derivation) -> &'static str {
    let entry = &derivation.entry;
    assert_eq!(number(&entry.volume), volume(entry), "{entry:?}");
    let Some(expression) = &derivation.expression else {
        assert!(entry.uncovered && entry.credits.is_zero(), "{entry:?}");
        return "uncovered";
    };
    let volume = volume(entry);
    let product = product(entry, &volume);
    let charge = match expression.as_str() {
        "Plain" => product,
        "Double" => Rational(product.0 * number("2").0),
        "Conditional" if volume > number("5") => product,
        "Conditional" => Rational::one(),
        "Fee" => Rational(product.0 + Rational::one().0),
        "Rebate" => Rational(product.0 - Rational::one().0),
        other => panic!("an expression `{other}`"),
    };
    assert_eq!(derivation.value.as_ref(), Some(&charge), "{derivation:?}");
    let credits = rounded(&charge, derivation.precision);
    assert_eq!(entry.credits.to_rational(), credits, "{derivation:?}");
    assert_eq!(derivation.credits(), Some(entry.credits));
    // The last of the steps, each of which is given, is the charge.
    assert_eq!(derivation.steps.last().map(|step| number(&step.value)), Some(charge), "{derivation:?}");
    let kind = if entry.tiers.is_some() { "tiers" } else { "flat" };
    if Credits::ZERO == entry.credits { "free" } else { kind }
}

#[test]
fn every_amount_of_a_large_run_follows_from_its_derivation_alone() {
    let mut runner = TestRunner::deterministic();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    while kinds.values().sum::<usize>() < ENTRIES {
        let case = cases::case().new_tree(&mut runner).unwrap().current();
        for derivation in derivations(&case) {
            // What a program reads: the derivation as it is published.
            let json = serde_json::to_value(&derivation).unwrap();
            assert_eq!(json["entry"]["id"], derivation.entry.id.as_str());
            *kinds.entry(check(&derivation)).or_default() += 1;
        }
    }
    println!("{kinds:?}");
    for kind in ["uncovered", "tiers", "flat", "free"] {
        assert!(kinds.get(kind).copied().unwrap_or(0) > ENTRIES / 50, "{kinds:?}");
    }
}
