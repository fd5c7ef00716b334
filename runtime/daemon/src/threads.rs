//! Who goes first where there is more to do than processors.
//!
//! Questions are on the path of somebody else's request; reading large bodies, writing what can be worked out again and
//! merging files are not. Threads that do the latter give way: a scheduler has those that answer run first whenever they
//! wake, instead of after whoever computes at the moment. While nobody answers they have the processors to themselves.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::Builder;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinError;

/// By how much threads that give way are nicer: a tenth of the share of one that does not.
const NICER_BY: i32 = 10;

/// Has the calling thread give way to those that answer, for good: nobody may take that back without a privilege.
/// Threads that it begins do so too.
pub fn give_way() {
    thread_local!(static GIVES_WAY: Cell<bool> = const { Cell::new(false) });
    if !GIVES_WAY.replace(true) {
        // Where that is not allowed everybody has the same share, and nothing else changes. Elsewhere it is the whole
        // process that becomes nicer.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICER_BY);
    }
}

/// Runs what computes much, and is not waited for by a question about one user, on a thread that gives way.
pub async fn giving_way<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let work = move || {
        give_way();
        work()
    };
    tokio::task::spawn_blocking(work).await
}

/// Runs what may block on a thread of its own, of that name; a panic goes on where it is waited for. Must be called on a
/// runtime, which the thread has too.
pub async fn alone(name: &str, work: impl FnOnce() + Send + 'static) {
    let runtime = Handle::current();
    let (end, ended) = oneshot::channel();
    let run = move || {
        let _entered = runtime.enter();
        // Nobody waits for the end while the daemon ends in haste.
        let _ = end.send(catch_unwind(AssertUnwindSafe(work)));
    };
    if let Err(error) = Builder::new().name(name.to_owned()).spawn(run) {
        resume_unwind(Box::new(format!("there is no room for another thread: {error}")));
    }
    if let Ok(Err(panic)) = ended.await {
        resume_unwind(panic);
    }
}
