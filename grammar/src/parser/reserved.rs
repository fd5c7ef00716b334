//! Texts that begin with a character that YAML gives another meaning: errors that say what to use instead.

use super::Parser;
use crate::Span;
use crate::error::{ErrorKind, SyntaxError, quote};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// Reports a plain text of tokens `from` to `to` if it must be quoted. `holds_more`: deeper lines belong to it,
    /// so that in YAML it would be the mark of what they hold, and quotes would make a name of it.
    pub(super) fn report_reserved(&mut self, from: usize, to: usize, holds_more: bool) {
        let span = self.span(from, to);
        let text = span.of(self.text);
        let error = match self.kind(from) {
            TokenKind::Reserved => reserved(text, span),
            TokenKind::RightBrace | TokenKind::RightBracket | TokenKind::Comma | TokenKind::Hash => {
                let message = format!("a value cannot begin with `{}`", self.text_of(from, from + 1));
                SyntaxError::new(ErrorKind::ReservedCharacter, span, message)
            }
            TokenKind::Word if text == "<<" => {
                let message = "merge keys (`<<`) are not supported";
                let error = SyntaxError::new(ErrorKind::MergeKey, span, message);
                return self.report(error.help("use `extends` to take over what another item has"));
            }
            _ => return,
        };
        let is_mark = holds_more && matches!(error.kind, ErrorKind::Anchor | ErrorKind::Tag);
        self.report(if is_mark { error } else { error.fix("quote it", span, quote(text)) });
    }
}

fn reserved(text: &str, span: Span) -> SyntaxError {
    let first: String = text.chars().take(1).collect();
    let (kind, message, help) = match first.as_str() {
        "&" => (
            ErrorKind::Anchor,
            "anchors (`&name`) are not supported",
            "use `extends` to share what items have in common",
        ),
        "*" if text == "*" => (ErrorKind::ReservedCharacter, "`*` is written in quotes", "write `\"*\"`"),
        "*" => (
            ErrorKind::Alias,
            "aliases (`*name`) are not supported",
            "use `extends` to share what items have in common",
        ),
        "!" if text.starts_with("!!") || text.starts_with("!<") => (
            ErrorKind::Tag,
            "tags (`!!name`) are not supported",
            "leave the tag out: the key decides what a text is",
        ),
        _ => {
            let message = format!("a text that begins with `{first}` is written in quotes");
            return SyntaxError::new(ErrorKind::ReservedCharacter, span, message);
        }
    };
    SyntaxError::new(kind, span, message).help(help)
}
