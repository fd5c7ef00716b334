//! One expression for one resource and many prices: typed once, and proven once for all flat prices of a
//! sign into whose size nothing but the size of the charge goes.

use std::borrow::Cow;
use std::sync::Arc;

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;
use aquarium_ir::bounds::{Bounds, Prover};
use aquarium_ir::policy::{Body, Monotone, Price};

use super::check::{Checker, Outcome};
use super::flow::{Amount, Subject};
use super::{ChargeContext, Checked, ExpressionSyntax, place, unproven};
use crate::diagnostic::TextFinding;

/// An expression that is typed for a resource and a kind of price.
pub struct Template<'a> {
    syntax: &'a ExpressionSyntax,
    prover: Prover<'static>,
    spans: Vec<TextSpan>,
    errors: Vec<TextFinding>,
    lints: Vec<TextFinding>,
    /// What the flow checks find at every price above and at every price below zero.
    flow: [Option<Arc<[TextFinding]>>; 2],
}

impl<'a> Template<'a> {
    /// Types an expression for all prices of the kind, flat or in tiers, that the context has.
    #[must_use]
    pub fn new(syntax: &'a ExpressionSyntax, context: &ChargeContext<'_>) -> Self {
        let Outcome { mut arena, findings, lints } = Checker::new(syntax, context).run();
        arena.shrink();
        let body = Body { expression: arena.expression, prices: arena.prices.into_iter().collect() };
        let prover = Prover::new(Cow::Owned(body), context.limits, context.precision);
        Self { syntax, prover, spans: arena.spans, errors: findings, lints, flow: [None, None] }
    }

    /// What was typed; it can be compiled at the prices whose check says so.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.prover.into_body()
    }

    /// What is known for a price of the kind that it was typed for.
    #[must_use]
    pub fn check(&mut self, price: &Price) -> Checked {
        if !self.errors.is_empty() || self.syntax.is_broken() {
            let lints: &[TextFinding] = if self.syntax.is_broken() { &[] } else { &self.lints };
            return Checked {
                compiles: false,
                monotone: Monotone::Unknown,
                errors: place(self.errors.clone(), self.syntax),
                flow: lints.into(),
                amount: Vec::new(),
            };
        }
        self.known(price).unwrap_or_else(|| self.proven(price))
    }

    /// What follows for a flat price from what was proven for another one.
    fn known(&self, price: &Price) -> Option<Checked> {
        let Price::Flat(flat) = price else { return None };
        let flow = self.flow.get(sign(flat))?.as_ref()?;
        let similar = self.prover.similar(flat)?;
        let subject = self.subject(similar.bounds);
        let amount = subject.findings_on(&Amount { price, credits: similar.credits.as_ref() }).collect();
        Some(Checked {
            compiles: true,
            monotone: similar.bounds.monotone,
            errors: Vec::new(),
            flow: Arc::clone(flow),
            amount,
        })
    }

    fn subject<'b>(&'b self, bounds: &'b Bounds) -> Subject<'b> {
        Subject { syntax: self.syntax, body: &self.prover.body().expression, spans: &self.spans, bounds }
    }

    /// Proves the expression at a price.
    fn proven(&mut self, price: &Price) -> Checked {
        let bounds = self.prover.at(price);
        let problems = bounds.problems.iter();
        let errors: Vec<TextFinding> = problems
            .map(|problem| unproven(self.syntax, problem.node, &problem.reason, &self.spans))
            .collect();
        let (mut flow, mut amount) = (self.lints.clone(), Vec::new());
        if errors.is_empty() {
            let subject = self.subject(&bounds);
            flow.extend(subject.findings());
            amount.extend(subject.findings_on(&Amount { price, credits: bounds.credits.as_ref() }));
        }
        let flow: Arc<[TextFinding]> = flow.into();
        if let Price::Flat(flat) = price
            && let Some(kept) = self.flow.get_mut(sign(flat)).filter(|_| self.prover.similar(flat).is_some())
        {
            kept.get_or_insert_with(|| Arc::clone(&flow));
        }
        let compiles = errors.is_empty();
        let errors = place(errors, self.syntax);
        Checked { compiles, monotone: bounds.monotone, errors, flow, amount }
    }
}

fn sign(price: &Rational) -> usize {
    usize::from(price.is_negative())
}
