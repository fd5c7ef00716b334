//! Lists of items in all layouts that are in use.
//!
//! ```text
//! - resource:          - resource:        - name: vmtime     resource:
//!     name: vmtime       name: vmtime                          name: vmtime
//! ```

use super::{Entry, Mapping, Value};
use crate::Span;

/// An item of a section, whatever its layout.
#[derive(Debug, Clone, Copy)]
pub struct Item<'d> {
    /// What stands behind the dash, or below the section's key where there is no dash.
    pub value: &'d Value,
    /// The entry of the wrapper key (`resource:`), if it is written.
    pub wrapper: Option<&'d Entry>,
    beside: Option<&'d Mapping>,
    inside: Option<&'d Mapping>,
}

/// The items of a section (`resources`, `repeat`, ...) whose wrapper key is `wrapper` (`resource`, `every`, ...).
///
/// A section without a value has none; a single item may stand without a dash.
#[must_use]
pub fn items<'d>(section: &'d Value, wrapper: &str) -> Vec<Item<'d>> {
    match section {
        Value::Missing(_) | Value::Broken(_) => Vec::new(),
        Value::Sequence(sequence) => sequence.items.iter().map(|value| Item::of(value, wrapper)).collect(),
        Value::Scalar(_) | Value::Named(_) | Value::Mapping(_) => vec![Item::of(section, wrapper)],
    }
}

impl<'d> Item<'d> {
    fn of(value: &'d Value, wrapper: &str) -> Self {
        let beside = value.as_mapping();
        let wrapper = beside.and_then(|mapping| mapping.get(wrapper));
        let inside = wrapper.and_then(|entry| entry.value.as_mapping());
        Self { value, wrapper, beside, inside }
    }

    /// Its entries, in the order of the text, without the wrapper key.
    pub fn entries(self) -> impl Iterator<Item = &'d Entry> {
        let wrapper = self.wrapper;
        let is_wrapper = move |entry: &&Entry| wrapper.is_some_and(|wrapper| std::ptr::eq(wrapper, *entry));
        let inside = self.inside.into_iter().flat_map(|mapping| &mapping.entries);
        let beside = self.beside.into_iter().flat_map(|mapping| &mapping.entries);
        inside.chain(beside.filter(move |entry| !is_wrapper(entry)))
    }

    /// The value of a key of the item.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'d Value> {
        self.entries().find(|entry| entry.key.text() == key).map(|entry| &entry.value)
    }

    /// What stands there instead of keys: a text behind the dash or the wrapper key, a list, nothing.
    ///
    /// `None`: the item has keys, or is `- resource:` with nothing below it, which [`Item::entries`] shows.
    #[must_use]
    pub fn instead_of_keys(self) -> Option<&'d Value> {
        match (self.beside, self.wrapper) {
            (None, _) => Some(self.value),
            (Some(_), Some(entry)) if self.inside.is_none() && !entry.value.is_missing() => {
                Some(&entry.value)
            }
            _ => None,
        }
    }

    /// From the wrapper key or the first key to the end of the item.
    #[must_use]
    pub fn span(self) -> Span {
        self.value.span()
    }
}
