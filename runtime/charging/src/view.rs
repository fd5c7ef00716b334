//! Entries as people and programs read them: names, decimal texts, source lines.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{CostPolicy, Policy, Price, Resource, Span, Tier};
use aquarium_ir::slot::{VALUE_PLACES, unlimited};
use ethnum::I256;
use num_bigint::BigInt;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::charging::{Charged, Outcome};
use crate::deployments::{Deployments, VersionId};
use crate::posting::{Cause, Entry};

/// A wallet entry as it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// A hash of user, cause, slot start and revision: a repeated write is harmless.
    pub id: String,
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// The resource.
    pub resource: String,
    /// The instance; `None` where the resource is not complex.
    #[serde(rename = "instanceID")]
    pub instance: Option<String>,
    /// The slot's first instant.
    pub from: Millis,
    /// The instant after its last; that of the event for `discrete`.
    pub to: Millis,
    /// Its length.
    #[serde(rename = "durationMillis")]
    pub duration_millis: i64,
    /// The value (`discrete`) or amount held (`continuous`).
    pub amount: Option<String>,
    /// What is charged, in the resource's unit.
    pub volume: String,
    /// The price, where it is flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Rational>,
    /// The price, where it has tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// The month's total before, where tiers or the expression use it.
    #[serde(rename = "totalBefore", skip_serializing_if = "Option::is_none")]
    pub total_before: Option<String>,
    /// The agreement that the assignment, else the role, names.
    pub agreement: Option<String>,
    /// The item that gives the price at the slot's start.
    pub item: Option<String>,
    /// Its file and line.
    pub source: Option<String>,
    /// The item that gives the expression at the slot's start.
    pub algorithm: Option<String>,
    /// Its file and line.
    #[serde(rename = "algorithmSource")]
    pub algorithm_source: Option<String>,
    /// The name of the policy in force at the slot's start.
    pub policy: Option<String>,
    /// The hash of its module.
    pub module: Option<String>,
    /// What is charged: positive for a charge.
    pub credits: Credits,
    /// What posted it.
    pub cause: CauseView,
    /// Whether no price or no expression covered it.
    pub uncovered: bool,
    /// Why it is 0 although it is covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry that this one takes back.
    pub reverses: Option<String>,
}

/// What posted an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CauseView {
    /// An event.
    Event {
        /// Who sent it.
        #[serde(rename = "clientID")]
        client: String,
        /// Its id.
        id: String,
    },
    /// The end of a billing month.
    MonthEnd {
        /// When that was.
        instant: Millis,
    },
}

/// The id of an entry.
#[must_use]
pub fn entry_id(user: &str, entry: &Entry, revision: u32) -> String {
    hash(user, entry, revision, b"entry")
}

/// The id of the entry that takes another one back.
#[must_use]
pub fn reversal_id(user: &str, entry: &Entry, revision: u32) -> String {
    hash(user, entry, revision, b"reversal")
}

fn hash(user: &str, entry: &Entry, revision: u32, kind: &[u8]) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(kind);
    part(user.as_bytes());
    part(entry.resource.as_bytes());
    part(entry.instance.as_deref().unwrap_or_default().as_bytes());
    match &entry.cause {
        Cause::Event { client, id } => [client, id].iter().for_each(|text| part(text.as_bytes())),
        Cause::MonthEnd => part(&entry.posted.0.to_le_bytes()),
    }
    part(&entry.slot.from.0.to_le_bytes());
    part(&revision.to_le_bytes());
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// An entry as it is published.
pub fn entry(deployments: &mut Deployments, user: &str, entry: &Entry, revision: u32) -> EntryView {
    let slot = &entry.slot;
    let unit = unit_of(deployments, slot.rate.version, &entry.resource);
    let onoff = deployments.resource(&entry.resource).is_some_and(|it| it.cost_policy == CostPolicy::Onoff);
    let terms = terms(deployments, slot);
    EntryView {
        id: entry_id(user, entry, revision),
        user: user.to_owned(),
        resource: entry.resource.to_string(),
        instance: entry.instance.as_deref().map(str::to_owned),
        from: slot.from,
        to: slot.to,
        duration_millis: slot.to.0.saturating_sub(slot.from.0),
        amount: (!onoff).then(|| value_text(slot.amount)),
        volume: in_unit(slot.volume, &unit),
        price: terms.price,
        tiers: terms.tiers,
        total_before: slot.total_before.map(|total| in_unit(total, &unit)),
        agreement: slot.rate.agreement.as_deref().map(str::to_owned),
        item: terms.item,
        source: terms.source,
        algorithm: terms.algorithm,
        algorithm_source: terms.algorithm_source,
        policy: terms.policy,
        module: terms.module,
        credits: slot.credits,
        cause: cause(entry),
        uncovered: slot.outcome == Outcome::Uncovered,
        reason: reason(&slot.outcome),
        reverses: None,
    }
}

fn cause(entry: &Entry) -> CauseView {
    match &entry.cause {
        Cause::Event { client, id } => CauseView::Event { client: client.to_string(), id: id.to_string() },
        Cause::MonthEnd => CauseView::MonthEnd { instant: entry.posted },
    }
}

fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Charged | Outcome::Uncovered => None,
        Outcome::Limit => Some("limit".to_owned()),
        Outcome::Trap(trap) => Some(format!("trap: {trap}")),
    }
}

/// The terms of a slot in words.
#[derive(Default)]
struct TermsText {
    price: Option<Rational>,
    tiers: Option<Vec<Tier>>,
    item: Option<String>,
    source: Option<String>,
    algorithm: Option<String>,
    algorithm_source: Option<String>,
    policy: Option<String>,
    module: Option<String>,
}

fn terms(deployments: &mut Deployments, slot: &Charged) -> TermsText {
    let rate = &slot.rate;
    let Some(version) = deployments.version_mut(rate.version).filter(|_| rate.covered) else {
        return TermsText::default();
    };
    let policy = version.policy.clone();
    let mut text = TermsText {
        policy: policy.name.clone(),
        module: Some(version.module.to_string()),
        ..TermsText::default()
    };
    if let (Some(agreement), Some(resource)) = (rate.agreement_id, rate.resource_id) {
        let items = version.items(agreement, resource, slot.from);
        (text.item, text.source) = item(&policy, items.price.map(|given| (given.item.as_ref(), given.span)));
        let algorithm = items.expression.map(|given| (given.item.as_ref(), given.span));
        (text.algorithm, text.algorithm_source) = item(&policy, algorithm);
    }
    let price = rate.terms.and_then(|terms| policy.prices.get(terms.price.index()));
    match price {
        Some(Price::Flat(price)) => text.price = Some(price.clone()),
        Some(Price::Tiers(tiers)) => text.tiers = Some(tiers.clone()),
        None => {}
    }
    text
}

fn item(policy: &Policy, given: Option<(&str, Span)>) -> (Option<String>, Option<String>) {
    let Some((item, span)) = given else { return (None, None) };
    let source = policy.sources.get(span.source.index());
    (Some(item.to_owned()), source.map(|source| format!("{}:{}", source.path, span.line)))
}

/// Raw units in one declared unit of a resource, by the version or, where that lacks it, any other:
/// a unit never changes.
fn unit_of(deployments: &Deployments, version: VersionId, name: &str) -> Rational {
    let own = deployments.version(version).and_then(|version| version.policy.resource(name));
    let resource = own.map(|(_, resource)| resource).or_else(|| deployments.resource(name));
    resource.map_or_else(Rational::one, |resource: &Resource| resource.raw_per_unit.clone())
}

/// A raw volume of a resource in its declared unit.
#[must_use]
pub fn volume_text(deployments: &Deployments, resource: &str, raw: I256) -> String {
    let resource = deployments.resource(resource);
    resource.map_or_else(|| raw.to_string(), |resource| in_unit(raw, &resource.raw_per_unit))
}

/// A raw volume in the declared unit: a decimal where that is finite, else `n/d`.
fn in_unit(raw: I256, unit: &Rational) -> String {
    Rational(Rational::integer(unlimited(raw)).0 / &unit.0).to_string()
}

/// A raw value as a decimal.
fn value_text(raw: i128) -> String {
    let scale = Rational::power_of_ten(-i32::from(VALUE_PLACES));
    Rational(Rational::integer(BigInt::from(raw)).0 * scale.0).to_string()
}
