//! The clock that everything reads: the machine's, or one that is set by hand.

use std::time::{SystemTime, UNIX_EPOCH};

use aquarium_ir::Millis;
use thiserror::Error;
use tokio::sync::watch;

/// A clock.
pub struct Clock {
    /// The time that was set by hand; `None`: the machine's time holds.
    manual: Option<watch::Sender<Millis>>,
}

/// Why the clock was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClockError {
    /// It is the machine's.
    #[error("the daemon runs on the machine's clock; start it with `--clock manual` to set the time")]
    NotManual,
    /// Time does not go back.
    #[error("the clock stands at {0} already and does not go back")]
    Back(Millis),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands until it is set, at first at the machine's time.
    pub fn manual() -> Self {
        Self { manual: Some(watch::Sender::new(machine_time())) }
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.manual.as_ref().map_or_else(machine_time, |manual| *manual.borrow())
    }

    /// Sets a manual clock forward.
    pub fn set(&self, now: Millis) -> Result<(), ClockError> {
        let manual = self.manual.as_ref().ok_or(ClockError::NotManual)?;
        let stands = *manual.borrow();
        let set = manual.send_if_modified(|current| {
            let forward = now >= *current;
            *current = now.max(*current);
            forward
        });
        if set { Ok(()) } else { Err(ClockError::Back(stands)) }
    }

    /// Waits until an instant is reached.
    pub async fn reached(&self, due: Millis) {
        match &self.manual {
            None => wait_for_machine(due).await,
            Some(manual) => {
                // The sender is this clock's own.
                let _ = manual.subscribe().wait_for(|now| *now >= due).await;
            }
        }
    }
}

/// The longest sleep at a time: when the machine's clock is set, it is noticed within this time.
const SLEEP_MAX_MILLIS: u64 = 1_000;

async fn wait_for_machine(due: Millis) {
    while let Ok(left @ 1..) = u64::try_from(due.0.saturating_sub(machine_time().0)) {
        tokio::time::sleep(std::time::Duration::from_millis(left.min(SLEEP_MAX_MILLIS))).await;
    }
}

fn machine_time() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_goes_forward_only() {
        let clock = Clock::manual();
        let start = clock.now();
        assert_eq!(clock.set(Millis(start.0 + 5)), Ok(()));
        assert_eq!(clock.now(), Millis(start.0 + 5));
        assert_eq!(clock.set(start), Err(ClockError::Back(Millis(start.0 + 5))));
        assert_eq!(Clock::system().set(start), Err(ClockError::NotManual));
    }
}
