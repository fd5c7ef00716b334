//! From document trees to items: keys, their values and their places. Names are not looked up here.

mod agreement;
mod frame;
mod head;
mod keys;
mod list;
mod resource;
mod values;

use aquarium_grammar::document::{Entry as Pair, Item, items as items_of};
use aquarium_grammar::{Parse, Span};

use aquarium_ir::time::Zone;

use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan};
use crate::items::{Class, Entry, EntryId, Items, Text};
use crate::time::effective::Frames;
use head::{Head, check_roles, head};
use keys::{Keys, Known};

/// What is read into: one file at a time.
#[derive(Debug)]
struct Reader<'r> {
    file: FileId,
    findings: &'r mut Vec<Diagnostic>,
    frames: &'r mut Frames,
    items: &'r mut Items,
}

/// Reads all files of a policy; also tells its zone.
pub fn read_all(files: &[Parse], findings: &mut Vec<Diagnostic>) -> (Items, Zone) {
    let mut items = Items::default();
    let head = head(files, &mut items, findings);
    let mut frames = Frames::new(head.zone.clone());
    read(&head, &mut frames, &mut items, findings);
    items.frames = frames.into_vec();
    check_roles(&items, findings);
    (items, head.zone)
}

/// Reads the sections of every file. `frames` knows the policy's zone.
fn read(head: &Head<'_>, frames: &mut Frames, items: &mut Items, findings: &mut Vec<Diagnostic>) {
    for (file, keys) in &head.policies {
        let mut reader = Reader { file: *file, findings, frames, items };
        if let Some(effective) = keys.get("effective").filter(|_| head.is_first("effective", *file)) {
            reader.items.effective = reader.effective(effective);
        }
        reader.sections(keys);
    }
    undeclared(items, findings);
}

impl Reader<'_> {
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
        if class == Class::Resource { self.text_of(entry) } else { self.name_of(entry) }
    }

    fn add_entry(&mut self, pair: &Pair, giver: &str, value: crate::items::EntryValue) -> EntryId {
        let entry = Entry {
            key: self.text(&pair.key),
            span: self.span(pair.span),
            value_span: self.span(pair.value.span()),
            giver: giver.to_owned(),
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
fn undeclared(items: &Items, findings: &mut Vec<Diagnostic>) {
    let lists = [&items.algorithms, &items.pricelists].into_iter().flat_map(|lists| lists.values());
    let listed = lists.flat_map(|list| &list.entries).map(|(key, id)| (key, *id, false));
    let parts = items.agreements.values().flat_map(|agreement| &agreement.parts);
    let parts = parts.filter(|(class, _)| **class != Class::Creditplan);
    let laid_over = parts.flat_map(|(_, part)| &part.entries).map(|(key, id)| (key, *id, true));
    for (key, id, _) in listed.chain(laid_over) {
        let Some(entry) = items.entry(id) else { continue };
        let is_star = key == crate::resolve::EVERY_RESOURCE
            && matches!(entry.value, crate::items::EntryValue::Expression(_));
        if !is_star && !items.resources.contains_key(key) {
            findings.push(undeclared_resource(entry, items));
        }
    }
}

fn undeclared_resource(entry: &Entry, items: &Items) -> Diagnostic {
    let name = &entry.key.value;
    let message = format!("{} names resource `{name}`, which is not declared", entry.giver);
    let finding = Diagnostic::new(Code::UndeclaredResource, entry.key.span, message);
    match aquarium_grammar::expression::names::nearest(name, items.resources.keys().map(String::as_str)) {
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
