//! Amounts of credits in wallets: finite decimals with at most twelve places.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use ethnum::I256;
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::number::{NotANumber, Rational, scaled_decimal};

/// An amount of credits: a 256-bit count of 10⁻¹² credits.
///
/// The compiler refuses a charge whose bound leaves fewer than 40 bits of room, so sums of charges
/// do not reach the limit; addition nevertheless saturates instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Credits(pub I256);

impl Credits {
    /// Decimal places of the count.
    pub const PLACES: u8 = 12;
    /// No credits.
    pub const ZERO: Self = Self(I256::ZERO);

    /// `count` times ten to the power of `-places`, `places` being at most twelve.
    #[must_use]
    pub fn from_scaled(count: I256, places: u8) -> Self {
        let power = u32::from(Self::PLACES.saturating_sub(places));
        Self(count.saturating_mul(I256::new(10).pow(power)))
    }

    /// The amount as an exact rational.
    #[must_use]
    pub fn to_rational(self) -> Rational {
        let integer = self.0.to_string().parse::<BigInt>().unwrap_or_default();
        Rational(Rational::integer(integer).0 * Rational::power_of_ten(-i32::from(Self::PLACES)).0)
    }

    /// The amount nearest to `value` with `places` decimal places, a tie going to the even digit.
    /// Saturates where the amount does not fit.
    #[must_use]
    pub fn round(value: &Rational, places: u8) -> Self {
        if let Some(count) = Self::round_small(value, places) {
            return Self::from_scaled(count, places);
        }
        let count = Rational(&value.0 * Rational::power_of_ten(i32::from(places)).0).round_half_even();
        let limit = if value.is_negative() { I256::MIN } else { I256::MAX };
        Self::from_scaled(I256::from_str(&count.to_string()).unwrap_or(limit), places)
    }

    /// The count of `10^-places` where all of it is small: thresholds and grants are, and are asked for often.
    fn round_small(value: &Rational, places: u8) -> Option<I256> {
        let (numerator, denominator) = (value.0.numer().to_i64()?, value.0.denom().to_i64()?);
        let scaled = i128::from(numerator).checked_mul(10_i128.checked_pow(u32::from(places))?)?;
        let denominator = i128::from(denominator);
        let (floor, rest) = (scaled.div_euclid(denominator), scaled.rem_euclid(denominator));
        let up = rest * 2 > denominator || (rest * 2 == denominator && floor % 2 != 0);
        Some(I256::from(floor + i128::from(up)))
    }

    /// Whether the amount is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == I256::ZERO
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < I256::ZERO
    }
}

impl Add for Credits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Credits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Credits {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl AddAssign for Credits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Credits {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Credits {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&scaled_decimal(&self.0.to_string(), usize::from(Self::PLACES)))
    }
}

impl FromStr for Credits {
    type Err = NotANumber;

    /// Reads a decimal with at most twelve places.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let value: Rational = text.parse()?;
        let rounded = Self::round(&value, Self::PLACES);
        if rounded.to_rational() == value { Ok(rounded) } else { Err(NotANumber(text.to_owned())) }
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use num_rational::BigRational;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn small_numbers_are_rounded_as_any_other(numerator: i64, denominator in 1_i64.., shift in 0_u32..60, places in 0_u8..=12) {
            let value = Rational(BigRational::new((numerator >> shift).into(), denominator.into()));
            let count = Rational(&value.0 * Rational::power_of_ten(i32::from(places)).0).round_half_even();
            if let Some(small) = Credits::round_small(&value, places) {
                prop_assert_eq!(small.to_string(), count.to_string());
            }
        }

        #[test]
        fn ties_go_to_the_even_digit(halves in -1_000_001_i64..1_000_001) {
            let value = Rational(BigRational::new(halves.into(), 2.into()));
            prop_assert_eq!(Credits::round_small(&value, 0).map(|count| count.to_string()), Some(value.round_half_even().to_string()));
        }
    }

    #[test]
    fn amounts_print_without_exponent_trailing_zero_or_negative_zero() {
        for text in ["0", "-12.5", "321.32", "0.000000000001", "100"] {
            assert_eq!(text.parse::<Credits>().unwrap().to_string(), text);
        }
        assert_eq!((-Credits::ZERO).to_string(), "0");
    }

    #[test]
    fn a_thirteenth_place_is_refused() {
        assert!("0.0000000000001".parse::<Credits>().is_err());
    }
}
