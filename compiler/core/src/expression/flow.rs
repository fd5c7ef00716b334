//! The flow checks: what is proven of an expression and was most probably not meant.

use std::collections::BTreeMap;

use aquarium_grammar::expression::{Kind, TextSpan};
use aquarium_ir::bounds::{Bounds, Interval, Proven};
use aquarium_ir::policy::Price;
use aquarium_ir::{Expression, Node, NodeId, Rational};

use super::{Checked, ExpressionSyntax, linear, place};
use crate::diagnostic::{Code, Diagnostic, TextFinding};
use crate::price::read_number;

/// What is looked at.
pub(super) struct Subject<'a> {
    pub syntax: &'a ExpressionSyntax,
    pub body: &'a Expression,
    pub spans: &'a [TextSpan],
    pub bounds: &'a Bounds,
}

/// What depends on how large the charge is.
pub(super) struct Amount<'a> {
    pub price: &'a Price,
    /// The rounded charge.
    pub credits: Option<&'a Interval>,
}

/// Where a conditional's parts stand, and which of them can be needed. Statements behind a branch that runs
/// on are there more than once, so a conditional can be too.
#[derive(Debug, Clone, Copy, Default)]
struct Decision {
    then_span: TextSpan,
    otherwise_span: TextSpan,
    then_reached: bool,
    otherwise_reached: bool,
}

/// The findings of the flow checks on an expression, given what is known of it for each resource and price
/// that it can meet: a branch is unreachable where it is for all of them, a charge can be negative where it
/// can for one.
#[must_use]
pub fn flow_diagnostics<'c>(
    syntax: &ExpressionSyntax,
    checked: impl IntoIterator<Item = &'c Checked>,
) -> Vec<Diagnostic> {
    let mut count = 0_usize;
    let mut found: BTreeMap<(Code, TextSpan, &str), (usize, TextFinding)> = BTreeMap::new();
    for one in checked {
        count += 1;
        for finding in one.flow.iter().chain(&one.amount) {
            let key = (finding.code, finding.span, finding.message.as_str());
            let entry = found.entry(key).or_insert_with(|| (0, finding.clone()));
            entry.0 += 1;
        }
    }
    let holds = |(times, finding): &(usize, TextFinding)| {
        *times == count || matches!(finding.code, Code::NegativeCharge | Code::PerSlot)
    };
    let findings = found.into_values().filter(holds).map(|(_, finding)| finding).collect();
    place(findings, syntax)
}

impl Subject<'_> {
    /// The findings that are the same however large the charge is.
    pub fn findings(&self) -> Vec<TextFinding> {
        let mut findings = self.conditions();
        findings.extend(self.per_slot());
        findings
    }

    /// The findings on the size of the charge.
    pub fn findings_on(&self, amount: &Amount<'_>) -> impl Iterator<Item = TextFinding> {
        self.negative(amount).into_iter().chain(self.always_zero(amount))
    }

    fn span(&self, id: NodeId) -> TextSpan {
        self.spans.get(id.0 as usize).copied().unwrap_or_default()
    }

    fn is_reached(&self, id: NodeId) -> bool {
        self.bounds.node(id).is_some_and(|node| node.reached)
    }

    fn ids(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0_u32..).map(NodeId).zip(&self.body.nodes)
    }

    fn conditions(&self) -> Vec<TextFinding> {
        let decisions = self.decisions();
        let mut findings: Vec<TextFinding> =
            decisions.iter().filter_map(|(condition, decision)| unreachable(*condition, decision)).collect();
        let told: Vec<TextSpan> = findings.iter().map(|finding| finding.span).collect();
        let is_told =
            |span: TextSpan| told.iter().any(|other| other.start <= span.start && span.end <= other.end);
        for (span, always) in self.comparisons() {
            if let Some(always) = always.filter(|_| !is_told(span)) {
                let message = if always { "this always holds here" } else { "this never holds here" };
                findings.push(TextFinding::new(Code::ConstantCondition, span, message));
            }
        }
        findings
    }

    /// Every conditional by its condition's place.
    fn decisions(&self) -> BTreeMap<TextSpan, Decision> {
        let mut decisions: BTreeMap<TextSpan, Decision> = BTreeMap::new();
        for (id, node) in self.ids() {
            let Node::If { condition, then, otherwise } = node else { continue };
            if !self.is_reached(id) {
                continue;
            }
            let decision = decisions.entry(self.span(*condition)).or_default();
            decision.then_span = self.span(*then);
            decision.otherwise_span = self.span(*otherwise);
            decision.then_reached |= self.is_reached(*then);
            decision.otherwise_reached |= self.is_reached(*otherwise);
        }
        decisions
    }

    /// Every comparison by its place, and its outcome where that is always the same.
    fn comparisons(&self) -> BTreeMap<TextSpan, Option<bool>> {
        let mut outcomes: BTreeMap<TextSpan, Option<bool>> = BTreeMap::new();
        for (id, node) in self.ids() {
            let bound = self.bounds.node(id).filter(|bound| bound.reached);
            let (Node::Compare { .. }, Some(bound)) = (node, bound) else { continue };
            let Proven::Truth { always, .. } = &bound.proven else { continue };
            let outcome = outcomes.entry(self.span(id)).or_insert(*always);
            *outcome = outcome.filter(|outcome| Some(*outcome) == *always);
        }
        outcomes
    }

    fn whole(&self) -> TextSpan {
        self.syntax.parsed.expression.span
    }

    fn negative(&self, amount: &Amount<'_>) -> Option<TextFinding> {
        let credits = amount.credits?;
        if prices(amount.price).any(Rational::is_negative) || credits.is_never_negative() {
            return None;
        }
        let message = "this charge can be negative: it would be paid out";
        let finding = TextFinding::new(Code::NegativeCharge, self.whole(), message);
        Some(finding.help("limit it from below with `max(0, ...)`"))
    }

    fn always_zero(&self, amount: &Amount<'_>) -> Option<TextFinding> {
        let credits = amount.credits?;
        let is_free = prices(amount.price).all(Rational::is_zero);
        // A charge of `0` is meant to be none.
        let is_zero = |text: &str| read_number(text).is_ok_and(|number| number.is_zero());
        let is_meant =
            matches!(&self.syntax.parsed.expression.kind, Kind::Number { text, .. } if is_zero(text));
        if is_free || is_meant || !credits.single().is_some_and(|single| Rational(single.clone()).is_zero()) {
            return None;
        }
        let message = "this charge always rounds to zero";
        let finding = TextFinding::new(Code::AlwaysZero, self.whole(), message);
        Some(finding.help("check the unit that the price is per, or raise `precision`"))
    }

    fn per_slot(&self) -> Option<TextFinding> {
        let finding = || {
            let message = "this charge depends on how usage is cut into slots: it is not linear in `volume`";
            TextFinding::new(Code::PerSlot, self.whole(), message)
                .help("use tiers for the price, or decide by `total`, the month's volume so far")
        };
        linear::depends_on_slots(self.body).then(finding)
    }
}

fn unreachable(condition: TextSpan, decision: &Decision) -> Option<TextFinding> {
    let finding = |always: &str, branch: TextSpan| {
        TextFinding::new(Code::UnreachableBranch, condition, format!("this condition {always} holds here"))
            .label(branch, "this is never taken")
    };
    match (decision.then_reached, decision.otherwise_reached) {
        (true, true) | (false, false) => None,
        (false, true) => Some(finding("never", decision.then_span)),
        (true, false) => Some(finding("always", decision.otherwise_span)),
    }
}

fn prices(price: &Price) -> impl Iterator<Item = &Rational> {
    let (flat, tiers) = match price {
        Price::Flat(price) => (Some(price), &[][..]),
        Price::Tiers(tiers) => (None, tiers.as_slice()),
    };
    flat.into_iter().chain(tiers.iter().map(|tier| &tier.price))
}
