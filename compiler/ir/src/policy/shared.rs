//! How agreements stand in a module: what several of them give the same stands there once, in tables, and they refer
//! to it by its number.
//!
//! In memory agreements share by reference. A module of format 1 has a list of agreements instead, each with its own
//! timelines; it is read into the same.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Agreement, ExpressionId, Given, ItemId, Plan, PlanId, PriceId, Span, TimelineId};
use crate::number::Rational;
use crate::time::{Body, Timeline};

/// The agreements of a policy, and what they give.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Agreements {
    /// The items that give a price, an expression or credits: `pricelist default`, or `agreement teamx` for overrides
    /// and inline parts.
    pub items: Vec<String>,
    /// Distinct timelines of prices.
    pub prices: Vec<Timeline<Given<PriceId, ItemId>>>,
    /// Distinct timelines of expressions.
    pub expressions: Vec<Timeline<Given<ExpressionId, ItemId>>>,
    /// Distinct credit plans.
    pub plans: Vec<Plan<ItemId>>,
    /// The agreements, by name.
    pub list: Vec<Row>,
}

/// An agreement with everything that it inherits, resolved in time.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Agreement"))]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// The names of the agreements that it extends, nearest first.
    pub ancestors: Vec<String>,
    /// Prices by resource, as indexes of `prices`.
    pub prices: Vec<TimelineId>,
    /// Expressions by resource, as indexes of `expressions`.
    pub expressions: Vec<TimelineId>,
    /// The credit plan in force, an index of `plans`.
    pub plan: PlanId,
    /// The threshold in force; 0 where nothing gives one.
    pub threshold: Timeline<Rational>,
}

/// An agreement as format 1 has it.
#[derive(Deserialize)]
struct Whole {
    name: String,
    span: Span,
    ancestors: Vec<String>,
    prices: Vec<Timeline<Given<PriceId, String>>>,
    expressions: Vec<Timeline<Given<ExpressionId, String>>>,
    plan: Plan<String>,
    threshold: Timeline<Rational>,
}

/// Writes agreements with what they share written once.
pub(super) fn serialize<S: Serializer>(agreements: &[Agreement], serializer: S) -> Result<S::Ok, S::Error> {
    let tables = Tables::of(agreements);
    let plans: Vec<Plan<ItemId>> = tables.plans.rows.iter().map(|plan| tables.items.plan(plan)).collect();
    let mut written = serializer.serialize_struct("Agreements", 5)?;
    written.serialize_field("items", &tables.items.0.rows)?;
    written.serialize_field("prices", &Lines(&tables.prices.rows, &tables.items))?;
    written.serialize_field("expressions", &Lines(&tables.expressions.rows, &tables.items))?;
    written.serialize_field("plans", &plans)?;
    written.serialize_field("list", &List(agreements, &tables))?;
    written.end()
}

/// Distinct things, in the order in which they were first seen.
struct Numbered<'a, T: ?Sized> {
    rows: Vec<&'a T>,
    numbers: HashMap<&'a T, u32>,
}

impl<'a, T: Hash + Eq + ?Sized> Numbered<'a, T> {
    fn new() -> Self {
        Self { rows: Vec::new(), numbers: HashMap::new() }
    }

    fn add(&mut self, value: &'a T) {
        let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let rows = &mut self.rows;
        self.numbers.entry(value).or_insert_with(|| {
            rows.push(value);
            next
        });
    }

    /// The number of a thing that was added.
    fn number(&self, value: &T) -> u32 {
        self.numbers.get(value).copied().unwrap_or(u32::MAX)
    }
}

/// What agreements refer to.
struct Tables<'a> {
    items: Items<'a>,
    prices: Numbered<'a, Timeline<Given<PriceId>>>,
    expressions: Numbered<'a, Timeline<Given<ExpressionId>>>,
    plans: Numbered<'a, Plan>,
}

impl<'a> Tables<'a> {
    fn of(agreements: &'a [Agreement]) -> Self {
        let (mut prices, mut expressions, mut plans) = (Numbered::new(), Numbered::new(), Numbered::new());
        for agreement in agreements {
            agreement.prices.iter().for_each(|timeline| prices.add(timeline.as_ref()));
            agreement.expressions.iter().for_each(|timeline| expressions.add(timeline.as_ref()));
            plans.add(agreement.plan.as_ref());
        }
        let mut items = Items(Numbered::new());
        prices.rows.iter().for_each(|timeline| items.add(timeline));
        expressions.rows.iter().for_each(|timeline| items.add(timeline));
        for plan in &plans.rows {
            items.add(&plan.credits);
            items.add(&plan.initial);
        }
        Self { items, prices, expressions, plans }
    }
}

/// The names of items.
struct Items<'a>(Numbered<'a, str>);

impl<'a> Items<'a> {
    fn add<T>(&mut self, timeline: &'a Timeline<Given<T>>) {
        for layer in &timeline.0 {
            match &layer.body {
                Body::Value(given) => self.0.add(&given.item),
                Body::Timeline(inner) => self.add(inner),
            }
        }
    }

    /// A timeline whose items are numbers.
    fn timeline<T: Clone>(&self, timeline: &Timeline<Given<T>>) -> Timeline<Given<T, ItemId>> {
        timeline.map(&|given| {
            let item = ItemId(self.0.number(&given.item));
            Given { value: given.value.clone(), item, span: given.span }
        })
    }

    fn plan(&self, plan: &Plan) -> Plan<ItemId> {
        Plan {
            credits: self.timeline(&plan.credits),
            at: plan.at.clone(),
            mode: plan.mode.clone(),
            initial: self.timeline(&plan.initial),
        }
    }
}

/// Timelines, each made as it is written: there are many.
struct Lines<'t, T>(&'t [&'t Timeline<Given<T>>], &'t Items<'t>);

impl<T: Clone + Serialize> Serialize for Lines<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|timeline| self.1.timeline(timeline)))
    }
}

/// Agreements, each made as it is written.
struct List<'t>(&'t [Agreement], &'t Tables<'t>);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(agreements, tables) = self;
        let price = |timeline: &Arc<_>| TimelineId(tables.prices.number(timeline));
        let expression = |timeline: &Arc<_>| TimelineId(tables.expressions.number(timeline));
        serializer.collect_seq(agreements.iter().map(|agreement| RowOf {
            name: &agreement.name,
            span: agreement.span,
            ancestors: &agreement.ancestors,
            prices: agreement.prices.iter().map(price).collect(),
            expressions: agreement.expressions.iter().map(expression).collect(),
            plan: PlanId(tables.plans.number(&agreement.plan)),
            threshold: &agreement.threshold,
        }))
    }
}

/// A [`Row`] of an agreement that is there.
#[derive(Serialize)]
struct RowOf<'a> {
    name: &'a str,
    span: Span,
    ancestors: &'a [String],
    prices: Vec<TimelineId>,
    expressions: Vec<TimelineId>,
    plan: PlanId,
    threshold: &'a Timeline<Rational>,
}

/// Reads agreements of either format.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Agreement>, D::Error> {
    deserializer.deserialize_any(EitherFormat)
}

struct EitherFormat;

impl<'de> Visitor<'de> for EitherFormat {
    type Value = Vec<Agreement>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("agreements with their tables, or a list of agreements")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let read = Agreements::deserialize(MapAccessDeserializer::new(map))?;
        read.agreements().ok_or_else(|| A::Error::custom("an agreement names something that is not there"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut names = Names::default();
        let mut agreements = Vec::new();
        while let Some(whole) = list.next_element::<Whole>()? {
            agreements.extend(whole.agreement(&mut |item| Some(names.kept(&item))));
        }
        Ok(agreements)
    }
}

impl Agreements {
    /// `None` where a number has no row.
    fn agreements(self) -> Option<Vec<Agreement>> {
        let items: Vec<Arc<str>> = self.items.into_iter().map(Arc::from).collect();
        let mut name = |item: ItemId| items.get(item.index()).cloned();
        let prices = all_named(self.prices, &mut name)?;
        let expressions = all_named(self.expressions, &mut name)?;
        let plans = self.plans.into_iter().map(|plan| plan.named(&mut name));
        let plans: Vec<Arc<Plan>> = plans.collect::<Option<_>>()?;
        let agreement = |row: Row| {
            Some(Agreement {
                prices: rows(&row.prices, &prices)?,
                expressions: rows(&row.expressions, &expressions)?,
                plan: Arc::clone(plans.get(row.plan.index())?),
                name: row.name,
                span: row.span,
                ancestors: row.ancestors,
                threshold: row.threshold,
            })
        };
        self.list.into_iter().map(agreement).collect()
    }
}

fn rows<T>(ids: &[TimelineId], table: &[Arc<T>]) -> Option<Vec<Arc<T>>> {
    ids.iter().map(|id| table.get(id.index()).cloned()).collect()
}

impl Whole {
    fn agreement(self, name: &mut impl FnMut(String) -> Option<Arc<str>>) -> Option<Agreement> {
        Some(Agreement {
            name: self.name,
            span: self.span,
            ancestors: self.ancestors,
            prices: all_named(self.prices, name)?,
            expressions: all_named(self.expressions, name)?,
            plan: self.plan.named(name)?,
            threshold: self.threshold,
        })
    }
}

type Shared<T> = Arc<Timeline<Given<T>>>;

/// Timelines whose items have their names.
fn all_named<T, I>(
    lines: Vec<Timeline<Given<T, I>>>,
    name: &mut impl FnMut(I) -> Option<Arc<str>>,
) -> Option<Vec<Shared<T>>> {
    lines.into_iter().map(|line| named(line, name).map(Arc::new)).collect()
}

fn named<T, I>(
    line: Timeline<Given<T, I>>,
    name: &mut impl FnMut(I) -> Option<Arc<str>>,
) -> Option<Timeline<Given<T>>> {
    line.try_map(&mut |given| Some(Given { value: given.value, item: name(given.item)?, span: given.span }))
}

impl<I> Plan<I> {
    fn named(self, name: &mut impl FnMut(I) -> Option<Arc<str>>) -> Option<Arc<Plan>> {
        let (credits, initial) = (named(self.credits, name)?, named(self.initial, name)?);
        Some(Arc::new(Plan { credits, at: self.at, mode: self.mode, initial }))
    }
}

/// Names of items that were read, each kept once.
#[derive(Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn kept(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}
