//! Whether two texts say the same, so that a formatter can prove its work before it is kept.

use super::WRAPPERS;
use crate::document::{Comment, Entry, Mapping, Placement, Value};
use crate::parser::Parse;

/// Whether a text says what another says: the same keys, names and values in the same order, the same comments in the
/// same kind of place. Layout alone may differ.
#[must_use]
pub fn is_faithful(before: &Parse, after: &Parse) -> bool {
    let (left, right) = (before.document(), after.document());
    let is_same_comment = |(left, right): (&Comment, &Comment)| {
        left.text(before.text()) == right.text(after.text()) && kind(left.placement) == kind(right.placement)
    };
    after.errors().is_empty()
        && is_same(&left.root, &right.root)
        && left.comments.len() == right.comments.len()
        && left.comments.iter().zip(&right.comments).all(is_same_comment)
}

/// What a directive in a comment speaks of, places apart.
fn kind(placement: Placement) -> u8 {
    match placement {
        Placement::Trailing(_) => 0,
        Placement::Head => 1,
        Placement::Above(_) => 2,
        Placement::Last => 3,
    }
}

fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Missing(_), Value::Missing(_)) => true,
        (Value::Scalar(left), Value::Scalar(right)) => left.text() == right.text(),
        (Value::Named(left), Value::Named(right)) => {
            left.name.text() == right.name.text()
                && are_same(&left.overrides.entries, &right.overrides.entries)
        }
        (Value::Mapping(left), Value::Mapping(right)) => {
            let ((wrapper, left), (other, right)) = (unwrapped(left), unwrapped(right));
            wrapper == other && are_same(left, right)
        }
        (Value::Sequence(left), Value::Sequence(right)) => {
            left.items.len() == right.items.len()
                && left.items.iter().zip(&right.items).all(|(left, right)| is_same(left, right))
        }
        _ => false,
    }
}

fn are_same(left: &[Entry], right: &[Entry]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.key.text() == right.key.text() && is_same(&left.value, &right.value))
}

/// The wrapper key and the keys of an item, which may stand beside it or below it.
fn unwrapped(mapping: &Mapping) -> (Option<&str>, &[Entry]) {
    let whole = (None, mapping.entries.as_slice());
    let Some((first, beside)) = mapping.entries.split_first() else { return whole };
    let wrapper = first.key.text();
    if !WRAPPERS.iter().any(|(_, known)| *known == wrapper) {
        return whole;
    }
    match &first.value {
        Value::Missing(_) if !mapping.is_flow => (Some(wrapper), beside),
        Value::Mapping(inside) if beside.is_empty() => (Some(wrapper), &inside.entries),
        _ => whole,
    }
}
