//! Keys of a mapping: which are known, which are older spellings, which are given twice or empty.

use aquarium_grammar::document::{Entry, Value};

use super::Reader;
use crate::diagnostic::{Code, Diagnostic};

/// A key that a place knows.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its spelling.
    pub key: &'static str,
    /// Its older spellings.
    pub legacy: &'static [&'static str],
}

/// A key with one spelling.
pub const fn key(key: &'static str) -> Known {
    Known { key, legacy: &[] }
}

/// The key of inheritance.
pub const EXTENDS: Known = Known { key: "extends", legacy: &["overrides", "override"] };
/// The key of time frames.
pub const EFFECTIVE: Known = Known { key: "effective", legacy: &["applicable"] };

/// What a mapping holds of the keys that its place knows.
#[derive(Debug)]
pub struct Keys<'d> {
    known: Vec<(&'static str, &'d Entry)>,
    /// Entries with other keys, in order.
    pub others: Vec<&'d Entry>,
}

impl<'d> Keys<'d> {
    /// The entry of a key, where it is given with a value.
    pub fn get(&self, key: &str) -> Option<&'d Entry> {
        self.known.iter().find(|(known, _)| *known == key).map(|(_, entry)| *entry)
    }
}

impl Reader<'_> {
    /// Sorts entries by known keys; reports older spellings, keys given twice and keys without value.
    pub fn keys<'d>(&mut self, entries: impl Iterator<Item = &'d Entry>, known: &[Known]) -> Keys<'d> {
        let mut seen: Vec<(&'static str, &'d Entry)> = Vec::new();
        let mut others = Vec::new();
        for entry in entries {
            let spelt = entry.key.text();
            let is_it = |known: &&Known| known.key == spelt || known.legacy.contains(&spelt);
            let Some(Known { key, .. }) = known.iter().find(is_it) else {
                others.push(entry);
                continue;
            };
            if spelt != *key {
                self.report_spelling(entry, key);
            }
            match seen.iter().find(|(seen, _)| seen == key) {
                Some((_, first)) => self.report_twice(first, entry),
                None => seen.push((key, entry)),
            }
        }
        seen.retain(|(_, entry)| self.has_value(entry));
        Keys { known: seen, others }
    }

    /// Reports every entry as a key that this place does not have. One that is nearly a key of the place, which is
    /// not given otherwise, is then read as that key: nothing more is said of what depends on it.
    pub fn unknown_keys(&mut self, keys: &mut Keys<'_>, known: &[Known], place: &str) {
        for entry in std::mem::take(&mut keys.others) {
            let key = entry.key.text();
            let span = self.span(entry.key.span);
            let finding = Diagnostic::new(Code::UnknownKey, span, format!("{place} has no key `{key}`"));
            let missing = known.iter().map(|known| known.key).filter(|key| keys.get(key).is_none());
            let Some(near) = self.findings.nearest(key, missing) else {
                let known: Vec<String> = known.iter().map(|known| format!("`{}`", known.key)).collect();
                self.findings.push(finding.help(format!("its keys are {}", known.join(", "))));
                continue;
            };
            let help = format!("did you mean `{near}`?");
            self.findings.push(finding.help(help).fix(format!("write `{near}`"), span, near));
            if !entry.value.is_missing() {
                keys.known.push((near, entry));
            }
        }
    }

    /// Whether a key has a value; a warning where it has none.
    pub fn has_value(&mut self, entry: &Entry) -> bool {
        if !entry.value.is_missing() {
            return true;
        }
        let span = self.span(entry.key.span);
        let message = format!("`{}` has no value: it is read as if it were not given", entry.key.text());
        self.findings
            .push(Diagnostic::new(Code::EmptyKey, span, message).help("give a value or remove the key"));
        false
    }

    fn report_spelling(&mut self, entry: &Entry, key: &str) {
        let span = self.span(entry.key.span);
        let message = format!("`{}` is an older spelling of `{key}`", entry.key.text());
        let finding = Diagnostic::new(Code::LegacySpelling, span, message);
        self.findings.push(finding.fix(format!("write `{key}`"), span, key));
    }

    /// The same spelling within one mapping is found by the parser already.
    fn report_twice(&mut self, first: &Entry, second: &Entry) {
        if self.found_by_parser(second) {
            return;
        }
        let message = format!("`{}` is given twice", second.key.text());
        let finding = Diagnostic::new(Code::DuplicateKey, self.span(second.key.span), message);
        let finding = finding.label(self.span(first.key.span), "first given here");
        self.findings.push(finding.help("remove one of the two: they are the same key"));
    }

    fn found_by_parser(&self, entry: &Entry) -> bool {
        self.told_twice.contains(&self.span(entry.key.span))
    }

    /// The finding that a value has another form than wanted; nothing where it is broken already.
    pub fn wrong_form(&mut self, value: &Value, wanted: &str) {
        if !matches!(value, Value::Broken(_)) {
            let span = self.span(value.span());
            let message = format!("this is {}, where {wanted} belongs", form(value));
            self.findings.push(Diagnostic::new(Code::WrongForm, span, message));
        }
    }
}

fn form(value: &Value) -> &'static str {
    match value {
        Value::Missing(_) | Value::Broken(_) => "nothing",
        Value::Scalar(_) => "a text",
        Value::Named(_) => "a name with keys below it",
        Value::Mapping(_) => "a mapping",
        Value::Sequence(_) => "a list",
    }
}
