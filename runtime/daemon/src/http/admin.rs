//! What administrators decide about users and refused input.

use aquarium_charging::Reason;
use aquarium_ir::{Credits, Millis};
use aquarium_store::Position;
use aquarium_store::record::REFUSALS;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, FaultBody, OfStoring, WithBody};
use super::parameters::{Parameters, Segments, cursor, json, limit};
use super::users::unanswered;
use crate::administration::quarantined::{Handled, HandlingError, Selection, Verdict};
use crate::administration::{Decision, Order, RecordError, Recorded};
use crate::ingest::{IngestError, Outcome};
use crate::quarantine::Fate;

/// The header that makes a repeated order the same one.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Credits that are given, or taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// How many; negative ones are taken. A number or its text.
    #[schema(value_type = Amount)]
    credits: Box<RawValue>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// By whom.
    #[serde(default)]
    author: String,
    /// From when on; not given: now.
    #[schema(value_type = Option<i64>)]
    occurred_millis: Option<Millis>,
}

/// A threshold of a user's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Threshold {
    /// The amount, a number or its text; `null`: that of the agreement again.
    #[schema(value_type = Option<Amount>)]
    value: Box<RawValue>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// By whom.
    #[serde(default)]
    author: String,
    /// From when on; not given: now.
    #[schema(value_type = Option<i64>)]
    occurred_millis: Option<Millis>,
}

/// An agreement that a user has whatever the role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// Its name; `null`: that of the role again.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    agreement: Option<String>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// By whom.
    #[serde(default)]
    author: String,
    /// From when on; not given: now.
    #[schema(value_type = Option<i64>)]
    occurred_millis: Option<Millis>,
}

/// An amount of credits.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a shape of JSON, for the document alone")]
pub enum Amount {
    /// As a number.
    Number(f64),
    /// As the text of one.
    Text(String),
}

/// What became of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ordered {
    /// The idempotency key.
    id: String,
    /// `stored`, or `duplicate` where it was there already.
    result: &'static str,
}

/// Give credits, or take them.
#[utoipa::path(
    post,
    path = "/user/{id}/grants",
    tag = "admin",
    params(
        ("id" = String, Path, description = "The user."),
        ("Idempotency-Key" = String, Header, description = "Repeated with the same key it is the same order.",
         min_length = 1, max_length = 128),
    ),
    request_body = Grant,
    responses(
        (status = 200, body = Ordered),
        (status = 400, description = "The key is missing, or the order is none.", body = FaultBody),
        (status = 409, description = "The key was used for another order.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn grant(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Ordered>, Fault> {
    let grant: Grant = json(&headers, &body)?;
    let decision = Decision::Grant(amount("credits", &grant.credits)?);
    let Grant { reason, author, occurred_millis: occurred, .. } = grant;
    order(&api, &headers, |id| Order { id, user, occurred, decision, reason, author }).await
}

/// Set a user's own threshold.
#[utoipa::path(
    put,
    path = "/user/{id}/threshold",
    tag = "admin",
    params(
        ("id" = String, Path, description = "The user."),
        ("Idempotency-Key" = String, Header, description = "Repeated with the same key it is the same order.",
         min_length = 1, max_length = 128),
    ),
    request_body = Threshold,
    responses(
        (status = 200, body = Ordered),
        (status = 400, description = "The key is missing, or the order is none.", body = FaultBody),
        (status = 409, description = "The key was used for another order.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn threshold(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Ordered>, Fault> {
    let threshold: Threshold = json(&headers, &body)?;
    let own = threshold.value.get() != "null";
    let value = if own { Some(amount("value", &threshold.value)?) } else { None };
    let decision = Decision::Threshold(value);
    let Threshold { reason, author, occurred_millis: occurred, .. } = threshold;
    order(&api, &headers, |id| Order { id, user, occurred, decision, reason, author }).await
}

/// Give a user an agreement, whatever the role.
#[utoipa::path(
    put,
    path = "/user/{id}/agreement",
    tag = "admin",
    params(
        ("id" = String, Path, description = "The user."),
        ("Idempotency-Key" = String, Header, description = "Repeated with the same key it is the same order.",
         min_length = 1, max_length = 128),
    ),
    request_body = Assignment,
    responses(
        (status = 200, body = Ordered),
        (status = 400, description = "The key is missing, or the order is none.", body = FaultBody),
        (status = 409, description = "The key was used for another order.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn agreement(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Ordered>, Fault> {
    let Assignment { agreement, reason, author, occurred_millis: occurred } = json(&headers, &body)?;
    let decision = Decision::Assign(agreement);
    order(&api, &headers, |id| Order { id, user, occurred, decision, reason, author }).await
}

async fn order(
    api: &Api,
    headers: &HeaderMap,
    order: impl FnOnce(String) -> Order,
) -> Result<Json<Ordered>, Fault> {
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| Fault::bad_request("send an `Idempotency-Key` of visible ASCII"))?;
    let order = order(key.to_owned());
    let recorded = api.daemon.order(&order).await.map_err(record_fault)?;
    Ok(Json(Ordered { id: order.id, result: word(recorded) }))
}

/// An amount, a number or its text: read from its digits.
fn amount(name: &str, given: &RawValue) -> Result<Credits, Fault> {
    let text = given.get();
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    digits.parse().map_err(|_| Fault::bad_request(format!("`{name}` is no amount of credits")))
}

fn word(recorded: Recorded) -> &'static str {
    match recorded {
        Recorded::Stored => "stored",
        Recorded::Duplicate => "duplicate",
    }
}

/// The fault for what was not recorded.
pub fn record_fault(error: RecordError) -> Fault {
    match error {
        RecordError::Refused(_) => Fault::bad_request(error.to_string()),
        RecordError::Conflict(_) => Fault::conflict(error.to_string()),
        RecordError::Ingest(IngestError::Busy) => Fault::busy(error.to_string()),
        RecordError::Ingest(_) => Fault::unavailable(error.to_string()),
    }
}

/// Why an operator decides so.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// Why.
    #[serde(default)]
    reason: String,
    /// By whom.
    #[serde(default)]
    author: String,
}

/// What became of refused input.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    /// What was decided about, and what became of it.
    handled: Vec<HandledInput>,
    /// What stays as it is, and why.
    refused: Vec<LeftInput>,
    /// The `after` of what follows; `null`: nothing does.
    next: Option<String>,
}

/// Refused input that was decided about.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandledInput {
    /// Its place in the log.
    position: u64,
    /// `stored` or `duplicate` where it is an event now, `discarded`, or `redriven` where it was before.
    result: &'static str,
}

/// Refused input that stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftInput {
    /// Its place in the log.
    position: u64,
    /// Why.
    message: String,
}

/// Which refused input.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Only what was refused for this reason.
    reason: Option<String>,
    /// What follows the answer of which this is the `next`.
    after: Option<String>,
    /// The most at a time.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<usize>,
}

/// Read refused input again.
///
/// By today's checks, whatever its time.
#[utoipa::path(
    post,
    path = "/quarantine/{position}/redrive",
    tag = "quarantine",
    params(("position" = u64, Path, description = "Its place in the log.")),
    request_body = Grounds,
    responses(
        (status = 200, body = HandledInput),
        (status = 400, description = "The body or the path is wrong.", body = FaultBody),
        (status = 404, description = "Nothing that was refused stands there.", body = FaultBody),
        (status = 409, description = "It is still refused, or an event already.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn redrive(
    State(api): State<Api>,
    Segments(position): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<HandledInput>, Fault> {
    one(&api, &position, Fate::Redriven, json(&headers, &body)?).await
}

/// Give refused input up.
#[utoipa::path(
    post,
    path = "/quarantine/{position}/discard",
    tag = "quarantine",
    params(("position" = u64, Path, description = "Its place in the log.")),
    request_body = Grounds,
    responses(
        (status = 200, body = HandledInput),
        (status = 400, description = "The body or the path is wrong.", body = FaultBody),
        (status = 404, description = "Nothing that was refused stands there.", body = FaultBody),
        (status = 409, description = "It is an event.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn discard(
    State(api): State<Api>,
    Segments(position): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<HandledInput>, Fault> {
    one(&api, &position, Fate::Discarded, json(&headers, &body)?).await
}

/// Read again what was refused, by filter.
#[utoipa::path(
    post,
    path = "/quarantine/redrive",
    tag = "quarantine",
    params(Chosen),
    request_body = Grounds,
    responses(
        (status = 200, body = Outcomes),
        (status = 400, description = "The body or a parameter is wrong.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn redrive_all(
    State(api): State<Api>,
    Parameters(chosen): Parameters<Chosen>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Outcomes>, Fault> {
    all(&api, &chosen, Fate::Redriven, json(&headers, &body)?).await
}

/// Give up what was refused, by filter.
#[utoipa::path(
    post,
    path = "/quarantine/discard",
    tag = "quarantine",
    params(Chosen),
    request_body = Grounds,
    responses(
        (status = 200, body = Outcomes),
        (status = 400, description = "The body or a parameter is wrong.", body = FaultBody),
        WithBody,
        OfStoring,
    ),
)]
pub async fn discard_all(
    State(api): State<Api>,
    Parameters(chosen): Parameters<Chosen>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Outcomes>, Fault> {
    all(&api, &chosen, Fate::Discarded, json(&headers, &body)?).await
}

async fn one(api: &Api, position: &str, fate: Fate, grounds: Grounds) -> Result<Json<HandledInput>, Fault> {
    let position = position.parse().map_err(|_| Fault::bad_request("a position is a number"))?;
    let verdict = Verdict { fate, reason: grounds.reason, author: grounds.author };
    let handled = api.daemon.handle(Position(position), &verdict).await.map_err(handling_fault)?;
    Ok(Json(HandledInput { position, result: outcome(handled) }))
}

async fn all(api: &Api, chosen: &Chosen, fate: Fate, grounds: Grounds) -> Result<Json<Outcomes>, Fault> {
    let from: Option<u64> = cursor(chosen.after.as_deref())?;
    let selection = Selection {
        reason: chosen.reason.as_deref().map(reason).transpose()?,
        from: Position(from.unwrap_or(0)),
        limit: limit(chosen.limit)?,
    };
    let verdict = Verdict { fate, reason: grounds.reason, author: grounds.author };
    let all = api.daemon.handle_all(selection, &verdict).await.map_err(handling_fault)?;
    let handled = all.handled.into_iter();
    let handled = handled.map(|(place, it)| HandledInput { position: place.0, result: outcome(it) });
    let refused = all.refused.into_iter();
    let refused = refused.map(|(place, it)| LeftInput { position: place.0, message: it.to_string() });
    let next = all.next.map(|next| next.0.to_string());
    Ok(Json(Outcomes { handled: handled.collect(), refused: refused.collect(), next }))
}

fn reason(given: &str) -> Result<Reason, Fault> {
    let reason = REFUSALS.into_iter().find(|reason| reason.as_str() == given);
    reason.ok_or_else(|| Fault::bad_request(format!("nothing is refused on arrival for `{given}`")))
}

fn outcome(handled: Handled) -> &'static str {
    match handled {
        Handled::Redriven(Outcome::Duplicate) => "duplicate",
        Handled::Redriven(_) => "stored",
        Handled::Already(Fate::Redriven) => "redriven",
        Handled::Discarded | Handled::Already(Fate::Discarded) => "discarded",
    }
}

fn handling_fault(error: HandlingError) -> Fault {
    match error {
        HandlingError::Unknown(_) => Fault::not_found(error.to_string()),
        HandlingError::Stored(_) | HandlingError::Conflict | HandlingError::StillRefused(_) => {
            Fault::conflict(error.to_string())
        }
        HandlingError::Record(error) => record_fault(error),
        HandlingError::Unanswered(error) => unanswered(error),
    }
}
