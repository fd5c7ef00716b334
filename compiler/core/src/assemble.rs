//! The compiled policy: resolved timelines, prices, expressions and charges, each once and in an order that
//! depends on what they say alone.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::Rational;
use aquarium_ir::policy::{
    Agreement, AgreementId, Charge, ExpressionId, ExpressionSource, FORMAT, Given, Mode, Plan, Policy, Price,
    PriceId, Resource, ResourceId, Source, SourceId, Span,
};
use aquarium_ir::slot::VALUE_PLACES;
use aquarium_ir::time::{Body, Cron, Frame, FrameId, Layer, Timeline, Zone};
use sha2::{Digest, Sha256};

use crate::SourceFile;
use crate::charges::{Charges, Meanings};
use crate::diagnostic::FileSpan;
use crate::items::{Entry, EntryId, EntryValue, Items};
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
    pub charges: Charges<'a>,
    /// Lines of places.
    pub places: &'a Places,
    /// The zone.
    pub zone: &'a Zone,
}

/// Puts a policy without errors together.
#[must_use]
pub fn assemble(parts: Parts<'_>) -> Policy {
    let tables = Tables::new(&parts);
    let agreements = tables.agreements(&parts);
    let id_of = |name: &str| {
        let place = parts.resolution.agreements.keys().position(|known| known == name)?;
        u32::try_from(place).ok().map(AgreementId)
    };
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
        expressions: tables.sources(&parts),
        frames: tables.frames.keys().map(|frame| (*frame).clone()).collect(),
        agreements,
        charges: tables.charges(parts.charges),
        resources: parts.resources.into_values().collect(),
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
    resources: BTreeMap<String, ResourceId>,
    entry_prices: BTreeMap<EntryId, PriceId>,
    entry_expressions: BTreeMap<EntryId, ExpressionId>,
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
        let prices = numbered(used.entries.iter().filter_map(|entry| meanings.prices.get(entry)), PriceId);
        let digests = used.entries.iter().filter_map(|entry| meanings.digests.get(entry)).map(String::as_str);
        let expressions = numbered(digests, ExpressionId);
        let frames = used.frames.iter().filter_map(|frame| items.frames.get(frame.0 as usize));
        let entry_price = |entry: &EntryId| Some((*entry, *prices.get(meanings.prices.get(entry)?)?));
        let entry_expression =
            |entry: &EntryId| Some((*entry, *expressions.get(meanings.digests.get(entry)?.as_str())?));
        Self {
            items,
            frames: numbered(frames, FrameId),
            resources: numbered(parts.resources.keys().cloned(), ResourceId),
            entry_prices: used.entries.iter().filter_map(entry_price).collect(),
            entry_expressions: used.entries.iter().filter_map(entry_expression).collect(),
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
                Body::Value(given) => {
                    value(given).map_or_else(|| Body::Timeline(Timeline::default()), Body::Value)
                }
                Body::Timeline(inner) => Body::Timeline(self.timeline(inner, value)),
            };
            Layer { frame: self.frame(layer.frame), body }
        });
        Timeline(layers.collect())
    }

    fn agreements(&self, parts: &Parts<'_>) -> Vec<Agreement> {
        let agreements = parts.resolution.agreements.iter();
        let compiled = agreements.filter_map(|(name, resolved)| {
            let item = parts.items.agreements.get(name)?;
            Some(self.agreement(name, parts.places.span(item.span), resolved, parts))
        });
        compiled.collect()
    }

    fn agreement(&self, name: &str, span: Span, resolved: &Resolved, parts: &Parts<'_>) -> Agreement {
        let price = |id: &EntryId| self.given(*id, parts, |id, _| self.entry_prices.get(&id).copied());
        let expression =
            |id: &EntryId| self.given(*id, parts, |id, _| self.entry_expressions.get(&id).copied());
        let none = Timeline::default();
        let by_resource = |timelines: &'_ BTreeMap<String, Timeline<EntryId>>| -> Vec<Timeline<EntryId>> {
            parts.resources.keys().map(|name| timelines.get(name).unwrap_or(&none).clone()).collect()
        };
        Agreement {
            name: name.to_owned(),
            span,
            ancestors: resolved.ancestors.clone(),
            prices: by_resource(&resolved.prices).iter().map(|it| self.timeline(it, &price)).collect(),
            expressions: by_resource(&resolved.expressions)
                .iter()
                .map(|it| self.timeline(it, &expression))
                .collect(),
            plan: self.plan(resolved, parts),
            threshold: self.timeline(&resolved.threshold, &|value| Some(value.clone())),
        }
    }

    fn plan(&self, resolved: &Resolved, parts: &Parts<'_>) -> Plan {
        let none = Timeline::default();
        let key = |key: &str| resolved.plan.get(key).unwrap_or(&none);
        let entry = |id: &EntryId| parts.items.entry(*id).map(|entry| &entry.value);
        let number = |id: &EntryId| self.given(*id, parts, |_, entry| number(entry));
        let at = |id: &EntryId| match entry(id) {
            Some(EntryValue::At(cron)) => Some(cron.clone()),
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
        Some(Given { value, item: entry.giver.clone(), span: parts.places.span(entry.span) })
    }

    /// The text of each expression: that of its first occurrence.
    fn sources(&self, parts: &Parts<'_>) -> Vec<ExpressionSource> {
        let mut first: BTreeMap<ExpressionId, (FileSpan, &Entry)> = BTreeMap::new();
        for (id, expression) in &self.entry_expressions {
            let Some(entry) = parts.items.entry(*id) else { continue };
            let place = first.entry(*expression).or_insert((entry.value_span, entry));
            if entry.value_span < place.0 {
                *place = (entry.value_span, entry);
            }
        }
        let sources = self.expressions.iter().filter_map(|(digest, id)| match &first.get(id)?.1.value {
            EntryValue::Expression(syntax) => Some(ExpressionSource {
                digest: (*digest).to_owned(),
                text: syntax.source.text.clone(),
                reads_total: syntax.reads_total(),
            }),
            _ => None,
        });
        sources.collect()
    }

    fn charges(&self, charges: Charges<'_>) -> Vec<Charge> {
        let compiled = charges.into_iter().filter_map(|((resource, price, digest), checked)| {
            Some(Charge {
                resource: *self.resources.get(resource)?,
                price: *self.prices.get(price)?,
                expression: *self.expressions.get(digest)?,
                body: checked.body?,
                monotone: checked.monotone,
            })
        });
        compiled.collect()
    }
}

fn number(entry: &Entry) -> Option<Rational> {
    match &entry.value {
        EntryValue::Credits(number) | EntryValue::Initial(number) => Some(number.clone()),
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
                Body::Value(entry) => {
                    self.entries.insert(*entry);
                }
                Body::Timeline(inner) => self.add(inner),
            }
        }
    }

    fn add_frames(&mut self, timeline: &Timeline<Rational>) {
        for layer in &timeline.0 {
            self.frames.extend(layer.frame);
            if let Body::Timeline(inner) = &layer.body {
                self.add_frames(inner);
            }
        }
    }
}
