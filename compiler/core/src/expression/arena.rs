//! The program in the making: nodes in base units, operands before their users.

use std::collections::BTreeSet;

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::expression::Origin;
use aquarium_ir::policy::Span;
use aquarium_ir::{Expression, Node, NodeId, Rational};

use crate::unit::Unit;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// A condition.
    Truth,
    /// A number without unit until it is used.
    Bare,
    /// A quantity.
    Quantity(Unit),
    /// Something that has been reported.
    Broken,
}

/// A value that is known without any variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Constant {
    /// Of a quantity (in base units) or bare number.
    Number(Rational),
    /// Of a condition.
    Truth(bool),
}

/// A checked part of the expression.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// Its node.
    pub node: NodeId,
    /// Where it stands.
    pub span: TextSpan,
    /// What it is.
    pub kind: Type,
    /// Its value, where no variable (and no price) is needed to tell.
    pub constant: Option<Constant>,
    /// How many values it multiplies.
    pub degree: u32,
}

impl Typed {
    /// Its value, where that is a number known without any variable.
    pub fn number(&self) -> Option<&Rational> {
        match &self.constant {
            Some(Constant::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// Its value, where that is a condition known without any variable.
    pub fn truth(&self) -> Option<bool> {
        match self.constant {
            Some(Constant::Truth(truth)) => Some(truth),
            _ => None,
        }
    }

    /// Its unit; `None` for what is no quantity.
    pub fn unit(&self) -> Option<&Unit> {
        match &self.kind {
            Type::Quantity(unit) => Some(unit),
            Type::Truth | Type::Bare | Type::Broken => None,
        }
    }

    pub fn is_broken(&self) -> bool {
        self.kind == Type::Broken
    }
}

/// The nodes, and where in the expression's text each one comes from.
pub(super) struct Arena<'a> {
    pub expression: Expression,
    /// As long as the nodes.
    pub spans: Vec<TextSpan>,
    /// The numbers that are the flat price.
    pub prices: BTreeSet<NodeId>,
    place: Box<dyn Fn(TextSpan) -> Span + 'a>,
}

impl<'a> Arena<'a> {
    pub fn new(place: impl Fn(TextSpan) -> Span + 'a) -> Self {
        Self {
            expression: Expression::default(),
            spans: Vec::new(),
            prices: BTreeSet::new(),
            place: Box::new(place),
        }
    }

    /// Adds a node.
    pub fn push(&mut self, node: Node, span: TextSpan, kind: &Type) -> NodeId {
        let id = NodeId(u32::try_from(self.expression.nodes.len()).unwrap_or(u32::MAX));
        let (unit, scale) = shown(kind);
        self.expression.nodes.push(node);
        self.expression.origins.push(Origin { span: (self.place)(span), unit, scale });
        self.spans.push(span);
        id
    }

    /// Gives back what will not be used: a policy holds thousands of expressions.
    pub fn shrink(&mut self) {
        self.expression.nodes.shrink_to_fit();
        self.expression.origins.shrink_to_fit();
        self.spans.shrink_to_fit();
    }

    /// How many nodes there are, for [`Self::forget`].
    pub fn mark(&self) -> usize {
        self.expression.nodes.len()
    }

    /// Removes the nodes since `mark`: nothing uses them.
    pub fn forget(&mut self, mark: usize) {
        self.expression.nodes.truncate(mark);
        self.expression.origins.truncate(mark);
        self.spans.truncate(mark);
        self.prices.retain(|price| (price.0 as usize) < mark);
    }

    /// Gives the bare number `typed` a unit.
    pub fn adapt(&mut self, typed: Typed, unit: &Unit) -> Typed {
        let scale = unit.scale();
        let kind = Type::Quantity(unit.clone());
        let node = self.scaled(&typed, &scale, &kind);
        let constant = typed.number().map(|number| Constant::Number(Rational(&number.0 * &scale.0)));
        Typed { node, kind, constant, ..typed }
    }

    fn scaled(&mut self, typed: &Typed, scale: &Rational, kind: &Type) -> NodeId {
        let index = typed.node.0 as usize;
        let (unit, shown_scale) = shown(kind);
        let node = self.expression.nodes.get_mut(index);
        if let (Some(Node::Number(number)), Some(origin)) = (node, self.expression.origins.get_mut(index)) {
            number.0 = &number.0 * &scale.0;
            origin.unit = unit;
            origin.scale = shown_scale;
            return typed.node;
        }
        if *scale == Rational::one() {
            return typed.node;
        }
        let factor = self.push(Node::Number(scale.clone()), typed.span, kind);
        self.push(Node::Multiply(typed.node, factor), typed.span, kind)
    }
}

/// How a value is shown: its unit, and base units in one of it.
fn shown(kind: &Type) -> (String, Rational) {
    match kind {
        Type::Quantity(unit) => (unit.to_string(), unit.scale()),
        Type::Truth | Type::Bare | Type::Broken => (String::new(), Rational::one()),
    }
}
