//! One expression for one resource and many prices: typed once, and proven once for all flat prices of a
//! sign into whose size nothing but the size of the charge goes.

use aquarium_ir::bounds::{Bounds, power_of_price};
use aquarium_ir::policy::{Monotone, Price};
use aquarium_ir::{Expression, Node, NodeId, Rational};

use super::check::{Checker, Outcome};
use super::flow::{Amount, Subject};
use super::{ChargeContext, Checked, ExpressionSyntax, place, unproven};
use crate::diagnostic::TextFinding;
use crate::unit::Unit;

/// An expression that is typed for a resource and a kind of price.
pub struct Template<'a> {
    syntax: &'a ExpressionSyntax,
    context: ChargeContext<'a>,
    expression: Expression,
    outcome: Parts,
    /// The power of the flat price in the charge, where the price is a plain factor.
    power: Option<u32>,
    /// What was proven for a price above and for one below zero.
    proofs: [Option<Proof>; 2],
}

/// What typing yields beside the expression.
struct Parts {
    spans: Vec<aquarium_grammar::expression::TextSpan>,
    prices: std::collections::BTreeSet<NodeId>,
    errors: Vec<TextFinding>,
    lints: Vec<TextFinding>,
}

/// What was proven for one price.
struct Proof {
    price: Rational,
    bounds: Bounds,
    /// What it finds for every price of that sign.
    flow: Vec<TextFinding>,
}

impl<'a> Template<'a> {
    /// Types an expression for all prices of the kind, flat or in tiers, that the context has.
    #[must_use]
    pub fn new(syntax: &'a ExpressionSyntax, context: ChargeContext<'a>) -> Self {
        let Outcome { arena, findings, lints } = Checker::new(syntax, &context).run();
        let power = power_of_price(&arena.expression, &arena.prices);
        let outcome = Parts { spans: arena.spans, prices: arena.prices, errors: findings, lints };
        Self { syntax, context, expression: arena.expression, outcome, power, proofs: [None, None] }
    }

    /// What is known for a price of the kind that it was typed for.
    #[must_use]
    pub fn check(&mut self, price: &Price) -> Checked {
        if !self.outcome.errors.is_empty() || self.syntax.is_broken() {
            let lints = if self.syntax.is_broken() { Vec::new() } else { self.outcome.lints.clone() };
            return Checked {
                body: None,
                monotone: Monotone::Unknown,
                errors: place(self.outcome.errors.clone(), self.syntax),
                flow: lints,
            };
        }
        let Price::Flat(flat) = price else { return self.proven(self.expression.clone(), price).0 };
        let body = self.priced(flat);
        self.scaled(&body, price, flat).unwrap_or_else(|| self.proven_first(body, price, flat))
    }

    /// The expression with this price.
    fn priced(&self, price: &Rational) -> Expression {
        let mut body = self.expression.clone();
        let number = self.number(price);
        for id in &self.outcome.prices {
            if let Some(node) = body.nodes.get_mut(id.0 as usize) {
                *node = Node::Number(number.clone());
            }
        }
        body
    }

    /// A flat price in base units.
    fn number(&self, price: &Rational) -> Rational {
        let scale =
            Unit::credit().per(&self.context.unit.volume).map_or_else(Rational::one, |unit| unit.scale());
        Rational(&price.0 * scale.0)
    }

    /// Proves a flat price, and keeps what holds for others too.
    fn proven_first(&mut self, body: Expression, price: &Price, flat: &Rational) -> Checked {
        let is_factor = self.power.is_some() && self.is_apart(&body, flat);
        let (checked, bounds, flow) = self.proven(body, price);
        if let Some(place) = self.proofs.get_mut(usize::from(flat.is_negative()))
            && is_factor
            && bounds.problems.is_empty()
        {
            place.get_or_insert(Proof { price: flat.clone(), bounds, flow });
        }
        checked
    }

    /// Whether the price is other than zero and than every other number here: equal numbers are known to be
    /// equal, which may prove more.
    fn is_apart(&self, body: &Expression, price: &Rational) -> bool {
        let number = self.number(price);
        let is_other = |(id, node): (NodeId, &Node)| {
            self.outcome.prices.contains(&id) || !matches!(node, Node::Number(other) if *other == number)
        };
        !price.is_zero() && (0_u32..).map(NodeId).zip(&body.nodes).all(is_other)
    }

    /// What follows for a flat price from what was proven for another one.
    fn scaled(&self, body: &Expression, price: &Price, flat: &Rational) -> Option<Checked> {
        let proof = self.proofs.get(usize::from(flat.is_negative()))?.as_ref()?;
        if !self.is_apart(body, flat) {
            return None;
        }
        let ratio = &flat.0 / &proof.price.0;
        let factor = Rational((0..self.power?).fold(Rational::one().0, |factor, _| factor * &ratio));
        let credits = proof.bounds.credits_times(&factor, self.context.precision)?;
        let subject = self.subject(body, &proof.bounds);
        let mut flow = proof.flow.clone();
        flow.extend(subject.findings_on(&Amount { price, credits: Some(&credits) }));
        Some(Checked { body: Some(body.clone()), monotone: proof.bounds.monotone, errors: Vec::new(), flow })
    }

    fn subject<'b>(&'b self, body: &'b Expression, bounds: &'b Bounds) -> Subject<'b> {
        Subject { syntax: self.syntax, body, spans: &self.outcome.spans, bounds }
    }

    /// Proves an expression with its price, and what it finds whatever the price is.
    fn proven(&self, body: Expression, price: &Price) -> (Checked, Bounds, Vec<TextFinding>) {
        let bounds = Bounds::prove(&body, self.context.resource, self.context.precision);
        let problems = bounds.problems.iter();
        let errors: Vec<TextFinding> = problems
            .map(|problem| unproven(self.syntax, problem.node, &problem.reason, &self.outcome.spans))
            .collect();
        let mut flow = self.outcome.lints.clone();
        let mut all = flow.clone();
        if errors.is_empty() {
            let subject = self.subject(&body, &bounds);
            flow.extend(subject.findings());
            all.clone_from(&flow);
            all.extend(subject.findings_on(&Amount { price, credits: bounds.credits.as_ref() }));
        }
        let errors = place(errors, self.syntax);
        let body = errors.is_empty().then_some(body);
        (Checked { body, monotone: bounds.monotone, errors, flow: all }, bounds, flow)
    }
}
