//! How a user stands: what is left, what is on, and how long it lasts if nothing changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_charging::crossing::next_crossing;
use aquarium_charging::ledger::View;
use aquarium_charging::posting::Postings;
use aquarium_charging::state::{Accrual, Instance, State};
use aquarium_charging::{Deployments, Ledger, view};
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::slot::VALUE_PLACES;
use aquarium_ir::{Credits, Millis, Rational};
use serde::Serialize;
use utoipa::ToSchema;

/// How far ahead exhaustion is looked for: two months see every plan of a month fire.
const HORIZON_MILLIS: i64 = 62 * 86_400_000;
/// The burn rate is told for an hour.
const HOUR_MILLIS: i64 = 3_600_000;

/// A user's state: `balance` = `refilled` - `charged` - `accrued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserState {
    /// The user.
    pub user_id: String,
    /// The instant, in milliseconds since 1970.
    #[schema(value_type = i64)]
    pub at: Millis,
    /// Up to when records were received that are counted.
    #[schema(value_type = i64)]
    pub known: Millis,
    /// Whether the instant lies ahead: what will be if nothing more happens.
    pub projected: bool,
    /// What is left.
    #[schema(value_type = String)]
    pub balance: Credits,
    /// What is left by what is posted: without `accrued`.
    #[schema(value_type = String)]
    pub posted: Credits,
    /// What open intervals have come to.
    #[schema(value_type = String)]
    pub accrued: Credits,
    /// What is posted as charges.
    #[schema(value_type = String)]
    pub charged: Credits,
    /// Refills, initial credits and grants.
    #[schema(value_type = String)]
    pub refilled: Credits,
    /// The amount at which the user counts as out of credits.
    #[schema(value_type = String)]
    pub threshold: Credits,
    /// Whether the balance is at the threshold or below.
    pub below_threshold: bool,
    /// What the next hour costs if nothing changes.
    #[schema(value_type = String)]
    pub burn_rate_per_hour: Credits,
    /// When the balance meets the threshold if nothing changes; `null`: not in the next 62 days, or it has
    /// already.
    #[schema(value_type = Option<i64>)]
    pub exhausted_at: Option<Millis>,
    /// The role that the last user event gave.
    pub role: Option<String>,
    /// The agreement that the assignment, else the role, names.
    pub agreement: Option<String>,
    /// Whether the user is active.
    pub active: bool,
    /// Whether users are charged again because of a deployment: the past may still change.
    pub rerating: bool,
    /// What is on, or held.
    pub instances: Vec<InstanceState>,
    /// The month's volume by resource, in the resource's unit.
    pub totals: BTreeMap<String, String>,
}

/// An instance that is on, or of which an amount is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceState {
    /// The resource.
    pub resource: String,
    /// The instance; `null` where the resource is not complex.
    #[serde(rename = "instanceID")]
    pub instance: Option<String>,
    /// The amount; `null` for what is on.
    pub amount: Option<String>,
    /// Since when; not before the start of the month.
    #[schema(value_type = i64)]
    pub since: Millis,
}

/// A user's state at an instant, by what was known at another; `None`: nothing was.
pub struct Snapshot {
    /// The state.
    pub view: View,
    /// The policies that were known.
    pub deployments: Deployments,
}

impl Snapshot {
    /// Takes what was known of a ledger; the ledger is folded again for it.
    pub fn known(ledger: &Ledger, deployments: &Deployments, at: Millis, known: Millis) -> Option<Self> {
        let mut deployments = deployments.known(known);
        let view = ledger.at_known(&mut deployments, at, known)?;
        Some(Self { view, deployments })
    }

    /// What each instance, in the order of the state's, costs within the next hour if nothing changes: together they
    /// are the burn rate.
    pub fn running_costs(&mut self) -> Vec<Credits> {
        let Self { view: View { at, state, accrual }, deployments } = self;
        let mut later = state.clone();
        let mut postings = Postings::default();
        let then = Millis(at.0.saturating_add(HOUR_MILLIS));
        later.derive(deployments, then, &mut postings);
        let accrued = later.accrual(deployments, then);
        let cost = |instance: &Instance| {
            let same = |resource: &Arc<str>, name: &Option<Arc<str>>| {
                *resource == instance.resource && *name == instance.instance
            };
            let slots = |accrual: &Accrual| -> Credits {
                let slots = accrual.slots.iter().filter(|(it, _)| same(&it.resource, &it.instance));
                slots.map(|(_, slot)| slot.credits).sum()
            };
            let posted = postings.entries.iter().filter(|it| same(&it.resource, &it.instance));
            posted.map(|entry| entry.slot.credits).sum::<Credits>() + slots(&accrued) - slots(accrual)
        };
        state.instances().iter().map(cost).collect()
    }

    /// The published form.
    pub fn into_state(mut self, user: &str, known: Millis, now: Millis, rerating: bool) -> UserState {
        let Self { view: View { at, state, accrual }, deployments } = &mut self;
        let at = *at;
        let balance = state.wallet().balance() - accrual.credits;
        let threshold = state.threshold(deployments, at);
        let below_threshold = balance <= threshold;
        let limit = Millis(at.0.saturating_add(HORIZON_MILLIS));
        let crossing = if below_threshold { None } else { next_crossing(state, deployments, at, limit) };
        UserState {
            user_id: user.to_owned(),
            at,
            known,
            projected: at > now,
            balance,
            posted: state.wallet().balance(),
            accrued: accrual.credits,
            charged: state.charged(),
            refilled: state.refilled(),
            threshold,
            below_threshold,
            burn_rate_per_hour: burn_rate(state, deployments, at, accrual.credits),
            exhausted_at: crossing.map(|crossing| crossing.at),
            role: state.role().map(str::to_owned),
            agreement: state.agreement(deployments, at).map(|name| name.to_string()),
            active: state.active(),
            rerating,
            instances: state.instances().iter().map(InstanceState::of).collect(),
            totals: totals(state, deployments),
        }
    }
}

/// What charges and accrual grow by within the next hour.
fn burn_rate(state: &State, deployments: &mut Deployments, at: Millis, accrued: Credits) -> Credits {
    let then = Millis(at.0.saturating_add(HOUR_MILLIS));
    let mut later = state.clone();
    later.derive(deployments, then, &mut Postings::default());
    let accrued_then = later.accrual(deployments, then).credits;
    later.charged() + accrued_then - state.charged() - accrued
}

/// The month's volumes.
pub fn totals(state: &State, deployments: &Deployments) -> BTreeMap<String, String> {
    let text = |(name, raw): &(Arc<str>, _)| (name.to_string(), view::volume_text(deployments, name, *raw));
    state.totals().iter().map(text).collect()
}

impl InstanceState {
    /// The published form.
    pub fn of(instance: &Instance) -> Self {
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
