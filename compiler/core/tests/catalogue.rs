//! The catalogue: every code is explained, has an example, and has a policy of the corpus that triggers it alone.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use aquarium_compiler::diagnostic::catalogue::Entry;
use aquarium_compiler::{Code, SourceFile, analyze};

/// The code whose policy is no example to print: its bytes are no text.
const UNPRINTABLE: [Code; 1] = [Code::NotText];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/codes")
}

/// The policy that triggers a code.
fn policy(entry: &Entry) -> Vec<u8> {
    let path = folder().join(format!("{}.aquarium", entry.id));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The example in the explanation of a code.
fn example(entry: &Entry) -> Option<&'static str> {
    let (_, rest) = entry.explanation.split_once("## Example\n\n```yaml\n")?;
    Some(rest.split_once("```\n").unwrap().0)
}

#[test]
fn every_code_has_an_explanation_of_its_own() {
    for code in Code::ALL {
        let entry = code.entry();
        for part in ["## Why\n", "## What to do\n"] {
            assert!(entry.explanation.contains(part), "{}: `{part}` is missing", entry.id);
        }
        assert!(!entry.title.ends_with('.'), "{}: {}", entry.id, entry.title);
        assert_eq!(Code::find(entry.id), Some(*code));
        assert_eq!(entry.name.map_or(Some(*code), Code::find), Some(*code));
    }
    let ids: BTreeSet<&str> = Code::ALL.iter().map(|code| code.entry().id).collect();
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.entry().explanation).collect();
    assert_eq!((ids.len(), texts.len()), (Code::ALL.len(), Code::ALL.len()));
}

#[test]
fn every_code_has_a_policy_that_triggers_it_alone() {
    let mut wrong = Vec::new();
    for code in Code::ALL {
        let entry = code.entry();
        let file = SourceFile { path: format!("{}.aquarium", entry.id), bytes: policy(entry) };
        let found = analyze(vec![file]).diagnostics;
        let codes: BTreeSet<Code> = found.iter().map(|found| found.code).collect();
        if codes != BTreeSet::from([*code]) {
            let found = found.iter().map(|found| format!("{} {}", found.code.entry().id, found.message));
            wrong.push((entry.id, found.collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, Code::ALL.len(), "a policy for every code, and no other");
}

#[test]
fn every_example_is_the_policy_that_triggers_its_code() {
    for code in Code::ALL.iter().filter(|code| !UNPRINTABLE.contains(code)) {
        let entry = code.entry();
        let policy = String::from_utf8(policy(entry)).unwrap();
        assert_eq!(example(entry), Some(policy.as_str()), "{}", entry.id);
    }
}
