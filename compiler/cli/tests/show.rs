//! `aquariumc show`, as people see it.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{ATHENS, directory, root, run_in, told};

/// What is shown of a policy in a directory of its own.
fn show(policy: &str, width: usize, arguments: &[&str]) -> String {
    let directory = directory(&[("p.aquarium", policy)]);
    let arguments = [&["show"], arguments].concat();
    told(&run_in(directory.path(), width, &arguments))
}

#[test]
fn the_week_of_the_quickstart() {
    let arguments = ["show", "research", "examples/quickstart", "--at", "2011-11-05T09:00"];
    insta::assert_snapshot!(told(&run_in(&root(), 80, &arguments)));
}

#[test]
fn hours_that_change_at_half_past_and_a_clock_set_back() {
    let arguments = ["default", "p.aquarium", "--at", "2011-10-30T03:30", "--resource", "vmtime"];
    insta::assert_snapshot!(show(ATHENS, 80, &arguments));
}

#[test]
fn a_clock_set_forward_on_forty_columns() {
    let arguments = ["default", "p.aquarium", "--at", "2011-03-27T03:30", "--resource", "vmtime"];
    insta::assert_snapshot!(show(ATHENS, 40, &arguments));
}

#[test]
fn twenty_columns() {
    let arguments = ["default", "p.aquarium", "--at", "2011-10-30T03:30", "--resource", "vmtime"];
    let shown = show(ATHENS, 20, &arguments);
    insta::assert_snapshot!(shown);
}

#[test]
fn overrides_inline_parts_stand_ins_and_tiers() {
    insta::assert_snapshot!(show(ATHENS, 100, &["summer", "p.aquarium", "--at", "2011-12-01"]));
    insta::assert_snapshot!(show(ATHENS, 100, &["summer", "p.aquarium", "--at", "2011-07-01"]));
}

#[test]
fn what_was_proven() {
    let arguments = ["flat", "p.aquarium", "--at", "2011-07-01", "--resource", "traffic", "--bounds"];
    insta::assert_snapshot!(show(ATHENS, 100, &arguments));
}

#[test]
fn a_gap_that_is_allowed() {
    let gap = ATHENS.replace(
        "      '*': price",
        "      # aquarium: allow(coverage-edge)\n      effective: {from: 2011-11-02T12:00}\n      '*': price",
    );
    insta::assert_snapshot!(show(
        &gap,
        80,
        &["default", "p.aquarium", "--at", "2011-11-01", "--resource", "vmtime"]
    ));
}

#[test]
fn json_is_versioned_and_whole() {
    let arguments = ["summer", "p.aquarium", "--at", "2011-07-01", "--format", "json", "--bounds"];
    insta::assert_snapshot!(show(ATHENS, 80, &arguments));
}

#[test]
fn without_an_instant_it_is_now() {
    let shown = show(ATHENS, 80, &["default", "p.aquarium", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(shown.split("--- exit").next().unwrap()).unwrap();
    // Later than this test was written.
    assert!(json["at"].as_i64().unwrap() > 1_760_000_000_000);
}

#[test]
fn wrong_use_names_what_is_wrong() {
    for (arguments, told) in [
        (&["defautl", "p.aquarium"][..], "the policy has no agreement `defautl`: did you mean `default`?"),
        (
            &["default", "p.aquarium", "--resource", "disk"],
            "the policy has no resource `disk`: it has `traffic`, `vmtime`",
        ),
        (
            &["default", "p.aquarium", "--at", "2011-02-30"],
            "`--at`: `2011-02-30` is no instant: there is no day 2011-02-30",
        ),
        (&["default", "p.aquarium", "--at", "99999999999999999"], "out of range"),
        (&["default", "missing.aquarium"], "cannot read `missing.aquarium`"),
    ] {
        let shown = show(ATHENS, 80, arguments);
        assert!(shown.contains(told) && shown.ends_with("--- exit code 2\n"), "{shown}");
    }
    let broken = show(&ATHENS.replace("0.06", "expensive"), 80, &["default", "p.aquarium"]);
    assert!(broken.contains("AQ05") && broken.ends_with("--- exit code 1\n"), "{broken}");
}
