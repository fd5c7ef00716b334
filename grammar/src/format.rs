//! One canonical layout of a policy's text.
//!
//! Indentation is two blanks a level, dashes stand deeper than their key, comments stay where they are, blank lines
//! are kept but for the second of two. What the text says does not change, and formatting twice changes nothing.

use crate::parser::Parse;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// The blanks of a level.
const STEP: usize = 2;

/// The canonical layout of a text; `None` where it has errors.
///
/// ```
/// let parse = aquarium_grammar::parse("roles:   {a: b,c: d}\nlist:\n- x    # one\n");
/// let formatted = aquarium_grammar::format::format(&parse).expect("there are no errors");
/// assert_eq!(formatted, "roles: {a: b, c: d}\nlist:\n  - x  # one\n");
/// ```
#[must_use]
pub fn format(parse: &Parse) -> Option<String> {
    if !parse.errors().is_empty() {
        return None;
    }
    let mut layout = Layout { out: String::with_capacity(parse.text().len()), line_ends: 0, are_kept: false };
    layout.children(&parse.syntax(), 0, 0);
    layout.finish();
    Some(layout.out)
}

/// The text so far, and the line ends that are due.
struct Layout {
    out: String,
    line_ends: usize,
    /// Whether the line ends that are due are part of a text, so that none may go.
    are_kept: bool,
}

impl Layout {
    /// What a node holds: comments and blocks in `column`, other values belong to the key or dash in `owner`.
    fn children(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(node) => self.node(&node, column, owner),
                rowan::NodeOrToken::Token(token) => self.token(&token, column),
            }
        }
    }

    fn node(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        match node.kind() {
            SyntaxKind::Mapping | SyntaxKind::Sequence => self.children(node, column, column),
            SyntaxKind::Entry | SyntaxKind::Item => {
                self.children(node, column + STEP, column);
            }
            SyntaxKind::Key => self.children(node, owner, owner),
            SyntaxKind::FlowMapping | SyntaxKind::FlowSequence => self.flow(node, column, owner),
            SyntaxKind::Named => self.named(node, column, owner),
            SyntaxKind::Scalar => self.scalar(node, self.place_of(node, column, owner), owner),
            _ => self.children(node, column, owner),
        }
    }

    /// A name with overrides: these stand deeper than the name, if it does not stand behind a key.
    fn named(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        let is_item = node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::Item);
        let begins_column = is_item || self.line_ends > 0;
        let inner = if begins_column { column + STEP } else { column };
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(name) if name.kind() == SyntaxKind::Scalar => {
                    self.scalar(&name, column, owner);
                }
                rowan::NodeOrToken::Node(node) => self.node(&node, inner, owner),
                rowan::NodeOrToken::Token(token) => self.token(&token, inner),
            }
        }
    }

    /// A key stands in the column of its entry, a value that begins a line deeper.
    fn place_of(&self, node: &SyntaxNode, column: usize, owner: usize) -> usize {
        let is_key = node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::Key);
        if is_key { owner } else { column }
    }

    fn token(&mut self, token: &SyntaxToken, column: usize) {
        match token.kind() {
            SyntaxKind::Newline => self.line_ends += 1,
            SyntaxKind::Whitespace | SyntaxKind::ByteOrderMark => {}
            SyntaxKind::Comment => self.comment(token.text(), column),
            SyntaxKind::Colon => self.attach(":", column),
            // The column is that of the item's value.
            SyntaxKind::Dash => self.place("-", column.saturating_sub(STEP)),
            _ => self.place(token.text(), column),
        }
    }

    /// A comment of its own line in `column`, another one behind what it speaks of.
    fn comment(&mut self, text: &str, column: usize) {
        if self.line_ends > 0 || self.out.is_empty() {
            self.begin_line(column);
        } else {
            self.out.push_str("  ");
        }
        self.out.push_str(text.trim_end());
    }

    /// Text in `column`, if it begins a line; behind a bracket, or one blank, if not.
    fn place(&mut self, text: &str, column: usize) {
        if self.line_ends > 0 || self.out.is_empty() {
            self.begin_line(column);
        } else if !self.out.ends_with(['{', '[']) {
            self.out.push(' ');
        }
        self.out.push_str(text);
    }

    /// Text directly behind what is there, unless it begins a line.
    fn attach(&mut self, text: &str, column: usize) {
        if self.line_ends > 0 {
            self.begin_line(column);
        }
        self.out.push_str(text);
    }

    fn begin_line(&mut self, column: usize) {
        let most = if self.are_kept { self.line_ends } else { 2 };
        let line_ends = if self.out.is_empty() { 0 } else { self.line_ends.min(most) };
        self.write_lines(line_ends, column);
        self.are_kept = false;
    }

    fn write_lines(&mut self, line_ends: usize, column: usize) {
        self.out.extend(std::iter::repeat_n('\n', line_ends));
        self.out.extend(std::iter::repeat_n(' ', column));
        self.line_ends = 0;
    }

    fn finish(&mut self) {
        if !self.out.is_empty() {
            let line_ends = if self.are_kept { self.line_ends.max(1) } else { 1 };
            self.write_lines(line_ends, 0);
        }
    }

    // Texts.

    fn scalar(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        let mut tokens = node.children_with_tokens().filter_map(|child| child.into_token());
        let Some(first) = tokens.next() else { return };
        match first.kind() {
            SyntaxKind::BlockHeader => self.block(&first, tokens, column, owner),
            SyntaxKind::SingleQuoted | SyntaxKind::DoubleQuoted => self.quoted(first.text(), column, owner),
            _ => {
                self.place(first.text(), column);
                self.continued(tokens, owner + STEP);
            }
        }
    }

    /// The further lines of a plain text: empty ones are part of it.
    fn continued(&mut self, tokens: impl Iterator<Item = SyntaxToken>, column: usize) {
        for token in tokens {
            if token.kind() == SyntaxKind::Plain {
                self.write_lines(self.line_ends, column);
                self.out.push_str(token.text());
            } else {
                self.token(&token, column);
            }
        }
    }

    /// A quoted text: the blanks at the beginning of its further lines say nothing.
    fn quoted(&mut self, text: &str, column: usize, owner: usize) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = text.split('\n');
        self.place(lines.next().unwrap_or_default(), column);
        for line in lines {
            let line = line.trim_start_matches([' ', '\t']);
            self.write_lines(1, if line.is_empty() { 0 } else { owner + STEP });
            self.out.push_str(line);
        }
    }

    /// A block: its lines keep what they have beyond its own indentation.
    fn block(
        &mut self,
        header: &SyntaxToken,
        rest: impl Iterator<Item = SyntaxToken>,
        column: usize,
        owner: usize,
    ) {
        self.place(header.text(), column);
        let given = header.text().chars().find_map(|character| character.to_digit(10));
        let inner = owner + given.map_or(STEP, |digit| digit as usize);
        for token in rest {
            if token.kind() == SyntaxKind::BlockLine {
                self.write_lines(self.line_ends, inner);
                self.out.push_str(token.text());
            } else {
                self.token(&token, inner);
            }
        }
        self.are_kept = header.text().contains('+');
    }

    // Flow style.

    /// A collection in brackets: one blank behind commas and colons, none inside brackets; its lines are kept.
    fn flow(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        let mut is_first = true;
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(node) => self.flow_node(&node, owner),
                rowan::NodeOrToken::Token(token) => {
                    self.flow_token(&token, if is_first { column } else { owner + STEP }, is_first);
                }
            }
            is_first = false;
        }
    }

    fn flow_node(&mut self, node: &SyntaxNode, owner: usize) {
        let inner = owner + STEP;
        match node.kind() {
            SyntaxKind::Scalar => self.scalar(node, inner, owner),
            SyntaxKind::FlowMapping | SyntaxKind::FlowSequence => self.flow(node, inner, owner),
            _ => {
                for child in node.children_with_tokens() {
                    match child {
                        rowan::NodeOrToken::Node(node) => self.flow_node(&node, owner),
                        rowan::NodeOrToken::Token(token) => self.flow_token(&token, inner, false),
                    }
                }
            }
        }
    }

    fn flow_token(&mut self, token: &SyntaxToken, column: usize, is_first: bool) {
        match token.kind() {
            SyntaxKind::Comma | SyntaxKind::RightBrace | SyntaxKind::RightBracket => {
                self.attach(token.text(), column);
            }
            _ if is_first => self.place(token.text(), column),
            _ => self.token(token, column),
        }
    }
}
