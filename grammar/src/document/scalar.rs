//! Texts, and the way from a place in what a text says back to the place where it is written.

use std::ops::Range;

use crate::Span;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'...'`.
    SingleQuoted,
    /// `"..."`.
    DoubleQuoted,
    /// Below `|`.
    Literal,
    /// Below `>`.
    Folded,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    pub(super) text: Box<str>,
    /// As it is written, quotes or `|` included.
    pub span: Span,
    /// How it is written.
    pub style: Style,
    /// Where the text begins, if it is written as it reads.
    pub(super) origin: u32,
    /// The parts of the text, if it is not.
    pub(super) pieces: Box<[Piece]>,
}

/// A part of a text that is written in one go: either as it reads, or (an escape, a fold) as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins in the text.
    pub(super) start: u32,
    /// Its bytes in the text.
    pub(super) length: u32,
    /// Where it is written.
    pub(super) source: Span,
}

impl Piece {
    fn is_verbatim(&self) -> bool {
        self.source.end - self.source.start == self.length
    }
}

impl Scalar {
    /// A plain text in one line.
    pub(super) fn as_written(span: Span, source: &str) -> Self {
        Self {
            text: span.of(source).into(),
            span,
            style: Style::Plain,
            origin: span.start,
            pieces: Box::default(),
        }
    }

    /// What it says: quotes, escapes, folds and indentation resolved.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the bytes `range` of [`Scalar::text`] are written. An escape counts as a whole; places behind the end
    /// are the end.
    #[must_use]
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let start = self.source_offset(range.start);
        let end = if range.end > range.start { self.source_end(range.end).min(self.span.end) } else { start };
        Span::new(start, end.max(start))
    }

    /// The parts of the text that are written in one go, in order, and where: either as they read, or (an
    /// escape, a fold) as a whole.
    pub fn pieces(&self) -> impl Iterator<Item = (Range<u32>, Span)> {
        let length = clamp(self.text.len());
        let whole = (0..length, Span::new(self.origin, self.origin.saturating_add(length)));
        let is_one = self.pieces.is_empty();
        let pieces = self.pieces.iter().map(|piece| (piece.start..piece.start + piece.length, piece.source));
        is_one.then_some(whole).into_iter().chain(pieces)
    }

    /// Where byte `offset` of [`Scalar::text`] is written.
    #[must_use]
    pub fn source_offset(&self, offset: usize) -> u32 {
        self.source_start(offset).min(self.span.end)
    }

    /// The byte of [`Scalar::text`] that is written at byte `source` of the file (or the nearest one after it).
    #[must_use]
    pub fn text_offset(&self, source: u32) -> usize {
        if self.pieces.is_empty() {
            return (source.saturating_sub(self.origin) as usize).min(self.text.len());
        }
        let next = self.pieces.partition_point(|piece| piece.source.end <= source);
        let Some(piece) = self.pieces.get(next) else { return self.text.len() };
        let inside = if piece.is_verbatim() { source.saturating_sub(piece.source.start) } else { 0 };
        (piece.start + inside) as usize
    }

    fn source_start(&self, offset: usize) -> u32 {
        let offset = clamp(offset.min(self.text.len()));
        let next = self.pieces.partition_point(|piece| piece.start <= offset);
        let Some(piece) = next.checked_sub(1).and_then(|last| self.pieces.get(last)) else {
            return self.origin + offset;
        };
        let inside = offset - piece.start;
        if inside >= piece.length {
            piece.source.end
        } else if piece.is_verbatim() {
            piece.source.start + inside
        } else {
            piece.source.start
        }
    }

    fn source_end(&self, offset: usize) -> u32 {
        let offset = clamp(offset.min(self.text.len()));
        let next = self.pieces.partition_point(|piece| piece.start < offset);
        let Some(piece) = next.checked_sub(1).and_then(|last| self.pieces.get(last)) else {
            return self.origin + offset;
        };
        let inside = offset - piece.start;
        if piece.is_verbatim() { piece.source.start + inside.min(piece.length) } else { piece.source.end }
    }
}

fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
