//! Findings as a SARIF 2.1.0 log, for code scanning.
//!
//! Columns are counted in characters (`columnKind`), paths are relative to the directory in which the command ran,
//! and every rule carries the catalogue's text.

use std::collections::BTreeSet;

use aquarium_compiler::{Analysis, Code, Diagnostic, FileSpan, Fix, Label, Severity};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Places;
use super::json::Each;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run.
pub fn render(analysis: &Analysis, places: &Places<'_>) -> serde_json::Result<String> {
    let codes: BTreeSet<Code> = analysis.diagnostics.iter().map(|found| found.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let tool = json!({ "driver": {
        "name": "aquariumc",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": codes.iter().copied().map(rule).collect::<Vec<_>>(),
    }});
    let results = Each { findings: &analysis.diagnostics, value: &|found| result(found, &codes, places) };
    let runs = [Run { column_kind: "unicodeCodePoints", results, tool }];
    Ok(serde_json::to_string(&Log { schema: SCHEMA, runs, version: "2.1.0" })? + "\n")
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    column_kind: &'static str,
    results: Each<'a>,
    tool: Value,
}

fn rule(code: Code) -> Value {
    let entry = code.entry();
    let mut rule = json!({
        "id": entry.id,
        "shortDescription": { "text": entry.title },
        "help": { "text": entry.explanation, "markdown": entry.explanation },
        "defaultConfiguration": { "level": level(entry.severity) },
    });
    if let (Some(name), Some(fields)) = (entry.name, rule.as_object_mut()) {
        fields.insert("name".to_owned(), json!(name));
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn result(found: &Diagnostic, codes: &[Code], places: &Places<'_>) -> Value {
    let mut result = Map::new();
    let mut set = |key: &str, value: Value| result.insert(key.to_owned(), value);
    set("ruleId", json!(found.code.entry().id));
    if let Some(index) = codes.iter().position(|code| *code == found.code) {
        set("ruleIndex", json!(index));
    }
    set("level", json!(level(found.severity)));
    set("message", json!({ "text": message(found) }));
    set("locations", json!([location(&found.primary, places)]));
    if !found.secondary.is_empty() {
        let related = found.secondary.iter().map(|label| location(label, places));
        set("relatedLocations", related.collect());
    }
    if let Some(offered) = &found.fix {
        set("fixes", json!([fix(offered, places)]));
    }
    Value::Object(result)
}

/// The message with what to do, as viewers show nothing else.
fn message(found: &Diagnostic) -> String {
    let lines: Vec<&str> =
        std::iter::once(&found.message).chain(&found.help).chain(&found.notes).map(String::as_str).collect();
    lines.join("\n")
}

fn location(label: &Label, places: &Places<'_>) -> Value {
    let mut location = json!({
        "physicalLocation": { "artifactLocation": artifact(label.span, places), "region": region(label.span, places) },
    });
    if let (false, Some(fields)) = (label.message.is_empty(), location.as_object_mut()) {
        fields.insert("message".to_owned(), json!({ "text": label.message }));
    }
    location
}

fn fix(fix: &Fix, places: &Places<'_>) -> Value {
    let files: BTreeSet<_> = fix.edits.iter().map(|edit| edit.span.file).collect();
    let changes = files.into_iter().filter_map(|file| {
        let edits = || fix.edits.iter().filter(|edit| edit.span.file == file);
        let replacements: Vec<Value> = edits()
            .map(|edit| {
                json!({ "deletedRegion": region(edit.span, places), "insertedContent": { "text": edit.text } })
            })
            .collect();
        let first = edits().next()?;
        Some(json!({ "artifactLocation": artifact(first.span, places), "replacements": replacements }))
    });
    json!({ "description": { "text": fix.title }, "artifactChanges": changes.collect::<Vec<_>>() })
}

fn artifact(span: FileSpan, places: &Places<'_>) -> Value {
    json!({ "uri": uri(places.start(span).path) })
}

/// Lines and columns from 1, the end exclusive.
fn region(span: FileSpan, places: &Places<'_>) -> Value {
    let (start, end) = (places.start(span), places.end(span));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A path as a relative reference (an absolute one as a `file` URI): everything that RFC 3986 reserves is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into())
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/ü.aquarium"), "a%20b/%C3%BC.aquarium");
        assert_eq!(uri("/srv/p.aquarium"), "file:///srv/p.aquarium");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
