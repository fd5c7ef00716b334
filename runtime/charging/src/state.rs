//! A user's state: what the fold carries from one instant to the next.
//!
//! Folding the same records over the same deployments gives the same state, in however many calls.
//! Queries work on a copy: nothing about a query changes any later figure.
//!
//! - [`State::fold`] takes records in their order, none older than what was folded.
//! - [`State::derive`] lets time pass without records: month ends and refills.
//! - [`State::accrual`] says what open intervals have come to.

mod apply;
mod derive;
mod packed;
mod refills;

use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::time::MonthSpan;
use ethnum::I256;
use sha2::{Digest, Sha256};

use crate::charging::{self, Charged, Usage};
use crate::deployments::Deployments;
use crate::rate::{Naming, rate_at, split};
use crate::wallet::Wallet;
use refills::Lookahead;

/// The state of an instance of a resource: on, or an amount held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The resource.
    pub resource: Arc<str>,
    /// The instance; `None` where the resource is not complex.
    pub instance: Option<Arc<str>>,
    /// `onoff` or `continuous`.
    pub cost_policy: CostPolicy,
    /// Since when, within the month, the amount is held.
    pub since: Millis,
    /// The amount in 10⁻⁹; 1 for an instance that is on.
    pub amount: i128,
}

impl Instance {
    /// Whether an interval is open: an amount that is not above zero is kept, but not charged.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.amount > 0
    }

    pub(crate) fn key(&self) -> (&str, Option<&str>) {
        (&self.resource, self.instance.as_deref())
    }
}

/// Everything that is known about a user after some records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The last instant at which something was folded or derived; nothing before it can be added.
    reached: Option<Millis>,
    /// The billing month of that instant.
    month: Option<MonthSpan>,
    /// What names the agreement, from the start of the month or earlier.
    namings: Vec<Naming>,
    active: bool,
    ever_active: bool,
    /// By resource, then instance.
    instances: Vec<Instance>,
    /// The month's raw totals, by resource.
    totals: Vec<(Arc<str>, I256)>,
    wallet: Wallet,
    refilled: Credits,
    charged: Credits,
    threshold: Option<Credits>,
    lookahead: Lookahead,
}

/// What open intervals have come to at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accrual {
    /// By resource, then instance, then time.
    pub slots: Vec<(Instance, Charged)>,
    /// The sum of their credits.
    pub credits: Credits,
}

impl State {
    /// The state of a user of whom nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last instant that is folded; `None`: nothing is.
    #[must_use]
    pub fn reached(&self) -> Option<Millis> {
        self.reached
    }

    /// The billing month of the last instant that is folded.
    #[must_use]
    pub fn month(&self) -> Option<MonthSpan> {
        self.month
    }

    /// The role; `None` before the first user event.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.namings.last()?.role.as_deref()
    }

    /// The agreement that is assigned instead of the role's.
    #[must_use]
    pub fn assigned(&self) -> Option<&str> {
        self.namings.last()?.assigned.as_deref()
    }

    /// What names the agreement, in order of time.
    #[must_use]
    pub fn namings(&self) -> &[Naming] {
        &self.namings
    }

    /// Whether the user is active.
    #[must_use]
    pub fn active(&self) -> bool {
        self.active
    }

    /// The instances that are on or hold an amount, by resource, then instance.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The month's raw total of each resource that was used.
    #[must_use]
    pub fn totals(&self) -> &[(Arc<str>, I256)] {
        &self.totals
    }

    /// The month's raw total of a resource.
    pub(crate) fn total(&self, resource: &Arc<str>) -> I256 {
        let place = self.totals.binary_search_by(|(name, _)| name.cmp(resource)).ok();
        place.and_then(|place| self.totals.get(place)).map_or(I256::ZERO, |(_, total)| *total)
    }

    /// The wallet, accrual not taken off.
    #[must_use]
    pub fn wallet(&self) -> Wallet {
        self.wallet
    }

    /// The sum of refills, initial credits and grants.
    #[must_use]
    pub fn refilled(&self) -> Credits {
        self.refilled
    }

    /// The sum of all entries.
    #[must_use]
    pub fn charged(&self) -> Credits {
        self.charged
    }

    /// The user's own threshold; `None`: that of the agreement.
    #[must_use]
    pub fn own_threshold(&self) -> Option<Credits> {
        self.threshold
    }

    /// The threshold that holds at an instant: the user's own, else the agreement's, else 0.
    pub fn threshold(&self, deployments: &mut Deployments, at: Millis) -> Credits {
        self.threshold_held(deployments, at).0
    }

    /// The threshold that holds at an instant, and until when it, role, assignment and policy version surely do.
    pub(crate) fn threshold_held(&self, deployments: &mut Deployments, at: Millis) -> (Credits, Millis) {
        let (rate, until) = rate_at(deployments, &self.namings, "", at);
        if let Some(own) = self.threshold {
            return (own, until);
        }
        let Some(version) = deployments.version_mut(rate.version) else { return (Credits::ZERO, until) };
        let agreement = rate.agreement_id.and_then(|id| version.policy.agreements.get(id.index()));
        let Some(agreement) = agreement else { return (Credits::ZERO, until) };
        let (threshold, threshold_until) = agreement.threshold.at(&mut version.calendar, at);
        let threshold = threshold.map(|threshold| Credits::round(threshold, Credits::PLACES));
        (threshold.unwrap_or_default(), until.min(threshold_until))
    }

    /// The name of the agreement that the assignment, else the role, names at an instant.
    pub fn agreement(&self, deployments: &mut Deployments, at: Millis) -> Option<Arc<str>> {
        rate_at(deployments, &self.namings, "", at).0.agreement
    }

    /// A digest of the state: equal for equal states, whatever way they were reached.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let text = format!("{:?}", Self { lookahead: Lookahead::default(), ..self.clone() });
        Sha256::digest(text.as_bytes()).into()
    }

    /// What open intervals have come to at an instant that is not before the last folded one and within
    /// its month: as if all of them ended there, by resource, then instance.
    #[must_use]
    pub fn accrual(&self, deployments: &mut Deployments, at: Millis) -> Accrual {
        let mut accrual = Accrual::default();
        let mut open = self.instances.iter().filter(|it| it.runs() && it.since < at).peekable();
        if open.peek().is_none() {
            return accrual;
        }
        let mut totals = self.totals.clone();
        for instance in open {
            let pieces = split(deployments, &self.namings, &instance.resource, instance.since, at);
            let total = total_of(&mut totals, &instance.resource);
            for slot in charging::charge(deployments, instance.usage(), pieces, total) {
                accrual.credits += slot.credits;
                accrual.slots.push((instance.clone(), slot));
            }
        }
        accrual
    }
}

impl Instance {
    pub(crate) fn usage(&self) -> Usage<'_> {
        Usage { resource: &self.resource, cost_policy: self.cost_policy, amount: self.amount }
    }
}

/// The total of a resource, zero where there is none yet.
fn total_of<'a>(totals: &'a mut Vec<(Arc<str>, I256)>, resource: &Arc<str>) -> &'a mut I256 {
    let index = match totals.binary_search_by(|(name, _)| name.cmp(resource)) {
        Ok(index) => index,
        Err(index) => {
            totals.insert(index, (Arc::clone(resource), I256::ZERO));
            index
        }
    };
    #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
    let (_, total) = &mut totals[index];
    total
}
