//! From the tree to the document: one pass over the green nodes, no red ones.

use std::collections::HashMap;

use rowan::{GreenNodeData, GreenTokenData, NodeOrToken};

use super::decode::{BlockLine, Chomping, Decoder, offset};
use super::split::{join_entries, split_items};
use super::{Comment, Document, Entry, Mapping, Named, Placement, Scalar, Sequence, Style, Value};
use crate::error::{ErrorKind, Errors, SyntaxError};
use crate::{Span, SyntaxKind};

/// Up to here duplicates are found by comparing every key with every other.
const FEW_KEYS: usize = 8;

impl Document {
    pub(crate) fn of(green: &GreenNodeData, text: &str, errors: &mut Errors) -> Self {
        let mut lowering =
            Lowering { text, errors, comments: Vec::new(), above: Vec::new(), line: Line::default() };
        let root = lowering.holder(green, 0).value;
        Self { root, comments: lowering.comments }
    }
}

struct Lowering<'a> {
    text: &'a str,
    errors: &'a mut Errors,
    comments: Vec<Comment>,
    /// The comments that stand above the next entry or item.
    above: Vec<usize>,
    line: Line,
}

/// The line that the pass is in.
#[derive(Default)]
struct Line {
    start: u32,
    has_content: bool,
    /// Whether an entry or an item was seen in this line or above it.
    is_behind_head: bool,
}

/// What a node that holds one value has: the value, and where a key or dash before it ends.
struct Held {
    value: Value,
    key: Option<Scalar>,
    end: u32,
}

type Child<'g> = NodeOrToken<&'g GreenNodeData, &'g GreenTokenData>;

fn kind_of(child: &Child<'_>) -> SyntaxKind {
    match child {
        NodeOrToken::Node(node) => node.kind().into(),
        NodeOrToken::Token(token) => token.kind().into(),
    }
}

fn length_of(child: &Child<'_>) -> u32 {
    match child {
        NodeOrToken::Node(node) => node.text_len().into(),
        NodeOrToken::Token(token) => token.text_len().into(),
    }
}

/// The children of a node with their places.
fn children(node: &GreenNodeData, start: u32) -> impl Iterator<Item = (Child<'_>, Span)> {
    node.children().scan(start, |at, child| {
        let start = *at;
        *at += length_of(&child);
        Some((child, Span::new(start, *at)))
    })
}

impl Lowering<'_> {
    /// The value of a root, an entry or an item.
    fn holder(&mut self, node: &GreenNodeData, at: u32) -> Held {
        let mut held = Held { value: Value::Missing(Span::empty(at)), key: None, end: at };
        for (child, span) in children(node, at) {
            match child {
                NodeOrToken::Token(token) => {
                    self.token(token, span);
                    if matches!(SyntaxKind::from(token.kind()), SyntaxKind::Dash | SyntaxKind::Colon) {
                        held.mark(span);
                    }
                }
                NodeOrToken::Node(node) if SyntaxKind::from(node.kind()) == SyntaxKind::Key => {
                    held.key = self.key(node, span);
                    held.mark(span);
                }
                NodeOrToken::Node(node) => self.held_value(&mut held, node, span),
            }
        }
        held
    }

    fn held_value(&mut self, held: &mut Held, node: &GreenNodeData, span: Span) {
        let value = self.value(node, span);
        let is_error = matches!(value, Value::Broken(_));
        // Text that could not be understood behind a value does not make the value unknown.
        if !is_error || held.value.is_missing() {
            held.end = value.span().end.max(held.end);
            held.value = value;
        }
    }

    fn value(&mut self, node: &GreenNodeData, span: Span) -> Value {
        match SyntaxKind::from(node.kind()) {
            SyntaxKind::Mapping | SyntaxKind::FlowMapping => Value::Mapping(self.mapping(node, span)),
            SyntaxKind::Sequence | SyntaxKind::FlowSequence => Value::Sequence(self.sequence(node, span)),
            SyntaxKind::Scalar => known(self.scalar(node, span)),
            SyntaxKind::Named => self.named(node, span),
            _ => {
                self.visit_all(node, span);
                Value::Broken(span)
            }
        }
    }

    fn named(&mut self, node: &GreenNodeData, span: Span) -> Value {
        let (mut name, mut overrides) = (None, None);
        for (child, span) in children(node, span.start) {
            match child {
                NodeOrToken::Token(token) => self.token(token, span),
                NodeOrToken::Node(node) => match self.value(node, span) {
                    Value::Scalar(scalar) => name = Some(scalar),
                    Value::Mapping(mapping) => overrides = Some(mapping),
                    _ => {}
                },
            }
        }
        match (name, overrides) {
            (Some(name), Some(overrides)) => Value::Named(Box::new(Named { name, overrides })),
            // Overrides that are nested too deep.
            (Some(name), None) => Value::Scalar(name),
            // `&anchor` is no name.
            (None, Some(overrides)) => Value::Mapping(overrides),
            _ => Value::Broken(span),
        }
    }

    fn mapping(&mut self, node: &GreenNodeData, span: Span) -> Mapping {
        let mut entries = Vec::new();
        for (child, span) in children(node, span.start) {
            match child {
                NodeOrToken::Token(token) => self.token(token, span),
                NodeOrToken::Node(node) if SyntaxKind::from(node.kind()) == SyntaxKind::Entry => {
                    entries.extend(self.entry(node, span));
                }
                NodeOrToken::Node(node) => self.visit_all(node, span),
            }
        }
        let is_flow = SyntaxKind::from(node.kind()) == SyntaxKind::FlowMapping;
        if is_flow {
            let (joined, errors) = join_entries(entries, self.text);
            entries = joined;
            errors.into_iter().for_each(|error| self.errors.push(error));
        }
        // Documents are kept, and most mappings are small.
        entries.shrink_to_fit();
        self.check_duplicates(&entries);
        let block_end = entries.last().map_or(span.end, |entry: &Entry| entry.span.end);
        let span = Span::new(span.start, if is_flow { span.end } else { block_end });
        Mapping { span, entries, is_flow }
    }

    fn entry(&mut self, node: &GreenNodeData, span: Span) -> Option<Entry> {
        let above = self.begin_target();
        let held = self.holder(node, span.start);
        let span = Span::new(span.start, held.end.max(span.start));
        self.end_target(above, span);
        Some(Entry { key: held.key?, value: held.value.placed(span.end), span })
    }

    fn sequence(&mut self, node: &GreenNodeData, span: Span) -> Sequence {
        let mut items = Vec::new();
        let mut end = span.end;
        for (child, span) in children(node, span.start) {
            match child {
                NodeOrToken::Token(token) => self.token(token, span),
                NodeOrToken::Node(node) if SyntaxKind::from(node.kind()) == SyntaxKind::Item => {
                    let (item, place) = self.item(node, span);
                    items.push(item);
                    end = place.end;
                }
                NodeOrToken::Node(node) => self.visit_all(node, span),
            }
        }
        items.shrink_to_fit();
        let is_flow = SyntaxKind::from(node.kind()) == SyntaxKind::FlowSequence;
        if is_flow {
            split_items(&items, self.text).into_iter().for_each(|error| self.errors.push(error));
        }
        let span = Span::new(span.start, if is_flow { span.end } else { end });
        Sequence { span, items, is_flow }
    }

    fn item(&mut self, node: &GreenNodeData, span: Span) -> (Value, Span) {
        let above = self.begin_target();
        let held = self.holder(node, span.start);
        let span = Span::new(span.start, held.end.max(span.start));
        self.end_target(above, span);
        (held.value.placed(span.end), span)
    }

    fn key(&mut self, node: &GreenNodeData, span: Span) -> Option<Scalar> {
        let mut key = None;
        for (child, span) in children(node, span.start) {
            match child {
                NodeOrToken::Token(token) => self.token(token, span),
                NodeOrToken::Node(node) if SyntaxKind::from(node.kind()) == SyntaxKind::Scalar => {
                    key = Some(self.scalar(node, span));
                }
                NodeOrToken::Node(node) => {
                    self.visit_all(node, span);
                    self.errors.push(SyntaxError::new(ErrorKind::ExpectedKey, span, "a key is a text"));
                }
            }
        }
        key
    }

    fn check_duplicates(&mut self, entries: &[Entry]) {
        if entries.len() <= FEW_KEYS {
            for (index, entry) in entries.iter().enumerate() {
                let before = entries.iter().take(index);
                let first = before.into_iter().find(|first| first.key.text == entry.key.text);
                if let Some(first) = first {
                    self.errors.push(duplicate(&first.key, &entry.key));
                }
            }
            return;
        }
        let mut seen: HashMap<&str, &Scalar> = HashMap::with_capacity(entries.len());
        for entry in entries {
            match seen.get(entry.key.text()) {
                Some(first) => self.errors.push(duplicate(first, &entry.key)),
                None => {
                    seen.insert(entry.key.text(), &entry.key);
                }
            }
        }
    }

    // Scalars.

    fn scalar(&mut self, node: &GreenNodeData, span: Span) -> Scalar {
        let first = node.children().next().map(|child| kind_of(&child));
        if first == Some(SyntaxKind::Plain) && node.children().len() == 1 {
            // Nearly every scalar of a policy.
            self.line.has_content = true;
            return Scalar::as_written(span, self.text);
        }
        let scalar = match first {
            Some(SyntaxKind::SingleQuoted) => self.quoted(span, Style::SingleQuoted),
            Some(SyntaxKind::DoubleQuoted) => self.quoted(span, Style::DoubleQuoted),
            Some(SyntaxKind::BlockHeader) => self.block(node, span),
            _ => self.plain(node, span),
        };
        self.visit_all(node, span);
        scalar
    }

    fn plain(&self, node: &GreenNodeData, span: Span) -> Scalar {
        let mut decoder = Decoder::new(self.text);
        let is_line = |(child, _): &(Child<'_>, Span)| kind_of(child) == SyntaxKind::Plain;
        let lines: Vec<Span> = children(node, span.start).filter(is_line).map(|(_, span)| span).collect();
        decoder.plain(&lines);
        decoder.finish(span, Style::Plain)
    }

    fn quoted(&mut self, span: Span, style: Style) -> Scalar {
        let quote = if style == Style::SingleQuoted { '\'' } else { '"' };
        let written = span.of(self.text);
        let is_closed = written.len() > 1 && written.ends_with(quote);
        let content = Span::new(span.start + 1, span.end - u32::from(is_closed));
        let mut decoder = Decoder::new(self.text);
        if style == Style::SingleQuoted {
            decoder.single_quoted(content);
        } else {
            decoder.double_quoted(content, self.errors);
        }
        let mut scalar = decoder.finish(span, style);
        if scalar.text.is_empty() {
            scalar.origin = content.start;
        }
        scalar
    }

    fn block(&self, node: &GreenNodeData, span: Span) -> Scalar {
        let (header, lines) = block_parts(node, span, self.text);
        let mut decoder = Decoder::new(self.text);
        let chomping = match header {
            _ if header.contains('-') => Chomping::Strip,
            _ if header.contains('+') => Chomping::Keep,
            _ => Chomping::Clip,
        };
        let end = lines.iter().rfind(|line| !line.text.is_empty()).map(|line| line.text.end);
        let span = Span::new(span.start, end.unwrap_or(span.start + offset(header.len())));
        if header.starts_with('>') {
            decoder.folded(&lines, chomping);
            decoder.finish(span, Style::Folded)
        } else {
            decoder.literal(&lines, chomping);
            decoder.finish(span, Style::Literal)
        }
    }

    // Comments.

    /// Sees everything below a node that is otherwise not looked at.
    fn visit_all(&mut self, node: &GreenNodeData, span: Span) {
        for (child, span) in children(node, span.start) {
            match child {
                NodeOrToken::Token(token) => self.token(token, span),
                NodeOrToken::Node(node) => self.visit_all(node, span),
            }
        }
    }

    fn token(&mut self, token: &GreenTokenData, span: Span) {
        match SyntaxKind::from(token.kind()) {
            SyntaxKind::Newline => self.line = Line { start: span.end, has_content: false, ..self.line },
            SyntaxKind::Whitespace | SyntaxKind::ByteOrderMark => {}
            SyntaxKind::Comment => self.comment(span),
            _ => self.line.has_content = true,
        }
    }

    fn comment(&mut self, span: Span) {
        let placement = if self.line.has_content {
            Placement::Trailing(Span::new(self.line.start, span.end))
        } else if self.line.is_behind_head {
            self.above.push(self.comments.len());
            Placement::Last
        } else {
            Placement::Head
        };
        self.comments.push(Comment { span, placement });
    }

    /// An entry or item begins: the comments above are its own.
    fn begin_target(&mut self) -> Vec<usize> {
        self.line.is_behind_head = true;
        std::mem::take(&mut self.above)
    }

    fn end_target(&mut self, above: Vec<usize>, span: Span) {
        for index in above {
            if let Some(comment) = self.comments.get_mut(index) {
                comment.placement = Placement::Above(span);
            }
        }
    }
}

impl Held {
    /// A key, colon or dash was passed.
    fn mark(&mut self, span: Span) {
        self.end = span.end;
    }
}

impl Value {
    /// Says where a missing value could stand.
    fn placed(self, at: u32) -> Self {
        if self.is_missing() { Self::Missing(Span::empty(at)) } else { self }
    }
}

/// A text, unless it is an anchor, alias or tag, which says nothing.
fn known(scalar: Scalar) -> Value {
    let is_reserved = scalar.style == Style::Plain && scalar.text.starts_with(['&', '*', '!']);
    if is_reserved { Value::Broken(scalar.span) } else { Value::Scalar(scalar) }
}

fn duplicate(first: &Scalar, second: &Scalar) -> SyntaxError {
    let message = format!("the key `{}` is given twice", second.text());
    SyntaxError::new(ErrorKind::DuplicateKey, second.span, message)
        .label(first.span, "first given here")
        .help("remove one of the two")
}

/// The header and the lines of a block scalar.
fn block_parts<'t>(node: &GreenNodeData, span: Span, text: &'t str) -> (&'t str, Vec<BlockLine>) {
    let mut header = "";
    let mut lines: Vec<BlockLine> = Vec::new();
    for (child, span) in children(node, span.start) {
        match kind_of(&child) {
            SyntaxKind::BlockHeader => header = span.of(text),
            SyntaxKind::Newline => {
                if let Some(line) = lines.last_mut() {
                    line.end = span;
                }
                lines.push(BlockLine { text: Span::empty(span.end), end: Span::empty(span.end) });
            }
            kind => {
                if let Some(line) = lines.last_mut() {
                    line.text = if kind == SyntaxKind::BlockLine { span } else { Span::empty(span.end) };
                    line.end = Span::empty(span.end);
                }
            }
        }
    }
    (header, lines)
}
