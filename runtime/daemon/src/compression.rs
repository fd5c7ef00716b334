//! Has the log compress what is full of it, on a thread that gives way to everything that somebody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aquarium_store::CompressError;
use tokio::task::JoinError;

use crate::daemon::Daemon;
use crate::threads;

/// How often is looked for something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The wait after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Compresses segment after segment until the daemon stops.
pub async fn run(daemon: Arc<Daemon>) {
    loop {
        let wait = match compress_one(&daemon).await {
            Ok(Ok(true)) => Duration::ZERO,
            Ok(Ok(false)) => LOOK_EVERY,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a segment of the log was not compressed: it stays as it is");
                RETRY_AFTER
            }
            // It has panicked, and is begun again by whoever watches over components.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = daemon.stopped() => return,
        }
    }
}

async fn compress_one(daemon: &Daemon) -> Result<Result<bool, CompressError>, JoinError> {
    let (log, stops) = (daemon.log.clone(), Arc::new(AtomicBool::new(false)));
    let told = stops.clone();
    let mut work =
        std::pin::pin!(threads::giving_way(move || { log.compress(&|| told.load(Ordering::Relaxed)) }));
    tokio::select! {
        done = &mut work => return done,
        () = daemon.stopped() => stops.store(true, Ordering::Relaxed),
    }
    work.await
}
