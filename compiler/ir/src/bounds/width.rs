//! The magnitude of the integers that an operation works on.
//!
//! Sums, differences and products are computed modulo a power of two, so their result alone must fit,
//! whatever their operands are on the way; operations that compare or divide need their operands to fit
//! at the scale that they compare or divide them at.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::exact;
use super::flow::{Flow, Known};
use super::interval::Interval;
use super::shape::{greatest_common_divisor, limit_scale};
use crate::expression::{Node, NodeId};
use crate::slot::unlimited;

/// The greatest magnitude of the integers of an operation.
pub(super) fn magnitude(flow: &Flow<'_>, id: NodeId, node: &Node) -> BigInt {
    let result = match flow.known(id) {
        Known::Unreached | Known::Truth(Some(_)) => return BigInt::zero(),
        Known::Truth(None) => BigInt::zero(),
        // What is always the same is a constant of the module, however it came about.
        Known::Within(interval) if interval.single().is_some() => {
            return count(interval, &flow.shape.scale(id));
        }
        Known::Within(interval) => count(interval, &flow.shape.scale(id)),
    };
    result.max(operands(flow, id, node))
}

/// The magnitude of the dividend when a value of `interval` is rounded to a multiple of `step`.
pub(super) fn rounding(interval: &Interval, scale: &BigRational, step: &BigRational) -> BigInt {
    count(interval, scale) * exact::quotient(scale, step).numer()
}

fn operands(flow: &Flow<'_>, id: NodeId, node: &Node) -> BigInt {
    match node {
        Node::Compare { left, right, .. } => compared(flow, *left, *right),
        Node::Minimum(left, right)
        | Node::Maximum(left, right)
        | Node::Remainder { dividend: left, divisor: right } => {
            let scale = flow.shape.scale(id);
            at(flow, *left, &scale).max(at(flow, *right, &scale))
        }
        Node::Absolute(operand) => at(flow, *operand, &flow.shape.scale(*operand)),
        Node::Round { value, step, .. } => flow
            .within(*value)
            .map_or_else(BigInt::zero, |interval| rounding(interval, &flow.shape.scale(*value), &step.0)),
        Node::Divide { dividend, divisor, step } => {
            let (above, below) = (flow.shape.scale(*dividend), flow.shape.scale(*divisor));
            let ratio = &above / (&below * &step.0);
            let dividend = at(flow, *dividend, &above) * ratio.numer();
            dividend.max(at(flow, *divisor, &below) * ratio.denom())
        }
        Node::Tiered { tiers, unit } => {
            let total = BigRational::from_integer(unlimited(flow.limits.total));
            count(&Interval::point(total), &limit_scale(tiers, unit)).max(at(flow, id, &flow.shape.scale(id)))
        }
        _ => BigInt::zero(),
    }
}

/// Both sides at the scale that they have in common.
fn compared(flow: &Flow<'_>, left: NodeId, right: NodeId) -> BigInt {
    let (Some(one), Some(other)) = (flow.within(left), flow.within(right)) else { return BigInt::zero() };
    let scale = common_scale((one, &flow.shape.scale(left)), (other, &flow.shape.scale(right)));
    count(one, &scale).max(count(other, &scale))
}

/// The scale at which two quantities, each with its own scale, are compared: zero has any scale.
#[must_use]
pub fn common_scale(left: (&Interval, &BigRational), right: (&Interval, &BigRational)) -> BigRational {
    let zero = |interval: &Interval| interval.single().is_some_and(Zero::is_zero);
    match (zero(left.0), zero(right.0)) {
        (true, _) => right.1.clone(),
        (_, true) => left.1.clone(),
        _ => greatest_common_divisor(left.1, right.1),
    }
}

fn at(flow: &Flow<'_>, id: NodeId, scale: &BigRational) -> BigInt {
    flow.within(id).map_or_else(BigInt::zero, |interval| count(interval, scale))
}

/// The magnitude of an interval in steps of `scale`, rounded up.
fn count(interval: &Interval, scale: &BigRational) -> BigInt {
    exact::ceiling(&interval.magnitude(), scale)
}
