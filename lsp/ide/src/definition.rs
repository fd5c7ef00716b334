//! From the use of a name to its definition, and to all its other uses.

use aquarium_compiler::references::{Reference, Usage, at};
use aquarium_compiler::{FileId, FileSpan};

use crate::Snapshot;

/// The places where the name under the cursor is defined: one, or several if that is a mistake.
#[must_use]
pub fn definition(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let found = uses(snapshot, file, offset);
    found.into_iter().filter(|use_| use_.usage == Usage::Definition).map(|use_| use_.span).collect()
}

/// Every place of the name under the cursor, its definition among them.
#[must_use]
pub fn uses(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Reference> {
    let all = snapshot.references();
    let Some(here) = at(all, file, offset).cloned() else { return Vec::new() };
    all.iter().filter(|other| other.class == here.class && other.name == here.name).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(source: &str, expected: &str) {
        let (snapshot, file, offset) = at_cursor(source);
        let found: Vec<_> = definition(&snapshot, file, offset)
            .into_iter()
            .map(|span| snapshot.positions(span, crate::Encoding::Utf16).start)
            .map(|start| format!("{}:{}", start.line + 1, start.column + 1))
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }

    const LISTS: &str =
        "aquariumpolicy:\n  pricelists:\n    - name: base\n      vmtime: 1\n    - name: cheap\n";

    #[test]
    fn a_parent_leads_to_where_it_is_defined() {
        check(&format!("{LISTS}      extends: ba$0se\n"), "3:13");
    }

    #[test]
    fn what_is_defined_nowhere_leads_nowhere() {
        check(&format!("{LISTS}      extends: ot$0her\n"), "");
        check(&format!("{LISTS}      $0extends: base\n"), "");
    }

    #[test]
    fn a_name_has_its_definition_and_its_uses() {
        let (snapshot, file, offset) = at_cursor(&format!("{LISTS}      extends: base$0\n"));
        let usages: Vec<_> = uses(&snapshot, file, offset).into_iter().map(|use_| use_.usage).collect();
        assert_eq!(usages, [Usage::Definition, Usage::Extends]);
    }
}
