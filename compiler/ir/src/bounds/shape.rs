//! What an expression is before anything is known of its slots: a well-formed tree, the type and the
//! *scale* of every node, and which nodes compute the same.
//!
//! The scale of a node is a positive rational of which every value of the node is an integer multiple. It
//! depends on constants alone, so constants cost nothing at run time: `price * volume` is the raw volume,
//! at a scale that holds the price.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::{One, Signed};

use super::{Problem, Reason, exact};
use crate::expression::{Expression, LocalId, Node, NodeId};
use crate::number::Rational;
use crate::policy::Tier;

/// What a node computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Quantity,
    Truth,
}

/// Static facts of one node.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub kind: Kind,
    /// `None` where the value is always zero, and for conditions.
    pub scale: Option<BigRational>,
    /// Nodes of one class have one value.
    pub class: NodeId,
}

/// Static facts of all nodes that the root needs.
#[derive(Debug)]
pub(super) struct Shape {
    pub facts: Vec<Option<Fact>>,
    /// The node that each local stands for.
    pub locals: BTreeMap<LocalId, NodeId>,
}

impl Shape {
    /// The shape of a well-formed expression.
    pub fn of(expression: &Expression) -> Result<Self, Problem> {
        let root = expression.root().ok_or(malformed(NodeId(0)))?;
        let shape = Self { facts: vec![None; expression.nodes.len()], locals: BTreeMap::new() };
        let mut walk = Walk { expression, shape, scope: BTreeSet::new(), classes: BTreeMap::new() };
        walk.node(root, 0)?;
        match walk.shape.fact(root) {
            Some(Fact { kind: Kind::Quantity, .. }) => Ok(walk.shape),
            _ => Err(malformed(root)),
        }
    }

    pub fn fact(&self, id: NodeId) -> Option<&Fact> {
        self.facts.get(id.0 as usize)?.as_ref()
    }

    /// The class of a node; the node itself where it has none.
    pub fn class(&self, id: NodeId) -> NodeId {
        self.fact(id).map_or(id, |fact| fact.class)
    }

    /// The scale of a node, one where its value is always zero.
    pub fn scale(&self, id: NodeId) -> BigRational {
        self.fact(id).and_then(|fact| fact.scale.clone()).unwrap_or_else(BigRational::one)
    }
}

struct Walk<'a> {
    expression: &'a Expression,
    shape: Shape,
    scope: BTreeSet<LocalId>,
    classes: BTreeMap<Node, NodeId>,
}

fn malformed(node: NodeId) -> Problem {
    Problem { node, reason: Reason::Malformed }
}

impl Walk<'_> {
    fn node(&mut self, id: NodeId, depth: u32) -> Result<Fact, Problem> {
        let expression = self.expression;
        let node = expression.node(id).ok_or(malformed(id))?;
        let sound = node.operands().all(|operand| operand < id) && self.shape.fact(id).is_none();
        if !sound || depth >= Expression::DEPTH_MAX || !parameters_are_sound(node) {
            return Err(malformed(id));
        }
        let fact = match node {
            Node::Let { local, value, body } => {
                self.node(*value, depth + 1)?;
                if self.shape.locals.insert(*local, *value).is_some() {
                    return Err(malformed(id));
                }
                self.scope.insert(*local);
                let fact = self.node(*body, depth + 1)?;
                self.scope.remove(local);
                fact
            }
            Node::Local(local) => self.local(*local).ok_or(malformed(id))?,
            _ => self.operation(id, node, depth)?,
        };
        if let Some(place) = self.shape.facts.get_mut(id.0 as usize) {
            *place = Some(fact.clone());
        }
        Ok(fact)
    }

    /// A local is what it stands for.
    fn local(&self, local: LocalId) -> Option<Fact> {
        let value = self.shape.locals.get(&local).filter(|_| self.scope.contains(&local))?;
        self.shape.fact(*value).cloned()
    }

    fn operation(&mut self, id: NodeId, node: &Node, depth: u32) -> Result<Fact, Problem> {
        let mut operands = Vec::with_capacity(3);
        for operand in node.operands() {
            operands.push(self.node(operand, depth + 1)?);
        }
        let kinds: Vec<Kind> = operands.iter().map(|operand| operand.kind).collect();
        let kind = kind(node, &kinds).ok_or(malformed(id))?;
        let scales: Vec<Option<&BigRational>> =
            operands.iter().map(|operand| operand.scale.as_ref()).collect();
        let scale = if kind == Kind::Quantity { scale(node, &scales) } else { None };
        let shape = &self.shape;
        let key = node.with_operands(|operand| shape.class(operand));
        let class = *self.classes.entry(key).or_insert(id);
        Ok(Fact { kind, scale, class })
    }
}

/// Whether the constants of an operation are what the operation allows.
fn parameters_are_sound(node: &Node) -> bool {
    match node {
        Node::Variable { factor, .. } => factor.0.is_positive(),
        Node::DivideByConstant(_, divisor) => !divisor.is_zero(),
        Node::Divide { step, .. } | Node::Round { step, .. } => step.0.is_positive(),
        Node::Tiered { tiers, unit } => unit.0.is_positive() && tiers_are_sound(tiers),
        _ => true,
    }
}

/// Limits are positive and rise; the last tier, and only it, has none.
fn tiers_are_sound(tiers: &[Tier]) -> bool {
    let mut start = Rational::zero();
    let Some((last, limited)) = tiers.split_last() else { return false };
    last.upto.is_none()
        && limited.iter().all(|tier| {
            let rises = tier.upto.as_ref().is_some_and(|upto| *upto > start);
            start = tier.upto.clone().unwrap_or_else(Rational::zero);
            rises
        })
}

/// The type of an operation over operands of these types.
fn kind(node: &Node, operands: &[Kind]) -> Option<Kind> {
    let all = |kind: Kind| operands.iter().all(|operand| *operand == kind);
    match node {
        Node::Compare { .. } => all(Kind::Quantity).then_some(Kind::Truth),
        Node::And(..) | Node::Or(..) | Node::Not(_) => all(Kind::Truth).then_some(Kind::Truth),
        Node::If { .. } => match operands {
            [Kind::Truth, then, otherwise] if then == otherwise => Some(*then),
            _ => None,
        },
        _ => all(Kind::Quantity).then_some(Kind::Quantity),
    }
}

/// The scale of a quantity whose operands have these scales.
fn scale(node: &Node, operands: &[Option<&BigRational>]) -> Option<BigRational> {
    let operand = |index: usize| operands.get(index).copied().flatten();
    match node {
        Node::Number(number) => (!number.is_zero()).then(|| number.0.abs()),
        Node::Variable { factor, .. } => Some(factor.0.clone()),
        Node::Negate(_) | Node::Absolute(_) => operand(0).cloned(),
        Node::Multiply(..) => Some(exact::product(operand(0)?, operand(1)?)),
        Node::DivideByConstant(_, divisor) => Some(exact::quotient(operand(0)?, &divisor.0.abs())),
        Node::Divide { step, .. } | Node::Round { step, .. } => {
            operand(0)?;
            Some(step.0.clone())
        }
        Node::If { .. } => common(operand(1), operand(2)),
        Node::Tiered { tiers, unit } => tiered(tiers, unit),
        _ => common(operand(0), operand(1)),
    }
}

/// The scale of tier limits in raw units, raw integers among them.
#[must_use]
pub fn limit_scale(tiers: &[Tier], unit: &Rational) -> BigRational {
    let limits = tiers.iter().filter_map(|tier| tier.upto.as_ref()).map(|upto| &upto.0 * &unit.0);
    limits.fold(BigRational::one(), |scale, limit| greatest_common_divisor(&scale, &limit))
}

fn tiered(tiers: &[Tier], unit: &Rational) -> Option<BigRational> {
    let length = limit_scale(tiers, unit) / &unit.0;
    let prices = tiers.iter().filter(|tier| !tier.price.is_zero()).map(|tier| tier.price.0.abs() * &length);
    prices.reduce(|scale, price| greatest_common_divisor(&scale, &price))
}

/// The scale that the values of two scales have in common.
fn common(left: Option<&BigRational>, right: Option<&BigRational>) -> Option<BigRational> {
    match (left, right) {
        (Some(left), Some(right)) => Some(greatest_common_divisor(left, right)),
        (one, None) | (None, one) => one.cloned(),
    }
}

/// The greatest rational of which both positive rationals are integer multiples.
#[must_use]
pub fn greatest_common_divisor(left: &BigRational, right: &BigRational) -> BigRational {
    if left == right {
        return left.clone();
    }
    let above = exact::common_divisor(left.numer(), right.numer());
    let below = left.denom() * right.denom() / exact::common_divisor(left.denom(), right.denom());
    BigRational::new_raw(above, below)
}
