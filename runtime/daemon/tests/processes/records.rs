//! What administrators decide by the command line, and what it does to balances and lists.

use std::process::Output;

use crate::support::{POLICY, Place, event, now, run, text};

const JSON: &str = "application/json";
const HOUR: i64 = 3_600_000;

/// Runs a command on the data of a place.
fn on(place: &Place, arguments: &[&str]) -> Output {
    let data = place.text("data");
    run(&[arguments, &["--data", &data]].concat())
}

fn succeeds(place: &Place, arguments: &[&str]) -> String {
    let output = on(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn fails(place: &Place, arguments: &[&str]) -> String {
    let output = on(place, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

#[test]
fn grants_count_once_however_often_the_command_is_repeated() {
    let place = Place::new(&event("e", "u", now() - HOUR, "traffic", "4"));
    place.up_once();
    let grant = ["grant", "u", "10.25", "--id", "g1", "--reason", "paid", "--author", "ops"];
    assert_eq!(succeeds(&place, &grant), "recorded: g1\n");
    assert_eq!(succeeds(&place, &grant), "recorded before: g1\n");
    let other = ["grant", "u", "11", "--id", "g1"];
    assert!(fails(&place, &other).contains("`g1` was used before for something else"));
    succeeds(&place, &["grant", "u", "-1.125"]);
    let daemon = place.serve();
    assert_eq!(daemon.balance("u", now()), "8.125");
    drop(daemon);
    let exported = place.exported();
    let grant = exported.iter().find(|line| line["id"] == "g1").unwrap();
    assert_eq!((&grant["reason"], &grant["author"]), (&"paid".into(), &"ops".into()));
}

#[test]
fn thresholds_and_agreements_are_set_and_taken_back() {
    let policy = format!("{POLICY}    - agreement:\n        name: gold\n        extends: default\n");
    let place = Place::new(&event("e", "u", now() - HOUR, "traffic", "4"));
    std::fs::write(place.path("policy.aquarium.yaml"), policy).unwrap();
    place.up_once();
    let state = |at| {
        let state = place.serve().get(&format!("/user/u/state?at={at}")).json();
        (state["threshold"].as_str().unwrap().to_owned(), state["agreement"].as_str().unwrap().to_owned())
    };
    let expect = |threshold: &str, agreement: &str| (threshold.to_owned(), agreement.to_owned());
    assert_eq!(state(now()), expect("0", "default"));
    succeeds(&place, &["threshold", "u", "-7.5"]);
    succeeds(&place, &["assign", "u", "gold", "--from", &(now() - HOUR / 2).to_string()]);
    assert_eq!(state(now()), expect("-7.5", "gold"));
    assert_eq!(state(now() - HOUR * 3 / 4), expect("0", "default"));
    succeeds(&place, &["threshold", "u", "none"]);
    succeeds(&place, &["assign", "u", "none"]);
    assert_eq!(state(now()), expect("0", "default"));
    let said = fails(&place, &["assign", "u", "gold", "--from", "next week"]);
    assert!(said.contains("--from"), "{said}");
    let said = text(&on(&place, &["threshold", "u", "much"]).stderr);
    assert!(said.contains("give an amount or `none`"), "{said}");
}

#[test]
fn an_implausible_event_that_is_redriven_is_charged_and_leaves_the_list() {
    let place = Place::new("");
    place.up_once();
    let long_ago = now() - 500 * 24 * HOUR;
    let daemon = place.serve();
    let good = event("good", "u", now(), "traffic", "1");
    for body in [&good, &event("old", "u", long_ago, "traffic", "4"), &good.replace(":1,", ":2,"), "{}"] {
        daemon.post("/events", JSON, body.as_bytes());
    }
    let listed = daemon.get("/quarantine").json();
    let listed = listed["quarantined"].as_array().unwrap();
    let place_of = |reason: &str| {
        let found = listed.iter().find(|entry| entry["reason"] == reason).unwrap();
        found["position"].to_string()
    };
    let [old, conflict, empty] = ["implausible-time", "conflict", "missing-field"].map(place_of);
    assert!(daemon.terminate());
    let list = succeeds(&place, &["quarantine", "list"]);
    assert_eq!(list.lines().count(), 3, "{list}");
    let because = ["--reason", "late meter", "--author", "ops"];
    fn decide<'a>(what: &'a str, number: &'a str) -> [&'a str; 7] {
        ["quarantine", what, number, "--reason", "late meter", "--author", "ops"]
    }
    assert_eq!(succeeds(&place, &decide("redrive", &old)), format!("{old}: redriven\n"));
    assert_eq!(succeeds(&place, &decide("redrive", &old)), format!("{old}: redriven before\n"));
    assert!(fails(&place, &decide("redrive", &conflict)).contains("can only be discarded"));
    assert!(fails(&place, &decide("redrive", &empty)).contains("still refused: missing-field"));
    assert!(fails(&place, &decide("redrive", "0")).contains("nothing that was refused stands at 0"));
    let all = [&["quarantine", "discard", "--all"][..], &because].concat();
    assert_eq!(succeeds(&place, &all), "2 discarded, 0 left as they are\n");
    assert_eq!(succeeds(&place, &["quarantine", "list"]), "");
    let exported = place.exported();
    let count = |kind: &str| exported.iter().filter(|line| line["recordType"] == kind).count();
    assert_eq!((count("redrive"), count("discard")), (1, 2));
    let redrive = exported.iter().find(|line| line["recordType"] == "redrive").unwrap();
    assert_eq!((&redrive["reason"], &redrive["author"]), (&"late meter".into(), &"ops".into()));
    let daemon = place.serve();
    assert_eq!(daemon.balance("u", now()), "-1.25");
    assert_eq!(daemon.balance("u", long_ago), "-1");
}

#[test]
fn an_event_without_effect_needs_no_redrive_and_one_without_a_reason_is_refused() {
    let place = Place::new(&event("e", "u", now() - HOUR, "nosuch", "4"));
    place.up_once();
    let list = succeeds(&place, &["quarantine", "list"]);
    let number = list.split_whitespace().next().unwrap();
    let said = fails(&place, &["quarantine", "redrive", number, "--reason", "r"]);
    assert!(said.contains("takes effect by itself"), "{said}");
    assert_eq!(on(&place, &["quarantine", "redrive", number]).status.code(), Some(2));
    assert_eq!(on(&place, &["quarantine", "redrive", "--reason", "r"]).status.code(), Some(2));
    let said = text(&on(&place, &["quarantine", "redrive", "--for-reason", "odd", "--reason", "r"]).stderr);
    assert!(said.contains("no such refusal; there are not-json"), "{said}");
}
