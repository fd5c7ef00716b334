//! What can be folded away: keys and items that take several lines, and blocks of comments.

use std::collections::BTreeMap;

use aquarium_compiler::{FileId, FileSpan};
use aquarium_grammar::document::{Placement, Value};
use aquarium_grammar::{Document, Span};

use crate::{Encoding, Snapshot};

/// What is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A key or an item with all that stands below it.
    Region,
    /// Lines of comment.
    Comment,
}

/// Lines that fold to the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// From the first line's text to the end of the last.
    pub span: FileSpan,
    /// What it is.
    pub kind: Kind,
}

/// What can be folded in a file: at most one fold begins in a line.
#[must_use]
pub fn folding(snapshot: &Snapshot, file: FileId) -> Vec<Fold> {
    let Some(parse) = snapshot.parse(file) else { return Vec::new() };
    let mut spans = Vec::new();
    blocks(&parse.document().root, &mut |span| spans.push((span, Kind::Region)));
    spans.extend(comment_blocks(snapshot, file, parse.document()).map(|span| (span, Kind::Comment)));
    let mut folds = BTreeMap::new();
    for (span, kind) in spans {
        let fold = Fold { span: FileSpan { file, start: span.start, end: span.end }, kind };
        let lines = snapshot.positions(fold.span, Encoding::Utf8);
        if lines.start.line < lines.end.line {
            folds.entry(lines.start.line).or_insert(fold);
        }
    }
    folds.into_values().collect()
}

/// The entries and items of a value, outer ones first.
fn blocks(value: &Value, found: &mut impl FnMut(Span)) {
    match value {
        Value::Missing(_) | Value::Broken(_) | Value::Scalar(_) => {}
        Value::Named(named) => named.overrides.entries.iter().for_each(|entry| {
            found(entry.span);
            blocks(&entry.value, found);
        }),
        Value::Mapping(mapping) => mapping.entries.iter().for_each(|entry| {
            found(entry.span);
            blocks(&entry.value, found);
        }),
        Value::Sequence(sequence) => sequence.items.iter().for_each(|item| {
            found(item.span());
            blocks(item, found);
        }),
    }
}

/// Comments on lines of their own that follow each other directly.
fn comment_blocks<'a>(
    snapshot: &'a Snapshot,
    file: FileId,
    document: &'a Document,
) -> impl Iterator<Item = Span> + 'a {
    let own_line = |placement: &Placement| !matches!(placement, Placement::Trailing(_));
    let mut comments = document.comments.iter().filter(move |it| own_line(&it.placement)).peekable();
    let line = move |offset| {
        snapshot.positions(FileSpan { file, start: offset, end: offset }, Encoding::Utf8).start.line
    };
    std::iter::from_fn(move || {
        let mut block = comments.next()?.span;
        while let Some(next) =
            comments.next_if(|next| line(next.span.start) == line(block.start.max(block.end)) + 1)
        {
            block = block.to(next.span);
        }
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    /// The folds as `first-last` line numbers, comments with a `#`.
    fn check(source: &str, expected: &str) {
        let (snapshot, file, _) = at_cursor(&format!("{source}$0"));
        let found: Vec<_> = folding(&snapshot, file)
            .into_iter()
            .map(|fold| {
                let lines = snapshot.positions(fold.span, Encoding::Utf8);
                let mark = if fold.kind == Kind::Comment { "#" } else { "" };
                format!("{mark}{}-{}", lines.start.line + 1, lines.end.line + 1)
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }

    #[test]
    fn keys_and_items_of_several_lines_fold() {
        check(
            "aquariumpolicy:\n  name: a\n  pricelists:\n    - name: b\n      x: 1\n    - {name: c, x: 1}\n",
            "1-6 3-6 4-5",
        );
    }

    #[test]
    fn overrides_fold_with_their_name() {
        check(
            "aquariumpolicy:\n  agreements:\n    - name: a\n      pricelist: b\n        x: 1\n",
            "1-5 2-5 3-5 4-5",
        );
    }

    #[test]
    fn comments_fold_where_they_follow_each_other() {
        check("# one\n# two\n# three\naquariumpolicy:\n  # alone\n  name: a # behind\n", "#1-3 4-6");
        check("aquariumpolicy:\n  # one\n\n  # two\n  name: a\n", "1-5");
    }
}
