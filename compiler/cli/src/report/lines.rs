//! One line a finding: `short`, and GitHub's workflow commands.

use std::fmt::Write;

use aquarium_compiler::{Analysis, Diagnostic, Severity};

use super::{Places, word};

/// `path:line:column: severity[code]: message`
pub fn short(analysis: &Analysis, places: &Places<'_>) -> String {
    analysis.diagnostics.iter().map(|found| line(found, places)).collect()
}

/// The line of one finding.
pub fn line(found: &Diagnostic, places: &Places<'_>) -> String {
    let at = places.start(found.primary.span);
    let (severity, code) = (word(found.severity), found.code.entry().id);
    format!("{}:{}:{}: {severity}[{code}]: {}\n", at.path, at.line, at.column, found.message)
}

/// `::error file=...,line=...,col=...,endLine=...,endColumn=...,title=...::message`
pub fn github(analysis: &Analysis, places: &Places<'_>) -> String {
    let mut text = String::new();
    for found in &analysis.diagnostics {
        let (start, end) = (places.start(found.primary.span), places.end(found.primary.span));
        let command = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let help = found.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "::{command} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            property(start.path),
            start.line,
            start.column,
            end.line,
            end.column,
            found.code.entry().id,
            data(&format!("{}{help}", found.message)),
        );
    }
    text
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
