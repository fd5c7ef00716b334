//! Algorithms, price lists and credit plans: items that extend others and give entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_grammar::document::{Entry as Pair, Item, Mapping, Style, Value};
use aquarium_ir::policy::Mode;
use num_traits::Signed;

use super::keys::{EFFECTIVE, EXTENDS, Keys, Known, key};
use super::{Reader, taken};
use crate::diagnostic::{Code, Diagnostic};
use crate::expression::ExpressionSyntax;
use crate::items::{Class, EntryId, EntryValue, List};
use crate::price::{PriceSyntax, TierSyntax};
use crate::time::cron;

const LIST: &[Known] = &[key("name"), EXTENDS, EFFECTIVE];
const PLAN: &[Known] =
    &[key("name"), EXTENDS, EFFECTIVE, key("credits"), key("at"), key("initial"), key("mode")];

const TIERS: &[Known] = &[key("tiers")];
const TIER: &[Known] = &[key("upto"), key("price")];

/// The keys that items or parts of a class have of themselves.
pub fn known_keys(class: Class) -> &'static [Known] {
    if class == Class::Creditplan { PLAN } else { LIST }
}

impl Reader<'_> {
    pub(super) fn list(&mut self, class: Class, item: Item<'_>) {
        let mut keys = self.keys(item.entries(), known_keys(class));
        let Some(name) = self.item_name(class, item, &keys) else { return };
        let giver = Arc::from(format!("{} {}", class.key(), name.value));
        let list = List {
            span: self.span(item.span()),
            extends: keys.get("extends").and_then(|entry| self.name_of(entry)),
            effective: keys.get("effective").and_then(|entry| self.effective(entry)),
            entries: self.entries(class, &mut keys, &giver),
            name,
        };
        let lists = match class {
            Class::Algorithm => &mut self.items.algorithms,
            Class::Pricelist => &mut self.items.pricelists,
            _ => &mut self.items.creditplans,
        };
        match lists.get(&list.name.value) {
            Some(first) => self.findings.push(taken(class, &first.name, &list.name)),
            None => {
                lists.insert(list.name.value.clone(), list);
            }
        }
    }

    /// What an item or part gives: every other key is a resource, in a credit plan its own keys are read.
    pub(super) fn entries(
        &mut self,
        class: Class,
        keys: &mut Keys<'_>,
        giver: &Arc<str>,
    ) -> BTreeMap<Arc<str>, EntryId> {
        if class == Class::Creditplan {
            self.unknown_keys(keys, PLAN, "a credit plan");
            return self.plan_entries(keys, giver);
        }
        let mut entries = BTreeMap::new();
        for pair in &keys.others {
            if !self.has_value(pair) || entries.contains_key(pair.key.text()) {
                continue;
            }
            let value = if class == Class::Algorithm { self.expression(pair) } else { self.price(pair) };
            entries.insert(self.texts.kept(pair.key.text()), self.add_entry(pair, giver, value));
        }
        entries
    }

    fn expression(&mut self, pair: &Pair) -> EntryValue {
        match &pair.value {
            Value::Scalar(scalar) => {
                let comments = matches!(scalar.style, Style::Literal | Style::Folded);
                let source = self.source_text(scalar);
                let parsed = self.texts.parsed(&source.text, comments);
                let (syntax, problems) = ExpressionSyntax::of(source, parsed);
                self.findings.extend(problems);
                EntryValue::Expression(syntax)
            }
            other => {
                self.wrong_form(other, "an expression");
                EntryValue::Broken
            }
        }
    }

    fn price(&mut self, pair: &Pair) -> EntryValue {
        let syntax = match &pair.value {
            Value::Scalar(scalar) => Some(PriceSyntax::Flat(self.source_text(scalar))),
            Value::Mapping(mapping) => self.tiers(mapping),
            other => {
                self.wrong_form(other, "a price");
                None
            }
        };
        syntax.map_or(EntryValue::Broken, EntryValue::Price)
    }

    fn tiers(&mut self, mapping: &Mapping) -> Option<PriceSyntax> {
        let mut keys = self.keys(mapping.entries.iter(), TIERS);
        self.unknown_keys(&mut keys, TIERS, "a price");
        let Some(list) = keys.get("tiers") else {
            if keys.others.is_empty() {
                let span = self.span(mapping.span);
                self.findings.push(Diagnostic::new(
                    Code::MissingKey,
                    span,
                    "a price is a number, or has `tiers`",
                ));
            }
            return None;
        };
        let span = self.span(list.value.span());
        match &list.value {
            Value::Sequence(sequence) => {
                let tiers: Option<Vec<TierSyntax>> =
                    sequence.items.iter().map(|tier| self.tier(tier)).collect();
                Some(PriceSyntax::Tiers { span, tiers: tiers? })
            }
            other => {
                self.wrong_form(other, "a list of tiers");
                None
            }
        }
    }

    fn tier(&mut self, value: &Value) -> Option<TierSyntax> {
        let Value::Mapping(mapping) = value else {
            self.wrong_form(value, "a tier with `upto` and `price`");
            return None;
        };
        let mut keys = self.keys(mapping.entries.iter(), TIER);
        self.unknown_keys(&mut keys, TIER, "a tier");
        let mut source = |key: &str| {
            let entry = keys.get(key)?;
            self.text_of(entry)?;
            Some(self.source_text(entry.value.as_scalar()?))
        };
        Some(TierSyntax { upto: source("upto"), price: source("price"), span: self.span(mapping.span) })
    }

    fn plan_entries(&mut self, keys: &Keys<'_>, giver: &Arc<str>) -> BTreeMap<Arc<str>, EntryId> {
        let mut entries = BTreeMap::new();
        for key in crate::resolve::PLAN_KEYS {
            let Some(pair) = keys.get(key) else { continue };
            let value = self.plan_value(key, pair).unwrap_or(EntryValue::Broken);
            entries.insert(self.texts.kept(key), self.add_entry(pair, giver, value));
        }
        entries
    }

    fn plan_value(&mut self, key: &str, pair: &Pair) -> Option<EntryValue> {
        let not_negative = |number: &aquarium_ir::Rational| !number.0.is_negative();
        match key {
            "at" => {
                let text = self.text_of(pair)?;
                let mut findings = Vec::new();
                let cron = cron::read(&text, &mut findings);
                self.findings.extend(findings);
                cron.map(|cron| EntryValue::At(Box::new(cron)))
            }
            "mode" => {
                let words = [("add", Mode::Add), ("reset", Mode::Reset)];
                self.word_of(pair, &words).map(|word| EntryValue::Mode(word.value))
            }
            "credits" => {
                let number = self.number_of(pair, "a number from 0", not_negative)?;
                Some(EntryValue::Credits(Box::new(number.value)))
            }
            _ => {
                let number = self.number_of(pair, "a number from 0", not_negative)?;
                Some(EntryValue::Initial(Box::new(number.value)))
            }
        }
    }
}
