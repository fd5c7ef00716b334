//! Results as one JSON object, for programs: `docs/policy-tests.md` describes it. The shape is versioned by
//! `format`.

use aquarium_compiler::{LineIndex, Severity};
use serde_json::{Map, Value, json};

use super::compare::Mismatch;
use super::coverage::Subject;
use super::suite::{Suite, TestFile, TestOutcome, Tested, Verdict};
use crate::inputs;

/// The version of the shape; a field may be added within a version, none is removed or changed.
const FORMAT: u32 = 1;

/// The whole result.
pub fn render(suite: &Suite) -> Value {
    let counts = suite.counts();
    let covered = suite.policies.values().filter(|tested| tested.policy.is_some());
    json!({
        "format": FORMAT,
        "passed": counts.passed,
        "failed": counts.failed,
        "notRun": counts.broken,
        "files": suite.files.iter().map(file).collect::<Vec<_>>(),
        "coverage": covered.map(coverage).collect::<Vec<_>>(),
    })
}

fn file(file: &TestFile) -> Value {
    let errors = file.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let errors = errors.map(|finding| {
        let (line, column) = file.line_column(finding.primary.span.start);
        json!({ "line": line, "column": column, "code": finding.code.entry().id, "message": finding.message })
    });
    json!({
        "path": file.path,
        "errors": errors.collect::<Vec<_>>(),
        "tests": file.outcomes.iter().map(|outcome| test(file, outcome)).collect::<Vec<_>>(),
    })
}

fn test(file: &TestFile, outcome: &TestOutcome) -> Value {
    let (verdict, reason, mismatches) = match &outcome.verdict {
        Verdict::Passed => ("passed", None, [].as_slice()),
        Verdict::Failed(mismatches) => ("failed", None, mismatches.as_slice()),
        Verdict::Broken(problem) => ("not-run", Some(&problem.reason), [].as_slice()),
    };
    let mut test = json!({
        "name": outcome.name.value,
        "line": file.line_column(outcome.name.span.start).0,
        "outcome": verdict,
        "reason": reason,
        "mismatches": mismatches.iter().map(|it| mismatch(file, it)).collect::<Vec<_>>(),
    });
    if let (Some(explained), Some(fields)) = (&outcome.explained, test.as_object_mut()) {
        fields.insert("derivations".to_owned(), json!(explained.derivations));
    }
    test
}

fn mismatch(file: &TestFile, mismatch: &Mismatch) -> Value {
    let (line, column) = file.line_column(mismatch.span.start);
    json!({
        "what": mismatch.what,
        "expected": mismatch.expected,
        "actual": mismatch.actual,
        "line": line,
        "column": column,
    })
}

fn coverage(tested: &Tested) -> Value {
    let files = &tested.analysis.files;
    let paths: Vec<String> = files.iter().map(|file| inputs::shown(&tested.directory, file)).collect();
    let lines: Vec<LineIndex> = files.iter().map(|file| LineIndex::new(&file.bytes)).collect();
    let counts = Subject::ALL.map(|subject| {
        let (hit, all) = tested.coverage.count(subject);
        (subject.plural().to_owned(), json!({ "hit": hit, "all": all }))
    });
    let points = tested.coverage.points().map(|(place, point)| {
        let file = place.span.file.0 as usize;
        json!({
            "path": paths.get(file),
            "line": lines.get(file).map(|lines| lines.line(place.span.start) + 1),
            "what": point.label,
            "hits": point.hits,
        })
    });
    json!({
        "files": paths,
        "counts": counts.into_iter().collect::<Map<_, _>>(),
        "points": points.collect::<Vec<_>>(),
    })
}
