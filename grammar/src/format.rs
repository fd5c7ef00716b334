//! One canonical layout of a policy's text.
//!
//! Indentation is two blanks a level, dashes stand deeper than their key, the keys of an item deeper than its wrapper
//! key (`- resource:`). Comments stay where they are, two blanks behind what they speak of; blank lines are kept but for
//! the second of two; lines end in a line feed. What the text says does not change ([`is_faithful`]), and formatting
//! twice changes nothing.

mod faithful;

pub use faithful::is_faithful;

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
    let mut layout = Layout::new(parse.text());
    layout.children(&parse.syntax(), 0, 0);
    layout.finish();
    Some(layout.out)
}

/// The text so far, and the line ends that are due.
struct Layout<'t> {
    source: &'t str,
    out: String,
    line_ends: usize,
    /// Whether the line ends that are due are part of a text, so that none may go.
    are_kept: bool,
    /// The lines so far.
    lines: usize,
    levels: Levels,
}

impl<'t> Layout<'t> {
    fn new(source: &'t str) -> Self {
        let out = String::with_capacity(source.len());
        Self { source, out, line_ends: 0, are_kept: false, lines: 0, levels: Levels::default() }
    }

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
            SyntaxKind::Mapping => self.mapping(node, column),
            SyntaxKind::Sequence => self.children(node, column, column),
            SyntaxKind::Entry => self.children(node, column + STEP, column),
            SyntaxKind::Item => self.item(node, column),
            SyntaxKind::Key => {
                self.open_level(node.text_range().start().into(), owner, false);
                self.children(node, owner, owner);
            }
            SyntaxKind::FlowMapping | SyntaxKind::FlowSequence => self.flow_value(node, column, owner),
            SyntaxKind::Named => self.named(node, column, owner),
            SyntaxKind::Scalar => self.scalar(node, self.place_of(node, column, owner), owner),
            _ => self.children(node, column, owner),
        }
    }

    /// Keys, one below the other; those that stand beside the wrapper key of their item move below it.
    fn mapping(&mut self, node: &SyntaxNode, column: usize) {
        let wrapper = empty_wrapper(node);
        let mut inner = column;
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(entry) => {
                    self.node(&entry, inner, inner);
                    if wrapper.as_ref() == Some(&entry) {
                        inner = column + STEP;
                    }
                }
                rowan::NodeOrToken::Token(token) => self.token(&token, inner),
            }
        }
    }

    /// A dash with its value; one that begins a line deeper moves up, unless a comment stands between.
    fn item(&mut self, node: &SyntaxNode, column: usize) {
        let value = node.children().next().filter(|value| value.kind() != SyntaxKind::Sequence);
        let is_commented = node.children_with_tokens().any(|child| child.kind() == SyntaxKind::Comment);
        let mut moves_up = value.is_some() && !is_commented;
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(value) => {
                    self.node(&value, column + STEP, column);
                    moves_up = false;
                }
                rowan::NodeOrToken::Token(token) if moves_up && token.kind() == SyntaxKind::Newline => {}
                rowan::NodeOrToken::Token(token) => self.token(&token, column + STEP),
            }
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
            SyntaxKind::Comment => self.comment(token, column),
            SyntaxKind::Colon => self.attach(":", column),
            // The column is that of the item's value.
            SyntaxKind::Dash => {
                self.open_level(token.text_range().start().into(), column.saturating_sub(STEP), true);
                self.place("-", column.saturating_sub(STEP));
            }
            _ => self.place(token.text(), column),
        }
    }

    /// A comment of its own line in `column`, or with the keys above it that it stands under; another one behind what
    /// it speaks of.
    fn comment(&mut self, token: &SyntaxToken, column: usize) {
        if self.line_ends > 0 || self.out.is_empty() {
            let written = self.written_column(token.text_range().start().into());
            self.begin_line(self.levels.of_comment(written).max(column));
        } else {
            self.out.push_str("  ");
        }
        self.out.push_str(token.text().trim_end());
    }

    /// Notes that keys or dashes of the column in which the byte stands are now in another.
    fn open_level(&mut self, offset: usize, column: usize, is_dash: bool) {
        let written = self.written_column(offset);
        self.levels.open(Level { written, column, is_dash });
    }

    /// The column of a byte in the text as it was.
    fn written_column(&self, offset: usize) -> usize {
        let before = self.source.get(..offset).unwrap_or_default();
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        before.get(line..).map_or(0, |blanks| blanks.chars().count())
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
        self.lines += line_ends;
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

    /// The value of a key or dash in brackets: behind a key, its lines stand one level deeper than the key; behind a
    /// dash or on lines of its own, one level deeper than itself.
    fn flow_value(&mut self, node: &SyntaxNode, column: usize, owner: usize) {
        let is_item = node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::Item);
        let begins_column = is_item || self.line_ends > 0;
        self.flow(node, column, if begins_column { column } else { owner });
    }

    /// A collection in brackets: one blank behind commas and colons, none inside brackets; its lines are kept. Its
    /// closing bracket stands in `base`, what it holds a level deeper.
    fn flow(&mut self, node: &SyntaxNode, column: usize, base: usize) {
        let mut inner = Brackets { base, line: None };
        for child in node.children_with_tokens() {
            match child {
                rowan::NodeOrToken::Node(node) => self.flow_node(&node, inner),
                rowan::NodeOrToken::Token(token) if inner.line.is_none() => {
                    self.place(token.text(), column);
                    inner.line = Some(self.lines);
                }
                rowan::NodeOrToken::Token(token) => self.flow_token(&token, base),
            }
        }
    }

    fn flow_node(&mut self, node: &SyntaxNode, around: Brackets) {
        let inner = around.base + STEP;
        match node.kind() {
            SyntaxKind::Scalar => self.scalar(node, inner, around.base),
            SyntaxKind::FlowMapping | SyntaxKind::FlowSequence => {
                let is_beside = self.line_ends == 0 && around.line == Some(self.lines);
                self.flow(node, inner, if is_beside { around.base } else { inner });
            }
            _ => {
                for child in node.children_with_tokens() {
                    match child {
                        rowan::NodeOrToken::Node(node) => self.flow_node(&node, around),
                        rowan::NodeOrToken::Token(token) => self.flow_token(&token, around.base),
                    }
                }
            }
        }
    }

    fn flow_token(&mut self, token: &SyntaxToken, base: usize) {
        match token.kind() {
            SyntaxKind::RightBrace | SyntaxKind::RightBracket => self.attach(token.text(), base),
            SyntaxKind::Comma => self.attach(token.text(), base + STEP),
            _ => self.token(token, base + STEP),
        }
    }
}

/// The brackets around a part in flow style.
#[derive(Clone, Copy)]
struct Brackets {
    /// The column of the closing one.
    base: usize,
    /// The line of the opening one. Another one that opens in the same line needs no level of its own.
    line: Option<usize>,
}

/// The keys and dashes that are open above a line.
#[derive(Default)]
struct Levels(Vec<Level>);

struct Level {
    /// The column in the text as it was.
    written: usize,
    /// The column now.
    column: usize,
    is_dash: bool,
}

impl Levels {
    /// A key ends what is as deep or deeper; a dash may stand in the column of its key.
    fn open(&mut self, level: Level) {
        let ends = |open: &Level| {
            open.written > level.written || open.written == level.written && (open.is_dash || !level.is_dash)
        };
        while self.0.last().is_some_and(ends) {
            self.0.pop();
        }
        self.0.push(level);
    }

    /// The column of a comment that stands beside an open key, or deeper than it.
    fn of_comment(&self, written: usize) -> usize {
        let beside = self.0.iter().rev().find(|open| open.written <= written);
        let column = |open: &Level| self.0.iter().find(|it| it.written == open.written).map(|it| it.column);
        beside.and_then(column).unwrap_or(0)
    }
}

/// The sections whose items may stand below a wrapper key, and that key.
const WRAPPERS: [(&str, &str); 7] = [
    ("resources", "resource"),
    ("algorithms", "algorithm"),
    ("pricelists", "pricelist"),
    ("creditplans", "creditplan"),
    ("agreements", "agreement"),
    ("repeat", "every"),
    ("tests", "test"),
];

/// The wrapper key of an item whose own keys stand beside it: `- resource:` and `name:` in one column.
fn empty_wrapper(mapping: &SyntaxNode) -> Option<SyntaxNode> {
    let first = mapping.children().next().filter(|entry| entry.kind() == SyntaxKind::Entry)?;
    let has_value = first.children().any(|child| child.kind() != SyntaxKind::Key);
    let key = key_of(&first)?;
    let (section, _) = WRAPPERS.iter().find(|(_, wrapper)| !has_value && *wrapper == key)?;
    (key_of(&section_of(mapping)?)? == *section).then_some(first)
}

/// The entry that holds a list of which the mapping is an item, or a mapping that is its only item.
fn section_of(mapping: &SyntaxNode) -> Option<SyntaxNode> {
    let parent = mapping.parent()?;
    let section = if parent.kind() == SyntaxKind::Item { parent.parent()?.parent()? } else { parent };
    (section.kind() == SyntaxKind::Entry).then_some(section)
}

fn key_of(entry: &SyntaxNode) -> Option<String> {
    let key = entry.children().next().filter(|child| child.kind() == SyntaxKind::Key)?;
    Some(key.text().to_string())
}
