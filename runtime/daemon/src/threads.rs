//! Who goes first where there is more to do than processors.
//!
//! Questions are on the path of somebody else's request; reading large bodies and compressing the log are not. Threads that
//! do the latter give way: a scheduler has those that answer run first whenever they wake, instead of after whoever computes
//! at the moment. While nobody answers they have the processors to themselves.
//!
//! What somebody waits for does not give way. Those who write and merge derived state lock what every look into it locks: with
//! a tenth of a share they would hold it for many times as long. Runs of the log's ids are files that are merged, too, but
//! memory has room for two tables of ids only: where events arrive faster than runs are made, whoever appends waits for that
//! thread, and a tenth of a share would be a tenth of what can be taken in.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::thread::Builder;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinError, spawn_blocking};

/// By how much threads that give way are nicer: a tenth of the share of one that does not.
const NICER_BY: i32 = 10;

/// Threads for what computes much. They are a pool of their own: who is nice stays so, and those that answer must not get
/// such a thread.
static POOL: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| runtime::Builder::new_current_thread().on_thread_start(give_way).build());

/// Has the calling thread give way to those that answer, for good: nobody may take that back without a privilege.
fn give_way() {
    // Where that is not allowed everybody has the same share, and nothing else changes. Elsewhere it is the whole
    // process that becomes nicer.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICER_BY);
}

/// Runs what computes much, and is not waited for by a question about one user, on a thread that gives way.
pub async fn giving_way<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match &*POOL {
        Ok(pool) => pool.spawn_blocking(work).await,
        // There is always the common one.
        Err(_) => spawn_blocking(work).await,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn who_gives_way_is_nicer_and_those_that_answer_never_are() {
        const NICEST: i32 = 19;
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let usual = nice();
        Runtime::new().unwrap().block_on(async {
            for _ in 0..3 {
                assert_eq!(giving_way(nice).await.unwrap(), (usual + NICER_BY).min(NICEST));
                assert_eq!(spawn_blocking(nice).await.unwrap(), usual);
            }
        });
    }

    #[test]
    fn a_panic_of_a_thread_goes_on_where_it_is_waited_for() {
        let waiting = || Runtime::new().unwrap().block_on(alone("it", || panic!("as it happens")));
        assert!(catch_unwind(AssertUnwindSafe(waiting)).is_err());
    }
}
