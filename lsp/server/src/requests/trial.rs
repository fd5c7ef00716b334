//! Requests beyond the protocol: what an agreement asks in a week, and what recorded events would cost.

use std::sync::Arc;

use aquarium_ide::effective::{Asked, Effective, Wording, effective};
use aquarium_ide::trial;
use aquarium_ir::Millis;
use aquarium_ir::time::Month;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{Location, Uri};

use super::{View, look};
use crate::analysis::Shared;

/// Which agreement, and when.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WeekParams {
    uri: Uri,
    agreement: String,
    /// Milliseconds since the epoch; default: now.
    at: Option<i64>,
}

/// Which events.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SimulateParams {
    uri: Uri,
    /// What the file is called.
    name: String,
    /// Its lines.
    events: String,
    /// The month whose bills are wanted: `2011-11`.
    bills: Option<String>,
}

/// What an agreement asks, now and in the week around. An error while the policy has some.
pub(crate) async fn week(shared: &Arc<Shared>, params: WeekParams) -> Result<Value> {
    let WeekParams { uri, agreement, at } = params;
    let at = at.map_or_else(crate::clock::now, Millis);
    let name = agreement.clone();
    let found = move |view: &View<'_>| {
        let asked = effective(&view.analyzed.snapshot, &agreement, at)?;
        Some(shown(view, &asked))
    };
    let found = look(shared, uri, found).await?.flatten();
    found.ok_or_else(|| Error::invalid_params(format!("the policy has errors, or no agreement `{name}`")))
}

fn shown(view: &View<'_>, asked: &Effective) -> Value {
    json!({
        "agreement": asked.agreement,
        "zone": asked.zone,
        "at": asked.at.0,
        "resources": asked.resources.iter().map(|it| resource(view, it)).collect::<Vec<_>>(),
    })
}

fn resource(view: &View<'_>, asked: &Asked) -> Value {
    let wording = |it: &Wording| json!({"price": it.price, "expression": it.expression});
    let links = |chain: &[(String, aquarium_compiler::FileSpan)]| {
        let link = |(words, span): &(String, _)| {
            let Location { uri, range } = view.location(*span)?;
            Some(json!({"words": words, "uri": uri, "range": range}))
        };
        chain.iter().filter_map(link).collect::<Vec<_>>()
    };
    json!({
        "resource": asked.resource,
        "now": wording(&asked.now),
        "priceChain": links(&asked.price_chain),
        "expressionChain": links(&asked.expression_chain),
        "values": asked.values.iter().map(wording).collect::<Vec<_>>(),
        "days": asked.days.iter().map(|day| json!({"date": day.date, "hours": day.hours})).collect::<Vec<_>>(),
    })
}

/// What recorded events come to by the policy as it stands in the editor: the report of `aquariumc simulate`.
pub(crate) async fn simulate(shared: &Arc<Shared>, params: SimulateParams) -> Result<Value> {
    let SimulateParams { uri, name, events, bills } = params;
    let month = bills.as_deref().map(month).transpose()?;
    let found = move |view: &View<'_>| {
        let report = trial::charge(&view.analyzed.snapshot, &name, &events, month)?;
        serde_json::to_value(report).ok()
    };
    let found = look(shared, uri, found).await?.flatten();
    found.ok_or_else(|| Error::invalid_params("the policy has errors: nothing can be charged"))
}

fn month(text: &str) -> Result<Month> {
    let read = || {
        let (year, month) = text.split_once('-')?;
        let month = Month { year: year.parse().ok()?, month: month.parse().ok()? };
        (1..=12).contains(&month.month).then_some(month)
    };
    read().ok_or_else(|| Error::invalid_params(format!("`{text}` is no month: write `2011-11`")))
}
