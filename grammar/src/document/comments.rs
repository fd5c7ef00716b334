//! Comments, and what they stand beside: the language server shows them, the compiler reads directives in them.

use crate::Span;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// Where it stands.
    pub placement: Placement,
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Behind something: from the beginning of the line to its end.
    Trailing(Span),
    /// On a line of its own, before the first key of the file.
    Head,
    /// On a line of its own, above an entry or an item, which is this whole place.
    Above(Span),
    /// On a line of its own, with no key behind it.
    Last,
}

impl Comment {
    /// What it says, without `#` and the blanks around it.
    #[must_use]
    pub fn text<'t>(&self, source: &'t str) -> &'t str {
        self.span.of(source).trim_start_matches('#').trim()
    }
}
