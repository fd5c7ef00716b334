//! Hints between the words: what numbers, patterns and inheritance mean.

use std::collections::BTreeMap;

use aquarium_compiler::items::{Class, EntryValue, Items};
use aquarium_compiler::price::PriceSyntax;
use aquarium_compiler::{FileId, FileSpan};
use aquarium_ir::policy::Mode;
use aquarium_ir::time::{Cron, InstantForm, WrittenInstant, Zone};

use crate::Snapshot;
use crate::walk::{Leaf, leaves};

/// How many inherited entries one hint names.
const ENTRIES_MAX: usize = 6;

/// A text that an editor shows behind a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Behind which byte.
    pub offset: u32,
    /// The text.
    pub label: String,
}

/// The hints inside a range, in the order of the text.
#[must_use]
pub fn hints(snapshot: &Snapshot, range: FileSpan) -> Vec<Hint> {
    let Some(parse) = snapshot.parse(range.file) else { return Vec::new() };
    let zone = &snapshot.analysis().zone;
    let mut hints = Vec::new();
    leaves(&parse.document().root, &mut |leaf| {
        if let Some(label) = time_hint(leaf, zone) {
            hints.push(Hint { offset: leaf.scalar.span.end, label });
        }
    });
    hints.extend(inherited(&snapshot.analysis().items, range.file));
    hints.retain(|hint| range.start <= hint.offset && hint.offset <= range.end);
    hints.sort_by_key(|hint| hint.offset);
    hints
}

/// What an instant or a pattern of a time frame or credit plan means.
fn time_hint(leaf: &Leaf<'_, '_>, zone: &Zone) -> Option<String> {
    if leaf.is_key {
        return None;
    }
    let in_frame = leaf.is_below(&["effective", "applicable"]);
    match leaf.key()? {
        key @ ("from" | "to" | "except") if in_frame => instant(leaf.scalar.text(), key == "to", zone),
        "start" | "end" if in_frame => cron(leaf.scalar.text()),
        "at" => cron(leaf.scalar.text()),
        _ => None,
    }
}

fn instant(text: &str, is_end: bool, zone: &Zone) -> Option<String> {
    let written = WrittenInstant::read(text, zone).ok()?;
    match written.form {
        InstantForm::Millis => Some(zone.format(written.instant)),
        // `to` is exclusive: many read a date as if that day were still in it.
        InstantForm::Date if is_end => Some("ends as this day begins".to_owned()),
        InstantForm::Date | InstantForm::Local | InstantForm::Offset => None,
    }
}

fn cron(text: &str) -> Option<String> {
    text.parse::<Cron>().ok().map(|cron| cron.words())
}

/// Behind `extends: base`: what the item has from its ancestors.
fn inherited(items: &Items, file: FileId) -> Vec<Hint> {
    let lists = [Class::Algorithm, Class::Pricelist, Class::Creditplan].into_iter();
    let lists = lists.flat_map(|class| items.lists(class).values().map(move |list| (class, list)));
    let hint = |(class, list): (Class, &aquarium_compiler::items::List)| {
        let extends = list.extends.as_ref().filter(|extends| extends.span.file == file)?;
        let label = listed(&from_ancestors(items, class, &list.name.value))?;
        Some(Hint { offset: extends.span.end, label })
    };
    lists.filter_map(hint).collect()
}

/// What a list does not give itself but an ancestor does, and as what.
fn from_ancestors(items: &Items, class: Class, name: &str) -> BTreeMap<String, String> {
    let lists = items.lists(class);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let Some(own) = lists.get(name) else { return found };
    let mut next = own.extends.as_ref();
    // A circle of `extends` ends after as many steps as there are lists.
    for _ in 0..lists.len() {
        let Some(list) = next.and_then(|parent| lists.get(&parent.value)) else { break };
        for (key, id) in list.entries.iter().filter(|(key, _)| !own.entries.contains_key(*key)) {
            if let Some(entry) = items.entry(*id) {
                found.entry(key.to_string()).or_insert_with(|| written(&entry.value));
            }
        }
        next = list.extends.as_ref();
    }
    found
}

/// A value in a few words.
fn written(value: &EntryValue) -> String {
    match value {
        EntryValue::Price(PriceSyntax::Flat(price)) => shortened(&price.text),
        EntryValue::Price(PriceSyntax::Tiers { tiers, .. }) => format!("{} tiers", tiers.len()),
        EntryValue::Expression(syntax) => shortened(&syntax.source.text),
        EntryValue::Credits(number) | EntryValue::Initial(number) => number.to_string(),
        EntryValue::At(cron) => cron.text.clone(),
        EntryValue::Mode(Mode::Add) => "add".to_owned(),
        EntryValue::Mode(Mode::Reset) => "reset".to_owned(),
        EntryValue::Broken => "?".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    const LETTERS_MAX: usize = 30;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LETTERS_MAX {
        return line;
    }
    line.chars().take(LETTERS_MAX).chain(['…']).collect()
}

fn listed(entries: &BTreeMap<String, String>) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    let mut words: Vec<String> =
        entries.iter().take(ENTRIES_MAX).map(|(key, value)| format!("{key}: {value}")).collect();
    if entries.len() > ENTRIES_MAX {
        words.push(format!("{} more", entries.len() - ENTRIES_MAX));
    }
    Some(words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    /// The source with its hints in place.
    fn check(source: &str, expected: &str) {
        let (snapshot, file, _) = at_cursor(&format!("{source}$0"));
        let whole = FileSpan { file, start: 0, end: u32::MAX };
        let mut text = source.to_owned();
        for hint in hints(&snapshot, whole).into_iter().rev() {
            text.insert_str(hint.offset as usize, &format!("«{}»", hint.label));
        }
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_and_patterns_of_time_are_said_in_words() {
        check(
            "aquariumpolicy:\n  timezone: Europe/Athens\n  effective:\n    from: 1293703200000\n    to: 2011-12-31\n    repeat:\n      \
             - every:\n          start: \"00 12 * * Mon\"\n          end: \"00 14 * * Fri\"\n",
            "aquariumpolicy:\n  timezone: Europe/Athens\n  effective:\n    from: 1293703200000«2010-12-30T12:00:00+02:00»\n    to: \
             2011-12-31«ends as this day begins»\n    repeat:\n      - every:\n          start: \"00 12 * * Mon\"«at 12:00 on \
             Monday»\n          end: \"00 14 * * Fri\"«at 14:00 on Friday»\n",
        );
    }

    #[test]
    fn what_is_inherited_stands_behind_the_parent() {
        check(
            "aquariumpolicy:\n  pricelists:\n    - {name: a, x: 1, y: 2}\n    - {name: b, extends: a, y: 3}\n    - {name: c, extends: b}\n",
            "aquariumpolicy:\n  pricelists:\n    - {name: a, x: 1, y: 2}\n    - {name: b, extends: a«x: 1», y: 3}\n    - {name: c, \
             extends: b«x: 1, y: 3»}\n",
        );
    }

    #[test]
    fn what_cannot_be_read_has_no_hint() {
        let source = "aquariumpolicy:\n  effective:\n    from: soon\n    repeat:\n      - {start: never, end: x}\n  name: 1293703200000\n";
        check(source, source);
    }
}
