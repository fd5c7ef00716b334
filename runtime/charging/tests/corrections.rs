//! What becomes known late, by hand: which lines of the wallet it reverses, and which bills it moves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::bills::{GRACE_MILLIS, final_at, finished};
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::ledger::WalletLine;
use aquarium_charging::{Deployments, Ledger, Span};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Plan, Price};
use aquarium_ir::time::Month;
use common::{Builder, always, flat, instant, tiers, usage, user};

fn append(ledger: &mut Ledger, text: &str) {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    ledger.append(read_text(text, &source).unwrap().record.into_owned());
}

fn builder(zone: &str, price: &Price) -> Builder {
    let mut builder = Builder::new(zone).resource("bandwidth", "MB", CostPolicy::Discrete, false).resource(
        "disk",
        "GB*hr",
        CostPolicy::Continuous,
        false,
    );
    builder.agreement("default", &[always(price.clone()), always(flat("1"))], Plan::default());
    builder
}

/// The lines as instant, credits, and `-` where the line takes back what was posted.
fn shown(lines: &[WalletLine]) -> Vec<String> {
    let line = |line: &WalletLine| {
        let day = (line.entry.posted.0 - instant("2024-03-01")) / common::DAY + 1;
        format!("day {day}: {}", line.credits())
    };
    lines.iter().map(line).collect()
}

fn on_days_2_and_4(deployments: &mut Deployments) -> Ledger {
    let mut ledger = Ledger::new("u");
    append(&mut ledger, &usage("two", "2024-03-02", "bandwidth", "", "8"));
    append(&mut ledger, &usage("four", "2024-03-04", "bandwidth", "", "8"));
    ledger.sweep(deployments, Millis(instant("2024-03-05")));
    ledger
}

#[test]
fn a_late_event_at_a_flat_price_reverses_nothing() {
    let mut deployments = builder("UTC", &flat("0.5")).deployments();
    let mut ledger = on_days_2_and_4(&mut deployments);
    append(&mut ledger, &usage("three", "2024-03-03", "bandwidth", "", "4"));
    let lines = ledger.sweep(&mut deployments, Millis(instant("2024-03-05"))).lines;
    assert_eq!(shown(&lines), ["day 3: 2"]);
}

#[test]
fn a_late_event_before_tiered_entries_reverses_those_whose_total_it_moves() {
    let mut deployments = builder("UTC", &tiers(&[(Some("10"), "0"), (None, "1")])).deployments();
    let mut ledger = on_days_2_and_4(&mut deployments);
    append(&mut ledger, &usage("three", "2024-03-03", "bandwidth", "", "4"));
    let lines = ledger.sweep(&mut deployments, Millis(instant("2024-03-05"))).lines;
    // 8, then 4 of which 2 pass the first 10, then 8 of which all do: 6 had been charged.
    assert_eq!(shown(&lines), ["day 4: -6", "day 3: 2", "day 4: 8"]);
}

#[test]
fn a_module_that_is_deployed_once_more_reverses_nothing() {
    let version = builder("UTC", &flat("0.5")).version("00");
    let mut deployments = Deployments::single(version.clone());
    let mut ledger = on_days_2_and_4(&mut deployments);
    deployments.deploy(version, Span::from(Millis(instant("2024-03-03")))).unwrap();
    ledger.refold();
    let lines = ledger.sweep(&mut deployments, Millis(instant("2024-03-05"))).lines;
    assert_eq!(shown(&lines), Vec::<String>::new());
    let other = builder("UTC", &flat("0.75")).version("01");
    deployments.deploy(other, Span::from(Millis(instant("2024-03-04")))).unwrap();
    ledger.refold();
    let lines = ledger.sweep(&mut deployments, Millis(instant("2024-03-05"))).lines;
    assert_eq!(shown(&lines), ["day 4: -4", "day 4: 6"]);
}

#[test]
fn an_amount_that_came_before_a_smaller_max_is_charged_all_the_same() {
    let priced = |price: &str, max: &str| {
        let mut builder = Builder::new("UTC").resource("disk", "GB*hr", CostPolicy::Continuous, false);
        builder = builder.max("disk", max);
        builder.agreement("default", &[always(flat(price))], Plan::default());
        builder
    };
    let mut deployments = Deployments::single(priced("1", "1000000000000").version("00"));
    let smaller = priced("2", "50000000000").version("01");
    deployments.deploy(smaller, Span::from(Millis(instant("2024-03-02")))).unwrap();
    let mut ledger = Ledger::new("u");
    append(&mut ledger, &usage("one", "2024-03-01", "disk", "", "80"));
    append(&mut ledger, &usage("less", "2024-03-02T12:00", "disk", "", "-20"));
    append(&mut ledger, &usage("enough", "2024-03-03", "disk", "", "-40"));
    let lines = ledger.sweep(&mut deployments, Millis(instant("2024-03-05"))).lines;
    assert_eq!(shown(&lines), ["day 3: 1920", "day 3: 3840"]);
    // 60 would be beyond the `max` that holds by then: the second event has no effect.
    let found: Vec<&str> = ledger.findings().iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(found, ["the amount would be beyond the `max` of the resource"]);
    assert_eq!(ledger.state().instances()[0].amount, 40_000_000_000);
}

#[test]
fn a_final_bill_has_the_month_as_it_was_known_then() {
    let march = Month { year: 2024, month: 3 };
    let mut deployments = Deployments::single(builder("UTC", &flat("1")).version("00"));
    let mut ledger = Ledger::new("u");
    append(&mut ledger, &user("known", "2024-03-01", "student", true));
    append(&mut ledger, &usage("edge", "2024-03-31T22:00", "bandwidth", "", "7"));
    let bill = |deployments: &Deployments, ledger: &Ledger, month| {
        let bill = finished(ledger, deployments, month, GRACE_MILLIS).unwrap();
        let lines: Vec<String> =
            bill.lines.iter().map(|line| format!("{} {}", line.volume, line.credits)).collect();
        let moved = bill.adjustments.iter().map(|it| format!("{}: {}", it.month, it.credits));
        (bill.to.0, lines, moved.collect::<Vec<_>>(), bill.closing.to_string())
    };
    let final_bill = (instant("2024-04-01"), vec!["7 7".to_owned()], vec![], "-7".to_owned());
    assert_eq!(bill(&deployments, &ledger, march), final_bill);
    assert_eq!(final_at(&deployments, march, GRACE_MILLIS), Some(Millis(instant("2024-04-04"))));
    // In Athens the month ends three hours earlier. That a version in its zone held in March is known on 10 April.
    let athens = builder("Europe/Athens", &flat("1")).version("01");
    let received = Millis(instant("2024-04-10"));
    let span = Span { received, ..Span::from(Millis(instant("2024-02-10"))) };
    deployments.deploy(athens, span).unwrap();
    assert_eq!(bill(&deployments, &ledger, march), final_bill);
    let april = bill(&deployments, &ledger, march.next());
    let moved = vec!["2024-03: 7".to_owned()];
    assert_eq!(april, (instant("2024-04-30T21:00"), vec!["7 7".to_owned()], moved, "-7".to_owned()));
}
