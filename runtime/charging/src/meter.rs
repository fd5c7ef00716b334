//! What open intervals have come to, asked again and again, mostly at later instants.
//!
//! An interval may be open for weeks and cut twice a day. What its slots come to that are over is worked out once, and
//! kept as long as they are what they were: the same interval, under the same namings and deployments, after the same
//! total or one that does not matter to them. Only the slot that goes on is charged for each question. The sum is that of
//! [`State::accrual`], to the last digit; nothing here is part of a state.

use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::slot::DURATION_MILLIS_MAX;
use ethnum::I256;

use crate::charging::{self, Outcome};
use crate::deployments::{Deployments, Edition};
use crate::pace::{Extent, Pace};
use crate::rate::{Naming, Piece, Rate, join, rate_at};
use crate::state::{Instance, State};

/// What is known of the open intervals of a state, and of states after it.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    edition: Edition,
    namings: Vec<Naming>,
    /// By resource, then instance.
    dials: Vec<Dial>,
}

/// An open interval.
#[derive(Debug, Clone)]
struct Dial {
    instance: Instance,
    /// Its slots as far as they are known. The last one may go on.
    slots: Vec<Piece>,
    /// Up to where they are known, exclusive.
    known: Millis,
    /// What held last, and from when on it was seen to.
    held: Option<(Millis, Rate)>,
    over: Over,
}

/// What the first slots of an interval come to, all of which are over.
#[derive(Debug, Clone)]
struct Over {
    slots: usize,
    credits: Credits,
    /// The month's total before them.
    total_before: I256,
    /// What they add to it.
    counted: I256,
    /// Whether another total before them would change what they come to.
    by_total: bool,
    /// What no total may pass, lest one of them would come to nothing.
    total_max: I256,
}

impl Meter {
    /// Whether no interval is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.dials.is_empty()
    }

    /// Whether it knows what holds by these deployments.
    pub(crate) fn is_of(&self, deployments: &Deployments) -> bool {
        self.edition == *deployments.edition()
    }

    /// Goes on with the open intervals of a state. What is known of those that are the same stays known.
    pub(crate) fn turn_to(&mut self, state: &State, deployments: &Deployments) {
        if !self.is_of(deployments) || self.namings != state.namings() {
            self.dials.clear();
            self.edition = deployments.edition().clone();
            self.namings.clear();
        }
        let mut dials = std::mem::take(&mut self.dials).into_iter().peekable();
        for instance in state.instances().iter().filter(|instance| instance.runs()) {
            while dials.next_if(|dial| dial.instance.key() < instance.key()).is_some() {}
            let same = dials.next_if(|dial| dial.instance == *instance);
            self.dials.push(same.unwrap_or_else(|| Dial::new(instance)));
        }
        if !self.dials.is_empty() && self.namings.is_empty() {
            self.namings.extend_from_slice(state.namings());
        }
    }

    /// What the open intervals have come to at an instant. `state` is the one that it was turned to.
    pub(crate) fn credits(&mut self, state: &State, deployments: &mut Deployments, at: Millis) -> Credits {
        let mut sum = Credits::ZERO;
        // Those of one resource stand together.
        let mut of_resource: Option<(Arc<str>, I256)> = None;
        for dial in self.dials.iter_mut().filter(|dial| dial.instance.since < at) {
            let resource = &dial.instance.resource;
            let mut total = match of_resource.take() {
                Some((same, total)) if same == *resource => total,
                _ => state.total(resource),
            };
            sum += dial.credits(deployments, state.namings(), &mut total, at);
            of_resource = Some((Arc::clone(&dial.instance.resource), total));
        }
        sum
    }

    /// Whether what an open interval has come to by an instant depends on the month's total before it. It is the other
    /// intervals of its resource before it that may move that total.
    pub(crate) fn depends_on_others(&self, at: Millis) -> bool {
        let mut pairs = self.dials.iter().zip(self.dials.iter().skip(1));
        pairs.any(|(one, next)| one.instance.resource == next.instance.resource && next.uses_total(at))
    }

    /// Whether no total can pass its limit before the month ends that an instant lies in, so that no slot that has begun
    /// by then comes to nothing.
    pub(crate) fn stays_within_totals(&self, state: &State, deployments: &Deployments, at: Millis) -> bool {
        self.dials.chunk_by(|one, next| one.instance.resource == next.instance.resource).all(|dials| {
            let Some(resource) = dials.first().map(|dial| &dial.instance.resource) else { return true };
            let most = dials.iter().map(|dial| dial.instance.usage().volume(DURATION_MILLIS_MAX));
            let most = most.fold(state.total(resource), I256::saturating_add);
            dials.iter().all(|dial| dial.total_max(deployments, at) >= most)
        })
    }

    /// How much the open intervals can come to more or less as time goes on, from an instant on up to where another rate
    /// holds; `None`: nothing is known of that.
    pub(crate) fn pace(&self, state: &State, deployments: &Deployments, at: Millis) -> Option<Pace> {
        if !self.stays_within_totals(state, deployments, at) {
            return None;
        }
        let mut pace = Pace::STILL;
        for dials in self.dials.chunk_by(|one, next| one.instance.resource == next.instance.resource) {
            let Some(first) = dials.first() else { continue };
            // What those before a dial have added to its total, and add in a millisecond.
            let mut before = (state.total(&first.instance.resource), I256::ZERO);
            for dial in dials {
                pace = dial.pace(pace, deployments, at, &mut before)?;
            }
        }
        Some(pace)
    }

    /// What holds for each open interval at an instant, and until when it surely does.
    pub(crate) fn rates(
        &mut self,
        state: &State,
        deployments: &mut Deployments,
        at: Millis,
        mut see: impl FnMut(&Deployments, &Instance, &Rate, Millis),
    ) {
        for dial in &mut self.dials {
            dial.reach(deployments, state.namings(), Millis(at.0.saturating_add(1)));
            match &dial.held {
                Some((from, rate)) if *from <= at => see(deployments, &dial.instance, rate, dial.known),
                _ => {
                    // It was asked about a later instant before.
                    let resource = &dial.instance.resource;
                    let (rate, until) = rate_at(deployments, state.namings(), resource, at);
                    see(deployments, &dial.instance, &rate, until);
                }
            }
        }
    }
}

impl Dial {
    fn new(instance: &Instance) -> Self {
        let known = instance.since;
        Self { instance: instance.clone(), slots: Vec::new(), known, held: None, over: Over::default() }
    }

    /// A pace together with its own, where the total before it is so much and grows by so much in a millisecond; both for
    /// what comes after it then.
    fn pace(
        &self,
        mut pace: Pace,
        deployments: &Deployments,
        at: Millis,
        (total, grows): &mut (I256, I256),
    ) -> Option<Pace> {
        let usage = self.instance.usage();
        let mut begun = self.begun(at).peekable();
        while let Some(slot) = begun.next() {
            let (goes_on, moves) = (begun.peek().is_none(), *grows > I256::ZERO);
            let length = slot.to.min(at).0.saturating_sub(slot.from.0);
            let volume = usage.volume(length);
            let terms = slot.rate.terms.filter(|terms| goes_on || (moves && terms.uses_total));
            if let Some((terms, charge)) = terms.and_then(|terms| Some((terms, terms.charge?))) {
                let version = deployments.version(slot.rate.version)?;
                let slope = version.steepness(charge, usage.amount_in_slot())?;
                let own = |each: I256| if goes_on { each } else { I256::ZERO };
                let extent = Extent { volume, total: *total, duration: I256::from(length) };
                let each_milli = Extent {
                    volume: own(usage.volume(1)),
                    total: if terms.uses_total { *grows } else { I256::ZERO },
                    duration: own(I256::ONE),
                };
                pace = pace.with(slope, (at, extent), each_milli)?;
            }
            *total = total.checked_add(volume)?;
        }
        *grows = grows.checked_add(usage.volume(1))?;
        Some(pace)
    }

    /// Whether one of its slots that have begun by an instant is charged by the total.
    fn uses_total(&self, at: Millis) -> bool {
        self.begun(at).any(|slot| slot.rate.terms.is_some_and(|terms| terms.uses_total))
    }

    /// What no total may pass lest one of its slots that have begun by an instant would come to nothing.
    fn total_max(&self, deployments: &Deployments, at: Millis) -> I256 {
        let mut max = I256::MAX;
        let mut version = None;
        for slot in self.begun(at) {
            if version.replace(slot.rate.version) != Some(slot.rate.version) {
                let limit = charging::total_max(deployments, &self.instance.resource, &slot.rate);
                max = max.min(limit.unwrap_or(I256::MAX));
            }
        }
        max
    }

    fn begun(&self, at: Millis) -> impl Iterator<Item = &Piece> {
        self.slots.iter().take_while(move |slot| slot.from <= at)
    }

    /// Makes the slots known up to an instant.
    fn reach(&mut self, deployments: &mut Deployments, namings: &[Naming], at: Millis) {
        while self.known < at {
            let (rate, until) = rate_at(deployments, namings, &self.instance.resource, self.known);
            self.held = Some((self.known, rate.clone()));
            let piece = Piece { from: self.known, to: until, rate };
            join(deployments, &mut self.slots, piece);
            self.known = until;
        }
    }

    fn credits(
        &mut self,
        deployments: &mut Deployments,
        namings: &[Naming],
        total: &mut I256,
        at: Millis,
    ) -> Credits {
        self.reach(deployments, namings, at);
        let usage = self.instance.usage();
        let begun = self.slots.partition_point(|slot| slot.from < at);
        let Some((last, over)) = self.slots.get(..begun).and_then(<[Piece]>::split_last) else {
            return Credits::ZERO;
        };
        if over.len() < self.over.slots {
            // It was asked about a later instant before; mostly the next ones come after this one.
            self.over = Over::default();
        }
        let before = self.over.go_on(deployments, usage, over, total);
        let slot = Piece { to: at, ..last.clone() };
        before + charging::charge_slot(deployments, usage, slot, total).credits
    }
}

impl Default for Over {
    fn default() -> Self {
        Self {
            slots: 0,
            credits: Credits::ZERO,
            total_before: I256::ZERO,
            counted: I256::ZERO,
            by_total: false,
            total_max: I256::MAX,
        }
    }
}

impl Over {
    /// What slots come to of which the first are known; counts them in the total.
    fn go_on(
        &mut self,
        deployments: &Deployments,
        usage: charging::Usage<'_>,
        slots: &[Piece],
        total: &mut I256,
    ) -> Credits {
        if !self.holds_after(*total) {
            *self = Self::default();
        }
        self.total_before = *total;
        *total = total.saturating_add(self.counted);
        if let Some(new) = slots.get(self.slots..).filter(|new| !new.is_empty()) {
            for piece in new {
                let max = charging::total_max(deployments, usage.resource, &piece.rate);
                self.total_max = self.total_max.min(max.unwrap_or(I256::MAX));
            }
            for slot in charging::charge(deployments, usage, new.to_vec(), total) {
                self.credits += slot.credits;
                self.by_total |= slot.total_before.is_some() || slot.outcome == Outcome::Limit;
            }
            self.slots = slots.len();
            self.counted = total.saturating_sub(self.total_before);
        }
        self.credits
    }

    /// Whether it is the same after a total.
    fn holds_after(&self, total: I256) -> bool {
        total == self.total_before || (!self.by_total && total.saturating_add(self.counted) <= self.total_max)
    }
}
