//! `aquariumc test`, as people, CI systems and editors see it.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{ATHENS, directory, root, run_in, told};

/// Tests of which some hold and some do not, each in another way.
const MIXED: &str = "policytests:
  users:
    alice:
  tests:
    - name: a night is cheap
      events:
        - {at: 2011-11-02T22:00, resource: vmtime, instance: vm, value: 1}
        - {at: 2011-11-03T10:30, resource: vmtime, instance: vm, value: 0}
      expect:
        users:
          alice:
            charged: 0.33
            entries:
              - {volume: 10.5, price: 0.02, to: 2011-11-03T08:30, credits: 0.21}
              - {volume: 2, price: 0.06}
    - name: traffic is free up to ten
      events:
        - {at: 2011-11-02, resource: traffic, value: 12}
        - {at: 2011-11-03, resource: traffic, value: 1}
      expect:
        users:
          alice:
            balance: 0
            entries:
              - {credits: 0.1, from: 2011-11-02T01:00}
              - {credits: 0.07}
              - {credits: 0.06}
    - name: nobody of that name
      at: 2011-11-02
      expect:
        users:
          bob: {balance: 0}
    - name: the bill has one line
      events:
        - {at: 2011-11-02, resource: traffic, value: 12}
      expect:
        users:
          alice:
            bill: {month: 2011-11, closing: -0.1, lines: []}
    - name: an event without effect
      events:
        - {at: 2011-11-02, resource: vmtime, value: 7}
      expect:
        quarantined: []
    - name: the policy is wrong
      expect:
        findings: [{code: coverage-gap, line: 3}]
    - name: two users
      users: {bob: staff}
      events:
        - {at: 2011-11-02, resource: traffic, value: 12}
      expect:
        users:
          bob: {charged: 0}
";

fn test(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let directory = directory(files);
    told(&run_in(directory.path(), 100, &[&["test"], arguments].concat()))
}

fn mixed(arguments: &[&str]) -> String {
    test(&[("p.aquarium", ATHENS), ("p.test.aquarium.yaml", MIXED)], &[&["."], arguments].concat())
}

#[test]
fn what_does_not_hold_is_shown_where_it_is_expected() {
    insta::assert_snapshot!(mixed(&[]));
}

#[test]
fn junit() {
    insta::assert_snapshot!(mixed(&["--format", "junit"]));
}

#[test]
fn json_and_lcov() {
    let directory = directory(&[("p.aquarium", ATHENS), ("p.test.aquarium.yaml", MIXED)]);
    let arguments = ["test", ".", "--format", "json", "--lcov", "coverage.info"];
    insta::assert_snapshot!(told(&run_in(directory.path(), 80, &arguments)));
    let lcov = std::fs::read_to_string(directory.path().join("coverage.info")).unwrap();
    insta::assert_snapshot!(lcov);
}

#[test]
fn charges_are_explained_step_by_step() {
    insta::assert_snapshot!(mixed(&["--explain", "--filter", "night is cheap"]));
    let json = mixed(&["--explain", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.split("--- exit code").next().unwrap()).unwrap();
    let counts: Vec<Option<usize>> = json["files"][0]["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| Some(test["derivations"].as_array()?.len()))
        .collect();
    // The last but one expects findings alone, the last cannot be run.
    assert_eq!(counts, [Some(2), Some(2), Some(0), Some(1), Some(0), None, None]);
}

#[test]
fn a_filter_names_some_tests() {
    let one = mixed(&["--filter", "night"]);
    assert_eq!(
        one,
        "./p.test.aquarium.yaml\n  ok    a night is cheap\n1 passed, 0 failed\n--- exit code 0\n"
    );
    let none = mixed(&["--filter", "nihgt"]);
    assert!(
        none.contains("no test has `nihgt` in its name") && none.ends_with("--- exit code 2\n"),
        "{none}"
    );
}

#[test]
fn what_no_test_reaches() {
    let tests = "policytests:
  users:
    alice: {agreement: flat}
    rest:
  tests:
    - name: some traffic and a machine that is on
      at: 2011-11-02T12:00
      events:
        - {at: 2011-11-02, user: rest, resource: traffic, value: 50}
        - {at: 2011-11-02, user: alice, resource: traffic, value: 50}
        - {at: 2011-11-02T10:00, user: rest, resource: vmtime, instance: a, value: 1}
      expect:
        users:
          rest: {accrued: 0.12}
";
    let told = test(
        &[("p.aquarium", ATHENS), ("p.test.aquarium.yaml", tests)],
        &["p.test.aquarium.yaml", "--coverage"],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn the_examples_hold() {
    let told = told(&run_in(&root(), 100, &["test", "examples/quickstart", "--coverage"]));
    assert!(told.ends_with("--- exit code 0\n"), "{told}");
    assert!(told.contains("8 passed, 0 failed"), "{told}");
}

#[test]
fn a_broken_policy_is_expected_or_reported() {
    let broken =
        ATHENS.replace("extends: default\n      vmtime: 0.02", "extends: defualt\n      vmtime: 0.02");
    let tests = "policytests:
  tests:
    - name: the slip is found
      expect:
        findings: [{code: AQ0211, line: 21, message: defualt}]
    - name: it cannot be charged
      at: 2011-11-01
      users: {alice: staff}
      expect:
        users: {alice: {balance: 0}}
";
    insta::assert_snapshot!(test(&[("p.aquarium", &broken), ("p.test.aquarium.yaml", tests)], &["."]));
}

#[test]
fn wrong_files_are_told_with_their_places() {
    let test_one = |text: &str| test(&[("p.aquarium", ATHENS), ("p.test.aquarium.yaml", text)], &["."]);
    let empty = test_one("# nothing yet\n");
    assert!(empty.contains("the file holds no tests") && empty.ends_with("--- exit code 1\n"), "{empty}");
    let toothless = test_one("policytests:\n  tests:\n    - name: x\n      at: 2011-11-01\n");
    assert!(
        toothless.contains("it could never fail") && toothless.ends_with("--- exit code 1\n"),
        "{toothless}"
    );
    let typo = test_one("policytests:\n  tests:\n    - {name: x, expcet: {findings: []}}\n");
    assert!(typo.contains("did you mean `expect`?") && typo.ends_with("--- exit code 1\n"), "{typo}");
    let nowhere = test_one(
        "policytests:\n  policy: other.aquarium\n  tests:\n    - {name: x, expect: {findings: []}}\n",
    );
    assert!(
        nowhere.contains("cannot read `./other.aquarium`") && nowhere.ends_with("--- exit code 1\n"),
        "{nowhere}"
    );
    let none = test(&[("p.aquarium", ATHENS)], &["."]);
    assert!(none.contains("`.` holds no tests") && none.ends_with("--- exit code 2\n"), "{none}");
    let missing = test(&[], &["x.test.aquarium.yaml"]);
    assert!(
        missing.contains("cannot read `x.test.aquarium.yaml`") && missing.ends_with("--- exit code 2\n"),
        "{missing}"
    );
}

#[test]
fn the_same_files_give_the_same_bytes() {
    assert_eq!(mixed(&["--format", "json"]), mixed(&["--format", "json"]));
}
