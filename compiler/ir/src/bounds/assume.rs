//! What a condition says about the quantities in it: the narrowing of intervals within branches.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::flow::{Flow, Known};
use super::interval::Interval;
use super::place::Place;
use crate::expression::{Comparison, Node, NodeId, Rounding};

impl Flow<'_> {
    /// Narrows a place to the slots for which a condition is `truth`; false where there are none. The
    /// condition was visited at that place.
    #[must_use]
    pub(super) fn assume(&self, condition: NodeId, truth: bool, place: &mut Place) -> bool {
        if matches!(self.known(condition), Known::Truth(Some(known)) if *known != truth) {
            return false;
        }
        let class = self.shape.class(condition);
        if place.truths.insert(class, truth).is_some_and(|before| before != truth) {
            return false;
        }
        match self.expression.node(condition) {
            Some(Node::Not(operand)) => self.assume(*operand, !truth, place),
            Some(Node::And(left, right)) => self.assume_junction(*left, *right, true, truth, place),
            Some(Node::Or(left, right)) => self.assume_junction(*left, *right, false, truth, place),
            Some(Node::Let { body, .. }) => self.assume(*body, truth, place),
            Some(Node::Local(local)) => {
                self.shape.locals.get(local).is_none_or(|value| self.assume(*value, truth, place))
            }
            Some(Node::Compare { comparison, left, right }) => {
                let comparison = if truth { *comparison } else { comparison.opposite() };
                self.assume_comparison(comparison, *left, *right, place)
            }
            _ => true,
        }
    }

    /// `and` (`on` is true) that holds, `or` that does not: both sides are `on`. Otherwise one side is
    /// known to be to blame only where the other one cannot be.
    fn assume_junction(&self, left: NodeId, right: NodeId, on: bool, truth: bool, place: &mut Place) -> bool {
        if truth == on {
            return self.assume(left, on, place) && self.assume(right, on, place);
        }
        let always_on = |side| *self.known(side) == Known::Truth(Some(on));
        if always_on(left) {
            self.assume(right, !on, place)
        } else if always_on(right) {
            self.assume(left, !on, place)
        } else {
            true
        }
    }

    fn assume_comparison(
        &self,
        comparison: Comparison,
        left: NodeId,
        right: NodeId,
        place: &mut Place,
    ) -> bool {
        let (Some(one), Some(other)) = (self.now(left, place), self.now(right, place)) else { return true };
        match comparison {
            Comparison::Greater => self.order(right, &other, left, &one, true, place),
            Comparison::GreaterOrEqual => self.order(right, &other, left, &one, false, place),
            Comparison::Less => self.order(left, &one, right, &other, true, place),
            Comparison::LessOrEqual => self.order(left, &one, right, &other, false, place),
            Comparison::Equal => self.narrow(left, &other, place) && self.narrow(right, &one, place),
            Comparison::NotEqual => {
                self.differ(left, &one, &other, place) && self.differ(right, &other, &one, place)
            }
        }
    }

    /// `low < high`, or `low <= high`.
    fn order(
        &self,
        low: NodeId,
        low_now: &Interval,
        high: NodeId,
        high_now: &Interval,
        strict: bool,
        place: &mut Place,
    ) -> bool {
        let one = if strict { BigRational::one() } else { BigRational::zero() };
        let (low_scale, high_scale) = (self.shape.scale(low), self.shape.scale(high));
        let (greatest, least) = if strict {
            let below = ((&high_now.greatest.0 / &low_scale).ceil() - &one) * &low_scale;
            (below, ((&low_now.least.0 / &high_scale).floor() + one) * &high_scale)
        } else {
            (high_now.greatest.0.clone(), low_now.least.0.clone())
        };
        if greatest < low_now.least.0 || least > high_now.greatest.0 {
            return false;
        }
        self.narrow(low, &Interval::between(low_now.least.0.clone(), greatest), place)
            && self.narrow(high, &Interval::between(least, high_now.greatest.0.clone()), place)
    }

    /// `id` is not the only number of `other`, if that holds one alone.
    fn differ(&self, id: NodeId, now: &Interval, other: &Interval, place: &mut Place) -> bool {
        let Some(point) = other.single() else { return true };
        if now.single() == Some(point) {
            return false;
        }
        if point.is_zero() {
            place.not_zero.insert(self.shape.class(id));
        }
        let scale = self.shape.scale(id);
        if now.least.0 == *point {
            return self.narrow(id, &Interval::between(point + scale, now.greatest.0.clone()), place);
        }
        if now.greatest.0 == *point {
            return self.narrow(id, &Interval::between(now.least.0.clone(), point - scale), place);
        }
        true
    }

    /// What is known of a quantity at a place, `None` for what was never evaluated.
    fn now(&self, id: NodeId, place: &Place) -> Option<Interval> {
        let Known::Within(known) = self.known(id) else { return None };
        let mut now = known.clone();
        if let Some(Node::Variable { variable, factor }) = self.expression.node(id) {
            now = now.intersection(&place.raw(*variable).scaled(&factor.0))?;
        }
        let fact = place.within.get(&self.shape.class(id));
        Some(fact.and_then(|fact| fact.intersection(&now)).unwrap_or(now))
    }

    /// Narrows a quantity and, from it, its operands; false where nothing is left.
    fn narrow(&self, id: NodeId, target: &Interval, place: &mut Place) -> bool {
        let Some(now) = self.now(id, place) else { return true };
        let narrowed =
            now.intersection(target).and_then(|narrowed| narrowed.multiples(&self.shape.scale(id)));
        let Some(narrowed) = narrowed else { return false };
        if narrowed == now {
            return true;
        }
        if !narrowed.holds_zero() {
            place.not_zero.insert(self.shape.class(id));
        }
        place.within.insert(self.shape.class(id), narrowed.clone());
        self.expression.node(id).is_none_or(|node| self.narrow_operands(node, &narrowed, place))
    }

    fn narrow_operands(&self, node: &Node, result: &Interval, place: &mut Place) -> bool {
        match node {
            Node::Variable { variable, factor } => place.narrow(*variable, &result.scaled(&factor.0.recip())),
            Node::Let { body, .. } => self.narrow(*body, result, place),
            Node::Local(local) => {
                self.shape.locals.get(local).is_none_or(|value| self.narrow(*value, result, place))
            }
            Node::Negate(operand) => self.narrow(*operand, &result.negated(), place),
            Node::Absolute(operand) => {
                let greatest = &result.greatest.0;
                self.narrow(*operand, &Interval::between(-greatest, greatest.clone()), place)
            }
            Node::DivideByConstant(dividend, divisor) => {
                self.narrow(*dividend, &result.scaled(&divisor.0), place)
            }
            Node::Round { value, rounding, step } => {
                self.narrow(*value, &rounded_from(result, *rounding, &step.0), place)
            }
            _ => self.narrow_pair(node, result, place),
        }
    }

    fn narrow_pair(&self, node: &Node, result: &Interval, place: &mut Place) -> bool {
        match node {
            Node::Add(left, right) => {
                self.narrow_by(*left, *right, place, |right| Some(result.minus(right)))
                    && self.narrow_by(*right, *left, place, |left| Some(result.minus(left)))
            }
            Node::Subtract(left, right) => {
                self.narrow_by(*left, *right, place, |right| Some(result.plus(right)))
                    && self.narrow_by(*right, *left, place, |left| Some(left.minus(result)))
            }
            Node::Multiply(left, right) => {
                let quotient = |factor: &Interval| {
                    (!factor.holds_zero()).then(|| result.divided_by(factor, &factor.nearest_to_zero()))
                };
                self.narrow_by(*left, *right, place, quotient)
                    && self.narrow_by(*right, *left, place, quotient)
            }
            Node::Minimum(left, right) => {
                let least = Interval::point(result.least.0.clone());
                let limit = |side: &Interval| Some(side.maximum(&least));
                self.narrow_by(*left, *left, place, limit) && self.narrow_by(*right, *right, place, limit)
            }
            Node::Maximum(left, right) => {
                let greatest = Interval::point(result.greatest.0.clone());
                let limit = |side: &Interval| Some(side.minimum(&greatest));
                self.narrow_by(*left, *left, place, limit) && self.narrow_by(*right, *right, place, limit)
            }
            _ => true,
        }
    }

    /// Narrows `id` to what follows from what is known of `other`.
    fn narrow_by(
        &self,
        id: NodeId,
        other: NodeId,
        place: &mut Place,
        follows: impl Fn(&Interval) -> Option<Interval>,
    ) -> bool {
        let target = self.now(other, place).and_then(|other| follows(&other));
        target.is_none_or(|target| self.narrow(id, &target, place))
    }
}

/// What is rounded to something within `result`.
fn rounded_from(result: &Interval, rounding: Rounding, step: &BigRational) -> Interval {
    let half = step / BigRational::from_integer(2.into());
    let (below, above) = match rounding {
        Rounding::Floor => (BigRational::zero(), step.clone()),
        Rounding::Ceiling => (step.clone(), BigRational::zero()),
        Rounding::HalfAwayFromZero | Rounding::HalfEven => (half.clone(), half),
    };
    Interval::between(&result.least.0 - below, &result.greatest.0 + above)
}
