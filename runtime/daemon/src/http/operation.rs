//! What operators and their tools ask.

use std::sync::Arc;

use aquarium_charging::Reason;
use aquarium_ir::Millis;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::fault::Fault;
use super::users::unanswered;
use crate::daemon::{Daemon, Refused};

/// Refused input on one page, unless asked otherwise.
const PAGE: usize = 1_000;
/// Refused input on one page, at most.
const PAGE_MAX: usize = 10_000;

/// Which part of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    after: Option<u64>,
    limit: Option<usize>,
}

/// `GET /ping`: whether anybody is there, and what time it is there.
pub async fn ping(State(daemon): State<Arc<Daemon>>) -> Json<Value> {
    Json(json!({ "pong": daemon.clock.now() }))
}

/// `GET /healthz`: whether the process works.
pub async fn healthz(State(daemon): State<Arc<Daemon>>) -> Json<Value> {
    Json(json!({ "status": "ok", "components": daemon.components.report() }))
}

/// `GET /readyz`: whether events are taken.
pub async fn readyz(State(daemon): State<Arc<Daemon>>) -> Result<Json<Value>, Fault> {
    if daemon.ingest.is_taking() {
        return Ok(Json(json!({ "status": "ready" })));
    }
    Err(Fault::unavailable("the log takes no records; the daemon's own log says why"))
}

/// `GET /metrics`: counts, in the text format of Prometheus.
pub async fn metrics(State(daemon): State<Arc<Daemon>>) -> Result<Response, Fault> {
    let text = crate::metrics::text(&daemon).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// `GET /quarantine`: what has no effect, and why, in the order in which it arrived.
pub async fn quarantine(
    State(daemon): State<Arc<Daemon>>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<QuarantinePage>, Fault> {
    let Query(part) = part.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let limit = part.limit.unwrap_or(PAGE);
    if limit == 0 || limit > PAGE_MAX {
        return Err(Fault::bad_request(format!("`limit` is from 1 to {PAGE_MAX}")));
    }
    let (refused, next) = daemon.quarantined(part.after, limit).await.map_err(unanswered)?;
    let quarantined = refused.into_iter().map(View::of).collect();
    Ok(Json(QuarantinePage { quarantined, next: next.map(|next| next.0) }))
}

/// A page of what has no effect.
#[derive(Debug, Serialize)]
pub struct QuarantinePage {
    quarantined: Vec<View>,
    /// The `after` of the next page; `None` on the last one.
    next: Option<u64>,
}

/// Something that has no effect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    position: u64,
    /// `ingest` or `fold`.
    stage: &'static str,
    reason: Reason,
    message: String,
    #[serde(rename = "userID")]
    user: Option<String>,
    received_millis: i64,
    /// As it came: JSON where it is JSON, else a string of what can be read of it.
    event: Option<Box<RawValue>>,
}

impl View {
    fn of(refused: Refused) -> Self {
        let text = String::from_utf8_lossy(&refused.record.body);
        let event = serde_json::from_str::<Box<RawValue>>(&text).or_else(|_| to_raw_value(&text));
        Self {
            position: refused.record.position.0,
            stage: refused.reason.stage(),
            reason: refused.reason,
            message: refused.message,
            user: refused.user,
            received_millis: refused.record.received_millis,
            event: event.ok(),
        }
    }
}

/// A time to be set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Now {
    now: Millis,
}

/// `GET /clock`: the daemon's time.
pub async fn clock(State(daemon): State<Arc<Daemon>>) -> Json<Value> {
    Json(json!({ "now": daemon.clock.now() }))
}

/// `POST /clock`: sets a manual clock forward.
pub async fn set_clock(State(daemon): State<Arc<Daemon>>, body: Bytes) -> Result<Json<Value>, Fault> {
    let Now { now } = serde_json::from_slice(&body)
        .map_err(|error| Fault::bad_request(format!("send `{{\"now\": MILLISECONDS}}`: {error}")))?;
    if !(Millis::EPOCH..Millis::LIMIT).contains(&now) {
        return Err(Fault::bad_request("`now` is out of range"));
    }
    match daemon.clock.set(now) {
        Ok(()) => Ok(Json(json!({ "now": now }))),
        Err(error) => Err(Fault::conflict(error.to_string())),
    }
}
