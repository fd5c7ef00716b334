//! A walk over the values of a document, with the keys above each.

use aquarium_grammar::document::{Entry, Mapping, Scalar, Value};

/// A text of a document and the keys above it, from the root on; items of lists have none of their own.
#[derive(Debug)]
pub struct Leaf<'d, 'p> {
    /// The keys.
    pub path: &'p [&'d str],
    /// The text.
    pub scalar: &'d Scalar,
    /// Whether it is a key itself; then its own is the last of the path.
    pub is_key: bool,
}

impl<'d> Leaf<'d, '_> {
    /// The nearest key, a leaf's own apart.
    #[must_use]
    pub fn key(&self) -> Option<&'d str> {
        let above = if self.is_key { self.path.len().checked_sub(1)? } else { self.path.len() };
        self.path.get(above.checked_sub(1)?).copied()
    }

    /// Whether some key above is one of these.
    #[must_use]
    pub fn is_below(&self, keys: &[&str]) -> bool {
        self.path.iter().any(|key| keys.contains(key))
    }
}

/// Calls `each` for every text of a value, in the order of the text.
pub fn leaves<'d>(value: &'d Value, each: &mut impl FnMut(&Leaf<'d, '_>)) {
    let mut path = Vec::new();
    visit(value, &mut path, each);
}

fn visit<'d>(value: &'d Value, path: &mut Vec<&'d str>, each: &mut impl FnMut(&Leaf<'d, '_>)) {
    match value {
        Value::Missing(_) | Value::Broken(_) => {}
        Value::Scalar(scalar) => each(&Leaf { path, scalar, is_key: false }),
        Value::Named(named) => {
            each(&Leaf { path, scalar: &named.name, is_key: false });
            mapping(&named.overrides, path, each);
        }
        Value::Mapping(inner) => mapping(inner, path, each),
        Value::Sequence(sequence) => sequence.items.iter().for_each(|item| visit(item, path, each)),
    }
}

fn mapping<'d>(mapping: &'d Mapping, path: &mut Vec<&'d str>, each: &mut impl FnMut(&Leaf<'d, '_>)) {
    for Entry { key, value, .. } in &mapping.entries {
        path.push(key.text());
        each(&Leaf { path, scalar: key, is_key: true });
        visit(value, path, each);
        path.pop();
    }
}
