//! The expressions of a file, and where their parts stand.

use aquarium_compiler::expression::ExpressionSyntax;
use aquarium_compiler::items::{Entry, EntryValue};
use aquarium_compiler::{FileId, FileSpan};
use aquarium_grammar::expression::TextSpan;
use aquarium_grammar::expression::token::{Token, tokenize};

use crate::Snapshot;

/// The expressions of a file, each with the entry that gives it, in no particular order.
pub fn of(snapshot: &Snapshot, file: FileId) -> impl Iterator<Item = (&Entry, &ExpressionSyntax)> {
    let entries = snapshot.analysis().items.entries.iter();
    entries.filter(move |entry| entry.value_span.file == file).filter_map(|entry| match &entry.value {
        EntryValue::Expression(syntax) => Some((entry, syntax)),
        _ => None,
    })
}

/// The expression under the cursor; a cursor behind its last sign still touches it.
#[must_use]
pub fn at(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<(&Entry, &ExpressionSyntax)> {
    of(snapshot, file).find(|(entry, _)| touches(entry.value_span, offset))
}

/// The words and signs of an expression and where they stand, comments apart.
#[must_use]
pub fn tokens(syntax: &ExpressionSyntax) -> Vec<(FileSpan, Token<'_>)> {
    let tokens = tokenize(&syntax.source.text, true).tokens;
    let place = |start, end| syntax.source.place(TextSpan::new(start, end));
    tokens.into_iter().map(|(start, token, end)| (place(start, end), token)).collect()
}

/// Whether a cursor stands in a span or just behind it.
#[must_use]
pub fn touches(span: FileSpan, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}
