//! The running system: log, ingest, shards and scheduler, wired up.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aquarium_charging::deployments::DeploymentRefused;
use aquarium_charging::input::{self, Message, Plausible, Refusal, Source};
use aquarium_charging::record::Body;
use aquarium_charging::{Deployments, Reason, Span};
use aquarium_ir::Millis;
use aquarium_store::{EmbeddedLog, Kind, Log, OpenError, Options, OwnedRecord, Position, ReadError};
use serde_json::json;
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::component::Components;
use crate::config::Configuration;
use crate::feed::Feed;
use crate::ingest::{self, Answer, Batch, IngestError, Layout, Outcome};
use crate::policies::{Policies, PolicyError};
use crate::quarantine::Quarantine;
use crate::scheduler;
use crate::shard::{self, Setting, Unanswered};

/// Why the daemon does not start, or does not deploy.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A deployment contradicts those before it.
    #[error("the policy is not deployed: {0}")]
    Refused(#[from] DeploymentRefused),
    /// A deployment was not stored.
    #[error("the policy was not deployed: {0}")]
    Deployment(String),
}

/// A running daemon.
pub struct Daemon {
    /// What it was told.
    pub configuration: Configuration,
    /// Its time.
    pub clock: Arc<Clock>,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// The way into the log.
    pub ingest: ingest::Handle,
    /// Who knows about users.
    pub shards: shard::Handle,
    /// The modules.
    pub policies: Arc<Policies>,
    /// What runs.
    pub components: Components,
    quarantine: Quarantine,
    feed: Arc<Feed>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Something that has no effect, and why.
pub struct Refused {
    /// The record as the log holds it.
    pub record: OwnedRecord,
    /// Whose it is, where that is known.
    pub user: Option<String>,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
}

impl Daemon {
    /// Opens the log and starts everything. Must be called on a runtime.
    pub fn start(configuration: Configuration, clock: Clock) -> Result<Arc<Self>, DaemonError> {
        let log = open_log(&configuration)?;
        let policies =
            Arc::new(Policies::open(configuration.data.join("policies"), configuration.data.join("native"))?);
        let clock = Arc::new(clock);
        let limits = &configuration.ingest;
        let (ingest, writer) =
            ingest::new(log.clone(), limits.waiting_requests_max, limits.group_records_max);
        let feed = Arc::new(Feed::new(log.clone(), ingest.end()));
        let setting = Setting {
            feed: feed.clone(),
            policies: policies.clone(),
            clock: clock.clone(),
            partitions: log.partitions(),
            patience: Duration::from_millis(configuration.http.request_millis_max),
        };
        let (shards, folding) = shard::new(&setting, shard_count(&configuration));
        let daemon = Arc::new(Self {
            configuration,
            clock,
            log,
            ingest,
            shards,
            policies,
            components: Components::default(),
            quarantine: Quarantine::new(),
            feed,
            tasks: Mutex::default(),
        });
        daemon.run(writer, folding);
        Ok(daemon)
    }

    fn run(&self, writer: ingest::Writer, folding: Vec<shard::Shard>) {
        let mut tasks = vec![self.components.start("ingest", move || writer.run())];
        for (number, shard) in folding.into_iter().enumerate() {
            tasks.push(self.components.start(&format!("shard-{number}"), move || shard.run()));
        }
        let (quarantine, feed) = (self.quarantine.clone(), self.feed.clone());
        tasks.push(self.components.start("quarantine", move || quarantine.follow(&feed)));
        *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    /// Starts the clock's ticks.
    pub fn start_ticks(self: &Arc<Self>) {
        let ticks = tokio::spawn(scheduler::run(self.clone()));
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(ticks);
    }

    /// Stores what was accepted, and ends everything.
    pub async fn stop(&self) {
        self.ingest.stop().await;
        self.feed.stop();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("a component ended by a panic");
            }
        }
    }

    /// Waits until the daemon stops.
    pub async fn stopped(&self) {
        self.feed.stopped().await;
    }

    /// Messages that arrive now.
    pub fn read_live(&self, bytes: Vec<u8>, layout: Layout) -> Batch {
        let limits = &self.configuration.ingest;
        let plausible =
            Plausible { age_max: limits.event_age_max_millis, ahead_max: limits.event_ahead_max_millis };
        let received = self.clock.now();
        let source =
            Source { received, keeps_received: false, writes_records: false, plausible: Some(plausible) };
        Batch::read(bytes, layout, &source, self.log.partitions())
    }

    /// Lines of a file that is named on a command line: as old as they may be, the runtime's own records among them.
    pub fn read_import(&self, bytes: Vec<u8>) -> Batch {
        let source = Source {
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

    /// Deploys a module, unless it is the one that was deployed last. Says whether it did.
    pub async fn deploy(&self, module: &[u8], from: Option<Millis>) -> Result<bool, DaemonError> {
        let hash = self.policies.add(module)?;
        let mut deployments = self.deployed()?;
        if deployments.versions().last().is_some_and(|(version, _)| *version.module == *hash) {
            return Ok(false);
        }
        let now = self.clock.now();
        let span = Span { from: from.unwrap_or(now), to: Millis::MAX, received: now };
        let number = deployments.versions().count() + 1;
        deployments.refuse_hiding(&span, now)?;
        deployments.deploy(self.policies.version(&hash)?, span)?;
        let record = json!({
            "recordType": "deployment",
            "id": format!("deployment-{number}"),
            "clientID": "aquarium",
            "module": hash,
            "from": span.from,
        });
        let answers = self
            .write(record.to_string())
            .await
            .map_err(|error| DaemonError::Deployment(error.to_string()))?;
        match answers.first() {
            Some(Answer { result: Outcome::Stored, .. }) => Ok(true),
            answer => Err(DaemonError::Deployment(format!("it was answered by {answer:?}"))),
        }
    }

    /// Stores records of the daemon's own.
    pub async fn write(&self, lines: String) -> Result<Vec<Answer>, IngestError> {
        self.ingest.submit(self.read_import(lines.into_bytes())).await
    }

    /// Everything that was deployed, in order.
    fn deployed(&self) -> Result<Deployments, DaemonError> {
        let mut deployments = Deployments::new();
        let mut next = Position::START;
        loop {
            let page = self.feed.page(next)?;
            if page.is_empty() {
                return Ok(deployments);
            }
            for record in page.records() {
                if let Some((module, span)) = deployment(&record) {
                    // One that was refused then is refused again.
                    let _ = deployments.deploy(self.policies.version(&module)?, span);
                }
            }
            next = page.next();
        }
    }

    /// Everything that has no effect from a place in the log on, at most `limit`, and where to go on.
    pub async fn quarantined(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Refused>, Option<Position>), Unanswered> {
        let from = Position(after.map_or(0, |after| after.saturating_add(1)));
        let mut found = self.shards.findings().await?;
        found.retain(|finding| finding.position >= from);
        let places = self.quarantine.places(from, limit.saturating_add(1), self.log.end()).await;
        let mut refused: Vec<Refused> = Vec::new();
        for place in places {
            refused.extend(self.refused_on_arrival(place)?);
        }
        for finding in found.into_iter().take(limit.saturating_add(1)) {
            refused.extend(self.record(finding.position)?.map(|record| Refused {
                record,
                user: Some(finding.user),
                reason: finding.reason,
                message: finding.message,
            }));
        }
        refused.sort_by_key(|refused| refused.record.position);
        let more = refused.len() > limit;
        refused.truncate(limit);
        let next = refused.last().map(|refused| refused.record.position).filter(|_| more);
        Ok((refused, next))
    }

    fn refused_on_arrival(&self, place: Position) -> Result<Option<Refused>, Unanswered> {
        let refused = |record: OwnedRecord| match record.kind {
            Kind::Quarantined(reason) => {
                let message = record.note.clone();
                Some(Refused { record, user: None, reason, message })
            }
            _ => None,
        };
        Ok(self.record(place)?.and_then(refused))
    }

    fn record(&self, place: Position) -> Result<Option<OwnedRecord>, Unanswered> {
        let page = self.log.read(place).map_err(|error| Unanswered::Broken(error.to_string()))?;
        Ok(page.records().next().map(OwnedRecord::from))
    }
}

/// The directory of the log within the data directory.
pub fn log_directory(configuration: &Configuration) -> PathBuf {
    configuration.data.join("log")
}

fn open_log(configuration: &Configuration) -> Result<Arc<dyn Log>, OpenError> {
    let log = EmbeddedLog::open(&log_directory(configuration), Options::default())?;
    if let Some(rest) = log.unfinished() {
        let (file, offset, bytes) = (&rest.file, rest.offset, rest.bytes);
        tracing::warn!(file, offset, bytes, "cut off the rest of a write that was never acknowledged");
    }
    Ok(Arc::new(log))
}

fn shard_count(configuration: &Configuration) -> usize {
    match configuration.shards {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// The module and span of a deployment's record.
fn deployment(record: &aquarium_store::Record<'_>) -> Option<(String, Span)> {
    if record.stored.kind != Kind::Runtime || record.stored.partition.is_some() {
        return None;
    }
    let received = Millis(record.stored.received_millis);
    let source = Source { received, keeps_received: false, writes_records: true, plausible: None };
    match input::read(record.stored.body, &source).ok()?.record.body {
        Body::Deployment { module, from, to } => {
            Some((module.into_owned(), Span { from, to: to.unwrap_or(Millis::MAX), received }))
        }
        _ => None,
    }
}
