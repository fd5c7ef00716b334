//! `aquariumc init`: what it writes is what the other verbs want.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn aquariumc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aquariumc")).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

#[test]
fn what_it_writes_has_no_findings_and_charges() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join("new/cloud").join(name).to_str().unwrap().to_owned();
    let written = aquariumc(&["init", &at("")]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let checked = aquariumc(&["check", "--deny", "warnings", "--format", "short", &at("")]);
    assert_eq!((checked.status.code(), checked.stdout.as_slice()), (Some(0), &b""[..]));
    let (policy, events) = (at("policy.aquarium.yaml"), at("events.ndjson"));
    let charged = aquariumc(&["simulate", &policy, &events, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&charged.stdout).unwrap();
    assert_eq!(report["quarantined"].as_array().unwrap().len(), 0);
    // Two hours by day and one by night; 15 GB beyond the free ones.
    assert_eq!(report["users"]["alice"]["charged"], "0.99");
}

#[test]
fn nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let events = directory.path().join("events.ndjson");
    std::fs::write(&events, "mine").unwrap();
    let output = aquariumc(&["init", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("events.ndjson"));
    assert_eq!(std::fs::read_to_string(&events).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
