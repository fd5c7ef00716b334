//! Balances worked out on paper.

#![allow(clippy::disallowed_methods, reason = "the cases of the test are files")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::Deployments;
use aquarium_charging::simulate::{Entries, Report};
use aquarium_ir::policy::{CostPolicy, Mode, Plan};
use common::{Builder, always, flat, plan, record, run, tiers, usage, user};

/// Resources: bandwidth (discrete, tiers 10 free then 0.5), disk (continuous, 0.1 a GB hour),
/// vmtime (onoff, complex, 2 an hour).
fn builder(zone: &str, plan: Plan) -> Builder {
    let mut builder = Builder::new(zone)
        .resource("bandwidth", "MB", CostPolicy::Discrete, false)
        .resource("disk", "GB*hr", CostPolicy::Continuous, false)
        .resource("vmtime", "hr", CostPolicy::Onoff, true);
    let bandwidth = always(tiers(&[(Some("10"), "0"), (None, "0.5")]));
    builder.agreement("default", &[bandwidth, always(flat("0.1")), always(flat("2"))], plan);
    builder
}

fn monthly() -> Plan {
    plan("100", "0 0 1 * *", Mode::Add, "0")
}

/// `credits from..to volume` of every entry, and the sums.
fn text(report: &Report) -> String {
    let Some(user) = report.users.get("u") else { return "no user".to_owned() };
    let Entries::List(entries) = &user.entries else { panic!("a list of entries") };
    let mut lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let instance = entry.instance.as_deref().map(|it| format!("/{it}")).unwrap_or_default();
            let before = entry.total_before.as_deref().map(|it| format!(" after {it}")).unwrap_or_default();
            let note = if entry.uncovered { " uncovered" } else { "" };
            let (resource, volume, credits) = (&entry.resource, &entry.volume, entry.credits);
            format!("{resource}{instance} {volume}{before}: {credits}{note}")
        })
        .collect();
    let (balance, accrued) = (user.balance, user.accrued);
    lines.push(format!("= {balance} ({} - {} - {accrued})", user.refilled, user.charged));
    lines.join("\n")
}

fn check(builder: Builder, events: &[String], at: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(text(&run(&builder.deployments(), events, at)), expected.join("\n"));
}

#[test]
fn discrete_usage_crosses_a_tier_within_the_month_and_starts_anew_in_the_next() {
    let events = [
        usage("a", "2024-01-10", "bandwidth", "", "8"),
        usage("b", "2024-01-11", "bandwidth", "", "5"),
        usage("c", "2024-02-01", "bandwidth", "", "5"),
        usage("d", "2024-02-02", "bandwidth", "", "-5"),
    ];
    let expected = "bandwidth 8 after 0: 0
        bandwidth 5 after 8: 1.5
        bandwidth 5 after 0: 0
        = -1.5 (0 - 1.5 - 0)";
    check(builder("UTC", monthly()), &events, "2024-02-03", expected);
}

#[test]
fn a_charge_is_rounded_once_a_tie_going_to_the_even_digit() {
    let precision_0 = |price: &str| {
        let mut builder = Builder::new("UTC").resource("bandwidth", "MB", CostPolicy::Discrete, false);
        builder.policy.precision = 0;
        builder.agreement("default", &[always(flat(price))], Plan::default());
        builder
    };
    let events: Vec<String> = ["1", "3", "5", "5.000000001"]
        .iter()
        .zip(1..)
        .map(|(value, day)| usage(value, &format!("2024-01-0{day}"), "bandwidth", "", value))
        .collect();
    // 0.5, 1.5, 2.5, and a little more than that.
    let expected = "bandwidth 1: 0
        bandwidth 3: 2
        bandwidth 5: 2
        bandwidth 5.000000001: 3
        = -7 (0 - 7 - 0)";
    check(precision_0("0.5"), &events, "2024-01-05", expected);
    let expected = "bandwidth 1: 0
        bandwidth 3: -2
        bandwidth 5: -2
        bandwidth 5.000000001: -3
        = 7 (0 - -7 - 0)";
    check(precision_0("-0.5"), &events, "2024-01-05", expected);
}

#[test]
fn an_interval_is_cut_at_the_month_end_and_accrues_until_it_ends() {
    let events = [
        usage("a", "2024-01-31T22:00", "vmtime", "one", "1"),
        usage("b", "2024-01-31T23:00", "vmtime", "two", "1"),
        usage("c", "2024-02-01T03:00", "vmtime", "one", "0"),
    ];
    let expected = "vmtime/one 2: 4
        vmtime/two 1: 2
        vmtime/one 3: 6
        = -20 (0 - 12 - 8)";
    check(builder("UTC", monthly()), &events, "2024-02-01T04:00", expected);
    let at_month_end = "vmtime/one 2: 4
        vmtime/two 1: 2
        = -6 (0 - 6 - 0)";
    check(builder("UTC", monthly()), &events[..2], "2024-02-01", at_month_end);
    let before = "= -5 (0 - 0 - 5)";
    check(builder("UTC", monthly()), &events[..2], "2024-01-31T23:45", before);
}

#[test]
fn continuous_usage_is_charged_with_the_amount_held_while_it_is_above_zero() {
    let events = [
        usage("a", "2024-01-10T00:00", "disk", "", "10"),
        usage("b", "2024-01-10T02:00", "disk", "", "-4"),
        usage("c", "2024-01-10T03:00", "disk", "", "0"),
        usage("d", "2024-01-10T05:00", "disk", "", "-8"),
        usage("e", "2024-01-10T09:00", "disk", "", "3"),
        usage("f", "2024-01-10T10:00", "disk", "", "-1"),
    ];
    let expected = "disk 20: 2
        disk 18: 1.8
        disk 1: 0.1
        = -3.9 (0 - 3.9 - 0)";
    check(builder("UTC", monthly()), &events, "2024-01-11", expected);
}

#[test]
fn refills_come_while_active_and_once_at_the_instant_of_the_last_user_event() {
    let plan = || plan("100", "0 0 1 * *", Mode::Add, "7");
    let events = [
        user("a", "2024-01-15", "student", true),
        user("b", "2024-02-15", "student", false),
        user("c", "2024-04-01", "student", true),
    ];
    check(builder("UTC", plan()), &events, "2024-01-14", "no user");
    check(builder("UTC", plan()), &events, "2024-01-31T23:59", "= 7 (7 - 0 - 0)");
    check(builder("UTC", plan()), &events, "2024-02-01", "= 107 (107 - 0 - 0)");
    check(builder("UTC", plan()), &events, "2024-03-31", "= 107 (107 - 0 - 0)");
    check(builder("UTC", plan()), &events, "2024-04-01", "= 207 (207 - 0 - 0)");
    check(builder("UTC", plan()), &events, "2024-05-02", "= 307 (307 - 0 - 0)");
}

#[test]
fn initial_credits_come_before_the_refill_of_their_instant() {
    let events = [user("a", "2024-02-01", "student", true)];
    let added = plan("30", "0 0 1 * *", Mode::Add, "10");
    check(builder("UTC", added), &events, "2024-02-01", "= 40 (40 - 0 - 0)");
    // A reset leaves nothing of them.
    let reset = plan("30", "0 0 1 * *", Mode::Reset, "10");
    check(builder("UTC", reset), &events, "2024-02-01", "= 30 (30 - 0 - 0)");
}

#[test]
fn a_reset_sets_the_plan_part_and_leaves_grants() {
    let events = [
        user("a", "2024-01-15", "student", true),
        record("g", "2024-01-16", r#""recordType":"grant","credits":50"#),
        usage("b", "2024-01-31T00:00", "vmtime", "one", "1"),
        usage("c", "2024-02-01T01:00", "vmtime", "one", "0"),
    ];
    let plan = || plan("30", "0 0 1 * *", Mode::Reset, "10");
    check(builder("UTC", plan()), &events, "2024-01-31", "= 60 (60 - 0 - 0)");
    // 48 of 60 are used at the month end: 10 of the plan, 38 of the grants; the reset makes 30 + 12.
    let reset = "vmtime/one 24: 48
        = 42 (90 - 48 - 0)";
    check(builder("UTC", plan()), &events, "2024-02-01", reset);
    let after = "vmtime/one 24: 48
        vmtime/one 1: 2
        = 40 (90 - 50 - 0)";
    check(builder("UTC", plan()), &events, "2024-02-02", after);
}

#[test]
fn months_are_those_of_the_policys_zone() {
    let events = [
        usage("a", "2024-01-31T21:00", "vmtime", "one", "1"),
        usage("b", "2024-01-31T23:00", "vmtime", "one", "0"),
    ];
    let expected = "vmtime/one 1: 2
        vmtime/one 1: 2
        = -4 (0 - 4 - 0)";
    check(builder("Europe/Athens", monthly()), &events, "2024-02-03", expected);
}

#[test]
fn usage_without_an_agreement_is_uncovered_and_events_without_effect_are_listed() {
    let mut policy = builder("UTC", monthly());
    policy.policy.everybody_else = None;
    policy.role("student", "default");
    let events = [
        usage("a", "2024-01-10", "bandwidth", "", "12"),
        usage("b", "2024-01-11", "nothing", "", "1"),
        usage("c", "2024-01-11", "vmtime", "one", "2"),
        user("d", "2024-01-12", "STUDENT", true),
        usage("e", "2024-01-13", "bandwidth", "", "1"),
        usage("e", "2024-01-13", "bandwidth", "", "1.0"),
        usage("e", "2024-01-13", "bandwidth", "", "2"),
        "{".to_owned(),
    ];
    let report = run(&policy.deployments(), &events, "2024-01-14");
    let expected = "bandwidth 12: 0 uncovered\nbandwidth 1 after 12: 0.5\n= -0.5 (0 - 0.5 - 0)";
    assert_eq!(text(&report), expected);
    let aside: Vec<_> =
        report.quarantined.iter().map(|it| (it.line.unwrap(), it.reason.as_str(), it.stage)).collect();
    assert_eq!(
        aside,
        [
            (2, "unknown-resource", "fold"),
            (3, "bad-value", "fold"),
            (7, "conflict", "ingest"),
            (8, "not-json", "ingest")
        ]
    );
    assert_eq!(report.duplicates, 1);
}

#[test]
fn the_zone_of_a_version_counts_from_the_month_start_at_which_it_takes_effect() {
    use aquarium_charging::Span;
    use aquarium_ir::instant::Millis;

    let mut deployments = Deployments::single(builder("Europe/Athens", monthly()).version("00"));
    let later = builder("America/New_York", monthly()).version("01");
    deployments.deploy(later, Span::from(Millis(common::instant("2024-02-29T22:00")))).unwrap();
    let month = deployments.month(Millis(common::instant("2024-03-15")));
    assert_eq!(month.start, Millis(common::instant("2024-02-29T22:00")));
    assert_eq!(month.end, Millis(common::instant("2024-04-01T04:00")));
    assert_eq!(deployments.month(Millis(month.start.0 - 1)).end, month.start);
}

#[test]
fn a_deployment_may_not_change_what_a_resource_is() {
    use aquarium_charging::Span;
    use aquarium_ir::instant::Millis;

    let mut deployments = builder("UTC", monthly()).deployments();
    let mut changed = builder("UTC", monthly());
    changed.policy.resources[0].unit = "GB".to_owned();
    let refused = deployments.deploy(changed.version("01"), Span::from(Millis(5))).unwrap_err();
    assert!(refused.to_string().contains("the unit of resource `bandwidth` was `MB`"), "{refused}");
    let empty = Span { from: Millis(5), to: Millis(5), received: Millis(1) };
    assert!(deployments.deploy(builder("UTC", monthly()).version("01"), empty).is_err());
}

#[test]
fn a_crossing_is_found_to_the_millisecond_and_from_minute_to_minute() {
    use aquarium_charging::Ledger;
    use aquarium_charging::crossing::next_crossing;
    use aquarium_charging::input::{Source, read_text};
    use aquarium_ir::instant::Millis;
    use aquarium_ir::policy::Monotone;

    let events = [
        record("g", "2024-01-10", r#""recordType":"grant","credits":10"#),
        usage("a", "2024-01-10T00:00", "vmtime", "one", "1"),
    ];
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    for (monotone, expected) in
        [(Monotone::Rising, "2024-01-10T04:59:59.999"), (Monotone::Unknown, "2024-01-10T05:00")]
    {
        let mut policy = builder("UTC", monthly());
        // 2 an hour from 10: at 04:59:59.999 rounding to 2 places makes the balance 0.
        policy.policy.precision = 2;
        policy.policy.charges.iter_mut().for_each(|charge| charge.monotone = monotone);
        let mut deployments = policy.deployments();
        let mut ledger = Ledger::new("u");
        for event in &events {
            ledger.append(read_text(event, &source).unwrap().record.into_owned());
        }
        ledger.fold(&mut deployments, Millis(common::instant("2024-01-10T01:00")));
        let from = Millis(common::instant("2024-01-10T01:00"));
        let found =
            next_crossing(ledger.state(), &mut deployments, from, Millis(from.0 + common::DAY)).unwrap();
        assert!(found.below);
        assert!(found.balance.is_zero());
        assert_eq!(found.at.0 / 60_000, common::instant(expected) / 60_000);
        let before = ledger.at(&mut deployments, Millis(found.at.0 - 1)).unwrap();
        assert_eq!(before.below(&mut deployments), monotone == Monotone::Unknown);
        let limit = Millis(from.0 + common::HOUR);
        assert_eq!(next_crossing(ledger.state(), &mut deployments, from, limit), None);
    }
}

#[test]
fn an_entry_can_be_worked_out_again_from_its_derivation_and_a_bill_lists_its_line() {
    use aquarium_charging::simulate::{Line, Options, simulate};
    use aquarium_ir::time::Month;

    let deployments = builder("UTC", monthly()).deployments();
    let events = [
        usage("a", "2024-01-10", "bandwidth", "", "12"),
        usage("b", "2024-01-11", "bandwidth", "", "3"),
        usage("c", "2024-02-11", "bandwidth", "", "3"),
    ];
    let report = run(&deployments, &events, "2024-02-12");
    let Entries::List(entries) = &report.users["u"].entries else { panic!("a list of entries") };
    let options = Options {
        explain: Some(&entries[1].id),
        bills: Some(Month { year: 2024, month: 1 }),
        summary: true,
        ..Options::default()
    };
    let lines =
        events.iter().zip(1..).map(|(text, number)| Line { file: "f", number, bytes: text.as_bytes() });
    let report = simulate(&deployments, lines, &options);
    assert_eq!(report.users["u"].entries, Entries::Count(3));
    let derivation = report.explained.unwrap();
    assert_eq!(derivation.entry, entries[1]);
    assert_eq!(derivation.credits(), Some(entries[1].credits));
    assert!(derivation.steps.iter().any(|step| step.value == "1.5"), "{derivation:?}");
    let bill = &report.bills.unwrap()["u"];
    let lines: Vec<_> =
        bill.lines.iter().map(|line| (line.volume.as_str(), line.credits.to_string())).collect();
    assert_eq!(lines, [("15", "2.5".to_owned())]);
    assert_eq!((bill.opening.to_string(), bill.closing.to_string()), ("0".to_owned(), "-2.5".to_owned()));
}

#[test]
fn deployments_of_an_exported_log_take_the_versions_that_are_given() {
    use aquarium_charging::Span;
    use aquarium_ir::instant::Millis;

    let mut deployments = Deployments::single(builder("UTC", monthly()).version("aa"));
    let mut dear = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
    dear.agreement("default", &[always(flat("10"))], Plan::default());
    // It is only there to be deployed by the log: by itself it never holds.
    let never = Span { from: Millis(1), to: Millis(2), received: Millis::MIN };
    deployments.deploy(dear.version("bb"), never).unwrap();
    let deployment = |id: &str, module: &str, from: &str| {
        format!(
            r#"{{"id":"{id}","clientID":"aquarium","recordType":"deployment","module":"{module}","from":{}}}"#,
            common::instant(from)
        )
    };
    let events = [
        deployment("1", "aa", "2024-01-01"),
        usage("a", "2024-01-10T00:00", "vmtime", "one", "1"),
        deployment("2", "bb", "2024-01-10T02:00"),
        usage("b", "2024-01-10T03:00", "vmtime", "one", "0"),
        deployment("3", "cc", "2024-01-11"),
    ];
    let report = run(&deployments, &events, "2024-01-14");
    assert_eq!(text(&report), "vmtime/one 2: 4\nvmtime/one 1: 10\n= -14 (0 - 14 - 0)");
    let aside: Vec<_> = report.quarantined.iter().map(|it| (it.line.unwrap(), it.message.as_str())).collect();
    assert_eq!(aside, [(5, "no policy that is given has the module `cc`: deploy it too")]);
}

#[test]
fn decisions_of_an_exported_log_take_refused_input_off_the_list() {
    use aquarium_charging::input::refused_key;

    let decided = |record_type: &str, refused: &str| {
        let name: String = refused_key(refused.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        record(
            &format!("{record_type}-{name}"),
            "2024-01-12",
            &format!(r#""recordType":"{record_type}","event":"{name}""#),
        )
    };
    let good = usage("a", "2024-01-10", "bandwidth", "", "12");
    let kept = |reason: &str, text: &str| {
        format!(
            r#"{{"quarantined":{{"reason":"{reason}","message":"why","receivedMillis":9,"text":{text:?}}}}}"#
        )
    };
    let events = [
        "{".to_owned(),
        "[".to_owned(),
        kept("implausible-time", &good),
        kept("bad-type", "7"),
        kept("missing-field", "{}"),
        good.clone(),
        decided("discard", "{"),
        decided("redrive", "["),
        decided("redrive", &good),
        decided("discard", "{}"),
        record("d", "2024-01-12", r#""recordType":"discard","event":{"a":1}"#),
        r#"{"a":1}"#.to_owned(),
    ];
    let report = run(&builder("UTC", monthly()).deployments(), &events, "2024-01-14");
    assert_eq!(text(&report), "bandwidth 12 after 0: 1\n= -1 (0 - 1 - 0)");
    let aside: Vec<_> = report
        .quarantined
        .iter()
        .map(|it| (it.line.unwrap(), it.reason.as_str(), it.event.as_ref().unwrap().get()))
        .collect();
    // Broken text stays broken, however often it is read.
    assert_eq!(aside, [(2, "not-json", "\"[\""), (4, "bad-type", "7")]);
}

#[test]
fn the_policy_of_the_benches_is_this_one() {
    let mut policy = Builder::new("UTC")
        .resource("bandwidth", "MB", CostPolicy::Discrete, false)
        .resource("disk", "GB*hr", CostPolicy::Continuous, false)
        .resource("vmtime", "hr", CostPolicy::Onoff, true);
    policy.agreement("default", &[always(flat("0.5")), always(flat("0.1")), always(flat("2"))], monthly());
    let json = serde_json::to_string_pretty(&policy.policy).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/policy.json");
    if std::fs::read_to_string(path).ok().as_deref() != Some(json.as_str()) {
        std::fs::write(path, json).unwrap();
        panic!("benches/policy.json was written anew");
    }
}
