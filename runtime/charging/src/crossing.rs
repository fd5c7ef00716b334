//! When the balance of a user will meet the threshold if nothing more happens.
//!
//! Between the instants at which time alone changes something (month ends, refills, other prices or
//! thresholds) the balance moves with the accrual of open intervals. Where the policy proves that accrual
//! moves one way the crossing is found by bisection, to the millisecond; elsewhere the balance is looked at
//! every whole minute.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{Charge, Monotone, Price};

use crate::deployments::Deployments;
use crate::posting::Postings;
use crate::rate::{Rate, rate_at};
use crate::state::{Instance, State};

/// How often the balance is looked at where nothing is proven about it.
const LOOK_EVERY_MILLIS: i64 = 60_000;

/// The balance comes to lie on the other side of the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The first instant on the other side.
    pub at: Millis,
    /// The balance then.
    pub balance: Credits,
    /// The threshold then.
    pub threshold: Credits,
    /// Whether the balance is at or below the threshold from then on.
    pub below: bool,
}

/// The first crossing in `(from, limit]` of a state that is folded up to `from` or earlier; `None`: there
/// is none.
pub fn next_crossing(
    state: &State,
    deployments: &mut Deployments,
    from: Millis,
    limit: Millis,
) -> Option<Crossing> {
    let mut state = state.clone();
    let side = look(&state, deployments, from).below;
    let mut at = from;
    while at < limit {
        state.derive(deployments, at, &mut Postings::default());
        let end = stretch_end(&mut state, deployments, at, limit);
        let last = Millis(end.0.saturating_sub(1));
        if let Some(crossing) = within(&state, deployments, (at, last), side) {
            return Some(crossing);
        }
        let found = look(&state, deployments, end);
        if found.below != side {
            return Some(found);
        }
        at = end;
    }
    None
}

/// Where the balance stands at an instant.
fn look(state: &State, deployments: &mut Deployments, at: Millis) -> Crossing {
    let mut state = state.clone();
    state.derive(deployments, at, &mut Postings::default());
    let balance = state.wallet().balance() - state.accrual(deployments, at).credits;
    let threshold = state.threshold(deployments, at);
    Crossing { at, balance, threshold, below: balance <= threshold }
}

/// The first instant after `at` at which something but accrual may change.
fn stretch_end(state: &mut State, deployments: &mut Deployments, at: Millis, limit: Millis) -> Millis {
    let mut end = deployments.month(at).end.min(limit);
    end = end.min(state.threshold_until(deployments, at));
    for resource in running(state).map(|instance| instance.resource.clone()).collect::<Vec<_>>() {
        end = end.min(rate_at(deployments, state.namings(), &resource, at).1);
    }
    state.refill_before(deployments, end).unwrap_or(end).max(Millis(at.0.saturating_add(1)))
}

/// The crossing in `(from, to]`, within one stretch.
fn within(
    state: &State,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    side: bool,
) -> Option<Crossing> {
    if to <= from || running(state).next().is_none() {
        return None;
    }
    if !moves_one_way(state, deployments, from) {
        let first = (from.0.div_euclid(LOOK_EVERY_MILLIS) + 1) * LOOK_EVERY_MILLIS;
        let step = usize::try_from(LOOK_EVERY_MILLIS).unwrap_or(usize::MAX);
        let mut minutes = (first..=to.0).step_by(step).map(|at| look(state, deployments, Millis(at)));
        return minutes.find(|found| found.below != side);
    }
    let mut found = Some(look(state, deployments, to)).filter(|found| found.below != side)?;
    let mut before = from;
    while found.at.0 - before.0 > 1 {
        let middle = look(state, deployments, Millis(before.0 + (found.at.0 - before.0) / 2));
        if middle.below == side {
            before = middle.at;
        } else {
            found = middle;
        }
    }
    Some(found)
}

fn running(state: &State) -> impl Iterator<Item = &Instance> {
    state.instances().iter().filter(|instance| instance.runs())
}

/// Whether the accrual of all open intervals is proven to move in one direction. The proofs hold for an
/// unchanged total, so a resource whose charge depends on the total may have one open interval only.
fn moves_one_way(state: &State, deployments: &mut Deployments, at: Millis) -> bool {
    let (mut rises, mut falls) = (false, false);
    let mut by_total: Vec<&str> = Vec::new();
    for instance in running(state) {
        let (rate, _) = rate_at(deployments, state.namings(), &instance.resource, at);
        let Some(charge) = charge_of(deployments, &rate) else { continue };
        match charge.monotone {
            Monotone::Rising => rises = true,
            Monotone::Falling => falls = true,
            Monotone::Constant => {}
            Monotone::Unknown => return false,
        }
        if depends_on_total(deployments, &rate) {
            if by_total.contains(&&*instance.resource) {
                return false;
            }
            by_total.push(&instance.resource);
        }
    }
    !(rises && falls)
}

fn charge_of<'a>(deployments: &'a Deployments, rate: &Rate) -> Option<&'a Charge> {
    let version = deployments.version(rate.version)?;
    version.policy.charges.get(rate.terms?.charge?.index())
}

fn depends_on_total(deployments: &Deployments, rate: &Rate) -> bool {
    let found = deployments.version(rate.version).zip(rate.terms).and_then(|(version, terms)| {
        let price = version.policy.prices.get(terms.price.index())?;
        let expression = version.policy.expressions.get(terms.expression.index())?;
        Some(matches!(price, Price::Tiers(_)) || expression.reads_total)
    });
    found.unwrap_or(false)
}
