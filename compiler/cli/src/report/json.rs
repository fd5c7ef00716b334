//! Findings as one JSON object, for programs. The shape is versioned by `format`.

use aquarium_compiler::{Analysis, Diagnostic, FileSpan, Fix, Label};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Places, word};

/// The version of the shape; a field may be added within a version, none is removed or changed.
const FORMAT: u32 = 1;

/// `{"format": 1, "diagnostics": [...]}`
pub fn render(analysis: &Analysis, places: &Places<'_>) -> serde_json::Result<String> {
    let diagnostics = Each { findings: &analysis.diagnostics, value: &|found| diagnostic(found, places) };
    Ok(serde_json::to_string(&Report { diagnostics, format: FORMAT })? + "\n")
}

#[derive(Serialize)]
struct Report<'a> {
    diagnostics: Each<'a>,
    format: u32,
}

/// Findings, each made into JSON when it is written: they can be hundreds of thousands.
pub struct Each<'a> {
    /// The findings.
    pub findings: &'a [Diagnostic],
    /// What is written of one.
    pub value: &'a dyn Fn(&Diagnostic) -> Value,
}

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.findings.iter().map(self.value))
    }
}

fn diagnostic(found: &Diagnostic, places: &Places<'_>) -> Value {
    let entry = found.code.entry();
    json!({
        "code": entry.id,
        "name": entry.name,
        "severity": word(found.severity),
        "message": found.message,
        "span": span(found.primary.span, places),
        "label": found.primary.message,
        "related": found.secondary.iter().map(|label| related(label, places)).collect::<Vec<_>>(),
        "help": found.help,
        "notes": found.notes,
        "fix": found.fix.as_ref().map(|offered| fix(offered, places)),
    })
}

fn related(label: &Label, places: &Places<'_>) -> Value {
    json!({ "span": span(label.span, places), "message": label.message })
}

fn fix(fix: &Fix, places: &Places<'_>) -> Value {
    let edits = fix.edits.iter().map(|edit| json!({ "span": span(edit.span, places), "text": edit.text }));
    json!({ "title": fix.title, "edits": edits.collect::<Vec<_>>() })
}

/// Bytes from 0, lines and columns (in characters) from 1; the end is exclusive.
fn span(span: FileSpan, places: &Places<'_>) -> Value {
    let (start, end) = (places.start(span), places.end(span));
    json!({
        "path": start.path,
        "start": { "offset": span.start, "line": start.line, "column": start.column },
        "end": { "offset": span.end, "line": end.line, "column": end.column },
    })
}
