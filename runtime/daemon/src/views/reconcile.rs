//! What a service knows to be live, against what is open here.
//!
//! Three lists: what is open here and not live there, what is live there and not open here, and amounts
//! that differ. The events that would bring this side in line are ordinary ones: off, on, and changes of
//! amounts, of the service itself, at the instant of the comparison.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::input::NAME_BYTES_MAX;
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::slot::VALUE_PLACES;
use aquarium_ir::{Millis, Rational};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::state::InstanceState;

/// What a service sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// The service.
    #[serde(rename = "clientID")]
    #[schema(min_length = 1, max_length = 256)]
    pub client: String,
    /// As of when; not given: now.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Millis>,
    /// The resources that it is the one to know about.
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub resources: BTreeSet<String>,
    /// Everything of them that is live.
    pub live: Vec<Instance>,
}

/// An instance that is on, or of which an amount is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// The resource.
    pub resource: String,
    /// The instance; it matters where the resource is complex.
    #[serde(rename = "instanceID", default)]
    pub instance: String,
    /// The amount that is held; not given for what is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// An amount on which the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AmountDifference {
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// The resource.
    pub resource: String,
    /// The instance.
    #[serde(rename = "instanceID")]
    pub instance: String,
    /// The amount here.
    pub here: String,
    /// The amount there.
    pub there: String,
}

/// How the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// As of when.
    #[schema(value_type = i64)]
    pub at: Millis,
    /// Open here and not live there.
    pub open_here: Vec<Instance>,
    /// Live there and not open here.
    pub live_there: Vec<Instance>,
    /// Held on both sides, in other amounts.
    pub differing: Vec<AmountDifference>,
}

/// Bytes of an amount, at most: a sign, a point, and the digits that a value may have.
const AMOUNT_BYTES_MAX: usize = 29;

/// What makes an instance the same on both sides.
type Key = (String, String, String);

/// What is open of some users, on its way between nodes.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenList {
    instances: Vec<Instance>,
    complex: BTreeMap<String, bool>,
}

/// What is open here.
#[derive(Debug, Default)]
pub struct OpenHere {
    instances: BTreeMap<Key, Option<String>>,
    /// Of the resources that were met: whether their instances are told apart.
    complex: BTreeMap<String, bool>,
}

impl OpenHere {
    /// Adds what is open of a user.
    pub fn add(
        &mut self,
        ledger: &Ledger,
        deployments: &mut Deployments,
        at: Millis,
        resources: &BTreeSet<String>,
    ) {
        for name in resources {
            if let Some(resource) = deployments.resource(name) {
                self.complex.insert(name.clone(), resource.complex);
            }
        }
        let Some(view) = ledger.at(deployments, at) else { return };
        for instance in view.state.instances().iter().map(InstanceState::of) {
            let held = !is_zero(instance.amount.as_deref());
            if held && resources.contains(&instance.resource) {
                let user = ledger.user().to_string();
                let key = (user, instance.resource, instance.instance.unwrap_or_default());
                self.instances.insert(key, instance.amount);
            }
        }
    }

    /// As a list, for another node.
    pub fn into_list(self) -> OpenList {
        let instances = self.instances.into_iter();
        let instances = instances
            .map(|((user, resource, instance), amount)| Instance { user, resource, instance, amount })
            .collect();
        OpenList { instances, complex: self.complex }
    }

    /// Adds what is open of another node's users.
    pub fn add_list(&mut self, list: OpenList) {
        self.complex.extend(list.complex);
        for Instance { user, resource, instance, amount } in list.instances {
            self.instances.insert((user, resource, instance), amount);
        }
    }

    /// Compares it with what is live there.
    pub fn compare(mut self, at: Millis, live: &[Instance]) -> Comparison {
        let mut comparison = Comparison { at, ..Comparison::default() };
        let live: BTreeMap<Key, &Instance> = live.iter().map(|one| (self.key(one), one)).collect();
        for (key, there) in live {
            match self.instances.remove(&key) {
                None if is_zero(there.amount.as_deref()) => {}
                None => comparison.live_there.push(there.clone()),
                Some(here) => comparison.differing.extend(difference(here, there)),
            }
        }
        let open = self.instances.into_iter();
        let open =
            open.map(|((user, resource, instance), amount)| Instance { user, resource, instance, amount });
        comparison.open_here.extend(open);
        comparison
    }

    /// Instances of a resource that is not complex are one.
    fn key(&self, one: &Instance) -> Key {
        let complex = self.complex.get(&one.resource).copied().unwrap_or(true);
        let instance = if complex { one.instance.clone() } else { String::new() };
        (one.user.clone(), one.resource.clone(), instance)
    }
}

fn difference(here: Option<String>, there: &Instance) -> Option<AmountDifference> {
    let (here, wanted) = (here?, there.amount.clone()?);
    let same = here.parse::<Rational>().ok() == wanted.parse::<Rational>().ok();
    let Instance { user, resource, instance, .. } = there.clone();
    (!same).then_some(AmountDifference { user, resource, instance, here, there: wanted })
}

impl Inventory {
    /// What is wrong with it; `None`: nothing is.
    pub fn fault(&self) -> Option<String> {
        if !(1..=NAME_BYTES_MAX).contains(&self.client.len()) {
            return Some(format!("`clientID` has from 1 to {NAME_BYTES_MAX} bytes"));
        }
        if self.resources.is_empty() {
            return Some("`resources` names none".to_owned());
        }
        let foreign = self.live.iter().find(|one| !self.resources.contains(&one.resource));
        if let Some(one) = foreign {
            return Some(format!("`live`: the resource `{}` is not among `resources`", one.resource));
        }
        let amount = |one: &&Instance| one.amount.as_deref().is_some_and(|amount| decimal(amount).is_none());
        let wrong = self.live.iter().find(amount)?;
        let (amount, places) = (wrong.amount.as_deref().unwrap_or_default(), VALUE_PLACES);
        Some(format!("`live`: `{amount}` is no amount: a decimal that has at most {places} places"))
    }
}

/// A decimal that an event's value may be.
fn decimal(text: &str) -> Option<Rational> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    let short = text.len() <= AMOUNT_BYTES_MAX && places <= usize::from(VALUE_PLACES);
    if plain && short { text.parse().ok() } else { None }
}

fn is_zero(amount: Option<&str>) -> bool {
    amount.and_then(decimal).is_some_and(|amount| amount.is_zero())
}

/// An event as services send it.
#[derive(Serialize)]
struct Event {
    id: String,
    #[serde(rename = "occurredMillis")]
    at: Millis,
    #[serde(rename = "clientID")]
    client: String,
    #[serde(rename = "userID")]
    user: String,
    resource: String,
    #[serde(rename = "instanceID")]
    instance: String,
    #[serde(rename = "eventVersion")]
    version: &'static str,
    value: Box<RawValue>,
    details: BTreeMap<&'static str, bool>,
}

impl Comparison {
    /// The events that bring this side in line, a line each. The same comparison gives the same events.
    pub fn events(&self, client: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut push = |user: &str, resource: &str, instance: &str, value: String| {
            lines.extend(event(client, self.at, [user, resource, instance], value));
        };
        for Instance { user, resource, instance, amount } in &self.open_here {
            let off = amount.as_deref().map_or_else(|| "0".to_owned(), |held| minus("0", held));
            push(user, resource, instance, off);
        }
        for Instance { user, resource, instance, amount } in &self.live_there {
            push(user, resource, instance, amount.clone().unwrap_or_else(|| "1".to_owned()));
        }
        for AmountDifference { user, resource, instance, here, there } in &self.differing {
            push(user, resource, instance, minus(there, here));
        }
        lines
    }
}

fn minus(one: &str, other: &str) -> String {
    match (decimal(one), decimal(other)) {
        (Some(one), Some(other)) => Rational(one.0 - other.0).to_string(),
        // Amounts here are decimals, and those from there were looked at.
        _ => "0".to_owned(),
    }
}

fn event(client: &str, at: Millis, of: [&str; 3], value: String) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in [client, &at.to_string(), &value].into_iter().chain(of) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let [user, resource, instance] = of.map(str::to_owned);
    let Ok(value) = RawValue::from_string(value) else { return Vec::new() };
    let id = format!("reconcile-{digest}");
    let details = BTreeMap::from([("reconcile", true)]);
    let (client, version) = (client.to_owned(), "1.0");
    let event = Event { id, at, client, user, resource, instance, version, value, details };
    // Texts and numbers are always JSON.
    let mut line = serde_json::to_vec(&event).unwrap_or_default();
    line.push(b'\n');
    line
}
