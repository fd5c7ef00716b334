//! Flow style: `{a: b}` and `[a, b]`, free of columns but for the lines' being deeper than what holds them.

use super::{OUTSIDE, Parser};
use crate::SyntaxKind;
use crate::error::{ErrorKind, SyntaxError, quote};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// Whether `{`, one word, `}` stands here: the beginning of an expression.
    pub(super) fn is_word_in_braces(&self, at: usize) -> bool {
        let word = self.skip_blanks(at + 1);
        self.kind(at) == TokenKind::LeftBrace
            && self.kind(word) == TokenKind::Word
            && self.kind(self.skip_blanks(word + 1)) == TokenKind::RightBrace
    }

    /// A collection in brackets that is a value of block style. Of one that is never closed that alone is told:
    /// what follows was most probably not meant to be in it.
    pub(super) fn outermost_flow(&mut self, floor: i64) {
        let (before, bracket) = (self.errors.count(), self.span(self.position, self.position + 1));
        self.flow_collection(floor);
        self.errors.keep_cause(before, |error| {
            error.kind == ErrorKind::UnclosedBracket && error.span.start == bracket.start
        });
    }

    /// A collection in brackets.
    pub(super) fn flow_collection(&mut self, floor: i64) {
        if !self.enter() {
            return self.skip_flow(floor);
        }
        let at = self.position;
        if self.kind(at) == TokenKind::LeftBrace {
            self.open(SyntaxKind::FlowMapping);
            self.emit(SyntaxKind::LeftBrace, at + 1);
            self.flow_parts(at, floor);
        } else {
            self.open(SyntaxKind::FlowSequence);
            self.emit(SyntaxKind::LeftBracket, at + 1);
            self.flow_parts(at, floor);
        }
        self.close();
        self.leave();
    }

    /// The parts up to the closing bracket.
    fn flow_parts(&mut self, opening: usize, floor: i64) {
        let mut has_part = false;
        loop {
            let next = self.next_content();
            if self.ends_flow(next, floor) {
                return self.unclosed(opening);
            }
            self.emit_trivia(next);
            let kind = self.kind(next);
            if kind.is_closing() {
                return self.closing(opening);
            } else if kind == TokenKind::Comma {
                self.comma(has_part);
                has_part = false;
            } else if has_part && self.is_flow_colon(next) {
                self.second_colon();
            } else {
                if has_part {
                    let message = "expected `,` before this";
                    self.error(ErrorKind::ExpectedComma, self.span(next, next + 1), message);
                }
                self.flow_part(opening, floor);
                has_part = true;
            }
        }
    }

    /// `: ` in a value.
    fn second_colon(&mut self) {
        let at = self.position;
        let message = "a text with `: ` in it is quoted inside `{ }` and `[ ]`";
        self.error(ErrorKind::ExpectedComma, self.span(at, at + 1), message);
        self.open(SyntaxKind::Error);
        self.emit(SyntaxKind::ErrorText, self.expression_end(at).max(at + 1));
        self.close();
    }

    /// Whether a collection that is still open must end before token `next`: the lines that follow belong to the block.
    fn ends_flow(&self, next: usize, floor: i64) -> bool {
        let column = self.column(next);
        if column == OUTSIDE {
            return true;
        }
        let is_first_of_line = self.first_of_line(next);
        let is_outside = column <= floor && !(self.kind(next).is_closing() && column == floor);
        is_first_of_line && is_outside
    }

    fn first_of_line(&self, index: usize) -> bool {
        let mut before = index;
        while self.kind_before(before).is_blank() {
            before -= 1;
        }
        self.kind_before(before) == TokenKind::Newline
    }

    fn unclosed(&mut self, opening: usize) {
        let span = self.span(opening, opening + 1);
        let is_quote_inside =
            |last: &SyntaxError| last.kind == ErrorKind::UnclosedQuote && last.span.start > span.start;
        if self.errors.last().is_some_and(is_quote_inside) {
            // The quote swallowed the bracket.
            return;
        }
        let bracket = self.text_of(opening, opening + 1);
        self.error(ErrorKind::UnclosedBracket, span, format!("this `{bracket}` is never closed"));
    }

    fn closing(&mut self, opening: usize) {
        let at = self.position;
        let is_brace = self.kind(at) == TokenKind::RightBrace;
        if is_brace != (self.kind(opening) == TokenKind::LeftBrace) {
            let message = format!("`{}` closes a bracket of the other kind", self.text_of(at, at + 1));
            let error = SyntaxError::new(ErrorKind::UnexpectedBracket, self.span(at, at + 1), message);
            let expected = if is_brace { "]" } else { "}" };
            let error = error.label(self.span(opening, opening + 1), "opened here");
            self.report(error.fix(format!("write `{expected}`"), self.span(at, at + 1), expected));
        }
        self.emit(if is_brace { SyntaxKind::RightBrace } else { SyntaxKind::RightBracket }, at + 1);
    }

    fn comma(&mut self, has_part: bool) {
        let at = self.position;
        if !has_part {
            let message = "nothing stands before this comma";
            self.error(ErrorKind::EmptyPart, self.span(at, at + 1), message);
        }
        self.emit(SyntaxKind::Comma, at + 1);
    }

    /// `key: value` in braces; a value, or a mapping of one entry, in brackets.
    fn flow_part(&mut self, opening: usize, floor: i64) {
        let is_mapping = self.kind(opening) == TokenKind::LeftBrace;
        let checkpoint = self.builder.checkpoint();
        if is_mapping {
            self.flow_entry(checkpoint, floor);
        } else {
            let key = self.position;
            self.flow_value(floor);
            let colon = self.next_content();
            if self.is_colon_of(key, colon) {
                self.builder.start_node_at(checkpoint, SyntaxKind::FlowMapping.into());
                self.flow_entry_behind_key(checkpoint, key, floor);
                self.close();
            }
            self.builder.start_node_at(checkpoint, SyntaxKind::Item.into());
            self.close();
        }
    }

    fn flow_entry(&mut self, checkpoint: rowan::Checkpoint, floor: i64) {
        let key = self.position;
        if self.is_flow_colon(self.position) {
            let message = "a value without a key";
            self.error(ErrorKind::EmptyPart, self.span(self.position, self.position + 1), message);
        } else {
            self.flow_value(floor);
        }
        self.flow_entry_behind_key(checkpoint, key, floor);
    }

    /// Makes what stands since `checkpoint` a key, and reads its value.
    fn flow_entry_behind_key(&mut self, checkpoint: rowan::Checkpoint, key: usize, floor: i64) {
        self.builder.start_node_at(checkpoint, SyntaxKind::Entry.into());
        self.builder.start_node_at(checkpoint, SyntaxKind::Key.into());
        self.close();
        let colon = self.next_content();
        if self.is_colon_of(key, colon) && !self.ends_flow(colon, floor) {
            self.emit_trivia(colon);
            self.emit(SyntaxKind::Colon, colon + 1);
            let value = self.next_content();
            let kind = self.kind(value);
            if !(kind == TokenKind::Comma || kind.is_closing() || self.ends_flow(value, floor)) {
                self.emit_trivia(value);
                self.flow_value(floor);
            }
        }
        self.close();
    }

    /// A colon that separates: before a blank or punctuation.
    fn is_flow_colon(&self, index: usize) -> bool {
        let next = self.kind(index + 1);
        self.kind(index) == TokenKind::Colon && (next.is_separator() || next.is_flow_punctuation())
    }

    /// A colon that separates the key that begins at `key`: directly behind a quoted one nothing need follow it.
    fn is_colon_of(&self, key: usize, index: usize) -> bool {
        let is_quoted = self.kind(key).is_quote() && self.kind_before(index).is_quote();
        self.is_flow_colon(index) || is_quoted && self.kind(index) == TokenKind::Colon
    }

    fn flow_value(&mut self, floor: i64) {
        let kind = self.kind(self.position);
        if self.is_word_in_braces(self.position) {
            self.unquoted_expression();
        } else if kind.is_opening() {
            self.flow_collection(floor);
        } else {
            self.open(SyntaxKind::Scalar);
            if kind.is_quote() {
                self.quoted(floor);
            } else {
                self.flow_plain(floor);
            }
            self.close();
        }
    }

    /// `{price} times {volume}` where it should have quotes: up to the comma or bracket that ends it.
    fn unquoted_expression(&mut self) {
        let at = self.position;
        let end = self.expression_end(at);
        let span = self.span(at, end);
        let error = SyntaxError::new(
            ErrorKind::UnquotedExpression,
            span,
            "an expression that begins with a brace is quoted inside `{ }` and `[ ]`",
        );
        self.report(error.fix("quote it", span, quote(span.of(self.text))));
        self.open(SyntaxKind::Scalar);
        self.emit(SyntaxKind::Plain, end);
        self.close();
    }

    fn expression_end(&self, at: usize) -> usize {
        let mut depth = 0_u32;
        let mut end = at;
        for index in at.. {
            let kind = self.kind(index);
            let is_end = kind.is_line_end() || self.is_comment(index);
            if is_end || depth == 0 && (kind == TokenKind::Comma || kind.is_closing()) {
                break;
            } else if kind.is_opening() {
                depth += 1;
            } else if kind.is_closing() {
                depth -= 1;
            }
            if !kind.is_blank() {
                end = index + 1;
            }
        }
        end
    }

    /// A plain text in flow style; further lines continue it.
    fn flow_plain(&mut self, floor: i64) {
        let from = self.position;
        self.report_block_mark(from);
        loop {
            let end = self.flow_text_end(self.position);
            self.check_blanks(self.position, end);
            self.emit(SyntaxKind::Plain, end);
            let ahead = self.look_ahead(self.position);
            if ahead.comment || !self.continues_flow_text(ahead.content, floor) {
                break;
            }
            self.emit_trivia(ahead.content);
        }
        self.report_reserved(from, self.position, false);
    }

    fn continues_flow_text(&self, next: usize, floor: i64) -> bool {
        let kind = self.kind(next);
        self.first_of_line(next)
            && !self.ends_flow(next, floor)
            && !kind.is_flow_punctuation()
            && !self.is_flow_colon(next)
            && !self.is_flow_colon(self.skip_blanks(self.flow_text_end(next)))
    }

    /// Signs that mean something only in block style.
    fn report_block_mark(&mut self, at: usize) {
        let is_block = matches!(self.kind(at), TokenKind::Pipe | TokenKind::Greater);
        if is_block || self.is_dash(at) || self.is_explicit_key(at) {
            let mark = self.text_of(at, at + 1);
            let message = format!("a text that begins with `{mark}` is quoted inside `{{ }}` and `[ ]`");
            self.error(ErrorKind::ReservedCharacter, self.span(at, at + 1), message);
        }
    }

    /// The end of a plain text in its line, at least one token long.
    fn flow_text_end(&self, from: usize) -> usize {
        let mut end = from + 1;
        let mut index = from + 1;
        loop {
            let kind = self.kind(index);
            let is_end = kind.is_line_end() || kind.is_flow_punctuation();
            if is_end || self.is_flow_colon(index) || self.is_comment(index) {
                return end;
            }
            index += 1;
            if !kind.is_blank() {
                end = index;
            }
        }
    }

    /// Puts a collection that is nested too deep into one flat error node.
    fn skip_flow(&mut self, floor: i64) {
        self.open(SyntaxKind::Error);
        let mut depth = 0_u32;
        loop {
            let next = self.next_content();
            if self.ends_flow(next, floor) {
                break;
            }
            self.emit_trivia(next);
            let kind = self.kind(next);
            self.emit(SyntaxKind::ErrorText, next + 1);
            if kind.is_opening() {
                depth += 1;
            } else if kind.is_closing() {
                depth -= 1;
            }
            if depth == 0 {
                break;
            }
        }
        self.close();
    }
}
