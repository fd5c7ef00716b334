//! From document trees to items: keys, their values and their places. Names are not looked up here.

mod agreement;
mod frame;
mod head;
mod keys;
mod list;
mod named_part;
pub mod policy_test;
mod resource;
mod texts;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aquarium_grammar::document::{Entry as Pair, Item, Mapping, items as items_of};
use aquarium_grammar::{Reading, Span};

use aquarium_ir::time::Zone;

use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan};
use crate::findings::Findings;
use crate::items::{Class, Entry, EntryId, Items, KeyPlace, Text};
use crate::time::effective::Frames;
pub use head::known_zones;
use head::{Heads, check_roles, head};
use keys::{Keys, Known};
use named_part::NamedPart;
use texts::Texts;

/// What is read into: one file at a time.
#[derive(Debug)]
struct Reader<'r> {
    file: FileId,
    /// The text of the file.
    text: &'r str,
    findings: &'r mut Findings,
    frames: &'r mut Frames,
    items: &'r mut Items,
    texts: Texts,
    /// Inline parts with a name, of which a finding follows when all of the file is read.
    named_parts: Vec<NamedPart>,
    /// Keys that the parser has found to be given twice.
    told_twice: BTreeSet<FileSpan>,
}

/// Reads all files of a policy; also tells its zone.
pub fn read_all(files: &[&Reading], findings: &mut Findings) -> (Items, Zone) {
    let mut items = Items::default();
    let head = head(files, &mut items, findings);
    let mut frames = Frames::new(head.zone.clone());
    read(files, &head, &mut frames, &mut items, findings);
    items.frames = frames.into_vec();
    check_roles(&items, findings);
    (items, head.zone)
}

/// Where the findings so far say that a key is given twice.
fn told_twice(findings: &[Diagnostic]) -> BTreeSet<FileSpan> {
    let twice = findings.iter().filter(|finding| finding.code == Code::DuplicateKey);
    twice.map(|finding| finding.primary.span).collect()
}

/// Reads the sections of every file. `frames` knows the policy's zone.
fn read(
    files: &[&Reading],
    head: &Heads<'_>,
    frames: &mut Frames,
    items: &mut Items,
    findings: &mut Findings,
) {
    let mut named_parts = Vec::new();
    for (file, keys) in &head.policies {
        let text = files.get(file.0 as usize).map_or("", |reading| reading.text());
        let mut reader = Reader::new(*file, text, findings, frames, items);
        if let Some(effective) = keys.get("effective").filter(|_| head.is_first("effective", *file)) {
            reader.items.effective = reader.effective(effective);
        }
        reader.sections(keys);
        let found = std::mem::take(&mut reader.named_parts);
        named_parts.extend(found.into_iter().map(|part| reader.named_part_finding(part, keys)));
    }
    items.entries.shrink_to_fit();
    findings.extend(named_parts.into_iter().map(|found| found.known(items)));
    undeclared(items, findings);
}

impl<'r> Reader<'r> {
    fn new(
        file: FileId,
        text: &'r str,
        findings: &'r mut Findings,
        frames: &'r mut Frames,
        items: &'r mut Items,
    ) -> Self {
        let told_twice = told_twice(findings);
        Self {
            file,
            text,
            findings,
            frames,
            items,
            texts: Texts::default(),
            named_parts: Vec::new(),
            told_twice,
        }
    }
}

impl Reader<'_> {
    /// The place of the first key of a mapping that stands in lines.
    fn key_place(&self, mapping: &Mapping) -> Option<KeyPlace> {
        let first = mapping.entries.first().filter(|_| !mapping.is_flow)?;
        let at = self.span(Span::empty(first.key.span.start));
        Some(KeyPlace { at, indent: self.column(at.start) })
    }

    /// How many bytes stand before a place in its line.
    fn column(&self, offset: u32) -> usize {
        let before = self.text.get(..offset as usize).unwrap_or_default();
        before.len() - before.rfind('\n').map_or(0, |end| end + 1)
    }

    /// A place of this file.
    pub fn span(&self, span: Span) -> FileSpan {
        FileSpan { file: self.file, start: span.start, end: span.end }
    }

    fn sections(&mut self, keys: &Keys<'_>) {
        for class in Class::ALL {
            let Some(section) = keys.get(class.section()) else { continue };
            for item in items_of(&section.value, class.key()) {
                self.item(class, item);
            }
        }
    }

    fn item(&mut self, class: Class, item: Item<'_>) {
        if let Some(other) = item.instead_of_keys() {
            self.wrong_form(other, &format!("{} with its keys", class.with_article()));
            return;
        }
        match class {
            Class::Resource => self.resource(item),
            Class::Algorithm | Class::Pricelist | Class::Creditplan => self.list(class, item),
            Class::Agreement => self.agreement(item),
        }
    }

    /// The name of an item; a finding where it has none.
    fn item_name(&mut self, class: Class, item: Item<'_>, keys: &Keys<'_>) -> Option<Text> {
        let Some(entry) = keys.get("name") else {
            let message = format!("{} needs a `name`", class.with_article());
            let span = self.span(item.wrapper.map_or(item.span(), |wrapper| wrapper.key.span));
            self.findings.push(Diagnostic::new(Code::MissingKey, span, message));
            return None;
        };
        if class == Class::Resource { self.long_name_of(entry) } else { self.name_of(entry) }
    }

    fn add_entry(&mut self, pair: &Pair, giver: &Arc<str>, value: crate::items::EntryValue) -> EntryId {
        let entry = Entry {
            key: self.shared_text(&pair.key),
            span: self.span(pair.span),
            value_span: self.span(pair.value.span()),
            giver: Arc::clone(giver),
            value,
        };
        self.items.entries.push(entry);
        EntryId(self.items.entries.len() - 1)
    }
}

/// The finding that a name is taken.
fn taken(class: Class, first: &Text, second: &Text) -> Diagnostic {
    let message = format!("two {}s have the name `{}`", class.noun(), second.value);
    Diagnostic::new(Code::DuplicateItem, second.span, message)
        .label(first.span, "first defined here")
        .help("rename or remove one of them")
}

/// Prices and expressions of resources that no section declares.
fn undeclared(items: &Items, findings: &mut Findings) {
    let lists = [&items.algorithms, &items.pricelists].into_iter().flat_map(|lists| lists.values());
    let listed = lists.map(|list| &list.entries);
    let parts = items.agreements.values().flat_map(|agreement| &agreement.parts);
    let parts = parts.filter(|(class, _)| **class != Class::Creditplan);
    let laid_over = parts.map(|(_, part)| &part.entries);
    for entries in listed.chain(laid_over) {
        for (key, id) in entries {
            let Some(entry) = items.entry(*id) else { continue };
            let is_star = key.as_ref() == crate::resolve::EVERY_RESOURCE
                && matches!(entry.value, crate::items::EntryValue::Expression(_));
            if !is_star && !items.resources.contains_key(key.as_ref()) {
                let finding = undeclared_resource(entry, entries, items, findings);
                findings.push(finding);
            }
        }
    }
}

/// The item that gives an entry, as people say it: price list `default`.
fn giver(entry: &Entry) -> String {
    let (key, name) = entry.giver.split_once(' ').unwrap_or(("", &entry.giver));
    let class = Class::ALL.into_iter().find(|class| class.key() == key);
    class.map_or_else(|| format!("`{name}`"), |class| format!("{} `{name}`", class.noun()))
}

/// `given`: what the item gives beside it, which cannot be what is meant.
fn undeclared_resource(
    entry: &Entry,
    given: &BTreeMap<Arc<str>, EntryId>,
    items: &Items,
    findings: &mut Findings,
) -> Diagnostic {
    let name = &entry.key.value;
    let message = format!("{} names resource `{name}`, which is not declared", giver(entry));
    let finding = Diagnostic::new(Code::UndeclaredResource, entry.key.span, message);
    let meant = items.resources.keys().map(String::as_str).filter(|name| !given.contains_key(*name));
    match findings.nearest(name, meant) {
        Some(near) => finding.help(format!("did you mean `{near}`?")).fix(
            format!("write `{near}`"),
            entry.key.span,
            near,
        ),
        None => finding.help("declare it under `resources`, or correct the name"),
    }
}

/// All keys of the policy itself.
const POLICY: &[Known] = &[
    keys::key("name"),
    keys::key("description"),
    keys::key("timezone"),
    keys::key("precision"),
    keys::key("effective"),
    keys::key("constants"),
    keys::key("resources"),
    keys::key("algorithms"),
    keys::key("pricelists"),
    keys::key("creditplans"),
    keys::key("agreements"),
    keys::key("roles"),
    keys::key("implicitvars"),
];
