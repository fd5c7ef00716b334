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
use std::sync::Arc;

use aquarium_ir::Rational;
use aquarium_ir::time::{Body, FrameId, Layer, Timeline};

use crate::findings::Findings;
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
    /// Its price by resource. Agreements that name the same price list share its timelines.
    pub prices: BTreeMap<Arc<str>, Arc<Timeline<EntryId>>>,
    /// Its expression by resource.
    pub expressions: BTreeMap<Arc<str>, Arc<Timeline<EntryId>>>,
    /// The keys of its credit plan.
    pub plan: BTreeMap<&'static str, Arc<Timeline<EntryId>>>,
    /// Its threshold.
    pub threshold: Timeline<Rational>,
}

/// The keys of a credit plan that are resolved one by one.
pub const PLAN_KEYS: [&str; 4] = ["at", "credits", "initial", "mode"];

/// Resolves all agreements; reports names that nothing has, and circles.
#[must_use]
pub fn resolve(items: &Items, findings: &mut Findings) -> Resolution {
    let room = Room::new();
    let lists = Class::ALL.map(|class| Lists::new(items, class, &room, findings));
    let agreements = Lineage::new(&items.agreements, Class::Agreement, findings);
    report_unknown_parts(items, &lists, findings);
    let resources = items.resources.keys().map(|name| name.as_str().into()).collect();
    let resolver = Resolver { items, resources, lists: &lists, agreements: &agreements, room: &room };
    let resolved = agreements.all().filter_map(|place| {
        let name = agreements.item(place)?.name.value.clone();
        Some((name, if room.is_full() { Resolved::default() } else { resolver.agreement(place) }))
    });
    let agreements = resolved.collect();
    findings.extend(room.finding(items));
    Resolution { agreements }
}

fn report_unknown_parts(items: &Items, lists: &[Lists<'_>], findings: &mut Findings) {
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
    fields: Vec<Fields<'a>>,
}

/// What an item gives, by field.
type Fields<'a> = BTreeMap<&'a str, Arc<Timeline<EntryId>>>;

impl<'a> Lists<'a> {
    fn new(items: &'a Items, class: Class, room: &Room, findings: &mut Findings) -> Self {
        let lineage = Lineage::new(items.lists(class), class, findings);
        let fields = lineage.all().map(|place| fields(&lineage, place, room)).collect();
        Self { class, lineage, fields }
    }

    fn fields(&self, name: &str) -> Option<&Fields<'a>> {
        self.fields.get(self.lineage.place(name)?)
    }

    fn is_sound(&self, name: &str) -> bool {
        self.lineage.place(name).is_some_and(|place| self.lineage.is_sound(place))
    }
}

/// Every field that the item or an ancestor gives.
fn fields<'a>(lineage: &Lineage<'a, List>, place: usize, room: &Room) -> Fields<'a> {
    let chain: Vec<(usize, &List)> = lineage.chain(place).collect();
    let names = chain.iter().flat_map(|(_, item)| item.entries.keys());
    let mut fields = Fields::new();
    for name in names.take_while(|_| !room.is_full()) {
        fields.entry(name).or_insert_with(|| {
            let given = |item: &'a List| item.entries.get(name).copied();
            Arc::new(room.taken(inherit(&chain, given, |place| lineage.frame(place))))
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
    if let [(place, item)] = chain
        && frame(*place).is_none()
    {
        // Most items extend nothing and hold always.
        let value = field(item).map(|value| Layer { frame: None, body: Body::Value(value) });
        return Timeline(Vec::from_iter(value));
    }
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
    resources: Vec<Arc<str>>,
    lists: &'a [Lists<'a>],
    agreements: &'a Lineage<'a, Agreement>,
    room: &'a Room,
}

/// One class of part of an agreement or of one that stands in for it.
struct Candidate<'a> {
    /// When the agreement holds.
    frame: Option<FrameId>,
    /// Its part, then those of its ancestors, as far as each is laid over the next; each with what the item that
    /// it names gives.
    parts: Vec<(&'a Part, Option<&'a Fields<'a>>)>,
}

impl<'a> Resolver<'a> {
    fn agreement(&self, place: usize) -> Resolved {
        let chain: Vec<(usize, &Agreement)> = self.agreements.chain(place).collect();
        let [prices, expressions, plan] = [Class::Pricelist, Class::Algorithm, Class::Creditplan]
            .map(|class| self.candidates(&chain, class));
        let resources = || self.resources.iter().take_while(|_| !self.room.is_full());
        let price = |name: &Arc<str>| (Arc::clone(name), self.in_time(&prices, |it| it.field(name)));
        let expression =
            |name: &Arc<str>| (Arc::clone(name), self.in_time(&expressions, |it| it.expression(name)));
        Resolved {
            ancestors: chain.iter().skip(1).map(|(_, item)| item.name.value.clone()).collect(),
            sound: self.is_sound(place, &chain),
            complete: [Class::Pricelist, Class::Algorithm]
                .iter()
                .all(|class| chain.iter().any(|(_, item)| item.parts.contains_key(class))),
            prices: resources().map(price).collect(),
            expressions: resources().map(expression).collect(),
            plan: PLAN_KEYS.into_iter().map(|key| (key, self.in_time(&plan, |it| it.field(key)))).collect(),
            threshold: self.threshold(&chain),
        }
    }

    /// The agreements of a chain that can stand for its first: behind one that always holds none does.
    fn candidates(&self, chain: &[(usize, &'a Agreement)], class: Class) -> Vec<Candidate<'a>> {
        let mut candidates = Vec::new();
        for (place, _) in chain {
            let frame = self.agreements.frame(*place);
            candidates.push(Candidate { frame, parts: self.parts(*place, class).collect() });
            if frame.is_none() {
                break;
            }
        }
        candidates
    }

    /// The parts of that class along the chain, as far as each is laid over the next.
    fn parts(&self, place: usize, class: Class) -> impl Iterator<Item = (&'a Part, Option<&'a Fields<'a>>)> {
        let lists = self.lists.iter().find(|lists| lists.class == class);
        let mut ended = false;
        let parts =
            self.agreements.chain(place).filter_map(move |(_, item)| item.parts.get(&class).map(Box::as_ref));
        let parts = parts.take_while(move |part| !std::mem::replace(&mut ended, part.base.is_some()));
        parts.map(move |part| (part, part.base.as_ref().and_then(|base| lists?.fields(&base.value))))
    }

    /// An agreement's parent stands in for the whole agreement.
    fn in_time(
        &self,
        candidates: &[Candidate<'a>],
        part: impl Fn(&Candidate<'a>) -> Arc<Timeline<EntryId>>,
    ) -> Arc<Timeline<EntryId>> {
        let timeline = match candidates {
            [only] if only.frame.is_none() => part(only),
            _ => {
                let layer = |it: &Candidate<'a>| (it.frame, Body::Timeline(part(it).as_ref().clone()));
                Arc::new(stack(candidates.iter().map(layer)))
            }
        };
        self.room.taken(timeline)
    }

    fn threshold(&self, chain: &[(usize, &'a Agreement)]) -> Timeline<Rational> {
        let given = inherit(
            chain,
            |item| item.threshold.as_ref().map(|_| item.name.value.as_str()),
            |place| self.agreements.frame(place),
        );
        given.map(&|name| {
            let agreement = self.items.agreements.get(*name);
            agreement
                .and_then(|item| item.threshold.as_ref())
                .map_or_else(Rational::zero, |given| given.value.clone())
        })
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

impl Candidate<'_> {
    /// A field: what is laid over it, then what the named item gives, else the same part of the agreement's parent.
    fn field(&self, field: &str) -> Arc<Timeline<EntryId>> {
        let mut layers = Vec::new();
        for (part, base) in &self.parts {
            if let Some(entry) = part.entries.get(field) {
                let frame = part.effective.as_ref().and_then(|effective| effective.frame);
                layers.push((frame, Body::Value(*entry)));
            }
            let Some(base) = base.and_then(|base| base.get(field)) else { continue };
            if layers.is_empty() {
                // Nearly always: nothing is laid over what the item gives, and only the last part names one.
                return Arc::clone(base);
            }
            layers.push((None, Body::Timeline(base.as_ref().clone())));
        }
        Arc::new(stack(layers))
    }

    /// The expression of a resource, else that of every resource.
    fn expression(&self, resource: &str) -> Arc<Timeline<EntryId>> {
        let own = self.field(resource);
        if own.0.last().is_some_and(|layer| layer.frame.is_none() && matches!(layer.body, Body::Value(_))) {
            return own;
        }
        let every = self.field(EVERY_RESOURCE);
        match (own.0.is_empty(), every.0.is_empty()) {
            (true, _) => every,
            (false, true) => own,
            (false, false) => Arc::new(fill(&own, &every)),
        }
    }
}
