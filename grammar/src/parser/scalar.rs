//! Texts: plain, quoted and block scalars.

use super::Parser;
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::TokenKind;
use crate::{Span, SyntaxKind};

impl Parser<'_> {
    /// A plain or quoted text in block style.
    pub(super) fn scalar(&mut self, floor: i64) {
        self.open(SyntaxKind::Scalar);
        if self.kind(self.position).is_quote() {
            self.quoted(floor);
        } else {
            self.plain(floor);
        }
        self.close();
    }

    /// A plain text: up to the end of the line, and the deeper lines that are no keys.
    fn plain(&mut self, floor: i64) {
        let from = self.position;
        loop {
            let end = self.text_end(self.position);
            self.check_blanks(self.position, end);
            self.emit(SyntaxKind::Plain, end);
            match self.continuation(floor) {
                Some(next) => self.emit_trivia(next),
                None => break,
            }
        }
        let next = self.look_ahead(self.position).content;
        let holds_more = self.column(next) > floor;
        self.report_reserved(from, self.position, holds_more);
    }

    fn continuation(&mut self, floor: i64) -> Option<usize> {
        let ahead = self.look_ahead(self.position);
        let next = ahead.content;
        let continues = !ahead.comment
            && self.column(next) > floor
            && !self.is_key_below_text(next)
            && !self.is_keyed_item(next);
        continues.then_some(next)
    }

    /// A text in quotes; one that is never closed ends with its first line.
    pub(super) fn quoted(&mut self, floor: i64) {
        let at = self.position;
        let is_single = self.kind(at) == TokenKind::SingleQuote;
        let kind = if is_single { SyntaxKind::SingleQuoted } else { SyntaxKind::DoubleQuoted };
        if let Some(end) = self.quoted_end(at, Some(floor)) {
            return self.emit(kind, end);
        }
        let end = self.line_text_end(at);
        let span = self.span(at, end);
        let quote = if is_single { "'" } else { "\"" };
        let error = SyntaxError::new(ErrorKind::UnclosedQuote, span, format!("this {quote} is never closed"));
        self.report(error.fix("close the quotes", Span::empty(span.end), quote));
        self.emit(kind, end);
    }

    /// The end of the line's text, comments being part of it.
    fn line_text_end(&self, at: usize) -> usize {
        let mut end = self.line_end(at);
        while end > at + 1 && self.kind_before(end).is_blank() {
            end -= 1;
        }
        end
    }

    pub(super) fn quoted_end_in_line(&self, at: usize) -> Option<usize> {
        self.quoted_end(at, None)
    }

    /// The token behind the closing quote. Lines after the first must be deeper than `floor`; without `floor` there
    /// are none.
    fn quoted_end(&self, at: usize, floor: Option<i64>) -> Option<usize> {
        let quote = self.kind(at);
        let mut index = at + 1;
        loop {
            let kind = self.kind(index);
            let next = self.kind(index + 1);
            if kind == TokenKind::EndOfFile {
                return None;
            } else if kind == TokenKind::Newline {
                index = self.quoted_line(index + 1, floor?)?;
            } else if is_escaped_pair(quote, kind, next) {
                index += 2;
            } else if kind == quote {
                return Some(index + 1);
            } else {
                index += 1;
            }
        }
    }

    /// The first token that is no blank in a further line of a quoted text.
    fn quoted_line(&self, at: usize, floor: i64) -> Option<usize> {
        let first = self.skip_blanks(at);
        let is_inside = self.kind(first) == TokenKind::Newline || self.column(first) > floor;
        (is_inside && !self.is_document_mark(first)).then_some(first)
    }

    /// `|` or `>` and the lines below it.
    pub(super) fn block_scalar(&mut self, floor: i64) {
        self.open(SyntaxKind::Scalar);
        let indentation = self.block_header();
        if !self.emit_line_rest() {
            self.emit_blanks_here();
            let message = "the text of a block begins on the next line";
            let error = SyntaxError::new(ErrorKind::BlockHeader, self.line_span(), message);
            self.report(error.help("put quotes around a value that begins with `>` or `|`"));
            self.skip_line();
        }
        let column = match indentation {
            Some(deeper) => floor.max(0) + i64::from(deeper),
            None => self.block_column(floor),
        };
        self.block_lines(column);
        self.close();
    }

    /// `|`, `>-`, `|2+`: the indentation that it gives.
    fn block_header(&mut self) -> Option<u32> {
        let at = self.position;
        let mut end = at + 1;
        while !self.kind(end).is_separator() {
            end += 1;
        }
        let indicators = self.text_of(at + 1, end);
        let parsed = block_indicators(indicators);
        if parsed.is_none() {
            let message = format!("`{indicators}` says nothing about a block");
            let error = SyntaxError::new(ErrorKind::BlockHeader, self.span(at, end), message);
            self.report(error.help("`|` or `>` is followed by `-`, `+`, a digit, or nothing"));
        }
        self.emit(SyntaxKind::BlockHeader, end);
        parsed.flatten()
    }

    /// The column of the first line that is not blank. Without one, no blank line has blanks that are text.
    fn block_column(&self, floor: i64) -> i64 {
        let mut index = self.position + 1;
        let mut widest = floor + 1;
        while matches!(self.kind(index), TokenKind::Newline | TokenKind::Space) {
            index += 1;
            widest = widest.max(i64::from(self.token(index).column));
        }
        let column = self.column(index);
        if column > floor { column } else { widest }
    }

    fn block_lines(&mut self, column: i64) {
        while self.kind(self.position) == TokenKind::Newline {
            let line = self.position + 1;
            let first = if self.kind(line) == TokenKind::Space { line + 1 } else { line };
            let is_blank = self.kind(first).is_line_end();
            if !is_blank && self.column(first) < column {
                return;
            }
            self.emit(SyntaxKind::Newline, line);
            let indentation = i64::from(self.token(first).column).min(column);
            let indentation = u32::try_from(indentation).unwrap_or(0);
            self.emit_bytes(SyntaxKind::Whitespace, self.start(line) + indentation);
            let end = self.line_end(first);
            self.check_blanks(first, end);
            self.emit(SyntaxKind::BlockLine, end);
        }
    }
}

/// Two tokens that stand for one character inside quotes.
fn is_escaped_pair(quote: TokenKind, kind: TokenKind, next: TokenKind) -> bool {
    match quote {
        TokenKind::SingleQuote => kind == quote && next == quote,
        _ => kind == TokenKind::Backslash && (next == quote || next == TokenKind::Backslash),
    }
}

/// The digit among the indicators of a block; `None` if they are wrong.
fn block_indicators(text: &str) -> Option<Option<u32>> {
    let mut digit = None;
    let mut chomping = None;
    for character in text.chars() {
        match character {
            '1'..='9' if digit.is_none() => digit = character.to_digit(10),
            '+' | '-' if chomping.is_none() => chomping = Some(character),
            _ => return None,
        }
    }
    Some(digit)
}
