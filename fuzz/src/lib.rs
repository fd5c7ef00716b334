//! What holds for every input: shared by the fuzz targets and by the seeded mutator of the tests.

use aquarium_compiler::{EmitOptions, FileSpan, Severity, SourceFile, analyze, emit};
use aquarium_grammar::expression::parse as parse_expression;
use aquarium_grammar::{Limits, parse_bytes};

/// The document parser: the tree prints back, and every error points into the text.
pub fn document(bytes: &[u8]) {
    let parse = parse_bytes(bytes, Limits::default());
    let text = parse.text();
    assert_eq!(text.len(), bytes.len());
    assert_eq!(parse.syntax().to_string(), text, "the tree does not print back");
    for error in parse.errors() {
        let fixed = error.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        let places = fixed.chain([error.span]).chain(error.secondary.iter().map(|(span, _)| *span));
        for span in places {
            assert!(text.get(span.range()).is_some(), "{error:?} points outside of the text");
        }
    }
}

/// The expression parser, with comments and without: every finding points into the text.
pub fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for comments in [false, true] {
        let parsed = parse_expression(&text, comments);
        for finding in &parsed.findings {
            let fixed = finding.fix.iter().flat_map(|fix| &fix.edits).map(|(span, _)| *span);
            for span in fixed.chain([finding.span]) {
                let place = text.get(span.start as usize..span.end as usize);
                assert!(place.is_some(), "{finding:?} points outside of `{text}`");
            }
        }
    }
}

/// The whole check: an error or a policy, never both; a policy becomes a module, twice the same.
pub fn check(bytes: &[u8]) {
    let analysis = analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes: bytes.to_vec() }]);
    let has_error = analysis.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(!analysis.compiles(), has_error, "{:?}", analysis.diagnostics);
    let is_inside = |span: FileSpan| span.start <= span.end && span.end as usize <= bytes.len();
    for finding in &analysis.diagnostics {
        let fixes = finding.fix.iter().chain(&finding.choices).flat_map(|fix| &fix.edits);
        let labels = finding.secondary.iter().chain([&finding.primary]).map(|label| label.span);
        assert!(labels.chain(fixes.map(|edit| edit.span)).all(is_inside), "{finding:?}");
    }
    let Some(policy) = analysis.into_policy() else { return };
    for wide_arithmetic in [true, false] {
        let options = EmitOptions { wide_arithmetic, ..EmitOptions::default() };
        let module = emit(&policy, options).expect("an accepted policy compiles");
        assert!(module == emit(&policy, options).expect("it does so again"), "two builds differ");
    }
}
