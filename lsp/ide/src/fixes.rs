//! What can be done by itself about the findings at a place.

use aquarium_compiler::{Diagnostic, FileSpan, Fix};

use crate::Snapshot;

/// The fixes of the findings that touch a span, each with the finding that it mends. Where a person has to
/// choose, a finding has several.
#[must_use]
pub fn fixes(snapshot: &Snapshot, span: FileSpan) -> Vec<(&Diagnostic, &Fix)> {
    let touches =
        |other: FileSpan| other.file == span.file && other.start <= span.end && span.start <= other.end;
    let findings = snapshot.analysis().diagnostics.iter();
    let touched = findings.filter(|it| touches(it.primary.span));
    touched.flat_map(|it| it.fix.iter().chain(&it.choices).map(move |fix| (it, fix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply, at_cursor};

    /// The source after all fixes at the cursor.
    fn check(source: &str, expected: &str) {
        let (snapshot, file, offset) = at_cursor(source);
        let found = fixes(&snapshot, FileSpan { file, start: offset, end: offset });
        let edits: Vec<_> = found.into_iter().flat_map(|(_, fix)| fix.edits.clone()).collect();
        assert_eq!(apply(&source.replacen("$0", "", 1), &edits), expected);
    }

    #[test]
    fn an_older_spelling_is_written_anew() {
        check(
            "aquariumpolicy:\n  pricelists:\n    - name: a\n      over$0rides: b\n",
            "aquariumpolicy:\n  pricelists:\n    - name: a\n      extends: b\n",
        );
    }

    #[test]
    fn what_a_person_has_to_choose_is_offered_in_all_its_forms() {
        let source = "aquariumpolicy:\n  resources:\n    - {name: a, unit: m$0b, costpolicy: discrete}\n";
        let (snapshot, file, offset) = at_cursor(source);
        let found = fixes(&snapshot, FileSpan { file, start: offset, end: offset });
        let texts: Vec<_> =
            found.iter().flat_map(|(_, fix)| &fix.edits).map(|edit| edit.text.as_str()).collect();
        assert_eq!(texts, ["MB", "Mb"]);
    }

    #[test]
    fn elsewhere_nothing_is_done() {
        let source = "aquariumpolicy:\n  pricelists:\n    - na$0me: a\n      overrides: b\n";
        check(source, &source.replace("$0", ""));
    }
}
