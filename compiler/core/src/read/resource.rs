//! Resources: what can be charged for.

use aquarium_grammar::document::Item;
use aquarium_ir::Rational;
use aquarium_ir::policy::CostPolicy;
use num_traits::Signed;

use super::keys::{Known, key};
use super::{Reader, taken};
use crate::diagnostic::{Code, Diagnostic};
use crate::items::{Class, Resource, Text};

const RESOURCE: &[Known] =
    &[key("name"), key("unit"), key("costpolicy"), key("complex"), key("max"), key("descriminatorfield")];

/// Keys of price lists, algorithms and parts: a resource of that name could not be priced.
const RESERVED: &[&str] = &[
    "name",
    "extends",
    "overrides",
    "override",
    "effective",
    "applicable",
    "resource",
    "algorithm",
    "pricelist",
    "creditplan",
    "agreement",
];

/// Keys that every resource needs beside its name, and what to do without one.
const REQUIRED: &[(&str, &str)] = &[
    ("unit", "say in what it is measured, for example `unit: GB*hr`"),
    ("costpolicy", "say how it is charged: `costpolicy: continuous`, `onoff` or `discrete`"),
];

/// The largest absolute value of an event where the resource gives none: 10¹².
const MAX_DEFAULT: i32 = 12;

impl Reader<'_> {
    pub(super) fn resource(&mut self, item: Item<'_>) {
        let mut keys = self.keys(item.entries(), RESOURCE);
        self.unknown_keys(&mut keys, RESOURCE, "a resource");
        if let Some(entry) = keys.get("descriminatorfield") {
            self.no_effect(entry, "`instanceID` tells instances apart");
        }
        let unit = keys.get("unit").and_then(|entry| self.text_of(entry));
        let cost_policy = keys.get("costpolicy").and_then(|entry| {
            self.legacy_once(entry);
            self.word_of(entry, COST_POLICIES)
        });
        let complex = keys.get("complex").and_then(|entry| self.bool_of(entry)).unwrap_or(false);
        let positive = |number: &Rational| number.0.is_positive();
        let max = keys.get("max").and_then(|entry| self.number_of(entry, "a number above 0", positive));
        let Some(name) = self.item_name(Class::Resource, item, &keys) else { return };
        for (required, help) in REQUIRED {
            if keys.get(required).is_none() {
                let message = format!("resource `{}` needs `{required}`", name.value);
                self.findings.push(Diagnostic::new(Code::MissingKey, name.span, message).help(*help));
            }
        }
        self.add_resource(Resource {
            span: self.span(item.span()),
            unit,
            cost_policy,
            complex,
            max: max.map_or_else(|| Rational::power_of_ten(MAX_DEFAULT), |max| max.value),
            name,
        });
    }

    fn add_resource(&mut self, resource: Resource) {
        self.check_resource_name(&resource.name);
        match self.items.resources.get(&resource.name.value) {
            Some(first) => self.findings.push(taken(Class::Resource, &first.name, &resource.name)),
            None => {
                self.items.resources.insert(resource.name.value.clone(), resource);
            }
        }
    }

    fn check_resource_name(&mut self, name: &Text) {
        let problem = match name.value.as_str() {
            "" => "a name is not empty".to_owned(),
            reserved if RESERVED.contains(&reserved) => {
                format!(
                    "a resource cannot be called `{reserved}`: price lists and agreements have a key of that name"
                )
            }
            _ => return,
        };
        self.findings.push(Diagnostic::new(Code::BadName, name.span, problem).help("choose another name"));
    }

    fn legacy_once(&mut self, entry: &aquarium_grammar::document::Entry) {
        let Some(scalar) = entry.value.as_scalar().filter(|scalar| scalar.text() == "once") else { return };
        let span = self.span(scalar.span);
        let finding =
            Diagnostic::new(Code::LegacySpelling, span, "`once` is an older spelling of `discrete`");
        self.findings.push(finding.fix("write `discrete`", span, "discrete"));
    }
}

const COST_POLICIES: &[(&str, CostPolicy)] = &[
    ("continuous", CostPolicy::Continuous),
    ("onoff", CostPolicy::Onoff),
    ("discrete", CostPolicy::Discrete),
    ("once", CostPolicy::Discrete),
];
