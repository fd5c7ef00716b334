//! Components under supervision: one that panics is started again, alone, while the others go on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;

/// The wait before a component is first started again; it doubles up to [`BACK_OFF_MAX`].
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
/// The longest wait before a component is started again.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// All components of a daemon.
#[derive(Clone, Default)]
pub struct Components {
    list: Arc<Mutex<Vec<Arc<Component>>>>,
}

struct Component {
    name: String,
    restarts: AtomicU64,
}

/// What is known about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// How often it was started again.
    pub restarts: u64,
}

impl Components {
    /// Runs a component on a thread of its own until it returns; after a panic it is run again.
    ///
    /// What it must keep over a panic (its mailbox) lives in what `run` captures, the rest within `run`.
    pub fn start(&self, name: &str, run: impl Fn() + Send + Sync + 'static) -> JoinHandle<()> {
        let component = Arc::new(Component { name: name.to_owned(), restarts: AtomicU64::new(0) });
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(component.clone());
        tokio::spawn(supervise(component, Arc::new(run)))
    }

    /// What is known about each of them.
    pub fn report(&self) -> Vec<Report> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let report = |component: &Arc<Component>| Report {
            name: component.name.clone(),
            restarts: component.restarts.load(Ordering::Relaxed),
        };
        list.iter().map(report).collect()
    }
}

async fn supervise(component: Arc<Component>, run: Arc<impl Fn() + Send + Sync + 'static>) {
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let this_run = run.clone();
        match tokio::task::spawn_blocking(move || this_run()).await {
            Ok(()) => return,
            Err(_) => tracing::error!(component = component.name, "a component failed and is started again"),
        }
        component.restarts.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(back_off).await;
        back_off = back_off.saturating_mul(2).min(BACK_OFF_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_that_panics_is_run_again_until_it_returns() {
        let components = Components::default();
        let runs = Arc::new(AtomicU64::new(0));
        let counted = runs.clone();
        let component = components.start("flaky", move || {
            assert!(counted.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
        });
        component.await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        assert_eq!(components.report(), [Report { name: "flaky".to_owned(), restarts: 2 }]);
    }
}
