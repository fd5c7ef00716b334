//! Typed expressions: what is left of an author's expression once names, units and types are
//! resolved.
//!
//! Every quantity is held in *base units*: bytes for data, milliseconds for time, credits for
//! credits, and one for every unit of the author's own; products and quotients of them for compound
//! units. Unit conversions are therefore plain factors and have vanished into numbers and into
//! [`Variable`]'s factor; only operations whose result depends on the author's unit (rounding) carry
//! a step.
//!
//! The meaning of an expression is defined by [`Node`]'s documentation in exact rationals.

use serde::{Deserialize, Serialize};

use crate::number::Rational;
use crate::policy::{Span, Tier};

/// The place of a node in [`Expression::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// The number of a `const` binding within its expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct LocalId(pub u32);

/// What a slot supplies: see [`Slot`](crate::slot::Slot) for the raw integers.
///
/// `price` is not among them: a compiled charge is specialised to its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Variable {
    /// What is charged.
    Volume,
    /// The month's volume before this charge.
    Total,
    /// The event's value (`discrete`).
    Value,
    /// The amount held (`continuous`).
    Amount,
    /// The length of the slot (`continuous`, `onoff`).
    Duration,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// The comparison that holds exactly where this one does not.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
        }
    }
}

/// How a quantity is rounded to a multiple of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Down, towards minus infinity (`floor`).
    Floor,
    /// Up, towards plus infinity (`ceil`).
    Ceiling,
    /// To the nearest, a tie away from zero (`round`).
    HalfAwayFromZero,
    /// To the nearest, a tie to the even multiple (quotients with a divisor that is not constant).
    HalfEven,
}

/// One operation. Operands stand before their users in [`Expression::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A constant.
    Number(Rational),
    /// A variable: the slot's raw integer times `factor`.
    Variable {
        /// Which one.
        variable: Variable,
        /// Base units per raw unit.
        factor: Rational,
    },
    /// The value of a binding that encloses this node.
    Local(LocalId),
    /// Evaluates `value` once, binds it to `local` within `body`; the result is `body`'s.
    Let {
        /// The binding; each is bound once in an expression.
        local: LocalId,
        /// What it holds.
        value: NodeId,
        /// Where it holds.
        body: NodeId,
    },
    /// Minus the operand.
    Negate(NodeId),
    /// The magnitude of the operand.
    Absolute(NodeId),
    /// The sum.
    Add(NodeId, NodeId),
    /// The difference.
    Subtract(NodeId, NodeId),
    /// The product.
    Multiply(NodeId, NodeId),
    /// The exact quotient by a constant other than zero.
    DivideByConstant(NodeId, Rational),
    /// The quotient, rounded half-even to a multiple of `step`; the divisor is proven not to be zero.
    Divide {
        /// Dividend.
        dividend: NodeId,
        /// Divisor.
        divisor: NodeId,
        /// 10⁻¹² of the quotient's own unit, in base units.
        step: Rational,
    },
    /// `dividend - divisor * trunc(dividend / divisor)`: the sign is the dividend's.
    Remainder {
        /// Dividend.
        dividend: NodeId,
        /// Divisor, proven not to be zero.
        divisor: NodeId,
    },
    /// The smaller.
    Minimum(NodeId, NodeId),
    /// The greater.
    Maximum(NodeId, NodeId),
    /// The operand rounded to a multiple of `step`.
    Round {
        /// What is rounded.
        value: NodeId,
        /// How.
        rounding: Rounding,
        /// One unit (or its decimal place) of the operand as the author wrote it, in base units.
        step: Rational,
    },
    /// `volume` charged by the graduated tiers: the integral of the tiers' price from `total` to
    /// `total + volume`, in credits. Limits and prices are in the resource's declared unit;
    /// `unit` is that unit in raw units, so a raw volume divided by `unit` is comparable to `upto`.
    Tiered {
        /// The tiers, rising; the last has no limit.
        tiers: Vec<Tier>,
        /// Raw units per declared unit.
        unit: Rational,
    },
    /// A comparison; boolean.
    Compare {
        /// Which one.
        comparison: Comparison,
        /// Left side.
        left: NodeId,
        /// Right side.
        right: NodeId,
    },
    /// Both; boolean. The right side is evaluated only when the left side holds.
    And(NodeId, NodeId),
    /// Either; boolean. The right side is evaluated only when the left side does not hold.
    Or(NodeId, NodeId),
    /// The opposite; boolean.
    Not(NodeId),
    /// One of two; only the chosen one is evaluated.
    If {
        /// A boolean.
        condition: NodeId,
        /// The value where it holds.
        then: NodeId,
        /// The value where it does not.
        otherwise: NodeId,
    },
}

/// A typed expression: a tree in an arena, operands before users, the root last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expression {
    /// The operations.
    pub nodes: Vec<Node>,
    /// The source of each node, and the unit in which people read its value; as long as `nodes`.
    pub origins: Vec<Origin>,
}

/// Where a node comes from and how its value is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The text that it stands for.
    pub span: Span,
    /// The author's unit, `""` where there is none and for booleans.
    pub unit: String,
    /// That unit in base units: a value divided by it is what the author would read.
    pub scale: Rational,
}

impl Expression {
    /// The root, `None` in an empty expression.
    #[must_use]
    pub fn root(&self) -> Option<NodeId> {
        u32::try_from(self.nodes.len().checked_sub(1)?).ok().map(NodeId)
    }

    /// The deepest nesting of operations that is evaluated, proven or compiled; a deeper expression is
    /// malformed. It bounds the stack of everything that walks the tree.
    pub const DEPTH_MAX: u32 = 400;

    /// The node at `id`.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).ok()?)
    }
}

impl Node {
    /// The nodes that this one is made of, in the order in which they are evaluated.
    pub fn operands(&self) -> impl Iterator<Item = NodeId> + use<> {
        let (first, second, third) = match *self {
            Self::Number(_) | Self::Variable { .. } | Self::Local(_) | Self::Tiered { .. } => {
                (None, None, None)
            }
            Self::Negate(operand)
            | Self::Absolute(operand)
            | Self::DivideByConstant(operand, _)
            | Self::Not(operand)
            | Self::Round { value: operand, .. } => (Some(operand), None, None),
            Self::Add(left, right)
            | Self::Subtract(left, right)
            | Self::Multiply(left, right)
            | Self::Minimum(left, right)
            | Self::Maximum(left, right)
            | Self::And(left, right)
            | Self::Or(left, right)
            | Self::Compare { left, right, .. }
            | Self::Divide { dividend: left, divisor: right, .. }
            | Self::Remainder { dividend: left, divisor: right }
            | Self::Let { value: left, body: right, .. } => (Some(left), Some(right), None),
            Self::If { condition, then, otherwise } => (Some(condition), Some(then), Some(otherwise)),
        };
        first.into_iter().chain(second).chain(third)
    }

    /// What it binds to which value, where it binds one.
    #[must_use]
    pub fn binding(&self) -> Option<(LocalId, NodeId)> {
        match self {
            Self::Let { local, value, .. } => Some((*local, *value)),
            _ => None,
        }
    }

    /// The same operation over other operands.
    #[must_use]
    pub fn with_operands(&self, mut of: impl FnMut(NodeId) -> NodeId) -> Self {
        let mut node = self.clone();
        match &mut node {
            Self::Number(_) | Self::Variable { .. } | Self::Local(_) | Self::Tiered { .. } => {}
            Self::Negate(operand)
            | Self::Absolute(operand)
            | Self::DivideByConstant(operand, _)
            | Self::Not(operand)
            | Self::Round { value: operand, .. } => *operand = of(*operand),
            Self::Add(left, right)
            | Self::Subtract(left, right)
            | Self::Multiply(left, right)
            | Self::Minimum(left, right)
            | Self::Maximum(left, right)
            | Self::And(left, right)
            | Self::Or(left, right)
            | Self::Compare { left, right, .. }
            | Self::Divide { dividend: left, divisor: right, .. }
            | Self::Remainder { dividend: left, divisor: right }
            | Self::Let { value: left, body: right, .. } => {
                *left = of(*left);
                *right = of(*right);
            }
            Self::If { condition, then, otherwise } => {
                *condition = of(*condition);
                *then = of(*then);
                *otherwise = of(*otherwise);
            }
        }
        node
    }
}
