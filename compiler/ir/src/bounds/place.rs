//! What holds at one place of an expression: intervals of the slot's raw integers, kept in step with each
//! other, and the facts that the conditions on the way there have left.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::interval::Interval;
use crate::expression::{NodeId, Variable};
use crate::policy::CostPolicy;
use crate::slot::{Limits, unlimited};

/// What is known at a place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    limits: Limits,
    volume: Interval,
    total: Interval,
    amount: Interval,
    duration: Interval,
    /// What conditions say about quantities, by class.
    pub within: BTreeMap<NodeId, Interval>,
    /// Conditions that hold or do not hold here, by class.
    pub truths: BTreeMap<NodeId, bool>,
    /// Quantities that are not zero, by class.
    pub not_zero: BTreeSet<NodeId>,
}

impl Place {
    /// The root of an expression: every slot within the limits.
    pub fn anywhere(limits: Limits) -> Self {
        Self {
            limits,
            volume: Interval::up_to(unlimited(limits.volume)),
            total: Interval::up_to(unlimited(limits.total)),
            amount: Interval::up_to(unlimited(limits.amount)),
            duration: Interval::up_to(BigInt::from(limits.duration_millis)),
            within: BTreeMap::new(),
            truths: BTreeMap::new(),
            not_zero: BTreeSet::new(),
        }
    }

    /// The raw integers that a variable can be.
    pub fn raw(&self, variable: Variable) -> &Interval {
        match variable {
            Variable::Volume => &self.volume,
            Variable::Total => &self.total,
            Variable::Value | Variable::Amount => &self.amount,
            Variable::Duration => &self.duration,
        }
    }

    /// Where the total can end up, this slot included.
    pub fn total_after(&self) -> Interval {
        let limit = Interval::up_to(unlimited(self.limits.total));
        let sum = self.total.plus(&self.volume);
        sum.intersection(&limit).unwrap_or(sum)
    }

    /// Narrows a variable, and what follows from it; false where no slot is left.
    #[must_use]
    pub fn narrow(&mut self, variable: Variable, interval: &Interval) -> bool {
        let one = BigRational::one();
        let narrowed = self.raw(variable).intersection(interval).and_then(|raw| raw.multiples(&one));
        let Some(narrowed) = narrowed else { return false };
        *self.raw_mut(variable) = narrowed;
        self.settle().is_some()
    }

    fn raw_mut(&mut self, variable: Variable) -> &mut Interval {
        match variable {
            Variable::Volume => &mut self.volume,
            Variable::Total => &mut self.total,
            Variable::Value | Variable::Amount => &mut self.amount,
            Variable::Duration => &mut self.duration,
        }
    }

    /// Applies what ties the raw integers together; `None` where they contradict each other.
    fn settle(&mut self) -> Option<()> {
        match self.limits.cost_policy {
            CostPolicy::Discrete => {
                self.volume = self.volume.intersection(&self.amount)?;
                self.amount = self.volume.clone();
            }
            CostPolicy::Onoff => {
                self.volume = self.volume.intersection(&self.duration)?;
                self.duration = self.volume.clone();
            }
            CostPolicy::Continuous => {
                self.amount = factor(&self.amount, &self.duration, &self.volume)?;
                self.duration = factor(&self.duration, &self.amount, &self.volume)?;
                self.volume = self.volume.intersection(&self.amount.times(&self.duration))?;
            }
        }
        let room = unlimited(self.limits.total) - self.volume.least.0.to_integer();
        if room.is_negative() {
            return None;
        }
        self.total = self.total.intersection(&Interval::up_to(room))?;
        Some(())
    }
}

/// What one factor of a product of integers can be, none of them negative.
fn factor(one: &Interval, other: &Interval, product: &Interval) -> Option<Interval> {
    let mut narrowed = one.clone();
    if product.least.0.is_positive() {
        if other.greatest.0.is_zero() {
            return None;
        }
        let least = (&product.least.0 / &other.greatest.0).ceil();
        narrowed =
            narrowed.intersection(&Interval::between(least.clone(), one.greatest.0.clone().max(least)))?;
    }
    if other.least.0.is_positive() {
        let greatest = (&product.greatest.0 / &other.least.0).floor();
        narrowed = narrowed.intersection(&Interval::between(BigRational::zero(), greatest))?;
    }
    Some(narrowed)
}
