//! Wider and wider selections around a place: word, value, entry, item, section, file.

use aquarium_compiler::{FileId, FileSpan};
use aquarium_grammar::expression::Expression;
use rowan::{TextRange, TextSize, TokenAtOffset};

use crate::Snapshot;
use crate::expressions::{self, touches};

/// The selections around a place, the narrowest first, each wider than the one before.
#[must_use]
pub fn selection(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let mut spans = inside_expression(snapshot, file, offset);
    spans.extend(in_tree(snapshot, file, offset));
    // The longest chain of spans of which each holds the one before; they come in from narrow to wide.
    spans.sort_by_key(|span| (span.end - span.start, span.start));
    let mut chain: Vec<FileSpan> = Vec::new();
    for span in spans {
        let widens = |last: &FileSpan| span.start <= last.start && last.end <= span.end && span != *last;
        if chain.last().is_none_or(widens) {
            chain.push(span);
        }
    }
    chain
}

/// The token at the place and all nodes around it.
fn in_tree(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let Some(parse) = snapshot.parse(file) else { return Vec::new() };
    let root = parse.syntax();
    let end = root.text_range().end();
    let token = match root.token_at_offset(TextSize::new(offset).min(end)) {
        TokenAtOffset::None => return Vec::new(),
        TokenAtOffset::Single(token) => token,
        TokenAtOffset::Between(left, right) if right.kind().is_trivia() => left,
        TokenAtOffset::Between(_, right) => right,
    };
    let span = |range: TextRange| trimmed(snapshot, file, range);
    let nodes = token.parent_ancestors().map(|node| span(node.text_range()));
    let own = (!token.kind().is_trivia()).then(|| span(token.text_range()));
    own.into_iter().chain(nodes).filter(|span| touches(*span, offset)).collect()
}

/// A range of the tree without the blanks at its ends.
fn trimmed(snapshot: &Snapshot, file: FileId, range: TextRange) -> FileSpan {
    let whole = FileSpan { file, start: range.start().into(), end: range.end().into() };
    let text = snapshot.slice(whole);
    let count = |bytes: usize| u32::try_from(bytes).unwrap_or(0);
    let before = count(text.len() - text.trim_start().len());
    let after = count(text.len() - text.trim_end().len());
    if text.trim().is_empty() {
        whole
    } else {
        FileSpan { start: whole.start + before, end: whole.end - after, ..whole }
    }
}

/// The word and the parts of the expression around the place.
fn inside_expression(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let Some((_, syntax)) = expressions::at(snapshot, file, offset) else { return Vec::new() };
    let words = expressions::tokens(syntax).into_iter().map(|(span, _)| span);
    let mut spans: Vec<FileSpan> = words.filter(|span| touches(*span, offset)).take(1).collect();
    let mut open: Vec<&Expression> = vec![&syntax.parsed.expression];
    while let Some(part) = open.pop() {
        let span = syntax.source.place(part.span);
        if touches(span, offset) {
            spans.push(span);
            open.extend(part.children());
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(source: &str, expected: &[&str]) {
        let (snapshot, file, offset) = at_cursor(source);
        let found: Vec<_> =
            selection(&snapshot, file, offset).into_iter().map(|span| snapshot.slice(span)).collect();
        let begins = found.get(..expected.len()).unwrap_or_default();
        assert_eq!(begins, expected, "{found:?}");
        assert_eq!(
            found.last(),
            Some(&source.replacen("$0", "", 1).trim()),
            "the last selection is the file"
        );
    }

    #[test]
    fn selections_grow_from_the_word_to_the_file() {
        check(
            "aquariumpolicy:\n  timezone: Euro$0pe/Athens\n  name: a\n",
            &["Europe/Athens", "timezone: Europe/Athens", "timezone: Europe/Athens\n  name: a"],
        );
    }

    #[test]
    fn inside_an_expression_they_follow_its_parts() {
        check(
            "aquariumpolicy:\n  algorithms:\n    - name: a\n      vmtime: price * (vol$0ume + 1) * 2\n",
            &[
                "volume",
                "(volume + 1)",
                "price * (volume + 1)",
                "price * (volume + 1) * 2",
                "vmtime: price * (volume + 1) * 2",
            ],
        );
    }
}
