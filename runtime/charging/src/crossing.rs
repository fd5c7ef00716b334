//! When the balance of a user meets the threshold if nothing more happens.
//!
//! Between the instants at which time alone changes something (month ends, refills, other prices or
//! thresholds) the balance moves with the accrual of open intervals. Where the policy proves that accrual
//! moves one way the crossing is found by bisection, to the millisecond; elsewhere the balance is looked at
//! every whole minute, but for those at which it is proven to be too far from the threshold. What is found does not depend
//! on where a search begins or ends, so that a stretch of time may be searched in parts.

use std::borrow::Cow;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use ethnum::I256;

use crate::course::{Course, Way};
use crate::deployments::Deployments;
use crate::meter::Meter;
use crate::pace::Pace;
use crate::posting::Postings;
use crate::state::State;

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

impl Crossing {
    pub(crate) fn of(at: Millis, balance: Credits, threshold: Credits) -> Self {
        Self { at, balance, threshold, below: balance <= threshold }
    }
}

/// The first crossing in `(from, limit]` of a state that is folded up to `from` or earlier; `None`: there
/// is none.
pub fn next_crossing(
    state: &State,
    deployments: &mut Deployments,
    from: Millis,
    limit: Millis,
) -> Option<Crossing> {
    let mut course = Course::from(state, deployments, Meter::default());
    let below = course.look(deployments, from).below;
    next_change(&mut course, deployments, (from, limit), below, Care::Exact)
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
    let state = match state.is_derived_up_to(at) {
        true => Cow::Borrowed(state),
        false => {
            let mut state = state.clone();
            state.derive(deployments, at, &mut Postings::default());
            Cow::Owned(state)
        }
    };
    let balance = state.wallet().balance() - state.accrual(deployments, at).credits;
    Crossing::of(at, balance, state.threshold(deployments, at))
}

/// The first crossing in `(from, to]`, where the balance is `below` the threshold or not at `from`.
pub(crate) fn next_change(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    below: bool,
    care: Care,
) -> Option<Crossing> {
    if from >= to || course.stands_still(deployments, from, to) {
        return None;
    }
    let mut at = from;
    while at < to {
        course.derive(deployments, at);
        let stretch = course.stretch(deployments, at);
        let end = stretch.end;
        let way = course.way(deployments, at);
        let last = stretch.last_looked_at(way);
        let crossing = within(course, deployments, (at, last.min(to)), (way, below), care);
        if crossing.is_some() || end > to {
            return crossing;
        }
        if last < end {
            let found = course.look(deployments, end);
            if found.below != below {
                return Some(found);
            }
        }
        at = end;
    }
    None
}

/// On which side [`next_change`] has the balance at an instant after it has looked for all changes since `from`; found
/// with few looks. `None`: only looking for them tells.
pub(crate) fn side(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, at): (Millis, Millis),
) -> Option<bool> {
    let minute = Millis(at.0 - at.0.rem_euclid(LOOK_EVERY_MILLIS)).max(from);
    course.derive(deployments, minute);
    if course.stretch(deployments, minute).end <= at {
        return None;
    }
    // Where nothing is proven nobody looks between whole minutes.
    let looked = if course.way(deployments, minute).is_some() { at } else { minute };
    Some(course.look(deployments, looked).below)
}

/// An instant up to which, inclusive, there surely is no crossing after `from`, where the balance is `below`
/// the threshold or not; found with few looks, and often well before the crossing.
pub(crate) fn quiet_until(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    from: Millis,
    below: bool,
) -> Millis {
    let mut at = from;
    for _ in 0..STRETCHES_LOOKED_THROUGH {
        course.derive(deployments, at);
        let stretch = course.stretch(deployments, at);
        let end = stretch.end;
        let way = course.way(deployments, at);
        let last = stretch.last_looked_at(way);
        if course.runs() {
            let quiet = match way {
                Some(way) => quiet_within(course, deployments, (at, last), (way, below)),
                None => quiet_minutes(course, deployments, (at, last), below),
            };
            if let Some(quiet) = quiet {
                return quiet;
            }
        }
        if last < end && course.look(deployments, end).below != below {
            return stretch.last_inside();
        }
        at = end;
    }
    at
}

/// An instant up to which there surely is no crossing in `(from, to]`, within one stretch of which it is proven which way
/// the balance goes; `None`: there is none at all.
fn quiet_within(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    (way, below): (Way, bool),
) -> Option<Millis> {
    let at_last = if way.leads_away(below) { None } else { Some(course.look(deployments, to)) };
    if at_last.is_some_and(|at_last| at_last.below == below) {
        return None;
    }
    let first = course.look(deployments, Millis(from.0.saturating_add(1)).min(to));
    if first.below != below {
        return Some(from);
    }
    at_last.map(|at_last| before_crossing(course, deployments, (first, at_last)))
}

/// An instant up to which there surely is no crossing in `(from, to]`, within one stretch of which nothing is proven: the
/// next minute is looked at. `None`: there is none at all.
fn quiet_minutes(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    below: bool,
) -> Option<Millis> {
    let minute = Millis(next_minute(from));
    if minute > to {
        return None;
    }
    let found = course.look(deployments, minute);
    if found.below != below {
        return Some(Millis(minute.0.saturating_sub(1)));
    }
    let quiet = stays_until(course.pace(deployments, minute).as_ref(), &found);
    (quiet < to).then_some(quiet)
}

/// A place before the crossing that lies in `(from, to]`: somewhat before the place where it is if accrual is
/// even, else nearer and nearer to the start.
fn before_crossing(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Crossing, Crossing),
) -> Millis {
    let length = to.at.0 - from.at.0;
    let (way, all) = ((from.balance - from.threshold).0, (from.balance - to.balance).0);
    let even = way.checked_mul(I256::from(length)).and_then(|product| product.checked_div(all));
    let mut ahead =
        even.filter(|even| (I256::ZERO..I256::from(length)).contains(even)).map_or(length, I256::as_i64);
    ahead -= ahead / 16;
    while ahead > 0 {
        let at = Millis(from.at.0 + ahead);
        if course.look(deployments, at).below == from.below {
            return at;
        }
        ahead /= 2;
    }
    from.at
}

/// The crossing in `(from, to]`, within one stretch.
///
/// A slot costs nothing while it has no length, and may cost something at once when it has one (`price * volume + 5`): the
/// first millisecond is looked at by itself. What is proven of the way holds from then on.
fn within(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    (way, below): (Option<Way>, bool),
    care: Care,
) -> Option<Crossing> {
    if to <= from || !course.runs() {
        return None;
    }
    let Some(way) = way else {
        return minute_by_minute(course, deployments, (from, to), below, care);
    };
    let at_last = if way.leads_away(below) { None } else { Some(course.look(deployments, to)) };
    if at_last.is_some_and(|at_last| at_last.below == below) {
        return None;
    }
    let first = course.look(deployments, Millis(from.0 + 1));
    if first.below != below {
        return Some(first);
    }
    let mut found = at_last?;
    let mut before = first.at;
    while found.at.0 - before.0 > 1 {
        let middle = course.look(deployments, Millis(before.0 + (found.at.0 - before.0) / 2));
        if middle.below == below {
            before = middle.at;
        } else {
            found = middle;
        }
    }
    Some(found)
}

/// The first whole minute in `(from, to]` at which the balance is on the other side.
fn minute_by_minute(
    course: &mut Course<'_>,
    deployments: &mut Deployments,
    (from, to): (Millis, Millis),
    below: bool,
    care: Care,
) -> Option<Crossing> {
    let last_minute = to.0 - to.0.rem_euclid(LOOK_EVERY_MILLIS);
    if last_minute <= from.0 {
        return None;
    }
    if care == Care::Ends && course.look(deployments, Millis(last_minute)).below == below {
        return None;
    }
    let mut found = course.look(deployments, Millis(next_minute(from)));
    let pace = course.pace(deployments, found.at);
    while found.below == below {
        let minute = next_minute(stays_until(pace.as_ref(), &found));
        if minute > last_minute {
            return None;
        }
        found = course.look(deployments, Millis(minute));
    }
    Some(found)
}

/// Up to when the balance surely stays on its side of the threshold within a stretch of which nothing else is proven, the
/// first millisecond of which is over.
fn stays_until(pace: Option<&Pace>, look: &Crossing) -> Millis {
    Millis(look.at.0.saturating_add(pace.map_or(0, |pace| pace.stays(look))))
}

/// The first whole minute after an instant.
fn next_minute(at: Millis) -> i64 {
    at.0.div_euclid(LOOK_EVERY_MILLIS).saturating_add(1).saturating_mul(LOOK_EVERY_MILLIS)
}
