//! What can be seen of a shard from outside, without asking it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use aquarium_ir::Millis;
use aquarium_store::Position;

use super::users::Users;

/// The state of a shard as it was a moment ago.
#[derive(Debug)]
pub struct Gauges {
    cursor: AtomicU64,
    timer: AtomicI64,
    rerating: AtomicBool,
    aside: AtomicU64,
}

impl Default for Gauges {
    /// Those of a shard that has not begun.
    fn default() -> Self {
        Self {
            cursor: AtomicU64::new(0),
            timer: AtomicI64::new(Millis::MAX.0),
            rerating: AtomicBool::new(false),
            aside: AtomicU64::new(0),
        }
    }
}

impl Gauges {
    pub(super) fn set(&self, users: &Users) {
        self.cursor.store(users.cursor().0, Ordering::Relaxed);
        self.timer.store(users.next_timer().unwrap_or(Millis::MAX).0, Ordering::Relaxed);
        self.rerating.store(users.is_sweeping(), Ordering::Relaxed);
        self.aside.store(users.aside() as u64, Ordering::Relaxed);
    }

    /// Up to where the log is folded.
    pub fn cursor(&self) -> Position {
        Position(self.cursor.load(Ordering::Relaxed))
    }

    /// When the first timer is due; [`Millis::MAX`] where there is none.
    pub fn timer(&self) -> Millis {
        Millis(self.timer.load(Ordering::Relaxed))
    }

    /// Whether users are folded again because of a deployment.
    pub fn rerating(&self) -> bool {
        self.rerating.load(Ordering::Relaxed)
    }

    /// Users that are set aside.
    pub fn aside(&self) -> u64 {
        self.aside.load(Ordering::Relaxed)
    }
}
