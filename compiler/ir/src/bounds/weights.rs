//! Sums over what changes with a slot.

use num_rational::BigRational;

use crate::expression::Variable;
use crate::number::Rational;

/// How much each raw unit of volume, each of the total before the slot and each millisecond counts in a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Each raw unit of volume.
    pub volume: Rational,
    /// Each raw unit of the total before the slot.
    pub total: Rational,
    /// Each millisecond.
    pub duration: Rational,
}

impl Weights {
    /// Nothing counts.
    pub(super) fn zero() -> Self {
        Self { volume: Rational::zero(), total: Rational::zero(), duration: Rational::zero() }
    }

    /// A variable alone; `None`: all slots of one amount have the same.
    pub(super) fn of(variable: Variable, weight: Rational) -> Option<Self> {
        match variable {
            Variable::Volume => Some(Self { volume: weight, ..Self::zero() }),
            Variable::Total => Some(Self { total: weight, ..Self::zero() }),
            Variable::Duration => Some(Self { duration: weight, ..Self::zero() }),
            Variable::Value | Variable::Amount => None,
        }
    }

    /// Those of two sums together.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.with(other, |one, other| Rational(&one.0 + &other.0))
    }

    /// Those of two, weight by weight.
    pub(super) fn with(&self, other: &Self, join: impl Fn(&Rational, &Rational) -> Rational) -> Self {
        Self {
            volume: join(&self.volume, &other.volume),
            total: join(&self.total, &other.total),
            duration: join(&self.duration, &other.duration),
        }
    }

    /// Those of a multiple.
    pub(super) fn times(&self, factor: &BigRational) -> Self {
        let times = |weight: &Rational| Rational(&weight.0 * factor);
        Self { volume: times(&self.volume), total: times(&self.total), duration: times(&self.duration) }
    }
}
