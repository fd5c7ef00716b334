//! Names to items, and inheritance to timelines: what an agreement gives for a resource, and when.
//!
//! `extends` inherits *fields* (what an item does not give is that of the nearest ancestor that gives
//! it, effective or not) and *time* (when an item is not effective its parent stands in). Both become
//! layers of a timeline. Nothing here knows prices, units or the calendar: values are entries of
//! [`Items`], frames are numbers.

pub mod layers;
mod lineage;

mod room;

use std::collections::BTreeMap;

use aquarium_ir::Rational;
use aquarium_ir::time::{Body, FrameId, Timeline};

use crate::diagnostic::Diagnostic;
use crate::items::{Agreement, Class, EntryId, Items, List, Part};
use layers::{body, fill, stack};
use lineage::Lineage;
pub use lineage::{EXTENDS_MAX, Extend, report_unknown};
use room::Room;

/// The key of an algorithm for every resource without an expression of its own.
pub const EVERY_RESOURCE: &str = "*";

/// What every agreement gives, resolved in time.
#[derive(Debug, Default)]
pub struct Resolution {
    /// The agreements, by name.
    pub agreements: BTreeMap<String, Resolved>,
}

/// An agreement with all that it inherits.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The names of the agreements that it extends, nearest first.
    pub ancestors: Vec<String>,
    /// Whether every name that it depends on leads to an item. What is missing below is otherwise
    /// not worth a finding.
    pub sound: bool,
    /// Whether it has a price list and an algorithm, its own or inherited.
    pub complete: bool,
    /// Its price by resource.
    pub prices: BTreeMap<String, Timeline<EntryId>>,
    /// Its expression by resource.
    pub expressions: BTreeMap<String, Timeline<EntryId>>,
    /// The keys of its credit plan.
    pub plan: BTreeMap<&'static str, Timeline<EntryId>>,
    /// Its threshold.
    pub threshold: Timeline<Rational>,
}

/// The keys of a credit plan that are resolved one by one.
pub const PLAN_KEYS: [&str; 4] = ["at", "credits", "initial", "mode"];

/// Resolves all agreements; reports names that nothing has, and circles.
#[must_use]
pub fn resolve(items: &Items, findings: &mut Vec<Diagnostic>) -> Resolution {
    let room = Room::new();
    let lists = Class::ALL.map(|class| Lists::new(items, class, &room, findings));
    let agreements = Lineage::new(&items.agreements, Class::Agreement, findings);
    report_unknown_parts(items, &lists, findings);
    let resolver = Resolver { items, lists: &lists, agreements: &agreements, room: &room };
    let resolved = agreements.all().filter_map(|place| {
        let name = agreements.item(place)?.name.value.clone();
        Some((name, if room.is_full() { Resolved::default() } else { resolver.agreement(place) }))
    });
    let agreements = resolved.collect();
    findings.extend(room.finding(items));
    Resolution { agreements }
}

fn report_unknown_parts(items: &Items, lists: &[Lists<'_>], findings: &mut Vec<Diagnostic>) {
    let parts = items.agreements.values().flat_map(|agreement| &agreement.parts);
    for (class, part) in parts {
        let Some(base) = &part.base else { continue };
        let known = lists.iter().find(|lists| lists.class == *class);
        if known.is_some_and(|lists| lists.lineage.place(&base.value).is_none()) {
            report_unknown(base, *class, items.lists(*class).keys().map(String::as_str), findings);
        }
    }
}

/// The lists of a class, each field of each resolved in time.
struct Lists<'a> {
    class: Class,
    lineage: Lineage<'a, List>,
    fields: Vec<BTreeMap<&'a str, Timeline<EntryId>>>,
}

impl<'a> Lists<'a> {
    fn new(items: &'a Items, class: Class, room: &Room, findings: &mut Vec<Diagnostic>) -> Self {
        let lineage = Lineage::new(items.lists(class), class, findings);
        let fields = lineage.all().map(|place| fields(&lineage, place, room)).collect();
        Self { class, lineage, fields }
    }

    fn field(&self, name: &str, field: &str) -> Option<&Timeline<EntryId>> {
        self.fields.get(self.lineage.place(name)?)?.get(field)
    }

    fn is_sound(&self, name: &str) -> bool {
        self.lineage.place(name).is_some_and(|place| self.lineage.is_sound(place))
    }
}

/// Every field that the item or an ancestor gives.
fn fields<'a>(
    lineage: &Lineage<'a, List>,
    place: usize,
    room: &Room,
) -> BTreeMap<&'a str, Timeline<EntryId>> {
    let chain: Vec<(usize, &List)> = lineage.chain(place).collect();
    let names = chain.iter().flat_map(|(_, item)| item.entries.keys());
    let mut fields: BTreeMap<&str, Timeline<EntryId>> = BTreeMap::new();
    for name in names.take_while(|_| !room.is_full()) {
        fields.entry(name).or_insert_with(|| {
            let given = |item: &'a List| item.entries.get(name).copied();
            room.taken(inherit(&chain, given, |place| lineage.frame(place)))
        });
    }
    fields
}

/// One layer for every item of a chain: its frame, and the field of the nearest that gives it.
fn inherit<'a, T, V: Copy + PartialEq>(
    chain: &[(usize, &'a T)],
    field: impl Fn(&'a T) -> Option<V>,
    frame: impl Fn(usize) -> Option<FrameId>,
) -> Timeline<V> {
    let mut given = None;
    let mut layers = Vec::with_capacity(chain.len());
    for (place, item) in chain.iter().rev() {
        given = field(item).or(given);
        layers.push((frame(*place), body(given)));
    }
    stack(layers.into_iter().rev())
}

struct Resolver<'a> {
    items: &'a Items,
    lists: &'a [Lists<'a>],
    agreements: &'a Lineage<'a, Agreement>,
    room: &'a Room,
}

impl<'a> Resolver<'a> {
    fn agreement(&self, place: usize) -> Resolved {
        let chain: Vec<(usize, &Agreement)> = self.agreements.chain(place).collect();
        let resources = || self.items.resources.keys().take_while(|_| !self.room.is_full());
        let price = |name: &String| self.in_time(&chain, |place| self.part(place, Class::Pricelist, name));
        let expression = |name: &String| self.in_time(&chain, |place| self.expression(place, name));
        let plan = |key| (key, self.in_time(&chain, |place| self.part(place, Class::Creditplan, key)));
        Resolved {
            ancestors: chain.iter().skip(1).map(|(_, item)| item.name.value.clone()).collect(),
            sound: self.is_sound(place, &chain),
            complete: [Class::Pricelist, Class::Algorithm]
                .iter()
                .all(|class| chain.iter().any(|(_, item)| item.parts.contains_key(class))),
            prices: resources().map(|name| (name.clone(), price(name))).collect(),
            expressions: resources().map(|name| (name.clone(), expression(name))).collect(),
            plan: PLAN_KEYS.into_iter().map(plan).collect(),
            threshold: self.threshold(&chain),
        }
    }

    /// An agreement's parent stands in for the whole agreement.
    fn in_time(
        &self,
        chain: &[(usize, &'a Agreement)],
        part: impl Fn(usize) -> Timeline<EntryId>,
    ) -> Timeline<EntryId> {
        let parts =
            chain.iter().map(|(place, _)| (self.agreements.frame(*place), Body::Timeline(part(*place))));
        self.room.taken(stack(parts))
    }

    fn threshold(&self, chain: &[(usize, &'a Agreement)]) -> Timeline<Rational> {
        let given = inherit(
            chain,
            |item| item.threshold.as_ref().map(|_| item.name.value.as_str()),
            |place| self.agreements.frame(place),
        );
        map(&given, &|name| {
            let agreement = self.items.agreements.get(*name);
            agreement
                .and_then(|item| item.threshold.as_ref())
                .map_or_else(Rational::zero, |given| given.value.clone())
        })
    }

    fn expression(&self, place: usize, resource: &str) -> Timeline<EntryId> {
        let own = self.part(place, Class::Algorithm, resource);
        if own.0.last().is_some_and(|layer| layer.frame.is_none() && matches!(layer.body, Body::Value(_))) {
            return own;
        }
        fill(&own, &self.part(place, Class::Algorithm, EVERY_RESOURCE))
    }

    /// A field of an agreement's part: what is laid over it, then what it names, else the same part of
    /// the agreement's parent.
    fn part(&self, place: usize, class: Class, field: &str) -> Timeline<EntryId> {
        let mut layers = Vec::new();
        for part in self.parts(place, class) {
            if let Some(entry) = part.entries.get(field) {
                let frame = part.effective.as_ref().and_then(|effective| effective.frame);
                layers.push((frame, Body::Value(*entry)));
            }
            if let Some(base) = self.base(part, class, field) {
                layers.push((None, Body::Timeline(base.clone())));
            }
        }
        stack(layers)
    }

    /// The parts of that class along the chain, as far as each is laid over the next.
    fn parts(&self, place: usize, class: Class) -> impl Iterator<Item = &'a Part> {
        let mut ended = false;
        let parts =
            self.agreements.chain(place).filter_map(move |(_, item)| item.parts.get(&class).map(Box::as_ref));
        parts.take_while(move |part| !std::mem::replace(&mut ended, part.base.is_some()))
    }

    fn base(&self, part: &Part, class: Class, field: &str) -> Option<&'a Timeline<EntryId>> {
        let name = &part.base.as_ref()?.value;
        self.lists.iter().find(|lists| lists.class == class)?.field(name, field)
    }

    fn is_sound(&self, place: usize, chain: &[(usize, &'a Agreement)]) -> bool {
        let sound_part = |class: Class, part: &Part| {
            let lists = self.lists.iter().find(|lists| lists.class == class);
            part.base.as_ref().is_none_or(|base| lists.is_some_and(|lists| lists.is_sound(&base.value)))
        };
        let mut parts = chain.iter().flat_map(|(_, item)| &item.parts);
        self.agreements.is_sound(place) && parts.all(|(class, part)| sound_part(*class, part))
    }
}

/// The same timeline with other values.
pub fn map<T, U: Clone + PartialEq>(timeline: &Timeline<T>, value: &impl Fn(&T) -> U) -> Timeline<U> {
    let layers = timeline.0.iter().map(|layer| {
        let body = match &layer.body {
            Body::Value(given) => Body::Value(value(given)),
            Body::Timeline(inner) => Body::Timeline(map(inner, value)),
        };
        aquarium_ir::time::Layer { frame: layer.frame, body }
    });
    Timeline(layers.collect())
}
