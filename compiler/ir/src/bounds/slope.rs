//! How much a charge can change with its slot. Where nothing says which way it moves, this says how soon that can matter.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::boundary::{self, Boundary, joined};
use super::flow::{Flow, Known};
use super::interval::Interval;
use super::shape::Shape;
use super::weights::Weights;
use crate::expression::{Expression, Node, NodeId};
use crate::number::Rational;
use crate::policy::Tier;
use crate::slot::Limits;

/// At most how much the charges of two slots of one amount differ that lie on the same side of all boundaries, in credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slope {
    /// By what the volumes, the totals before the slots and the lengths differ.
    pub weights: Weights,
    /// Whatever the slots are, because of rounding.
    pub rounding: Rational,
    /// Where an expression chooses, and the charge may leap.
    pub boundaries: Vec<Boundary>,
}

impl Slope {
    /// The slope of an expression over all slots within limits, rounded to `precision` places; `None`: it may leap
    /// anywhere.
    #[must_use]
    pub fn within(expression: &Expression, limits: Limits, precision: u8) -> Option<Self> {
        let shape = Shape::of(expression).ok()?;
        let flow = Flow::run(expression, &shape, limits);
        if !flow.problems.is_empty() {
            return None;
        }
        let slope = of(&flow, expression.root()?)?;
        Some(slope.rounded(&Rational::power_of_ten(-i32::from(precision))))
    }

    fn level() -> Self {
        Self::by(Weights::zero())
    }

    fn by(weights: Weights) -> Self {
        Self { weights, rounding: Rational::zero(), boundaries: Vec::new() }
    }

    /// Whether all slots of one amount come to the same.
    pub(super) fn is_level(&self) -> bool {
        *self == Self::level()
    }

    /// That of a sum or a difference.
    fn plus(self, other: &Self) -> Self {
        self.with(other, |one, other| Rational(&one.0 + &other.0))
    }

    /// That of whichever of two is chosen by its value.
    fn or(self, other: &Self) -> Self {
        self.with(other, |one, other| one.max(other).clone())
    }

    fn with(self, other: &Self, join: impl Fn(&Rational, &Rational) -> Rational) -> Self {
        Self {
            weights: self.weights.with(&other.weights, &join),
            rounding: join(&self.rounding, &other.rounding),
            boundaries: joined(self.boundaries, &other.boundaries),
        }
    }

    /// That of a multiple.
    fn times(self, factor: &BigRational) -> Self {
        Self { weights: self.weights.times(factor), rounding: Rational(self.rounding.0 * factor), ..self }
    }

    /// Each of two values may be rounded by a step, or both by half of it.
    fn rounded(self, step: &Rational) -> Self {
        Self { rounding: Rational(self.rounding.0 + &step.0), ..self }
    }
}

pub(super) fn of(flow: &Flow<'_>, id: NodeId) -> Option<Slope> {
    let magnitude = |id: NodeId| flow.within(id).map(Interval::magnitude);
    if flow.within(id).is_some_and(|interval| interval.single().is_some()) {
        return Some(Slope::level());
    }
    match flow.expression.node(id)? {
        Node::Number(_) => Some(Slope::level()),
        Node::Variable { variable, factor } => {
            Some(Weights::of(*variable, factor.clone()).map_or_else(Slope::level, Slope::by))
        }
        Node::Local(local) => of(flow, *flow.shape.locals.get(local)?),
        Node::Let { body, .. } => of(flow, *body),
        Node::Negate(operand) | Node::Absolute(operand) => of(flow, *operand),
        Node::Add(left, right) | Node::Subtract(left, right) => {
            Some(of(flow, *left)?.plus(&of(flow, *right)?))
        }
        Node::Minimum(left, right) | Node::Maximum(left, right) => {
            Some(of(flow, *left)?.or(&of(flow, *right)?))
        }
        Node::Multiply(left, right) => {
            let (by_left, by_right) = (of(flow, *left)?, of(flow, *right)?);
            Some(by_left.times(&magnitude(*right)?).plus(&by_right.times(&magnitude(*left)?)))
        }
        Node::DivideByConstant(dividend, divisor) => {
            Some(of(flow, *dividend)?.times(&divisor.0.abs().recip()))
        }
        Node::Round { value, step, .. } => Some(of(flow, *value)?.rounded(step)),
        Node::Tiered { tiers, unit } => Some(tiered(tiers, unit)),
        Node::If { condition, then, otherwise } => match flow.known(*condition) {
            Known::Truth(Some(true)) => of(flow, *then),
            Known::Truth(Some(false)) => of(flow, *otherwise),
            Known::Truth(None) | Known::Within(_) | Known::Unreached => {
                let mut slope = of(flow, *then)?.or(&of(flow, *otherwise)?);
                slope.boundaries = joined(slope.boundaries, &boundary::of_condition(flow, *condition)?);
                Some(slope)
            }
        },
        Node::Divide { .. }
        | Node::Remainder { .. }
        | Node::Compare { .. }
        | Node::And(..)
        | Node::Or(..)
        | Node::Not(_) => None,
    }
}

/// One more at the end costs the price there. With one more before the slot it pays the price at its end once more, and that
/// at its beginning no longer.
fn tiered(tiers: &[Tier], unit: &Rational) -> Slope {
    let prices = || tiers.iter().map(|tier| &tier.price.0);
    let of_unit = |credits: BigRational| Rational(credits / &unit.0);
    let greatest = prices().map(BigRational::abs).max().unwrap_or_else(BigRational::zero);
    let apart = prices().max().zip(prices().min()).map(|(most, least)| most - least);
    let total = of_unit(apart.unwrap_or_else(BigRational::zero));
    Slope::by(Weights { volume: of_unit(greatest), total, ..Weights::zero() })
}
