//! Items as lines: where a new one goes, and what the lines of one that is there say.

use aquarium_compiler::items::Class;
use aquarium_compiler::{Edit, FileId, FileSpan};
use aquarium_grammar::document::{Item, Mapping, Sequence, Value, items};

use crate::Snapshot;
use crate::files::ROOT_KEYS;
use crate::text::quoted;

/// The edit that adds an item to its section: in this file if it has the section, else in another one that has
/// it, else in a new section at the end of this file's policy.
pub(super) fn add(
    snapshot: &Snapshot,
    file: FileId,
    class: Class,
    name: &str,
    lines: &[String],
) -> Option<Edit> {
    let others = snapshot.files().map(|(file, _)| file).filter(|other| *other != file);
    let mut files = std::iter::once(file).chain(others);
    let existing = files.find_map(|file| Some((file, policy(snapshot, file)?.get(class.section())?)));
    match existing {
        Some((file, entry)) => match &entry.value {
            Value::Sequence(section) if !section.is_flow => {
                append(snapshot, file, section, class, name, lines)
            }
            Value::Missing(_) => {
                let dash = column(content(snapshot, file)?, entry.key.span.start)? + 2;
                below(snapshot, file, entry.key.span.end, &item(dash, None, name, lines))
            }
            _ => None,
        },
        None => {
            let keys = policy(snapshot, file).filter(|keys| !keys.is_flow)?;
            let indent = column(content(snapshot, file)?, keys.entries.first()?.key.span.start)?;
            let section = format!("{}{}:\n", " ".repeat(indent), class.section());
            below(snapshot, file, keys.span.end, &(section + &item(indent + 2, None, name, lines)))
        }
    }
}

/// The keys of a file's policy.
fn policy(snapshot: &Snapshot, file: FileId) -> Option<&Mapping> {
    let root = &snapshot.parse(file)?.document().root;
    ROOT_KEYS.iter().find_map(|key| root.get(key)).and_then(Value::as_mapping)
}

fn append(
    snapshot: &Snapshot,
    file: FileId,
    section: &Sequence,
    class: Class,
    name: &str,
    lines: &[String],
) -> Option<Edit> {
    let dash = column(content(snapshot, file)?, section.span.start)?;
    let has_wrapper = section.items.first().is_some_and(|value| value.get(class.key()).is_some());
    let wrapper = has_wrapper.then(|| class.key());
    below(snapshot, file, section.span.end, &item(dash, wrapper, name, lines))
}

/// The lines of a new item.
fn item(dash: usize, wrapper: Option<&str>, name: &str, lines: &[String]) -> String {
    let blanks = " ".repeat(dash);
    let (mut text, indent) = match wrapper {
        Some(wrapper) => (format!("{blanks}- {wrapper}:\n{blanks}    "), dash + 4),
        None => (format!("{blanks}- "), dash + 2),
    };
    text.push_str(&format!("name: {}", quoted(name)));
    for line in lines {
        text.push('\n');
        if !line.is_empty() {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(line);
    }
    text
}

/// The edit that writes lines below the one in which something ends.
fn below(snapshot: &Snapshot, file: FileId, end: u32, lines: &str) -> Option<Edit> {
    let at = line_end(content(snapshot, file)?, end)?;
    Some(Edit { span: FileSpan { file, start: at, end: at }, text: format!("\n{lines}") })
}

/// The lines of an item without its name, as they stand below each other, and the span of all its lines.
pub(super) fn lines(snapshot: &Snapshot, class: Class, name: FileSpan) -> Option<(Vec<String>, FileSpan)> {
    let file = name.file;
    let section = &policy(snapshot, file)?.get(class.section())?.value;
    let is_named = |item: &Item<'_>| item.get("name").is_some_and(|it| it.span().start == name.start);
    let item = items(section, class.key()).into_iter().find(is_named)?;
    let content = content(snapshot, file)?;
    let (start, end) = (line_start(content, item.span().start)?, line_end(content, item.span().end)?);
    let before = slice(content, start, item.span().start)?;
    let key = item.entries().find(|entry| entry.key.text() == "name")?.key.span.start;
    let indent = column(content, key)?;
    if before.trim() != "-" || item.value.as_mapping().is_none_or(|keys| keys.is_flow) {
        return None;
    }
    let named = slice(content, line_start(content, key)?, line_end(content, key)?)?;
    let first =
        " ".repeat(before.len()) + slice(content, item.span().start, line_end(content, item.span().start)?)?;
    let rest = slice(content, line_end(content, item.span().start)?, end)?.lines().skip(1);
    let all = std::iter::once(first.as_str()).chain(rest);
    let is_name = |line: &str| line.trim_start() == named.trim_start_matches([' ', '-']);
    let wrapper = item.wrapper.map(|wrapper| wrapper.key.span.start == item.span().start);
    let kept = all.skip(usize::from(wrapper == Some(true))).filter(|line| !is_name(line));
    Some((dedent(kept, indent)?, FileSpan { file, start, end }))
}

/// Lines moved to the left; `None` where one of them does not stand far enough to the right.
pub(super) fn dedent<'t>(lines: impl Iterator<Item = &'t str>, columns: usize) -> Option<Vec<String>> {
    let blanks = " ".repeat(columns);
    let moved = |line: &str| match line.trim() {
        "" => Some(String::new()),
        _ => line.strip_prefix(&blanks).map(str::to_owned),
    };
    lines.map(moved).collect()
}

/// The text of a file.
pub(super) fn content(snapshot: &Snapshot, file: FileId) -> Option<&str> {
    snapshot.text(file).map(crate::snapshot::Text::content)
}

/// How many bytes stand before an offset in its line.
pub(super) fn column(content: &str, offset: u32) -> Option<usize> {
    usize::try_from(offset - line_start(content, offset)?).ok()
}

/// Where the line of an offset begins.
pub(super) fn line_start(content: &str, offset: u32) -> Option<u32> {
    let before = slice(content, 0, offset)?;
    u32::try_from(before.rfind('\n').map_or(0, |at| at + 1)).ok()
}

/// Where the line ends in which something ends: an end just behind a line break belongs to the line before.
pub(super) fn line_end(content: &str, end: u32) -> Option<u32> {
    let trimmed = slice(content, 0, end)?.trim_end().len();
    let rest = content.get(trimmed..)?;
    let length = rest.find('\n').unwrap_or(rest.len());
    u32::try_from(trimmed + rest.get(..length)?.trim_end_matches('\r').len()).ok()
}

pub(super) fn slice(content: &str, start: u32, end: u32) -> Option<&str> {
    content.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}
