//! Whether a charge is linear in `volume`, so that it does not matter how usage is cut into slots.

use std::collections::BTreeMap;

use aquarium_ir::expression::{LocalId, Variable};
use aquarium_ir::{Expression, Node, NodeId};

/// How a value depends on the volume of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// It is always zero.
    Zero,
    /// It does not depend on it.
    Free,
    /// It is a multiple of it that does not depend on it.
    Linear,
    /// In any other way.
    Other,
}

/// Whether cutting a slot in two can change the charge. Of what reads `total` this is not asked: its author
/// has thought of the month.
pub(super) fn depends_on_slots(expression: &Expression) -> bool {
    let reads_total = |node: &Node| matches!(node, Node::Variable { variable: Variable::Total, .. });
    let Some(root) = expression.root() else { return false };
    if expression.nodes.iter().any(reads_total) {
        return false;
    }
    let uses_volume = |node: &Node| !matches!(node, Node::Variable { variable: Variable::Amount, .. });
    let charges_by_event = !expression.nodes.iter().any(|node| {
        matches!(node, Node::Tiered { .. }) || matches!(node, Node::Variable { .. }) && uses_volume(node)
    });
    let share = Walk { expression, locals: BTreeMap::new() }.share(root);
    // A fee that no volume enters is one per slot, on purpose.
    !charges_by_event && !matches!(share, Share::Zero | Share::Linear)
}

struct Walk<'e> {
    expression: &'e Expression,
    locals: BTreeMap<LocalId, Share>,
}

impl Walk<'_> {
    fn share(&mut self, id: NodeId) -> Share {
        let expression = self.expression;
        let Some(node) = expression.node(id) else { return Share::Other };
        match node {
            Node::Number(number) if number.is_zero() => Share::Zero,
            Node::Number(_) => Share::Free,
            Node::Variable { variable, .. } => match variable {
                Variable::Volume | Variable::Value | Variable::Duration => Share::Linear,
                Variable::Amount | Variable::Total => Share::Free,
            },
            Node::Tiered { .. } => Share::Linear,
            Node::Local(local) => self.locals.get(local).copied().unwrap_or(Share::Other),
            Node::Let { local, value, body } => {
                let value = self.share(*value);
                self.locals.insert(*local, value);
                self.share(*body)
            }
            Node::Negate(operand) | Node::DivideByConstant(operand, _) => self.share(*operand),
            Node::Add(left, right) | Node::Subtract(left, right) => {
                join(self.share(*left), self.share(*right))
            }
            Node::Multiply(left, right) => product(self.share(*left), self.share(*right)),
            Node::Divide { dividend, divisor, .. } => match (self.share(*dividend), self.share(*divisor)) {
                (dividend, Share::Free) => dividend,
                _ => Share::Other,
            },
            Node::If { condition, then, otherwise } => {
                let branches = join(self.share(*then), self.share(*otherwise));
                if self.share(*condition) == Share::Free { branches } else { Share::Other }
            }
            Node::Absolute(_)
            | Node::Minimum(..)
            | Node::Maximum(..)
            | Node::Remainder { .. }
            | Node::Round { .. }
            | Node::Compare { .. }
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_) => self.free(node),
        }
    }

    /// Free where all operands are.
    fn free(&mut self, node: &Node) -> Share {
        let all = node.operands().all(|operand| matches!(self.share(operand), Share::Free | Share::Zero));
        if all { Share::Free } else { Share::Other }
    }
}

/// Of a sum, and of what is one of two.
fn join(left: Share, right: Share) -> Share {
    match (left, right) {
        (Share::Zero, other) | (other, Share::Zero) => other,
        (left, right) if left == right => left,
        _ => Share::Other,
    }
}

fn product(left: Share, right: Share) -> Share {
    match (left, right) {
        (Share::Zero, _) | (_, Share::Zero) => Share::Zero,
        (Share::Free, other) | (other, Share::Free) => other,
        _ => Share::Other,
    }
}
