//! Where a choice changes over, for conditions that compare what is linear in the slot.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::flow::{Flow, Known};
use super::slope;
use crate::expression::{Node, NodeId, Variable};
use crate::number::Rational;

/// The slots between which a charge may leap: those with `volume * slot.volume + total * slot.total + duration * slot.duration`
/// below, at and above a number, all in raw units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// How much a raw unit of volume counts.
    pub volume: Rational,
    /// How much a raw unit of the total before the slot counts.
    pub total: Rational,
    /// How much a millisecond counts.
    pub duration: Rational,
    /// The number.
    pub at: Rational,
}

impl Boundary {
    fn constant(at: BigRational) -> Self {
        let zero = Rational::zero;
        Self { volume: zero(), total: zero(), duration: zero(), at: Rational(at) }
    }

    fn variable(variable: Variable, factor: &Rational) -> Option<Self> {
        let (level, factor) = (Self::constant(BigRational::zero()), factor.clone());
        match variable {
            Variable::Volume => Some(Self { volume: factor, ..level }),
            Variable::Total => Some(Self { total: factor, ..level }),
            Variable::Duration => Some(Self { duration: factor, ..level }),
            Variable::Value | Variable::Amount => None,
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let plus = |one: &Rational, other: &Rational| Rational(&one.0 + &other.0);
        Self {
            volume: plus(&self.volume, &other.volume),
            total: plus(&self.total, &other.total),
            duration: plus(&self.duration, &other.duration),
            at: plus(&self.at, &other.at),
        }
    }

    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(&-BigRational::one()))
    }

    fn times(&self, factor: &BigRational) -> Self {
        let times = |it: &Rational| Rational(&it.0 * factor);
        Self {
            volume: times(&self.volume),
            total: times(&self.total),
            duration: times(&self.duration),
            at: times(&self.at),
        }
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
            // What is on its left side counts on the other one.
            let at = Rational(-&difference.at.0);
            Some(vec![Boundary { at, ..difference }])
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

/// A number as a sum of multiples of what changes with the slot; its constant part stands in `at`.
fn linear(flow: &Flow<'_>, id: NodeId) -> Option<Boundary> {
    let single = |id: NodeId| match flow.known(id) {
        Known::Within(interval) => interval.single(),
        Known::Truth(_) | Known::Unreached => None,
    };
    if let Some(single) = single(id) {
        return Some(Boundary::constant(single.clone()));
    }
    match flow.expression.node(id)? {
        Node::Number(number) => Some(Boundary::constant(number.0.clone())),
        Node::Variable { variable, factor } => Boundary::variable(*variable, factor),
        Node::Local(local) => linear(flow, *flow.shape.locals.get(local)?),
        Node::Let { body, .. } => linear(flow, *body),
        Node::Negate(operand) => {
            Some(Boundary::constant(BigRational::zero()).minus(&linear(flow, *operand)?))
        }
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
