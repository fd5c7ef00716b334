//! Expressions into which a price enters as a plain factor: a price twice as large makes every value that
//! it enters twice as large (or four times, where it enters twice), and changes nothing else.
//!
//! The integers of such values do not depend on the price at all, its size being part of their scale. What
//! is proven for one price then holds for all prices of its sign, but for the rounding of the charge.

use std::collections::BTreeMap;

use crate::expression::{Expression, LocalId, Node, NodeId};

/// The power of the price in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// The value is always zero: any.
    Any,
    /// This one; of a condition, none.
    Of(u32),
}

/// The power with which the numbers at `prices`, all of them one price other than zero, enter the value of
/// each node; `None` where values are compared, added or rounded that depend on it in different ways.
#[must_use]
pub(super) fn powers_of_price(expression: &Expression, prices: &[NodeId]) -> Option<Vec<u32>> {
    let mut powers: Vec<Power> = Vec::with_capacity(expression.nodes.len());
    let locals: BTreeMap<LocalId, NodeId> = expression.nodes.iter().filter_map(Node::binding).collect();
    for (id, node) in (0_u32..).map(NodeId).zip(&expression.nodes) {
        let power = if prices.contains(&id) { Power::Of(1) } else { power(node, &powers, &locals)? };
        powers.push(power);
    }
    let of = |power: Power| match power {
        Power::Any => 0,
        Power::Of(power) => power,
    };
    Some(powers.into_iter().map(of).collect())
}

fn power(node: &Node, powers: &[Power], locals: &BTreeMap<LocalId, NodeId>) -> Option<Power> {
    let of = |id: &NodeId| powers.get(id.0 as usize).copied();
    match node {
        Node::Number(number) if number.is_zero() => Some(Power::Any),
        Node::Number(_) | Node::Variable { .. } | Node::Tiered { .. } => Some(Power::Of(0)),
        Node::Local(local) => of(locals.get(local)?),
        Node::Let { body, .. } => of(body),
        Node::Negate(operand) | Node::Absolute(operand) | Node::DivideByConstant(operand, _) => of(operand),
        Node::Add(left, right)
        | Node::Subtract(left, right)
        | Node::Minimum(left, right)
        | Node::Maximum(left, right) => same(of(left)?, of(right)?),
        Node::If { then, otherwise, .. } => same(of(then)?, of(otherwise)?),
        Node::Compare { left, right, .. } => same(of(left)?, of(right)?).map(|_| Power::Of(0)),
        Node::And(..) | Node::Or(..) | Node::Not(_) => Some(Power::Of(0)),
        Node::Multiply(left, right) => match (of(left)?, of(right)?) {
            (Power::Of(left), Power::Of(right)) => Some(Power::Of(left.checked_add(right)?)),
            _ => Some(Power::Any),
        },
        // Steps do not grow with the price.
        Node::Divide { .. } | Node::Remainder { .. } | Node::Round { .. } => {
            node.operands().all(|operand| of(&operand) == Some(Power::Of(0))).then_some(Power::Of(0))
        }
    }
}

fn same(left: Power, right: Power) -> Option<Power> {
    match (left, right) {
        (Power::Any, other) | (other, Power::Any) => Some(other),
        (left, right) => (left == right).then_some(left),
    }
}
