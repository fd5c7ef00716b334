//! Commas inside of brackets that were meant as part of a text: `{bw: 1,000}` is a mapping of `bw: 1` and a key `000`
//! without value, and the price of a thousand would silently be one credit.
//!
//! The pieces are found by how they are written; what a key means is not known here.

use super::{Entry, Scalar, Style, Value};
use crate::Span;
use crate::error::{ErrorKind, SyntaxError, quote};

/// Takes keys that are the rest of the value before them out of a mapping in braces, and says so.
pub(super) fn join_entries(entries: Vec<Entry>, text: &str) -> (Vec<Entry>, Vec<SyntaxError>) {
    if !entries.iter().any(is_bare) {
        return (entries, Vec::new());
    }
    let (mut kept, mut errors) = (Vec::with_capacity(entries.len()), Vec::new());
    let mut rest = entries.into_iter().peekable();
    while let Some(mut entry) = rest.next() {
        let mut pieces: Vec<Span> = entry.value.as_scalar().and_then(plain).into_iter().collect();
        while let Some(last) = pieces.last()
            && let Some(next) = rest.next_if(|next| is_bare(next) && is_cut(*last, next.key.span, text))
        {
            pieces.push(next.key.span);
        }
        if let [first, .., last] = pieces.as_slice() {
            let whole = first.to(*last);
            errors.push(error(&pieces, whole, text));
            entry.value = Value::Broken(whole);
            entry.span = entry.span.to(whole);
        }
        kept.push(entry);
    }
    (kept, errors)
}

/// Says which items of a list in brackets are the thousands of those before them.
pub(super) fn split_items(items: &[Value], text: &str) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    let mut pieces: Vec<Span> = Vec::new();
    for place in items.iter().map(|item| item.as_scalar().and_then(plain)).chain([None]) {
        let continues = |last: &Span, place: Span| {
            is_cut(*last, place, text) && is_group(place.of(text)) && place.start == last.end + 1
        };
        if pieces.last().zip(place).is_none_or(|(last, place)| !continues(last, place)) {
            if let [first, .., last] = pieces.as_slice() {
                errors.push(error(&pieces, first.to(*last), text));
            }
            pieces.clear();
        }
        pieces.extend(place);
    }
    errors
}

/// Where a text without quotes stands.
fn plain(scalar: &Scalar) -> Option<Span> {
    (scalar.style == Style::Plain).then_some(scalar.span)
}

/// A key with neither colon nor value.
fn is_bare(entry: &Entry) -> bool {
    entry.value.is_missing() && entry.key.style == Style::Plain && entry.span == entry.key.span
}

/// Whether the comma between two texts stands between digits: directly, or with a blank and a group of thousands.
fn is_cut(before: Span, after: Span, text: &str) -> bool {
    let (left, right) = (before.of(text), after.of(text));
    let between = Span::new(before.end, after.start).of(text);
    let leading = right.bytes().take_while(u8::is_ascii_digit).count();
    let is_between_digits = left.ends_with(|last: char| last.is_ascii_digit()) && leading > 0;
    is_between_digits && (between == "," || between.trim() == "," && leading == GROUP)
}

/// Digits between two separators of thousands.
const GROUP: usize = 3;

fn is_group(piece: &str) -> bool {
    piece.len() == GROUP && piece.bytes().all(|byte| byte.is_ascii_digit())
}

/// The pieces as one number (and what stands around it), where each comma separates thousands.
fn thousands(pieces: &[&str]) -> Option<String> {
    let [first, middle @ .., last] = pieces else { return None };
    let number = first.rsplit(' ').next()?.trim_start_matches('-');
    let is_head = (1..=GROUP).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let tail = last.bytes().take_while(u8::is_ascii_digit).count();
    let is_number = is_head && middle.iter().all(|piece| is_group(piece)) && tail == GROUP;
    is_number.then(|| pieces.concat())
}

/// The pieces as one number, where the comma stands for the decimal point.
fn decimal(pieces: &[&str]) -> Option<String> {
    let [whole, places] = pieces else { return None };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_digits(whole.trim_start_matches('-')) && is_digits(places)).then(|| format!("{whole}.{places}"))
}

fn error(pieces: &[Span], whole: Span, text: &str) -> SyntaxError {
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.of(text)).collect();
    let first = texts.first().copied().unwrap_or_default();
    let written = whole.of(text);
    if let Some(number) = thousands(&texts).or_else(|| decimal(&texts)) {
        let message = format!("`{written}` is not one number: the comma ends it, and `{first}` is left");
        let error = SyntaxError::new(ErrorKind::SplitNumber, whole, message);
        return error
            .help("inside `{ }` and `[ ]` a comma separates; thousands are written `1000` or `1_000`")
            .fix(format!("write `{number}`"), whole, number);
    }
    let message = format!("`{written}` is not one text: the comma ends it, and `{first}` is left");
    SyntaxError::new(ErrorKind::SplitText, whole, message)
        .help("a text with a comma is quoted inside `{ }` and `[ ]`")
        .fix("quote it", whole, quote(written))
}
