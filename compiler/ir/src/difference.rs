//! What changes in meaning from one compiled policy to another.
//!
//! Two policies mean the same where every user, asked at every instant, is charged, refilled and stopped by the
//! same rules. Layout, file names, the names of price lists, algorithms and credit plans, and the order of items
//! have no meaning; the names of agreements, resources and roles have: events and operators use them.
//!
//! An expression is the same where its abstract syntax is the same *and* it compiles to the same operations: the
//! first decides which pieces of usage are charged together, the second notices a constant that has changed.

mod joint;
pub mod rows;
mod sweep;
pub mod when;

use std::collections::{BTreeMap, BTreeSet};

use crate::Rational;
use crate::policy::{ExpressionId, Mode, Policy, PriceId, Resource};

use joint::Joint;
pub use when::When;

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Keys of the policy itself: time zone, precision.
    pub settings: Vec<Setting>,
    /// When the policy itself is valid.
    pub validity: Vec<Change<bool>>,
    /// Resources, by name.
    pub resources: Vec<ResourceChange>,
    /// Who has which agreement, by role; `*` is everybody else.
    pub roles: Vec<RoleChange>,
    /// Agreements, those with the same changes together.
    pub agreements: Vec<AgreementChange>,
}

/// A key with one value at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// Whether something is in both policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// In both.
    Changed,
    /// In the new one alone.
    Added,
    /// In the old one alone.
    Removed,
}

/// A resource that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// Its name.
    pub name: String,
    /// Whether it is there before and after.
    pub presence: Presence,
    /// The keys that change; none where it is added or removed.
    pub settings: Vec<Setting>,
}

/// A role whose agreement changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// The role, `*` for everybody else.
    pub role: String,
    /// The agreement that users of the role had; `None`: none.
    pub old: Option<String>,
    /// The agreement that they have.
    pub new: Option<String>,
}

/// Agreements that change in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementChange {
    /// Their names.
    pub names: Vec<String>,
    /// Whether they are there before and after.
    pub presence: Presence,
    /// Prices and expressions, by resource.
    pub terms: BTreeMap<String, Vec<Change<Option<Terms>>>>,
    /// The credit plan.
    pub plan: Vec<Change<Option<Plan>>>,
    /// The balance at which services stop.
    pub threshold: Vec<Change<Option<Rational>>>,
}

/// From what to what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// What held in the old policy.
    pub old: T,
    /// What holds in the new one.
    pub new: T,
    /// The time in which that is so.
    pub when: When,
}

/// A price and an expression, in the numbers of their own policy. Usage without both is uncovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Terms {
    /// The price.
    pub price: PriceId,
    /// The expression.
    pub expression: ExpressionId,
}

/// A credit plan in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plan {
    /// Credits of one refill.
    pub credits: Rational,
    /// When it fires: cron, as written.
    pub at: String,
    /// What a refill does.
    pub mode: Mode,
    /// Granted once.
    pub initial: Rational,
}

impl Difference {
    /// What changes from one policy to the other.
    #[must_use]
    pub fn between(old: &Policy, new: &Policy) -> Self {
        let mut joint = Joint::new(old, new);
        Self {
            settings: settings(old, new),
            validity: joint.validity(),
            resources: resources(old, new),
            roles: roles(old, new),
            agreements: agreements(&mut joint),
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AgreementChange {
    fn is_empty(&self) -> bool {
        let Self { names: _, presence, terms, plan, threshold } = self;
        *presence == Presence::Changed && terms.is_empty() && plan.is_empty() && threshold.is_empty()
    }

    fn has_the_changes_of(&self, other: &Self) -> bool {
        self.presence == other.presence
            && self.terms == other.terms
            && self.plan == other.plan
            && self.threshold == other.threshold
    }
}

fn settings(old: &Policy, new: &Policy) -> Vec<Setting> {
    changed([
        ("timezone", old.zone.name().to_owned(), new.zone.name().to_owned()),
        ("precision", old.precision.to_string(), new.precision.to_string()),
    ])
}

fn changed(keys: impl IntoIterator<Item = (&'static str, String, String)>) -> Vec<Setting> {
    let differ = keys.into_iter().filter(|(_, old, new)| old != new);
    differ.map(|(key, old, new)| Setting { key, old, new }).collect()
}

fn presence(old: bool, new: bool) -> Presence {
    match (old, new) {
        (true, false) => Presence::Removed,
        (false, true) => Presence::Added,
        _ => Presence::Changed,
    }
}

/// The names of both, each once.
fn names<'n>(
    old: impl Iterator<Item = &'n String>,
    new: impl Iterator<Item = &'n String>,
) -> BTreeSet<&'n String> {
    old.chain(new).collect()
}

fn resources(old: &Policy, new: &Policy) -> Vec<ResourceChange> {
    let all = names(
        old.resources.iter().map(|resource| &resource.name),
        new.resources.iter().map(|resource| &resource.name),
    );
    let change = |name: &&String| {
        let (before, after) = (old.resource(name), new.resource(name));
        let presence = presence(before.is_some(), after.is_some());
        let settings = before.zip(after).map(|((_, old), (_, new))| resource_settings(old, new));
        let settings = settings.unwrap_or_default();
        let differs = presence != Presence::Changed || !settings.is_empty();
        differs.then(|| ResourceChange { name: (*name).clone(), presence, settings })
    };
    all.iter().filter_map(change).collect()
}

fn resource_settings(old: &Resource, new: &Resource) -> Vec<Setting> {
    let word = |resource: &Resource| format!("{:?}", resource.cost_policy).to_lowercase();
    let max = |resource: &Resource| Rational(&resource.max.0 * Rational::power_of_ten(-9).0).to_string();
    changed([
        ("unit", old.unit.clone(), new.unit.clone()),
        ("costpolicy", word(old), word(new)),
        ("complex", old.complex.to_string(), new.complex.to_string()),
        ("max", max(old), max(new)),
    ])
}

fn roles(old: &Policy, new: &Policy) -> Vec<RoleChange> {
    let agreement = |policy: &Policy, role: Option<&str>| {
        let id = policy.agreement_of_role(role)?;
        policy.agreements.get(id.index()).map(|agreement| agreement.name.clone())
    };
    let change = |role: Option<&str>| {
        let (before, after) = (agreement(old, role), agreement(new, role));
        let role = role.unwrap_or("*").to_owned();
        (before != after).then_some(RoleChange { role, old: before, new: after })
    };
    let all = names(old.roles.keys(), new.roles.keys());
    let named = all.iter().filter_map(|role| change(Some(role)));
    named.chain(change(None)).collect()
}

fn agreements(joint: &mut Joint<'_>) -> Vec<AgreementChange> {
    let (old, new) = (joint.old.policy, joint.new.policy);
    let all = names(
        old.agreements.iter().map(|agreement| &agreement.name),
        new.agreements.iter().map(|agreement| &agreement.name),
    );
    let mut changes: Vec<AgreementChange> = Vec::new();
    for name in all {
        let change = agreement(joint, name);
        if change.is_empty() {
            continue;
        }
        match changes.iter_mut().find(|known| known.has_the_changes_of(&change)) {
            Some(known) => known.names.extend(change.names),
            None => changes.push(change),
        }
    }
    changes
}

fn agreement(joint: &mut Joint<'_>, name: &str) -> AgreementChange {
    let (old, new) = (joint.old.policy, joint.new.policy);
    let (old, new) = (old.agreement(name).map(|(_, it)| it), new.agreement(name).map(|(_, it)| it));
    let resources: BTreeSet<String> = {
        let (old, new) = (&joint.old.policy.resources, &joint.new.policy.resources);
        old.iter().chain(new).map(|resource| resource.name.clone()).collect()
    };
    let mut terms = BTreeMap::new();
    for resource in resources {
        let changes = joint.terms(old, new, &resource);
        if !changes.is_empty() {
            terms.insert(resource, changes);
        }
    }
    AgreementChange {
        names: vec![name.to_owned()],
        presence: presence(old.is_some(), new.is_some()),
        terms,
        plan: joint.plan(old, new),
        threshold: joint.threshold(old, new),
    }
}
