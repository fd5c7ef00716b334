//! `effective`: from the mapping to what is written in it.

use aquarium_grammar::document::{Entry, Item, Mapping, Value, items};

use super::Reader;
use super::keys::{Known, key};
use crate::diagnostic::{Code, Diagnostic};
use crate::items::{Effective, Text};
use crate::time::effective::{Except, Written, WrittenRange};

const FRAME: &[Known] = &[key("from"), key("to"), key("repeat"), key("except")];
const RANGE: &[Known] = &[key("start"), key("end")];
const CUT: &[Known] = &[key("from"), key("to")];

impl Reader<'_> {
    /// The time frame of an entry.
    pub fn effective(&mut self, entry: &Entry) -> Option<Effective> {
        let Value::Mapping(mapping) = &entry.value else {
            self.wrong_form(&entry.value, "a time frame with `from`, `to`, `repeat` or `except`");
            return Some(self.effective_of(entry, None));
        };
        let written = self.written_frame(mapping);
        let frame = self.frames.read(&written, self.findings);
        let place = |text: &Option<Text>| text.as_ref().map(|text| text.span);
        Some(Effective {
            from: place(&written.from),
            to: place(&written.to),
            first: self.key_place(mapping),
            ..self.effective_of(entry, frame)
        })
    }

    fn effective_of(&self, entry: &Entry, frame: Option<aquarium_ir::time::FrameId>) -> Effective {
        let (key, span) = (self.span(entry.key.span), self.span(entry.value.span()));
        Effective { key, span, frame, from: None, to: None, first: None }
    }

    fn written_frame(&mut self, mapping: &Mapping) -> Written {
        let mut keys = self.keys(mapping.entries.iter(), FRAME);
        self.unknown_keys(&mut keys, FRAME, "a time frame");
        let repeat = keys.get("repeat").map(|entry| items(&entry.value, "every")).unwrap_or_default();
        if let Some(entry) = keys.get("repeat").filter(|_| repeat.is_empty()) {
            let message = "`repeat` has no range: it is read as if it were not given";
            let finding = Diagnostic::new(Code::EmptyKey, self.span(entry.key.span), message);
            self.findings.push(finding.help("give a range or remove the key"));
        }
        Written {
            from: keys.get("from").and_then(|entry| self.text_of(entry)),
            to: keys.get("to").and_then(|entry| self.text_of(entry)),
            repeat: repeat.into_iter().filter_map(|item| self.written_range(item)).collect(),
            except: keys.get("except").map(|entry| self.cuts(&entry.value)).unwrap_or_default(),
        }
    }

    fn written_range(&mut self, item: Item<'_>) -> Option<WrittenRange> {
        if let Some(other) = item.instead_of_keys() {
            self.wrong_form(other, "a range with `start` and `end`");
            return None;
        }
        let mut keys = self.keys(item.entries(), RANGE);
        self.unknown_keys(&mut keys, RANGE, "a range");
        let span = self.span(item.span());
        for name in ["start", "end"] {
            if keys.get(name).is_none() {
                let message = format!("the range has no `{name}`");
                self.findings.push(Diagnostic::new(Code::MissingKey, span, message));
            }
        }
        let mut text = |name: &str| keys.get(name).and_then(|entry| self.text_of(entry));
        Some(WrittenRange { start: text("start"), end: text("end"), span })
    }

    fn cuts(&mut self, value: &Value) -> Vec<Except> {
        match value {
            Value::Sequence(sequence) => sequence.items.iter().filter_map(|item| self.cut(item)).collect(),
            single => self.cut(single).into_iter().collect(),
        }
    }

    fn cut(&mut self, value: &Value) -> Option<Except> {
        match value {
            Value::Scalar(scalar) => Some(Except::Date(self.text(scalar))),
            Value::Mapping(mapping) => {
                let mut keys = self.keys(mapping.entries.iter(), CUT);
                self.unknown_keys(&mut keys, CUT, "an entry of `except`");
                let mut text =
                    |name: &str| -> Option<Text> { keys.get(name).and_then(|entry| self.text_of(entry)) };
                Some(Except::Between(text("from"), text("to")))
            }
            other => {
                self.wrong_form(other, "a date or `{from: ..., to: ...}`");
                None
            }
        }
    }
}
