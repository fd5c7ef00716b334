//! Components under supervision: one that fails is started again, alone, while the others go on.
//!
//! Each component is an actor under one supervisor (kameo's, one for one). What it must keep over a failure,
//! its mailbox first of all, lives outside of the actor, in what the work captures; the rest begins anew.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kameo::actor::{Actor, ActorRef, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible, PanicError};
use kameo::mailbox;
use kameo::message::{Context, Message};
use kameo::supervision::{RestartPolicy, SupervisionStrategy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::threads;

/// The wait before a component is first started again; it doubles up to [`BACK_OFF_MAX`].
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
/// The longest wait before a component is started again.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// A component that ran for so long has recovered: its next failure is a first one.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);
/// A supervised actor is sent one message, to do its work.
const ACTOR_MAILBOX: usize = 4;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Work = Arc<dyn Fn() -> Running + Send + Sync>;
type Probe = Arc<dyn Fn() -> u64 + Send + Sync>;
type HoldingProbe = Arc<dyn Fn() -> Holding + Send + Sync>;
type TroubleProbe = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// All components of a daemon.
#[derive(Clone)]
pub struct Components {
    supervisor: ActorRef<Supervisor>,
    list: Arc<Mutex<Vec<Arc<Component>>>>,
}

/// How full a component's mailbox is, how far it is behind, and what keeps it from its work; it says so itself.
#[derive(Clone, Default)]
pub struct Probes {
    mailbox_depth: Option<Probe>,
    lag: Option<Probe>,
    trouble: Option<TroubleProbe>,
    holding: Option<HoldingProbe>,
}

/// What a node among others charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// Its name.
    pub node: String,
    /// Its partitions.
    pub partitions: Vec<u16>,
    /// How long ago its leases were renewed.
    pub lease_age_millis: u64,
}

/// A component as others see it.
struct Component {
    name: String,
    probes: Probes,
    starts: AtomicU64,
    doing: Mutex<Doing>,
}

/// What a component does now.
#[derive(Debug, Clone)]
struct Doing {
    state: ComponentState,
    since: Instant,
    /// Failures one soon after the other.
    failures: u32,
    last_failure: Option<String>,
}

/// Whether a component works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// It works.
    Running,
    /// It failed, and is started again in a moment.
    Restarting,
    /// It has done its work.
    Ended,
}

/// What is known about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Whether it works.
    pub state: ComponentState,
    /// How often it was started again.
    pub restarts: u64,
    /// Why it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// Messages that wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox_depth: Option<u64>,
    /// How far it is behind: records of the log, announcements of the outbox, or messages of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// What keeps it from its work at present, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What this node charges, where there may be others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holding: Option<Holding>,
}

impl Components {
    /// No components yet. Must be called on a runtime.
    pub fn new() -> Self {
        Self { supervisor: Supervisor::spawn(()), list: Arc::default() }
    }

    /// Runs a component on a thread of its own until it returns; after a panic it is run again.
    pub async fn start_blocking(
        &self,
        name: &str,
        probes: Probes,
        run: impl Fn() + Send + Sync + 'static,
    ) -> Ending {
        let run = Arc::new(run);
        let thread = name.to_owned();
        let work = move || -> Running {
            let (name, run) = (thread.clone(), run.clone());
            Box::pin(async move { threads::alone(&name, move || run()).await })
        };
        self.start_work(name, probes, Arc::new(work)).await
    }

    /// Runs a component that waits more than it works until it ends; after a panic it is run again.
    pub async fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &str,
        probes: Probes,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Ending {
        self.start_work(name, probes, Arc::new(move || Box::pin(run()))).await
    }

    async fn start_work(&self, name: &str, probes: Probes, work: Work) -> Ending {
        let component = Arc::new(Component::new(name, probes));
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(component.clone());
        let actor = Worker::supervise(&self.supervisor, Worker { component, work })
            .restart_policy(RestartPolicy::Transient)
            // The back-off limits restarts; giving a component up would help nobody.
            .restart_limit(u32::MAX, RECOVERED_AFTER)
            .spawn_with_mailbox(mailbox::bounded(ACTOR_MAILBOX))
            .await;
        Ending(actor)
    }

    /// What is known about each of them.
    pub fn report(&self) -> Vec<Report> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|component| component.report()).collect()
    }

    /// Ends supervision. Whoever wants the work to be done waits for its end before.
    pub async fn stop(&self) {
        // It may have ended before.
        let _ = self.supervisor.stop_gracefully().await;
        self.supervisor.wait_for_shutdown().await;
    }
}

/// The end of a component's work.
pub struct Ending(ActorRef<Worker>);

impl Ending {
    /// Waits for it, over restarts.
    pub async fn reached(&self) {
        self.0.wait_for_shutdown().await;
    }
}

impl Probes {
    /// The component also tells how many messages wait for it.
    pub fn with_depth(self, probe: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { mailbox_depth: Some(Arc::new(probe)), ..self }
    }

    /// The component also tells how far it is behind.
    pub fn with_lag(self, probe: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { lag: Some(Arc::new(probe)), ..self }
    }

    /// The component also tells what this node charges.
    pub fn with_holding(self, probe: impl Fn() -> Holding + Send + Sync + 'static) -> Self {
        Self { holding: Some(Arc::new(probe)), ..self }
    }

    /// The component also tells what keeps it from its work.
    pub fn with_trouble(self, probe: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self { trouble: Some(Arc::new(probe)), ..self }
    }
}

impl Component {
    fn new(name: &str, probes: Probes) -> Self {
        let state = ComponentState::Running;
        let doing = Doing { state, since: Instant::now(), failures: 0, last_failure: None };
        Self { name: name.to_owned(), probes, starts: AtomicU64::new(0), doing: Mutex::new(doing) }
    }

    fn report(&self) -> Report {
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ask = |probe: &Option<Probe>| probe.as_ref().map(|probe| probe());
        Report {
            name: self.name.clone(),
            state: doing.state,
            restarts: self.starts.load(Ordering::Relaxed).saturating_sub(1),
            last_failure: doing.last_failure,
            mailbox_depth: ask(&self.probes.mailbox_depth),
            lag: ask(&self.probes.lag),
            trouble: self.probes.trouble.as_ref().and_then(|probe| probe()),
            holding: self.probes.holding.as_ref().map(|probe| probe()),
        }
    }

    fn set(&self, state: ComponentState) {
        let mut doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        (doing.state, doing.since) = (state, Instant::now());
    }

    fn note_failure(&self, failure: String) {
        let mut doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let recovered = doing.since.elapsed() >= RECOVERED_AFTER;
        doing.failures = if recovered { 1 } else { doing.failures.saturating_add(1) };
        doing.state = ComponentState::Restarting;
        doing.last_failure = Some(failure);
    }

    /// How long to wait before the next start; nothing before the first.
    fn back_off(&self) -> Option<Duration> {
        let failures = self.doing.lock().unwrap_or_else(PoisonError::into_inner).failures;
        let doubled = 1_u32.checked_shl(failures.checked_sub(1)?).unwrap_or(u32::MAX);
        Some(BACK_OFF_FIRST.saturating_mul(doubled).min(BACK_OFF_MAX))
    }
}

/// The one supervisor.
struct Supervisor;

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    fn supervision_strategy() -> SupervisionStrategy {
        SupervisionStrategy::OneForOne
    }

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// The actor that does a component's work.
#[derive(Clone)]
struct Worker {
    component: Arc<Component>,
    work: Work,
}

impl Actor for Worker {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(worker: Self, own: ActorRef<Self>) -> Result<Self, Infallible> {
        if let Some(back_off) = worker.component.back_off() {
            tokio::time::sleep(back_off).await;
        }
        worker.component.starts.fetch_add(1, Ordering::Relaxed);
        worker.component.set(ComponentState::Running);
        // The mailbox has room: nobody else knows it.
        let _ = own.tell(DoWork).try_send();
        Ok(worker)
    }

    async fn on_panic(
        &mut self,
        _: WeakActorRef<Self>,
        failure: PanicError,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        let name = &self.component.name;
        tracing::error!(component = name, %failure, "a component failed and is started again");
        self.component.note_failure(failure.to_string());
        Ok(ControlFlow::Break(ActorStopReason::Panicked(failure)))
    }
}

/// The one message of a worker.
struct DoWork;

impl Message<DoWork> for Worker {
    type Reply = ();

    async fn handle(&mut self, _: DoWork, context: &mut Context<Self, ()>) {
        (self.work)().await;
        self.component.set(ComponentState::Ended);
        context.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_that_panics_is_run_again_until_it_returns() {
        let components = Components::new();
        let runs = Arc::new(AtomicU64::new(0));
        let (counted, waiting) = (runs.clone(), runs.clone());
        let probes = Probes::default().with_depth(|| 7);
        let flaky = components
            .start_blocking("flaky", probes, move || {
                assert!(counted.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
            })
            .await;
        let steady = components
            .start("steady", Probes::default(), move || {
                let waiting = waiting.clone();
                async move {
                    while waiting.load(Ordering::SeqCst) < 3 {
                        tokio::task::yield_now().await;
                    }
                }
            })
            .await;
        flaky.reached().await;
        steady.reached().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        let [flaky, steady] = <[Report; 2]>::try_from(components.report()).unwrap();
        assert_eq!((flaky.restarts, flaky.mailbox_depth, flaky.lag), (2, Some(7), None));
        assert!(flaky.last_failure.unwrap().contains("not yet"));
        assert_eq!((steady.restarts, steady.state), (0, ComponentState::Ended));
        components.stop().await;
    }

    #[test]
    fn the_wait_before_a_restart_doubles_and_has_a_limit() {
        let component = Component::new("c", Probes::default());
        assert_eq!(component.back_off(), None);
        let waits = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis);
        for wait in waits {
            component.note_failure("it broke".to_owned());
            assert_eq!(component.back_off(), Some(wait));
        }
    }
}
