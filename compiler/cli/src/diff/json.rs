//! Differences as one JSON object, for programs: `docs/diff.md` describes it. The shape is versioned by `format`.

use aquarium_ir::Millis;
use aquarium_ir::difference::When;
use aquarium_ir::difference::rows::{Row, Section};
use serde_json::{Map, Value, json};

use super::Report;
use super::effect::{Effect, Figures, Pair};

/// The version of the shape; a field may be added within a version, none is removed or changed.
const FORMAT: u32 = 1;

/// The whole report.
pub fn render(report: &Report) -> Value {
    json!({
        "format": FORMAT,
        "same": report.difference.is_empty(),
        "old": report.old.source_sha256,
        "new": report.new.source_sha256,
        "changes": report.sections.iter().map(section).collect::<Vec<_>>(),
        "agreements": report.difference.agreements.iter().map(|change| {
            let stretches = change.terms.iter().map(|(resource, changes)| {
                let times = changes.iter().map(|change| when(&change.when)).collect::<Vec<_>>();
                (resource.clone(), json!(times))
            });
            json!({ "names": change.names, "resources": stretches.collect::<Map<_, _>>() })
        }).collect::<Vec<_>>(),
        "effect": report.effect.as_ref().map(effect),
    })
}

fn section(section: &Section) -> Value {
    json!({ "subject": section.title, "rows": section.rows.iter().map(row).collect::<Vec<_>>() })
}

fn row(row: &Row) -> Value {
    json!({
        "what": row.what,
        "when": row.when,
        "old": row.old,
        "new": row.new,
        "oldSource": row.old_source,
        "newSource": row.new_source,
    })
}

/// At most so many stretches are listed; `more` says how many are not.
const STRETCHES_MAX: usize = 100;

fn when(when: &When) -> Value {
    let listed = when.stretches.iter().take(STRETCHES_MAX);
    let stretches = listed.map(|stretch| json!({ "from": stretch.start, "to": end(stretch.end) }));
    json!({
        "stretches": stretches.collect::<Vec<_>>(),
        "more": when.stretches.len().saturating_sub(STRETCHES_MAX),
        "followedTo": end(when.horizon),
    })
}

fn end(end: Millis) -> Option<Millis> {
    (end != Millis::MAX).then_some(end)
}

fn effect(effect: &Effect) -> Value {
    let users = effect.users.iter().map(|(id, figures)| (id.clone(), pair(figures)));
    json!({
        "at": effect.at,
        "users": users.collect::<Map<_, _>>(),
        "total": pair(&effect.total),
        "withoutEffect": { "old": effect.without_effect.0, "new": effect.without_effect.1 },
    })
}

fn pair(pair: &Pair) -> Value {
    json!({
        "old": figures(&pair.old),
        "new": figures(&pair.new),
        "charged": pair.charged(),
        "balance": pair.balance(),
    })
}

fn figures(figures: &Figures) -> Value {
    json!({ "charged": figures.charged, "refilled": figures.refilled, "balance": figures.balance })
}
