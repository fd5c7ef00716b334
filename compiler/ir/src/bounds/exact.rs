//! Products and quotients of rationals that mostly fit into 128 bits: as those of the number library, with a
//! faster common divisor.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

pub(super) fn product(left: &BigRational, right: &BigRational) -> BigRational {
    if left.is_zero() || right.is_zero() {
        return BigRational::zero();
    }
    let (above, other_below) = reduced(left.numer(), right.denom());
    let (other_above, below) = reduced(right.numer(), left.denom());
    BigRational::new_raw(above * other_above, below * other_below)
}

/// `right` is not zero.
pub(super) fn quotient(left: &BigRational, right: &BigRational) -> BigRational {
    product(left, &right.recip())
}

/// The quotient rounded down; `scale` is positive.
pub(super) fn floor(value: &BigRational, scale: &BigRational) -> BigInt {
    (value.numer() * scale.denom()).div_floor(&(value.denom() * scale.numer()))
}

/// The quotient rounded up; `scale` is positive.
pub(super) fn ceiling(value: &BigRational, scale: &BigRational) -> BigInt {
    Integer::div_ceil(&(value.numer() * scale.denom()), &(value.denom() * scale.numer()))
}

/// `scale` that many times.
pub(super) fn multiple(count: BigInt, scale: &BigRational) -> BigRational {
    product(&BigRational::from_integer(count), scale)
}

/// Both without their common divisor.
fn reduced(above: &BigInt, below: &BigInt) -> (BigInt, BigInt) {
    if below.is_one() {
        return (above.clone(), below.clone());
    }
    let divisor = common_divisor(above, below);
    if divisor.is_one() { (above.clone(), below.clone()) } else { (above / &divisor, below / &divisor) }
}

pub(super) fn common_divisor(left: &BigInt, right: &BigInt) -> BigInt {
    match (left.magnitude().to_u128(), right.magnitude().to_u128()) {
        (Some(left), Some(right)) => small(left, right).into(),
        (None, Some(small_one)) if small_one != 0 => {
            let rest = (left.magnitude() % small_one).to_u128();
            rest.map_or_else(|| left.gcd(right), |rest| small(small_one, rest).into())
        }
        (Some(_), None) => common_divisor_of_small(left, right),
        _ => left.gcd(right),
    }
}

fn common_divisor_of_small(left: &BigInt, right: &BigInt) -> BigInt {
    if left.is_zero() { left.gcd(right) } else { common_divisor(right, left) }
}

fn small(left: u128, right: u128) -> u128 {
    if right == 0 {
        return left;
    }
    let rest = left % right;
    match (u64::try_from(rest), u64::try_from(right)) {
        (Ok(rest), Ok(right)) => u128::from(rest.gcd(&right)),
        _ => rest.gcd(&right),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rational() -> impl Strategy<Value = BigRational> {
        let integer = || {
            let parts = (any::<i128>(), any::<i64>(), 0_u32..130, 0_u32..3);
            parts.prop_map(|(one, other, shift, power)| {
                BigInt::from(one >> shift.min(127)) * BigInt::from(other).pow(power)
            })
        };
        (integer(), integer()).prop_map(|(above, below)| {
            let below = if below.is_zero() { BigInt::one() } else { below };
            BigRational::new(above, below)
        })
    }

    proptest! {
        #[test]
        fn everything_is_as_the_library_has_it(left in rational(), right in rational()) {
            prop_assert_eq!(product(&left, &right), &left * &right);
            prop_assert_eq!(common_divisor(left.numer(), right.numer()), left.numer().gcd(right.numer()));
            if !right.is_zero() {
                let exact = &left / &right;
                prop_assert_eq!(&quotient(&left, &right), &exact);
                let scale = num_traits::Signed::abs(&right);
                let other = BigRational::from_integer(35.into()) / &scale;
                let common: BigInt = (scale.numer() * other.denom()).gcd(&(other.numer() * scale.denom()));
                prop_assert_eq!(
                    crate::bounds::greatest_common_divisor(&scale, &other),
                    BigRational::new(common, scale.denom() * other.denom())
                );
                prop_assert_eq!(floor(&left, &scale), (&left / &scale).floor().to_integer());
                prop_assert_eq!(ceiling(&left, &scale), (&left / &scale).ceil().to_integer());
                prop_assert_eq!(multiple(7.into(), &right), BigRational::from_integer(7.into()) * &right);
            }
        }
    }
}
