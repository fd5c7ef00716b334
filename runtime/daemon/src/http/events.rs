//! `POST /events`: one event, an array of them, or one on each line; the answer has the form of the body.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Json, Response};

use super::fault::Fault;
use crate::daemon::Daemon;
use crate::ingest::{Answer, Batch, IngestError, Layout};

/// Bodies up to here are read on the spot; larger ones on a thread that may take its time.
const SMALL_BODY_BYTES: usize = 16 << 10;

/// Stores events; answers once they are durable.
pub async fn post(State(daemon): State<Arc<Daemon>>, request: Request) -> Result<Response, Fault> {
    let layout = layout(request.headers())?;
    let limit = daemon.configuration.ingest.body_bytes_max;
    if declared_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(Fault::too_large(limit));
    }
    if daemon.ingest.is_full() {
        return Err(ingest_fault(IngestError::Busy));
    }
    let bytes = whole(request.into_body(), limit).await?;
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::bad_request("the body is empty"));
    }
    let batch = read(daemon.clone(), bytes, layout).await?;
    let (nothing_read, single) = (batch.unreadable(), batch.is_single());
    let answers = daemon.ingest.offer(batch).await.map_err(ingest_fault)?;
    if nothing_read {
        return Err(Fault::bad_request(unreadable_message(&answers)));
    }
    Ok(match (layout, answers.first()) {
        (Layout::Json, Some(answer)) if single => Json(answer).into_response(),
        (Layout::Json, _) => Json(answers).into_response(),
        (Layout::Lines, _) => lines(&answers)?,
    })
}

fn layout(headers: &HeaderMap) -> Result<Layout, Fault> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Layout::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Layout::Lines),
        _ => Err(Fault::bad_media_type(
            "send `Content-Type: application/json` (one event or an array) or `application/x-ndjson` (one on each \
             line)",
        )),
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn whole(body: Body, limit: usize) -> Result<Vec<u8>, Fault> {
    match to_bytes(body, limit).await {
        Ok(bytes) => Ok(Vec::from(bytes)),
        Err(error) if is_over_limit(&error) => Err(Fault::too_large(limit)),
        Err(error) => Err(Fault::bad_request(format!("the body ended early: {error}"))),
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"))
}

async fn read(daemon: Arc<Daemon>, bytes: Vec<u8>, layout: Layout) -> Result<Batch, Fault> {
    if bytes.len() <= SMALL_BODY_BYTES {
        return Ok(daemon.read_live(bytes, layout));
    }
    tokio::task::spawn_blocking(move || daemon.read_live(bytes, layout))
        .await
        .map_err(|_| Fault::internal("the body could not be read"))
}

fn unreadable_message(answers: &[Answer]) -> String {
    let why = answers.first().and_then(|answer| answer.message.as_deref()).unwrap_or("not JSON");
    format!("nothing of the body could be read ({why}); it is kept in quarantine")
}

fn lines(answers: &[Answer]) -> Result<Response, Fault> {
    let mut body = Vec::new();
    for answer in answers {
        serde_json::to_writer(&mut body, answer).map_err(|error| Fault::internal(error.to_string()))?;
        body.push(b'\n');
    }
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn ingest_fault(error: IngestError) -> Fault {
    match error {
        IngestError::Busy => Fault::busy(error.to_string()),
        IngestError::Log(_) | IngestError::Stopping => Fault::unavailable(error.to_string()),
    }
}
