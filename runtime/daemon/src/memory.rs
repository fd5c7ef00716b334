//! Gives memory that is free back to the system, on a thread that nobody waits for.
//!
//! Left to itself the allocator gives back each second, on whichever thread asks it for memory then, all that is free: 20 to
//! 50 ms in which a shard answers nobody, and most of it is needed again at once, page by page.

#![allow(unsafe_code, reason = "the allocator has two calls for this, which take numbers only")]

use std::ffi::c_long;
use std::sync::Arc;
use std::time::Duration;

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};

use crate::daemon::Daemon;

/// How often free memory is given back.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(10);
/// After so many milliseconds the allocator gives back by itself: never, while [`run`] does. Commands that do not serve keep
/// what they took until they end, or for that long.
const BY_ITSELF_AFTER: c_long = 3_600_000;
/// Its number in `mi_option_e` of `mimalloc.h`.
const PURGE_DELAY: mi_option_t = 15;

/// Has the allocator keep what is free, for whoever needs it next, until it is given back. Called first of all, while there
/// is one thread.
pub fn keep() {
    // SAFETY: it sets a number, which nobody else reads yet.
    unsafe { mi_option_set(PURGE_DELAY, BY_ITSELF_AFTER) };
}

/// Gives back what is free, every now and then, until the daemon stops.
pub async fn run(daemon: Arc<Daemon>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(GIVE_BACK_EVERY) => {}
            () = daemon.stopped() => return,
        }
        if let Err(panic) = tokio::task::spawn_blocking(give_back).await {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

fn give_back() {
    // SAFETY: it may be called by any thread at any time.
    unsafe { mi_collect(true) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;
    const MANY: usize = 256;

    /// What the process has of the machine's memory.
    #[cfg(target_os = "linux")]
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib << 10
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_free_stays_until_it_is_given_back() {
        keep();
        let taken: Vec<Vec<u8>> = (0..MANY).map(|_| vec![1; MIB]).collect();
        let most = resident();
        drop(taken);
        let kept = resident();
        give_back();
        let left = resident();
        // Other tests use memory meanwhile, but not that much.
        assert!(kept.abs_diff(most) < MANY / 2 * MIB, "{most} bytes, then {kept}");
        assert!(left + MANY / 2 * MIB < kept, "{kept} bytes, then {left}");
    }
}
