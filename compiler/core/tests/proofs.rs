//! The list of proofs (`compiler/core/tests/README.md`) names what is there, and leaves out no section.

#![allow(clippy::disallowed_methods, reason = "the list and what it names are files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

const LIST: &str = include_str!("README.md");
const REFERENCE: &str = include_str!("../../../grammar/REFERENCE.md");

/// What a line names: texts in backticks that are paths.
fn proofs(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|text| text.contains('/') && !text.contains(' '))
}

/// Whether a proof is there: a file or folder, or a test of a file.
fn exists(proof: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match proof.split_once('#') {
        None => root.join(proof).exists(),
        Some((file, test)) => std::fs::read_to_string(root.join(file)).is_ok_and(|text| {
            let (head, call) = text.split_once(&format!("fn {test}(")).unwrap_or_default();
            !call.is_empty() && head.trim_end().lines().rev().take(4).any(|line| line.contains("#[test]"))
        }),
    }
}

#[test]
fn every_proof_that_is_named_exists() {
    let named: Vec<&str> = LIST.lines().filter(|line| line.starts_with('|')).flat_map(proofs).collect();
    assert!(named.len() > 100, "{}", named.len());
    let missing: Vec<&str> = named.into_iter().filter(|proof| !exists(proof)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_rule_has_a_proof() {
    let is_rule = |line: &&str| {
        line.starts_with("| ") && !["| rule ", "| another way "].iter().any(|it| line.starts_with(it))
    };
    let bare: Vec<&str> = LIST.lines().filter(is_rule).filter(|line| proofs(line).next().is_none()).collect();
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn no_section_of_the_reference_is_left_out() {
    let sections =
        |text: &'static str| text.lines().filter(|line| line.starts_with("## ")).collect::<Vec<_>>();
    assert_eq!(sections(LIST), sections(REFERENCE));
}
