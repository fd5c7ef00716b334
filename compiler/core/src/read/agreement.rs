//! Agreements and the parts within them: names, names with overrides, inline parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_grammar::document::{Entry as Pair, Item, Mapping, Value};
use num_traits::Signed;

use super::keys::{EFFECTIVE, EXTENDS, Keys, Known, key};
use super::list::known_keys;
use super::{Reader, taken};
use crate::diagnostic::{Code, Diagnostic};
use crate::items::{Agreement, Class, Part, Text};

const AGREEMENT: &[Known] = &[
    key("name"),
    EXTENDS,
    key("pricelist"),
    key("algorithm"),
    key("creditplan"),
    EFFECTIVE,
    key("threshold"),
];

const PARTS: [Class; 3] = [Class::Algorithm, Class::Pricelist, Class::Creditplan];

impl Reader<'_> {
    pub(super) fn agreement(&mut self, item: Item<'_>) {
        let mut keys = self.keys(item.entries(), AGREEMENT);
        self.unknown_keys(&mut keys, AGREEMENT, "an agreement");
        let Some(name) = self.item_name(Class::Agreement, item, &keys) else { return };
        let not_positive = |number: &aquarium_ir::Rational| !number.0.is_positive();
        let agreement = Agreement {
            span: self.span(item.span()),
            extends: keys.get("extends").and_then(|entry| self.name_of(entry)),
            effective: keys.get("effective").and_then(|entry| self.effective(entry)),
            threshold: keys
                .get("threshold")
                .and_then(|entry| self.number_of(entry, "a number up to 0", not_positive)),
            parts: self.parts(&keys, &name),
            name,
        };
        match self.items.agreements.get(&agreement.name.value) {
            Some(first) => self.findings.push(taken(Class::Agreement, &first.name, &agreement.name)),
            None => {
                self.items.agreements.insert(agreement.name.value.clone(), agreement);
            }
        }
    }

    fn parts(&mut self, keys: &Keys<'_>, agreement: &Text) -> BTreeMap<Class, Box<Part>> {
        let mut parts = BTreeMap::new();
        for class in PARTS {
            let Some(pair) = keys.get(class.key()) else { continue };
            parts.extend(self.part(class, pair, agreement).map(|part| (class, Box::new(part))));
        }
        parts
    }

    fn part(&mut self, class: Class, pair: &Pair, agreement: &Text) -> Option<Part> {
        let giver: Arc<str> = format!("agreement {}", agreement.value).into();
        match &pair.value {
            Value::Scalar(_) => {
                let base = self.name_of(pair);
                Some(Part { base, ..self.bare_part(pair) })
            }
            Value::Named(named) => {
                let base = Some(self.text(&named.name));
                Some(Part { base, ..self.laid_over(class, pair, &named.overrides, &giver, true) })
            }
            Value::Mapping(mapping) => Some(self.laid_over(class, pair, mapping, &giver, false)),
            other => {
                self.wrong_form(other, &format!("the name of {}, or its keys", class.with_article()));
                None
            }
        }
    }

    fn bare_part(&self, pair: &Pair) -> Part {
        Part {
            key: self.span(pair.key.span),
            span: self.span(pair.span),
            base: None,
            effective: None,
            entries: BTreeMap::new(),
        }
    }

    /// Overrides below a name, or an inline part. An inline part that `extends` an item names it so.
    fn laid_over(
        &mut self,
        class: Class,
        pair: &Pair,
        mapping: &Mapping,
        giver: &Arc<str>,
        has_name: bool,
    ) -> Part {
        let mut keys = self.keys(mapping.entries.iter(), known_keys(class));
        if let Some(name) = keys.get("name") {
            self.named_part(class, name, pair, mapping);
        }
        let extends = keys.get("extends");
        if let Some(extends) = extends.filter(|_| has_name) {
            let message = format!("the {} is named already: overrides extend nothing else", class.noun());
            self.findings.push(Diagnostic::new(Code::UnknownKey, self.span(extends.key.span), message));
        }
        Part {
            base: extends.filter(|_| !has_name).and_then(|entry| self.name_of(entry)),
            effective: keys.get("effective").and_then(|entry| self.effective(entry)),
            entries: self.entries(class, &mut keys, giver),
            ..self.bare_part(pair)
        }
    }
}
