//! Telemetry: what becomes of events, as OpenTelemetry's spans, sent to a collector by OTLP over HTTP.
//!
//! A trace is an event: its id is the event's [`TraceId`], so that logs, spans and whoever works the id out
//! agree. Spans are made after the fact, of what is known then; SDK and exporter gather and send them, and drop
//! what a slow collector leaves no room for: charging never waits for them.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::client::{Address, Call, ClientError};
use crate::trace::TraceId;

/// Where collectors take traces, below their address.
const TRACES_PATH: &str = "/v1/traces";
/// The longest that the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that the last spans may take when the daemon ends.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Whom spans are sent to; one for the whole process, as the log of messages is.
static SPANS: OnceLock<Spans> = OnceLock::new();

/// Settings of telemetry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// The address of an OpenTelemetry collector (OTLP over HTTP); without one, nothing is sent.
    pub endpoint: Option<String>,
    /// One event in so many is followed.
    pub one_in: u64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, one_in: 100 }
    }
}

/// Why nothing can be sent.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The address makes no sense.
    #[error("`telemetry.endpoint`: {0}")]
    Address(#[from] ClientError),
    /// The exporter's settings in the environment make no sense.
    #[error("telemetry cannot be sent: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// What spans are handed to.
struct Spans {
    one_in: u64,
    scope: InstrumentationScope,
    processor: BatchSpanProcessor,
}

/// Begins to send spans, if the configuration says where to.
pub fn start(settings: &Telemetry, runtime: &Handle) -> Result<(), TelemetryError> {
    let Some(endpoint) = &settings.endpoint else { return Ok(()) };
    let endpoint = format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/'));
    let client = Client { address: Address::read(&endpoint, None)?, runtime: runtime.clone() };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(PATIENCE)
        .build()?;
    let mut processor = BatchSpanProcessor::builder(exporter).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    processor
        .set_resource(&Resource::builder().with_service_name("aquariumd").with_attribute(version).build());
    let scope = InstrumentationScope::builder("aquariumd").with_version(env!("CARGO_PKG_VERSION")).build();
    // A second start in one process keeps the first: there is one daemon in a process.
    drop(SPANS.set(Spans { one_in: settings.one_in.max(1), scope, processor }));
    Ok(())
}

/// Sends what waits, and nothing more. Blocks.
pub fn stop() {
    let Some(spans) = SPANS.get() else { return };
    if let Err(error) = spans.processor.shutdown_with_timeout(LAST_PATIENCE) {
        tracing::warn!(%error, "the last spans were not sent");
    }
}

/// Whether some events are followed.
pub fn is_on() -> bool {
    SPANS.get().is_some()
}

/// Whether this event is followed.
fn follows(trace: &TraceId) -> bool {
    SPANS.get().is_some_and(|spans| number(trace).is_multiple_of(spans.one_in))
}

/// A number that is spread evenly, the same for an event in every process.
fn number(trace: &TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = trace.0.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Where a span stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the first, and begins the trace.
    First,
    /// It comes after the first one.
    Later,
}

/// Sends a span that began then and ends now, if its event is followed.
pub fn span(
    trace: &TraceId,
    place: Place,
    name: &'static str,
    began: SystemTime,
    attributes: impl FnOnce() -> Vec<KeyValue>,
) {
    let Some(spans) = SPANS.get().filter(|_| follows(trace)) else { return };
    // Whoever posts an entry later, in whichever process, knows the first span by its event.
    let first = SpanId::from_bytes(number(trace).to_be_bytes());
    let (id, parent) = match place {
        Place::First => (first, SpanId::INVALID),
        Place::Later => (SpanId::from_bytes(fastrand::u64(1..).to_be_bytes()), first),
    };
    let trace = opentelemetry::trace::TraceId::from_bytes(trace.0.0);
    spans.processor.on_end(SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: parent,
        parent_span_is_remote: false,
        span_kind: if place == Place::First { SpanKind::Consumer } else { SpanKind::Internal },
        name: name.into(),
        start_time: began,
        end_time: SystemTime::now().max(began),
        attributes: attributes(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: spans.scope.clone(),
    });
}

/// The exporter's requests, by the daemon's own client: its connections, its trust.
struct Client {
    address: Address,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut head, body) = request.into_parts();
        let content_type = head.headers.remove(CONTENT_TYPE);
        let content_type = content_type.ok_or("the exporter does not say what it sends")?;
        let headers = head
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value.to_str().ok()?.to_owned())))
            .collect();
        let call =
            Call { method: Method::POST, content_type, headers, body: body.into(), patience: PATIENCE };
        let address = self.address.clone();
        // The exporter waits on a thread of its own, where there is no network.
        let reply = self.runtime.spawn(async move { address.send(call).await }).await??;
        Ok(Response::builder().status(reply.status).body(Bytes::from(reply.body))?)
    }
}
