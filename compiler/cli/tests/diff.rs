//! `aquariumc diff`, as people, merge requests and programs see it.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{ATHENS, directory, root, run_in, told};

/// The policy with dearer nights that last longer, another plan and another role.
fn changed() -> String {
    ATHENS
        .replace("vmtime: 0.02", "vmtime: 0.03")
        .replace("end: '30 8 * * *'", "end: '30 9 * * Mon-Fri'")
        .replace("{upto: 10, price: 0}", "{upto: 20, price: 0}")
        .replace("volume * 0.9", "volume * 0.8")
        + "  roles: {staff: flat}\n"
}

fn diff(old: &str, new: &str, width: usize, options: &[&str]) -> String {
    let directory = directory(&[("old.aquarium", old), ("new.aquarium", new), ("events.ndjson", EVENTS)]);
    let arguments = [&["diff", "old.aquarium", "new.aquarium"], options].concat();
    told(&run_in(directory.path(), width, &arguments))
}

/// Two users: one with a machine over a night, one with traffic alone.
const EVENTS: &str = r#"
{"id":"1","occurredMillis":1320177600000,"clientID":"c","userID":"night | owl","resource":"vmtime","instanceID":"1","value":1,"eventVersion":"1.0","details":{}}
{"id":"2","occurredMillis":1320249600000,"clientID":"c","userID":"night | owl","resource":"vmtime","instanceID":"1","value":0,"eventVersion":"1.0","details":{}}
{"id":"3","occurredMillis":1320181200000,"clientID":"c","userID":"reader","resource":"traffic","instanceID":"1","value":5,"eventVersion":"1.0","details":{}}
{"id":"4","occurredMillis":1320181200000,"clientID":"c","userID":"reader","resource":"tarffic","instanceID":"1","value":5,"eventVersion":"1.0","details":{}}
"#;

#[test]
fn what_changes_on_the_terminal() {
    insta::assert_snapshot!(diff(ATHENS, &changed(), 80, &["--exit-code", "--events", "events.ndjson"]));
}

#[test]
fn what_changes_in_a_merge_request() {
    insta::assert_snapshot!(diff(
        ATHENS,
        &changed(),
        80,
        &["--format", "markdown", "--events", "events.ndjson"]
    ));
}

#[test]
fn what_changes_for_programs() {
    let told = diff(ATHENS, &changed(), 80, &["--format", "json", "--events", "events.ndjson"]);
    let json: serde_json::Value = serde_json::from_str(told.split("--- exit").next().unwrap()).unwrap();
    assert_eq!((&json["format"], &json["same"]), (&1.into(), &false.into()));
    let user = &json["effect"]["users"]["night | owl"];
    // 20 hours from 22:00 on: 10.5 at the night's price, then 9.5 by day; with the change 11.5 and 8.5.
    assert_eq!(user["old"]["charged"], "0.78");
    assert_eq!(user["new"]["charged"], "0.855");
    assert_eq!(user["charged"], "0.075");
    assert_eq!(json["effect"]["total"]["balance"], "-0.075");
    assert_eq!(json["effect"]["withoutEffect"]["new"], 1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json["changes"]).unwrap());
}

#[test]
fn nothing_changes_where_only_the_layout_does() {
    let other = format!(
        "# a comment\n{}",
        ATHENS.replace("pricelist: night\n    - name: flat", "pricelist:   night\n\n\n    - name: flat")
    );
    assert_eq!(diff(ATHENS, &other, 80, &["--exit-code"]), "no difference in meaning\n--- exit code 0\n");
    let markdown = diff(ATHENS, &other, 80, &["--format", "markdown"]);
    assert!(markdown.contains("No difference in meaning."), "{markdown}");
}

#[test]
fn a_compiled_module_is_compared_like_its_source() {
    let directory = directory(&[("old.aquarium", ATHENS), ("new.aquarium", &changed())]);
    let run = |arguments: &[&str]| told(&run_in(directory.path(), 80, arguments));
    run(&["compile", "old.aquarium", "-o", "old.wasm"]);
    assert_eq!(run(&["diff", "old.wasm", "old.aquarium"]), "no difference in meaning\n--- exit code 0\n");
    assert_eq!(run(&["diff", "old.wasm", "new.aquarium"]), run(&["diff", "old.aquarium", "new.aquarium"]));
}

#[test]
fn wrong_use_names_what_is_wrong() {
    let directory = directory(&[
        ("p.aquarium", ATHENS),
        ("broken.aquarium", "aquariumpolicy:\n  name"),
        ("cut.wasm", "\0asm"),
    ]);
    let run = |arguments: &[&str]| told(&run_in(directory.path(), 80, arguments));
    for (arguments, part, code) in [
        (&["diff", "p.aquarium", "missing"][..], "cannot read `missing`", 2),
        (&["diff", "p.aquarium", "cut.wasm"], "cannot read `cut.wasm`", 2),
        (&["diff", "p.aquarium", "broken.aquarium"], "AQ0205", 1),
        (&["diff", "p.aquarium", "p.aquarium", "--events", "none.ndjson"], "cannot read `none.ndjson`", 2),
        (&["diff", "p.aquarium", "p.aquarium", "--at", "2011-01-01"], "--events", 2),
    ] {
        let told = run(arguments);
        assert!(told.contains(part) && told.ends_with(&format!("--- exit code {code}\n")), "{told}");
    }
}

#[test]
fn the_quickstart_differs_from_itself_in_nothing() {
    let quickstart = "examples/quickstart";
    let arguments =
        ["diff", quickstart, quickstart, "--events", "examples/quickstart/events.ndjson", "--exit-code"];
    let told = told(&run_in(&root(), 80, &arguments));
    assert!(
        told.starts_with(
            "no difference in meaning\ncharged up to 2011-12-31T23:59:00Z: 0 of 40 users change\n"
        ),
        "{told}"
    );
    assert!(told.ends_with("--- exit code 0\n"), "{told}");
}
