//! Mistakes that published policies and price tables really have: each is found, at the place where it was made.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::path::Path;

use aquarium_compiler::{Analysis, Diagnostic, FileSpan, LineIndex, SourceFile, analyze};

/// A policy of `tests/corpus/mistakes`, the code of its finding, the line, the words pointed at, the words that the
/// fix would write.
type Case = (&'static str, &'static str, usize, &'static str, Option<&'static str>);

const MISTAKES: &[Case] = &[
    ("seconds-for-milliseconds", "AQ0404", 14, "1325368800", Some("1325368800000")),
    ("unreachable-branch", "AQ0603", 8, "$volume gt 15 and $volume lt 30", None),
    ("credits-per-unit", "AQ0513", 6, "{price} * 0.7", Some("{price} * 0.7 * {volume}")),
    ("day-for-hour", "AQ0410", 15, "12", Some("\"00 12 * * *\"")),
    ("parent-lacks-resource", "AQ0402", 20, "research", None),
    ("price-per-token", "AQ0506", 9, "token", None),
    ("gigabyte-for-gibibyte", "AQ0515", 6, "GiB", None),
    ("minute-gap", "AQ0411", 17, "\"59 23 * * Sun\"", Some("\"00 00 * * Mon\"")),
    ("two-pricelists-of-one-name", "AQ0208", 12, "default", None),
    ("two-pricelist-keys", "AQ0202", 14, "pricelist", None),
    ("extends-deleted", "AQ0211", 11, "summer2011", None),
    ("thousands-in-braces", "AQ0504", 8, "1,000", Some("1000")),
    ("override-of-lunch", "AQ0302", 22, "vmtime", None),
];

fn words(analysis: &Analysis, span: FileSpan) -> String {
    let bytes = &analysis.files[span.file.0 as usize].bytes[span.start as usize..span.end as usize];
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/mistakes")
}

#[test]
fn every_mistake_is_found_where_it_was_made() {
    for (name, code, line, text, fix) in MISTAKES {
        let bytes = std::fs::read(folder().join(format!("{name}.aquarium"))).unwrap();
        let lines = LineIndex::new(&bytes);
        let analysis = analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes: bytes.clone() }]);
        let is_it = |found: &&Diagnostic| found.code.entry().id == *code;
        let found = analysis.diagnostics.iter().find(is_it);
        let found = found.unwrap_or_else(|| panic!("{name}: {:#?}", analysis.diagnostics));
        let place =
            (lines.line_column(&bytes, found.primary.span.start).0, words(&analysis, found.primary.span));
        assert_eq!(place, (*line, (*text).to_owned()), "{name}");
        let written = found.fix.as_ref().map(|fix| fix.edits[0].text.as_str());
        assert_eq!(written, *fix, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder()).unwrap().count(), MISTAKES.len(), "a case for every file");
}
