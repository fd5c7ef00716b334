//! What units, constants, prices and expressions mean, each read by itself.

use std::collections::BTreeMap;

use aquarium_ir::policy::Price;

use crate::diagnostic::{Diagnostic, SourceText};
use crate::items::{self, EntryId, EntryValue, Items};
use crate::price::{Constants, read_constant, resolve_price};
use crate::unit::{ResourceUnit, read_resource_unit};

/// What the policy's entries mean once units and constants are known.
#[derive(Debug, Default)]
pub struct Meanings {
    /// The unit of every resource whose unit can be read.
    pub units: BTreeMap<String, ResourceUnit>,
    /// The constants that can be read.
    pub constants: Constants,
    /// The price of every price entry that can be read.
    pub prices: BTreeMap<EntryId, Price>,
    /// The digest of every expression entry that can be read.
    pub digests: BTreeMap<EntryId, String>,
}

/// Reads units, constants and prices.
pub fn meanings(items: &Items, findings: &mut Vec<Diagnostic>) -> Meanings {
    let mut meanings = Meanings { constants: constants(items, findings), ..Meanings::default() };
    for (name, resource) in &items.resources {
        meanings.units.extend(unit(resource, findings).map(|unit| (name.clone(), unit)));
    }
    for (entry, id) in items.entries.iter().zip((0..).map(EntryId)) {
        match &entry.value {
            EntryValue::Price(syntax) => {
                let Some(unit) = meanings.units.get(&entry.key.value) else { continue };
                let (price, problems) = resolve_price(syntax, unit, &meanings.constants);
                findings.extend(problems);
                meanings.prices.extend(price.map(|price| (id, price)));
            }
            EntryValue::Expression(syntax) if !syntax.is_broken() => {
                meanings.digests.insert(id, syntax.digest());
            }
            _ => {}
        }
    }
    meanings
}

fn constants(items: &Items, findings: &mut Vec<Diagnostic>) -> Constants {
    let mut constants = Constants::new();
    for (name, constant) in &items.constants {
        match read_constant(&constant.value.value) {
            Ok(quantity) => {
                constants.insert(name.clone(), quantity);
            }
            Err(finding) => {
                let source = SourceText::plain(&constant.value.value, constant.value.span);
                findings.push(finding.into_diagnostic(&source));
            }
        }
    }
    constants
}

fn unit(resource: &items::Resource, findings: &mut Vec<Diagnostic>) -> Option<ResourceUnit> {
    let (text, cost_policy) = (resource.unit.as_ref()?, resource.cost_policy.as_ref()?);
    let (unit, problems) = read_resource_unit(&text.value, cost_policy.value);
    let source = SourceText::plain(&text.value, text.span);
    findings.extend(problems.into_iter().map(|problem| problem.into_diagnostic(&source)));
    unit
}
