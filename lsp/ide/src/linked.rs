//! Places that change together while one of them is edited: a `const` of an expression and its uses.

use aquarium_compiler::{FileId, FileSpan};
use aquarium_grammar::expression::{Expression, Kind, Name};

use crate::Snapshot;
use crate::expressions::{self, touches};

/// The `const` under the cursor and its uses, in the order of the text; none elsewhere.
#[must_use]
pub fn bindings(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<FileSpan> {
    let Some((_, syntax)) = expressions::at(snapshot, file, offset) else { return Vec::new() };
    let mut groups = Vec::new();
    collect(&syntax.parsed.expression, &mut Vec::new(), &mut groups);
    let placed = groups.into_iter().map(|group| group.into_iter().map(|name| syntax.source.place(name.span)));
    let mut placed = placed.map(Iterator::collect::<Vec<FileSpan>>);
    placed.find(|group| group.iter().any(|span| touches(*span, offset))).unwrap_or_default()
}

/// Every `const` with its uses. `scope`: the bindings around an expression and their place in `groups`.
fn collect<'e>(
    expression: &'e Expression,
    scope: &mut Vec<(&'e str, usize)>,
    groups: &mut Vec<Vec<&'e Name>>,
) {
    match &expression.kind {
        Kind::Name(name) => {
            let bound = scope.iter().rev().find(|(bound, _)| *bound == name.text);
            if let Some(group) = bound.and_then(|(_, group)| groups.get_mut(*group)) {
                group.push(name);
            }
        }
        Kind::Let { name, value, body } => {
            collect(value, scope, groups);
            scope.push((&name.text, groups.len()));
            groups.push(vec![name]);
            collect(body, scope, groups);
            scope.pop();
        }
        _ => expression.children().into_iter().for_each(|child| collect(child, scope, groups)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(expression: &str, expected: usize) {
        let source = format!("aquariumpolicy:\n  algorithms:\n    - name: a\n      x: '{expression}'\n");
        let (snapshot, file, offset) = at_cursor(&source);
        let found = bindings(&snapshot, file, offset);
        assert_eq!(found.len(), expected, "{expression}");
        let texts: Vec<_> = found.iter().map(|span| snapshot.slice(*span)).collect();
        assert!(texts.windows(2).all(|pair| pair.first() == pair.last()), "{texts:?}");
    }

    #[test]
    fn a_const_and_its_uses_change_together() {
        check("() => { const fr$0ee = 2; const rest = volume - free; return price * (rest + free); }", 3);
        check("() => { const free = 2; const rest = volume - free; return price * (rest + fr$0ee); }", 3);
        check("() => { const free = 2; const re$0st = volume - free; return price * (rest + free); }", 2);
    }

    #[test]
    fn variables_do_not() {
        check("pri$0ce * volume + price", 0);
    }
}
