//! Runs the compiler beside the protocol, and publishes what it finds.
//!
//! A policy has at most one analysis running and none waiting: what changes meanwhile is looked at when
//! it ends, all at once, and a result that an edit has made old is not published. Nobody waits for the
//! client; what is sent to it is given up after a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aquarium_ide::diagnostics::diagnostics;
use tokio::sync::Semaphore;
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{Diagnostic, MessageType, ProgressToken, Uri};
use tower_lsp::{NotCancellable, OngoingProgress, Unbounded};

use crate::capabilities::{Session, negotiate};
use crate::convert;
use crate::index::Index;
use crate::order::panic_text;
use crate::workspace::{Analyzed, Origin, Policy, PolicyKey, Workspace};

/// How long a client may take over a message before it is given up.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(30);

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    client: Client,
    session: OnceLock<Session>,
    workspace: Mutex<Workspace>,
    index: Arc<tokio::sync::Mutex<Index>>,
    /// As much work at once as there are processors, and never the one alone that a long analysis holds.
    processors: Arc<Semaphore>,
}

/// The findings of one file.
struct Report {
    origin: Origin,
    findings: Vec<Diagnostic>,
}

impl Shared {
    pub(crate) fn new(client: Client) -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        Arc::new(Self {
            client,
            session: OnceLock::new(),
            workspace: Mutex::default(),
            index: Arc::default(),
            processors: Arc::new(Semaphore::new(processors)),
        })
    }

    /// What was agreed on; before `initialize`, which comes first, what every client can.
    pub(crate) fn session(&self) -> &Session {
        self.session.get_or_init(|| negotiate(&Default::default()))
    }

    /// Remembers what is agreed on.
    pub(crate) fn agree(&self, session: Session) -> &Session {
        self.session.get_or_init(|| session)
    }

    /// The documents and policies. Held for moments, and never while waiting.
    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        // Whoever panicked did so in the compiler, not in the middle of a change to this.
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of policies that are not open. Held while they are read: never by whoever holds
    /// something else.
    pub(crate) fn index(&self) -> Arc<tokio::sync::Mutex<Index>> {
        self.index.clone()
    }

    /// Tells a client that wants to know that long work has begun.
    pub(crate) async fn progress(
        &self,
        token: Option<ProgressToken>,
        title: &str,
    ) -> Option<OngoingProgress<Unbounded, NotCancellable>> {
        within_time(self.client.progress(token?, title).begin()).await
    }

    /// Tells that it has ended.
    pub(crate) async fn end_progress(&self, progress: Option<OngoingProgress<Unbounded, NotCancellable>>) {
        if let Some(progress) = progress {
            self.send(progress.finish()).await;
        }
    }

    /// Sees to it that these policies are analysed.
    pub(crate) fn analyze(self: &Arc<Self>, keys: Vec<PolicyKey>) {
        for key in keys {
            if self.workspace().watch(&key) {
                tokio::spawn(self.clone().analyze_while_it_changes(key));
            }
        }
    }

    async fn analyze_while_it_changes(self: Arc<Self>, key: PolicyKey) {
        loop {
            let Some(policy) = self.workspace().begin(&key) else { return };
            let (shared, input) = (self.clone(), policy.clone());
            match self.compute(move || shared.report(&input)).await {
                Ok(reports) if self.workspace().is_current(&key, &policy) => {
                    self.publish(&key, reports).await
                }
                Ok(_) => {}
                Err(error) => self.log(MessageType::ERROR, error.message.into_owned()).await,
            }
            let old = self.workspace().take_old();
            tokio::task::spawn_blocking(move || drop((old, policy)));
        }
    }

    /// Does work that takes a processor, beside the protocol. A panic in it is an error of its own.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let permit = self.processors.clone().acquire_owned().await.map_err(|_| Error::internal_error())?;
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        self.compute_at_once(work).await
    }

    /// Does a little work beside the protocol, whatever else is being done.
    pub(crate) async fn compute_at_once<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        tokio::task::spawn_blocking(work).await.map_err(|failure| {
            let mut error = Error::internal_error();
            if let Ok(panic) = failure.try_into_panic() {
                error.message = format!("the analysis failed: {}", panic_text(panic.as_ref())).into();
            }
            error
        })
    }

    /// The findings of all files; of a policy that is no longer open none.
    fn report(&self, policy: &Policy) -> Vec<Report> {
        if !policy.is_open() {
            return Vec::new();
        }
        let analyzed = policy.analyzed();
        let report = |file| {
            let origin = analyzed.origin(file)?.clone();
            Some(Report { origin, findings: findings(analyzed, file, self.session()) })
        };
        analyzed.snapshot.files().filter_map(|(file, _)| report(file)).collect()
    }

    /// Tells the client about open files, and about others as long as there is something to tell.
    async fn publish(&self, key: &PolicyKey, reports: Vec<Report>) {
        if self.session().pulls {
            return;
        }
        let with_findings = reports.iter().filter(|report| !report.findings.is_empty());
        let with_findings: BTreeSet<Uri> = with_findings.map(|report| report.origin.uri.clone()).collect();
        let had_findings = self.workspace().publish(key, with_findings.clone());
        let mut messages: BTreeMap<Uri, (Vec<Diagnostic>, Option<i32>)> =
            had_findings.into_iter().map(|uri| (uri, (Vec::new(), None))).collect();
        for Report { origin, findings } in reports {
            if origin.version.is_some() || !findings.is_empty() || messages.contains_key(&origin.uri) {
                messages.insert(origin.uri, (findings, origin.version));
            }
        }
        for (uri, (findings, version)) in messages {
            self.send(self.client.publish_diagnostics(uri, findings, version)).await;
        }
    }

    /// Tells the client something for its log.
    pub(crate) async fn log(&self, kind: MessageType, text: String) {
        self.send(self.client.log_message(kind, text)).await;
    }

    /// Tells the client what can only be told after the introduction.
    pub(crate) fn register(self: &Arc<Self>) {
        let registrations = crate::capabilities::registrations(self.session());
        if registrations.is_empty() {
            return;
        }
        let shared = self.clone();
        tokio::spawn(async move {
            let answer = within_time(shared.client.register_capability(registrations)).await;
            if let Some(Err(error)) = answer {
                let text = format!("the client does not watch files or show hierarchies: {error}");
                shared.log(MessageType::WARNING, text).await;
            }
        });
    }

    /// Waits for a message to be taken, but not for ever.
    async fn send(&self, message: impl Future<Output = ()>) {
        within_time(message).await;
    }
}

/// What the client answers in time.
async fn within_time<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(CLIENT_TIME_MAX, answer).await.ok()
}

/// The findings of a file.
pub(crate) fn findings(
    analyzed: &Analyzed,
    file: aquarium_compiler::FileId,
    session: &Session,
) -> Vec<Diagnostic> {
    let findings = diagnostics(&analyzed.snapshot, file);
    findings.iter().map(|finding| convert::diagnostic(finding, analyzed, session)).collect()
}
