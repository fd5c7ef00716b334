//! The feed of credit events: what was announced, in the order in which it was.

use axum::extract::State;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, FaultBody, OfParameters};
use super::parameters::{Parameters, limit};
use crate::outbox::{Cursor, NoCursor};

/// Which part of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What follows the answer of which this is the `next`; not given: from the first credit event on.
    after: Option<String>,
    /// The most at a time.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<usize>,
}

/// A part of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreditEvents {
    /// In the order in which they were announced; of a user by ascending `sequence`.
    #[schema(value_type = Vec<CreditEvent>)]
    credit_events: Vec<Box<RawValue>>,
    /// The `after` that asks for what follows, now or later; `null`: nothing was announced yet.
    next: Option<String>,
}

/// A credit event: a user's balance is above its threshold, or is not any more.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a shape of JSON, for the document alone")]
struct CreditEvent {
    /// What makes it the same when it comes again.
    id: String,
    /// The user.
    #[schema(rename = "userID")]
    user: String,
    /// Whether the balance is above the threshold.
    state: bool,
    /// The balance at the instant.
    balance: String,
    /// The threshold at the instant.
    threshold: String,
    /// The first instant at which the state holds.
    occurred_millis: i64,
    /// Counts the user's credit events: ignore one that is not above the last.
    sequence: u64,
    /// The version of this form.
    event_version: String,
}

/// Credit events.
///
/// A user's state is announced when the user is first known and whenever it changes.
#[utoipa::path(
    get,
    path = "/credit-events",
    tag = "users",
    params(Part),
    responses(
        (status = 200, body = CreditEvents),
        OfParameters,
        (status = 503, description = "The store cannot be read.", body = FaultBody),
    ),
)]
pub async fn list(
    State(api): State<Api>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<CreditEvents>, Fault> {
    let after: Option<Cursor> = match &part.after {
        Some(text) => {
            Some(text.parse().map_err(|error: NoCursor| Fault::bad_request(format!("`after`: {error}")))?)
        }
        None => None,
    };
    let limit = limit(part.limit)?;
    let events = api.daemon.outbox.feed(after, limit).await;
    let events = events.map_err(|error| Fault::unavailable(error.to_string()))?;
    let next = events.last().map(|(cursor, _)| *cursor).or(after).map(|cursor| cursor.to_string());
    Ok(Json(CreditEvents { credit_events: events.into_iter().map(|(_, event)| event).collect(), next }))
}
