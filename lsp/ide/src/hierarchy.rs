//! Who extends whom, and who overrides what.

use aquarium_compiler::items::{Class, Items, Text};
use aquarium_compiler::references::at;
use aquarium_compiler::{FileId, FileSpan};

use crate::Snapshot;

/// An item of a chain of `extends`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its class.
    pub class: Class,
    /// Its name.
    pub name: String,
    /// Where the name stands in its definition.
    pub name_span: FileSpan,
    /// The whole item.
    pub span: FileSpan,
}

/// The item whose name is under the cursor, if it is one that can extend another.
#[must_use]
pub fn member(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Member> {
    let all = snapshot.references();
    let here = at(all, file, offset)?;
    find(&snapshot.analysis().items, here.class, &here.name)
}

/// What an item extends.
#[must_use]
pub fn parent(snapshot: &Snapshot, class: Class, name: &str) -> Option<Member> {
    let items = &snapshot.analysis().items;
    let extends = match class {
        Class::Resource => None,
        Class::Agreement => items.agreements.get(name)?.extends.as_ref(),
        _ => items.lists(class).get(name)?.extends.as_ref(),
    };
    find(items, class, &extends?.value)
}

/// What extends an item, by name.
#[must_use]
pub fn children(snapshot: &Snapshot, class: Class, name: &str) -> Vec<Member> {
    let items = &snapshot.analysis().items;
    let is_child = |extends: &Option<Text>| extends.as_ref().is_some_and(|parent| parent.value == name);
    let found: Vec<&String> = match class {
        Class::Resource => Vec::new(),
        Class::Agreement => {
            items.agreements.iter().filter(|(_, it)| is_child(&it.extends)).map(|(name, _)| name).collect()
        }
        _ => {
            items.lists(class).iter().filter(|(_, it)| is_child(&it.extends)).map(|(name, _)| name).collect()
        }
    };
    found.into_iter().filter_map(|name| find(items, class, name)).collect()
}

/// Everything that overrides the item under the cursor: the items that extend it, however far, and the
/// agreements that lay something over it.
#[must_use]
pub fn overriders(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let Some(here) = member(snapshot, file, offset) else { return Vec::new() };
    let mut found: Vec<Member> = Vec::new();
    let mut open = vec![here.clone()];
    while let Some(item) = open.pop() {
        for child in children(snapshot, item.class, &item.name) {
            if child != here && !found.contains(&child) {
                found.push(child.clone());
                open.push(child);
            }
        }
    }
    let mut spans: Vec<FileSpan> = found.into_iter().map(|item| item.name_span).collect();
    spans.extend(laid_over(&snapshot.analysis().items, &here));
    spans.sort();
    spans
}

/// The parts of agreements that name an item and lay something over it.
fn laid_over<'a>(items: &'a Items, item: &'a Member) -> impl Iterator<Item = FileSpan> + 'a {
    let parts = items.agreements.values().flat_map(|agreement| &agreement.parts);
    let over = parts.filter(move |(class, part)| **class == item.class && !part.entries.is_empty());
    over.filter_map(move |(_, part)| {
        part.base.as_ref().filter(|base| base.value == item.name).map(|base| base.span)
    })
}

/// What the entry under the cursor overrides: the same key in the nearest ancestor that gives it.
#[must_use]
pub fn overridden(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<FileSpan> {
    let items = &snapshot.analysis().items;
    for class in [Class::Algorithm, Class::Pricelist, Class::Creditplan] {
        for list in items.lists(class).values() {
            let here = list.entries.iter().find(|(_, id)| {
                items.entry(**id).is_some_and(|entry| {
                    entry.key.span.file == file
                        && entry.key.span.start <= offset
                        && offset <= entry.key.span.end
                })
            });
            if let Some((key, _)) = here {
                return above(items, class, list.extends.as_ref(), key);
            }
        }
    }
    for agreement in items.agreements.values() {
        for (class, part) in &agreement.parts {
            let touched = part.entries.iter().find(|(_, id)| {
                items.entry(**id).is_some_and(|entry| {
                    entry.key.span.file == file
                        && entry.key.span.start <= offset
                        && offset <= entry.key.span.end
                })
            });
            if let Some((key, _)) = touched {
                return above(items, *class, part.base.as_ref(), key);
            }
        }
    }
    None
}

/// The key in a list or in the nearest of its ancestors that gives it.
fn above(items: &Items, class: Class, list: Option<&Text>, key: &str) -> Option<FileSpan> {
    let lists = items.lists(class);
    let mut next = list;
    // A circle of `extends` ends after as many steps as there are lists.
    for _ in 0..=lists.len() {
        let list = lists.get(&next?.value)?;
        if let Some(entry) = list.entries.get(key).and_then(|id| items.entry(*id)) {
            return Some(entry.key.span);
        }
        next = list.extends.as_ref();
    }
    None
}

fn find(items: &Items, class: Class, name: &str) -> Option<Member> {
    let (text, span) = match class {
        Class::Resource => return None,
        Class::Agreement => items.agreements.get(name).map(|it| (&it.name, it.span))?,
        _ => items.lists(class).get(name).map(|it| (&it.name, it.span))?,
    };
    Some(Member { class, name: text.value.clone(), name_span: text.span, span })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    const POLICY: &str = "aquariumpolicy:
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
  pricelists:
    - name: base
      vmtime: 1
    - name: cheap
      extends: base
    - name: night
      extends: cheap
      vmtime: 3
  agreements:
    - name: gold
      pricelist: base
        vmtime: 2
    - name: silver
      extends: gold
      pricelist: base
";

    fn cursor(marked: &str) -> (Snapshot, FileId, u32) {
        at_cursor(&POLICY.replacen(&marked.replace("$0", ""), marked, 1))
    }

    fn line(snapshot: &Snapshot, span: FileSpan) -> u32 {
        snapshot.positions(span, crate::Encoding::Utf8).start.line + 1
    }

    #[test]
    fn items_know_their_parent_and_their_children() {
        let (snapshot, file, offset) = cursor("extends: che$0ap");
        let here = member(&snapshot, file, offset).unwrap();
        assert_eq!((here.class, here.name.as_str()), (Class::Pricelist, "cheap"));
        assert_eq!(parent(&snapshot, here.class, &here.name).map(|it| it.name), Some("base".to_owned()));
        let names =
            |class, name| children(&snapshot, class, name).into_iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names(Class::Pricelist, "base"), ["cheap"]);
        assert_eq!(names(Class::Agreement, "gold"), ["silver"]);
    }

    #[test]
    fn an_item_is_overridden_by_what_extends_it_and_by_what_is_laid_over_it() {
        let (snapshot, file, offset) = cursor("- name: ba$0se");
        let lines: Vec<_> =
            overriders(&snapshot, file, offset).into_iter().map(|span| line(&snapshot, span)).collect();
        assert_eq!(lines, [7, 9, 14]);
    }

    #[test]
    fn an_entry_leads_to_the_one_that_it_overrides() {
        for (marked, expected) in [("vmti$0me: 3", Some(6)), ("vmti$0me: 2", Some(6)), ("vmti$0me: 1", None)]
        {
            let (snapshot, file, offset) = cursor(marked);
            let found = overridden(&snapshot, file, offset).map(|span| line(&snapshot, span));
            assert_eq!(found, expected, "{marked}");
        }
    }

    #[test]
    fn a_circle_has_an_end() {
        let source = "aquariumpolicy:\n  pricelists:\n    - {name: a$0, extends: b, x: 1}\n    - {name: b, extends: a}\n";
        let (snapshot, file, offset) = at_cursor(source);
        assert_eq!(overriders(&snapshot, file, offset).len(), 1);
    }
}
