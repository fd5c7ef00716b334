//! What is proven of an expression over all slots that can be: that it is total, how large each value
//! gets, and how many bits it takes.
//!
//! Every value is an integer times a *scale* that is known from the constants alone ([`Quantity::scale`]).
//! Interval analysis from the [`Limits`] of the resource, narrowed by the conditions of `if`, `and` and
//! `or`, bounds that integer, and the bound chooses the arithmetic: 64, 128 or 256 bits.
//!
//! The compiler's flow checks read the same result:
//!
//! | question | answer |
//! |---|---|
//! | can this branch ever be taken? | [`NodeBound::reached`] of the branch |
//! | is this condition always the same? | [`Proven::Truth`] of the condition |
//! | can this be negative? | [`Quantity::interval`] |
//! | does this charge always round to zero? | [`Bounds::credits`] is a single zero |

mod assume;
mod boundary;
mod exact;
mod flow;
mod homogeneous;
mod innermost;
mod interval;
mod monotone;
mod place;
mod prices;
mod shape;
mod slope;
mod table;
mod weights;
mod width;

use num_bigint::BigInt;
use num_rational::BigRational;

pub use self::boundary::Boundary;
pub use self::interval::Interval;
pub use self::prices::{Prover, Similar};
pub use self::shape::{greatest_common_divisor, limit_scale};
pub use self::slope::Slope;
pub use self::table::{Row, Shown, ShownQuantity};
pub use self::weights::Weights;
pub use self::width::common_scale;

use self::flow::{Flow, Known};
use self::innermost::innermost;
use self::shape::Shape;
use crate::credits::Credits;
use crate::expression::{Expression, Node, NodeId, Rounding};
use crate::number::Rational;
use crate::policy::{Monotone, Resource};
use crate::slot::Limits;

/// Bits of a charge in [`Credits`], its sign included, so that sums of 2⁴⁰ charges fit.
const CREDIT_BITS_MAX: u64 = 256 - 40;

/// What is proven of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// By node, as long as the expression's nodes; empty where the expression is malformed.
    pub nodes: Vec<NodeBound>,
    /// The rounded charge, in credits; `None` where the expression is malformed.
    pub credits: Option<Interval>,
    /// The arithmetic of rounding the charge.
    pub credits_width: Width,
    /// How the charge moves as the slot grows longer.
    pub monotone: Monotone,
    /// Why the expression cannot be compiled, in the order of nodes; empty where it can be.
    pub problems: Vec<Problem>,
}

/// What is proven of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeBound {
    /// Whether a slot within the limits can make it be evaluated. What is said of a node that is never
    /// reached has no meaning.
    pub reached: bool,
    /// Of its value.
    pub proven: Proven,
}

/// What is proven of a node's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// Of a condition.
    Truth {
        /// Its value, where that is always the same.
        always: Option<bool>,
        /// The arithmetic of a comparison: its sides at the scale that they have in common.
        width: Width,
    },
    /// Of a quantity.
    Quantity(Quantity),
}

/// What is proven of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The values, in base units.
    pub interval: Interval,
    /// Every value is an integer multiple of it.
    pub scale: Rational,
    /// The arithmetic of the operation: its result and its operands at the scale that it needs them at.
    pub width: Width,
}

impl Quantity {
    /// The greatest magnitude of its values, in steps of its scale.
    #[must_use]
    pub fn count(&self) -> BigInt {
        self.steps_of(&self.scale.0)
    }

    /// The greatest magnitude of its values in steps of `scale`, which is positive, rounded up.
    #[must_use]
    pub fn steps_of(&self, scale: &BigRational) -> BigInt {
        exact::ceiling(&self.interval.magnitude(), scale)
    }
}

/// The size of the integers of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 64 bits.
    Bits64,
    /// 128 bits.
    Bits128,
    /// 256 bits.
    Bits256,
}

impl Width {
    /// The arithmetic for integers up to this magnitude, `None` where it takes more than 256 bits.
    #[must_use]
    pub fn of(magnitude: &BigInt) -> Option<Self> {
        match magnitude.bits() {
            0..=63 => Some(Self::Bits64),
            64..=127 => Some(Self::Bits128),
            128..=255 => Some(Self::Bits256),
            _ => None,
        }
    }

    /// How many 64-bit integers hold one value.
    #[must_use]
    pub fn limbs(self) -> usize {
        match self {
            Self::Bits64 => 1,
            Self::Bits128 => 2,
            Self::Bits256 => 4,
        }
    }
}

/// Why an expression cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub node: NodeId,
    /// Why.
    pub reason: Reason,
}

/// What is wrong at a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// The tree is not one: operands out of order or shared, types that do not fit, an unbound local, or
    /// nesting beyond [`Expression::DEPTH_MAX`].
    #[error("the expression is not well formed or nests too deeply")]
    Malformed,
    /// The divisor is not proven to be other than zero.
    #[error("the divisor can be zero")]
    DivisorMayBeZero {
        /// The divisor.
        divisor: NodeId,
    },
    /// The integers of the operation take more than 256 bits.
    #[error("the exact value can need {bits} bits, more than 256")]
    TooWide {
        /// How many, the sign included.
        bits: u64,
    },
    /// The charge leaves no room for sums.
    #[error("a single charge can reach {bits} bits of a wallet's 256; at most 216 leave room for sums")]
    CreditsTooWide {
        /// How many, the sign included.
        bits: u64,
    },
}

impl Bounds {
    /// Proves what can be proven of an expression for a resource and a precision.
    #[must_use]
    pub fn prove(expression: &Expression, resource: &Resource, precision: u8) -> Self {
        Self::within(expression, Limits::of(resource), precision)
    }

    /// Proves what can be proven of an expression for all slots within limits.
    #[must_use]
    pub fn within(expression: &Expression, limits: Limits, precision: u8) -> Self {
        let shape = match Shape::of(expression) {
            Ok(shape) => shape,
            Err(problem) => return Self::malformed(problem),
        };
        let flow = Flow::run(expression, &shape, limits);
        let mut problems = flow.problems.clone();
        let nodes: Vec<NodeBound> = (0_u32..)
            .zip(&expression.nodes)
            .map(|(id, node)| node_bound(&flow, NodeId(id), node, &mut problems))
            .collect();
        let root = expression.root().unwrap_or(NodeId(0));
        let (credits, credits_width) = match flow.known(root) {
            Known::Within(exact) => {
                let rounded = rounded(root, exact, &flow.shape.scale(root), precision);
                problems.extend(rounded.problems);
                (Some(rounded.credits), rounded.width)
            }
            Known::Unreached | Known::Truth(_) => (None, Width::Bits64),
        };
        let problems = innermost(expression, problems);
        let monotone = monotone::direction(&flow, expression, limits.cost_policy);
        Self { nodes, credits, credits_width, monotone, problems }
    }

    fn malformed(problem: Problem) -> Self {
        Self {
            nodes: Vec::new(),
            credits: None,
            credits_width: Width::Bits64,
            monotone: Monotone::Unknown,
            problems: vec![problem],
        }
    }

    /// Whether every slot within the limits has a charge, however many bits it takes to work it out.
    #[must_use]
    pub fn is_total(&self) -> bool {
        let has_none =
            |reason: &Reason| matches!(reason, Reason::Malformed | Reason::DivisorMayBeZero { .. });
        !self.problems.iter().any(|problem| has_none(&problem.reason))
    }

    /// What is proven of a node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodeBound> {
        self.nodes.get(id.0 as usize)
    }

    /// What is proven of a quantity that is reached.
    #[must_use]
    pub fn quantity(&self, id: NodeId) -> Option<&Quantity> {
        match self.node(id) {
            Some(NodeBound { reached: true, proven: Proven::Quantity(quantity) }) => Some(quantity),
            _ => None,
        }
    }
}

fn node_bound(flow: &Flow<'_>, id: NodeId, node: &Node, problems: &mut Vec<Problem>) -> NodeBound {
    let mut width = || {
        let magnitude = width::magnitude(flow, id, node);
        Width::of(&magnitude).unwrap_or_else(|| {
            problems.push(Problem { node: id, reason: Reason::TooWide { bits: magnitude.bits() + 1 } });
            Width::Bits256
        })
    };
    let proven = match flow.known(id) {
        Known::Unreached => {
            return NodeBound {
                reached: false,
                proven: Proven::Truth { always: None, width: Width::Bits64 },
            };
        }
        Known::Truth(truth) => Proven::Truth { always: *truth, width: width() },
        Known::Within(interval) => {
            let scale = Rational(flow.shape.scale(id));
            Proven::Quantity(Quantity { interval: interval.clone(), scale, width: width() })
        }
    };
    NodeBound { reached: true, proven }
}

/// The rounded charge and the arithmetic of rounding it.
struct Rounded {
    credits: Interval,
    width: Width,
    problems: Vec<Problem>,
}

fn rounded(root: NodeId, exact: &Interval, scale: &BigRational, precision: u8) -> Rounded {
    let mut problems = Vec::new();
    let place = Rational::power_of_ten(-i32::from(precision)).0;
    let credits = exact.rounded(Rounding::HalfEven, &place);
    let count = credits.magnitude() * Rational::power_of_ten(i32::from(Credits::PLACES)).0;
    let bits = count.to_integer().bits() + 1;
    if bits > CREDIT_BITS_MAX {
        problems.push(Problem { node: root, reason: Reason::CreditsTooWide { bits } });
    }
    let operand = width::rounding(exact, scale, &place);
    let width = Width::of(&operand.clone().max(count.to_integer())).unwrap_or_else(|| {
        problems.push(Problem { node: root, reason: Reason::TooWide { bits: operand.bits() + 1 } });
        Width::Bits256
    });
    Rounded { credits, width, problems }
}

#[cfg(test)]
mod tests;
