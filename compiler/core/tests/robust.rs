//! No text makes the analysis panic, and none that it compiles has an error.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests say what went wrong by panicking")]

use aquarium_compiler::{Severity, SourceFile, analyze};

fn check(text: &str) {
    let file = SourceFile { path: "policy.aquarium".to_owned(), bytes: text.as_bytes().to_vec() };
    let analysis = analyze(vec![file]);
    let has_error = analysis.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(!analysis.compiles(), has_error, "{text}");
    for finding in &analysis.diagnostics {
        let labels = finding.secondary.iter().chain([&finding.primary]);
        for span in labels.map(|label| label.span) {
            assert!(
                text.get(span.start as usize..span.end as usize).is_some(),
                "{}: {text}",
                finding.message
            );
        }
    }
}

/// Every policy of the corpus, and every one that is made for findings.
fn policies() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = ["valid", "codes", "mistakes", "fixes"]
        .iter()
        .map(|folder| root.join("../../tests/corpus").join(folder))
        .chain([root.join("tests/findings")])
        .flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

#[test]
fn a_line_left_out_does_no_harm() {
    for text in policies() {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for left_out in 0..lines.len() {
            check(&[&lines[..left_out], &lines[left_out + 1..]].concat().concat());
        }
    }
}

#[test]
fn a_text_that_ends_early_does_no_harm() {
    for text in policies() {
        for (end, _) in text.char_indices().step_by(7) {
            check(&text[..end]);
        }
    }
}
