//! The components, and their figures as they change: server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};

use super::{Shown, frame, html};
use crate::console::components::{self, Figure, Figures};
use crate::daemon::Daemon;
use crate::http::Api;
use crate::http::fault::Fault;

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Looks after which a reader must ask again, as browsers do by themselves: one that is gone unnoticed keeps no place.
const LOOKS_MAX: u32 = 600;
/// Events that wait for their reader.
const WAITING: usize = 2;

/// The page.
pub async fn page(State(api): State<Api>) -> Shown {
    html(components::page(&frame(&api.daemon), &figures(&api.daemon)))
}

/// The same figures, again and again.
pub async fn stream(State(api): State<Api>) -> Response {
    let (sender, body) = Channel::<Bytes, Fault>::new(WAITING);
    tokio::spawn(tell(api, sender));
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(body)).into_response()
}

/// Tells until the reader is gone or the daemon stops.
async fn tell(api: Api, mut out: Sender<Bytes, Fault>) {
    let mut stopping = api.stopping.clone();
    let mut clock = tokio::time::interval(EVERY);
    for _ in 0..LOOKS_MAX {
        tokio::select! {
            _ = clock.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        // Texts and numbers are always JSON.
        let text = serde_json::to_string(&figures(&api.daemon)).unwrap_or_default();
        if out.send_data(Bytes::from(format!("retry: 1000\ndata: {text}\n\n"))).await.is_err() {
            return;
        }
    }
}

fn figures(daemon: &Daemon) -> Figures {
    let statistics = daemon.log.statistics();
    let gauges = daemon.shards.gauges();
    let folded = gauges.iter().map(|shard| shard.cursor()).min().unwrap_or_default();
    let aside: u64 = gauges.iter().map(|shard| shard.aside()).sum();
    let refused: u64 = daemon.registry.known().quarantine.counts().iter().map(|(_, count)| count).sum();
    let yes_or_no = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    let figure = |name, label, value: String| Figure { name, label, value };
    Figures {
        now: daemon.clock.now().0,
        whole: vec![
            figure("taking", "Takes events", yes_or_no(daemon.ingest.is_taking())),
            figure("records", "Records in the log", statistics.records.to_string()),
            figure("bytes", "Bytes of the log", statistics.bytes.to_string()),
            figure("unfolded", "Not charged yet", daemon.log.end().0.saturating_sub(folded.0).to_string()),
            figure("aside", "Users set aside", aside.to_string()),
            figure("refused", "Refused on arrival", refused.to_string()),
            figure("rerating", "Charging again", yes_or_no(daemon.shards.is_rerating())),
        ],
        components: daemon.components.report(),
    }
}
