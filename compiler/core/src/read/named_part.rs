//! An inline part with a `name`: the finding, and the fix that moves it to its section.

use aquarium_grammar::document::{Entry as Pair, Mapping, Value};

use super::Reader;
use super::keys::Keys;
use crate::diagnostic::{Code, Diagnostic, Edit, FileSpan, Fix};
use crate::items::{Class, Items};

/// An inline part that has a name.
#[derive(Debug)]
pub struct NamedPart {
    class: Class,
    /// The `name` within it.
    name: FileSpan,
    /// Its value, as it is read and as it is written; `None` where it is no text.
    value: Option<(String, String)>,
    /// What is left of it where it stands, and what it is as an item; `None` where it cannot be moved as it is.
    moved: Option<Moved>,
}

#[derive(Debug)]
struct Moved {
    /// The place behind the part's colon.
    colon: u32,
    /// The lines of the part.
    lines: (u32, u32),
    /// Blanks before each of them.
    indent: usize,
}

/// A finding, and the name that its fix would define.
pub struct Found {
    class: Class,
    name: Option<String>,
    finding: Diagnostic,
}

impl Found {
    /// The finding; without its fix where an item of the name is there already.
    pub fn known(mut self, items: &Items) -> Diagnostic {
        let is_taken = |name: &String| items.lists(self.class).contains_key(name);
        if self.name.as_ref().is_none_or(is_taken) {
            self.finding.fix = None;
        }
        self.finding
    }
}

impl Reader<'_> {
    /// Remembers an inline part with a name.
    pub(super) fn named_part(&mut self, class: Class, name: &Pair, part: &Pair, mapping: &Mapping) {
        let value = name.value.as_scalar();
        let written = |scalar: &aquarium_grammar::document::Scalar| {
            let text = self.text.get(scalar.span.range()).unwrap_or_default();
            (scalar.text().to_owned(), text.to_owned())
        };
        let named = NamedPart {
            class,
            name: self.span(name.span),
            value: value.map(written).filter(|(name, _)| !name.is_empty()),
            moved: self.movable(part, mapping),
        };
        self.named_parts.push(named);
    }

    fn movable(&self, part: &Pair, mapping: &Mapping) -> Option<Moved> {
        if mapping.is_flow {
            return None;
        }
        let start = mapping.span.start;
        let end = start + u32::try_from(self.slice(start, mapping.span.end).trim_end().len()).ok()?;
        let between = self.slice(part.key.span.end, start);
        let colon = part.key.span.end + u32::try_from(between.find(':')? + 1).ok()?;
        let lines = (start - u32::try_from(self.column(start)).ok()?, self.line_end(end));
        Some(Moved { colon, lines, indent: self.column(start) })
    }

    fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The end of the line that a place is in, the line's break not included.
    fn line_end(&self, offset: u32) -> u32 {
        let rest = self.text.get(offset as usize..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        offset.saturating_add(u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// The finding on a named part, once the sections of its file are known.
    pub(super) fn named_part_finding(&self, part: NamedPart, sections: &Keys<'_>) -> Found {
        let class = part.class;
        let message = format!("{} within an agreement has no `name`", class.with_article());
        let mut finding = Diagnostic::new(Code::NamedPart, part.name, message)
            .help(format!("move it to `{}` and name it here", class.section()));
        let Some((name, written)) = part.value else { return Found { class, name: None, finding } };
        let edits = part.moved.and_then(|moved| self.move_part(&moved, class, &written, sections));
        let title = format!("move it to `{}`", class.section());
        finding.fix = edits.map(|edits| Fix { title, edits });
        Found { class, name: Some(name), finding }
    }

    fn move_part(
        &self,
        moved: &Moved,
        class: Class,
        written: &str,
        sections: &Keys<'_>,
    ) -> Option<Vec<Edit>> {
        let at = |start, end| FileSpan { file: self.file, start, end };
        let (start, end) = moved.lines;
        let name = Edit { span: at(moved.colon, moved.colon), text: format!(" {written}") };
        // The break before the lines goes with them.
        let before = self.slice(0, start).trim_end_matches(['\n', '\r']).len();
        let removed = Edit { span: at(u32::try_from(before).ok()?, end), text: String::new() };
        Some(vec![name, removed, self.new_item(moved, class, sections)?])
    }

    /// The part as an item behind the last one of its section, or in a section of its own.
    fn new_item(&self, moved: &Moved, class: Class, sections: &Keys<'_>) -> Option<Edit> {
        let lines = self.slice(moved.lines.0, moved.lines.1);
        let Some(section) = sections.get(class.section()) else {
            let first = self.items.head?.first;
            let column = first.indent + 2;
            let item = item(lines, moved.indent, column);
            let text = format!("{}:\n{item}\n{}", class.section(), " ".repeat(first.indent));
            return (first.at.file == self.file).then_some(Edit { span: first.at, text });
        };
        let Value::Sequence(sequence) = &section.value else { return None };
        if sequence.is_flow {
            return None;
        }
        let (start, end) = (sequence.span.start, sequence.span.end);
        let last = start + u32::try_from(self.slice(start, end).trim_end().len()).ok()?;
        let place = self.line_end(last);
        let text = format!("\n{}", item(lines, moved.indent, self.column(start)));
        Some(Edit { span: FileSpan { file: self.file, start: place, end: place }, text })
    }
}

/// Lines that are indented by `from` as a list item with its dash in `column`.
fn item(lines: &str, from: usize, column: usize) -> String {
    let to = " ".repeat(column + 2);
    let shifted = lines.lines().map(|line| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let rest = line.get(blanks.min(from)..).unwrap_or_default();
        if rest.is_empty() { String::new() } else { format!("{to}{rest}") }
    });
    let shifted = shifted.collect::<Vec<_>>().join("\n");
    format!("{}- {}", " ".repeat(column), shifted.trim_start_matches(' '))
}
