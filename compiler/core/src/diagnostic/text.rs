//! Values inside a file: their decoded text, where each part of it is written, and findings on it.

use std::sync::Arc;

use aquarium_grammar::expression::{TextFix, TextSpan};

use super::{Code, Diagnostic, Edit, FileId, FileSpan, Fix};

/// The decoded text of a value, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The text: quotes, escapes, line folding and indentation resolved.
    pub text: Arc<str>,
    /// The whole value in its file, quotes included.
    pub span: FileSpan,
    /// Where the parts of the text are written, in the order of the text; without them the text is
    /// written as it is, from the start of `span` (or one byte after it, within quotes).
    pub pieces: Box<[Piece]>,
}

/// A part of a text and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The part of the text.
    pub text: TextSpan,
    /// Its first byte in the file.
    pub start: u32,
    /// The byte after its last in the file; a part of another length is written in another way.
    pub end: u32,
}

impl SourceText {
    /// A text that is written as it is at `span`, or in quotes there.
    #[must_use]
    pub fn plain(text: impl Into<Arc<str>>, span: FileSpan) -> Self {
        Self { text: text.into(), span, pieces: Box::default() }
    }

    /// Where a part of the text is written.
    #[must_use]
    pub fn place(&self, span: TextSpan) -> FileSpan {
        let start = self.offset(span.start, false);
        FileSpan { file: self.span.file, start, end: self.offset(span.end, span.end > span.start).max(start) }
    }

    /// The file that it stands in.
    #[must_use]
    pub fn file(&self) -> FileId {
        self.span.file
    }

    /// Where a byte of the text is written; `is_end`: the end of the byte before it.
    fn offset(&self, offset: u32, is_end: bool) -> u32 {
        let before = |piece: &Piece| {
            if is_end { piece.text.end < offset } else { piece.text.end <= offset }
        };
        let piece = self.pieces.get(self.pieces.partition_point(before));
        match (piece.or(self.pieces.last()), self.pieces.is_empty()) {
            (Some(piece), _) => piece.offset(offset, is_end),
            (None, _) => self.verbatim(offset),
        }
    }

    fn verbatim(&self, offset: u32) -> u32 {
        let length = self.span.end.saturating_sub(self.span.start);
        let text = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let quote = u32::from(length == text.saturating_add(2));
        self.span.start.saturating_add(quote).saturating_add(offset).min(self.span.end)
    }
}

impl Piece {
    fn offset(&self, offset: u32, is_end: bool) -> u32 {
        let inside = offset.saturating_sub(self.text.start);
        let is_verbatim =
            self.end.saturating_sub(self.start) == self.text.end.saturating_sub(self.text.start);
        match (is_verbatim, is_end) {
            (true, _) => self.start.saturating_add(inside).min(self.end),
            (false, true) => self.end,
            (false, false) => self.start,
        }
    }
}

/// A finding on a text, before its place in the file is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFinding {
    /// Its entry in the catalogue.
    pub code: Code,
    /// The smallest place that is wrong.
    pub span: TextSpan,
    /// One line that stands alone.
    pub message: String,
    /// What else there is to say.
    pub details: Box<Details>,
}

/// What else there is to say about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// What is said at the primary place.
    pub label: String,
    /// The other places that matter.
    pub labels: Vec<(TextSpan, String)>,
    /// What to do next.
    pub help: Option<String>,
    /// Further facts.
    pub notes: Vec<String>,
    /// What a machine can do about it.
    pub fix: Option<TextFix>,
    /// Fixes of which a person has to choose one.
    pub choices: Vec<TextFix>,
}

impl TextFinding {
    /// A finding that only says what is wrong and where.
    #[must_use]
    pub fn new(code: Code, span: TextSpan, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), details: Box::default() }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn at(mut self, label: impl Into<String>) -> Self {
        self.details.label = label.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn label(mut self, span: TextSpan, label: impl Into<String>) -> Self {
        self.details.labels.push((span, label.into()));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.details.help = Some(help.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.details.notes.push(note.into());
        self
    }

    /// Offers to write `text` in place of `span`.
    #[must_use]
    pub fn fix(mut self, span: TextSpan, text: impl Into<String>) -> Self {
        self.details.fix = Some(replacement(span, text.into()));
        self
    }

    /// Offers a fix of several edits.
    #[must_use]
    pub fn fixed_by(mut self, fix: TextFix) -> Self {
        self.details.fix = Some(fix);
        self
    }

    /// Offers to write `text` in place of `span`, as one of several fixes.
    #[must_use]
    pub fn choice(mut self, span: TextSpan, text: impl Into<String>) -> Self {
        self.details.choices.push(replacement(span, text.into()));
        self
    }

    /// The same finding about a text of which this one's is the part from `offset` on.
    #[must_use]
    pub fn moved(mut self, offset: u32) -> Self {
        let shift = |span: &mut TextSpan| {
            span.start = span.start.saturating_add(offset);
            span.end = span.end.saturating_add(offset);
        };
        shift(&mut self.span);
        self.details.labels.iter_mut().for_each(|(span, _)| shift(span));
        for fix in self.details.fix.iter_mut().chain(&mut self.details.choices) {
            fix.edits.iter_mut().for_each(|(span, _)| shift(span));
        }
        self
    }

    /// The finding at its place in the file.
    #[must_use]
    pub fn into_diagnostic(self, source: &SourceText) -> Diagnostic {
        let details = *self.details;
        let mut diagnostic =
            Diagnostic::new(self.code, source.place(self.span), self.message).at(details.label);
        for (span, label) in details.labels {
            diagnostic = diagnostic.label(source.place(span), label);
        }
        diagnostic.help = details.help;
        diagnostic.notes = details.notes;
        let placed = |fix: TextFix| Fix { title: fix.title, edits: edits(fix.edits, source) };
        diagnostic.fix = details.fix.map(placed);
        diagnostic.choices = details.choices.into_iter().map(placed).collect();
        diagnostic
    }
}

fn replacement(span: TextSpan, text: String) -> TextFix {
    TextFix { title: format!("write `{}`", text.trim()), edits: vec![(span, text)] }
}

fn edits(edits: Vec<(TextSpan, String)>, source: &SourceText) -> Vec<Edit> {
    edits.into_iter().map(|(span, text)| Edit { span: source.place(span), text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(source: &SourceText, start: usize, end: usize) -> (u32, u32) {
        let place = source.place(TextSpan::new(start, end));
        (place.start, place.end)
    }

    #[test]
    fn places_follow_quotes_and_pieces() {
        let span = FileSpan { file: FileId(0), start: 10, end: 15 };
        assert_eq!(placed(&SourceText::plain("price", span), 1, 3), (11, 13));
        assert_eq!(placed(&SourceText::plain("abc", span), 1, 3), (12, 14));
        let pieces = Box::new([
            Piece { text: TextSpan::new(0, 3), start: 20, end: 23 },
            Piece { text: TextSpan::new(3, 4), start: 23, end: 28 },
            Piece { text: TextSpan::new(4, 6), start: 28, end: 30 },
        ]);
        let source = SourceText { text: "abc de".into(), span, pieces };
        assert_eq!(placed(&source, 1, 3), (21, 23));
        assert_eq!(placed(&source, 4, 6), (28, 30));
        assert_eq!(placed(&source, 2, 5), (22, 29));
        assert_eq!(placed(&source, 6, 6), (30, 30));
    }
}
