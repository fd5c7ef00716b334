//! The plain data of the editor features, as the protocol writes it; and back.

use std::ops;

use aquarium_compiler::{FileSpan, Severity};
use aquarium_ide::diagnostics::{Finding, Tag};
use aquarium_ide::{Encoding, Position};
use tower_lsp::ls_types;

use crate::capabilities::Session;
use crate::workspace::Analyzed;

/// A position from the client.
pub(crate) fn position(position: ls_types::Position) -> Position {
    Position { line: position.line, column: position.character }
}

/// A range for the client.
pub(crate) fn range(range: &ops::Range<Position>) -> ls_types::Range {
    let position =
        |position: Position| ls_types::Position { line: position.line, character: position.column };
    ls_types::Range { start: position(range.start), end: position(range.end) }
}

/// The range of a span.
pub(crate) fn span(analyzed: &Analyzed, span: FileSpan, encoding: Encoding) -> ls_types::Range {
    range(&analyzed.snapshot.positions(span, encoding))
}

/// The place of a span; `None` in a file that the client has no name for.
pub(crate) fn location(
    analyzed: &Analyzed,
    place: FileSpan,
    encoding: Encoding,
) -> Option<ls_types::Location> {
    let uri = analyzed.origin(place.file)?.uri.clone();
    Some(ls_types::Location { uri, range: span(analyzed, place, encoding) })
}

/// A finding.
pub(crate) fn diagnostic(
    finding: &Finding<'_>,
    analyzed: &Analyzed,
    session: &Session,
) -> ls_types::Diagnostic {
    let related: Vec<_> =
        finding.related.iter().filter_map(|(span, text)| related(analyzed, *span, text, session)).collect();
    ls_types::Diagnostic {
        range: span(analyzed, finding.span, session.encoding),
        severity: Some(severity(finding.severity)),
        code: Some(ls_types::NumberOrString::String(finding.code.into())),
        code_description: code_description(finding.code, session),
        source: Some("aquarium".into()),
        message: finding.message.clone(),
        related_information: Some(related).filter(|related| !related.is_empty()),
        tags: finding.tag.map(|tag| vec![self::tag(tag)]),
        data: None,
    }
}

fn related(
    analyzed: &Analyzed,
    span: FileSpan,
    text: &str,
    session: &Session,
) -> Option<ls_types::DiagnosticRelatedInformation> {
    let location = location(analyzed, span, session.encoding)?;
    // The protocol wants a message; a label that only points has none.
    let message = if text.is_empty() { "here".to_owned() } else { text.to_owned() };
    Some(ls_types::DiagnosticRelatedInformation { location, message })
}

fn code_description(code: &str, session: &Session) -> Option<ls_types::CodeDescription> {
    session.explanation(code).map(|href| ls_types::CodeDescription { href })
}

fn severity(severity: Severity) -> ls_types::DiagnosticSeverity {
    match severity {
        Severity::Error => ls_types::DiagnosticSeverity::ERROR,
        Severity::Warning => ls_types::DiagnosticSeverity::WARNING,
        Severity::Hint => ls_types::DiagnosticSeverity::INFORMATION,
    }
}

fn tag(tag: Tag) -> ls_types::DiagnosticTag {
    match tag {
        Tag::Unnecessary => ls_types::DiagnosticTag::UNNECESSARY,
        Tag::Deprecated => ls_types::DiagnosticTag::DEPRECATED,
    }
}
