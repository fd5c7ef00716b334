//! Exact rationals: the numbers of prices, constants and intermediate values.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact rational number in lowest terms.
///
/// Its text is a plain decimal where it is finite (`12.5`, `-0.05`, `0`), else `n/d` in lowest
/// terms (`1/3`); there is no exponent, no trailing zero and no `-0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rational(pub BigRational);

impl Rational {
    /// The number `numerator / 1`.
    #[must_use]
    pub fn integer(value: impl Into<BigInt>) -> Self {
        Self(BigRational::from_integer(value.into()))
    }

    /// The number `numerator / denominator`; `None` where the denominator is zero.
    #[must_use]
    pub fn fraction(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Option<Self> {
        let denominator = denominator.into();
        (!denominator.is_zero()).then(|| Self(BigRational::new(numerator.into(), denominator)))
    }

    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self(BigRational::zero())
    }

    /// One.
    #[must_use]
    pub fn one() -> Self {
        Self(BigRational::one())
    }

    /// Ten to the power of `exponent`, which may be negative.
    #[must_use]
    pub fn power_of_ten(exponent: i32) -> Self {
        let power = integer_power_of_ten(exponent.unsigned_abs());
        // Either way in lowest terms.
        Self(if exponent < 0 {
            BigRational::new_raw(BigInt::one(), power)
        } else {
            BigRational::from_integer(power)
        })
    }

    /// Whether the number is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// The nearest integer, a tie going to the even one.
    #[must_use]
    pub fn round_half_even(&self) -> BigInt {
        let (floor, rest) = self.0.numer().div_mod_floor(self.0.denom());
        let twice: BigInt = rest * 2;
        let up = match twice.cmp(self.0.denom()) {
            Ordering::Less => false,
            Ordering::Equal => floor.is_odd(),
            Ordering::Greater => true,
        };
        if up { floor + 1 } else { floor }
    }

    /// The number of decimal places of the finite decimal, or `None` where the decimal never ends.
    #[must_use]
    pub fn decimal_places(&self) -> Option<u32> {
        if let Some(small) = self.0.denom().to_u64() {
            return decimal_places_of(small);
        }
        let mut rest = self.0.denom().clone();
        let mut places = [0_u32; 2];
        for (factor, count) in [2, 5].into_iter().zip(&mut places) {
            let factor = BigInt::from(factor);
            while (&rest % &factor).is_zero() {
                rest /= &factor;
                *count += 1;
            }
        }
        rest.is_one().then(|| places.into_iter().max().unwrap_or(0))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (&self.0, &other.0);
        if left.denom() == right.denom() || left.numer().sign() != right.numer().sign() {
            return left.numer().cmp(right.numer());
        }
        if let (Some([one, below]), Some([other, other_below])) = (small(left), small(right)) {
            return (i128::from(one) * i128::from(other_below)).cmp(&(i128::from(other) * i128::from(below)));
        }
        (left.numer() * right.denom()).cmp(&(right.numer() * left.denom()))
    }
}

/// Numerator and denominator, where both are small.
fn small(number: &BigRational) -> Option<[i64; 2]> {
    Some([number.numer().to_i64()?, number.denom().to_i64()?])
}

fn integer_power_of_ten(exponent: u32) -> BigInt {
    10_u64.checked_pow(exponent).map_or_else(|| BigInt::from(10).pow(exponent), BigInt::from)
}

/// The decimal places of one part in `denominator`, which is not zero.
fn decimal_places_of(denominator: u64) -> Option<u32> {
    let mut rest = denominator >> denominator.trailing_zeros();
    let mut fives = 0;
    while rest.is_multiple_of(5) {
        rest /= 5;
        fives += 1;
    }
    (rest == 1).then(|| fives.max(denominator.trailing_zeros()))
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(places) = self.decimal_places() else {
            return write!(f, "{}/{}", self.0.numer(), self.0.denom());
        };
        // In lowest terms the denominator divides that power of ten.
        let scaled = self.0.numer() * (integer_power_of_ten(places) / self.0.denom());
        f.write_str(&scaled_decimal(&scaled.to_string(), places as usize))
    }
}

/// The plain decimal text of an integer (as text) times ten to the power of `-places`.
#[must_use]
pub(crate) fn scaled_decimal(integer: &str, places: usize) -> String {
    let (sign, digits) = integer.strip_prefix('-').map_or(("", integer), |digits| ("-", digits));
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

/// Why a text is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a decimal number such as `12`, `-0.5` or `1e3`")]
pub struct NotANumber(pub String);

impl FromStr for Rational {
    type Err = NotANumber;

    /// Reads what [`Display`](fmt::Display) writes, and decimals with an exponent of at most three digits.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        parse(text).ok_or_else(|| NotANumber(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Rational> {
    if let Some((numerator, denominator)) = text.split_once('/') {
        return Rational::fraction(numerator.parse::<BigInt>().ok()?, denominator.parse::<BigInt>().ok()?);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok().filter(|e| e.abs() < 1000)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !digits(unsigned) || !digits(fraction) || mantissa.ends_with('.') {
        return None;
    }
    let places = i32::try_from(fraction.len()).ok()?;
    if let Some(small) = small_decimal(whole, fraction).filter(|_| exponent == 0) {
        return Some(small);
    }
    let integer: BigInt = format!("{whole}{fraction}").parse().ok()?;
    Some(Rational(
        BigRational::from_integer(integer) * Rational::power_of_ten(i32::from(exponent) - places).0,
    ))
}

/// A decimal whose digits fit into 64 bits, as nearly all that people write do.
fn small_decimal(whole: &str, fraction: &str) -> Option<Rational> {
    let integer: i64 = whole.parse().ok()?;
    let denominator = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let magnitude = integer.unsigned_abs().checked_mul(denominator)?.checked_add(part)?;
    let common = magnitude.gcd(&denominator);
    let numerator = BigInt::from(magnitude / common);
    let numerator = if whole.starts_with('-') { -numerator } else { numerator };
    Some(Rational(BigRational::new_raw(numerator, BigInt::from(denominator / common))))
}

impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// `value` as a `u32`, where it is a whole number in that range.
#[must_use]
pub fn small_integer(value: &Rational) -> Option<u32> {
    value.0.is_integer().then(|| value.0.to_integer().to_u32()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_plain_decimals_or_fractions_in_lowest_terms() {
        for (text, printed) in [
            ("12.50", "12.5"),
            ("-0", "0"),
            ("1e3", "1000"),
            ("-5e-3", "-0.005"),
            ("2/6", "1/3"),
            ("0.10", "0.1"),
        ] {
            assert_eq!(text.parse::<Rational>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".5", "1.", "1,000", "0x1", "1/0", "NaN", "1e9999", "+1"] {
            assert!(text.parse::<Rational>().is_err(), "{text}");
        }
    }

    #[test]
    fn ties_go_to_the_even_integer() {
        for (text, rounded) in
            [("0.5", 0), ("1.5", 2), ("2.5", 2), ("-0.5", 0), ("-1.5", -2), ("2.51", 3), ("-2.51", -3)]
        {
            assert_eq!(text.parse::<Rational>().unwrap().round_half_even(), BigInt::from(rounded), "{text}");
        }
    }
}
