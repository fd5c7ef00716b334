//! What was proven, for people: one line a node, in the author's units.

use std::fmt;

use super::{Bounds, Interval, Proven, Width};
use crate::expression::{Expression, Node, NodeId};
use crate::number::Rational;

/// One line of what was proven. Its text has the operation, the values in the author's unit, the
/// number of which all are integer multiples, and the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The node.
    pub node: NodeId,
    /// What it does, in a word.
    pub operation: &'static str,
    /// What its values are; [`Shown::Unreached`] where it has none.
    pub shown: Shown,
}

/// The values of a node, in the author's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It is never evaluated.
    Unreached,
    /// A condition.
    Truth(Option<bool>),
    /// A quantity.
    Quantity(Box<ShownQuantity>),
}

/// A quantity in the author's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownQuantity {
    /// The values.
    pub interval: Interval,
    /// What they are multiples of.
    pub scale: Rational,
    /// The author's unit.
    pub unit: String,
    /// The arithmetic.
    pub width: Width,
}

impl Bounds {
    /// What was proven of each node, operands before users.
    #[must_use]
    pub fn rows(&self, expression: &Expression) -> Vec<Row> {
        (0_u32..)
            .map(NodeId)
            .zip(&expression.nodes)
            .map(|(id, node)| self.row(expression, id, node))
            .collect()
    }

    fn row(&self, expression: &Expression, id: NodeId, node: &Node) -> Row {
        let shown = match self.node(id).filter(|bound| bound.reached).map(|bound| &bound.proven) {
            None => Shown::Unreached,
            Some(Proven::Truth { always, .. }) => Shown::Truth(*always),
            Some(Proven::Quantity(quantity)) => {
                let origin = expression.origins.get(id.0 as usize);
                let unit = origin.map(|origin| origin.unit.clone()).unwrap_or_default();
                let scale = origin.map(|origin| &origin.scale).filter(|scale| !scale.is_zero());
                let factor = scale.map_or_else(Rational::one, |scale| Rational(scale.0.recip()));
                Shown::Quantity(Box::new(ShownQuantity {
                    interval: quantity.interval.scaled(&factor.0),
                    scale: Rational(&quantity.scale.0 * &factor.0),
                    unit,
                    width: quantity.width,
                }))
            }
        };
        Row { node: id, operation: operation(node), shown }
    }
}

fn operation(node: &Node) -> &'static str {
    match node {
        Node::Number(_) => "number",
        Node::Variable { .. } => "variable",
        Node::Local(_) => "local",
        Node::Let { .. } => "const",
        Node::Negate(_) => "negate",
        Node::Absolute(_) => "abs",
        Node::Add(..) => "plus",
        Node::Subtract(..) => "minus",
        Node::Multiply(..) => "times",
        Node::DivideByConstant(..) | Node::Divide { .. } => "divided by",
        Node::Remainder { .. } => "mod",
        Node::Minimum(..) => "min",
        Node::Maximum(..) => "max",
        Node::Round { .. } => "round",
        Node::Tiered { .. } => "tiers",
        Node::Compare { .. } => "compare",
        Node::And(..) => "and",
        Node::Or(..) => "or",
        Node::Not(_) => "not",
        Node::If { .. } => "if",
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bits", self.limbs() * 64)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  {:<11} ", self.node.0, self.operation)?;
        match &self.shown {
            Shown::Unreached => f.write_str("never reached"),
            Shown::Truth(None) => f.write_str("true or false"),
            Shown::Truth(Some(truth)) => write!(f, "always {truth}"),
            Shown::Quantity(quantity) => {
                let ShownQuantity { interval, scale, unit, width } = quantity.as_ref();
                let space = if unit.is_empty() { "" } else { " " };
                write!(f, "{interval}{space}{unit}, in steps of {scale}, {width}")
            }
        }
    }
}
