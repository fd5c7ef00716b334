//! What operators and their tools ask.

use aquarium_ir::Millis;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::fault::{Fault, FaultBody, OfStoring, WithBody};
use super::parameters::json;
use crate::component::Report;

/// Somebody is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    /// The daemon's time.
    #[schema(value_type = i64)]
    pong: Millis,
}

/// How something is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// In a word.
    status: &'static str,
}

/// Whether anybody is there, and what time it is there.
#[utoipa::path(get, path = "/ping", tag = "operation", responses((status = 200, body = Pong)))]
pub async fn ping(State(api): State<Api>) -> Json<Pong> {
    Json(Pong { pong: api.daemon.clock.now() })
}

/// Whether the process works.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Status)))]
pub async fn healthz() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// Whether events are taken.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, body = Status),
    OfStoring,
))]
pub async fn readyz(State(api): State<Api>) -> Result<Json<Status>, Fault> {
    if api.daemon.ingest.is_taking() {
        return Ok(Json(Status { status: "ready" }));
    }
    Err(Fault::unavailable("the log takes no records; the daemon's own log says why"))
}

/// Counts, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, body = String, content_type = "text/plain"),
))]
pub async fn metrics(State(api): State<Api>) -> Result<Response, Fault> {
    let text = crate::metrics::text(&api.daemon).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// The parts of the daemon.
#[utoipa::path(get, path = "/admin/components", tag = "admin", responses((status = 200, body = Vec<Report>)))]
pub async fn components(State(api): State<Api>) -> Json<Vec<Report>> {
    Json(api.daemon.components.report())
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    /// Rows of it.
    rows: u64,
}

/// Write derived state beside itself, for a backup.
///
/// `aquariumd backup` asks for it, and takes it away; what an earlier request left is replaced.
#[utoipa::path(post, path = "/admin/snapshot", tag = "admin", responses(
    (status = 200, body = Written),
    (status = 503, description = "It cannot be read or written.", body = FaultBody),
))]
pub async fn snapshot(State(api): State<Api>) -> Result<Json<Written>, Fault> {
    let written = api.daemon.copy_derived().await;
    let rows = written.map_err(|error| Fault::unavailable(error.to_string()))?;
    Ok(Json(Written { rows }))
}

/// A time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Now {
    /// Milliseconds since 1970.
    #[schema(value_type = i64, minimum = 1, maximum = 253_402_300_799_999_i64)]
    now: Millis,
}

/// The daemon's time.
#[utoipa::path(get, path = "/clock", tag = "admin", responses((status = 200, body = Now)))]
pub async fn clock(State(api): State<Api>) -> Json<Now> {
    Json(Now { now: api.daemon.clock.now() })
}

/// Set a manual clock forward.
#[utoipa::path(
    post,
    path = "/clock",
    tag = "admin",
    request_body = Now,
    responses(
        (status = 200, body = Now),
        (status = 400, description = "This is no time.", body = FaultBody),
        (status = 409, description = "The clock is the machine's, or further already.", body = FaultBody),
        WithBody,
    ),
)]
pub async fn set_clock(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Result<Json<Now>, Fault> {
    let Now { now } = json(&headers, &body)?;
    if now <= Millis::EPOCH || now >= Millis::LIMIT {
        return Err(Fault::bad_request("`now` is out of range"));
    }
    match api.daemon.clock.set(now) {
        Ok(()) => Ok(Json(Now { now })),
        Err(error) => Err(Fault::conflict(error.to_string())),
    }
}
