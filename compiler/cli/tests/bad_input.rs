//! Wrong input to `aquariumc`: a located message, the right exit code, nothing half-written.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn aquariumc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aquariumc")).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart")
}

/// Checks a policy of these bytes; gives the exit code and the short report.
fn check(bytes: &[u8]) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.aquarium");
    std::fs::write(&path, bytes).unwrap();
    let output = aquariumc(&["check", "--format", "short", path.to_str().unwrap()]);
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn broken_policies_are_refused_with_a_place() {
    let mut half = std::fs::read_to_string(quickstart().join("policy.aquarium.yaml")).unwrap();
    half.truncate(half.find("{volume}").unwrap() + "{vol".len());
    let deep = format!("aquariumpolicy:\n  name: {}1{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let cases: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("binary", (0..=255_u8).cycle().take(5_000).collect()),
        ("half a policy", half.into_bytes()),
        ("deeply nested", deep.into_bytes()),
        ("another file", b"# Notes\nbuy milk\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let (code, report) = check(&bytes);
        assert_eq!(code, 1, "{name}: {report}");
        let located = |line: &str| line.contains("p.aquarium:") && line.contains(": error[AQ");
        assert!(report.lines().any(located), "{name}: {report}");
    }
}

const FORMATS: [&str; 5] = ["human", "short", "json", "sarif", "github"];

/// A generous limit: what goes through the file for each finding takes minutes.
const SOON: Duration = Duration::from_secs(30);

/// Checks a policy of these bytes in a format, soon; gives all that is printed.
fn check_soon(bytes: &[u8], format: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.aquarium");
    std::fs::write(&path, bytes).unwrap();
    let start = Instant::now();
    let output = aquariumc(&["check", "--format", format, path.to_str().unwrap()]);
    assert!(start.elapsed() < SOON, "{:?} as {format}", start.elapsed());
    assert_eq!(output.status.code(), Some(1), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = if format == "human" { output.stderr } else { output.stdout };
    String::from_utf8(printed).unwrap()
}

/// Nine thousand constants whose names are none, in one line of more than four megabytes: nearly as many as are told.
fn one_line(value: &str) -> String {
    let value = value.repeat(480 / value.len());
    let constants: Vec<String> = (0..9_000).map(|constant| format!("c-{constant}: '{value}'")).collect();
    format!("aquariumpolicy: {{constants: {{{}}}}}\n", constants.join(", "))
}

#[test]
fn thousands_of_findings_in_one_line_are_told_in_bounded_time_and_space() {
    let mut ill_formed = one_line("1 ").into_bytes();
    let middle = ill_formed.len() / 2;
    ill_formed[middle] = 0xff;
    for bytes in [one_line("1 ").into_bytes(), one_line("\u{e9}").into_bytes(), ill_formed] {
        for format in FORMATS {
            let report = check_soon(&bytes, format);
            assert!(report.len() < 12 << 20, "{} bytes as {format}", report.len());
            assert!(report.contains("`c-8999` is no name of a constant"), "none is left out as {format}");
        }
    }
}

#[test]
fn of_a_long_line_the_report_for_people_shows_what_is_near() {
    let report = check_soon(one_line("1 ").as_bytes(), "human");
    assert!(report.contains("p.aquarium:1:30]"), "{}", &report[..2_000]);
    assert!(report.lines().all(|line| line.len() < 5_000));
    let last = report.lines().last().unwrap_or_default();
    assert!(last.starts_with("9000 errors"), "{last}");
}

#[test]
fn what_is_too_deep_or_too_long_is_told_in_every_format() {
    let long = "x".repeat(1 << 20);
    let policy = |value: &str| format!("aquariumpolicy:\n  timezone: {value}\n");
    let cases = [
        policy(&format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000))),
        policy(&long),
        policy(&format!("'{long}")),
        policy(&format!("|\n    {long}")),
        policy("UTC").replace("timezone", &long),
        policy(&long.replace('x', "\u{202e}\u{301}")),
        policy("UTC") + &"\tx\n".repeat(100_000),
        policy("UTC") + &"{\n".repeat(100_000),
        policy("UTC") + &"  a: *x\n".repeat(50_000),
    ];
    for case in &cases {
        for format in FORMATS {
            let report = check_soon(case.as_bytes(), format);
            let most = if case.contains('*') { 40 << 20 } else { 4 << 20 };
            assert!(report.len() < most, "{} bytes as {format} of {}", report.len(), &case[..40]);
        }
    }
}

#[test]
fn a_policy_of_ten_megabytes_is_checked_within_its_limits() {
    let comment = "# a line of a long history of this policy, kept for the record\n".repeat(160_000);
    let mut bytes = std::fs::read(quickstart().join("policy.aquarium.yaml")).unwrap();
    bytes.extend(comment.bytes());
    assert_eq!(check(&bytes), (0, String::new()));
    bytes.extend(comment.bytes());
    let (code, report) = check(&bytes);
    assert_eq!(code, 1);
    assert!(report.contains("16777216"), "{report}");
}

#[test]
fn wrong_use_is_told_with_exit_code_2() {
    let empty = tempfile::tempdir().unwrap();
    let quickstart = quickstart();
    let (quickstart, empty) = (quickstart.to_str().unwrap(), empty.path().to_str().unwrap());
    let cases: [(&[&str], &str); 8] = [
        (&["check", "no/such.aquarium"], "no/such.aquarium"),
        (&["check", empty], "holds no policy"),
        (&["check"], "PATH"),
        (&["explain", "AQ9999"], "AQ9999"),
        (&["simulate", quickstart, "no-events.ndjson"], "no-events.ndjson"),
        (&["simulate", quickstart, "-", "--at", "noon"], "noon"),
        (&["simulate", quickstart, "-", "--bills", "2011-13"], "YYYY-MM"),
        (&["simulate", quickstart, "-", "--deploy", "nothing"], "POLICY@FROM"),
    ];
    for (arguments, said) in cases {
        let output = aquariumc(arguments);
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {report}");
        assert!(report.contains(said), "{arguments:?}: {report}");
    }
}

#[test]
fn a_refused_policy_leaves_the_old_module_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (policy, module) = (directory.path().join("p.aquarium"), directory.path().join("p.wasm"));
    std::fs::write(&policy, "aquariumpolicy:\n  pricelists: 7\n").unwrap();
    std::fs::write(&module, "the module of yesterday").unwrap();
    let output = aquariumc(&["compile", policy.to_str().unwrap(), "-o", module.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&module).unwrap(), "the module of yesterday");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn source_and_module_give_the_same_simulation() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("p.wasm");
    let (quickstart, module) = (quickstart(), module.to_str().unwrap());
    let (policy, events) = (quickstart.to_str().unwrap(), quickstart.join("events.ndjson"));
    let compiled = aquariumc(&["compile", policy, "-o", module]);
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let simulate = |policy| aquariumc(&["simulate", policy, events.to_str().unwrap(), "--format", "json"]);
    let (from_source, from_module) = (simulate(policy), simulate(module));
    assert!(from_source.status.success());
    assert_eq!(from_source.stdout, from_module.stdout);
}

#[test]
fn a_damaged_module_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("p.wasm");
    let quickstart = quickstart();
    aquariumc(&["compile", quickstart.to_str().unwrap(), "-o", module.to_str().unwrap()]);
    let whole = std::fs::read(&module).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() - 9], &flipped[..], b"", b"\0asm"] {
        std::fs::write(&module, damaged).unwrap();
        let output = aquariumc(&["simulate", module.to_str().unwrap(), "-"]);
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{report}");
        assert!(report.contains("p.wasm"), "{report}");
    }
}

#[test]
fn events_that_cannot_be_charged_are_listed_with_line_and_reason() {
    let directory = tempfile::tempdir().unwrap();
    let events = directory.path().join("events.ndjson");
    let event = |id: &str, resource: &str, value: &str| {
        format!(
            r#"{{"id":"{id}","occurredMillis":1320110725874,"clientID":"c","userID":"u","resource":"{resource}","instanceID":"1","value":{value},"eventVersion":"1.0","details":{{}}}}"#
        )
    };
    let lines = [
        event("1", "bandwidthup", "10"),
        event("1", "bandwidthup", "10.0"),
        event("1", "bandwidthup", "11"),
        event("2", "nosuch", "1"),
        event("3", "vmtime", "7"),
        event("4", "bandwidthup", "1e400"),
        "{ not json".to_owned(),
        event("5", "bandwidthup", "-0.0"),
    ];
    std::fs::write(&events, lines.join("\n")).unwrap();
    let output = aquariumc(&[
        "simulate",
        quickstart().to_str().unwrap(),
        events.to_str().unwrap(),
        "--format",
        "json",
    ]);
    // The event is shown as it came; this test's reader of JSON has no number as large as that.
    let text = String::from_utf8(output.stdout).unwrap().replace("1e400", "1e40");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let listed: Vec<_> = report["quarantined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|aside| (aside["line"].as_u64().unwrap(), aside["reason"].as_str().unwrap()))
        .collect();
    let expected =
        [(3, "conflict"), (4, "unknown-resource"), (5, "bad-value"), (6, "bad-type"), (7, "not-json")];
    assert_eq!(listed, expected);
    assert_eq!(report["duplicates"], 1);
    assert_eq!(report["users"]["u"]["charged"], "0.1");
}
