//! The outline of a file: its items by class.

use aquarium_compiler::items::{Class, Items, Text};
use aquarium_compiler::{FileId, FileSpan};

use crate::Snapshot;

/// The items of a class in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The class.
    pub class: Class,
    /// From the first item to the last.
    pub span: FileSpan,
    /// The items, in the order of the text.
    pub items: Vec<Symbol>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: FileSpan,
    /// The whole item.
    pub span: FileSpan,
}

/// The outline of a file, in the order of the text.
#[must_use]
pub fn symbols(snapshot: &Snapshot, file: FileId) -> Vec<Section> {
    let items = &snapshot.analysis().items;
    let mut sections: Vec<_> =
        Class::ALL.into_iter().filter_map(|class| section(items, class, file)).collect();
    sections.sort_by_key(|section| section.span);
    sections
}

fn section(items: &Items, class: Class, file: FileId) -> Option<Section> {
    let symbol = |(name, span): (&Text, FileSpan)| {
        // What a client selects lies inside what it shows as the whole.
        let span =
            FileSpan { start: span.start.min(name.span.start), end: span.end.max(name.span.end), ..span };
        Symbol { name: name.value.clone(), name_span: name.span, span }
    };
    let mut found: Vec<Symbol> =
        named(items, class).into_iter().map(symbol).filter(|symbol| symbol.span.file == file).collect();
    found.sort_by_key(|symbol| symbol.span);
    let (first, last) = (found.first()?.span, found.iter().map(|symbol| symbol.span.end).max()?);
    Some(Section { class, span: FileSpan { file, start: first.start, end: last }, items: found })
}

/// The items of a class: name and place.
fn named(items: &Items, class: Class) -> Vec<(&Text, FileSpan)> {
    match class {
        Class::Resource => items.resources.values().map(|it| (&it.name, it.span)).collect(),
        Class::Agreement => items.agreements.values().map(|it| (&it.name, it.span)).collect(),
        Class::Algorithm | Class::Pricelist | Class::Creditplan => {
            items.lists(class).values().map(|it| (&it.name, it.span)).collect()
        }
    }
}

/// Whether a name has the letters of a query in that order, whatever their case.
#[must_use]
pub fn matches(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    #[test]
    fn items_stand_below_their_class_in_the_order_of_the_text() {
        let source = "$0aquariumpolicy:\n  pricelists:\n    - name: b\n      x: 1\n    - name: a\n      x: 1\n  \
                      resources:\n    - name: x\n      unit: MB\n      costpolicy: discrete\n";
        let (snapshot, file, _) = at_cursor(source);
        let outline: Vec<_> = symbols(&snapshot, file)
            .into_iter()
            .map(|section| {
                let names: Vec<_> = section.items.into_iter().map(|item| item.name).collect();
                format!("{}: {}", section.class.section(), names.join(" "))
            })
            .collect();
        assert_eq!(outline, ["pricelists: b a", "resources: x"]);
    }

    #[test]
    fn a_query_finds_names_by_their_letters_in_order() {
        for (query, expected) in
            [("npr", true), ("", true), ("Night-Prices", true), ("rpn", false), ("nightx", false)]
        {
            assert_eq!(matches("Night-Prices", query), expected, "{query}");
        }
    }
}
