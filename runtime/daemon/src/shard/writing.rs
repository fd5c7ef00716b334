//! Writing what was folded, in the background: rounds of batches.
//!
//! A round writes every user that was touched before it began, some at a time, while folding goes on; each as it is
//! by then, with the place in the log that it stands for. The last batch of a round moves the partitions' cursors to
//! where the fold was when the round began. After a crash the log is folded again from the cursors; records that a
//! user's image has already are passed over.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aquarium_store::derived::{Batch, Derived, Fence};
use aquarium_store::{DerivedError, Position};

use crate::outbox::Outbox;

/// The longest that something folded waits for its round, where writing takes no longer.
pub const ROUND_EVERY: Duration = Duration::from_secs(1);
/// After a round the next one rests for so many times what it has taken: where the store is what is slow, a user whom
/// much happens to is written less often, and there is less to write.
const RESTS: u32 = 2;
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(3);
/// Records after which a round begins at once: folding them again takes some tenths of a second.
pub const RECORDS_PER_ROUND: usize = 250_000;
/// Users of one batch.
pub const USERS_PER_BATCH: usize = 1_000;
/// Lines of wallets after which a round begins at once, at a kilobyte or so each: a month's end brings many for each
/// user. With twice as many nothing is added that can wait.
pub const LINES_PER_ROUND: usize = 60_000;
/// The wait after a write that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A round that has begun.
pub struct Round {
    /// Users that are yet to be written.
    pub users: Vec<Box<str>>,
    /// Records that concern everybody, to be written with the last batch.
    pub shared: Vec<(Position, Vec<u8>)>,
    /// Up to where everything was folded when it began.
    pub cursor: Position,
    /// What is yet to be handed over.
    pub batch: Batch,
    /// Whether the last batch is on its way.
    pub closing: bool,
}

/// The thread that writes batches, one after the other.
pub struct Pen {
    batches: Option<SyncSender<Batch>>,
    written: Receiver<Result<(), DerivedError>>,
    thread: Option<JoinHandle<()>>,
    /// Batches that were handed over.
    sent: u64,
    /// Whether the last of them is not written yet.
    on_its_way: bool,
    /// When the first thing since the last round was folded.
    since: Option<Instant>,
    /// When the last round has begun.
    begun: Instant,
    /// Until when the next one rests.
    rests_until: Instant,
    /// Why nothing can be written any more.
    pub failure: Option<String>,
    /// The lease that was over.
    pub refused: Option<Fence>,
}

impl Pen {
    /// A thread that writes to a store.
    pub fn new(derived: Arc<dyn Derived>, outbox: Arc<Outbox>) -> Self {
        let (batches, to_write) = sync_channel(1);
        let (done, written) = sync_channel(1);
        let thread = std::thread::spawn(move || write_all(&*derived, &outbox, &to_write, &done));
        Self {
            batches: Some(batches),
            written,
            thread: Some(thread),
            sent: 0,
            on_its_way: false,
            since: None,
            begun: Instant::now(),
            rests_until: Instant::now(),
            failure: None,
            refused: None,
        }
    }

    /// Notes that something was folded.
    pub fn note(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// How long it is until a round is due; `None`: there is nothing to write.
    pub fn due_in(&self) -> Option<Duration> {
        let rest = self.rests_until.saturating_duration_since(Instant::now());
        self.since.map(|since| ROUND_EVERY.saturating_sub(since.elapsed()).max(rest))
    }

    /// Begins a round: what is folded from now on is for the next one.
    pub fn begin(&mut self) {
        self.since = None;
        self.begun = Instant::now();
    }

    /// Ends a round: all of it is written.
    pub fn end(&mut self) {
        let now = Instant::now();
        self.rests_until = now + ((now - self.begun) * RESTS).min(REST_MAX);
    }

    /// Whether a batch can be handed over.
    pub fn is_free(&mut self) -> bool {
        if self.on_its_way
            && let Ok(result) = self.written.try_recv()
        {
            self.take_note(result);
        }
        !self.on_its_way && self.failure.is_none()
    }

    /// Hands a batch over; only where it is free.
    pub fn write(&mut self, batch: Batch) {
        let sent = self.batches.as_ref().is_some_and(|batches| batches.send(batch).is_ok());
        self.sent = self.sent.saturating_add(u64::from(sent));
        self.on_its_way = sent;
    }

    /// How many batches are written.
    pub fn written(&self) -> u64 {
        self.sent.saturating_sub(u64::from(self.on_its_way))
    }

    /// The number of the batch that is handed over next.
    pub fn next(&self) -> u64 {
        self.sent.saturating_add(1)
    }

    /// Waits until nothing is on its way.
    pub fn wait(&mut self) {
        if self.on_its_way {
            let result = self.written.recv();
            self.take_note(result.unwrap_or(Ok(())));
        }
    }

    /// Nothing more is to be written, and what is on its way is not waited for.
    pub fn leave(&mut self) {
        self.failure = Some("it is another's to write".to_owned());
        drop(self.batches.take());
        drop(self.thread.take());
    }

    fn take_note(&mut self, result: Result<(), DerivedError>) {
        self.on_its_way = false;
        if let Err(error) = result {
            tracing::error!(%error, "derived state cannot be written any more; the log has everything");
            if let DerivedError::Fenced { partition, epoch, .. } = error {
                self.refused = Some(Fence { partition, epoch });
            }
            self.failure = Some(error.to_string());
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        drop(self.batches.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of derived state ended by a panic");
        }
    }
}

/// Writes batches until no more can come.
fn write_all(
    derived: &dyn Derived,
    outbox: &Outbox,
    batches: &Receiver<Batch>,
    done: &SyncSender<Result<(), DerivedError>>,
) {
    while let Ok(batch) = batches.recv() {
        if done.send(write(derived, outbox, &batch, batches)).is_err() {
            return;
        }
    }
}

/// Writes a batch; where there is no room, or no server, it is tried again.
fn write(
    derived: &dyn Derived,
    outbox: &Outbox,
    batch: &Batch,
    batches: &Receiver<Batch>,
) -> Result<(), DerivedError> {
    loop {
        match derived.write(batch) {
            Ok(end) => {
                outbox.moved(end);
                return Ok(());
            }
            Err(error) if error.may_pass() => {
                tracing::error!(%error, "derived state cannot be written now; it is tried again");
                // Nothing comes while this batch is not done: what ends the wait is time, or the end.
                if matches!(batches.recv_timeout(RETRY_AFTER), Err(RecvTimeoutError::Disconnected)) {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
