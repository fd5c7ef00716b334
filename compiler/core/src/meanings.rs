//! What units, constants, prices and expressions mean, each read by itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aquarium_ir::policy::{CostPolicy, Price};

use crate::diagnostic::SourceText;
use crate::findings::Findings;
use crate::items::{self, EntryId, EntryValue, Items};
use crate::price::{Constants, PriceSyntax, read_constant, resolve_price};
use crate::unit::{ResourceUnit, read_resource_unit};

/// What the policy's entries mean once units and constants are known.
#[derive(Debug, Default)]
pub struct Meanings {
    /// The unit of every resource whose unit can be read.
    pub units: BTreeMap<String, ResourceUnit>,
    /// The constants that can be read.
    pub constants: Constants,
    /// Distinct prices, in the order of their first entries.
    pub prices: Vec<Price>,
    /// By entry: its price, an index of `prices`, where it is one that can be read.
    price_of: Vec<Option<u32>>,
    /// By entry: the digest of its expression, where it is one that can be read.
    digests: Vec<Option<Arc<str>>>,
}

impl Meanings {
    /// The price of an entry, as an index of [`Meanings::prices`].
    #[must_use]
    pub fn price_number(&self, entry: EntryId) -> Option<usize> {
        self.price_of.get(entry.0).copied().flatten().map(|number| number as usize)
    }

    /// The price of an entry.
    #[must_use]
    pub fn price(&self, entry: EntryId) -> Option<&Price> {
        self.prices.get(self.price_number(entry)?)
    }

    /// The digest of the expression of an entry.
    #[must_use]
    pub fn digest(&self, entry: EntryId) -> Option<&Arc<str>> {
        self.digests.get(entry.0)?.as_ref()
    }
}

/// Reads units, constants and prices.
pub fn meanings(items: &Items, findings: &mut Findings) -> Meanings {
    let constants = constants(items, findings);
    let mut units = BTreeMap::new();
    for (name, resource) in &items.resources {
        units.extend(unit(resource, findings).map(|unit| (name.clone(), unit)));
    }
    let mut prices = Prices::new(&units, &constants);
    let mut digests = Digests::default();
    let price_of = items.entries.iter().map(|entry| prices.number(entry, findings)).collect();
    let digests = items.entries.iter().map(|entry| digests.of(entry)).collect();
    let prices = prices.distinct;
    Meanings { units, constants, prices, price_of, digests }
}

/// The prices that were read so far. The same few texts stand in long price lists again and again.
struct Prices<'a> {
    units: &'a BTreeMap<String, ResourceUnit>,
    constants: &'a Constants,
    /// By unit, cost policy and text, where the text is a price.
    of_texts: HashMap<(&'a str, CostPolicy, &'a str), u32>,
    numbers: HashMap<Price, u32>,
    distinct: Vec<Price>,
}

impl<'a> Prices<'a> {
    fn new(units: &'a BTreeMap<String, ResourceUnit>, constants: &'a Constants) -> Self {
        Self { units, constants, of_texts: HashMap::new(), numbers: HashMap::new(), distinct: Vec::new() }
    }

    /// The number of the price of an entry.
    fn number(&mut self, entry: &'a items::Entry, findings: &mut Findings) -> Option<u32> {
        let EntryValue::Price(syntax) = &entry.value else { return None };
        let unit = self.units.get(entry.key.value.as_ref())?;
        let written = match syntax {
            PriceSyntax::Flat(source) => Some((unit.text.as_str(), unit.cost_policy, source.text.as_ref())),
            PriceSyntax::Tiers { .. } => None,
        };
        if let Some(known) = written.and_then(|written| self.of_texts.get(&written)) {
            return Some(*known);
        }
        let (price, problems) = resolve_price(syntax, unit, self.constants);
        let is_sound = problems.is_empty();
        findings.extend(problems);
        let number = self.distinct_number(price?)?;
        if let Some(written) = written.filter(|_| is_sound) {
            self.of_texts.insert(written, number);
        }
        Some(number)
    }

    fn distinct_number(&mut self, price: Price) -> Option<u32> {
        if let Some(known) = self.numbers.get(&price) {
            return Some(*known);
        }
        let number = u32::try_from(self.distinct.len()).ok()?;
        self.distinct.push(price.clone());
        self.numbers.insert(price, number);
        Some(number)
    }
}

/// The digests of texts: comments do not count.
#[derive(Default)]
struct Digests<'a>(HashMap<&'a str, Arc<str>>);

impl<'a> Digests<'a> {
    fn of(&mut self, entry: &'a items::Entry) -> Option<Arc<str>> {
        let EntryValue::Expression(syntax) = &entry.value else { return None };
        if syntax.is_broken() {
            return None;
        }
        let digest = self.0.entry(&syntax.source.text).or_insert_with(|| syntax.digest().into());
        Some(Arc::clone(digest))
    }
}

fn constants(items: &Items, findings: &mut Findings) -> Constants {
    let mut constants = Constants::new();
    for (name, constant) in &items.constants {
        match read_constant(&constant.value.value) {
            Ok(quantity) => {
                constants.insert(name.clone(), quantity);
            }
            Err(finding) => {
                let source = SourceText::plain(constant.value.value.as_str(), constant.value.span);
                findings.push(finding.into_diagnostic(&source));
            }
        }
    }
    constants
}

fn unit(resource: &items::Resource, findings: &mut Findings) -> Option<ResourceUnit> {
    let (text, cost_policy) = (resource.unit.as_ref()?, resource.cost_policy.as_ref()?);
    let (unit, problems) = read_resource_unit(&text.value, cost_policy.value);
    let source = SourceText::plain(text.value.as_str(), text.span);
    findings.extend(problems.into_iter().map(|problem| problem.into_diagnostic(&source)));
    unit
}
