//! Policies as people compare them: when each version holds, what an agreement asks in a week, and what one version
//! changes of another.
//!
//! A policy is symbolic in time: what one version changes of another is told for all of the time in which it holds.

use aquarium_charging::{Deployments, Span};
use aquarium_ir::Millis;
use aquarium_ir::difference::rows::{Row, Section, sections};
use aquarium_ir::difference::{Difference, When};
use aquarium_ir::policy::{Agreement, Given, Policy, Price, PriceId};
use aquarium_ir::time::week::Week;
use aquarium_ir::time::{Calendar, Interval};

/// Stretches in force that are told, at most: a policy that holds on Sundays has one a week.
const STRETCHES_MAX: usize = 200;
/// Changes that are told, at most.
const CHANGES_MAX: usize = 500;

/// A stretch of time and what holds in it: the place of the version among the deployments; `None`: none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last.
    pub to: Millis,
    /// The version.
    pub deployment: Option<usize>,
}

/// Which version is in force when, within a span of time.
pub fn in_force(deployments: &mut Deployments, from: Millis, to: Millis) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    let mut at = from;
    while at < to && held.len() < STRETCHES_MAX {
        let found = deployments.in_force(at);
        let deployment = found.covered.then_some(found.version.0 as usize);
        let until = found.until.min(to).max(Millis(at.0.saturating_add(1)));
        match held.last_mut().filter(|last| last.deployment == deployment) {
            Some(last) => last.to = until,
            None => held.push(Held { from: at, to: until, deployment }),
        }
        at = until;
    }
    held
}

/// What an agreement asks for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The price, in words.
    pub price: String,
    /// The item that gives it.
    pub item: String,
    /// Its file and line.
    pub source: String,
}

/// What an agreement asks in the week of an instant; `None` where it asks for nothing, or there is no such agreement.
pub fn week(policy: &Policy, agreement: &Agreement, resource: usize, at: Millis) -> Week<Option<Asked>> {
    let mut calendar = Calendar::of(policy);
    let prices = agreement.prices.get(resource);
    Week::of(&policy.zone, at, |at| {
        let (given, until) = prices.map_or((None, Millis::MAX), |prices| prices.at(&mut calendar, at));
        (given.and_then(|given| asked(policy, given)), until)
    })
}

fn asked(policy: &Policy, given: &Given<PriceId>) -> Option<Asked> {
    let price = policy.prices.get(given.value.index())?;
    let source = policy.sources.get(given.span.source.index());
    let source = source.map(|source| format!("{}:{}", source.path, given.span.line)).unwrap_or_default();
    Some(Asked { price: price_text(price), item: given.item.to_string(), source })
}

/// A price in words.
pub fn price_text(price: &Price) -> String {
    match price {
        Price::Flat(price) => price.to_string(),
        Price::Tiers(tiers) => {
            let tier = |tier: &aquarium_ir::policy::Tier| match &tier.upto {
                Some(upto) => format!("{} up to {upto}", tier.price),
                None => format!("then {}", tier.price),
            };
            tiers.iter().map(tier).collect::<Vec<_>>().join(", ")
        }
    }
}

/// What a deployment changes of what held before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// By subject.
    pub sections: Vec<Section>,
    /// Changes that are not told: there are too many.
    pub more: usize,
    /// Whether there are others, of times in which the deployment does not hold.
    pub any_elsewhere: bool,
}

/// What a version changes of another in a span of time, at most [`CHANGES_MAX`]. Changes of other times are left out.
pub fn changes(before: &Policy, after: &Policy, span: Span) -> Changes {
    let difference = Difference::between(before, after);
    let mut changes = Changes { sections: Vec::new(), more: 0, any_elsewhere: false };
    let mut room = CHANGES_MAX;
    for mut section in sections(&difference, before, after) {
        let all = section.rows.len();
        section.rows.retain(|row| row.time.as_ref().is_none_or(|when| touches(when, span)));
        changes.any_elsewhere |= section.rows.len() < all;
        changes.more += section.rows.len().saturating_sub(room);
        section.rows.truncate(room);
        room -= section.rows.len();
        if !section.rows.is_empty() {
            changes.sections.push(section);
        }
    }
    changes
}

fn touches(when: &When, span: Span) -> bool {
    when.stretches.iter().any(|stretch| stretch.end > span.from && stretch.start < span.to)
}

/// Stretches of a change in which a deployment holds, in order: those that end after an instant before all others, and of
/// these the last ones.
pub fn stretches(row: &Row, span: Span, at: Millis, limit: usize) -> Vec<Interval> {
    let all = row.time.iter().flat_map(|when| &when.stretches);
    let within = |stretch: &Interval| Interval::new(stretch.start.max(span.from), stretch.end.min(span.to));
    let held: Vec<Interval> = all.filter_map(within).collect();
    let before = held.partition_point(|stretch| stretch.end <= at);
    let later = held.iter().skip(before).take(limit);
    let room = limit.saturating_sub(held.len().saturating_sub(before));
    let last = held.iter().take(before).skip(before.saturating_sub(room));
    last.chain(later).copied().collect()
}

/// The deployment that held at an instant, by its place among those that there were.
pub fn held_at(mut deployments: Deployments, at: Millis) -> Option<usize> {
    let found = deployments.in_force(at);
    found.covered.then_some(found.version.0 as usize)
}
