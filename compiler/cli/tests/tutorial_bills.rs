//! Bills of the tutorial's policy, worked out on paper: `tutorial_bills.txt` has events, the arithmetic in words, and
//! what `simulate --bills` is to print.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::Command;

const PAPER: &str = include_str!("tutorial_bills.txt");
const TUTORIAL: &str = include_str!("../../../docs/tutorial.md");

/// The policy's files as the tutorial leaves them.
fn write_policy(directory: &Path) {
    std::fs::create_dir(directory.join("cloud")).unwrap();
    for block in TUTORIAL.split("```yaml file=cloud/").skip(1) {
        let (name, text) = block.split_once('\n').unwrap();
        std::fs::write(directory.join("cloud").join(name), text.split("```").next().unwrap()).unwrap();
    }
}

/// `YYYY-MM-DD HH:MM +HH` in 2026, as milliseconds: its first instant in UTC is 1767225600000.
fn millis(text: &str) -> i64 {
    const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let numbers: Vec<i64> = text.split(['-', ' ', ':', '+']).filter_map(|it| it.parse().ok()).collect();
    let [2026, month, day, hour, minute, offset] = numbers[..] else { panic!("an instant: `{text}`") };
    let days = DAYS_BEFORE[usize::try_from(month - 1).unwrap()] + day - 1;
    1_767_225_600_000 + ((days * 24 + hour - offset) * 60 + minute) * 60_000
}

/// An event's line as JSON.
fn event(user: &str, number: usize, line: &str) -> String {
    let (instant, what) = line.split_once("  ").unwrap();
    let words: Vec<&str> = what.split(' ').collect();
    let says = match words[..] {
        ["user", role] => {
            format!(r#""role":"{role}","isActive":true,"eventType":"ACTIVE","eventVersion":"1""#)
        }
        [resource, instance, value] => format!(
            r#""resource":"{resource}","instanceID":"{instance}","value":{value},"eventVersion":"1.0""#
        ),
        _ => panic!("an event: `{line}`"),
    };
    let at = millis(instant);
    format!(
        r#"{{"id":"{number}","occurredMillis":{at},"clientID":"paper","userID":"{user}",{says},"details":{{}}}}"#
    )
}

fn bill(directory: &Path, month: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_aquariumc"))
        .args(["simulate", "cloud", "events.ndjson", "--at", "2026-04-01", "--bills", month])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, bill) = text.split_once("\nbill of ").unwrap();
    bill.lines().skip(1).map(|line| format!("{line}\n")).collect()
}

#[test]
fn bills_are_what_paper_says() {
    let mut bills = 0;
    for section in PAPER.split("\n== ").skip(1) {
        let (user, _) = section.split_once(':').unwrap();
        let directory = tempfile::tempdir().unwrap();
        write_policy(directory.path());
        let events = section.lines().filter(|line| line.starts_with("2026-")).zip(1..);
        let events: Vec<String> = events.map(|(line, number)| event(user, number, line)).collect();
        std::fs::write(directory.path().join("events.ndjson"), events.join("\n")).unwrap();
        for part in section.split("\nbill ").skip(1) {
            let (month, rest) = part.split_once('\n').unwrap();
            let expected = rest.lines().take_while(|line| line.starts_with(' '));
            let expected: String = expected.map(|line| format!("{line}\n")).collect();
            assert_eq!(bill(directory.path(), month), expected, "{user} in {month}");
            bills += 1;
        }
    }
    assert_eq!(bills, 4);
}
