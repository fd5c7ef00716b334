//! The document parser: raw tokens to a lossless tree. It never fails.
//!
//! A hand-written recursive descent. Blocks are held together by columns: everything below a line
//! and further right belongs to it, so whatever is wrong inside a block, its end is known, and
//! parsing goes on at the next line that stands no deeper.

mod block;
mod bytes;
mod flow;
mod recovery;
mod reserved;
mod scalar;

use std::sync::Arc;

use rowan::{GreenNode, GreenNodeBuilder};

use crate::document::Document;
use crate::error::{ErrorKind, Errors, SyntaxError};
use crate::lexer::{Token, TokenKind, tokenize};
use crate::{Span, SyntaxKind, SyntaxNode};

pub use bytes::parse_bytes;

/// What a text may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of a file. More than this is not looked at; never more than 4 GiB.
    pub file_bytes_max: usize,
    /// The collections inside each other. Deeper text becomes one flat error node.
    pub depth_max: u32,
    /// The errors of a file that are kept: nobody reads more, and a broken file of 16 MiB has millions.
    pub errors_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes_max: 16 << 20, depth_max: 100, errors_max: 1000 }
    }
}

/// A text that was read, with its tree.
#[derive(Debug, Clone)]
pub struct Parse {
    reading: Reading,
    green: GreenNode,
}

/// What was understood of a text: all that a compiler needs. The tree, which is larger, is for tools that change
/// the text or follow a cursor in it.
#[derive(Debug, Clone)]
pub struct Reading {
    text: Arc<str>,
    document: Document,
    errors: Vec<SyntaxError>,
}

impl Reading {
    /// The text that was read; as long as the bytes it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What is wrong, sorted by place.
    #[must_use]
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }
}

impl Parse {
    /// The text that was read; as long as the bytes it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        self.reading.text()
    }

    /// The lossless tree.
    #[must_use]
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// What was understood.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.reading.document()
    }

    /// What is wrong, sorted by place.
    #[must_use]
    pub fn errors(&self) -> &[SyntaxError] {
        self.reading.errors()
    }

    /// Everything but the tree.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Everything but the tree, which is dropped.
    #[must_use]
    pub fn into_reading(self) -> Reading {
        self.reading
    }
}

/// Reads a text within the default limits.
#[must_use]
pub fn parse(text: &str) -> Parse {
    parse_with(text, Limits::default())
}

/// Reads a text within limits.
#[must_use]
pub fn parse_with(text: &str, limits: Limits) -> Parse {
    let mut errors = Errors::new(limits.errors_max);
    let bytes_max = limits.file_bytes_max.min(u32::MAX as usize - 1);
    if text.len() > bytes_max {
        errors.push(too_large(text.len(), bytes_max));
        return unread(text, errors);
    }
    let mut parser = Parser::new(text, limits, errors);
    parser.root();
    let green = parser.builder.finish();
    let mut errors = parser.errors;
    let document = Document::of(&green, text, &mut errors);
    Parse { reading: Reading { text: text.into(), document, errors: errors.into_sorted() }, green }
}

fn too_large(bytes: usize, bytes_max: usize) -> SyntaxError {
    let message = format!("the file has {bytes} bytes, the limit is {bytes_max}");
    SyntaxError::new(ErrorKind::TooLarge, Span::empty(0), message).help("split the policy into several files")
}

/// A text that is not looked at: one error node.
fn unread(text: &str, errors: Errors) -> Parse {
    let mut builder = GreenNodeBuilder::new();
    builder.start_node(SyntaxKind::Root.into());
    builder.start_node(SyntaxKind::Error.into());
    builder.token(SyntaxKind::ErrorText.into(), text);
    builder.finish_node();
    builder.finish_node();
    let reading = Reading { text: text.into(), document: Document::default(), errors: errors.into_sorted() };
    Parse { reading, green: builder.finish() }
}

/// The column of what stands outside of all blocks.
const OUTSIDE: i64 = -1;

/// The state of a parse: how far the text was read, and the tree so far.
struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The next raw token.
    position: usize,
    /// The bytes that are in the tree.
    emitted: u32,
    builder: GreenNodeBuilder<'static>,
    errors: Errors,
    limits: Limits,
    depth: u32,
    /// The last answer of [`Parser::next_content`], so that the blocks that end at one line do not each search it.
    ahead: Ahead,
}

/// The first token from `from` on that is no trivia.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    from: usize,
    content: usize,
    comment: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, limits: Limits, errors: Errors) -> Self {
        Self {
            text,
            tokens: tokenize(text),
            position: 0,
            emitted: 0,
            builder: GreenNodeBuilder::new(),
            errors,
            limits,
            depth: 0,
            ahead: Ahead { from: usize::MAX, content: 0, comment: false },
        }
    }

    // Looking.

    fn token(&self, index: usize) -> Token {
        let end = Token { kind: TokenKind::EndOfFile, start: 0, column: 0 };
        self.tokens.get(index).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn kind(&self, index: usize) -> TokenKind {
        self.token(index).kind
    }

    fn kind_before(&self, index: usize) -> TokenKind {
        index.checked_sub(1).map_or(TokenKind::Newline, |before| self.kind(before))
    }

    fn start(&self, index: usize) -> u32 {
        self.token(index).start
    }

    /// The bytes of tokens `from` up to, not including, `to`.
    fn span(&self, from: usize, to: usize) -> Span {
        Span::new(self.start(from), self.start(to))
    }

    fn text_of(&self, from: usize, to: usize) -> &'t str {
        self.span(from, to).of(self.text)
    }

    /// Whether a comment begins here: a `#` at the beginning of a line or behind a blank.
    fn is_comment(&self, index: usize) -> bool {
        self.kind(index) == TokenKind::Hash
            && (self.kind_before(index).is_separator() || self.kind_before(index) == TokenKind::ByteOrderMark)
    }

    /// Whether an item begins here: a `-` with a blank behind it.
    fn is_dash(&self, index: usize) -> bool {
        self.kind(index) == TokenKind::Dash && self.kind(index + 1).is_separator()
    }

    /// Whether `---` or `...` stands here, at the beginning of a line.
    fn is_document_mark(&self, index: usize) -> bool {
        self.token(index).column == 0
            && self.kind_before(index) == TokenKind::Newline
            && (self.is_document_start(index) || self.is_document_end(index))
    }

    fn is_document_start(&self, index: usize) -> bool {
        (0..3).all(|n| self.kind(index + n) == TokenKind::Dash) && self.kind(index + 3).is_separator()
    }

    fn is_document_end(&self, index: usize) -> bool {
        self.kind(index + 1).is_separator()
            && self.kind(index) == TokenKind::Word
            && self.text_of(index, index + 1) == "..."
    }

    /// The first token from `index` on that is no blank.
    fn skip_blanks(&self, mut index: usize) -> usize {
        while self.kind(index).is_blank() {
            index += 1;
        }
        index
    }

    /// The end of the line of token `index`.
    fn line_end(&self, mut index: usize) -> usize {
        while !self.kind(index).is_line_end() {
            index += 1;
        }
        index
    }

    /// The first token from here on that is neither blank nor comment, in this line or a later one.
    fn next_content(&mut self) -> usize {
        self.look_ahead(self.position).content
    }

    fn look_ahead(&mut self, from: usize) -> Ahead {
        if self.ahead.from != from {
            self.ahead = self.search_content(from);
        }
        self.ahead
    }

    fn search_content(&self, from: usize) -> Ahead {
        let mut ahead = Ahead { from, content: from, comment: false };
        loop {
            let kind = self.kind(ahead.content);
            if kind.is_blank() || matches!(kind, TokenKind::Newline | TokenKind::ByteOrderMark) {
                ahead.content += 1;
            } else if self.is_comment(ahead.content) {
                ahead.comment = true;
                ahead.content = self.line_end(ahead.content);
            } else {
                return ahead;
            }
        }
    }

    /// The column of a token, [`OUTSIDE`] for the end of the file and for document marks.
    fn column(&self, index: usize) -> i64 {
        if self.kind(index) == TokenKind::EndOfFile || self.is_document_mark(index) {
            OUTSIDE
        } else {
            i64::from(self.token(index).column)
        }
    }

    // Building.

    fn open(&mut self, kind: SyntaxKind) {
        self.builder.start_node(kind.into());
    }

    fn close(&mut self) {
        self.builder.finish_node();
    }

    /// Puts all up to raw token `end` into the tree as one token.
    fn emit(&mut self, kind: SyntaxKind, end: usize) {
        self.emit_bytes(kind, self.start(end));
        self.position = end;
    }

    fn emit_bytes(&mut self, kind: SyntaxKind, end: u32) {
        if end > self.emitted {
            let text = Span::new(self.emitted, end).of(self.text);
            self.builder.token(kind.into(), text);
            self.emitted = end;
        }
    }

    /// Puts blanks, line ends and comments up to raw token `end` into the tree.
    fn emit_trivia(&mut self, end: usize) {
        while self.position < end {
            let at = self.position;
            let kind = self.kind(at);
            if kind == TokenKind::Newline {
                self.emit(SyntaxKind::Newline, at + 1);
            } else if kind == TokenKind::ByteOrderMark {
                self.byte_order_mark();
            } else if kind == TokenKind::Hash {
                self.emit(SyntaxKind::Comment, self.line_end(at));
            } else {
                self.emit_blanks(end);
            }
        }
    }

    fn emit_blanks(&mut self, end: usize) {
        let from = self.position;
        let to = self.skip_blanks(from).clamp(from + 1, end);
        self.check_blanks(from, to);
        self.emit(SyntaxKind::Whitespace, to);
    }

    /// Puts blanks and a comment behind a value into the tree, up to the end of the line if nothing else is there.
    fn emit_line_rest(&mut self) -> bool {
        let next = self.skip_blanks(self.position);
        if self.is_comment(next) {
            self.emit_trivia(self.line_end(next));
        } else if self.kind(next).is_line_end() {
            self.emit_trivia(next);
        }
        self.kind(self.position).is_line_end()
    }

    fn error(&mut self, kind: ErrorKind, span: Span, message: impl Into<String>) {
        self.report(SyntaxError::new(kind, span, message));
    }

    fn report(&mut self, error: SyntaxError) {
        self.errors.push(error);
    }

    /// Goes one collection deeper, unless that is too deep.
    fn enter(&mut self) -> bool {
        if self.depth >= self.limits.depth_max {
            let message = format!("more than {} collections inside each other", self.limits.depth_max);
            self.error(ErrorKind::TooDeep, self.span(self.position, self.position + 1), message);
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}
