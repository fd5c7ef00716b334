//! The answer as one JSON object, for programs: `docs/show.md` describes it. The shape is versioned by `format`.

use aquarium_compiler::chain::{Chain, Step};
use aquarium_compiler::terms::Terms;
use aquarium_ir::Millis;
use aquarium_ir::policy::Price;
use serde_json::{Value, json};

use super::answer::{Answer, Shown};

/// The version of the shape; a field may be added within a version, none is removed or changed.
const FORMAT: u32 = 1;

/// The whole answer.
pub fn render(answer: &Answer<'_>, bounds: bool) -> Value {
    let resources = answer.resources.iter().map(|shown| resource(answer, shown, bounds));
    json!({
        "format": FORMAT,
        "agreement": answer.agreement.name.value,
        "source": answer.place(answer.agreement.name.span),
        "at": answer.at,
        "timezone": answer.policy.zone.name(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn resource(answer: &Answer<'_>, shown: &Shown<'_>, bounds: bool) -> Value {
    let (week, resource) = (&shown.week, shown.resource);
    let stretches = week.stretches.iter().map(|stretch| {
        let (price, expression) = terms(answer, stretch.value);
        json!({ "from": stretch.from, "to": stretch.to, "price": price, "expression": expression })
    });
    let stretches: Vec<Value> = stretches.collect();
    let (price, expression) = terms(answer, shown.terms);
    json!({
        "resource": resource.name,
        "unit": resource.unit,
        "price": price,
        "expression": expression,
        "priceChain": chain(answer, &shown.price),
        "expressionChain": chain(answer, &shown.expression),
        "week": { "from": week.from, "to": week.to, "stretches": stretches },
        "bounds": bounds.then(|| shown.bounds(answer.policy)),
    })
}

/// `{"flat": "0.05"}` or `{"tiers": [...]}`, and the expression as it is written.
fn terms<'a>(answer: &Answer<'a>, terms: Terms) -> (Option<&'a Price>, Option<&'a str>) {
    let price = terms.price.and_then(|id| answer.policy.prices.get(id.index()));
    let expression = terms.expression.and_then(|id| answer.policy.expressions.get(id.index()));
    (price, expression.map(|expression| expression.text.as_str()))
}

fn chain(answer: &Answer<'_>, chain: &Chain) -> Value {
    let links = chain.links.iter().map(|link| {
        json!({
            "kind": kind(&link.step),
            "words": link.words(&answer.analysis.items, &answer.policy.zone, answer.at),
            "source": answer.place(link.span),
        })
    });
    json!({ "until": until(chain.until), "links": links.collect::<Vec<_>>() })
}

fn until(until: Millis) -> Option<Millis> {
    (until != Millis::MAX).then_some(until)
}

fn kind(step: &Step) -> &'static str {
    match step {
        Step::Agreement { .. } => "agreement",
        Step::Names { .. } => "names",
        Step::LaidOver { .. } => "laid-over",
        Step::List { .. } => "item",
        Step::Inherits { .. } => "inherits",
        Step::EveryResource => "every-resource",
        Step::Gives(_) => "gives",
        Step::Nothing => "nothing",
    }
}
