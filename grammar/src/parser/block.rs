//! Block style: mappings, sequences and names with overrides, held together by columns.

use super::{OUTSIDE, Parser};
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::TokenKind;
use crate::{Span, SyntaxKind};

impl Parser<'_> {
    /// The whole file.
    pub(super) fn root(&mut self) {
        self.open(SyntaxKind::Root);
        self.report_control_characters();
        self.prologue();
        self.root_value();
        self.epilogue();
        self.emit_trivia(self.tokens.len() - 1);
        self.close();
    }

    /// What may stand before the policy: directives, which are errors, and one `---`.
    fn prologue(&mut self) {
        loop {
            let next = self.next_content();
            if self.is_document_mark(next) {
                self.emit_trivia(next);
                if self.document_mark(true) {
                    return;
                }
            } else if self.is_directive(next) {
                self.emit_trivia(next);
                self.directive();
            } else {
                return;
            }
        }
    }

    fn root_value(&mut self) {
        let next = self.next_content();
        let column = self.column(next);
        if column == OUTSIDE {
            return;
        }
        self.emit_trivia(next);
        let kind = self.kind(next);
        let is_collection = self.is_dash(next)
            || kind.is_opening() && !self.is_word_in_braces(next) && !self.is_broken_entry(next, column);
        if is_collection || kind.is_quote() && self.key_colon(next).is_none() {
            self.node(OUTSIDE);
        } else {
            // A policy is a mapping: lines without a key are errors in it, not a text.
            self.mapping(OUTSIDE, column);
        }
    }

    /// What may stand behind the policy: nothing.
    fn epilogue(&mut self) {
        loop {
            let next = self.next_content();
            self.emit_trivia(next);
            if self.kind(next) == TokenKind::EndOfFile {
                return;
            } else if self.is_document_mark(next) {
                self.document_mark(false);
            } else {
                let message = "this line does not belong to the list or text above it";
                self.error(ErrorKind::BadIndentation, self.line_span(), message);
                self.skip_block(OUTSIDE);
            }
        }
    }

    /// The value in the lines below, if there is one: deeper than `floor`, or a list at `list_column`.
    pub(super) fn block_value(&mut self, floor: i64, list_column: i64) {
        let next = self.next_content();
        let column = self.column(next);
        if self.is_dash(next) && column == list_column && column > OUTSIDE {
            self.emit_trivia(next);
            self.sequence(column - 1, column);
        } else if column > floor {
            self.emit_trivia(next);
            self.node(floor);
        }
    }

    /// A value that begins a line or follows a dash.
    fn node(&mut self, floor: i64) {
        let at = self.position;
        let column = self.column(at);
        if self.is_dash(at) {
            self.sequence(floor, column);
        } else if self.begins_mapping(at, column) {
            self.mapping(floor, column);
        } else {
            self.value(floor);
        }
    }

    fn begins_mapping(&mut self, at: usize, column: i64) -> bool {
        self.is_explicit_key(at)
            || self.is_key_colon(at)
            || self.key_colon(at).is_some()
            || self.is_broken_entry(at, column)
    }

    /// A line without a key that the keys below show to be meant as one of them. A single word is rather a name
    /// with overrides.
    fn is_broken_entry(&mut self, at: usize, column: i64) -> bool {
        if self.kind(at).is_opening() {
            return self.is_unfinished_bracket(at) && self.is_followed_by_key(at, column);
        }
        if self.kind(at) != TokenKind::Word {
            return false;
        }
        let below = self.search_content(self.line_end(at)).content;
        if self.is_single_word(at) {
            return self.column(below) > column && self.is_keyed_item(below);
        }
        self.column(below) == column && self.key_colon(below).is_some()
    }

    /// Whether the next line that is not deeper is a key at that column.
    fn is_followed_by_key(&self, at: usize, column: i64) -> bool {
        let mut below = self.search_content(self.line_end(at)).content;
        while self.column(below) > column {
            below = self.search_content(self.line_end(below)).content;
        }
        self.column(below) == column && self.key_colon(below).is_some()
    }

    /// Whether a bracket is opened by mistake: nothing closes it in its line, and the line does not end as one
    /// does that goes on, with a comma or another bracket.
    fn is_unfinished_bracket(&self, at: usize) -> bool {
        let mut depth = 0_i64;
        let mut last = TokenKind::Comma;
        for index in at..self.line_end(at) {
            let kind = self.kind(index);
            depth += i64::from(kind.is_opening()) - i64::from(kind.is_closing());
            if !kind.is_blank() && index > at {
                last = kind;
            }
        }
        depth > 0 && last != TokenKind::Comma && !last.is_opening() && !self.is_word_in_braces(at)
    }

    /// A value that is no block collection: a text, a name with overrides below it, or a flow collection.
    fn value(&mut self, floor: i64) {
        let checkpoint = self.builder.checkpoint();
        let kind = self.kind(self.position);
        if kind == TokenKind::LeftBracket
            || kind == TokenKind::LeftBrace && !self.is_word_in_braces(self.position)
        {
            self.outermost_flow(floor);
            self.finish_line();
            self.skip_deeper(floor);
        } else if matches!(kind, TokenKind::Pipe | TokenKind::Greater) {
            self.block_scalar(floor);
            self.skip_deeper(floor);
        } else {
            self.scalar(floor);
            self.finish_line();
            self.overrides(checkpoint, floor);
        }
    }

    /// The deeper lines below a text: its overrides, if they are keys.
    fn overrides(&mut self, checkpoint: rowan::Checkpoint, floor: i64) {
        let next = self.next_content();
        let column = self.column(next);
        if column <= floor {
            return;
        }
        if !self.is_key_below_text(next) {
            return self.skip_deeper(floor);
        }
        self.builder.start_node_at(checkpoint, SyntaxKind::Named.into());
        self.emit_trivia(next);
        self.mapping(floor, column);
        self.close();
    }

    /// Lines that are deeper than anything above them allows.
    fn skip_deeper(&mut self, floor: i64) {
        let next = self.next_content();
        if self.column(next) > floor {
            self.emit_trivia(next);
            let message = "this line is deeper than the line above it, whose value is complete";
            self.error(ErrorKind::BadIndentation, self.line_span(), message);
            self.skip_block(floor);
        }
    }

    /// Keys in one column; ends at the first line at `floor` or further left.
    fn mapping(&mut self, floor: i64, column: i64) {
        if !self.enter() {
            return self.skip_block(floor);
        }
        self.open(SyntaxKind::Mapping);
        self.entry();
        loop {
            let next = self.next_content();
            let next_column = self.column(next);
            if next_column <= floor {
                break;
            }
            self.emit_trivia(next);
            if next_column != column && self.key_colon(next).is_some() {
                let message = "this key stands in another column than the keys above it";
                self.error(ErrorKind::BadIndentation, self.line_span(), message);
            }
            self.entry();
        }
        self.close();
        self.leave();
    }

    /// One line of a mapping, with all that is below it.
    fn entry(&mut self) {
        let at = self.position;
        if let Some(colon) = self.key_colon(at) {
            self.keyed(colon);
        } else {
            self.unkeyed();
        }
    }

    pub(super) fn keyed(&mut self, colon: usize) {
        let column = self.column(self.position);
        self.open(SyntaxKind::Entry);
        self.key(colon);
        self.emit_trivia(colon);
        self.emit(SyntaxKind::Colon, colon + 1);
        self.value_of_key(column);
        self.close();
    }

    /// What stands behind `key:`, or below it.
    pub(super) fn value_of_key(&mut self, column: i64) {
        if self.emit_line_rest() {
            return self.block_value(column, column);
        }
        self.emit_blanks_here();
        if self.is_dash(self.position) {
            let message = "a list begins on a line of its own, below its key";
            self.error(ErrorKind::InlineList, self.span(self.position, self.position + 1), message);
        }
        self.value(column);
    }

    fn key(&mut self, colon: usize) {
        let at = self.position;
        let mut end = colon;
        while self.kind_before(end).is_blank() {
            end -= 1;
        }
        self.open(SyntaxKind::Key);
        self.open(SyntaxKind::Scalar);
        match self.kind(at) {
            TokenKind::SingleQuote => self.emit(SyntaxKind::SingleQuoted, end),
            TokenKind::DoubleQuote => self.emit(SyntaxKind::DoubleQuoted, end),
            _ => self.plain_key(end),
        }
        self.close();
        self.close();
    }

    fn plain_key(&mut self, end: usize) {
        self.report_reserved(self.position, end, false);
        self.check_blanks(self.position, end);
        self.emit(SyntaxKind::Plain, end);
    }

    /// Items in one column; ends at the first line at `floor` or further left.
    fn sequence(&mut self, floor: i64, column: i64) {
        if !self.enter() {
            return self.skip_block(floor);
        }
        self.open(SyntaxKind::Sequence);
        self.item();
        loop {
            let next = self.next_content();
            let next_column = self.column(next);
            // A list may stand in the column of its key: then the next key ends it.
            let is_key_after_list = floor + 1 == column && next_column == column && !self.is_dash(next);
            if next_column <= floor || is_key_after_list {
                break;
            }
            self.emit_trivia(next);
            self.later_item(next_column == column);
        }
        self.close();
        self.leave();
    }

    fn later_item(&mut self, is_aligned: bool) {
        if !self.is_dash(self.position) {
            let help = "begin the item with `- `, in the column of the items above";
            let error = SyntaxError::new(
                ErrorKind::ExpectedItem,
                self.line_span(),
                "a line without `- ` among the items of a list",
            );
            self.report(error.help(help));
            return self.skip_block(self.column(self.position));
        }
        if !is_aligned {
            let message = "this item stands in another column than the items above it";
            self.error(ErrorKind::BadIndentation, self.line_span(), message);
        }
        self.item();
    }

    fn item(&mut self) {
        let at = self.position;
        let column = self.column(at);
        self.open(SyntaxKind::Item);
        self.emit(SyntaxKind::Dash, at + 1);
        if self.emit_line_rest() {
            self.block_value(column, OUTSIDE);
        } else {
            self.emit_blanks_here();
            self.node(column);
        }
        self.close();
    }

    pub(super) fn emit_blanks_here(&mut self) {
        self.emit_trivia(self.skip_blanks(self.position));
    }

    // Keys.

    /// The colon of the key that begins at token `at`, if one does.
    pub(super) fn key_colon(&self, at: usize) -> Option<usize> {
        let kind = self.kind(at);
        if kind.is_quote() {
            let colon = self.skip_blanks(self.quoted_end_in_line(at)?);
            return self.is_key_colon(colon).then_some(colon);
        }
        let begins_value = kind.is_flow_punctuation()
            || matches!(kind, TokenKind::Colon | TokenKind::Pipe | TokenKind::Greater | TokenKind::Hash)
            || self.is_dash(at)
            || self.is_explicit_key(at);
        if begins_value { None } else { self.plain_key_colon(at) }
    }

    fn plain_key_colon(&self, at: usize) -> Option<usize> {
        let mut index = at;
        while !self.kind(index).is_line_end() && !self.is_comment(index) {
            if self.is_key_colon(index) {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    fn is_key_colon(&self, index: usize) -> bool {
        self.kind(index) == TokenKind::Colon && self.kind(index + 1).is_separator()
    }

    /// `? ` before a key.
    pub(super) fn is_explicit_key(&self, at: usize) -> bool {
        self.kind(at) == TokenKind::Question && self.kind(at + 1).is_separator()
    }

    /// `- key:`.
    pub(super) fn is_keyed_item(&self, at: usize) -> bool {
        self.is_dash(at) && self.key_colon(self.skip_blanks(at + 1)).is_some()
    }

    /// Whether a line that could continue a text is a key instead. Stricter than at the beginning of a block: a
    /// conditional such as `? price : 0` or `volume > 1 ? price: 0` continues an expression.
    pub(super) fn is_key_below_text(&self, at: usize) -> bool {
        let Some(colon) = self.key_colon(at) else { return false };
        let is_conditional =
            |index| self.kind(index) == TokenKind::Question && self.kind(index + 1).is_blank();
        self.kind(at).is_quote() || !self.kind_before(colon).is_blank() && !(at..colon).any(is_conditional)
    }

    /// The rest of the line, without blanks and comment at its end.
    pub(super) fn line_span(&self) -> Span {
        self.span(self.position, self.text_end(self.position))
    }
}
