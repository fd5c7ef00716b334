//! Balances worked out on paper, compared with `aquariumc simulate` on the quickstart's policy.
//!
//! Prices: upload 0.01 and download 0.02 per MB, machines 0.05 per hour, disk 0.0001 per MB and hour. The
//! agreement of researchers differs: machines cost 0.03 from Monday 12:00 to Friday 14:00 and from Saturday 15:00 to
//! Sunday 15:00, disk costs 0.00005, uploads half. The plan adds 100 on the first of each month, 00:00 UTC. Everything is seen at
//! 2011-11-30T00:00:00Z.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// A line of the event file.
fn resource(id: &str, user: &str, at: &str, resource: &str, value: &str) -> String {
    let value: Value = serde_json::from_str(value).unwrap();
    json!({
        "id": id, "occurredMillis": millis(at), "clientID": "paper", "userID": user, "resource": resource,
        "instanceID": "1", "value": value, "eventVersion": "1.0", "details": {},
    })
    .to_string()
}

fn registration(id: &str, user: &str, at: &str, role: &str) -> String {
    json!({
        "id": id, "occurredMillis": millis(at), "clientID": "paper", "userID": user, "isActive": true, "role": role,
        "eventType": "ACTIVE", "eventVersion": "1", "details": {},
    })
    .to_string()
}

/// Milliseconds of `MM-DD HH:MM` in 2011, UTC, counted from the first of October (1317427200000).
fn millis(text: &str) -> i64 {
    let numbers: Vec<i64> = text.split(['-', ' ', ':']).map(|part| part.parse().unwrap()).collect();
    let [month, day, hour, minute] = numbers[..] else { panic!("`{text}` is not `MM-DD HH:MM`") };
    let days_before = [(10, 0), (11, 31)].into_iter().find(|(number, _)| *number == month).unwrap().1;
    1_317_427_200_000 + ((days_before + day - 1) * 1_440 + hour * 60 + minute) * 60_000
}

#[test]
fn steps_stand_in_the_line_of_the_resources_own_expression() {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aquariumc"));
        command.arg("simulate").arg(&quickstart).arg(quickstart.join("events.ndjson"));
        let output = command.args(["--user", "1040", "--format", "json"]).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = run(&[]);
    let entries = report["users"]["1040"]["entries"].as_array().unwrap();
    let mut resources = BTreeSet::new();
    // An algorithm writes the same for each resource: each has its own line.
    for entry in entries.iter().filter(|entry| resources.insert(entry["resource"].as_str().unwrap())) {
        let report = run(&["--explain", entry["id"].as_str().unwrap()]);
        let derivation = &report["explained"];
        assert_eq!(derivation["entry"]["algorithmSource"], entry["algorithmSource"]);
        for step in derivation["steps"].as_array().unwrap() {
            assert_eq!(step["source"], entry["algorithmSource"], "{step}");
        }
    }
    assert_eq!(resources.len(), 4);
}

fn simulate(events: &[String]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.ndjson");
    std::fs::write(&file, events.join("\n")).unwrap();
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    let output = Command::new(env!("CARGO_BIN_EXE_aquariumc"))
        .arg("simulate")
        .args([&policy, &file])
        .args(["--at", "2011-11-30T00:00:00Z", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asserts a user's figures, and the credits of the entries in order of time.
fn assert_user(report: &Value, user: &str, figures: [&str; 4], credits: &[&str]) {
    let found = &report["users"][user];
    let [refilled, charged, accrued, balance] = figures;
    let expected =
        json!({ "refilled": refilled, "charged": charged, "accrued": accrued, "balance": balance });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name} of {user} in {found:#}");
    }
    let entries: Vec<&str> =
        found["entries"].as_array().unwrap().iter().map(|e| e["credits"].as_str().unwrap()).collect();
    assert_eq!(entries, credits, "entries of {user}");
}

#[test]
fn alice_moves_data_each_event_is_charged_by_itself() {
    // 12.5 MB up at 0.01 is 0.125; 3.4 MB down at 0.02 is 0.068. Registered on the 2nd: no refill in November.
    let report = simulate(&[
        registration("1", "alice", "11-02 00:00", "student"),
        resource("2", "alice", "11-03 10:00", "bandwidthup", "12.5"),
        resource("3", "alice", "11-04 10:00", "bandwidthdown", "3.4"),
    ]);
    assert_user(&report, "alice", ["0", "0.193", "0", "-0.193"], &["0.125", "0.068"]);
}

#[test]
fn bob_runs_a_machine_the_time_between_on_and_off_is_charged() {
    // 08:00 to 20:30 is 12.5 h at 0.05: 0.625. Registered in October: refilled on 1 November.
    let report = simulate(&[
        registration("1", "bob", "10-15 12:00", "student"),
        resource("2", "bob", "11-10 08:00", "vmtime", "1"),
        resource("3", "bob", "11-10 20:30", "vmtime", "0"),
    ]);
    assert_user(&report, "bob", ["100", "0.625", "0", "99.375"], &["0.625"]);
}

#[test]
fn carol_keeps_files_the_amount_held_is_charged_over_time() {
    // 1000 MB for 24 h at 0.0001 is 2.4, posted by the change on the 6th. Then 600 MB, still held after 24 days:
    // 600 * 576 h * 0.0001 = 34.56 have accrued. Never registered: no refill, charged all the same.
    let report = simulate(&[
        resource("1", "carol", "11-05 00:00", "diskspace", "1000"),
        resource("2", "carol", "11-06 00:00", "diskspace", "-400"),
    ]);
    assert_user(&report, "carol", ["0", "2.4", "34.56", "-36.96"], &["2.4"]);
}

#[test]
fn dave_runs_a_machine_over_a_month_end_each_month_has_its_entry() {
    // 31 October 22:00 to midnight: 2 h, 0.1. Midnight to 03:00: 3 h, 0.15.
    let report = simulate(&[
        registration("1", "dave", "10-20 00:00", "student"),
        resource("2", "dave", "10-31 22:00", "vmtime", "1"),
        resource("3", "dave", "11-01 03:00", "vmtime", "0"),
    ]);
    assert_user(&report, "dave", ["100", "0.25", "0", "99.75"], &["0.1", "0.15"]);
}

#[test]
fn erin_the_researcher_pays_by_the_week_each_price_has_its_entry() {
    // 11 November 2011 is a Friday. 10:00 to 14:00 at 0.03: 0.12. Friday 14:00 to Saturday 15:00, 25 h at 0.05:
    // 1.25. Saturday 15:00 to 17:00 at 0.03: 0.06. Half the upload price: 10 MB * 0.01 * 0.5 = 0.05, in between.
    let report = simulate(&[
        registration("1", "erin", "11-11 09:00", "RESEARCHER"),
        resource("2", "erin", "11-11 10:00", "vmtime", "1"),
        resource("3", "erin", "11-12 17:00", "vmtime", "0"),
        resource("4", "erin", "11-11 12:00", "bandwidthup", "10"),
    ]);
    assert_user(&report, "erin", ["0", "1.48", "0", "-1.48"], &["0.05", "0.12", "1.25", "0.06"]);
}

#[test]
fn arrival_in_another_order_changes_nothing() {
    let mut events = vec![
        registration("1", "dave", "10-20 00:00", "student"),
        resource("2", "dave", "10-31 22:00", "vmtime", "1"),
        resource("3", "dave", "11-01 03:00", "vmtime", "0"),
        resource("4", "dave", "11-01 03:00", "bandwidthup", "7"),
    ];
    let in_order = simulate(&events);
    events.reverse();
    events.push(events[1].clone());
    let mut shuffled = simulate(&events);
    assert_eq!(shuffled["duplicates"], json!(1));
    shuffled["duplicates"] = json!(0);
    assert_eq!(in_order["users"]["dave"]["balance"], shuffled["users"]["dave"]["balance"]);
    assert_eq!(in_order["users"]["dave"]["charged"], shuffled["users"]["dave"]["charged"]);
}
