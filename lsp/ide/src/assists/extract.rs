//! A part that an agreement writes out becomes an item with a name.

use aquarium_compiler::{Edit, FileSpan};

use super::{Assist, Kind, PartOf, layout};
use crate::Snapshot;
use crate::text::quoted;

/// Gives the part a name of its own. Not where the agreement extends another: there the part is laid over that of
/// the parent, and an item by itself would mean something else.
pub(super) fn extract(snapshot: &Snapshot, part: &PartOf<'_>) -> Option<Assist> {
    let PartOf { agreement, class, part } = part;
    if part.base.is_some() || agreement.extends.is_some() {
        return None;
    }
    let file = part.key.file;
    let content = layout::content(snapshot, file)?;
    let line_end = layout::line_end(content, part.key.end)?;
    let end = layout::line_end(content, part.span.end)?;
    let behind_key = layout::slice(content, part.key.end, line_end)?;
    let body = layout::slice(content, line_end, end)?;
    // What stands in braces, or behind the key, has no lines to move.
    if behind_key.trim() != ":" || body.trim().is_empty() {
        return None;
    }
    let first = body.lines().find(|line| !line.trim().is_empty())?;
    let lines = layout::dedent(body.lines().skip(1), first.len() - first.trim_start().len())?;
    if lines.iter().any(|line| line.starts_with("name:")) {
        return None;
    }
    let taken = snapshot.analysis().items.lists(*class);
    let name = free(&agreement.name.value, |name| taken.contains_key(name))?;
    let added = layout::add(snapshot, file, *class, &name, &lines)?;
    let replaced = FileSpan { file, start: part.key.end, end };
    let used = Edit { span: replaced, text: format!(": {}", quoted(&name)) };
    let title = format!("give this {} a name: `{name}`", class.noun());
    Some(Assist { title, kind: Kind::Extract, edits: vec![used, added] })
}

/// A name that nothing has yet.
fn free(wanted: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    /// More tries than anyone has items of one name.
    const TRIES_MAX: u32 = 1000;
    let numbered = (2..TRIES_MAX).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !is_taken(name))
}

#[cfg(test)]
mod tests {
    use aquarium_compiler::{FileSpan, SourceFile, analyze};
    use aquarium_ir::difference::Difference;

    use super::super::assists;
    use crate::testing::{apply, at_cursor};

    const HEAD: &str = "aquariumpolicy:\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n  algorithms:\n    - {name: \
                        all, '*': price * volume}\n  pricelists:\n    - {name: gold, vmtime: 2}\n";
    const INLINE: &str = "  agreements:\n    - name: gold\n      algorithm: all\n      price$0list:\n        # by the hour\n        \
                          vmtime: 1\n        effective: {from: 2011-01-01}\n      threshold: -5\n    - {name: other, algorithm: all, \
                          pricelist: gold}\n  roles: {'*': gold, student: other}\n";
    const NAMED: &str =
        "    - name: gold-2\n      # by the hour\n      vmtime: 1\n      effective: {from: 2011-01-01}\n";

    fn policy(text: &str) -> aquarium_ir::Policy {
        let analysis = analyze(vec![SourceFile { path: "a".into(), bytes: text.as_bytes().to_vec() }]);
        analysis.policy().cloned().unwrap_or_else(|| panic!("{:#?}\n{text}", analysis.diagnostics))
    }

    /// The text after the one change that is offered at the cursor, which must not change any charge.
    fn changed(source: &str) -> String {
        let (snapshot, file, offset) = at_cursor(source);
        let found = assists(&snapshot, FileSpan { file, start: offset, end: offset });
        let before = source.replacen("$0", "", 1);
        let after = apply(&before, &found.first().expect("a change").edits);
        assert!(Difference::between(&policy(&before), &policy(&after)).is_empty(), "{after}");
        after
    }

    #[test]
    fn a_part_becomes_an_item_and_a_part_again() {
        let extracted = changed(&format!("{HEAD}{INLINE}"));
        let used = "      pricelist: gold-2\n      threshold: -5\n";
        assert!(extracted.starts_with(&format!("{HEAD}{NAMED}")), "{extracted}");
        assert!(extracted.contains(used), "{extracted}");
        let back = changed(&extracted.replacen("gold-2\n      threshold", "gold-$02\n      threshold", 1));
        assert_eq!(back, format!("{HEAD}{INLINE}").replace("$0", ""));
    }

    #[test]
    fn an_item_that_others_use_stays() {
        let list = "    - name: base\n      vmtime: 1\n";
        let agreements = "  agreements:\n    - name: a\n      algorithm: all\n      pricelist: $0base\n    - {name: b, algorithm: all, \
                          pricelist: base}\n  roles: {'*': a, student: b}\n";
        let after = changed(&format!("{HEAD}{list}{agreements}"));
        assert!(after.contains(list), "{after}");
        assert!(after.contains("      pricelist:\n        vmtime: 1\n"), "{after}");
    }

    #[test]
    fn what_lies_over_a_parent_is_left_alone() {
        let source = format!(
            "{HEAD}  agreements:\n    - {{name: a, algorithm: all, pricelist: gold}}\n    - name: b\n      extends: a\n      \
                              price$0list:\n        vmtime: 3\n  roles: {{'*': a, student: b}}\n"
        );
        let (snapshot, file, offset) = at_cursor(&source);
        assert_eq!(assists(&snapshot, FileSpan { file, start: offset, end: offset }), []);
    }
}
