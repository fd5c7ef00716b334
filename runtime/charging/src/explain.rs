//! Why an entry is what it is: everything that a program needs to work its credits out again.

use aquarium_ir::credits::Credits;
use aquarium_ir::interpreter::{self, Value};
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{Charge, Policy, Span};
use serde::Serialize;

use crate::charging::Outcome;
use crate::deployments::Deployments;
use crate::posting::Entry;
use crate::view::{self, EntryView};

/// The derivation of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Derivation {
    /// The entry: event, interval, agreement, items and their lines.
    pub entry: EntryView,
    /// The agreements that the agreement extends, nearest first.
    pub ancestors: Vec<String>,
    /// The expression as its author wrote it; `None`: uncovered.
    pub expression: Option<String>,
    /// Every intermediate value that was needed, operands before their users.
    pub steps: Vec<Step>,
    /// The exact value of the expression, in credits.
    pub value: Option<Rational>,
    /// Decimal places to which it is rounded, a tie going to the even digit.
    pub precision: u8,
}

/// An intermediate value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// File and line of the text that it stands for.
    pub source: Option<String>,
    /// The bytes of that text; where an equal expression is written in several places, those of the entry that it
    /// stands in.
    pub bytes: (u32, u32),
    /// That text, where it is a part of the expression as its author wrote it.
    pub text: Option<String>,
    /// The value, in `unit`.
    pub value: String,
    /// The author's unit.
    pub unit: String,
}

/// Derives an entry anew, by the reference interpreter.
pub fn explain(deployments: &mut Deployments, user: &str, entry: &Entry, revision: u32) -> Derivation {
    let mut derivation = Derivation {
        entry: view::entry(deployments, user, entry, revision),
        ancestors: Vec::new(),
        expression: None,
        steps: Vec::new(),
        value: None,
        precision: 0,
    };
    let rate = &entry.slot.rate;
    let Some(version) = deployments.version_mut(rate.version) else { return derivation };
    let policy = &version.policy.clone();
    derivation.precision = policy.precision;
    let agreement = rate.agreement_id.and_then(|id| policy.agreements.get(id.index()));
    derivation.ancestors = agreement.map(|agreement| agreement.ancestors.clone()).unwrap_or_default();
    let Some(terms) = rate.terms else { return derivation };
    let expression = policy.expressions.get(terms.expression.index());
    derivation.expression = expression.map(|expression| expression.text.clone());
    let slot = entry.slot.input();
    let charge = policy.charges.get(slot.charge.index());
    let Some(charge) = charge.filter(|_| entry.slot.outcome == Outcome::Charged) else { return derivation };
    // A slot that was charged has its value, be it proven for the compiled code or not.
    if let Ok(explanation) = interpreter::explain_unlimited(policy, &slot) {
        let place = rate.agreement_id.zip(rate.resource_id).and_then(|(agreement, resource)| {
            Some(version.items(agreement, resource, entry.slot.from).expression?.span)
        });
        derivation.steps = steps(policy, charge, &explanation.values, place);
        derivation.value = Some(explanation.evaluation.value);
    }
    derivation
}

impl Derivation {
    /// The credits that the derivation itself comes to.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        self.value.as_ref().map(|value| Credits::round(value, self.precision))
    }
}

/// The steps of a charge whose expression is given at a place.
fn steps(policy: &Policy, charge: &Charge, values: &[Option<Value>], place: Option<Span>) -> Vec<Step> {
    let expression = Written::of(policy, charge);
    // Of equal expressions one is kept: where this one stands only the whole entry is known.
    let place = place.filter(|place| !is_within(root(policy, charge), *place));
    let origins = policy.body(charge).map_or(&[][..], |body| &body.expression.origins);
    let needed = origins.iter().zip(values).filter_map(|(origin, value)| Some((origin, value.as_ref()?)));
    needed
        .map(|(origin, value)| {
            let span = place.unwrap_or(origin.span);
            let source = policy.sources.get(span.source.index());
            let value = match value {
                Value::Truth(truth) => truth.to_string(),
                Value::Quantity(value) if origin.scale.is_zero() => value.to_string(),
                Value::Quantity(value) => Rational(&value.0 / &origin.scale.0).to_string(),
            };
            Step {
                source: source.map(|source| format!("{}:{}", source.path, span.line)),
                bytes: (span.start, span.end),
                text: expression.as_ref().and_then(|expression| expression.part(origin.span)),
                value,
                unit: origin.unit.clone(),
            }
        })
        .collect()
}

/// Where the whole expression stands that a charge was compiled from.
fn root(policy: &Policy, charge: &Charge) -> Option<Span> {
    let body = &policy.body(charge)?.expression;
    Some(body.origins.get(usize::try_from(body.root()?.0).ok()?)?.span)
}

fn is_within(span: Option<Span>, place: Span) -> bool {
    span.is_some_and(|span| span.source == place.source && place.start <= span.start && span.end <= place.end)
}

/// The text of an expression and where it stands.
struct Written<'a> {
    text: &'a str,
    span: Span,
}

impl<'a> Written<'a> {
    /// `None` where the text is not that from which the charge was compiled: equal expressions are written in several
    /// places, and one of them is kept.
    fn of(policy: &'a Policy, charge: &Charge) -> Option<Self> {
        let text = policy.expressions.get(charge.expression.index())?.text.trim();
        let span = root(policy, charge)?;
        let fits = span.end.checked_sub(span.start).is_some_and(|length| length as usize == text.len());
        fits.then_some(Self { text, span })
    }

    fn part(&self, span: Span) -> Option<String> {
        let place = |at: u32| usize::try_from(at.checked_sub(self.span.start)?).ok();
        let same_source = span.source == self.span.source;
        let part = self.text.get(place(span.start)?..place(span.end)?).filter(|_| same_source)?;
        Some(part.to_owned())
    }
}
