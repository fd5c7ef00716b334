//! How a charge moves as its slot grows longer, amount and earlier total being the same.

use super::flow::{Flow, Known};
use super::interval::Interval;
use crate::expression::{Comparison, Expression, Node, NodeId, Variable};
use crate::policy::{CostPolicy, Monotone, Tier};

/// The direction of the root. Directions of conditions count `false` below `true`.
pub(super) fn direction(flow: &Flow<'_>, expression: &Expression, cost_policy: CostPolicy) -> Monotone {
    let analysis = Analysis { flow, cost_policy };
    expression.root().map_or(Monotone::Unknown, |root| analysis.of(root))
}

struct Analysis<'a> {
    flow: &'a Flow<'a>,
    cost_policy: CostPolicy,
}

impl Analysis<'_> {
    fn of(&self, id: NodeId) -> Monotone {
        let Some(node) = self.flow.expression.node(id) else { return Monotone::Unknown };
        if self.flow.within(id).is_some_and(|interval| interval.single().is_some()) {
            return Monotone::Constant;
        }
        match node {
            Node::Number(_) => Monotone::Constant,
            Node::Variable { variable, .. } => self.variable(*variable),
            Node::Local(local) => {
                self.flow.shape.locals.get(local).map_or(Monotone::Unknown, |value| self.of(*value))
            }
            Node::Let { body, .. } => self.of(*body),
            Node::Round { value, .. } => self.of(*value),
            Node::Negate(operand) | Node::Not(operand) => reversed(self.of(*operand)),
            Node::Absolute(operand) => signed(self.flow.within(*operand), self.of(*operand)),
            Node::DivideByConstant(dividend, divisor) => {
                if divisor.is_negative() {
                    reversed(self.of(*dividend))
                } else {
                    self.of(*dividend)
                }
            }
            Node::Add(left, right)
            | Node::Minimum(left, right)
            | Node::Maximum(left, right)
            | Node::And(left, right)
            | Node::Or(left, right) => both(self.of(*left), self.of(*right)),
            Node::Subtract(left, right) => both(self.of(*left), reversed(self.of(*right))),
            Node::Multiply(left, right) => both(
                signed(self.flow.within(*right), self.of(*left)),
                signed(self.flow.within(*left), self.of(*right)),
            ),
            Node::Divide { dividend, divisor, .. } => both(
                signed(self.flow.within(*divisor), self.of(*dividend)),
                signed(self.flow.within(*dividend), reversed(self.of(*divisor))),
            ),
            Node::Remainder { dividend, divisor } => {
                only_constant(both(self.of(*dividend), self.of(*divisor)))
            }
            Node::Tiered { tiers, .. } => self.tiered(tiers),
            Node::Compare { comparison, left, right } => self.comparison(*comparison, *left, *right),
            Node::If { condition, then, otherwise } => self.choice(*condition, *then, *otherwise),
        }
    }

    fn variable(&self, variable: Variable) -> Monotone {
        match (variable, self.cost_policy) {
            (_, CostPolicy::Discrete) => Monotone::Constant,
            (Variable::Volume | Variable::Duration, _) => Monotone::Rising,
            (Variable::Total | Variable::Value | Variable::Amount, _) => Monotone::Constant,
        }
    }

    fn tiered(&self, tiers: &[Tier]) -> Monotone {
        let volume = self.variable(Variable::Volume);
        if tiers.iter().all(|tier| !tier.price.is_negative()) {
            volume
        } else if tiers.iter().all(|tier| tier.price.is_negative() || tier.price.is_zero()) {
            reversed(volume)
        } else {
            only_constant(volume)
        }
    }

    fn comparison(&self, comparison: Comparison, left: NodeId, right: NodeId) -> Monotone {
        let difference = both(self.of(left), reversed(self.of(right)));
        match comparison {
            Comparison::Greater | Comparison::GreaterOrEqual => difference,
            Comparison::Less | Comparison::LessOrEqual => reversed(difference),
            Comparison::Equal | Comparison::NotEqual => only_constant(difference),
        }
    }

    /// A choice that changes over to a branch whose values all lie on one side of the other's moves that
    /// way, as long as both branches do.
    fn choice(&self, condition: NodeId, then: NodeId, otherwise: NodeId) -> Monotone {
        match self.flow.known(condition) {
            Known::Truth(Some(true)) => return self.of(then),
            Known::Truth(Some(false)) => return self.of(otherwise),
            Known::Truth(None) | Known::Within(_) | Known::Unreached => {}
        }
        let branches = both(self.of(then), self.of(otherwise));
        let (first, last) = match self.of(condition) {
            Monotone::Constant => return branches,
            Monotone::Rising => (otherwise, then),
            Monotone::Falling => (then, otherwise),
            Monotone::Unknown => return Monotone::Unknown,
        };
        match (self.flow.within(first), self.flow.within(last)) {
            (Some(first), Some(last)) if first.greatest <= last.least => both(branches, Monotone::Rising),
            (Some(first), Some(last)) if first.least >= last.greatest => both(branches, Monotone::Falling),
            _ => Monotone::Unknown,
        }
    }
}

fn reversed(direction: Monotone) -> Monotone {
    match direction {
        Monotone::Rising => Monotone::Falling,
        Monotone::Falling => Monotone::Rising,
        Monotone::Constant | Monotone::Unknown => direction,
    }
}

/// The direction of a sum of two parts.
fn both(one: Monotone, other: Monotone) -> Monotone {
    match (one, other) {
        (Monotone::Constant, direction) | (direction, Monotone::Constant) => direction,
        (one, other) if one == other => one,
        _ => Monotone::Unknown,
    }
}

fn only_constant(direction: Monotone) -> Monotone {
    if direction == Monotone::Constant { direction } else { Monotone::Unknown }
}

/// The direction of a part that is multiplied by something of this sign.
fn signed(factor: Option<&Interval>, direction: Monotone) -> Monotone {
    match factor {
        Some(factor) if factor.is_never_negative() => direction,
        Some(factor) if factor.is_never_positive() => reversed(direction),
        _ => only_constant(direction),
    }
}
