//! Bytes that claim to be a text.

use super::{Limits, Parse, parse_with, unread};
use crate::Span;
use crate::error::{ErrorKind, Errors, SyntaxError};

/// Stands for a byte that is not UTF-8: one byte long, so that all places stay where they are.
const SUBSTITUTE: u8 = 0x1A;

/// Reads bytes: reports where they are not UTF-8 and reads what is.
///
/// The tree's text has the length of the bytes; each wrong byte is U+001A in it. Bytes that hold NULs and are not
/// UTF-8 are no text at all: one error, nothing is read.
#[must_use]
pub fn parse_bytes(bytes: &[u8], limits: Limits) -> Parse {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return parse_with(text, limits);
    }
    if bytes.len() > limits.file_bytes_max {
        return parse_with(&substituted(bytes).0, limits);
    }
    let (text, wrong) = substituted(bytes);
    if bytes.contains(&0) {
        let mut errors = Errors::new(1);
        errors.push(SyntaxError::new(ErrorKind::NotText, Span::empty(0), "the file is not text"));
        return unread(&text, errors);
    }
    let mut parse = parse_with(&text, limits);
    let errors = &mut parse.reading.errors;
    errors.retain(|error| error.kind != ErrorKind::ControlCharacter || !is_in(&wrong, error.span));
    let room = limits.errors_max.saturating_sub(errors.len()).max(1);
    errors.extend(wrong.iter().take(room).map(|span| not_utf8(bytes, *span)));
    errors.sort_by_key(|error| (error.span.start, error.span.end, error.kind));
    parse
}

fn substituted(bytes: &[u8]) -> (String, Vec<Span>) {
    let mut text = String::with_capacity(bytes.len());
    let mut wrong: Vec<Span> = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let start = offset(text.len());
        text.extend(chunk.invalid().iter().map(|_| char::from(SUBSTITUTE)));
        let span = Span::new(start, offset(text.len()));
        match wrong.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ if span.is_empty() => {}
            _ => wrong.push(span),
        }
    }
    (text, wrong)
}

fn is_in(spans: &[Span], span: Span) -> bool {
    let before = spans.partition_point(|wrong| wrong.start <= span.start);
    before.checked_sub(1).and_then(|last| spans.get(last)).is_some_and(|wrong| span.start < wrong.end)
}

fn not_utf8(bytes: &[u8], span: Span) -> SyntaxError {
    let first = bytes.get(span.range()).and_then(|wrong| wrong.first()).copied().unwrap_or_default();
    SyntaxError::new(ErrorKind::InvalidUtf8, span, format!("byte {first:02X} is not UTF-8"))
        .help("save the file as UTF-8")
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
