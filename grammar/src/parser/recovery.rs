//! What is done with text that is no policy: it is reported, kept in the tree, and left behind.

use super::{OUTSIDE, Parser};
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::TokenKind;
use crate::{Span, SyntaxKind};

impl Parser<'_> {
    /// A line without `key:` in a mapping.
    pub(super) fn unkeyed(&mut self) {
        let at = self.position;
        if self.kind(at) == TokenKind::Word && self.is_missing_blank(at + 1) {
            self.missing_blank(at + 1);
        } else if self.is_single_word(at) && self.has_block_below(at) {
            self.missing_colon();
        } else {
            self.report(self.no_entry(at));
            self.skip_block(self.column(at));
            if self.is_explicit_key(at) {
                self.explicit_value(self.column(at));
            }
        }
    }

    /// `: value` below `? key`, which is known to be wrong.
    fn explicit_value(&mut self, column: i64) {
        let next = self.next_content();
        if self.column(next) == column && self.kind(next) == TokenKind::Colon {
            self.emit_trivia(next);
            self.skip_block(column);
        }
    }

    fn no_entry(&self, at: usize) -> SyntaxError {
        let mark = self.span(at, at + 1);
        if self.is_dash(at) {
            SyntaxError::new(ErrorKind::UnexpectedItem, mark, "a list item among keys")
                .help("a list stands below its key, and a mapping holds either keys or items")
        } else if self.is_explicit_key(at) {
            SyntaxError::new(ErrorKind::ExplicitKey, mark, "keys that begin with `? ` are not supported")
                .help("write `key: value`")
        } else {
            SyntaxError::new(ErrorKind::ExpectedKey, self.line_span(), "expected `key: value`")
                .help("write a `:` behind the key, or move the line to what it belongs to")
        }
    }

    /// `key:value`, but not `http://`.
    fn is_missing_blank(&self, colon: usize) -> bool {
        let value = self.kind(colon + 1);
        self.kind(colon) == TokenKind::Colon
            && (matches!(value, TokenKind::Word | TokenKind::Dash | TokenKind::LeftBrace) || value.is_quote())
            && !self.text_of(colon + 1, colon + 2).starts_with("//")
    }

    fn missing_blank(&mut self, colon: usize) {
        let behind = Span::empty(self.start(colon + 1));
        let error = SyntaxError::new(
            ErrorKind::MissingBlank,
            self.span(colon, colon + 1),
            "a blank is missing after `:`",
        );
        self.report(error.fix("insert a blank", behind, " "));
        self.keyed(colon);
    }

    fn missing_colon(&mut self) {
        let at = self.position;
        let column = self.column(at);
        let key = self.text_of(at, at + 1);
        let message = format!("`:` is missing after the key `{key}`");
        let error = SyntaxError::new(ErrorKind::MissingColon, self.span(at, at + 1), message);
        self.report(error.fix("insert `:`", Span::empty(self.start(at + 1)), ":"));
        self.open(SyntaxKind::Entry);
        self.open(SyntaxKind::Key);
        self.open(SyntaxKind::Scalar);
        self.emit(SyntaxKind::Plain, at + 1);
        self.close();
        self.close();
        self.emit_line_rest();
        self.block_value(column, column);
        self.close();
    }

    /// Whether the line holds a word, a comment perhaps, and nothing else.
    pub(super) fn is_single_word(&self, at: usize) -> bool {
        let behind = self.skip_blanks(at + 1);
        self.kind(at) == TokenKind::Word && (self.kind(behind).is_line_end() || self.is_comment(behind))
    }

    fn has_block_below(&self, at: usize) -> bool {
        let below = self.search_content(self.line_end(at)).content;
        self.column(below) > self.column(at)
            || self.column(below) == self.column(at) && self.is_dash(below) && self.column(at) > OUTSIDE
    }

    /// Puts the rest of this line and all deeper lines below it into a flat error node.
    pub(super) fn skip_block(&mut self, column: i64) {
        self.open(SyntaxKind::Error);
        loop {
            let end = self.text_end(self.position);
            self.emit(SyntaxKind::ErrorText, end);
            self.emit_line_rest();
            let next = self.next_content();
            if self.column(next) <= column {
                break;
            }
            self.emit_trivia(next);
        }
        self.close();
    }

    /// The line must end here, a comment apart.
    pub(super) fn finish_line(&mut self) {
        if self.emit_line_rest() {
            return;
        }
        self.emit_blanks_here();
        let error =
            SyntaxError::new(ErrorKind::TextAfterValue, self.line_span(), "the value ends before this text")
                .help("put one pair of quotes around the whole value");
        self.report(error);
        self.skip_line();
    }

    /// Puts the rest of the line into an error node.
    pub(super) fn skip_line(&mut self) {
        self.open(SyntaxKind::Error);
        self.emit(SyntaxKind::ErrorText, self.text_end(self.position));
        self.close();
        self.emit_line_rest();
    }

    /// The end of the text in the line of `from`, without the blanks and the comment behind it.
    pub(super) fn text_end(&self, from: usize) -> usize {
        let mut end = from;
        let mut index = from;
        while !self.kind(index).is_line_end() && (index == from || !self.is_comment(index)) {
            if !self.kind(index).is_blank() {
                end = index + 1;
            }
            index += 1;
        }
        end
    }

    // Documents.

    /// `---` or `...`. Whether it is the one `---` that may stand before a policy.
    pub(super) fn document_mark(&mut self, is_before_policy: bool) -> bool {
        let at = self.position;
        if self.is_document_end(at) {
            let error = SyntaxError::new(
                ErrorKind::DocumentEnd,
                self.line_span(),
                "`...` is not supported: the file's end is the policy's",
            );
            self.report(error.fix("remove the line", self.span(at, at + 1), ""));
            self.skip_block(if is_before_policy { self.column(at).max(0) } else { OUTSIDE });
            return false;
        }
        if is_before_policy {
            self.emit(SyntaxKind::DocumentStart, at + 3);
            return true;
        }
        let error = SyntaxError::new(
            ErrorKind::SeveralDocuments,
            self.span(at, at + 3),
            "a second document in one file",
        );
        self.report(error.help("put it into a file of its own: all files of a policy are read together"));
        self.skip_block(OUTSIDE);
        false
    }

    /// `%YAML 1.2`.
    pub(super) fn is_directive(&self, at: usize) -> bool {
        self.column(at) == 0 && self.text_of(at, at + 1) == "%" && self.key_colon(at).is_none()
    }

    pub(super) fn directive(&mut self) {
        let span = self.line_span();
        let error = SyntaxError::new(ErrorKind::Directive, span, "`%` directives are not supported");
        self.report(error.fix("remove the line", span, ""));
        self.skip_line();
    }

    // Characters.

    pub(super) fn byte_order_mark(&mut self) {
        self.emit(SyntaxKind::ByteOrderMark, self.position + 1);
    }

    /// Reports what is wrong wherever it stands.
    pub(super) fn report_control_characters(&mut self) {
        for index in 0..self.tokens.len() {
            let span = self.span(index, index + 1);
            match self.kind(index) {
                TokenKind::Control => self.report(control_character(span, span.of(self.text))),
                TokenKind::ByteOrderMark if index > 0 => self.report(
                    SyntaxError::new(
                        ErrorKind::NoBreakSpace,
                        span,
                        "an invisible byte order mark inside the text",
                    )
                    .fix("remove it", span, ""),
                ),
                _ => {}
            }
            if self.errors.is_full() {
                return;
            }
        }
    }

    /// Reports no-break spaces, and tabs that are meant to indent.
    pub(super) fn check_blanks(&mut self, from: usize, to: usize) {
        let begins_line = matches!(self.kind_before(from), TokenKind::Newline | TokenKind::ByteOrderMark);
        let indents = begins_line && !self.kind(to).is_line_end() && !self.is_comment(to);
        for index in from..to {
            let span = self.span(index, index + 1);
            match self.kind(index) {
                TokenKind::NoBreakSpace => self.report(no_break_space(span, span.of(self.text))),
                TokenKind::Tab if indents => self.report(tab(span)),
                _ => {}
            }
        }
    }
}

fn control_character(span: Span, text: &str) -> SyntaxError {
    let code = text.chars().next().map_or(0, u32::from);
    SyntaxError::new(ErrorKind::ControlCharacter, span, format!("control character U+{code:04X}")).fix(
        "remove it",
        span,
        "",
    )
}

fn no_break_space(span: Span, text: &str) -> SyntaxError {
    let blanks = " ".repeat(text.chars().count());
    SyntaxError::new(ErrorKind::NoBreakSpace, span, "a no-break space, which looks like a blank but is none")
        .fix("write a blank", span, blanks)
}

fn tab(span: Span) -> SyntaxError {
    let blanks = "  ".repeat((span.end - span.start) as usize);
    SyntaxError::new(ErrorKind::TabIndentation, span, "a tab in the indentation")
        .help("indent with blanks only")
        .fix("write two blanks a tab", span, blanks)
}
