//! Files of policy tests: what is understood of them, and what is wrong with them, each at its place.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use aquarium_compiler::LineIndex;
use aquarium_compiler::policy_test::{Happening, read};

/// The findings of a file: line, column, code, message, help.
fn findings(text: &str) -> Vec<String> {
    let lines = LineIndex::new(text.as_bytes());
    let (_, findings) = read(text.as_bytes());
    let told = findings.iter().map(|found| {
        let (line, column) = lines.line_column(text.as_bytes(), found.primary.span.start);
        let help = found.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{line}:{column} {}: {}{help}", found.code.entry().id, found.message)
    });
    told.collect()
}

fn test(keys: &str) -> String {
    format!("policytests:\n  tests:\n    - name: one\n{keys}")
}

#[test]
fn users_and_events_are_read_in_all_layouts() {
    let text = "policytests:
  policy: [a.aquarium, b.aquarium]
  users:
    alice: student
      since: 2011-11-01
    bob: {role: staff, credits: 5, threshold: -3}
    carol:
  tests:
    - test:
      name: one
      at: 1320105600000
      events:
        - event:
            at: 2011-11-02T10:00
            user: alice
            resource: vmtime
            value: 1
        - {at: 2011-11-03, user: bob, role: student}
        - {at: 2011-11-04, user: bob, grant: -1.5, id: g}
      expect:
        users:
          alice: {balance: 1_000.50}
";
    let (tests, findings) = read(text.as_bytes());
    assert!(findings.iter().all(|found| found.code.entry().id == "AQ0204"), "{findings:?}");
    assert_eq!(
        tests.policy.iter().map(|path| path.value.as_str()).collect::<Vec<_>>(),
        ["a.aquarium", "b.aquarium"]
    );
    let roles: Vec<_> = tests
        .users
        .iter()
        .map(|user| (user.id.value.as_str(), user.role.as_ref().map(|it| it.value.as_str())))
        .collect();
    assert_eq!(roles, [("alice", Some("student")), ("bob", Some("staff")), ("carol", None)]);
    assert_eq!(tests.users[0].since.as_ref().unwrap().value, "2011-11-01");
    let events = &tests.tests[0].events;
    assert!(matches!(&events[0].what, Happening::Usage { resource, .. } if resource.value == "vmtime"));
    assert!(
        matches!(&events[1].what, Happening::Registration { role: Some(role), active: None } if role.value == "student")
    );
    assert!(matches!(&events[2].what, Happening::Grant(credits) if credits.value.to_string() == "-1.5"));
    assert_eq!(tests.tests[0].expect.users[0].figures.fields[0].value.value, "1_000.50");
}

#[test]
fn a_file_without_tests_is_an_error() {
    for text in [
        "",
        "# nothing\n",
        "policytests:\n",
        "policytests:\n  tests: []\n",
        "policytests:\n  users: {a: b}\n",
    ] {
        let findings = findings(text);
        assert!(
            findings.iter().any(|found| found.contains("AQ0203: the file holds no tests")),
            "{text:?}: {findings:?}"
        );
    }
}

#[test]
fn a_test_that_could_never_fail_is_an_error() {
    for keys in ["", "      expect:\n", "      expect: {users: {}}\n", "      expect: {users: {alice: {}}}\n"]
    {
        let findings = findings(&test(keys));
        assert!(
            findings.iter().any(
                |found| found.starts_with("3:13 AQ0203: test `one` expects nothing: it could never fail")
            ),
            "{keys:?}: {findings:?}"
        );
    }
    assert_eq!(findings(&test("      expect: {findings: []}\n")), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let expect = "      expect: {findings: []}\n";
    for (keys, told) in [
        ("      evnts: []\n", "4:7 AQ0201: a test has no key `evnts` (did you mean `events`?)"),
        ("      at: tomorrow\n", "4:11 AQ0405: `tomorrow` is no instant"),
        ("      events:\n        - {user: a, resource: x, value: 1}\n", "5:11 AQ0203: an event needs `at`"),
        (
            "      events:\n        - {at: 1, resource: x}\n",
            "5:11 AQ0203: the use of a resource needs a `value`",
        ),
        ("      events:\n        - {at: 1, user: a}\n", "5:11 AQ0203: nothing happens in this event"),
        (
            "      events:\n        - {at: 1, grant: 1, role: a}\n",
            "5:11 AQ0201: `role` and `grant` cannot stand in one event",
        ),
        ("      events:\n        - {at: 1, resource: x, value: much}\n", "5:39 AQ0504"),
        ("      users: [a]\n", "4:14 AQ0205: this is a list, where users by their ids belongs"),
    ] {
        let findings = findings(&test(&format!("{keys}{expect}")));
        assert!(findings.iter().any(|found| found.starts_with(told)), "{keys:?}: {findings:?}");
    }
    for (expect, told) in [
        ("{findings: [AQ9999]}", "4:27 AQ0211: there is no code or lint `AQ9999`"),
        (
            "{users: {a: {balanec: 1}}}",
            "4:28 AQ0201: what is expected of a user has no key `balanec` (did you mean `balance`?)",
        ),
        ("{users: {a: {balance: lots}}}", "4:37 AQ0504"),
        ("{users: {a: {entries: [{from: never}]}}}", "4:45 AQ0405"),
        ("{users: {a: {bill: {opening: 1}}}}", "4:28 AQ0203: a bill needs its `month`"),
    ] {
        let findings = findings(&test(&format!("      expect: {expect}\n")));
        assert!(findings.iter().any(|found| found.starts_with(told)), "{expect}: {findings:?}");
    }
    let twice = test("      expect: {findings: []}\n    - {name: one, expect: {findings: []}}\n");
    assert_eq!(findings(&twice), ["5:14 AQ0208: two tests have the name `one`"]);
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let whole = include_str!("../../../examples/quickstart/policy.test.aquarium.yaml");
    assert_eq!(findings(whole), Vec::<String>::new());
    for end in (0..whole.len()).step_by(7) {
        let _ = read(&whole.as_bytes()[..end]);
        let without: Vec<u8> = whole
            .bytes()
            .enumerate()
            .filter(|(place, _)| place % (end + 2) != 0)
            .map(|(_, byte)| byte)
            .collect();
        let _ = read(&without);
    }
}
