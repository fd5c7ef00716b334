//! Whether credits would last for some more usage. Nothing is reserved: it is a look ahead.

use std::collections::BTreeMap;

use aquarium_charging::crossing::next_crossing;
use aquarium_charging::input::{self, Refusal, Source};
use aquarium_charging::posting::Postings;
use aquarium_charging::state::State;
use aquarium_charging::{Deployments, Record};
use aquarium_ir::{Credits, Millis};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::state::Snapshot;

/// The longest time that may be asked for, in milliseconds: a month that has 31 days.
pub const DURATION_MILLIS_MAX: i64 = 31 * 86_400_000;

/// Usage that is planned from now on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The resource.
    resource: String,
    /// The instance; it matters where the resource is complex.
    #[serde(rename = "instanceID", default)]
    instance: String,
    /// The value that an event would have: an amount, its change, or 1 for on.
    #[schema(value_type = f64)]
    value: Box<RawValue>,
    /// For how long.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_678_400_000_i64)]
    duration_millis: i64,
}

/// Whether credits would last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The user.
    user_id: String,
    /// Whether the balance stays above the threshold all the time.
    authorized: bool,
    /// From when on: now.
    #[schema(value_type = i64)]
    at: Millis,
    /// Until when was asked.
    #[schema(value_type = i64)]
    until: Millis,
    /// When the balance would meet the threshold; `null`: not in the time that was asked for, nor in the month
    /// after it begins.
    #[schema(value_type = Option<i64>)]
    lasts_until: Option<Millis>,
    /// The balance before.
    #[schema(value_type = String)]
    balance: Credits,
    /// What would be left at the end of the time.
    #[schema(value_type = String)]
    balance_then: Credits,
    /// The threshold now.
    #[schema(value_type = String)]
    threshold: Credits,
}

/// The event that would begin the usage.
#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    #[serde(rename = "clientID")]
    client: &'a str,
    #[serde(rename = "userID")]
    user: &'a str,
    #[serde(rename = "occurredMillis")]
    occurred: Millis,
    resource: &'a str,
    #[serde(rename = "instanceID")]
    instance: &'a str,
    value: &'a RawValue,
    #[serde(rename = "eventVersion")]
    version: &'a str,
    details: BTreeMap<&'a str, &'a str>,
}

impl Plan {
    /// Looks ahead from a user's state of now.
    pub fn authorize(&self, user: &str, snapshot: Snapshot) -> Result<Authorization, Refusal> {
        let Snapshot { view, mut deployments } = snapshot;
        let (at, balance) = (view.at, view.balance());
        let until = Millis(at.0.saturating_add(self.duration_millis));
        let mut state = view.state;
        self.begin(user, at, &mut state, &mut deployments)?;
        let threshold = state.threshold(&mut deployments, at);
        let left = left(&state, &mut deployments, at);
        let horizon = Millis(at.0.saturating_add(DURATION_MILLIS_MAX));
        let lasts_until = if left <= threshold {
            Some(at)
        } else {
            next_crossing(&state, &mut deployments, at, horizon).map(|crossing| crossing.at)
        };
        let authorized = left > threshold && lasts_until.is_none_or(|end| end >= until);
        let balance_then = self::left(&state, &mut deployments, until);
        Ok(Authorization {
            user_id: user.to_owned(),
            authorized,
            at,
            until,
            lasts_until,
            balance,
            balance_then,
            threshold,
        })
    }

    /// Whether the time is one that may be asked for.
    pub fn is_in_range(&self) -> bool {
        (0..=DURATION_MILLIS_MAX).contains(&self.duration_millis)
    }

    /// Folds the event that would begin it.
    fn begin(
        &self,
        user: &str,
        at: Millis,
        state: &mut State,
        deployments: &mut Deployments,
    ) -> Result<(), Refusal> {
        let event = Event {
            id: "authorize",
            client: "authorize",
            user,
            occurred: at,
            resource: &self.resource,
            instance: &self.instance,
            value: &self.value,
            version: "1.0",
            details: BTreeMap::new(),
        };
        // Texts and numbers that were read are always JSON.
        let event = serde_json::to_vec(&event).unwrap_or_default();
        let source = Source { received: at, keeps_received: false, writes_records: false, plausible: None };
        let record: Record<'_> = input::read(&event, &source)?.record;
        let mut postings = Postings::default();
        // The state was derived up to this instant: the event is not late.
        let _ = state.fold(deployments, &[record], &mut postings);
        match postings.findings.pop() {
            Some(finding) => Err(Refusal { reason: finding.reason, message: finding.message }),
            None => Ok(()),
        }
    }
}

fn left(state: &State, deployments: &mut Deployments, at: Millis) -> Credits {
    let mut state = state.clone();
    state.derive(deployments, at, &mut Postings::default());
    state.wallet().balance() - state.accrual(deployments, at).credits
}
