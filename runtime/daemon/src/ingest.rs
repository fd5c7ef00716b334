//! Ingest: what arrives becomes durable, in group commits, and is acknowledged only then.
//!
//! One writer appends to the log. Its mailbox is bounded: who finds it full is told so at once
//! ([`Handle::offer`]) or waits ([`Handle::submit`]). Ingest never waits for charging.

pub mod batch;
mod cloud;
pub mod marks;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use aquarium_store::{AppendError, Appended, Log, NewRecord, Position};
use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

pub use batch::{Answer, Batch, Layout, Outcome};

/// The most bytes that a group commit gathers; a single submission may be larger.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// Why nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IngestError {
    /// Too many wait already.
    #[error("too many requests wait to be stored; try again in a moment")]
    Busy,
    /// The log takes nothing.
    #[error("{0}")]
    Log(String),
    /// The daemon is about to end.
    #[error("the daemon is stopping")]
    Stopping,
}

/// A batch that was not stored.
#[derive(Debug)]
pub struct NotStored {
    /// Why.
    pub error: IngestError,
    /// The batch; none where it is not known what became of it.
    pub batch: Option<Batch>,
}

impl From<NotStored> for IngestError {
    fn from(refused: NotStored) -> Self {
        refused.error
    }
}

struct Submission {
    batch: Batch,
    /// Whether the daemon itself wrote it: then it is no message that arrived.
    own: bool,
    /// When it came.
    began: SystemTime,
    reply: oneshot::Sender<Result<Vec<Answer>, NotStored>>,
}

impl Submission {
    fn new(batch: Batch, own: bool, reply: oneshot::Sender<Result<Vec<Answer>, NotStored>>) -> Self {
        Self { batch, own, began: SystemTime::now(), reply }
    }
}

/// What the writer is sent.
enum Message {
    /// Something to store.
    Store(Submission),
    /// Nothing more is to be stored after what waits already.
    Stop,
}

/// What others know of ingest.
#[derive(Clone)]
pub struct Handle {
    mailbox: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

/// What the writer tells everybody.
pub struct Shared {
    end: watch::Sender<Position>,
    taking: AtomicBool,
    counts: [AtomicU64; 4],
}

impl Shared {
    /// Whoever knows of a later end was told by others.
    fn moved(&self, end: Position) {
        self.end.send_if_modified(|known| {
            let further = end > *known;
            *known = end.max(*known);
            further
        });
    }
}

impl Handle {
    /// Stores a batch, unless too many wait already.
    pub async fn offer(&self, batch: Batch) -> Result<Vec<Answer>, IngestError> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.try_send(Message::Store(Submission::new(batch, false, reply))).map_err(|error| {
            match error {
                mpsc::error::TrySendError::Full(_) => IngestError::Busy,
                mpsc::error::TrySendError::Closed(_) => IngestError::Stopping,
            }
        })?;
        answer.await.map_err(|_| IngestError::Stopping)?.map_err(IngestError::from)
    }

    /// Stores a batch, as soon as there is room.
    pub async fn submit(&self, batch: Batch) -> Result<Vec<Answer>, IngestError> {
        Ok(self.submit_as(batch, false).await?)
    }

    /// Stores a batch, as soon as there is room; gives it back where it was not stored.
    pub async fn submit_returning(&self, batch: Batch) -> Result<Vec<Answer>, NotStored> {
        self.submit_as(batch, false).await
    }

    /// Stores records of the daemon's own, as soon as there is room.
    pub async fn submit_own(&self, batch: Batch) -> Result<Vec<Answer>, IngestError> {
        Ok(self.submit_as(batch, true).await?)
    }

    async fn submit_as(&self, batch: Batch, own: bool) -> Result<Vec<Answer>, NotStored> {
        let (reply, answer) = oneshot::channel();
        let stopping = NotStored { error: IngestError::Stopping, batch: None };
        if self.mailbox.send(Message::Store(Submission::new(batch, own, reply))).await.is_err() {
            return Err(stopping);
        }
        answer.await.unwrap_or(Err(stopping))
    }

    /// Has everything stored that waits, and nothing more.
    pub async fn stop(&self) {
        if self.mailbox.send(Message::Stop).await.is_ok() {
            self.mailbox.closed().await;
        }
    }

    /// Submissions that wait.
    pub fn depth(&self) -> usize {
        self.mailbox.max_capacity().saturating_sub(self.mailbox.capacity())
    }

    /// Whether too many wait already.
    pub fn is_full(&self) -> bool {
        self.mailbox.capacity() == 0
    }

    /// Others have appended up to here.
    pub fn moved(&self, end: Position) {
        self.shared.moved(end);
    }

    /// The end of the log, and when it moves.
    pub fn end(&self) -> watch::Receiver<Position> {
        self.shared.end.subscribe()
    }

    /// Whether the log took the last group commit.
    pub fn is_taking(&self) -> bool {
        self.shared.taking.load(Ordering::Relaxed)
    }

    /// Messages that arrived so far, by outcome; the daemon's own records are none.
    pub fn counts(&self) -> [(&'static str, u64); 4] {
        let [stored, duplicate, conflict, quarantined] =
            self.shared.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        [("stored", stored), ("duplicate", duplicate), ("conflict", conflict), ("quarantined", quarantined)]
    }
}

/// The one that writes.
pub struct Writer {
    log: Arc<dyn Log>,
    mailbox: Mutex<mpsc::Receiver<Message>>,
    shared: Arc<Shared>,
    group_records_max: usize,
}

/// A writer that is yet to run, and the handle to it.
pub fn new(log: Arc<dyn Log>, waiting_max: usize, group_records_max: usize) -> (Handle, Writer) {
    let (sender, receiver) = mpsc::channel(waiting_max.max(1));
    let shared = Arc::new(Shared {
        end: watch::Sender::new(log.end()),
        taking: AtomicBool::new(true),
        counts: Default::default(),
    });
    let handle = Handle { mailbox: sender, shared: shared.clone() };
    (handle, Writer { log, mailbox: Mutex::new(receiver), shared, group_records_max })
}

impl Writer {
    /// Writes until told to stop. Blocks.
    pub fn run(&self) {
        let mut mailbox = self.mailbox.blocking_lock();
        while let Some(Message::Store(first)) = mailbox.blocking_recv() {
            let (group, stop) = self.gather(first, &mut mailbox);
            self.commit(group);
            if stop {
                break;
            }
        }
        mailbox.close();
        // Whoever came after the word to stop is told so by the loss of its reply, and does not wait for ever.
        while mailbox.blocking_recv().is_some() {}
    }

    /// Takes what waits already: while one group is made durable the next one gathers by itself.
    fn gather(&self, first: Submission, mailbox: &mut mpsc::Receiver<Message>) -> (Vec<Submission>, bool) {
        let (mut records, mut bytes) = (first.batch.len(), first.batch.byte_length());
        let mut group = vec![first];
        while records < self.group_records_max && bytes < GROUP_BYTES_MAX {
            match mailbox.try_recv() {
                Ok(Message::Store(next)) => {
                    records += next.batch.len();
                    bytes += next.batch.byte_length();
                    group.push(next);
                }
                Ok(Message::Stop) => return (group, true),
                Err(_) => break,
            }
        }
        (group, false)
    }

    fn commit(&self, group: Vec<Submission>) {
        let records: Vec<NewRecord<'_>> =
            group.iter().flat_map(|submission| submission.batch.records()).collect();
        let appended = self.log.append(&records);
        drop(records);
        self.note(&appended);
        match appended {
            Ok(appended) => self.acknowledge(group, &appended),
            Err(error) => {
                tracing::error!(%error, requests = group.len(), "nothing of a group commit was stored");
                let error = IngestError::Log(error.to_string());
                for Submission { batch, reply, .. } in group {
                    let gone = reply.send(Err(NotStored { error: error.clone(), batch: Some(batch) }));
                    drop(gone);
                }
            }
        }
    }

    fn note(&self, appended: &Result<Vec<Appended>, AppendError>) {
        // What was there already says nothing about the disk.
        let nothing_new = |appended: &Vec<Appended>| appended.iter().all(|it| *it == Appended::Duplicate);
        if !appended.as_ref().is_ok_and(nothing_new) {
            self.shared.taking.store(appended.is_ok(), Ordering::Relaxed);
        }
        self.shared.moved(self.log.end());
    }

    fn acknowledge(&self, group: Vec<Submission>, mut appended: &[Appended]) {
        for Submission { batch, own, began, reply } in group {
            let (of_batch, rest) = appended.split_at_checked(batch.len()).unwrap_or((appended, &[]));
            appended = rest;
            let answers = batch.answers(of_batch);
            batch.trace(&answers, began);
            for answer in answers.iter().filter(|_| !own) {
                let [stored, duplicate, conflict, quarantined] = &self.shared.counts;
                let count = match answer.result {
                    Outcome::Stored => stored,
                    Outcome::Duplicate => duplicate,
                    Outcome::Conflict => conflict,
                    Outcome::Quarantined => quarantined,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
            // Whoever sent it may have gone away; what it sent is stored all the same.
            let gone = reply.send(Ok(answers));
            drop(gone);
        }
    }
}
