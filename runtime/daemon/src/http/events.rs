//! `POST /events`: one event, an array of them, or one on each line; the answer has the form of the body.

mod stream;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use serde_json::value::RawValue;

use super::Api;
use super::body::{Reader, Room, check_declared};
use super::fault::{Fault, FaultBody, OfStoring};
use crate::clients::Clients;
use crate::daemon::Daemon;
use crate::ingest::{Answer, Batch, IngestError, Layout};
use crate::threads;

/// Bodies up to here are read on the spot; larger ones on a thread that may take its time.
const SMALL_BODY_BYTES: usize = 16 << 10;
/// Answers up to here are written on the spot, more of them on such a thread.
const FEW_ANSWERS: usize = 64;

/// Store events.
///
/// One event, an array of events, or an event a line; also as CloudEvents. The answer comes once the events
/// are durable, in the form of the body: a result for each event. It is always safe to send them again.
/// Lines may be as many as there are: they are answered while they arrive.
#[utoipa::path(
    post,
    path = "/events",
    tag = "events",
    request_body(
        description = "Any JSON: what is no event goes to quarantine, with its reason.",
        content(
            (serde_json::Value = "application/json"),
            (serde_json::Value = "application/cloudevents+json"),
            (serde_json::Value = "application/cloudevents-batch+json"),
            (String = "application/x-ndjson"),
        ),
    ),
    responses(
        (status = 200, description = "What became of each event.", content(
            (Answers = "application/json"),
            (String = "application/x-ndjson"),
        )),
        (status = 400, description = "Nothing could be read; it is kept in quarantine.", body = FaultBody),
        (status = 413, description = "The body is too large: send it in parts, or as lines.", body = FaultBody),
        (status = 415, description = "Another content type.", body = FaultBody),
        (status = 429, description = "Too many requests wait.", body = FaultBody),
        OfStoring,
    ),
)]
pub async fn post(
    State(api): State<Api>,
    Extension(clients): Extension<Clients>,
    request: Request,
) -> Result<Response, Fault> {
    let form = Form::of(request.headers())?;
    let limit = api.daemon.configuration.ingest.body_bytes_max;
    if form != Form::Lines {
        check_declared(request.headers(), limit)?;
    }
    if api.daemon.ingest.is_full() {
        return Err(ingest_fault(&IngestError::Busy));
    }
    let (head, body) = request.into_parts();
    let reader = Reader::new(body, api.pause(), api.bodies.clone());
    if form == Form::Lines {
        return stream::answer(api.daemon.clone(), clients, reader, limit).await;
    }
    let (mut bytes, room) = reader.whole(limit).await?;
    if form == Form::Binary {
        bytes = enveloped(&head.headers, bytes);
    }
    whole(&api.daemon, clients, bytes, room, form.layout()).await
}

/// What became of one event, or of each in an array.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the answer's shape, for the OpenAPI document alone")]
pub enum Answers {
    /// Of the one event.
    One(Answer),
    /// Of each, in order.
    Each(Vec<Answer>),
}

/// How a body holds events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An event or an array.
    Json,
    /// An event a line.
    Lines,
    /// A CloudEvent or an array of them.
    Structured,
    /// The data of a CloudEvent whose attributes are headers.
    Binary,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let binary = headers.contains_key("ce-specversion");
        match essence(headers).as_str() {
            "application/json" if binary => Ok(Self::Binary),
            "application/json" => Ok(Self::Json),
            "application/cloudevents+json" | "application/cloudevents-batch+json" => Ok(Self::Structured),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Lines),
            _ => Err(Fault::bad_media_type(
                "send `Content-Type: application/json` (one event or an array), `application/x-ndjson` (one on \
                 each line), or `application/cloudevents+json`",
            )),
        }
    }

    fn layout(self) -> Layout {
        match self {
            Self::Json => Layout::Json,
            Self::Lines => Layout::Lines,
            Self::Structured | Self::Binary => Layout::Cloud,
        }
    }
}

/// The content type without its parameters.
pub fn essence(headers: &HeaderMap) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The envelope that headers `ce-...` make around a body. What is no JSON stays as it is, and is refused.
fn enveloped(headers: &HeaderMap, body: Vec<u8>) -> Vec<u8> {
    let Ok(data) = serde_json::from_slice::<&RawValue>(&body) else { return body };
    let mut envelope = String::from("{");
    for (name, value) in headers {
        if let Some(attribute) = name.as_str().strip_prefix("ce-") {
            // The HTTP binding of CloudEvents: UTF-8, percent-encoded where it is not ASCII.
            let value = percent_encoding::percent_decode(value.as_bytes()).decode_utf8_lossy();
            let (name, value) = (serde_json::Value::from(attribute), serde_json::Value::from(&*value));
            envelope.push_str(&format!("{name}:{value},"));
        }
    }
    envelope.push_str(&format!("\"data\":{data}}}"));
    envelope.into_bytes()
}

async fn whole(
    daemon: &std::sync::Arc<Daemon>,
    clients: Clients,
    bytes: Vec<u8>,
    room: Room,
    layout: Layout,
) -> Result<Response, Fault> {
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::bad_request("the body is empty"));
    }
    let batch = read(daemon.clone(), clients, bytes, layout).await?;
    let (nothing_read, single) = (batch.unreadable(), batch.is_single());
    let answers = daemon.ingest.offer(batch).await.map_err(|error| ingest_fault(&error))?;
    drop(room);
    if nothing_read {
        return Err(Fault::bad_request(unreadable_message(&answers)));
    }
    Ok(match answers.first() {
        Some(answer) if single => Json(answer).into_response(),
        _ if answers.len() <= FEW_ANSWERS => Json(answers).into_response(),
        _ => threads::giving_way(move || Json(answers).into_response())
            .await
            .map_err(|_| Fault::internal("the answers could not be written"))?,
    })
}

async fn read(
    daemon: std::sync::Arc<Daemon>,
    clients: Clients,
    bytes: Vec<u8>,
    layout: Layout,
) -> Result<Batch, Fault> {
    if bytes.len() <= SMALL_BODY_BYTES {
        return Ok(daemon.read_live(bytes, layout, &|message| clients.check(message)));
    }
    threads::giving_way(move || daemon.read_live(bytes, layout, &|message| clients.check(message)))
        .await
        .map_err(|_| Fault::internal("the body could not be read"))
}

fn unreadable_message(answers: &[Answer]) -> String {
    let why = answers.first().and_then(|answer| answer.message.as_deref()).unwrap_or("not JSON");
    format!("nothing of the body could be read ({why}); it is kept in quarantine")
}

/// The fault for what was not stored.
pub fn ingest_fault(error: &IngestError) -> Fault {
    match error {
        IngestError::Busy => Fault::busy(error.to_string()),
        IngestError::Log(_) | IngestError::Stopping => Fault::unavailable(error.to_string()),
    }
}
