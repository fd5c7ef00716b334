//! The other places of the name under the cursor in the same file.

use aquarium_compiler::references::Usage;
use aquarium_compiler::{FileId, FileSpan};

use crate::Snapshot;
use crate::definition::uses;
use crate::linked::bindings;

/// A place of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Highlight {
    /// Where.
    pub span: FileSpan,
    /// Whether the name gets its meaning there.
    pub defines: bool,
}

/// The places of the name under the cursor in its file.
#[must_use]
pub fn highlight(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Highlight> {
    let names = uses(snapshot, file, offset).into_iter();
    let mut found: Vec<Highlight> = names
        .filter(|place| place.span.file == file)
        .map(|place| Highlight { span: place.span, defines: place.usage == Usage::Definition })
        .collect();
    if found.is_empty() {
        let places = bindings(snapshot, file, offset).into_iter().enumerate();
        found.extend(places.map(|(index, span)| Highlight { span, defines: index == 0 }));
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(source: &str, expected: &str) {
        let (snapshot, file, offset) = at_cursor(source);
        let found: Vec<_> = highlight(&snapshot, file, offset)
            .into_iter()
            .map(|it| {
                let start = snapshot.positions(it.span, crate::Encoding::Utf8).start;
                format!("{}:{}{}", start.line + 1, start.column + 1, if it.defines { "=" } else { "" })
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }

    #[test]
    fn a_name_lights_up_where_it_is_defined_and_used() {
        let lists = "aquariumpolicy:\n  pricelists:\n    - name: ba$0se\n      x: 1\n    - {name: b, extends: base}\n";
        check(lists, "3:13= 5:26");
    }

    #[test]
    fn a_const_lights_up_in_its_expression() {
        let source = "aquariumpolicy:\n  algorithms:\n    - name: a\n      x: '(volume) => { const f$0ree = 2; return price * (volume - free); }'\n";
        check(source, "4:31= 4:66");
    }

    #[test]
    fn nothing_lights_up_elsewhere() {
        check("aquariumpolicy:\n  na$0me: a\n", "");
    }
}
