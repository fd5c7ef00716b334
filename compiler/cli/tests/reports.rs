//! The report of every code of the catalogue as people see it: without colour, 80 columns wide.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

/// What `aquariumc check` says about a file, and its exit code.
fn report(folder: &Path, file: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aquariumc"));
    command.args(["check", file]).current_dir(folder).env("NO_COLOR", "1").env("COLUMNS", "80");
    let output = command.env_remove("CLICOLOR_FORCE").output().unwrap();
    assert!(output.stdout.is_empty(), "reports for people go to standard error");
    let report = String::from_utf8(output.stderr).unwrap();
    format!("{report}exit code {}", output.status.code().unwrap())
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_code_has_a_readable_report() {
    for folder in ["codes", "mistakes"].map(|folder| corpus().join(folder)) {
        for file in files(&folder) {
            insta::assert_snapshot!(file.trim_end_matches(".aquarium"), report(&folder, &file));
        }
    }
}
