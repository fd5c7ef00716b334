//! Credit plans: when they fire for a user, and what they bring.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::Mode;

use super::State;
use crate::deployments::Deployments;
use crate::posting::{PlanOf, Postings, Refill, RefillKind};
use crate::rate::naming_at;

/// How far beyond what is asked the next refill is looked for, so that it is not looked for at every
/// record: a month and some days.
const LOOKAHEAD_MILLIS: i64 = 40 * 86_400_000;

/// The next refill, as far as it was looked for. It says nothing that the state and the deployments do
/// not say, so it is no part of what makes two states equal.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lookahead {
    /// The first refill that is not folded.
    found: Option<Millis>,
    /// No other one comes before this instant.
    searched: Option<Millis>,
}

impl PartialEq for Lookahead {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lookahead {}

impl State {
    /// Forgets what is known about refills from an instant on: role, activity or deployments changed.
    pub(super) fn look_again(&mut self, from: Millis) {
        self.lookahead = Lookahead { found: None, searched: Some(from) };
    }

    /// The first refill that is not folded, where it comes before an instant.
    pub(super) fn next_refill(&mut self, deployments: &mut Deployments, before: Millis) -> Option<Millis> {
        let from = self.lookahead.searched.filter(|_| self.active)?;
        if self.lookahead.found.is_none() && from < before {
            let to = Millis(before.0.saturating_add(LOOKAHEAD_MILLIS));
            let found = self.search_refill(deployments, from, to);
            let searched = found.map_or(to, |found| Millis(found.0.saturating_add(1)));
            self.lookahead = Lookahead { found, searched: Some(searched) };
        }
        self.lookahead.found.filter(|found| *found < before)
    }

    /// Whether it is known that no refill comes up to an instant, inclusive.
    pub(crate) fn no_refill_up_to(&self, at: Millis) -> bool {
        let Some(searched) = self.lookahead.searched.filter(|_| self.active) else { return true };
        self.lookahead.found.unwrap_or(searched) > at
    }

    /// The first refill that is still to come before an instant.
    pub(crate) fn refill_before(&mut self, deployments: &mut Deployments, before: Millis) -> Option<Millis> {
        self.next_refill(deployments, before)
    }

    /// The first instant in `[from, to)` at which the plan of the agreement in effect fires.
    fn search_refill(&self, deployments: &mut Deployments, from: Millis, to: Millis) -> Option<Millis> {
        let mut at = from;
        while at < to {
            let (plan, until) = self.plan_at(deployments, at);
            let until = until.min(to);
            let Some(plan) = plan else {
                at = until;
                continue;
            };
            let version = deployments.version_mut(plan.version)?;
            let agreement = version.policy.agreements.get(plan.agreement.index())?;
            let (cron, cron_until) = agreement.plan.at.at(&mut version.calendar, at);
            let until = until.min(cron_until);
            let mut occurrences =
                cron.into_iter().flat_map(|cron| cron.occurrences(&version.policy.zone, at, until));
            let fires =
                |instant: &Millis| agreement.plan.credits.at(&mut version.calendar, *instant).0.is_some();
            if let Some(found) = occurrences.find(fires) {
                return Some(found);
            }
            at = until;
        }
        None
    }

    /// The agreement in effect and its version, and until when they surely are.
    fn plan_at(&self, deployments: &mut Deployments, at: Millis) -> (Option<PlanOf>, Millis) {
        let (naming, naming_until) = naming_at(&self.namings, at);
        let in_force = deployments.in_force(at);
        let version = deployments.version(in_force.version).filter(|_| in_force.covered);
        let plan = version.zip(naming).and_then(|(version, naming)| {
            let (_, agreement) = version.agreement(naming.role.as_deref(), naming.assigned.as_ref());
            agreement.map(|agreement| PlanOf { version: in_force.version, agreement })
        });
        (plan, naming_until.min(in_force.until))
    }

    /// Grants the initial credits of the plan in effect as the user first becomes active.
    pub(super) fn grant_initial(
        &mut self,
        deployments: &mut Deployments,
        at: Millis,
        postings: &mut Postings,
    ) {
        let (Some(plan), _) = self.plan_at(deployments, at) else { return };
        let Some(credits) = initial(deployments, plan, at) else { return };
        self.wallet.plan += credits;
        self.note_refill(at, RefillKind::Initial(plan), credits, postings);
    }

    /// Lets the plan in effect fire.
    pub(super) fn refill(&mut self, deployments: &mut Deployments, at: Millis, postings: &mut Postings) {
        self.lookahead.found = None;
        let (Some(plan), _) = self.plan_at(deployments, at) else { return };
        let Some((credits, mode)) = credits(deployments, plan, at) else { return };
        let change = match mode {
            Mode::Add => credits,
            Mode::Reset => credits - self.plan_part(deployments, at),
        };
        self.wallet.plan += change;
        self.note_refill(at, RefillKind::Plan(plan), change, postings);
    }

    /// The plan part of the wallet with accrual taken off.
    fn plan_part(&self, deployments: &mut Deployments, at: Millis) -> Credits {
        let mut wallet = self.wallet;
        for (_, slot) in self.accrual(deployments, at).slots {
            wallet.charge(slot.credits);
        }
        wallet.plan
    }

    pub(super) fn note_refill(
        &mut self,
        at: Millis,
        kind: RefillKind,
        credits: Credits,
        postings: &mut Postings,
    ) {
        self.refilled += credits;
        postings.refills.push(Refill { at, kind, credits });
    }
}

/// What a plan brings at an instant at which it fires, and how.
fn credits(deployments: &mut Deployments, of: PlanOf, at: Millis) -> Option<(Credits, Mode)> {
    let version = deployments.version_mut(of.version)?;
    let plan = &version.policy.agreements.get(of.agreement.index())?.plan;
    let credits = plan.credits.at(&mut version.calendar, at).0?;
    let mode = plan.mode.at(&mut version.calendar, at).0.copied().unwrap_or(Mode::Add);
    Some((exact(&credits.value), mode))
}

/// The initial credits of a plan that is in force at an instant.
fn initial(deployments: &mut Deployments, of: PlanOf, at: Millis) -> Option<Credits> {
    let version = deployments.version_mut(of.version)?;
    let plan = &version.policy.agreements.get(of.agreement.index())?.plan;
    plan.credits.at(&mut version.calendar, at).0?;
    plan.at.at(&mut version.calendar, at).0?;
    let initial = plan.initial.at(&mut version.calendar, at).0?;
    Some(exact(&initial.value)).filter(|credits| !credits.is_zero())
}

/// A number of the policy as credits; the language gives it at most twelve places.
fn exact(value: &Rational) -> Credits {
    Credits::round(value, Credits::PLACES)
}
