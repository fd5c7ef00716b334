//! Charge slots: what one call of a compiled charge works on, and the limits that slots keep to.
//!
//! The limits are what makes expressions total: the compiler proves every operation for all slots
//! within them, so whoever charges checks a slot against them first ([`Limits::check`]).

use ethnum::I256;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;

use crate::number::Rational;
use crate::policy::{ChargeId, CostPolicy, Resource};

/// Decimal places of an event's value: raw values and amounts count 10⁻⁹.
pub const VALUE_PLACES: u8 = 9;

/// The longest slot. A slot lies within a billing month: 31 days, and room for clock changes, a crossing
/// of the date line, and the month in which a policy changes its zone.
pub const DURATION_MILLIS_MAX: i64 = 34 * 24 * 3_600_000;

/// How many times `max` (as a number of the declared unit) the month's total may reach.
pub const TOTAL_PER_MAX: u64 = 1_000_000_000_000;

/// The input of one charge, in raw integers.
///
/// | cost policy | raw volume and total | amount | duration |
/// |---|---|---|---|
/// | `discrete` | 10⁻⁹ of the unit | the value, 10⁻⁹ | 0 |
/// | `onoff` | ms | 0 | ms |
/// | `continuous` | 10⁻⁹ of the amount's unit × ms | 10⁻⁹ | ms |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// What to evaluate.
    pub charge: ChargeId,
    /// The raw volume.
    pub volume: I256,
    /// The raw total of the month before this slot.
    pub total: I256,
    /// The raw amount (`continuous`) or value (`discrete`).
    pub amount: I256,
    /// The length in milliseconds.
    pub duration_millis: i64,
}

/// Why a slot could not be charged. None of these happens to a slot within its [`Limits`] and a policy that
/// the compiler accepted; each is a defect, and is told to the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// The policy has no such charge.
    #[error("the policy has no charge {0}")]
    UnknownCharge(u32),
    /// The slot is beyond what the expression was proven for.
    #[error("the {0} of the slot is beyond the limits of its resource")]
    BeyondLimits(&'static str),
    /// A divisor was zero.
    #[error("a divisor is zero at node {0}")]
    DivisionByZero(u32),
    /// The expression is not well formed.
    #[error("the expression is not well formed at node {0}")]
    Malformed(u32),
    /// The compiled code stopped.
    #[error("the compiled charge stopped: {0}")]
    Stopped(String),
}

/// The largest raw integers of a resource's slots; none is ever below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How usage becomes volume, which ties volume, amount and duration together.
    pub cost_policy: CostPolicy,
    /// Of the volume of one slot.
    pub volume: I256,
    /// Of the month's total, this slot included: `total + volume` does not pass it.
    pub total: I256,
    /// Of the amount (`continuous`) or value (`discrete`).
    pub amount: I256,
    /// Of the length.
    pub duration_millis: i64,
}

impl Limits {
    /// The limits of a resource.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let amount = floor(&resource.max);
        let month = I256::from(DURATION_MILLIS_MAX);
        let (volume, amount, duration_millis) = match resource.cost_policy {
            CostPolicy::Discrete => (amount, amount, 0),
            CostPolicy::Onoff => (month, I256::ZERO, DURATION_MILLIS_MAX),
            CostPolicy::Continuous => (amount.saturating_mul(month), amount, DURATION_MILLIS_MAX),
        };
        let per_max = &resource.raw_per_unit.0 * BigRational::from_integer(BigInt::from(TOTAL_PER_MAX));
        let scale = Rational::power_of_ten(-i32::from(VALUE_PLACES));
        let total = floor(&Rational(&resource.max.0 * per_max * scale.0));
        Self { cost_policy: resource.cost_policy, volume, total, amount, duration_millis }
    }

    /// The limits with another one of the amount.
    #[must_use]
    pub fn with_amount(self, amount: I256) -> Self {
        let volume = match self.cost_policy {
            CostPolicy::Discrete => amount,
            CostPolicy::Onoff => self.volume,
            CostPolicy::Continuous => amount.saturating_mul(I256::from(DURATION_MILLIS_MAX)),
        };
        Self { volume, amount, ..self }
    }

    /// Whether an expression proven for this resource may be evaluated over `slot`.
    ///
    /// # Errors
    /// [`Trap::BeyondLimits`] names the first field that is too large, negative, or does not follow from
    /// the others (the volume of a continuous slot is its amount times its length).
    #[inline]
    pub fn check(&self, slot: &Slot) -> Result<(), Trap> {
        let within = |value: I256, limit: I256| value >= I256::ZERO && value <= limit;
        if !(0..=self.duration_millis).contains(&slot.duration_millis) {
            return Err(Trap::BeyondLimits("duration"));
        }
        if !within(slot.amount, self.amount) {
            return Err(Trap::BeyondLimits("amount"));
        }
        let volume = volume_of(self.cost_policy, slot.amount, slot.duration_millis);
        if slot.volume != volume || !within(volume, self.volume) {
            return Err(Trap::BeyondLimits("volume"));
        }
        if slot.total < I256::ZERO || slot.total > self.total.saturating_sub(volume) {
            return Err(Trap::BeyondLimits("total"));
        }
        Ok(())
    }
}

/// The raw volume of an amount or value over a length of time.
#[must_use]
#[inline]
pub fn volume_of(cost_policy: CostPolicy, amount: I256, duration_millis: i64) -> I256 {
    match cost_policy {
        CostPolicy::Discrete => amount,
        CostPolicy::Onoff => I256::from(duration_millis),
        CostPolicy::Continuous => match (u64::try_from(amount), u64::try_from(duration_millis)) {
            // Nearly always; the product fits into 128 bits, and nothing has to be watched.
            (Ok(amount), Ok(duration)) => I256::from(u128::from(amount) * u128::from(duration)),
            _ => amount.saturating_mul(I256::from(duration_millis)),
        },
    }
}

/// The greatest integer not above `value`, saturating; zero where `value` is negative.
fn floor(value: &Rational) -> I256 {
    if value.is_negative() { I256::ZERO } else { wide(&value.0.floor().to_integer()).unwrap_or(I256::MAX) }
}

/// An integer of any size as a 256-bit one, where it fits.
#[must_use]
pub fn wide(integer: &BigInt) -> Option<I256> {
    let digits = integer.to_signed_bytes_le();
    let fill = if integer.is_negative() { 0xff } else { 0 };
    let mut bytes = [fill; 32];
    bytes.get_mut(..digits.len())?.copy_from_slice(&digits);
    Some(I256::from_le_bytes(bytes))
}

/// A 256-bit integer as one of any size.
#[must_use]
pub fn unlimited(integer: I256) -> BigInt {
    BigInt::from_signed_bytes_le(&integer.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_integers_keep_their_value_at_the_edges() {
        for integer in [I256::MIN, I256::MAX, I256::ZERO, I256::new(-1), I256::new(1_i128 << 64)] {
            assert_eq!(wide(&unlimited(integer)), Some(integer));
        }
        assert_eq!(wide(&(unlimited(I256::MAX) + 1)), None);
        assert_eq!(wide(&(unlimited(I256::MIN) - 1)), None);
    }
}
