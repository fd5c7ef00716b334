//! Which problems are told: what is too wide makes everything around it too wide, and is told alone.

use std::collections::BTreeMap;

use super::{Problem, Reason};
use crate::expression::{Expression, LocalId, Node, NodeId};

/// The problems without those that only follow from a part that is too wide.
pub(super) fn innermost(expression: &Expression, mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    if problems.is_empty() {
        return problems;
    }
    let inside = wide_inside(expression, &problems);
    let mut last = None;
    problems.retain(|problem| {
        let is_inside = inside.get(problem.node.0 as usize).copied().unwrap_or(false);
        match problem.reason {
            // Of a charge that is too wide as a value and when it is rounded the first is told.
            Reason::TooWide { .. } => !is_inside && last.replace(problem.node) != Some(problem.node),
            Reason::CreditsTooWide { .. } => !is_inside && last != Some(problem.node),
            Reason::Malformed | Reason::DivisorMayBeZero { .. } => true,
        }
    });
    problems
}

/// By node, whether something that its value is made of is too wide.
fn wide_inside(expression: &Expression, problems: &[Problem]) -> Vec<bool> {
    let is_wide = |id: NodeId| {
        let at = problems.partition_point(|problem| problem.node < id);
        let own = problems.iter().skip(at).take_while(|problem| problem.node == id);
        own.into_iter().any(|problem| matches!(problem.reason, Reason::TooWide { .. }))
    };
    let mut inside: Vec<bool> = Vec::with_capacity(expression.nodes.len());
    let locals: BTreeMap<LocalId, NodeId> = expression.nodes.iter().filter_map(Node::binding).collect();
    for node in &expression.nodes {
        let holds = |id: NodeId| inside.get(id.0 as usize).copied().unwrap_or(false) || is_wide(id);
        let found = match node {
            Node::Local(local) => locals.get(local).copied().is_some_and(holds),
            _ => node.operands().any(holds),
        };
        inside.push(found);
    }
    inside
}
