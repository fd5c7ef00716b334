//! Seeded expressions, policies and slots: every kind of node, every width, values at and around every bound.

#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::BTreeMap;

use aquarium_ir::bounds::Bounds;
use aquarium_ir::expression::{Comparison, Expression, LocalId, Node, NodeId, Rounding, Variable};
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{
    Charge, ChargeId, CostPolicy, ExpressionId, ExpressionSource, FORMAT, Monotone, Policy, Price, PriceId,
    Resource, ResourceId, SourceId, Span, Tier,
};
use aquarium_ir::slot::{Limits, Slot};
use aquarium_ir::time::Zone;
use ethnum::I256;

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
    let charges = bodies.into_iter().map(|(resource, body)| Charge {
        resource,
        price: PriceId(0),
        expression: ExpressionId(0),
        body,
        monotone: Monotone::Unknown,
    });
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
        charges: charges.collect(),
        agreements: Vec::new(),
        roles: BTreeMap::new(),
        everybody_else: None,
        sources: Vec::new(),
        source_sha256: String::new(),
    }
}

/// An expression that the compiler accepts for this resource, and what it proves of it.
pub fn expression(random: &mut Random, resource: &Resource, precision: u8) -> (Expression, Bounds) {
    loop {
        let mut maker = Maker::new(random, resource);
        let depth = 1 + maker.random.below(5);
        maker.quantity(depth);
        let expression = maker.finish();
        let bounds = Bounds::prove(&expression, resource, precision);
        let constant = bounds.credits.as_ref().is_none_or(|credits| credits.single().is_some());
        if bounds.problems.is_empty() && (!constant || random.one_in(20)) {
            return (expression, bounds);
        }
    }
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

/// A raw integer up to `limit`: at an end, at an edge of a limb, or of a random length.
fn raw(random: &mut Random, limit: I256) -> I256 {
    let bits = u32::try_from(random.below(u64::from(256 - limit.leading_zeros()) + 1)).unwrap();
    let edge = I256::ONE << bits.min(254);
    let any =
        (I256::from(random.next()) << 128) | (I256::from(random.next()) << 64) | I256::from(random.next());
    let value = match random.below(8) {
        0 => I256::ZERO,
        1 => I256::ONE,
        2 => limit,
        3 => limit - I256::ONE,
        4 => edge - I256::ONE,
        5 => edge,
        6 => I256::from(random.below(1 << 40)),
        _ => any & (edge - I256::ONE),
    };
    value.clamp(I256::ZERO, limit)
}

/// A slot within the limits of its resource.
pub fn slot(random: &mut Random, charge: ChargeId, resource: &Resource) -> Slot {
    let limits = Limits::of(resource);
    let amount = raw(random, limits.amount);
    let duration = raw(random, I256::from(limits.duration_millis));
    complete(random, &limits, charge, amount, duration)
}

/// The slot of an amount and a length, with some total before it.
fn complete(random: &mut Random, limits: &Limits, charge: ChargeId, amount: I256, duration: I256) -> Slot {
    let (volume, amount) = match limits.cost_policy {
        CostPolicy::Discrete => (amount, amount),
        CostPolicy::Onoff => (duration, I256::ZERO),
        CostPolicy::Continuous => (amount * duration, amount),
    };
    if volume > limits.total {
        let half = |value: I256| value / 2;
        return complete(random, limits, charge, half(amount), half(duration));
    }
    let total = raw(random, limits.total - volume);
    Slot { charge, volume, total, amount, duration_millis: duration.as_i64() }
}

/// The same slot with another length, if there is one within the limits.
pub fn of_another_length(random: &mut Random, slot: &Slot, resource: &Resource) -> Slot {
    let limits = Limits::of(resource);
    let duration = raw(random, I256::from(limits.duration_millis));
    let volume = match limits.cost_policy {
        CostPolicy::Discrete => slot.volume,
        CostPolicy::Onoff => duration,
        CostPolicy::Continuous => slot.amount * duration,
    };
    let other = Slot { volume, duration_millis: duration.as_i64(), ..*slot };
    if limits.check(&other).is_ok() { other } else { *slot }
}
