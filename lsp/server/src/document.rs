//! An open document: its text as the editor has it.

use std::ops::Range;
use std::sync::Arc;

use aquarium_ide::{Encoding, LineIndex, Position};
use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use crate::convert;

/// An open document. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// The editor's count of its versions.
    pub(crate) version: i32,
    /// What the editor takes it for.
    pub(crate) language: String,
    text: Arc<String>,
    lines: Arc<LineIndex>,
}

impl Document {
    pub(crate) fn new(version: i32, language: String, text: String) -> Self {
        let lines = Arc::new(LineIndex::new(&text));
        Self { version, language, text: Arc::new(text), lines }
    }

    pub(crate) fn text(&self) -> &Arc<String> {
        &self.text
    }

    /// The offset of a position.
    pub(crate) fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        u32::try_from(self.lines.offset(&self.text, position, encoding)).unwrap_or(u32::MAX)
    }

    /// Applies the edits of one notification, each to the text that the one before left.
    pub(crate) fn apply(
        &mut self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        for change in changes {
            match change.range {
                Some(range) => {
                    self.replace(
                        convert::position(range.start)..convert::position(range.end),
                        &change.text,
                        encoding,
                    );
                }
                None => *self = Self::new(version, std::mem::take(&mut self.language), change.text),
            }
        }
        self.version = version;
    }

    /// Replaces a range; one that does not fit the text is cut to it, one that runs backwards is turned round.
    fn replace(&mut self, range: Range<Position>, new: &str, encoding: Encoding) {
        let start = self.lines.offset(&self.text, range.start, encoding);
        let end = self.lines.offset(&self.text, range.end, encoding);
        let replaced = start.min(end)..start.max(end);
        let text = Arc::make_mut(&mut self.text);
        text.replace_range(replaced.clone(), new);
        Arc::make_mut(&mut self.lines).follow(text, replaced, new.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower_lsp::ls_types;

    fn edit(start: (u32, u32), end: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let position = |(line, character)| ls_types::Position { line, character };
        let range = ls_types::Range { start: position(start), end: position(end) };
        TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: text.into() }
    }

    fn after(text: &str, changes: Vec<TextDocumentContentChangeEvent>) -> String {
        let mut document = Document::new(1, "aquarium".into(), text.into());
        document.apply(2, changes, Encoding::Utf16);
        document.text().as_ref().clone()
    }

    #[test]
    fn each_edit_applies_to_what_the_one_before_left() {
        let changes = vec![edit((0, 0), (0, 0), "x\n"), edit((1, 1), (1, 2), "B"), edit((0, 1), (1, 0), "")];
        assert_eq!(after("abc\n", changes), "xaBc\n");
    }

    #[test]
    fn columns_are_those_of_utf_16() {
        assert_eq!(after("é🐟b", vec![edit((0, 1), (0, 3), "fish")]), "éfishb");
    }

    #[test]
    fn a_range_that_does_not_fit_is_cut_or_turned_round() {
        assert_eq!(after("ab", vec![edit((7, 7), (9, 9), "!")]), "ab!");
        assert_eq!(after("abcd", vec![edit((0, 3), (0, 1), "-")]), "a-d");
        assert_eq!(after("🐟", vec![edit((0, 1), (0, 1), "x")]), "x🐟");
        assert_eq!(after("", vec![edit((u32::MAX, u32::MAX), (u32::MAX, u32::MAX), "x")]), "x");
    }
}
