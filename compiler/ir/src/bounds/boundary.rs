//! Where a choice changes over, for conditions that compare what is linear in the slot.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::flow::{Flow, Known};
use super::interval::Interval;
use super::slope;
use super::weights::Weights;
use crate::expression::{Node, NodeId};
use crate::number::Rational;

/// Slots between which a charge may leap: those whose weighted sum is below a number, equals it, and is above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// How much of a slot counts.
    pub weights: Weights,
    /// The number.
    pub at: Rational,
}

/// A weighted sum of what changes with the slot, and a constant.
struct Linear {
    weights: Weights,
    constant: BigRational,
}

impl Linear {
    fn constant(constant: BigRational) -> Self {
        Self { weights: Weights::zero(), constant }
    }

    fn plus(&self, other: &Self) -> Self {
        Self { weights: self.weights.plus(&other.weights), constant: &self.constant + &other.constant }
    }

    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(&-BigRational::one()))
    }

    fn times(&self, factor: &BigRational) -> Self {
        Self { weights: self.weights.times(factor), constant: &self.constant * factor }
    }
}

/// Between slots of one amount that lie on the same side of all of these a condition does not change; `None`: it may
/// nevertheless.
pub(super) fn of_condition(flow: &Flow<'_>, id: NodeId) -> Option<Vec<Boundary>> {
    if let Known::Truth(Some(_)) = flow.known(id) {
        return Some(Vec::new());
    }
    match flow.expression.node(id)? {
        Node::Compare { left, right, .. } => {
            let is_fixed = |side: NodeId| slope::of(flow, side).is_some_and(|slope| slope.is_level());
            if is_fixed(*left) && is_fixed(*right) {
                return Some(Vec::new());
            }
            let difference = linear(flow, *left)?.minus(&linear(flow, *right)?);
            Some(vec![Boundary { weights: difference.weights, at: Rational(-difference.constant) }])
        }
        Node::And(left, right) | Node::Or(left, right) => {
            Some(joined(of_condition(flow, *left)?, &of_condition(flow, *right)?))
        }
        Node::Not(operand) => of_condition(flow, *operand),
        Node::Local(local) => of_condition(flow, *flow.shape.locals.get(local)?),
        Node::Let { body, .. } => of_condition(flow, *body),
        _ => None,
    }
}

/// Each of two lists, once.
pub(super) fn joined(mut one: Vec<Boundary>, other: &[Boundary]) -> Vec<Boundary> {
    for boundary in other {
        if !one.contains(boundary) {
            one.push(boundary.clone());
        }
    }
    one
}

fn linear(flow: &Flow<'_>, id: NodeId) -> Option<Linear> {
    let single = |id: NodeId| flow.within(id).and_then(Interval::single);
    if let Some(single) = single(id) {
        return Some(Linear::constant(single.clone()));
    }
    match flow.expression.node(id)? {
        Node::Number(number) => Some(Linear::constant(number.0.clone())),
        Node::Variable { variable, factor } => {
            let weights = Weights::of(*variable, factor.clone())?;
            Some(Linear { weights, constant: BigRational::zero() })
        }
        Node::Local(local) => linear(flow, *flow.shape.locals.get(local)?),
        Node::Let { body, .. } => linear(flow, *body),
        Node::Negate(operand) => Some(linear(flow, *operand)?.times(&-BigRational::one())),
        Node::Add(left, right) => Some(linear(flow, *left)?.plus(&linear(flow, *right)?)),
        Node::Subtract(left, right) => Some(linear(flow, *left)?.minus(&linear(flow, *right)?)),
        Node::Multiply(left, right) => match (single(*left), single(*right)) {
            (Some(factor), _) => Some(linear(flow, *right)?.times(factor)),
            (_, Some(factor)) => Some(linear(flow, *left)?.times(factor)),
            _ => None,
        },
        Node::DivideByConstant(dividend, divisor) => Some(linear(flow, *dividend)?.times(&divisor.0.recip())),
        _ => None,
    }
}
