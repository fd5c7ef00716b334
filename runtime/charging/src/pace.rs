//! How soon the balance can be somewhere else: what lets a search pass over time in which nothing can happen.

use std::sync::OnceLock;

use aquarium_ir::bounds::Slope;
use aquarium_ir::credits::Credits;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::ChargeId;
use aquarium_ir::slot::wide;
use ethnum::I256;

use crate::crossing::Crossing;
use crate::version::Version;

/// Bits of the fraction of a [`Steepness`], which is rounded up.
const FRACTION_BITS: u32 = 96;
/// More credits than this, in 10⁻¹², count as so many: with their fraction they have to fit.
const DISTANCE_MAX: I256 = I256::from_words(1 << 22, 0);

/// A [`Slope`] in integers: 2⁻⁹⁶ of 10⁻¹² credits; by rounding, 10⁻¹² credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steepness {
    volume: I256,
    total: I256,
    duration: I256,
    rounding: I256,
}

/// The steepness of each charge of a version, worked out when it is first asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slopes(Vec<OnceLock<Option<Steepness>>>);

/// At most how much the balance changes by accrual alone, from the first millisecond of a stretch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// In a millisecond: 2⁻⁹⁶ of 10⁻¹² credits.
    each_milli: I256,
    /// By rounding: 10⁻¹² credits.
    rounding: I256,
}

impl Steepness {
    fn of(slope: &Slope) -> Option<Self> {
        let credits = Rational::power_of_ten(i32::from(Credits::PLACES)).0;
        let upwards = |slope: &Rational, bits: u32| {
            let one = Rational::integer(1_u128 << bits).0;
            wide(&(&slope.0 * &credits * one).ceil().to_integer())
        };
        Some(Self {
            volume: upwards(&slope.volume, FRACTION_BITS)?,
            total: upwards(&slope.total, FRACTION_BITS)?,
            duration: upwards(&slope.duration, FRACTION_BITS)?,
            rounding: upwards(&slope.rounding, 0)?,
        })
    }
}

impl Slopes {
    pub(crate) fn unknown(charges: usize) -> Self {
        Self(vec![OnceLock::new(); charges])
    }

    /// The steepness of a charge for all slots that it is proven for; `None`: it may leap.
    pub(crate) fn of(&self, version: &Version, charge: ChargeId) -> Option<Steepness> {
        let worked_out = || {
            let policy = &version.policy;
            let charge = policy.charges.get(charge.index())?;
            let limits = *version.limits(charge.resource)?;
            Steepness::of(&Slope::within(&policy.charged(charge)?, limits, policy.precision)?)
        };
        *self.0.get(charge.index())?.get_or_init(worked_out)
    }
}

impl Pace {
    /// Nothing moves.
    pub(crate) const STILL: Self = Self { each_milli: I256::ZERO, rounding: I256::ZERO };

    /// Together with a slot before which the total grows by so much in a millisecond.
    pub(crate) fn with_total(self, slope: Steepness, grows: I256) -> Option<Self> {
        self.with(slope.total.checked_mul(grows)?, slope.rounding)
    }

    /// Together with a slot that grows by so much volume in a millisecond.
    pub(crate) fn with_volume(self, slope: Steepness, grows: I256) -> Option<Self> {
        self.with(slope.volume.checked_mul(grows)?.checked_add(slope.duration)?, slope.rounding)
    }

    fn with(self, each_milli: I256, rounding: I256) -> Option<Self> {
        Some(Self {
            each_milli: self.each_milli.checked_add(each_milli)?,
            rounding: self.rounding.checked_add(rounding)?,
        })
    }

    /// For how many milliseconds from a look on the balance surely stays on its side of the threshold.
    pub(crate) fn stays(self, look: &Crossing) -> i64 {
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
    use aquarium_ir::instant::Millis;

    use super::*;

    fn look(balance: i64, threshold: i64) -> Crossing {
        Crossing::of(Millis(0), Credits(I256::from(balance)), Credits(I256::from(threshold)))
    }

    #[test]
    fn a_balance_stays_until_just_before_it_can_be_at_the_threshold() {
        let a_unit = I256::ONE << FRACTION_BITS;
        let pace = Pace { each_milli: a_unit, rounding: I256::new(3) };
        assert_eq!(pace.stays(&look(100, 0)), 96);
        assert_eq!(pace.stays(&look(-100, 0)), 96);
        assert_eq!(pace.stays(&look(4, 0)), 0);
        assert_eq!(pace.stays(&look(3, 0)), 0);
        assert_eq!(pace.stays(&look(7, 7)), 0);
        let slower = Pace { each_milli: a_unit / 4, ..pace };
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
    fn balances_of_any_size_are_far_away() {
        let pace = Pace { each_milli: I256::ONE << FRACTION_BITS, rounding: I256::ONE };
        let richest = Crossing::of(Millis(0), Credits(I256::MAX), Credits(I256::MIN));
        assert!(pace.stays(&richest) > 1 << 62);
    }
}
