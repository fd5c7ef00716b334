//! The lexer: raw tokens, each with the column in which it stands.
//!
//! What a character means depends on where it stands (a `#` after a blank begins a comment, but not
//! inside quotes), so the tokens are fine-grained: every character that can mean something is a
//! token of its own, and the parser joins what belongs to one text.

use logos::Logos;

/// The columns that a tab counts for, so that a file indented with tabs can still be understood.
const TAB_WIDTH: u32 = 2;

/// What a raw token is.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    #[regex(r"\r\n|\n|\r")]
    Newline,
    #[regex(" +")]
    Space,
    #[regex(r"\t+")]
    Tab,
    #[regex("[\u{A0}\u{2007}\u{202F}]+")]
    NoBreakSpace,
    #[token("\u{FEFF}")]
    ByteOrderMark,
    #[regex(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]+")]
    Control,
    #[token("-")]
    Dash,
    #[token(":")]
    Colon,
    #[token("?")]
    Question,
    #[token(",")]
    Comma,
    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("#")]
    Hash,
    #[token("'")]
    SingleQuote,
    #[token("\"")]
    DoubleQuote,
    #[token("\\")]
    Backslash,
    #[token("|")]
    Pipe,
    #[token(">")]
    Greater,
    #[regex("[!*&%@`]")]
    Reserved,
    #[regex(
        "[^ \t\r\n\u{A0}\u{2007}\u{202F}\u{FEFF}\\x00-\\x1F\\x7F:?,{}\\[\\]#'\"\\\\|>!*&%@`-][^ \t\r\n\u{A0}\u{2007}\u{202F}\u{FEFF}\\x00-\\x1F\\x7F:,{}\\[\\]'\"\\\\]*"
    )]
    Word,
    EndOfFile,
}

impl TokenKind {
    /// Blanks within a line.
    pub(crate) fn is_blank(self) -> bool {
        matches!(self, Self::Space | Self::Tab | Self::NoBreakSpace)
    }

    pub(crate) fn is_line_end(self) -> bool {
        matches!(self, Self::Newline | Self::EndOfFile)
    }

    /// What may follow a `-`, `:` or `?` that means something.
    pub(crate) fn is_separator(self) -> bool {
        self.is_blank() || self.is_line_end()
    }

    pub(crate) fn is_opening(self) -> bool {
        matches!(self, Self::LeftBrace | Self::LeftBracket)
    }

    pub(crate) fn is_closing(self) -> bool {
        matches!(self, Self::RightBrace | Self::RightBracket)
    }

    /// What ends a plain text in flow style.
    pub(crate) fn is_flow_punctuation(self) -> bool {
        self == Self::Comma || self.is_opening() || self.is_closing()
    }

    pub(crate) fn is_quote(self) -> bool {
        matches!(self, Self::SingleQuote | Self::DoubleQuote)
    }
}

/// A raw token. It ends where the next one begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: u32,
    /// In blanks from the beginning of the line.
    pub(crate) column: u32,
}

/// The raw tokens of a text, an [`TokenKind::EndOfFile`] behind them.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    // A token of a policy has four bytes on average.
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    let mut column = 0;
    for (kind, range) in TokenKind::lexer(text).spanned() {
        let kind = kind.unwrap_or(TokenKind::Word);
        let start = offset(range.start);
        tokens.push(Token { kind, start, column });
        column = column_after(kind, column, offset(range.len()));
    }
    tokens.push(Token { kind: TokenKind::EndOfFile, start: offset(text.len()), column });
    tokens
}

fn column_after(kind: TokenKind, column: u32, length: u32) -> u32 {
    match kind {
        TokenKind::Newline => 0,
        TokenKind::ByteOrderMark => column,
        TokenKind::Tab => column.saturating_add(length.saturating_mul(TAB_WIDTH)),
        TokenKind::NoBreakSpace => column.saturating_add((length / 2).max(1)),
        _ => column.saturating_add(length),
    }
}

/// Texts are limited to less than 4 GiB before they come here.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokenize(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn a_key_with_a_value_is_word_colon_space_word() {
        use TokenKind::*;
        assert_eq!(kinds("unit: MB/hr"), [Word, Colon, Space, Word, EndOfFile]);
        assert_eq!(kinds("- {price}\r\n"), [Dash, Space, LeftBrace, Word, RightBrace, Newline, EndOfFile]);
    }

    #[test]
    fn signs_inside_a_word_belong_to_it_but_quotes_and_colons_do_not() {
        use TokenKind::*;
        assert_eq!(kinds("MB-Hr#x"), [Word, EndOfFile]);
        assert_eq!(kinds("it's"), [Word, SingleQuote, Word, EndOfFile]);
    }

    #[test]
    fn columns_begin_anew_with_each_line_and_a_byte_order_mark_has_none() {
        let columns: Vec<u32> = tokenize("\u{FEFF}a\n\tb").iter().map(|token| token.column).collect();
        assert_eq!(columns, [0, 0, 1, 0, 2, 3]);
    }
}
