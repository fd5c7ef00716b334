//! Seeded expressions, policies and slots: every kind of node, every width, values at and around every bound.

#![allow(dead_code, reason = "each test uses its own part")]

mod slots;

use std::collections::BTreeMap;

use aquarium_ir::bounds::Bounds;
use aquarium_ir::expression::{Comparison, Expression, LocalId, Node, NodeId, Rounding, Variable};
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{
    Body, BodyId, Charge, CostPolicy, ExpressionId, ExpressionSource, FORMAT, Monotone, Policy, Price,
    PriceId, Resource, ResourceId, SourceId, Span, Tier,
};
use aquarium_ir::time::Zone;
use num_bigint::BigInt;
use num_traits::Signed;

#[allow(unused_imports, reason = "each test takes what it needs")]
pub use self::slots::{of_another_length, points, slot};

/// A small generator of random numbers (xorshift64*), the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()].clone()
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

pub fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

fn span() -> Span {
    Span { source: SourceId(0), start: 0, end: 0, line: 1 }
}

/// The largest raw values that resources allow: around the edges of limbs and widths, and the default.
const MAXIMA: [&str; 14] = [
    "1",
    "1000",
    "2147483647",
    "1000000000000",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1000000000000000000000",
    "79228162514264337593543950335",
    "85070591730234615865843651857942052864",
    "170141183460469231731687303715884105727",
    "1000000000000000000000000000000000000000",
];

const RAW_PER_UNIT: [&str; 4] = ["1e9", "3600000", "3600000000000000", "1000000000000"];

pub fn resource(random: &mut Random, index: usize) -> Resource {
    let cost_policy = random.pick(&[CostPolicy::Discrete, CostPolicy::Continuous, CostPolicy::Onoff]);
    Resource {
        name: format!("resource{index:04}"),
        unit: "unit".into(),
        cost_policy,
        complex: false,
        max: number(random.pick(&MAXIMA)),
        raw_per_unit: number(random.pick(&RAW_PER_UNIT)),
        span: span(),
    }
}

/// A policy of these charges.
pub fn policy(precision: u8, resources: Vec<Resource>, bodies: Vec<(ResourceId, Expression)>) -> Policy {
    let charges = bodies.iter().zip(0..).map(|((resource, _), body)| Charge {
        resource: *resource,
        price: PriceId(0),
        expression: ExpressionId(0),
        body: BodyId(body),
        monotone: Monotone::Unknown,
    });
    let charges = charges.collect();
    let bodies = bodies.into_iter().map(|(_, expression)| Body { expression, prices: Vec::new() });
    Policy {
        format: FORMAT,
        name: None,
        description: None,
        zone: Zone::utc(),
        precision,
        effective: None,
        frames: Vec::new(),
        resources,
        prices: vec![Price::Flat(Rational::zero())],
        expressions: vec![ExpressionSource { digest: String::new(), text: String::new(), reads_total: true }],
        bodies: bodies.collect(),
        charges,
        agreements: Vec::new(),
        roles: BTreeMap::new(),
        everybody_else: None,
        sources: Vec::new(),
        source_sha256: String::new(),
    }
}

/// An expression that the compiler accepts for this resource, and what it proves of it.
pub fn expression(random: &mut Random, resource: &Resource, precision: u8) -> Expression {
    loop {
        let mut maker = Maker::new(random, resource);
        let depth = 1 + maker.random.below(5);
        maker.quantity(depth);
        let expression = maker.finish();
        let bounds = Bounds::prove(&expression, resource, precision);
        let constant = bounds.credits.as_ref().is_none_or(|credits| credits.single().is_some());
        if !bounds.problems.is_empty() || (constant && !random.one_in(20)) {
            continue;
        }
        let is_sound = |grown: &Expression| Bounds::prove(grown, resource, precision).problems.is_empty();
        let grown = if random.one_in(3) { at_the_edge(random, &expression, &bounds) } else { None };
        return grown.filter(is_sound).unwrap_or(expression);
    }
}

/// The expression, or minus it, as a sum decides whose greatest value just fits into 64, 128 or 256 bits.
fn at_the_edge(random: &mut Random, expression: &Expression, bounds: &Bounds) -> Option<Expression> {
    let value = expression.root()?;
    let quantity = bounds.quantity(value)?;
    let interval = &quantity.interval;
    let greatest = interval.greatest.0.abs().max(interval.least.0.abs());
    let magnitude = (greatest / &quantity.scale.0).to_integer();
    let bits: u32 = random.pick(&[63, 127, 255, 255]);
    let factor = ((BigInt::from(1) << bits) - 2) / magnitude.max(BigInt::from(1));
    if factor <= BigInt::from(1) {
        return None;
    }
    let locals = expression.nodes.iter().filter_map(Node::binding).map(|(local, _)| local.0 + 1);
    let local = LocalId(locals.max().unwrap_or(0));
    let id = |offset: u32| NodeId(value.0 + offset);
    let mut nodes = expression.nodes.clone();
    nodes.extend([
        Node::Local(local),
        Node::Number(Rational::integer(factor)),
        Node::Multiply(id(1), id(2)),
        // A product by a number counts in multiples of it; with this it counts in those of the value.
        Node::Number(quantity.scale.clone()),
        Node::Add(id(3), id(4)),
        Node::Number(Rational::zero()),
        Node::Compare { comparison: Comparison::Greater, left: id(5), right: id(6) },
        Node::Local(local),
        Node::Local(local),
        Node::Negate(id(9)),
        Node::If { condition: id(7), then: id(8), otherwise: id(10) },
        Node::Let { local, value, body: id(11) },
    ]);
    Some(Expression { nodes, origins: Vec::new() })
}

struct Maker<'a> {
    random: &'a mut Random,
    resource: &'a Resource,
    nodes: Vec<Node>,
    /// Bindings in scope, and whether each is a condition.
    scope: Vec<(LocalId, bool)>,
    next_local: u32,
}

impl<'a> Maker<'a> {
    fn new(random: &'a mut Random, resource: &'a Resource) -> Self {
        Self { random, resource, nodes: Vec::new(), scope: Vec::new(), next_local: 0 }
    }

    fn finish(self) -> Expression {
        Expression { nodes: self.nodes, origins: Vec::new() }
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(u32::try_from(self.nodes.len() - 1).unwrap())
    }

    fn constant(&mut self) -> Rational {
        let text = match self.random.below(9) {
            0 => "0".into(),
            1 => "1".into(),
            2 => format!("{}", self.random.below(1000)),
            3 => format!("0.{:012}", self.random.below(1_000_000_000_000)),
            4 => format!("{}.{:02}", self.random.below(100), self.random.below(100)),
            5 => format!("-{}.{}", self.random.below(50), self.random.below(10)),
            6 => format!("{}", self.random.next() >> 4),
            7 => format!("{}/{}", 1 + self.random.below(1000), 1 + self.random.below(1000)),
            _ => format!("{}e{}", 1 + self.random.below(9), self.random.below(12)),
        };
        number(&text)
    }

    fn positive(&mut self) -> Rational {
        loop {
            let constant = self.constant();
            if !constant.is_zero() && !constant.is_negative() {
                return constant;
            }
        }
    }

    fn variable(&mut self) -> NodeId {
        let variables: &[Variable] = match self.resource.cost_policy {
            CostPolicy::Discrete => &[Variable::Volume, Variable::Volume, Variable::Total, Variable::Value],
            CostPolicy::Onoff => &[Variable::Volume, Variable::Total, Variable::Duration],
            CostPolicy::Continuous => {
                &[Variable::Volume, Variable::Volume, Variable::Total, Variable::Amount, Variable::Duration]
            }
        };
        let variable = self.random.pick(variables);
        let factor = self.random.pick(&["1e-9", "1", "0.001", "1/3600000", "1000", "1024e-9"]);
        self.push(Node::Variable { variable, factor: number(factor) })
    }

    fn tiered(&mut self) -> NodeId {
        let unit = self.resource.raw_per_unit.clone();
        let step = Rational(&self.resource.max.0 / &unit.0);
        let mut tiers = Vec::new();
        let mut limit = Rational::zero();
        for _ in 0..self.random.below(4) {
            let rise = if self.random.one_in(2) { self.positive() } else { step.clone() };
            limit = Rational(limit.0 + rise.0);
            let price = self.constant();
            tiers.push(Tier { upto: Some(limit.clone()), price });
        }
        let price = self.constant();
        tiers.push(Tier { upto: None, price });
        self.push(Node::Tiered { tiers, unit })
    }

    fn leaf(&mut self) -> NodeId {
        let bound: Vec<LocalId> =
            self.scope.iter().filter(|(_, truth)| !truth).map(|(local, _)| *local).collect();
        match self.random.below(8) {
            0 | 1 => {
                let constant = self.constant();
                self.push(Node::Number(constant))
            }
            2 => self.tiered(),
            3 | 4 if !bound.is_empty() => {
                let local = self.random.pick(&bound);
                self.push(Node::Local(local))
            }
            _ => self.variable(),
        }
    }

    fn rounding(&mut self) -> Rounding {
        self.random.pick(&[
            Rounding::Floor,
            Rounding::Ceiling,
            Rounding::HalfAwayFromZero,
            Rounding::HalfEven,
        ])
    }

    fn quantity(&mut self, depth: u64) -> NodeId {
        if depth == 0 {
            return self.leaf();
        }
        let less = depth - 1;
        match self.random.below(17) {
            0 => self.unary(less, Node::Negate),
            1 => self.unary(less, Node::Absolute),
            2 | 3 => self.pair(less, Node::Add),
            4 => self.pair(less, Node::Subtract),
            5 | 6 => self.pair(less, Node::Multiply),
            7 => self.pair(less, Node::Minimum),
            8 => self.pair(less, Node::Maximum),
            9 => {
                let dividend = self.quantity(less);
                let divisor = loop {
                    let divisor = self.constant();
                    if !divisor.is_zero() {
                        break divisor;
                    }
                };
                self.push(Node::DivideByConstant(dividend, divisor))
            }
            10 | 11 => {
                let value = self.quantity(less);
                let rounding = self.rounding();
                let step = self.positive();
                self.push(Node::Round { value, rounding, step })
            }
            12 => self.guarded(less, false),
            13 => self.guarded(less, true),
            14 => self.binding(less, Self::quantity),
            _ => {
                let condition = self.condition(less);
                let (then, otherwise) = (self.quantity(less), self.quantity(less));
                self.push(Node::If { condition, then, otherwise })
            }
        }
    }

    fn unary(&mut self, depth: u64, node: fn(NodeId) -> Node) -> NodeId {
        let operand = self.quantity(depth);
        self.push(node(operand))
    }

    fn pair(&mut self, depth: u64, node: fn(NodeId, NodeId) -> Node) -> NodeId {
        let (left, right) = (self.quantity(depth), self.quantity(depth));
        self.push(node(left, right))
    }

    fn binding(&mut self, depth: u64, body: fn(&mut Self, u64) -> NodeId) -> NodeId {
        let truth = self.random.one_in(3);
        let value = if truth { self.condition(depth) } else { self.quantity(depth) };
        let local = LocalId(self.next_local);
        self.next_local += 1;
        self.scope.push((local, truth));
        let body = body(self, depth);
        self.scope.pop();
        self.push(Node::Let { local, value, body })
    }

    /// A division or remainder whose divisor is a constant, kept away from zero, or checked before.
    fn guarded(&mut self, depth: u64, remainder: bool) -> NodeId {
        let step = self.positive();
        let operation = |dividend, divisor| {
            if remainder {
                Node::Remainder { dividend, divisor }
            } else {
                Node::Divide { dividend, divisor, step }
            }
        };
        match self.random.below(3) {
            0 => {
                let dividend = self.quantity(depth);
                let constant = self.positive();
                let divisor = self.push(Node::Number(constant));
                self.push(operation(dividend, divisor))
            }
            1 => {
                let dividend = self.quantity(depth);
                let size = self.unary(depth, Node::Absolute);
                let least = self.positive();
                let least = self.push(Node::Number(least));
                let divisor = self.push(Node::Maximum(size, least));
                self.push(operation(dividend, divisor))
            }
            _ => self.guarded_by_condition(depth, operation),
        }
    }

    /// `if divisor != 0 then dividend / divisor else other`.
    fn guarded_by_condition(&mut self, depth: u64, operation: impl FnOnce(NodeId, NodeId) -> Node) -> NodeId {
        let start = self.nodes.len();
        let checked = self.quantity(depth.min(1));
        let copy: Vec<Node> = self.nodes[start..].to_vec();
        let zero = self.push(Node::Number(Rational::zero()));
        let comparison = self.random.pick(&[Comparison::NotEqual, Comparison::Greater]);
        let condition = self.push(Node::Compare { comparison, left: checked, right: zero });
        let dividend = self.quantity(depth);
        let bind = copy.iter().any(|node| matches!(node, Node::Let { .. }));
        let shift = u32::try_from(self.nodes.len() - start).unwrap();
        let divisor = if bind {
            self.variable()
        } else {
            self.nodes.extend(copy.iter().map(|node| node.with_operands(|id| NodeId(id.0 + shift))));
            NodeId(checked.0 + shift)
        };
        let then = self.push(operation(dividend, divisor));
        let otherwise = self.quantity(depth);
        self.push(Node::If { condition, then, otherwise })
    }

    fn condition(&mut self, depth: u64) -> NodeId {
        let bound: Vec<LocalId> =
            self.scope.iter().filter(|(_, truth)| *truth).map(|(local, _)| *local).collect();
        if depth > 0 {
            let less = depth - 1;
            match self.random.below(9) {
                0 => {
                    let (left, right) = (self.condition(less), self.condition(less));
                    return self.push(Node::And(left, right));
                }
                1 => {
                    let (left, right) = (self.condition(less), self.condition(less));
                    return self.push(Node::Or(left, right));
                }
                2 => {
                    let operand = self.condition(less);
                    return self.push(Node::Not(operand));
                }
                3 if self.random.one_in(2) => {
                    let (condition, then) = (self.condition(less), self.condition(less));
                    let otherwise = self.condition(less);
                    return self.push(Node::If { condition, then, otherwise });
                }
                4 if self.random.one_in(2) => return self.binding(less, Self::condition),
                _ => {}
            }
        }
        if !bound.is_empty() && self.random.one_in(3) {
            let local = self.random.pick(&bound);
            return self.push(Node::Local(local));
        }
        let left = if depth > 0 { self.quantity(depth - 1) } else { self.variable() };
        let right = self.leaf();
        let comparison = self.random.pick(&[
            Comparison::Greater,
            Comparison::GreaterOrEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Equal,
            Comparison::NotEqual,
        ]);
        self.push(Node::Compare { comparison, left, right })
    }
}
