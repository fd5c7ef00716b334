//! Where names are defined and used: what tools need to go to a definition, to find its uses, to rename.

mod constants;

use crate::FileSpan;
use crate::items::{Class, EntryId, Items, Text};
use crate::resolve::EVERY_RESOURCE;

pub use constants::{ConstantReference, ConstantUsage, constants};

/// One place where a name stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Where, quotes included.
    pub span: FileSpan,
    /// The class of item that the name is one of.
    pub class: Class,
    /// The name.
    pub name: String,
    /// How it is used there.
    pub usage: Usage,
}

/// How a name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// The item is defined here.
    Definition,
    /// Another item of the class extends it.
    Extends,
    /// An agreement has it as a part, perhaps with overrides.
    Part,
    /// A role has the agreement.
    Role,
    /// A price list, algorithm or part gives something for the resource.
    Entry,
}

/// Every place where the name of an item stands, in the order of the files.
#[must_use]
pub fn references(items: &Items) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut add = |class: Class, text: &Text, usage: Usage| {
        found.push(Reference { span: text.span, class, name: text.value.clone(), usage });
    };
    items.resources.values().for_each(|resource| add(Class::Resource, &resource.name, Usage::Definition));
    for class in [Class::Algorithm, Class::Pricelist, Class::Creditplan] {
        for list in items.lists(class).values() {
            add(class, &list.name, Usage::Definition);
            list.extends.iter().for_each(|parent| add(class, parent, Usage::Extends));
        }
    }
    for agreement in items.agreements.values() {
        add(Class::Agreement, &agreement.name, Usage::Definition);
        agreement.extends.iter().for_each(|parent| add(Class::Agreement, parent, Usage::Extends));
        for (class, part) in &agreement.parts {
            part.base.iter().for_each(|base| add(*class, base, Usage::Part));
        }
    }
    items.roles.values().for_each(|role| add(Class::Agreement, &role.agreement, Usage::Role));
    for key in entries(items).filter_map(|id| Some(&items.entry(id)?.key)) {
        let name = key.value.as_ref();
        if name != EVERY_RESOURCE || items.resources.contains_key(EVERY_RESOURCE) {
            let (class, usage) = (Class::Resource, Usage::Entry);
            found.push(Reference { span: key.span, class, name: name.to_owned(), usage });
        }
    }
    found.sort();
    found
}

/// The entries of price lists, algorithms and parts: their keys are resources.
fn entries(items: &Items) -> impl Iterator<Item = EntryId> {
    let lists = items.algorithms.values().chain(items.pricelists.values());
    let parts = items.agreements.values().flat_map(|agreement| &agreement.parts);
    let parts =
        parts.filter(|(class, _)| **class != Class::Creditplan).flat_map(|(_, part)| part.entries.values());
    lists.flat_map(|list| list.entries.values()).chain(parts).copied()
}

/// The name at a place, if one stands there (a cursor behind its last letter still touches it).
#[must_use]
pub fn at(references: &[Reference], file: crate::FileId, offset: u32) -> Option<&Reference> {
    let touches = |span: FileSpan| span.file == file && span.start <= offset && offset <= span.end;
    references.iter().find(|reference| touches(reference.span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileId, SourceFile, analyze};

    #[test]
    fn names_are_found_where_they_are_defined_and_used() {
        let text = "aquariumpolicy:
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
  algorithms:
    - {name: all, '*': price * volume}
  pricelists:
    - {name: base, vmtime: 1}
    - {name: cheap, extends: base}
  agreements:
    - name: default
      algorithm: all
      pricelist: cheap
        vmtime: 2
  roles: {'*': default}
";
        let file = SourceFile { path: "a".to_owned(), bytes: text.as_bytes().to_vec() };
        let references = references(&analyze(vec![file]).items);
        let uses = |name: &str| {
            references.iter().filter(|it| it.name == name).map(|it| it.usage).collect::<Vec<_>>()
        };
        assert_eq!(uses("vmtime"), [Usage::Definition, Usage::Entry, Usage::Entry]);
        assert_eq!(uses("base"), [Usage::Definition, Usage::Extends]);
        assert_eq!(uses("cheap"), [Usage::Definition, Usage::Part]);
        assert_eq!(uses("default"), [Usage::Definition, Usage::Role]);
        assert_eq!(uses("*"), []);
        let offset = u32::try_from(text.rfind("cheap").unwrap()).unwrap() + 5;
        assert_eq!(at(&references, FileId(0), offset).map(|it| it.usage), Some(Usage::Part));
    }
}
