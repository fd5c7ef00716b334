//! How soon the balance can be somewhere else: what lets a search pass over time in which nothing can happen.

use std::sync::OnceLock;

use aquarium_ir::bounds::{Boundary, Slope, Weights};
use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::ChargeId;
use aquarium_ir::slot::wide;
use ethnum::I256;
use num_integer::Integer;

use crate::crossing::Crossing;
use crate::version::Version;

/// Bits of the fraction of a [`Steepness`], which is rounded up.
const FRACTION_BITS: u32 = 96;
/// More credits than this, in 10⁻¹², count as so many: with their fraction they have to fit.
const DISTANCE_MAX: I256 = I256::from_words(1 << 22, 0);

/// A [`Slope`] in integers: 2⁻⁹⁶ of 10⁻¹² credits; by rounding, 10⁻¹² credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steepness {
    weights: Extent,
    rounding: I256,
    edges: Vec<Edge>,
}

/// A [`Boundary`] in integers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    weights: Extent,
    at: I256,
}

/// What is of a slot at an instant, what comes to it in a millisecond, or how much each of that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The raw volume.
    pub(crate) volume: I256,
    /// The raw total before it.
    pub(crate) total: I256,
    /// Its milliseconds.
    pub(crate) duration: I256,
}

impl Extent {
    fn of(weights: &Weights, whole: impl Fn(&Rational) -> Option<I256>) -> Option<Self> {
        let Weights { volume, total, duration } = weights;
        Some(Self { volume: whole(volume)?, total: whole(total)?, duration: whole(duration)? })
    }

    /// The sum by weights.
    fn sum(self, weights: Self) -> Option<I256> {
        let volume = self.volume.checked_mul(weights.volume)?;
        let total = self.total.checked_mul(weights.total)?;
        let duration = self.duration.checked_mul(weights.duration)?;
        volume.checked_add(total)?.checked_add(duration)
    }
}

/// The steepness of each charge of a version, worked out when it is first asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slopes(Vec<OnceLock<Option<Steepness>>>);

/// At most how much the balance changes by accrual alone, from the first millisecond of a stretch on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pace {
    /// In a millisecond: 2⁻⁹⁶ of 10⁻¹² credits.
    each_milli: I256,
    /// By rounding: 10⁻¹² credits.
    rounding: I256,
    /// When it may leap besides.
    leaps: Vec<Millis>,
}

impl Steepness {
    fn of(slope: &Slope) -> Option<Self> {
        let credits = Rational::power_of_ten(i32::from(Credits::PLACES)).0;
        let upwards = |slope: &Rational, bits: u32| {
            let one = Rational::integer(1_u128 << bits).0;
            wide(&(&slope.0 * &credits * one).ceil().to_integer())
        };
        Some(Self {
            weights: Extent::of(&slope.weights, |weight| upwards(weight, FRACTION_BITS))?,
            rounding: upwards(&slope.rounding, 0)?,
            edges: slope.boundaries.iter().map(Edge::of).collect::<Option<_>>()?,
        })
    }
}

impl Edge {
    fn of(boundary: &Boundary) -> Option<Self> {
        let Boundary { weights, at } = boundary;
        let denominators =
            [&weights.volume, &weights.total, &weights.duration, at].map(|it| it.0.denom().clone());
        let common = denominators.into_iter().reduce(|one, other| one.lcm(&other))?;
        let whole = |part: &Rational| wide(&(part.0.numer() * (&common / part.0.denom())));
        Some(Self { weights: Extent::of(weights, whole)?, at: whole(at)? })
    }

    /// The milliseconds after which a slot comes to the edge and has passed it, where it does.
    fn met(&self, slot: Extent, each_milli: Extent) -> Option<[I256; 2]> {
        let (from, step) = (slot.sum(self.weights)?.checked_sub(self.at)?, each_milli.sum(self.weights)?);
        let towards = from == I256::ZERO || (from < I256::ZERO) == (step > I256::ZERO);
        if step == I256::ZERO || !towards {
            return Some([I256::ZERO; 2]);
        }
        let (from, step) = (from.checked_abs()?, step.checked_abs()?);
        let passed = from / step + I256::ONE;
        Some([if from % step == I256::ZERO { passed - I256::ONE } else { passed }, passed])
    }
}

impl Slopes {
    pub(crate) fn unknown(charges: usize) -> Self {
        Self(vec![OnceLock::new(); charges])
    }

    /// The steepness of a charge for all slots that it is proven for; `None`: it may leap anywhere.
    pub(crate) fn of(&self, version: &Version, charge: ChargeId) -> Option<&Steepness> {
        let worked_out = || {
            let policy = &version.policy;
            let charge = policy.charges.get(charge.index())?;
            let limits = *version.limits(charge.resource)?;
            Steepness::of(&Slope::within(&policy.charged(charge)?, limits, policy.precision)?)
        };
        self.0.get(charge.index())?.get_or_init(worked_out).as_ref()
    }
}

impl Pace {
    /// Nothing moves.
    pub(crate) const STILL: Self = Self { each_milli: I256::ZERO, rounding: I256::ZERO, leaps: Vec::new() };

    /// Together with a slot that is so large at an instant and grows by so much in a millisecond; `None`: nothing is known of
    /// what it can come to.
    pub(crate) fn with(
        mut self,
        slope: &Steepness,
        (at, slot): (Millis, Extent),
        each_milli: Extent,
    ) -> Option<Self> {
        self.each_milli = self.each_milli.checked_add(each_milli.sum(slope.weights)?)?;
        self.rounding = self.rounding.checked_add(slope.rounding)?;
        for edge in &slope.edges {
            let met = edge.met(slot, each_milli)?.into_iter().filter(|millis| *millis > I256::ZERO);
            let instants = met.filter_map(|millis| at.0.checked_add(i64::try_from(millis).ok()?));
            self.leaps.extend(instants.map(Millis));
        }
        Some(self)
    }

    /// For how many milliseconds from a look on the balance surely stays on its side of the threshold.
    pub(crate) fn stays(&self, look: &Crossing) -> i64 {
        let leap = self.leaps.iter().filter(|leap| **leap > look.at).min();
        let still = leap.map_or(i64::MAX, |leap| leap.0.saturating_sub(look.at.0).saturating_sub(1));
        self.stays_by_accrual(look).min(still)
    }

    /// The same where it does not leap.
    fn stays_by_accrual(&self, look: &Crossing) -> i64 {
        let apart = (look.balance - look.threshold).0;
        let apart = apart.checked_abs().unwrap_or(DISTANCE_MAX).min(DISTANCE_MAX);
        let room = apart.saturating_sub(self.rounding);
        if room <= I256::ZERO {
            return 0;
        }
        // Less than the room is used up.
        let used = (room << FRACTION_BITS) - I256::ONE;
        used.checked_div(self.each_milli).map_or(i64::MAX, |millis| millis.min(I256::from(i64::MAX)).as_i64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(balance: i64, threshold: i64) -> Crossing {
        Crossing::of(Millis(0), Credits(I256::from(balance)), Credits(I256::from(threshold)))
    }

    #[test]
    fn a_balance_stays_until_just_before_it_can_be_at_the_threshold() {
        let a_unit = I256::ONE << FRACTION_BITS;
        let pace = Pace { each_milli: a_unit, rounding: I256::new(3), ..Pace::STILL };
        assert_eq!(pace.stays(&look(100, 0)), 96);
        assert_eq!(pace.stays(&look(-100, 0)), 96);
        assert_eq!(pace.stays(&look(4, 0)), 0);
        assert_eq!(pace.stays(&look(3, 0)), 0);
        assert_eq!(pace.stays(&look(7, 7)), 0);
        let slower = Pace { each_milli: a_unit / 4, ..pace.clone() };
        assert_eq!(slower.stays(&look(100, 0)), 387);
    }

    #[test]
    fn what_does_not_move_stays_for_ever_unless_rounding_can_move_it() {
        assert_eq!(Pace::STILL.stays(&look(1, 0)), i64::MAX);
        assert_eq!(Pace::STILL.stays(&look(0, 0)), 0);
        let rounded = Pace { rounding: I256::new(2), ..Pace::STILL };
        assert_eq!(rounded.stays(&look(2, 0)), 0);
        assert_eq!(rounded.stays(&look(3, 0)), i64::MAX);
    }

    #[test]
    fn an_edge_is_met_when_a_slot_comes_to_it_and_again_when_it_is_passed() {
        let number = |number: i64| Rational::integer(number);
        let third = Rational::fraction(1, 3).unwrap();
        let weights = Weights { volume: third, total: number(2), duration: Rational::zero() };
        let edge = Edge::of(&Boundary { weights, at: number(100) }).unwrap();
        let extent = |volume: i64, total: i64| Extent {
            volume: I256::from(volume),
            total: I256::from(total),
            duration: I256::ZERO,
        };
        let met = |slot, each_milli| edge.met(slot, each_milli).unwrap().map(I256::as_i64);
        assert_eq!(met(extent(0, 0), extent(3, 2)), [20, 21]);
        assert_eq!(met(extent(0, 0), extent(0, 3)), [17, 17]);
        assert_eq!(met(extent(300, 0), extent(3, 0)), [0, 1]);
        assert_eq!(met(extent(301, 0), extent(3, 0)), [0, 0], "it leads away");
        assert_eq!(met(extent(0, 0), extent(0, 0)), [0, 0], "nothing moves");
        assert_eq!(met(extent(600, 0), extent(-3, 0)), [100, 101]);
    }

    #[test]
    fn a_balance_stays_until_just_before_it_can_leap() {
        let pace = Pace { leaps: vec![Millis(500), Millis(90)], ..Pace::STILL };
        assert_eq!(pace.stays(&look(100, 0)), 89);
        let at = |millis: i64| Crossing { at: Millis(millis), ..look(100, 0) };
        assert_eq!(pace.stays(&at(89)), 0);
        assert_eq!(pace.stays(&at(90)), 409);
        assert_eq!(pace.stays(&at(500)), i64::MAX);
    }

    #[test]
    fn balances_of_any_size_are_far_away() {
        let pace = Pace { each_milli: I256::ONE << FRACTION_BITS, rounding: I256::ONE, ..Pace::STILL };
        let richest = Crossing::of(Millis(0), Credits(I256::MAX), Credits(I256::MIN));
        assert!(pace.stays(&richest) > 1 << 62);
    }
}
