//! When the balance of a user meets the threshold if nothing more happens.
//!
//! Between the instants at which time alone changes something (month ends, refills, other prices or
//! thresholds) the balance moves with the accrual of open intervals. Where the policy proves that accrual
//! moves one way the crossing is found by bisection, to the millisecond; elsewhere the balance is looked at
//! every whole minute. What is found does not depend on where a search begins or ends, so that a stretch of
//! time may be searched in parts.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{Charge, Monotone};
use ethnum::I256;

use crate::deployments::Deployments;
use crate::posting::Postings;
use crate::rate::{Rate, rate_at};
use crate::state::{Instance, State};

/// How often the balance is looked at where nothing is proven about it.
const LOOK_EVERY_MILLIS: i64 = 60_000;
/// Stretches that are looked through for a lower bound of the next crossing: it is asked for after every
/// event, so it must cost little; a timer that is due asks again.
const STRETCHES_LOOKED_THROUGH: usize = 4;

/// The balance beside the threshold, at an instant and after all records of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The instant: of a crossing, the first on the other side.
    pub at: Millis,
    /// The balance then.
    pub balance: Credits,
    /// The threshold then.
    pub threshold: Credits,
    /// Whether the balance is at or below the threshold.
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
    let below = look(state, deployments, from).below;
    next_change(state, deployments, (from, limit), below, Care::Exact)
}

/// How carefully a balance of which nothing is proven is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// Every whole minute.
    Exact,
    /// Every whole minute of a stretch at whose end the balance is on another side than at its start: a
    /// crossing there and back in between does not count.
    Ends,
}

/// Where the balance stands at an instant that the state is folded up to or earlier.
pub fn look(state: &State, deployments: &mut Deployments, at: Millis) -> Crossing {
    if state.is_derived_up_to(at) {
        return look_within(state, deployments, at);
    }
    let mut state = state.clone();
    state.derive(deployments, at, &mut Postings::default());
    look_within(&state, deployments, at)
}

/// The first crossing in `(from, to]`, where the balance is `below` the threshold or not at `from`.
pub(crate) fn next_change(
    state: &State,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    below: bool,
    care: Care,
) -> Option<Crossing> {
    if from >= to || stands_still(state, deployments, from, to) {
        return None;
    }
    let mut state = state.clone();
    let mut at = from;
    while at < to {
        state.derive(deployments, at, &mut Postings::default());
        let Stretch { end, ends_by_price } = stretch(&mut state, deployments, at);
        let last = Millis(end.0.saturating_sub(1)).min(to);
        let way = way(&state, deployments, at);
        let leads_away = way.is_some_and(|way| way.leads_away(below));
        if !leads_away {
            let crossing = within(&state, deployments, (at, last), (way, below), care);
            if crossing.is_some() {
                return crossing;
            }
        }
        if end > to {
            return None;
        }
        if !(leads_away && ends_by_price) {
            let found = look(&state, deployments, end);
            if found.below != below {
                return Some(found);
            }
        }
        at = end;
    }
    None
}

/// An instant up to which, inclusive, there surely is no crossing after `from`, where the balance is `below`
/// the threshold or not; found with few looks, and often well before the crossing.
pub(crate) fn quiet_until(state: &State, deployments: &mut Deployments, from: Millis, below: bool) -> Millis {
    let mut state = state.clone();
    let mut at = from;
    for _ in 0..STRETCHES_LOOKED_THROUGH {
        state.derive(deployments, at, &mut Postings::default());
        let Stretch { end, ends_by_price } = stretch(&mut state, deployments, at);
        let last = Millis(end.0.saturating_sub(1));
        if running(&state).next().is_some() {
            let Some(way) = way(&state, deployments, at) else {
                return Millis(next_minute(at).saturating_sub(1)).min(last);
            };
            if !way.leads_away(below) {
                let at_last = look_within(&state, deployments, last);
                if at_last.below != below {
                    let here = look_within(&state, deployments, at);
                    return before_crossing(&state, deployments, (here, at_last));
                }
            } else if ends_by_price {
                at = end;
                continue;
            }
        }
        if look(&state, deployments, end).below != below {
            return last;
        }
        at = end;
    }
    at
}

/// A place before the crossing that lies in `(from, to]`: somewhat before the place where it is if accrual is
/// even, else nearer and nearer to the start.
fn before_crossing(state: &State, deployments: &mut Deployments, (from, to): (Crossing, Crossing)) -> Millis {
    let length = to.at.0 - from.at.0;
    let (way, all) = ((from.balance - from.threshold).0, (from.balance - to.balance).0);
    let even = way.checked_mul(I256::from(length)).and_then(|product| product.checked_div(all));
    let mut ahead =
        even.filter(|even| (I256::ZERO..I256::from(length)).contains(even)).map_or(length, I256::as_i64);
    ahead -= ahead / 16;
    while ahead > 0 {
        let at = Millis(from.at.0 + ahead);
        if look_within(state, deployments, at).below == from.below {
            return at;
        }
        ahead /= 2;
    }
    from.at
}

/// Where the balance stands at an instant before which nothing is left to derive.
fn look_within(state: &State, deployments: &mut Deployments, at: Millis) -> Crossing {
    let balance = state.wallet().balance() - state.accrual(deployments, at).credits;
    let threshold = state.threshold(deployments, at);
    Crossing { at, balance, threshold, below: balance <= threshold }
}

/// Whether neither the balance nor the threshold can change in `(from, to]`: most users have nothing open, and
/// most stretches are short.
fn stands_still(state: &State, deployments: &mut Deployments, from: Millis, to: Millis) -> bool {
    running(state).next().is_none()
        && state.is_derived_up_to(to)
        && state.threshold_until(deployments, from) > to
}

/// A time in which nothing but accrual moves the balance.
struct Stretch {
    /// The first instant at which something else may change.
    end: Millis,
    /// Whether that is prices alone: then the balance at the end is but what accrual has made of it.
    ends_by_price: bool,
}

/// The stretch that begins at an instant.
fn stretch(state: &mut State, deployments: &mut Deployments, at: Millis) -> Stretch {
    let kept_until = state.threshold_until(deployments, at).min(state.naming_until(deployments, at));
    let rest = deployments.month(at).end.min(kept_until);
    let mut end = rest;
    for resource in running(state).map(|instance| instance.resource.clone()).collect::<Vec<_>>() {
        end = end.min(rate_at(deployments, state.namings(), &resource, at).1);
    }
    let refill = state.refill_before(deployments, Millis(end.0.saturating_add(1)));
    let soonest = Millis(at.0.saturating_add(1));
    let ends_by_price = end < rest && refill.is_none() && end > soonest;
    Stretch { end: refill.unwrap_or(end).max(soonest), ends_by_price }
}

/// The crossing in `(from, to]`, within one stretch in which the balance goes one way, or is proven to go none.
fn within(
    state: &State,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    (way, below): (Option<Way>, bool),
    care: Care,
) -> Option<Crossing> {
    if to <= from || running(state).next().is_none() {
        return None;
    }
    if way.is_none() {
        let last_minute = to.0 - to.0.rem_euclid(LOOK_EVERY_MILLIS);
        if last_minute <= from.0 {
            return None;
        }
        let at_last = look_within(state, deployments, Millis(last_minute));
        if care == Care::Ends && at_last.below == below {
            return None;
        }
        let step = usize::try_from(LOOK_EVERY_MILLIS).unwrap_or(usize::MAX);
        let minutes = (next_minute(from)..=last_minute).step_by(step);
        let mut looks = minutes.map(|at| look_within(state, deployments, Millis(at)));
        return looks.find(|found| found.below != below);
    }
    let mut found = Some(look_within(state, deployments, to)).filter(|found| found.below != below)?;
    let mut before = from;
    while found.at.0 - before.0 > 1 {
        let middle = look_within(state, deployments, Millis(before.0 + (found.at.0 - before.0) / 2));
        if middle.below == below {
            before = middle.at;
        } else {
            found = middle;
        }
    }
    Some(found)
}

/// The first whole minute after an instant.
fn next_minute(at: Millis) -> i64 {
    at.0.div_euclid(LOOK_EVERY_MILLIS).saturating_add(1).saturating_mul(LOOK_EVERY_MILLIS)
}

fn running(state: &State) -> impl Iterator<Item = &Instance> {
    state.instances().iter().filter(|instance| instance.runs())
}

/// Where the balance goes while nothing but accrual changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It never rises: accrual never falls.
    Down,
    /// It never falls.
    Up,
    /// It stays.
    Level,
}

impl Way {
    /// Whether a balance that is `below` the threshold or not stays so, whatever the accrual comes to.
    fn leads_away(self, below: bool) -> bool {
        match self {
            Self::Down => below,
            Self::Up => !below,
            Self::Level => true,
        }
    }
}

/// The one direction in which the accrual of all open intervals is proven to move the balance, where it is. The proofs
/// hold for an unchanged total, so a resource whose charge depends on the total may have one open interval only.
fn way(state: &State, deployments: &mut Deployments, at: Millis) -> Option<Way> {
    let mut way = Way::Level;
    let mut by_total: Vec<&str> = Vec::new();
    for instance in running(state) {
        let (rate, _) = rate_at(deployments, state.namings(), &instance.resource, at);
        let Some(charge) = charge_of(deployments, &rate) else { continue };
        way = match (charge.monotone, way) {
            (Monotone::Rising, Way::Level | Way::Down) => Way::Down,
            (Monotone::Falling, Way::Level | Way::Up) => Way::Up,
            (Monotone::Constant, way) => way,
            (Monotone::Rising, Way::Up) | (Monotone::Falling, Way::Down) | (Monotone::Unknown, _) => {
                return None;
            }
        };
        if rate.terms.is_some_and(|terms| terms.uses_total) {
            if by_total.contains(&&*instance.resource) {
                return None;
            }
            by_total.push(&instance.resource);
        }
    }
    Some(way)
}

fn charge_of<'a>(deployments: &'a Deployments, rate: &Rate) -> Option<&'a Charge> {
    let version = deployments.version(rate.version)?;
    version.policy.charges.get(rate.terms?.charge?.index())
}
