//! Policies as people compare them: when each version holds, what an agreement asks in a week, and what one version
//! changes of another.
//!
//! A policy is symbolic in time; what two of them mean is compared over a week that is named.

use std::collections::BTreeSet;

use aquarium_charging::Deployments;
use aquarium_ir::policy::{Agreement, Given, PriceId, Resource};
use aquarium_ir::policy::{Mode, Policy, Price};
use aquarium_ir::time::week::Week;
use aquarium_ir::time::{Calendar, Timeline};
use aquarium_ir::{Millis, Rational};

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

/// Something that one version says otherwise than another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub about: String,
    /// What it was; `None`: there was none.
    pub before: Option<String>,
    /// What it is; `None`: there is none.
    pub after: Option<String>,
}

/// What a version changes of another, as it is in the week of an instant, at most [`CHANGES_MAX`].
pub fn changes(before: &Policy, after: &Policy, at: Millis) -> Vec<Change> {
    let (mut before, mut after) = (Look::new(before, at), Look::new(after, at));
    let mut changes = Vec::new();
    let mut add = |about: String, before: Option<String>, after: Option<String>| {
        if before != after && changes.len() < CHANGES_MAX {
            changes.push(Change { about, before, after });
        }
    };
    for (about, tell) in WHOLE {
        add((*about).to_owned(), tell(before.policy), tell(after.policy));
    }
    for role in before.policy.roles.keys().chain(after.policy.roles.keys()).collect::<BTreeSet<_>>() {
        add(format!("role {role}"), before.role(role), after.role(role));
    }
    let resources = names(before.policy, after.policy, |policy| &policy.resources, |it| &it.name);
    for name in &resources {
        add(format!("resource {name}"), before.resource(name), after.resource(name));
    }
    let agreements = names(before.policy, after.policy, |policy| &policy.agreements, |it| &it.name);
    for name in &agreements {
        let about = |what: &str| format!("agreement {name}{what}");
        add(about(""), before.extends(name), after.extends(name));
        for resource in &resources {
            let price = about(&format!(", price of {resource}"));
            add(price, before.prices(name, resource), after.prices(name, resource));
            let expression = about(&format!(", expression of {resource}"));
            add(expression, before.expressions(name, resource), after.expressions(name, resource));
        }
        add(about(", credit plan"), before.plan(name), after.plan(name));
        add(about(", threshold"), before.threshold(name), after.threshold(name));
    }
    changes
}

type Tell = fn(&Policy) -> Option<String>;

/// What is said of a policy as a whole.
const WHOLE: &[(&str, Tell)] = &[
    ("name", |policy| policy.name.clone()),
    ("time zone", |policy| Some(policy.zone.name().to_owned())),
    ("precision", |policy| Some(policy.precision.to_string())),
    ("agreement of everybody else", |policy| {
        Some(policy.agreements.get(policy.everybody_else?.index())?.name.clone())
    }),
];

fn names<'a, T: 'a>(
    before: &'a Policy,
    after: &'a Policy,
    all: impl Fn(&'a Policy) -> &'a Vec<T>,
    name: impl Fn(&'a T) -> &'a String,
) -> BTreeSet<&'a String> {
    all(before).iter().chain(all(after)).map(name).collect()
}

/// A policy as it is in a week.
struct Look<'a> {
    policy: &'a Policy,
    calendar: Calendar,
    at: Millis,
}

impl<'a> Look<'a> {
    fn new(policy: &'a Policy, at: Millis) -> Self {
        Self { policy, calendar: Calendar::of(policy), at }
    }

    fn role(&self, role: &str) -> Option<String> {
        let agreement = self.policy.roles.get(role)?;
        Some(self.policy.agreements.get(agreement.index())?.name.clone())
    }

    fn resource(&self, name: &str) -> Option<String> {
        let (_, resource): (_, &Resource) = self.policy.resource(name)?;
        let cost_policy = format!("{:?}", resource.cost_policy).to_lowercase();
        let complex = if resource.complex { ", complex" } else { "" };
        Some(format!("{cost_policy}, in {}{complex}, at most {}", resource.unit, resource.max))
    }

    fn agreement(&self, name: &str) -> Option<&'a Agreement> {
        self.policy.agreement(name).map(|(_, agreement)| agreement)
    }

    fn extends(&self, name: &str) -> Option<String> {
        let ancestors = &self.agreement(name)?.ancestors;
        Some(if ancestors.is_empty() { "extends none".to_owned() } else { ancestors.join(", ") })
    }

    fn prices(&mut self, agreement: &str, resource: &str) -> Option<String> {
        let (id, _) = self.policy.resource(resource)?;
        let timeline = self.agreement(agreement)?.prices.get(id.index())?;
        let policy = self.policy;
        self.over_the_week(timeline, |given| policy.prices.get(given.value.index()).map(price_text))
    }

    fn expressions(&mut self, agreement: &str, resource: &str) -> Option<String> {
        let (id, _) = self.policy.resource(resource)?;
        let timeline = self.agreement(agreement)?.expressions.get(id.index())?;
        let policy = self.policy;
        let text = |given: &Given<aquarium_ir::policy::ExpressionId>| {
            policy.expressions.get(given.value.index()).map(|expression| expression.text.clone())
        };
        self.over_the_week(timeline, text)
    }

    /// What holds in the week, and from when on where it varies.
    fn over_the_week<T>(
        &mut self,
        timeline: &Timeline<T>,
        text: impl Fn(&T) -> Option<String>,
    ) -> Option<String> {
        let (zone, calendar) = (&self.policy.zone, &mut self.calendar);
        let week = Week::of(zone, self.at, |at| {
            let (held, until) = timeline.at(calendar, at);
            (held.and_then(&text), until)
        });
        if let [only] = week.stretches.as_slice() {
            return only.value.clone();
        }
        let told = |stretch: &aquarium_ir::time::week::Stretch<Option<String>>| {
            let value = stretch.value.as_deref().unwrap_or("nothing");
            format!("{value} from {}", zone.local(stretch.from))
        };
        Some(week.stretches.iter().map(told).collect::<Vec<_>>().join("; "))
    }

    fn plan(&mut self, agreement: &str) -> Option<String> {
        let plan = &self.agreement(agreement)?.plan;
        let (at, calendar) = (self.at, &mut self.calendar);
        let credits = plan.credits.at(calendar, at).0?.value.to_string();
        let cron = plan.at.at(calendar, at).0?.text.clone();
        let mode = plan.mode.at(calendar, at).0.copied().unwrap_or(Mode::Add);
        let initial: Rational =
            plan.initial.at(calendar, at).0.map_or_else(Rational::zero, |it| it.value.clone());
        let mode = format!("{mode:?}").to_lowercase();
        Some(format!("{mode} {credits} at {cron}, {initial} at first"))
    }

    fn threshold(&mut self, agreement: &str) -> Option<String> {
        let timeline = &self.agreement(agreement)?.threshold;
        let threshold = timeline.at(&mut self.calendar, self.at).0;
        Some(threshold.map_or_else(|| "0".to_owned(), ToString::to_string))
    }
}
