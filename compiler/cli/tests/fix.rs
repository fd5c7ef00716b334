//! `aquariumc check --fix`: files as they are after it, and what it says.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn aquariumc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aquariumc")).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

const POLICY: &str = "creditdsl:
  resources:
    - {name: a, unit: req, costpolicy: once}
  algorithms:
    - {name: default, a: price * volume}
  pricelists:
    - name: default
      a: 1
      applicable:
        from: 0
  agreements:
    - {name: default, algorithm: default, pricelist: defualt}
";

#[test]
fn fixes_are_written_and_told_and_what_is_left_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.aquarium");
    let other = directory.path().join("roles.aquarium");
    std::fs::write(&path, POLICY).unwrap();
    let roles = "aquariumpolicy:\n  roles:\n    \"*\": default\n    student: nobody\n";
    std::fs::write(&other, roles).unwrap();
    let folder = directory.path().to_str().unwrap();
    let output = aquariumc(&["check", "--fix", "--format", "short", folder]);
    let (left, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{left}");
    let fixed = POLICY
        .replace("creditdsl", "aquariumpolicy")
        .replace("once", "discrete")
        .replace("applicable", "effective")
        .replace("defualt", "default");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), fixed);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), roles);
    assert_eq!(said, format!("fixed `{}`: legacy-spelling (3 times), AQ0211\n", path.display()));
    assert!(left.contains("roles.aquarium:4:14: error[AQ0211]"), "{left}");
    assert_eq!(left.lines().count(), 1, "{left}");
    let again = aquariumc(&["check", "--fix", "--format", "short", folder]);
    assert_eq!(again.stderr, b"");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn standard_input_cannot_be_fixed() {
    let output = aquariumc(&["check", "--fix", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard input"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    // A file name beside which there is no room for a temporary file.
    let directory = tempfile::tempdir().unwrap();
    let name = format!("{}.aquarium", "n".repeat(246));
    let path = directory.path().join(&name);
    std::fs::write(&path, POLICY).unwrap();
    let output = aquariumc(&["check", "--fix", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&name));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), POLICY);
}
