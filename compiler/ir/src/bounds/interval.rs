//! Closed intervals of exact rationals, and what the operations do to them.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::exact;
use crate::expression::{Comparison, Rounding};
use crate::number::Rational;

/// All numbers from `least` to `greatest`, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The lower end.
    pub least: Rational,
    /// The upper end.
    pub greatest: Rational,
}

impl Interval {
    /// The interval between two numbers given in either order.
    #[must_use]
    pub fn between(one: BigRational, other: BigRational) -> Self {
        let (one, other) = (Rational(one), Rational(other));
        let (least, greatest) = if one <= other { (one, other) } else { (other, one) };
        Self { least, greatest }
    }

    /// A single number.
    #[must_use]
    pub fn point(value: BigRational) -> Self {
        Self { least: Rational(value.clone()), greatest: Rational(value) }
    }

    /// From zero to a limit.
    #[must_use]
    pub fn up_to(limit: BigInt) -> Self {
        Self::between(BigRational::zero(), BigRational::from_integer(limit))
    }

    /// The only number of the interval, where it holds one alone.
    #[must_use]
    pub fn single(&self) -> Option<&BigRational> {
        (self.least == self.greatest).then_some(&self.least.0)
    }

    /// Whether zero is among its numbers.
    #[must_use]
    pub fn holds_zero(&self) -> bool {
        !self.least.0.is_positive() && !self.greatest.0.is_negative()
    }

    /// Whether no number is below zero.
    #[must_use]
    pub fn is_never_negative(&self) -> bool {
        !self.least.is_negative()
    }

    /// Whether no number is above zero.
    #[must_use]
    pub fn is_never_positive(&self) -> bool {
        !self.greatest.0.is_positive()
    }

    /// The greatest absolute value.
    #[must_use]
    pub fn magnitude(&self) -> BigRational {
        self.least.0.abs().max(self.greatest.0.abs())
    }

    /// The least interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// What both hold, `None` where they hold nothing in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let least = (&self.least).max(&other.least);
        let greatest = (&self.greatest).min(&other.greatest);
        (least <= greatest).then(|| Self { least: least.clone(), greatest: greatest.clone() })
    }

    /// The multiples of `scale` within the interval, `None` where there is none.
    #[must_use]
    pub fn multiples(&self, scale: &BigRational) -> Option<Self> {
        let least = exact::ceiling(&self.least.0, scale);
        let greatest = exact::floor(&self.greatest.0, scale);
        (least <= greatest).then(|| Self {
            least: Rational(exact::multiple(least, scale)),
            greatest: Rational(exact::multiple(greatest, scale)),
        })
    }

    pub(super) fn negated(&self) -> Self {
        Self { least: Rational(-&self.greatest.0), greatest: Rational(-&self.least.0) }
    }

    pub(super) fn absolute(&self) -> Self {
        if self.is_never_negative() {
            self.clone()
        } else if self.is_never_positive() {
            self.negated()
        } else {
            Self::between(BigRational::zero(), self.magnitude())
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            least: Rational(&self.least.0 + &other.least.0),
            greatest: Rational(&self.greatest.0 + &other.greatest.0),
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        self.corners(other, exact::product)
    }

    pub(super) fn scaled(&self, factor: &BigRational) -> Self {
        Self::between(exact::product(&self.least.0, factor), exact::product(&self.greatest.0, factor))
    }

    /// The least magnitude of an interval without zero.
    pub(super) fn nearest_to_zero(&self) -> BigRational {
        self.least.0.abs().min(self.greatest.0.abs())
    }

    /// The quotients by those divisors that are not nearer to zero than `nearest`.
    pub(super) fn divided_by(&self, divisor: &Self, nearest: &BigRational) -> Self {
        let far = Self::between(nearest.clone(), divisor.magnitude().max(nearest.clone()));
        let quotient = |divisor: Self| self.corners(&divisor, exact::quotient);
        let positive = divisor.intersection(&far).map(quotient);
        let negative = divisor.intersection(&far.negated()).map(quotient);
        let either = positive.into_iter().chain(negative).reduce(Self::hull);
        either.unwrap_or_else(|| Self::point(BigRational::zero()))
    }

    pub(super) fn rounded(&self, rounding: Rounding, step: &BigRational) -> Self {
        let round =
            |value: &BigRational| exact::multiple(rounding.round(&exact::quotient(value, step)), step);
        Self::between(round(&self.least.0), round(&self.greatest.0))
    }

    pub(super) fn minimum(&self, other: &Self) -> Self {
        Self::between(
            (&self.least.0).min(&other.least.0).clone(),
            (&self.greatest.0).min(&other.greatest.0).clone(),
        )
    }

    pub(super) fn maximum(&self, other: &Self) -> Self {
        Self::between(
            (&self.least.0).max(&other.least.0).clone(),
            (&self.greatest.0).max(&other.greatest.0).clone(),
        )
    }

    /// The truth of a comparison for all pairs alike, if they agree.
    pub(super) fn compared(&self, comparison: Comparison, other: &Self) -> Option<bool> {
        let always_less = self.greatest < other.least;
        let never_greater = self.greatest <= other.least;
        let always_greater = self.least > other.greatest;
        let never_less = self.least >= other.greatest;
        let decided = |yes: bool, no: bool| if yes { Some(true) } else { no.then_some(false) };
        let same = self.single().is_some() && self == other;
        match comparison {
            Comparison::Greater => decided(always_greater, never_greater),
            Comparison::GreaterOrEqual => decided(never_less, always_less),
            Comparison::Less => decided(always_less, never_less),
            Comparison::LessOrEqual => decided(never_greater, always_greater),
            Comparison::Equal => decided(same, always_less || always_greater),
            Comparison::NotEqual => decided(always_less || always_greater, same),
        }
    }

    fn corners(&self, other: &Self, of: impl Fn(&BigRational, &BigRational) -> BigRational) -> Self {
        let edge = |left: &BigRational| Self::between(of(left, &other.least.0), of(left, &other.greatest.0));
        edge(&self.least.0).hull(edge(&self.greatest.0))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(_) => write!(f, "{}", self.least),
            None => write!(f, "{} to {}", self.least, self.greatest),
        }
    }
}
