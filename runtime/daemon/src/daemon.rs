//! The running system: log, ingest, shards and scheduler, wired up.

pub mod everywhere;
pub mod quarantined;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aquarium_charging::input::{self, Message, Plausible, Refusal};
use aquarium_charging::record::Body;
use aquarium_charging::{Deployments, Reason};
use aquarium_store::postgres::Exclusive;
use aquarium_store::{Derived, DerivedError, Kind, Log, OwnedRecord, Position, PostgresError};
use thiserror::Error;

use crate::clock::Clock;
use crate::cluster::{Following, Freshness, Neighbourhood, Peers, Role, Tenure};
use crate::component::{Components, Ending, Holding, Probes};
use crate::compression;
use crate::config::Configuration;
use crate::derived;
use crate::feed::Feed;
use crate::ingest::{self, Answer, Batch, IngestError, Layout};
use crate::memory;
use crate::outbox::Outbox;
use crate::policies::{Policies, PolicyError};
use crate::queue::{Links, Publisher, QueueError, Source};
use crate::registry::Registry;
use crate::scheduler;
use crate::shard::reading::read_stored;
use crate::shard::{self, Setting, Unanswered};
use crate::stores::{self, Presence, Shared, Stores, StoresError};
use crate::watch;
use crate::webhook::{Webhook, WebhookError};

/// Why the daemon does not start.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// Log or derived state cannot be opened.
    #[error(transparent)]
    Stores(#[from] StoresError),
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The secret of the nodes.
    #[error("the secret of the nodes cannot be read: {0}")]
    Secret(String),
}

/// A running daemon.
pub struct Daemon {
    /// What it was told.
    pub configuration: Configuration,
    /// Its time.
    pub clock: Arc<Clock>,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// Credit events on their way to others.
    pub outbox: Arc<Outbox>,
    /// The way into the log.
    pub ingest: ingest::Handle,
    /// Who knows about users.
    pub shards: shard::Handle,
    /// The modules.
    pub policies: Arc<Policies>,
    /// What runs.
    pub components: Components,
    /// What the log says that concerns everybody.
    pub registry: Registry,
    /// Held while a policy is deployed: each deployment is checked against all before it.
    pub deploying: tokio::sync::Mutex<()>,
    /// Which partitions are charged here.
    pub tenure: Tenure,
    /// This node among others, where the store is one that they can reach.
    pub neighbourhood: Option<Arc<Neighbourhood>>,
    /// The others, to be asked.
    pub peers: Option<Peers>,
    freshness: Freshness,
    derived: Arc<dyn Derived>,
    /// What keeps log and derived state where that is no directory.
    shared: Option<Shared>,
    /// Held while derived state is copied.
    copying: tokio::sync::Mutex<()>,
    feed: Arc<Feed>,
    links: OnceLock<Links>,
    /// The ends of what only brings events: it stops before all else.
    source_endings: Mutex<Vec<Ending>>,
    endings: Mutex<Vec<Ending>>,
    /// The end of what holds the leases: it stops after all else.
    member_ending: Mutex<Option<Ending>>,
}

impl Daemon {
    /// Opens the log and starts everything; nobody else charges by the store. Must be called on a runtime.
    pub async fn start(configuration: Configuration, clock: Clock) -> Result<Arc<Self>, DaemonError> {
        Self::start_as(configuration, clock, Presence::Alone).await
    }

    /// The same, alone or among others.
    pub async fn start_as(
        configuration: Configuration,
        clock: Clock,
        presence: Presence,
    ) -> Result<Arc<Self>, DaemonError> {
        let Stores { log, derived, shared } = stores::open(&configuration)?;
        let mut policies =
            Policies::open(configuration.data.join("policies"), configuration.data.join("native"))?;
        let shards = shard_count(&configuration);
        let (mut tenure, mut freshness) = (Tenure::whole(log.partitions(), shards), Freshness::default());
        let mut neighbourhood = None;
        if let Some(shared) = &shared {
            (tenure, freshness) = (Tenure::shared(shards), Freshness::shared());
            policies = policies.shared(shared.server.clone());
            neighbourhood = shared.join(&configuration.cluster, &presence, &tenure)?.map(Arc::new);
        }
        let policies = Arc::new(policies);
        let peers = peers(&configuration, neighbourhood.as_ref(), &tenure, log.partitions())?;
        let clock = Arc::new(clock);
        let limits = &configuration.ingest;
        let (ingest, writer) =
            ingest::new(log.clone(), limits.waiting_requests_max, limits.group_records_max);
        let feed = Arc::new(Feed::new(log.clone(), ingest.end()));
        let outbox = Arc::new(Outbox::new(derived.clone()));
        let setting = Setting {
            feed: feed.clone(),
            outbox: outbox.clone(),
            derived: derived.clone(),
            policies: policies.clone(),
            clock: clock.clone(),
            partitions: log.partitions(),
            patience: Duration::from_millis(configuration.http.request_millis_max),
            tenure: tenure.clone(),
            freshness: freshness.clone(),
        };
        let (shards, folding) = shard::new(&setting, shards);
        let daemon = Arc::new(Self {
            configuration,
            clock,
            log,
            outbox,
            ingest,
            shards,
            policies,
            components: Components::new(),
            registry: Registry::new(),
            deploying: tokio::sync::Mutex::new(()),
            tenure,
            neighbourhood,
            peers,
            freshness,
            derived,
            shared,
            copying: tokio::sync::Mutex::new(()),
            feed,
            links: OnceLock::new(),
            source_endings: Mutex::default(),
            endings: Mutex::default(),
            member_ending: Mutex::default(),
        });
        daemon.run(writer, folding).await;
        daemon.run_among_others().await;
        Ok(daemon)
    }

    async fn run(&self, writer: ingest::Writer, folding: Vec<shard::Shard>) {
        let ingest = self.ingest.clone();
        let server = self.shared.as_ref().map(|shared| shared.server.clone());
        let probes = Probes::default()
            .with_depth(move || ingest.depth() as u64)
            .with_trouble(move || server.as_ref()?.trouble());
        let mut endings = vec![self.components.start_blocking("ingest", probes, move || writer.run()).await];
        for (number, shard) in folding.into_iter().enumerate() {
            let name = format!("shard-{number}");
            let probes = self.shard_probes(number);
            endings.push(self.components.start_blocking(&name, probes, move || shard.run()).await);
        }
        let (registry, feed) = (self.registry.clone(), self.feed.clone());
        let (view, log) = (self.registry.clone(), self.log.clone());
        let probes = Probes::default().with_lag(move || log.end().0.saturating_sub(view.cursor().0));
        let follow = move || registry.follow(&feed);
        endings.push(self.components.start_blocking("registry", probes, follow).await);
        self.note(endings);
    }

    /// Starts what holds leases and follows what others append, where there may be others.
    async fn run_among_others(&self) {
        let Some(shared) = &self.shared else { return };
        let following = Following {
            log: shared.log.clone(),
            derived: shared.derived.clone(),
            heard: shared.hints.heard(),
            ingest: self.ingest.clone(),
            outbox: self.outbox.clone(),
            freshness: self.freshness.clone(),
            feed: self.feed.clone(),
        };
        let follow = move || following.run();
        let ending = self.components.start_blocking("following", Probes::default(), follow).await;
        self.note(vec![ending]);
        let Some(neighbourhood) = &self.neighbourhood else { return };
        let (member, troubled, shards) = (neighbourhood.clone(), neighbourhood.clone(), self.shards.clone());
        let (tenure, holder) = (self.tenure.clone(), neighbourhood.clone());
        let holding = move || Holding {
            node: holder.name().to_owned(),
            partitions: tenure.partitions(),
            lease_age_millis: u64::try_from(holder.lease_age().as_millis()).unwrap_or(u64::MAX),
        };
        let probes = Probes::default().with_trouble(move || troubled.trouble()).with_holding(holding);
        let log = self.log.clone();
        let run = move || {
            let folded = || shards.gauges().iter().map(|shard| shard.cursor()).min().unwrap_or_default();
            member.run(folded, || log.end());
        };
        let ending = self.components.start_blocking("member", probes, run).await;
        *self.member_ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
    }

    /// Waits until everything that concerns everybody is known here as far as it is durable now.
    pub async fn registry_is_current(&self) {
        // Where that cannot be known what is known must do: what is decided by it is checked when it is stored.
        let _ = self.freshness.reached().await;
        self.registry.reached(self.log.end()).await;
    }

    /// Keeps other nodes from deploying until the answer is dropped.
    pub async fn deploying_alone(&self) -> Result<Option<Exclusive>, PostgresError> {
        let Some(shared) = &self.shared else { return Ok(None) };
        let server = shared.server.clone();
        match tokio::task::spawn_blocking(move || server.deploying()).await {
            Ok(locked) => locked.map(Some),
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }

    /// Has other nodes take over what is charged here; the daemon is about to end.
    pub fn retire(&self) {
        if let Some(neighbourhood) = &self.neighbourhood {
            neighbourhood.retire();
        }
    }

    /// Waits until the daemon cannot go on by its store; says why.
    pub async fn failed(&self) -> String {
        match &self.neighbourhood {
            Some(neighbourhood) => neighbourhood.failed().await,
            None => std::future::pending().await,
        }
    }

    fn shard_probes(&self, number: usize) -> Probes {
        let (shards, log) = (self.shards.clone(), self.log.clone());
        let gauges = self.shards.gauges().get(number).cloned().unwrap_or_default();
        Probes::default()
            .with_depth(move || shards.depth(number))
            .with_lag(move || log.end().0.saturating_sub(gauges.cursor().0))
    }

    /// Starts what a daemon does that serves: tells time, watches for policies, posts credit events, follows queues.
    pub async fn start_services(self: &Arc<Self>, webhooks: Vec<Arc<Webhook>>, links: Links) {
        // It is called once, and nobody has asked before.
        let links = self.links.get_or_init(|| links);
        self.start_publishers(&links.publishers).await;
        self.start_sources(&links.sources).await;
        for webhook in webhooks {
            let (name, behind) = (webhook.publisher(), webhook.clone());
            let probes = Probes::default().with_lag(move || behind.lag());
            let ending = self.components.start(&name, probes, move || webhook.clone().run()).await;
            self.note(vec![ending]);
        }
        self.start_service("scheduler", scheduler::run).await;
        self.start_service("memory", memory::run).await;
        if self.shared.is_none() {
            self.start_service("compression", compression::run).await;
        }
        if let Some(directory) = self.configuration.policies.watch.clone() {
            self.start_service("watch", move |daemon| watch::run(daemon, directory.clone())).await;
        }
    }

    async fn start_publishers(&self, publishers: &[Arc<Publisher>]) {
        for publisher in publishers.iter().cloned() {
            let (name, behind, troubled) =
                (publisher.link.name.clone(), publisher.clone(), publisher.clone());
            let probes = Probes::default()
                .with_lag(move || behind.lag())
                .with_trouble(move || troubled.link.known_trouble());
            let ending = self.components.start(&name, probes, move || publisher.clone().run()).await;
            self.note(vec![ending]);
        }
    }

    async fn start_sources(self: &Arc<Self>, sources: &[Arc<Source>]) {
        for source in sources.iter().cloned() {
            let (behind, full, troubled) = (source.clone(), source.clone(), source.clone());
            let probes = Probes::default()
                .with_depth(move || full.held())
                .with_lag(move || behind.lag())
                .with_trouble(move || troubled.link.known_trouble());
            let name = source.link.name.clone();
            let ending = self.start_own(&name, probes, move |daemon| source.clone().run(daemon)).await;
            self.source_endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
        }
    }

    async fn start_service<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        run: impl Fn(Arc<Self>) -> F + Send + Sync + 'static,
    ) {
        let ending = self.start_own(name, Probes::default(), run).await;
        self.note(vec![ending]);
    }

    async fn start_own<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        probes: Probes,
        run: impl Fn(Arc<Self>) -> F + Send + Sync + 'static,
    ) -> Ending {
        // The daemon owns its components: they must not keep it.
        let daemon = Arc::downgrade(self);
        let run = move || {
            let service = daemon.upgrade().map(&run);
            async move {
                if let Some(service) = service {
                    service.await;
                }
            }
        };
        self.components.start(name, probes, run).await
    }

    fn note(&self, endings: Vec<Ending>) {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).extend(endings);
    }

    /// Stores what was accepted, and ends everything.
    pub async fn stop(&self) {
        self.retire();
        if let Some(shared) = &self.shared {
            shared.server.close();
        }
        self.stop_sources().await;
        self.ingest.stop().await;
        self.feed.stop();
        self.outbox.stop();
        let endings = std::mem::take(&mut *self.endings.lock().unwrap_or_else(PoisonError::into_inner));
        for ending in endings {
            ending.reached().await;
        }
        self.leave().await;
        self.components.stop().await;
    }

    async fn leave(&self) {
        let Some(neighbourhood) = self.neighbourhood.clone() else { return };
        let left = tokio::task::spawn_blocking(move || neighbourhood.leave()).await;
        drop(left);
        let ending = self.member_ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ending) = ending {
            ending.reached().await;
        }
    }

    /// Writes derived state, as it is now, beside itself, for a backup to take away; gives the number of rows.
    pub async fn copy_derived(&self) -> Result<u64, DerivedError> {
        let _one_at_a_time = self.copying.lock().await;
        let (derived, to) = (self.derived.clone(), derived::copy_directory(&self.configuration));
        let copy = move || {
            match std::fs::remove_dir_all(&to) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DerivedError::Failed { directory: to, what: error.to_string() });
                }
                _ => {}
            }
            derived.copy_to(&to)
        };
        match tokio::task::spawn_blocking(copy).await {
            Ok(copied) => copied,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }

    /// Has the sources store and acknowledge what they have read, while ingest still takes it.
    async fn stop_sources(&self) {
        self.links().sources.iter().for_each(|source| source.stop());
        let endings =
            std::mem::take(&mut *self.source_endings.lock().unwrap_or_else(PoisonError::into_inner));
        for ending in endings {
            ending.reached().await;
        }
    }

    /// The links to brokers that run.
    pub fn links(&self) -> &Links {
        self.links.get_or_init(Links::default)
    }

    /// The links to brokers that are configured, yet to run.
    pub fn configured_links(&self) -> Result<Links, QueueError> {
        Links::new(&self.configuration, &|name| self.outbox_of(&format!("queue-{name}")))
    }

    /// The outbox for a publisher, who is on one node at a time.
    fn outbox_of(&self, publisher: &str) -> Arc<Outbox> {
        let role = Role::of_name(publisher, self.log.partitions(), &self.tenure);
        Arc::new(self.outbox.of_publisher(role))
    }

    /// The webhooks that are configured, yet to run.
    pub fn webhooks(&self) -> Result<Vec<Arc<Webhook>>, WebhookError> {
        let configured = self.configuration.credit_events.webhooks.iter();
        configured
            .map(|webhook| {
                let outbox = self.outbox_of(&format!("webhook-{}", webhook.name));
                Webhook::new(webhook, outbox, self.clock.clone()).map(Arc::new)
            })
            .collect()
    }

    /// The versions that were deployed, as far as is known now; none where a module cannot be read.
    pub fn versions(&self) -> Deployments {
        self.registry.deployed(&self.policies).unwrap_or_else(|error| {
            tracing::error!(%error, "a policy cannot be read");
            Deployments::new()
        })
    }

    /// Waits until the daemon stops.
    pub async fn stopped(&self) {
        self.feed.stopped().await;
    }

    /// The log as its followers see it.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Messages that arrive now, each of which must pass a check of whoever lets it in.
    pub fn read_live(
        &self,
        bytes: Vec<u8>,
        layout: Layout,
        check: &dyn Fn(&Message<'_>) -> Result<(), Refusal>,
    ) -> Batch {
        let limits = &self.configuration.ingest;
        let plausible =
            Plausible { age_max: limits.event_age_max_millis, ahead_max: limits.event_ahead_max_millis };
        let received = self.clock.now();
        let source = input::Source {
            received,
            keeps_received: false,
            writes_records: false,
            plausible: Some(plausible),
        };
        Batch::read_checked(bytes, layout, &source, self.log.partitions(), check)
    }

    /// Lines of a file that is named on a command line: as old as they may be, the runtime's own records among them.
    pub fn read_import(&self, bytes: Vec<u8>) -> Batch {
        let source = input::Source {
            received: self.clock.now(),
            keeps_received: false,
            writes_records: true,
            plausible: None,
        };
        let check = |message: &Message<'_>| self.check_module(&message.record.body);
        Batch::read_checked(bytes, Layout::Lines, &source, self.log.partitions(), &check)
    }

    /// A deployment of a module that is not here could never be folded.
    fn check_module(&self, body: &Body<'_>) -> Result<(), Refusal> {
        let Body::Deployment { module, .. } = body else { return Ok(()) };
        self.policies
            .version(module)
            .map(|_| ())
            .map_err(|error| Refusal { reason: Reason::BadType, message: format!("`module`: {error}") })
    }

    /// Stores records of the daemon's own.
    pub async fn write(&self, lines: String) -> Result<Vec<Answer>, IngestError> {
        self.ingest.submit_own(self.read_import(lines.into_bytes())).await
    }

    /// An event of a resource, as the log has it.
    pub fn event(&self, user: &str, client: &str, id: &str) -> Result<Option<OwnedRecord>, Unanswered> {
        let records = self.feed.records_of(user).map_err(|error| Unanswered::Broken(error.to_string()))?;
        let is_meant = |stored: &OwnedRecord| {
            let record = read_stored(&stored.body, stored.received_millis);
            stored.kind == Kind::ResourceEvent && record.is_ok_and(|it| it.client == client && it.id == id)
        };
        Ok(records.into_iter().find(is_meant))
    }

    /// The record at a place in the log.
    pub fn record(&self, place: Position) -> Result<Option<OwnedRecord>, Unanswered> {
        let found = self.log.read_at(&[place]).map_err(|error| Unanswered::Broken(error.to_string()))?;
        Ok(found.into_iter().next())
    }
}

/// The other nodes, as they are to be asked.
fn peers(
    configuration: &Configuration,
    neighbourhood: Option<&Arc<Neighbourhood>>,
    tenure: &Tenure,
    partitions: u16,
) -> Result<Option<Peers>, DaemonError> {
    let Some(neighbourhood) = neighbourhood else { return Ok(None) };
    let secret = configuration.cluster.secret().map_err(DaemonError::Secret)?;
    let known_by = (secret, configuration.cluster.authorities.clone());
    let patience = Duration::from_millis(configuration.http.request_millis_max);
    Ok(Some(Peers::new(neighbourhood.clone(), tenure.clone(), partitions, known_by, patience)))
}

fn shard_count(configuration: &Configuration) -> usize {
    match configuration.shards {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}
