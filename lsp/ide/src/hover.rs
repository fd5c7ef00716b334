//! What is said about the word under the cursor.

mod part;
mod time;

use std::fmt::Write;

use aquarium_compiler::items::{Class, Entry};
use aquarium_compiler::references::{Reference, Usage, at};
use aquarium_compiler::resolve::EVERY_RESOURCE;
use aquarium_compiler::{Code, FileId, FileSpan};
use aquarium_ir::Millis;

use crate::effective::effective;
use crate::trial::sample;
use crate::{Snapshot, expressions, keys};

/// How many resources of an agreement are shown.
const RESOURCES_MAX: usize = 20;

/// How many lines of a definition are shown.
const LINES_MAX: usize = 16;

/// A text about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The place.
    pub span: FileSpan,
    /// The text, in Markdown.
    pub markdown: String,
}

/// What is said about a place, if anything, by somebody who looks at it at the instant `now`.
#[must_use]
pub fn hover(snapshot: &Snapshot, file: FileId, offset: u32, now: Millis) -> Option<Hover> {
    if let Some(hover) = time::hover(snapshot, file, offset, now) {
        return Some(hover);
    }
    let all = snapshot.references();
    if let Some(name) = at(all, file, offset) {
        let mut markdown = item(snapshot, all, name);
        if name.class == Class::Agreement {
            markdown.extend(asked(snapshot, &name.name, now));
        }
        return Some(Hover { span: name.span, markdown });
    }
    let Some(span) = word(snapshot, file, offset) else { return part::hover(snapshot, file, offset) };
    let text = snapshot.slice(span);
    if is_in_comment(snapshot, span) {
        return Code::find(text).map(|code| Hover { span, markdown: lint(code) });
    }
    if let Some(markdown) = variable(snapshot, file, offset, text) {
        return Some(Hover { span, markdown });
    }
    let part = part::hover(snapshot, file, offset);
    let Some(line) = keys::document(text) else { return part };
    let part = part.map(|part| format!("\n\n{}", part.markdown)).unwrap_or_default();
    Some(Hover { span, markdown: format!("**{text}**: {line}{part}") })
}

/// An item: its class and name, and how it is defined.
fn item(snapshot: &Snapshot, all: &[Reference], name: &Reference) -> String {
    let mut text = format!("{} **{}**", name.class.noun(), name.name);
    let is_definition =
        |it: &&Reference| it.usage == Usage::Definition && it.class == name.class && it.name == name.name;
    let definition = all.iter().find(is_definition).and_then(|it| whole(snapshot, it));
    match definition {
        Some(span) => _ = write!(text, "\n\n```aquarium\n{}\n```", shortened(snapshot.slice(span))),
        None => text.push_str("\n\nnot defined in this policy"),
    }
    text
}

/// What an agreement asks now: price, expression, where they come from, and what a little usage costs.
fn asked(snapshot: &Snapshot, agreement: &str, now: Millis) -> Option<String> {
    let effective = effective(snapshot, agreement, now)?;
    let zone = &snapshot.analysis().zone;
    let mut text = format!(
        "\n\nat {}\n\n| resource | price | expression | from | for example |\n|---|---|---|---|---|\n",
        zone.format(now)
    );
    for asked in effective.resources.iter().take(RESOURCES_MAX) {
        let word = |word: &Option<String>| word.as_deref().map_or_else(|| "none".to_owned(), cell);
        let example = sample(snapshot, agreement, &asked.resource, now);
        let example = example.map(|it| format!("{}: {} credits", it.usage, it.credits)).unwrap_or_default();
        let from = asked.price_chain.iter().rev().nth(1).map_or("", |(words, _)| words.as_str());
        let (price, expression) = (word(&asked.now.price), word(&asked.now.expression));
        _ = writeln!(
            text,
            "| {} | {price} | `{expression}` | {} | {} |",
            cell(&asked.resource),
            cell(from),
            cell(&example)
        );
    }
    if effective.resources.len() > RESOURCES_MAX {
        _ = writeln!(text, "\nand {} more", effective.resources.len() - RESOURCES_MAX);
    }
    Some(text)
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The whole item that a name defines.
fn whole(snapshot: &Snapshot, name: &Reference) -> Option<FileSpan> {
    let symbols = crate::symbols::symbols(snapshot, name.span.file);
    let mut items = symbols.into_iter().flat_map(|section| section.items);
    items.find(|item| item.name_span == name.span).map(|item| item.span)
}

/// A variable of an expression: what it is, and its unit where the resource has one.
fn variable(snapshot: &Snapshot, file: FileId, offset: u32, name: &str) -> Option<String> {
    let (entry, _) = expressions::at(snapshot, file, offset)?;
    let (_, text) = keys::VARIABLES.iter().find(|(known, _)| *known == name)?;
    let units = units(snapshot, entry, name);
    let shown = units.iter().take(RESOURCES_MAX);
    let shown: Vec<String> = shown.map(|(unit, resource)| format!("`{unit}` of `{resource}`")).collect();
    let units = match shown.len() {
        0 => String::new(),
        all if all == units.len() => format!(" ({})", shown.join(", ")),
        _ => format!(" ({}, and others)", shown.join(", ")),
    };
    Some(format!("**{name}**{units}: {text}"))
}

/// The unit of a variable, for each resource that the expression of an entry is for.
fn units<'a>(snapshot: &'a Snapshot, entry: &Entry, name: &str) -> Vec<(String, &'a str)> {
    let items = &snapshot.analysis().items;
    let is_every = &*entry.key.value == EVERY_RESOURCE && !items.resources.contains_key(EVERY_RESOURCE);
    let beside: Vec<&str> =
        items.entries.iter().filter(|it| it.giver == entry.giver).map(|it| &*it.key.value).collect();
    let is_meant = |resource: &str| {
        if is_every { !beside.contains(&resource) } else { *resource == *entry.key.value }
    };
    let unit = |unit: &str| match name {
        "price" => Some(format!("credits per {unit}")),
        "volume" | "total" => Some(unit.to_owned()),
        _ => None,
    };
    let meant = items.resources.iter().filter(|(name, _)| is_meant(name));
    meant.filter_map(|(name, it)| Some((unit(&it.unit.as_ref()?.value)?, name.as_str()))).collect()
}

fn shortened(text: &str) -> String {
    let mut lines: Vec<&str> = text.trim_end().lines().take(LINES_MAX).collect();
    if text.trim_end().lines().count() > LINES_MAX {
        lines.push("...");
    }
    lines.join("\n")
}

fn lint(code: Code) -> String {
    let entry = code.entry();
    format!("{}: {}\n\n{}", entry.id, entry.title, entry.explanation)
}

/// The letters, digits, `_` and `-` around an offset.
fn word(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<FileSpan> {
    let content = snapshot.text(file)?.content();
    let at = usize::try_from(offset).ok()?;
    let (before, behind) = (content.get(..at)?, content.get(at..)?);
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let start =
        before.rfind(|letter| !is_letter(letter)).map_or(0, |end| content.ceil_char_boundary(end + 1));
    let end = at + behind.find(|letter| !is_letter(letter)).unwrap_or(behind.len());
    let span = FileSpan { file, start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? };
    (start < end).then_some(span)
}

fn is_in_comment(snapshot: &Snapshot, span: FileSpan) -> bool {
    let parse = snapshot.parse(span.file);
    let comments = parse.into_iter().flat_map(|parse| &parse.document().comments);
    comments.into_iter().any(|it| it.span.start <= span.start && span.end <= it.span.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(source: &str, expected: Option<&str>) {
        let (snapshot, file, offset) = at_cursor(source);
        let found = hover(&snapshot, file, offset, Millis(1_320_000_000_000)).map(|hover| hover.markdown);
        let begins =
            found.as_deref().zip(expected).is_some_and(|(found, expected)| found.starts_with(expected));
        assert!(begins || (found.is_none() && expected.is_none()), "{found:?} for {source}");
    }

    #[test]
    fn a_name_shows_how_its_item_is_defined() {
        let lists = "aquariumpolicy:\n  pricelists:\n    - name: base\n      vmtime: 1\n    - name: cheap\n";
        check(&format!("{lists}      extends: ba$0se\n"), Some("price list **base**\n\n```aquarium\n"));
        check(&format!("{lists}      extends: $0other\n"), Some("price list **other**\n\nnot defined"));
    }

    #[test]
    fn a_key_says_what_it_is_for() {
        check("aquariumpolicy:\n  time$0zone: UTC\n", Some("**timezone**: "));
    }

    #[test]
    fn a_lint_in_a_directive_is_explained() {
        check("# aquarium: allow(AQ0$0401)\naquariumpolicy:\n  name: a\n", Some("AQ0401: "));
        check("# some a$0ccount\naquariumpolicy:\n  name: a\n", None);
    }

    #[test]
    fn an_agreement_says_what_it_asks_now() {
        let policy = "aquariumpolicy:\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n  algorithms:\n    - \
                      {name: all, '*': price * volume}\n  pricelists:\n    - {name: base, vmtime: 1.5}\n  agreements:\n    - \
                      {name: gold, algorithm: all, pricelist: base}\n  roles: {'*': go$0ld}\n";
        let (snapshot, file, offset) = at_cursor(policy);
        let text = hover(&snapshot, file, offset, Millis(1_320_000_000_000)).unwrap().markdown;
        let row = "| vmtime | 1.5 per hr | `price * volume` | price list base | 1 hour on: 1.5 credits |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn a_variable_has_a_unit() {
        let policy = "aquariumpolicy:\n  resources:\n    - {name: disk, unit: GB*hr, costpolicy: continuous}\n  algorithms:\n    - \
                      name: a\n      disk: ";
        check(
            &format!("{policy}pri$0ce * volume\n"),
            Some("**price** (`credits per GB*hr` of `disk`): the price"),
        );
        check(&format!("{policy}price * {{vol$0ume}}\n"), Some("**volume** (`GB*hr` of `disk`): what is"));
        check(&format!("{policy}price * duration$0\n"), Some("**duration**: continuous"));
    }

    #[test]
    fn a_variable_of_every_other_resource_has_the_unit_of_each() {
        let resources = "aquariumpolicy:\n  resources:\n    - {name: disk, unit: GB*hr, costpolicy: continuous}\n    - {name: vm, unit: hr, \
                         costpolicy: onoff}\n    - {name: net, unit: MB, costpolicy: discrete}\n  algorithms:\n    - name: a\n      \
                         vm: price * volume\n      '*': ";
        check(
            &format!("{resources}price * vol$0ume\n"),
            Some("**volume** (`GB*hr` of `disk`, `MB` of `net`): what is"),
        );
    }

    #[test]
    fn nothing_is_said_about_nothing() {
        check("aquariumpolicy:\n  name: a\n  $0 \n", None);
    }
}
