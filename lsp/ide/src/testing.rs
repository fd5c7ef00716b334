//! What the tests of features share: a source with a mark where the cursor is.

use aquarium_compiler::{Edit, FileId, SourceFile};

use crate::Snapshot;

/// The mark of the cursor.
const CURSOR: &str = "$0";

/// A policy of one file, and the place of the cursor in it.
pub(crate) fn at_cursor(source: &str) -> (Snapshot, FileId, u32) {
    let offset = source.find(CURSOR).expect("a cursor");
    let file = SourceFile { path: "a.aquarium".into(), bytes: source.replacen(CURSOR, "", 1).into_bytes() };
    (Snapshot::analyze(vec![file]), FileId(0), u32::try_from(offset).expect("a short text"))
}

/// The text after some edits.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let mut text = text.to_owned();
    for edit in edits {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    text
}
