//! The compiled policy: resolved timelines, prices, expressions and charges, each once and in an order that
//! depends on what they say alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use aquarium_ir::Rational;
use aquarium_ir::policy::{
    Agreement, AgreementId, Body, BodyId, Charge, ExpressionId, ExpressionSource, FORMAT, Given, Mode, Plan,
    Policy, Price, PriceId, Resource, ResourceId, Source, SourceId, Span,
};
use aquarium_ir::slot::VALUE_PLACES;
use aquarium_ir::time::{self, Cron, Frame, FrameId, Layer, Timeline, Zone};
use sha2::{Digest, Sha256};

use crate::SourceFile;
use crate::charges::Charges;
use crate::diagnostic::FileSpan;
use crate::items::{Entry, EntryId, EntryValue, Items};
use crate::meanings::Meanings;
use crate::position::LineIndex;
use crate::resolve::{Resolution, Resolved};

/// Decimal places of a wallet entry where the policy names none.
pub const PRECISION_DEFAULT: u8 = 6;

/// Places of files as places of the compiled policy: with the line.
#[derive(Debug)]
pub struct Places(Vec<LineIndex>);

impl Places {
    /// The places of these files.
    #[must_use]
    pub fn new(files: &[SourceFile]) -> Self {
        Self(files.iter().map(|file| LineIndex::new(&file.bytes)).collect())
    }

    /// The place in the compiled policy.
    #[must_use]
    pub fn span(&self, span: FileSpan) -> Span {
        let line = self.0.get(span.file.0 as usize).map_or(0, |lines| lines.line(span.start));
        let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1);
        Span { source: SourceId(span.file.0), start: span.start, end: span.end, line }
    }
}

/// The resources whose unit and cost policy can be read.
pub fn resources(items: &Items, meanings: &Meanings, places: &Places) -> BTreeMap<String, Resource> {
    let compiled = items.resources.iter().filter_map(|(name, resource)| {
        let unit = meanings.units.get(name)?;
        let resource = Resource {
            name: name.clone(),
            unit: unit.text.clone(),
            cost_policy: unit.cost_policy,
            complex: resource.complex,
            max: Rational(&resource.max.0 * Rational::power_of_ten(i32::from(VALUE_PLACES)).0),
            raw_per_unit: unit.raw_per_unit(),
            span: places.span(resource.span),
        };
        Some((name.clone(), resource))
    });
    compiled.collect()
}

/// Everything that a policy is made of.
pub struct Parts<'a> {
    /// The files, by path.
    pub files: &'a [SourceFile],
    /// What they say.
    pub items: &'a Items,
    /// What agreements give.
    pub resolution: &'a Resolution,
    /// What entries mean.
    pub meanings: &'a Meanings,
    /// The resources, by name.
    pub resources: BTreeMap<String, Resource>,
    /// The charges that can be compiled.
    pub charges: &'a Charges,
    /// Lines of places.
    pub places: &'a Places,
    /// The zone.
    pub zone: &'a Zone,
}

/// Puts a policy without errors together.
#[must_use]
pub fn assemble(parts: &Parts<'_>) -> Policy {
    let tables = Tables::new(parts);
    let agreements = tables.agreements(parts);
    let (bodies, charges) = tables.charges(parts.charges);
    let ids = numbered(parts.resolution.agreements.keys().map(String::as_str), AgreementId);
    let id_of = |name: &str| ids.get(name).copied();
    let roles = parts.items.roles.iter().filter(|(role, _)| *role != "*");
    let star = parts.items.roles.get("*").map_or("default", |role| role.agreement.value.as_str());
    Policy {
        format: FORMAT,
        name: parts.items.name.as_ref().map(|name| name.value.clone()),
        description: parts.items.description.as_ref().map(|text| text.value.clone()),
        zone: parts.zone.clone(),
        precision: parts.items.precision.as_ref().map_or(PRECISION_DEFAULT, |precision| precision.value),
        effective: parts.items.effective.as_ref().and_then(|effective| tables.frame(effective.frame)),
        roles: roles
            .filter_map(|(role, given)| Some((role.clone(), id_of(&given.agreement.value)?)))
            .collect(),
        everybody_else: id_of(star),
        sources: parts.files.iter().map(source).collect(),
        source_sha256: digest_of_all(parts.files),
        prices: tables.prices.keys().map(|price| (*price).clone()).collect(),
        expressions: tables.sources(parts),
        frames: tables.frames.keys().map(|frame| (*frame).clone()).collect(),
        agreements,
        bodies,
        charges,
        resources: parts.resources.values().cloned().collect(),
    }
}

fn source(file: &SourceFile) -> Source {
    Source { path: file.path.clone(), sha256: hexadecimal(&Sha256::digest(&file.bytes)) }
}

/// The digest of all paths and bytes, each with its length before it.
fn digest_of_all(files: &[SourceFile]) -> String {
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|file| [file.path.as_bytes(), &file.bytes]) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the policy holds once, with the numbers by which the rest refers to it.
struct Tables<'a> {
    items: &'a Items,
    frames: BTreeMap<&'a Frame, FrameId>,
    prices: BTreeMap<&'a Price, PriceId>,
    expressions: BTreeMap<&'a str, ExpressionId>,
    /// By declared resource, in the order of names.
    resources: Vec<Option<ResourceId>>,
    /// By entry.
    entry_prices: Vec<Option<PriceId>>,
    /// By entry.
    entry_expressions: Vec<Option<ExpressionId>>,
}

/// What several agreements have, each made once.
#[derive(Default)]
struct Shared {
    prices: Known<PriceId>,
    expressions: Known<ExpressionId>,
    plans: HashSet<Arc<Plan>>,
}

/// Timelines by the place of the timeline of entries that each was made of, which the resolution holds.
type Known<T> = HashMap<*const Timeline<EntryId>, Arc<Timeline<Given<T>>>>;

impl Shared {
    fn plan(&mut self, plan: Plan) -> Arc<Plan> {
        if let Some(known) = self.plans.get(&plan) {
            return Arc::clone(known);
        }
        let plan = Arc::new(plan);
        self.plans.insert(Arc::clone(&plan));
        plan
    }
}

/// The numbers of distinct things, in their own order.
fn numbered<K: Ord, I>(keys: impl IntoIterator<Item = K>, id: impl Fn(u32) -> I) -> BTreeMap<K, I> {
    let distinct: BTreeSet<K> = keys.into_iter().collect();
    distinct.into_iter().zip(0..).map(|(key, number)| (key, id(number))).collect()
}

impl<'a> Tables<'a> {
    fn new(parts: &Parts<'a>) -> Self {
        let used = Used::of(parts);
        let (meanings, items) = (parts.meanings, parts.items);
        let prices = numbered(used.entries.iter().filter_map(|entry| meanings.price(*entry)), PriceId);
        let digests = used.entries.iter().filter_map(|entry| meanings.digest(*entry)).map(AsRef::as_ref);
        let expressions = numbered(digests, ExpressionId);
        let frames = used.frames.iter().filter_map(|frame| items.frames.get(frame.0 as usize));
        let compiled = numbered(parts.resources.keys(), ResourceId);
        let entries = || (0..items.entries.len()).map(EntryId);
        // Looked up once for each, not once for each entry.
        let price_ids: Vec<Option<PriceId>> =
            meanings.prices.iter().map(|price| prices.get(price).copied()).collect();
        let entry_price = |entry: EntryId| price_ids.get(meanings.price_number(entry)?).copied().flatten();
        let entry_expression = |entry: EntryId| expressions.get(meanings.digest(entry)?.as_ref()).copied();
        Self {
            items,
            frames: numbered(frames, FrameId),
            resources: items.resources.keys().map(|name| compiled.get(name).copied()).collect(),
            entry_prices: entries().map(entry_price).collect(),
            entry_expressions: entries().map(entry_expression).collect(),
            prices,
            expressions,
        }
    }

    fn frame(&self, frame: Option<FrameId>) -> Option<FrameId> {
        self.frames.get(self.items.frames.get(frame?.0 as usize)?).copied()
    }

    /// The same timeline with the policy's frames, and with the values of the entries.
    fn timeline<T, V>(&self, timeline: &Timeline<T>, value: &impl Fn(&T) -> Option<V>) -> Timeline<V> {
        let layers = timeline.0.iter().map(|layer| {
            let body = match &layer.body {
                time::Body::Value(given) => {
                    value(given).map_or_else(|| time::Body::Timeline(Timeline::default()), time::Body::Value)
                }
                time::Body::Timeline(inner) => time::Body::Timeline(self.timeline(inner, value)),
            };
            Layer { frame: self.frame(layer.frame), body }
        });
        Timeline(layers.collect())
    }

    fn agreements(&self, parts: &Parts<'_>) -> Vec<Agreement> {
        let mut shared = Shared::default();
        let agreements = parts.resolution.agreements.iter();
        let compiled = agreements.filter_map(|(name, resolved)| {
            let item = parts.items.agreements.get(name)?;
            Some(self.agreement(name, parts.places.span(item.span), resolved, parts, &mut shared))
        });
        compiled.collect()
    }

    fn agreement(
        &self,
        name: &str,
        span: Span,
        resolved: &Resolved,
        parts: &Parts<'_>,
        shared: &mut Shared,
    ) -> Agreement {
        let price = |id: &EntryId| self.given(*id, parts, |id, _| self.price_of(id));
        let expression = |id: &EntryId| self.given(*id, parts, |id, _| self.expression_of(id));
        let resources = || parts.resources.keys().map(String::as_str);
        let prices = resources().map(|name| resolved.prices.get(name));
        let expressions = resources().map(|name| resolved.expressions.get(name));
        Agreement {
            name: name.to_owned(),
            span,
            ancestors: resolved.ancestors.clone(),
            prices: prices.map(|line| self.shared(line, &mut shared.prices, &price)).collect(),
            expressions: expressions
                .map(|line| self.shared(line, &mut shared.expressions, &expression))
                .collect(),
            plan: shared.plan(self.plan(resolved, parts)),
            threshold: self.timeline(&resolved.threshold, &|value| Some(value.clone())),
        }
    }

    /// A timeline of entries as one of what they give; made once for all agreements that have it.
    fn shared<T>(
        &self,
        line: Option<&Arc<Timeline<EntryId>>>,
        known: &mut Known<T>,
        given: &impl Fn(&EntryId) -> Option<Given<T>>,
    ) -> Arc<Timeline<Given<T>>> {
        let place = line.map_or(std::ptr::null(), Arc::as_ptr);
        let made = || line.map_or_else(Timeline::default, |line| self.timeline(line, given));
        Arc::clone(known.entry(place).or_insert_with(|| Arc::new(made())))
    }

    fn plan(&self, resolved: &Resolved, parts: &Parts<'_>) -> Plan {
        let none = Arc::new(Timeline::default());
        let key = |key: &str| resolved.plan.get(key).unwrap_or(&none);
        let entry = |id: &EntryId| parts.items.entry(*id).map(|entry| &entry.value);
        let number = |id: &EntryId| self.given(*id, parts, |_, entry| number(entry));
        let at = |id: &EntryId| match entry(id) {
            Some(EntryValue::At(cron)) => Some(cron.as_ref().clone()),
            _ => None,
        };
        let mode = |id: &EntryId| match entry(id) {
            Some(EntryValue::Mode(mode)) => Some(*mode),
            _ => None,
        };
        Plan {
            credits: self.timeline(key("credits"), &number),
            at: self.timeline::<EntryId, Cron>(key("at"), &at),
            mode: self.timeline::<EntryId, Mode>(key("mode"), &mode),
            initial: self.timeline(key("initial"), &number),
        }
    }

    fn given<T>(
        &self,
        id: EntryId,
        parts: &Parts<'_>,
        value: impl Fn(EntryId, &Entry) -> Option<T>,
    ) -> Option<Given<T>> {
        let entry = self.items.entry(id)?;
        let value = value(id, entry)?;
        Some(Given { value, item: Arc::clone(&entry.giver), span: parts.places.span(entry.span) })
    }

    /// The text of each expression: that of its first occurrence.
    fn sources(&self, parts: &Parts<'_>) -> Vec<ExpressionSource> {
        let mut first: BTreeMap<ExpressionId, (FileSpan, &Entry)> = BTreeMap::new();
        for (entry, expression) in parts.items.entries.iter().zip(&self.entry_expressions) {
            let Some(expression) = expression else { continue };
            let place = first.entry(*expression).or_insert((entry.value_span, entry));
            if entry.value_span < place.0 {
                *place = (entry.value_span, entry);
            }
        }
        let sources = self.expressions.iter().filter_map(|(digest, id)| match &first.get(id)?.1.value {
            EntryValue::Expression(syntax) => Some(ExpressionSource {
                digest: (*digest).to_owned(),
                text: syntax.source.text.to_string(),
                reads_total: syntax.reads_total(),
            }),
            _ => None,
        });
        sources.collect()
    }

    fn price_of(&self, entry: EntryId) -> Option<PriceId> {
        self.entry_prices.get(entry.0).copied().flatten()
    }

    fn expression_of(&self, entry: EntryId) -> Option<ExpressionId> {
        self.entry_expressions.get(entry.0).copied().flatten()
    }

    /// One charge for all texts of one abstract syntax: that of the first; and the bodies that are needed, in
    /// the order of the charges.
    fn charges(&self, given: &Charges) -> (Vec<Body>, Vec<Charge>) {
        let numbered = given.charges.iter().filter_map(|combination| {
            let charge = Charge {
                resource: self.resources.get(combination.resource).copied().flatten()?,
                price: self.price_of(combination.price)?,
                expression: self.expression_of(combination.expression)?,
                body: BodyId(u32::try_from(combination.body).ok()?),
                monotone: combination.monotone,
            };
            Some(charge)
        });
        let mut charges: Vec<Charge> = numbered.collect();
        let key = |charge: &Charge| (charge.resource, charge.price, charge.expression);
        charges.sort_by_key(|charge| (key(charge), charge.body));
        charges.dedup_by_key(|charge| key(charge));
        let mut bodies = Vec::new();
        let mut places: BTreeMap<BodyId, BodyId> = BTreeMap::new();
        for charge in &mut charges {
            let old = charge.body;
            charge.body = *places.entry(old).or_insert_with(|| {
                bodies.extend(given.bodies.get(old.index()).cloned());
                BodyId(u32::try_from(bodies.len().saturating_sub(1)).unwrap_or(u32::MAX))
            });
        }
        (bodies, charges)
    }
}

fn number(entry: &Entry) -> Option<Rational> {
    match &entry.value {
        EntryValue::Credits(number) | EntryValue::Initial(number) => Some(number.as_ref().clone()),
        _ => None,
    }
}

/// The frames and entries that some agreement gives.
#[derive(Default)]
struct Used {
    frames: BTreeSet<FrameId>,
    entries: BTreeSet<EntryId>,
}

impl Used {
    fn of(parts: &Parts<'_>) -> Self {
        let mut used = Self::default();
        used.frames.extend(parts.items.effective.as_ref().and_then(|effective| effective.frame));
        for agreement in parts.resolution.agreements.values() {
            let by_resource = agreement.prices.values().chain(agreement.expressions.values());
            for timeline in by_resource.chain(agreement.plan.values()) {
                used.add(timeline);
            }
            used.add_frames(&agreement.threshold);
        }
        used
    }

    fn add(&mut self, timeline: &Timeline<EntryId>) {
        for layer in &timeline.0 {
            self.frames.extend(layer.frame);
            match &layer.body {
                time::Body::Value(entry) => {
                    self.entries.insert(*entry);
                }
                time::Body::Timeline(inner) => self.add(inner),
            }
        }
    }

    fn add_frames(&mut self, timeline: &Timeline<Rational>) {
        for layer in &timeline.0 {
            self.frames.extend(layer.frame);
            if let time::Body::Timeline(inner) = &layer.body {
                self.add_frames(inner);
            }
        }
    }
}
