//! HTTP: requests in, answers and faults out. Nothing else of the daemon knows axum.

mod events;
mod fault;
mod guard;
mod operation;
mod users;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::daemon::Daemon;
use fault::Fault;

/// Serves until told to stop; then finishes what is under way, as long as that may take.
pub async fn serve(
    daemon: Arc<Daemon>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let patience = Duration::from_millis(daemon.configuration.http.stop_millis_max);
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let told = async move {
        stop.await;
        // The other end is waited for below as long as the server runs.
        let _ = stopping.send(());
    };
    let server = axum::serve(listener, router(daemon)).with_graceful_shutdown(told).into_future();
    let too_late = async move {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        served = server => served,
        () = too_late => {
            tracing::warn!("some requests did not end in time and are broken off");
            Ok(())
        }
    }
}

fn router(daemon: Arc<Daemon>) -> Router {
    Router::new()
        .route("/events", post(events::post))
        .route("/user/{id}/balance", get(users::balance))
        .route("/user/{id}/state", get(users::state))
        .route("/quarantine", get(operation::quarantine))
        .route("/ping", get(operation::ping))
        .route("/healthz", get(operation::healthz))
        .route("/readyz", get(operation::readyz))
        .route("/metrics", get(operation::metrics))
        .route("/clock", get(operation::clock).post(operation::set_clock))
        .fallback(|| async { Fault::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async { Fault::bad_method() })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(daemon.clone(), guard::host))
        .layer(from_fn_with_state(daemon.clone(), guard::time_limit))
        .layer(from_fn(guard::panics))
        .with_state(daemon)
}
