//! The course of a balance while nothing happens but time: where it stands at one instant after the other.
//!
//! Time brings month ends, refills, other prices and other thresholds. Between them the balance moves with the accrual of
//! open intervals alone, and is asked for often: what it takes to answer is worked out once, and kept in a
//! [`Meter`] from question to question and from state to state.

use std::borrow::Cow;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::Monotone;

use crate::crossing::Crossing;
use crate::deployments::Deployments;
use crate::meter::Meter;
use crate::pace::Pace;
use crate::posting::Postings;
use crate::state::{Instance, State};

/// A state, and what time makes of it.
#[derive(Debug, Clone)]
pub struct Course<'s> {
    state: Cow<'s, State>,
    meter: Meter,
    /// What held last: from when on, until when, and the threshold.
    held: Option<(Millis, Millis, Credits)>,
}

/// What was worked out along a course. It says nothing that the state and the deployments do not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlook {
    pub(crate) meter: Meter,
    /// What time has made of the state, where it is something else.
    derived: Option<State>,
}

/// A time in which nothing but accrual moves the balance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// The first instant at which something else may change.
    pub(crate) end: Millis,
    /// Whether that is prices alone: then the balance at the end is but what accrual has made of it.
    pub(crate) ends_by_price: bool,
}

impl Stretch {
    /// The last instant before the end.
    pub(crate) fn last_inside(self) -> Millis {
        Millis(self.end.0.saturating_sub(1))
    }

    /// The last instant at which the balance is but what the accrual of this stretch has made of it, and moves as it does
    /// in it.
    pub(crate) fn last_looked_at(self, way: Option<Way>) -> Millis {
        if self.ends_by_price && way.is_some() { self.end } else { self.last_inside() }
    }
}

/// Where the balance goes while nothing but accrual changes it, from the first millisecond of a stretch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It never rises.
    Down,
    /// It never falls.
    Up,
    /// It stays.
    Level,
}

impl Way {
    /// Whether a balance that is `below` the threshold or not stays so, whatever the accrual comes to.
    pub(crate) fn leads_away(self, below: bool) -> bool {
        match self {
            Self::Down => below,
            Self::Up => !below,
            Self::Level => true,
        }
    }
}

impl<'s> Course<'s> {
    /// The course from a state on. The meter may know open intervals of states before it, or nothing.
    pub fn from(state: &'s State, deployments: &Deployments, mut meter: Meter) -> Self {
        meter.turn_to(state, deployments);
        Self { state: Cow::Borrowed(state), meter, held: None }
    }

    /// Goes on with the course of a state as far as it was followed.
    pub(crate) fn resume(state: &'s State, deployments: &Deployments, outlook: Outlook) -> Self {
        let Outlook { meter, derived } = outlook;
        match derived.filter(|_| meter.is_of(deployments)) {
            Some(derived) => Self { state: Cow::Owned(derived), meter, held: None },
            None => Self::from(state, deployments, meter),
        }
    }

    /// What is known of open intervals by now.
    #[must_use]
    pub fn into_meter(self) -> Meter {
        self.meter
    }

    /// What it takes to go on; `None`: nothing.
    pub(crate) fn into_outlook(self) -> Option<Box<Outlook>> {
        let derived = if let Cow::Owned(derived) = self.state { Some(derived) } else { None };
        let is_something = derived.is_some() || !self.meter.is_empty();
        is_something.then(|| Box::new(Outlook { derived, meter: self.meter }))
    }

    /// Where the balance stands at an instant; none comes before one that was asked for.
    pub fn look(&mut self, deployments: &mut Deployments, at: Millis) -> Crossing {
        self.derive(deployments, at);
        let accrued = self.meter.credits(&self.state, deployments, at);
        let balance = self.state.wallet().balance() - accrued;
        let (threshold, _) = self.held(deployments, at);
        Crossing::of(at, balance, threshold)
    }

    /// The threshold at an instant, and until when it, role, assignment and policy version surely hold.
    fn held(&mut self, deployments: &mut Deployments, at: Millis) -> (Credits, Millis) {
        if let Some((_, until, threshold)) =
            self.held.filter(|(from, until, _)| (*from..*until).contains(&at))
        {
            return (threshold, until);
        }
        let (threshold, until) = self.state.threshold_held(deployments, at);
        self.held = Some((at, until, threshold));
        (threshold, until)
    }

    /// Lets time bring about what it brings up to an instant, inclusive.
    pub(crate) fn derive(&mut self, deployments: &mut Deployments, at: Millis) {
        if !self.state.is_derived_up_to(at) {
            self.state.to_mut().derive(deployments, at, &mut Postings::default());
            self.meter.turn_to(&self.state, deployments);
        }
    }

    /// The last instant that is folded or derived.
    pub(crate) fn reached(&self) -> Option<Millis> {
        self.state.reached()
    }

    /// Whether an interval is open.
    pub(crate) fn runs(&self) -> bool {
        self.state.instances().iter().any(Instance::runs)
    }

    /// Whether neither the balance nor the threshold can change in `(from, to]`: most users have nothing open, and
    /// most stretches are short.
    pub(crate) fn stands_still(&mut self, deployments: &mut Deployments, from: Millis, to: Millis) -> bool {
        !self.runs() && self.state.is_derived_up_to(to) && self.held(deployments, from).1 > to
    }

    /// The stretch that begins at an instant up to which everything is derived.
    pub(crate) fn stretch(&mut self, deployments: &mut Deployments, at: Millis) -> Stretch {
        let (_, held_until) = self.held(deployments, at);
        let rest = deployments.month(at).end.min(held_until);
        let mut end = rest;
        self.meter.rates(&self.state, deployments, at, |_, _, _, until| end = end.min(until));
        let refill = self.refill(deployments, end);
        let soonest = Millis(at.0.saturating_add(1));
        let ends_by_price = end < rest && refill.is_none() && end > soonest;
        Stretch { end: refill.unwrap_or(end).max(soonest), ends_by_price }
    }

    /// The first refill up to an instant, inclusive.
    fn refill(&mut self, deployments: &mut Deployments, up_to: Millis) -> Option<Millis> {
        if self.state.no_refill_up_to(up_to) {
            return None;
        }
        self.state.to_mut().refill_before(deployments, Millis(up_to.0.saturating_add(1)))
    }

    /// How much accrual can move the balance from an instant on, in the stretch that it lies in and of which the first
    /// millisecond is over by the time of the next look; `None`: nothing is known of that.
    pub(crate) fn pace(&self, deployments: &Deployments, at: Millis) -> Option<Pace> {
        self.meter.pace(&self.state, deployments, at)
    }

    /// The one direction in which the accrual of all open intervals is proven to move the balance, where it is. The
    /// proofs hold for an unchanged total that does not pass its limit, so of the intervals of a resource only the first
    /// may have been charged by the total: all that the others come to stands after what is yet to come of those before
    /// them.
    pub(crate) fn way(&mut self, deployments: &mut Deployments, at: Millis) -> Option<Way> {
        let mut way = Some(Way::Level);
        self.meter.rates(&self.state, deployments, at, |deployments, instance, rate, _| {
            let version = deployments.version(rate.version);
            let charge = version.zip(rate.terms.and_then(|terms| terms.charge));
            let Some((version, charge)) = charge else { return };
            way = way.and_then(|way| with(way, version.monotone(charge, instance.usage().amount_in_slot())));
        });
        way.filter(|_| {
            !self.meter.depends_on_others(at) && self.meter.stays_within_totals(&self.state, deployments, at)
        })
    }
}

/// The way of intervals together with another one.
fn with(way: Way, other: Monotone) -> Option<Way> {
    match (other, way) {
        (Monotone::Rising, Way::Level | Way::Down) => Some(Way::Down),
        (Monotone::Falling, Way::Level | Way::Up) => Some(Way::Up),
        (Monotone::Constant, way) => Some(way),
        (Monotone::Rising, Way::Up) | (Monotone::Falling, Way::Down) | (Monotone::Unknown, _) => None,
    }
}
