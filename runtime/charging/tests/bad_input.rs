//! What no event should be, what no policy should do: quarantine or a marked entry, never a wrong charge, never a
//! stuck user.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::borrow::Cow;
use std::sync::Arc;

use aquarium_charging::posting::Postings;
use aquarium_charging::record::Usage;
use aquarium_charging::simulate::{Entries, Report};
use aquarium_charging::state::State;
use aquarium_charging::view::EntryView;
use aquarium_charging::{Body, Charger, Deployments, Record, Span, Trap, Version};
use aquarium_ir::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Plan};
use aquarium_ir::slot::Slot;
use common::{Builder, always, flat, instant, run, usage};
use proptest::prelude::*;

/// Bandwidth at 2 a MB, disk at 1 a GB hour, vmtime at 1 an hour.
fn builder() -> Builder {
    let mut builder = Builder::new("UTC")
        .resource("bandwidth", "MB", CostPolicy::Discrete, false)
        .resource("disk", "GB*hr", CostPolicy::Continuous, true)
        .resource("vmtime", "hr", CostPolicy::Onoff, true);
    builder.agreement("default", &[always(flat("2")), always(flat("1")), always(flat("1"))], Plan::default());
    builder
}

fn entries(report: &Report) -> &[EntryView] {
    match report.users.get("u").map(|user| &user.entries) {
        Some(Entries::List(entries)) => entries,
        _ => &[],
    }
}

fn credits(report: &Report) -> Vec<String> {
    entries(report).iter().map(|entry| entry.credits.to_string()).collect()
}

fn reasons(report: &Report) -> Vec<(u64, &'static str)> {
    report.quarantined.iter().map(|it| (it.line.unwrap_or(0), it.reason.as_str())).collect()
}

/// A good event of 1.5 MB, with some of its text replaced, and what becomes of it: the charge or a reason.
fn check(from: &str, to: &str, expected: Result<&str, &str>) {
    let good = usage("a", "2024-01-10", "bandwidth", "", "1.5");
    assert!(good.contains(from), "{from}");
    let events = [good.replacen(from, to, 1), usage("z", "2024-01-11", "bandwidth", "", "1")];
    let report = run(&builder().deployments(), &events, "2030-01-01");
    // Whatever becomes of it, the next event is charged.
    assert_eq!(credits(&report).last().map(String::as_str), Some("2"), "{to}");
    match expected {
        Ok(charge) => {
            assert_eq!(reasons(&report), [], "{to}");
            assert_eq!(credits(&report), [charge, "2"], "{to}");
        }
        Err(reason) => {
            assert_eq!(reasons(&report), [(1, reason)], "{to}");
            assert_eq!(entries(&report).len(), 1, "{to}");
        }
    }
}

#[test]
fn values_are_exact_or_refused() {
    for (value, expected) in [
        ("15e-1", Ok("3")),
        ("150E-2", Ok("3")),
        ("0.15e+1", Ok("3")),
        ("1e3", Ok("2000")),
        ("1.500000000000000000000000000000", Ok("3")),
        ("0.000000001", Ok("0")),
        ("0.000001", Ok("0.000002")),
        ("1000000000000", Ok("2000000000000")),
        ("1000000000000.000000001", Err("bad-value")),
        ("-1000000000001", Err("bad-value")),
        ("999999999999999999", Err("bad-value")),
        ("1000000000000000000", Err("bad-type")),
        ("123456789012345678901234567890", Err("bad-type")),
        ("0.123456789012345678901234567890", Err("bad-type")),
        ("0.0000000001", Err("bad-type")),
        ("1e400", Err("bad-type")),
        ("1e-400", Err("bad-type")),
        ("1e99999999999999999999", Err("bad-type")),
        ("NaN", Err("not-json")),
        ("Infinity", Err("not-json")),
        ("\"NaN\"", Err("bad-type")),
        ("\"1.5\"", Err("bad-type")),
        ("true", Err("bad-type")),
        ("null", Err("bad-type")),
        ("[1.5]", Err("bad-type")),
        ("01.5", Err("not-json")),
        ("+1.5", Err("not-json")),
        (".5", Err("not-json")),
        ("0x10", Err("not-json")),
    ] {
        check("1.5", value, expected);
    }
    // Nothing is used and nothing is charged: no entry.
    for zero in ["0", "-0", "-0.0", "0e0", "-0e400", "0.000000000000"] {
        let events = [usage("a", "2024-01-10", "bandwidth", "", zero)];
        let report = run(&builder().deployments(), &events, "2024-02-01");
        assert_eq!((entries(&report).len(), reasons(&report).len()), (0, 0), "{zero}");
        assert_eq!(report.users["u"].balance, Credits::ZERO);
    }
}

#[test]
fn instants_have_their_range() {
    let at = format!("\"occurredMillis\":{}", instant("2024-01-10"));
    for (millis, expected) in [
        ("1", Ok("3")),
        ("32503680000000", Err("nothing yet")),
        ("253402300799999", Err("nothing yet")),
        ("253402300800000", Err("bad-type")),
        ("0", Err("bad-type")),
        ("-1", Err("bad-type")),
        ("1704844800000.5", Err("bad-type")),
        ("1704844800000.0", Err("bad-type")),
        ("1704844800e3", Err("bad-type")),
        ("9223372036854775808", Err("bad-type")),
        ("\"1704844800000\"", Err("bad-type")),
        ("null", Err("bad-type")),
    ] {
        let to = format!("\"occurredMillis\":{millis}");
        if expected == Err("nothing yet") {
            let events = [usage("a", "2024-01-10", "bandwidth", "", "1.5").replace(&at, &to)];
            assert!(run(&builder().deployments(), &events, "2030-01-01").users.is_empty(), "{millis}");
            continue;
        }
        check(&at, &to, expected);
    }
}

#[test]
fn an_interval_of_thousands_of_years_is_charged_month_by_month() {
    let events = [
        usage("a", "2024-01-10", "vmtime", "one", "1"),
        usage("b", "9999-12-30T12:00", "vmtime", "one", "0"),
    ];
    let report = run(&builder().deployments(), &events, "9999-12-30T12:30");
    let hours = (instant("9999-12-30T12:00") - instant("2024-01-10")) / common::HOUR;
    assert_eq!(report.users["u"].charged.to_string(), hours.to_string());
    assert_eq!(entries(&report).len(), (9999 - 2024) * 12 + 12);
}

#[test]
fn long_identifiers_are_refused_and_broken_lines_are_told_from_other_json() {
    let long = "x".repeat(65_536);
    check("\"id\":\"a\"", &format!("\"id\":\"{long}\""), Err("bad-type"));
    check("\"clientID\":\"c\"", &format!("\"clientID\":\"{long}\""), Err("bad-type"));
    check("\"userID\":\"u\"", &format!("\"userID\":\"{long}\""), Err("bad-type"));
    check("\"instanceID\":\"\"", &format!("\"instanceID\":\"{long}\""), Ok("3"));
    check("{", "[", Err("not-json"));
    check("{\"id\"", "\"id\"", Err("not-json"));
    let events =
        ["[1, 2", "[1, 2]", "\"text\"", "\"text", "7", "{\"id\": }", "nul", "null"].map(str::to_owned);
    let found: Vec<_> = run(&builder().deployments(), &events, "2024-02-01")
        .quarantined
        .iter()
        .map(|it| it.reason.as_str())
        .collect();
    let (broken, other) = ("not-json", "bad-type");
    assert_eq!(found, [broken, other, other, broken, other, broken, broken, other]);
}

#[test]
fn values_and_amounts_at_max_count_and_those_beyond_have_no_effect() {
    let deployments = || builder().max("bandwidth", "5000000000").max("disk", "5000000000").deployments();
    let events = [
        usage("a", "2024-01-10T00:00", "bandwidth", "", "5"),
        usage("b", "2024-01-10T00:00", "bandwidth", "", "5.000000001"),
        usage("c", "2024-01-10T00:00", "disk", "one", "5"),
        usage("d", "2024-01-10T01:00", "disk", "one", "0.000000001"),
        usage("e", "2024-01-10T01:00", "disk", "one", "-10"),
        usage("f", "2024-01-10T02:00", "disk", "one", "-5"),
        usage("g", "2024-01-10T03:00", "disk", "one", "6"),
        usage("h", "2024-01-10T03:00", "disk", "one", "5"),
        usage("i", "2024-01-10T05:00", "disk", "one", "-1"),
    ];
    let report = run(&deployments(), &events, "2024-01-10T06:00");
    // Two hours of 5, nothing for an hour, two hours of 5, an hour of 4 so far.
    assert_eq!(credits(&report), ["10", "10", "10"]);
    assert_eq!(report.users["u"].accrued.to_string(), "4");
    let beyond = "bad-value";
    assert_eq!(reasons(&report), [(2, beyond), (4, beyond), (5, beyond), (7, beyond)]);
}

#[test]
fn a_total_may_reach_its_limit_and_what_would_pass_it_is_marked_and_not_counted() {
    // Under the second version a value is at most 10⁻⁹ MB and the month's total at most 1000 MB.
    let strict = || builder().max("bandwidth", "1");
    let check = |used: &str, expected: &[&str], marked: usize| {
        let mut deployments = builder().deployments();
        let from = Millis(instant("2024-01-15"));
        deployments.deploy(strict().version("01"), Span::from(from)).unwrap();
        let events = [
            usage("a", "2024-01-10", "bandwidth", "", used),
            usage("b", "2024-01-16T01:00", "bandwidth", "", "0.000000001"),
            usage("c", "2024-01-16T02:00", "bandwidth", "", "0.000000001"),
        ];
        let report = run(&deployments, &events, "2024-01-20");
        let found = entries(&report);
        let totals: Vec<_> = found.iter().map(|entry| entry.reason.as_deref().unwrap_or("")).collect();
        assert_eq!(totals, expected, "{used}");
        assert_eq!(reasons(&report).len(), marked);
        assert!(reasons(&report).iter().all(|(_, reason)| *reason == "limit"));
        // What was not counted leaves room in the month after.
        assert_eq!(report.users["u"].charged, found[0].credits);
    };
    check("999.999999998", &["", "", ""], 0);
    check("999.999999999", &["", "", "limit"], 1);
    check("1000", &["", "limit", "limit"], 2);
    check("2000", &["", "limit", "limit"], 2);
}

#[test]
fn what_would_pass_the_limit_leaves_room_for_less() {
    // Under the second version the month's total is at most 2000 MB.
    let mut deployments = builder().deployments();
    let strict = builder().max("bandwidth", "2").version("01");
    deployments.deploy(strict, Span::from(Millis(instant("2024-01-15")))).unwrap();
    let events = [
        usage("a", "2024-01-10", "bandwidth", "", "1999.999999999"),
        usage("b", "2024-01-16T01:00", "bandwidth", "", "0.000000002"),
        usage("c", "2024-01-16T02:00", "bandwidth", "", "0.000000001"),
    ];
    let report = run(&deployments, &events, "2024-01-20");
    let found: Vec<_> = entries(&report).iter().map(|entry| entry.reason.clone()).collect();
    assert_eq!(found, [None, Some("limit".to_owned()), None]);
}

/// A charger that fails now and then, as no module that was validated can.
struct Broken;

impl Charger for Broken {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        charges.extend(slots.iter().map(|slot| match slot.volume.as_i128() / 1_000_000_000 {
            13 => Err(Trap::Stopped("unreachable".to_owned())),
            volume => Ok(Credits::from_scaled(volume.into(), 0)),
        }));
    }
}

/// A charger that answers nothing at all.
struct Silent;

impl Charger for Silent {
    fn charge(&self, _: &[Slot], _: &mut Vec<Result<Credits, Trap>>) {}
}

#[test]
fn a_charge_that_traps_is_0_and_marked_and_everything_else_goes_on() {
    let charged_by = |charger: Arc<dyn Charger>| {
        let version = Version::new(Arc::new(builder().policy), "00", charger);
        let events = [
            usage("a", "2024-01-10", "bandwidth", "", "1"),
            usage("b", "2024-01-11", "bandwidth", "", "13"),
            usage("c", "2024-01-12", "bandwidth", "", "2"),
        ];
        run(&Deployments::single(version), &events, "2024-02-01")
    };
    let report = charged_by(Arc::new(Broken));
    assert_eq!(credits(&report), ["1", "0", "2"]);
    assert_eq!(entries(&report)[1].reason.as_deref(), Some("trap: the compiled charge stopped: unreachable"));
    assert_eq!(entries(&report)[1].volume, "13");
    assert_eq!(reasons(&report), [(2, "trap")]);
    let report = charged_by(Arc::new(Silent));
    assert_eq!(credits(&report), ["0", "0", "0"]);
    assert_eq!(reasons(&report), [(1, "trap"), (2, "trap"), (3, "trap")]);
}

#[test]
fn a_million_events_of_one_user_at_one_instant_are_charged_one_by_one() {
    const EVENTS: u32 = 1_000_000;
    let charger = Arc::new(Broken);
    let mut deployments = Deployments::single(Version::new(Arc::new(builder().policy), "00", charger));
    let at = Millis(instant("2024-01-10"));
    let record = |number: u32| {
        let (resource, value) =
            if number.is_multiple_of(2) { ("bandwidth", 1) } else { ("vmtime", i128::from(number % 4 == 1)) };
        let usage = Usage { resource: resource.into(), instance: "one".into(), value: value * 1_000_000_000 };
        let id = Cow::Owned(format!("{number:07}"));
        let (client, user) = (Cow::Borrowed("c"), Cow::Borrowed("u"));
        Record { id, client, user, occurred: at, received: at, body: Body::Resource(usage) }
    };
    let mut state = State::new();
    let mut postings = Postings::default();
    // In portions, as they would come; each joins the instant.
    for portion in 0..100 {
        let first = portion * (EVENTS / 100);
        let records: Vec<_> = (first..first + EVENTS / 100).map(record).collect();
        state.fold(&mut deployments, &records, &mut postings).unwrap();
    }
    assert_eq!(state.charged().to_string(), (EVENTS / 2).to_string());
    assert_eq!(postings.entries.len(), EVENTS as usize / 2);
    assert!(postings.anomalies.is_empty() && postings.findings.is_empty());
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn bytes_that_are_no_event_are_quarantined_with_what_they_were(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6),
        cut in 0_usize..160,
        flip in 0_usize..160,
    ) {
        use aquarium_charging::simulate::{Line, Options, simulate};

        let good = usage("a", "2024-01-10", "bandwidth", "", "1.5").into_bytes();
        let mut broken = good.clone();
        let place = flip % broken.len();
        broken[place] ^= 1 << (flip % 8);
        broken.truncate(broken.len().saturating_sub(cut % 3));
        let lines: Vec<Vec<u8>> = lines.into_iter().chain([broken, usage("z", "2024-01-11", "bandwidth", "", "1").into_bytes()]).collect();
        let read = lines.iter().zip(1..).map(|(bytes, number)| Line { file: "f", number, bytes });
        let report = simulate(&builder().deployments(), read, &Options::default());
        for quarantined in report.quarantined {
            prop_assert!(quarantined.line.is_some() && quarantined.event.is_some());
        }
        prop_assert!(report.users.contains_key("u"));
    }
}
