//! How a user stands at an instant, as it is published.

use std::collections::BTreeMap;

use aquarium_charging::ledger::View;
use aquarium_charging::state::{Instance, State};
use aquarium_charging::{Deployments, Ledger, Reason};
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::slot::{VALUE_PLACES, unlimited};
use aquarium_ir::{Credits, Millis, Rational};
use aquarium_store::Position;
use serde::Serialize;

/// A user's state: `balance` = `refilled` - `charged` - `accrued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The user.
    pub user_id: String,
    /// The instant.
    pub at: Millis,
    /// What is left.
    pub balance: Credits,
    /// What open intervals have come to.
    pub accrued: Credits,
    /// What is posted.
    pub charged: Credits,
    /// Refills, initial credits and grants.
    pub refilled: Credits,
    /// The amount at which the user counts as out of credits.
    pub threshold: Credits,
    /// Whether the balance is at the threshold or below.
    pub below_threshold: bool,
    /// The role that the last user event gave.
    pub role: Option<String>,
    /// The agreement that the assignment, else the role, names.
    pub agreement: Option<String>,
    /// Whether the user is active.
    pub active: bool,
    /// What is on, or held.
    pub instances: Vec<InstanceStanding>,
    /// The month's volume by resource, in the resource's unit.
    pub totals: BTreeMap<String, String>,
}

/// An instance that is on, or of which an amount is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceStanding {
    /// The resource.
    pub resource: String,
    /// The instance; `None` where the resource is not complex.
    #[serde(rename = "instanceID")]
    pub instance: Option<String>,
    /// The amount; `None` for what is on.
    pub amount: Option<String>,
    /// Since when; not before the start of the month.
    pub since: Millis,
}

/// A line of the table of balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user.
    pub user: String,
    /// What is left.
    pub balance: Credits,
    /// What open intervals have come to.
    pub accrued: Credits,
    /// What is posted.
    pub charged: Credits,
    /// Refills, initial credits and grants.
    pub refilled: Credits,
}

/// An event that has no effect as long as policies are what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the log.
    pub position: Position,
    /// Whose it is.
    pub user: String,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
}

/// What a user's records come to, to be compared with what another fold gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// What is posted.
    pub balance: Credits,
    /// Of the state, and of everything that is posted.
    pub digest: [u8; 32],
}

impl Digested {
    /// The digest of a whole ledger, month ends and refills posted up to an instant.
    pub fn of(mut ledger: Ledger, deployments: &mut Deployments, at: Millis) -> Self {
        ledger.sweep(deployments, at);
        Self { balance: ledger.state().wallet().balance(), digest: ledger.digest() }
    }
}

impl Standing {
    /// The published form of what a ledger says.
    pub fn of(view: &View, deployments: &mut Deployments, user: &str) -> Self {
        let state = &view.state;
        Self {
            user_id: user.to_owned(),
            at: view.at,
            balance: view.balance(),
            accrued: view.accrual.credits,
            charged: state.charged(),
            refilled: state.refilled(),
            threshold: state.threshold(deployments, view.at),
            below_threshold: view.below(deployments),
            role: state.role().map(str::to_owned),
            agreement: agreement(state, deployments, view.at),
            active: state.active(),
            instances: state.instances().iter().map(InstanceStanding::of).collect(),
            totals: totals(state, deployments),
        }
    }
}

fn agreement(state: &State, deployments: &mut Deployments, at: Millis) -> Option<String> {
    let in_force = deployments.in_force(at);
    let version = deployments.version(in_force.version)?;
    let assigned = state.namings().last().and_then(|naming| naming.assigned.clone());
    version.agreement(state.role(), assigned.as_ref()).0.map(|name| name.to_string())
}

fn totals(state: &State, deployments: &Deployments) -> BTreeMap<String, String> {
    let in_unit = |raw, name: &str| {
        let unit = deployments.resource(name).map_or_else(Rational::one, |it| it.raw_per_unit.clone());
        Rational(Rational::integer(unlimited(raw)).0 / unit.0).to_string()
    };
    state.totals().iter().map(|(name, raw)| (name.to_string(), in_unit(*raw, name))).collect()
}

impl InstanceStanding {
    fn of(instance: &Instance) -> Self {
        let scale = Rational::power_of_ten(-i32::from(VALUE_PLACES));
        let amount = || Rational(Rational::integer(instance.amount).0 * scale.0).to_string();
        Self {
            resource: instance.resource.to_string(),
            instance: instance.instance.as_deref().map(str::to_owned),
            amount: (instance.cost_policy != CostPolicy::Onoff).then(amount),
            since: instance.since,
        }
    }
}

impl From<Standing> for Row {
    fn from(standing: Standing) -> Self {
        Self {
            user: standing.user_id,
            balance: standing.balance,
            accrued: standing.accrued,
            charged: standing.charged,
            refilled: standing.refilled,
        }
    }
}
