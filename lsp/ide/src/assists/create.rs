//! An item that is named somewhere and defined nowhere.

use aquarium_compiler::FileSpan;
use aquarium_compiler::items::{Class, Items};
use aquarium_compiler::references::{Usage, at};

use super::{Assist, Kind, layout};
use crate::Snapshot;
use crate::text::quoted;

/// Writes the item whose name stands at the cursor, if there is none.
pub(super) fn create(snapshot: &Snapshot, cursor: FileSpan) -> Option<Assist> {
    let items = &snapshot.analysis().items;
    let all = snapshot.references();
    let name = at(all, cursor.file, cursor.start)?;
    let defines = |usage| usage == Usage::Definition;
    if all.iter().any(|it| defines(it.usage) && it.class == name.class && it.name == name.name) {
        return None;
    }
    let edit = layout::add(snapshot, cursor.file, name.class, &name.name, &lines(items, name.class))?;
    let title = format!("create {} `{}`", name.class.noun(), name.name);
    Some(Assist { title, kind: Kind::Create, edits: vec![edit] })
}

/// What a new item says to begin with. A price is for the author to give: as long as it is missing, a finding says so.
fn lines(items: &Items, class: Class) -> Vec<String> {
    let each = |value: &str| {
        let line = |name: &String| format!("{}:{value}", quoted(name));
        items.resources.keys().map(line).collect()
    };
    match class {
        Class::Resource => vec!["unit: MB".to_owned(), "costpolicy: discrete".to_owned()],
        Class::Algorithm => each(" price * volume"),
        Class::Pricelist => each(""),
        Class::Creditplan => vec!["credits: 0".to_owned(), "at: \"00 00 1 * *\"".to_owned()],
        Class::Agreement => parts(items),
    }
}

/// The parts of a new agreement: `default` of each class, else the first one.
fn parts(items: &Items) -> Vec<String> {
    let part = |class: Class| {
        let names = items.lists(class);
        let name = names.keys().find(|name| *name == "default").or_else(|| names.keys().next())?;
        Some(format!("{}: {}", class.key(), quoted(name)))
    };
    [Class::Algorithm, Class::Pricelist, Class::Creditplan].into_iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::assists;
    use super::*;
    use crate::testing::{apply, at_cursor};

    fn check(source: &str, title: &str, expected: &str) {
        let (snapshot, file, offset) = at_cursor(source);
        let found = assists(&snapshot, FileSpan { file, start: offset, end: offset });
        let titles: Vec<_> = found.iter().map(|assist| assist.title.as_str()).collect();
        assert_eq!(titles, [title]);
        assert_eq!(apply(&source.replacen("$0", "", 1), &found[0].edits), expected);
    }

    #[test]
    fn an_item_joins_those_of_its_section_in_their_layout() {
        check(
            "aquariumpolicy:\n  pricelists:\n    - pricelist:\n        name: base\n        vmtime: 1 # dear\n\n  agreements:\n    \
             - {name: gold, pricelist: ni$0ghts}\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n",
            "create price list `nights`",
            "aquariumpolicy:\n  pricelists:\n    - pricelist:\n        name: base\n        vmtime: 1 # dear\n    - pricelist:\n        \
             name: nights\n        vmtime:\n\n  agreements:\n    - {name: gold, pricelist: nights}\n  resources:\n    - {name: \
             vmtime, unit: hr, costpolicy: onoff}\n",
        );
    }

    #[test]
    fn without_a_section_one_is_written() {
        check(
            "aquariumpolicy:\n  pricelists:\n    - name: base\n      vm$0time: 1\n",
            "create resource `vmtime`",
            "aquariumpolicy:\n  pricelists:\n    - name: base\n      vmtime: 1\n  resources:\n    - name: vmtime\n      unit: \
             MB\n      costpolicy: discrete\n",
        );
        check(
            "aquariumpolicy:\n  agreements:\n  roles:\n    student: go$0ld",
            "create agreement `gold`",
            "aquariumpolicy:\n  agreements:\n    - name: gold\n  roles:\n    student: gold",
        );
    }

    #[test]
    fn what_is_defined_is_not_created() {
        let (snapshot, file, offset) = at_cursor(
            "aquariumpolicy:\n  pricelists:\n    - {name: a, x: 1}\n    - {name: b, extends: $0a}\n  resources: []\n",
        );
        assert_eq!(assists(&snapshot, FileSpan { file, start: offset, end: offset }), []);
    }
}
