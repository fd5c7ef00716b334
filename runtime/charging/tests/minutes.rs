//! Where nothing is proven of the way of a balance: what is found by passing over minutes against a look at every one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::crossing::{look, next_crossing};
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Plan, Price};
use aquarium_ir::time::{Frame, Range};
use common::{Builder, Formula, HOUR, Rates, instant, record, tiers, usage};
use ethnum::I256;
use proptest::collection::vec;
use proptest::prelude::*;

const MINUTE: i64 = 60_000;
/// With every kind of choice.
const FORMULAS: [Formula; 7] = [
    Formula::Plain,
    Formula::Double,
    Formula::Fee,
    Formula::Rebate,
    Formula::Conditional,
    Formula::ByTotal,
    Formula::ByReach,
];
/// How long the balance is followed.
const LENGTH: i64 = 30 * HOUR;

fn read(text: &str) -> Record<'static> {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    read_text(text, &source).unwrap().record.into_owned()
}

/// One price, or tiers of a few hours each.
fn prices() -> impl Strategy<Value = Price> {
    let price = || prop::sample::select(&["-2", "-0.1", "0", "0.013", "0.5", "1", "7.25"][..]);
    prop_oneof![price().prop_map(common::flat), tiered(price())]
}

fn tiered(price: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Price> {
    let lengths = vec(1_u32..40, 1..4);
    (lengths, vec(price, 4)).prop_map(|(lengths, prices)| {
        let mut upto = 0;
        let limits: Vec<String> = lengths
            .iter()
            .map(|length| {
                upto += length;
                upto.to_string()
            })
            .collect();
        let mut all: Vec<(Option<&str>, &str)> =
            limits.iter().map(String::as_str).map(Some).zip(prices.iter().copied()).collect();
        all.push((None, prices[3]));
        tiers(&all)
    })
}

fn deployments(day: &Price, night: &Price, formula: Formula, policy: CostPolicy) -> Deployments {
    let unit = if policy == CostPolicy::Onoff { "hr" } else { "GB hr" };
    let mut builder = Builder::new("UTC").resource("vmtime", unit, policy, true);
    let range = Range { start: "0 2 * * *".parse().unwrap(), end: "0 6 * * *".parse().unwrap() };
    builder.frame(Frame { from: Millis::MIN, to: Millis::MAX, repeat: vec![range], except: vec![] });
    let rates: Rates = vec![(Some(0), night.clone(), Formula::Plain), (None, day.clone(), formula)];
    builder.agreement("default", &[rates], Plan::default());
    builder.deployments()
}

proptest! {
    #![proptest_config(common::fewer(10))]

    #[test]
    fn a_crossing_is_at_the_first_whole_minute_that_is_on_the_other_side(
        (day, night) in (prices(), prices()),
        formula in prop::sample::select(&FORMULAS[..]),
        continuous in any::<bool>(),
        begins in vec((0_u32..10, 0_u32..60, 1_u32..9), 2..5),
        // Where between the balances at the beginning and at the end the threshold is.
        share in 0_i32..120,
        from in 0_i64..600,
    ) {
        let policy = if continuous { CostPolicy::Continuous } else { CostPolicy::Onoff };
        let mut deployments = deployments(&day, &night, formula, policy);
        let mut ledger = Ledger::new("u");
        for ((hour, minute, value), number) in begins.iter().zip(0..) {
            let at = format!("2024-03-01T{hour:02}:{minute:02}:07");
            let value = if continuous { value.to_string() } else { "1".to_owned() };
            ledger.append(read(&usage(&format!("on{number}"), &at, "vmtime", &format!("vm{number}"), &value)));
        }
        let begin = instant("2024-03-01T10:00");
        let (from, limit) = (Millis(begin + from * MINUTE + 17), Millis(begin + LENGTH));
        ledger.fold(&mut deployments, Millis(begin));
        let balances = [from, limit].map(|at| look(ledger.state(), &mut deployments, at).balance.0);
        let [first, last] = balances.map(|it| it.as_i128());
        let grant = Credits(I256::new(-(first + (last - first) / 100 * i128::from(share))));
        ledger.append(read(&record("g", "2024-03-01", &format!(r#""recordType":"grant","credits":{grant}"#))));
        ledger.fold(&mut deployments, Millis(begin));
        let state = ledger.state();
        let found = next_crossing(state, &mut deployments, from, limit);
        let below = look(state, &mut deployments, from).below;
        let minutes = (from.0 / MINUTE + 1..=limit.0 / MINUTE).map(|minute| Millis(minute * MINUTE));
        let looked: Vec<_> = minutes.map(|at| look(state, &mut deployments, at)).collect();
        let expected = looked.iter().find(|look| look.below != below);
        // Where the way is proven after all the crossing is found to the millisecond, within that minute, and a visit to the
        // other side between two minutes too.
        let is_whole = |at: Millis| at.0 % MINUTE == 0;
        match (found, expected) {
            (Some(found), Some(expected)) if is_whole(found.at) => prop_assert_eq!(&found, expected),
            (Some(found), expected) => {
                let first = expected.map_or(Millis::MAX, |it| it.at);
                prop_assert!(!is_whole(found.at) && found.at < first && found.below != below);
                prop_assert_eq!(look(state, &mut deployments, found.at), found);
            }
            (None, expected) => prop_assert_eq!(expected, None),
        }
    }
}

#[test]
fn a_leap_between_two_looks_is_not_passed_over() {
    let price = common::flat("1");
    let mut deployments = deployments(&price, &price, Formula::ByTotal, CostPolicy::Onoff);
    let mut ledger = Ledger::new("u");
    ledger.append(read(&record("g", "2024-03-01", r#""recordType":"grant","credits":23.5"#)));
    // From 18:00 on the first has been on for 12 hours, and the second costs twice as much: 11 credits at once.
    for (id, at) in [("a", "2024-03-01T06:00"), ("b", "2024-03-01T07:00")] {
        ledger.append(read(&usage(id, at, "vmtime", id, "1")));
    }
    let begin = Millis(instant("2024-03-01T10:00"));
    ledger.fold(&mut deployments, begin);
    let found = next_crossing(ledger.state(), &mut deployments, begin, Millis(begin.0 + LENGTH)).unwrap();
    assert_eq!(found.at, Millis(instant("2024-03-01T18:01")));
}
