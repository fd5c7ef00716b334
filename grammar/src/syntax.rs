//! The kinds of nodes and tokens, and the rowan types made of them.
//!
//! The tree holds every byte of the text. Its shape:
//!
//! ```text
//! Root      = trivia | DocumentStart | Error | value
//! value     = Mapping | Sequence | Named | Scalar | FlowMapping | FlowSequence
//! Mapping   = (Entry | Error | trivia)*            Entry = Key Colon value?
//! Sequence  = (Item | Error | trivia)*             Item  = Dash value?
//! Named     = Scalar Mapping                       a name with overrides below it
//! Key       = Scalar
//! Scalar    = Plain (trivia Plain)* | SingleQuoted | DoubleQuoted | BlockHeader trivia (BlockLine | trivia)*
//! trivia    = Whitespace | Newline | Comment | ByteOrderMark
//! ```

use rowan::Language;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What a node or a token of the tree is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SyntaxKind {
            $($(#[$doc])* $kind,)*
        }

        const KINDS: &[SyntaxKind] = &[$(SyntaxKind::$kind,)*];
    };
}

kinds! {
    /// The whole file.
    Root,
    /// Keys with values, one below the other.
    Mapping,
    /// A key and its value, in a block or a flow mapping.
    Entry,
    /// The key of an entry.
    Key,
    /// Items with dashes.
    Sequence,
    /// An item of a block or a flow sequence.
    Item,
    /// A name with overrides below it.
    Named,
    /// One text.
    Scalar,
    /// `{a: b}`.
    FlowMapping,
    /// `[a, b]`.
    FlowSequence,
    /// Text that could not be understood.
    Error,
    /// Blanks and tabs outside of texts.
    Whitespace,
    /// The end of a line.
    Newline,
    /// From `#` to the end of the line.
    Comment,
    /// At the beginning of a file.
    ByteOrderMark,
    /// `---`.
    DocumentStart,
    /// `-` before an item.
    Dash,
    /// `:` after a key.
    Colon,
    /// `,` in flow style.
    Comma,
    /// `{`.
    LeftBrace,
    /// `}`.
    RightBrace,
    /// `[`.
    LeftBracket,
    /// `]`.
    RightBracket,
    /// One line of a plain scalar.
    Plain,
    /// `'...'` with its quotes.
    SingleQuoted,
    /// `"..."` with its quotes.
    DoubleQuoted,
    /// `|` or `>` with its indicators.
    BlockHeader,
    /// One line of a block scalar, without its indentation.
    BlockLine,
    /// Text inside an error node.
    ErrorText,
}

impl SyntaxKind {
    /// Whether it carries no meaning: blanks, line ends, comments.
    #[must_use]
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Newline | Self::Comment | Self::ByteOrderMark)
    }
}

impl From<SyntaxKind> for rowan::SyntaxKind {
    fn from(kind: SyntaxKind) -> Self {
        Self(kind as u16)
    }
}

impl From<rowan::SyntaxKind> for SyntaxKind {
    fn from(kind: rowan::SyntaxKind) -> Self {
        KINDS.get(usize::from(kind.0)).copied().unwrap_or(Self::Error)
    }
}

/// The language of the tree, for rowan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyLanguage {}

impl Language for PolicyLanguage {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        raw.into()
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        kind.into()
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<PolicyLanguage>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<PolicyLanguage>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_survive_the_way_through_rowan() {
        for kind in KINDS {
            assert_eq!(SyntaxKind::from(rowan::SyntaxKind::from(*kind)), *kind);
        }
    }
}
