//! Shards: each owns the users of some partitions, folds their records and answers for them.
//!
//! A shard follows the log at its own pace and answers questions in between; while it waits, whoever asks looks at what
//! is in memory without it. A question about a single user is answered once everything of that user is folded that was
//! durable when it was asked, ahead of all others. One about many users is answered by what is folded, and says up to
//! when that is; a shard that is about to come to the log's end comes there first. A user is a value in a table, not a
//! task. A panic while one user is folded sets that user aside; nobody else notices.
//!
//! What is folded is written to the store of derived state in the background, from where a shard goes on when it is
//! started again; users that nothing happens to are in the store alone.

mod desk;
pub mod findings;
mod gathering;
mod gauges;
mod names;
pub mod queries;
pub mod reading;
mod slice;
mod standing;
mod stored;
#[cfg(test)]
mod tests;
mod user;
mod users;
mod waiting;
mod writing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aquarium_ir::Millis;
use aquarium_store::{Derived, Position, partition_of};
use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use desk::Desk;
use findings::WhichFindings;
pub use gauges::Gauges;
pub use standing::{Digested, Finding, Row};

use crate::clock::Clock;
use crate::cluster::{Changes, Freshness, Part, Standing, Tenure};
use crate::feed::Feed;
use crate::outbox::Outbox;
use crate::policies::Policies;
use users::Users;
use waiting::Lists;
pub use waiting::NEAR_THE_END;
use waiting::Waiting;

/// How long a shard works before it offers its processor: some slices, and less than a scheduler has anybody work while others
/// wait. Who offers it gives up the rest of that, so whoever offered it much more often would have less than a fair share.
const WORK: Duration = Duration::from_millis(1);
/// Between slices of work that nobody waits for.
const PAUSE: Duration = Duration::from_millis(1);
/// The most questions that wait for one shard.
const QUESTIONS_WAITING_MAX: usize = 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unanswered {
    /// Charging this user fails.
    #[error("this user is set aside: {0}")]
    Aside(String),
    /// The log or a policy cannot be read.
    #[error("records cannot be charged: {0}")]
    Broken(String),
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// The user is charged by another node, or about to be.
    #[error("this user is being taken over by another node; ask again in a moment")]
    Moving,
    /// The daemon is about to end.
    #[error("the daemon is stopping")]
    Stopping,
}

/// A question to a shard; everything before `not_before` was durable when it was asked.
struct Question {
    not_before: Position,
    ask: Ask,
}

/// What is asked, and where the answer goes.
enum Ask {
    State { user: String, at: Millis, look: queries::LookAt },
    Everybody { at: Millis, reply: Reply<Vec<Row>> },
    Findings { which: WhichFindings, reply: Reply<queries::WithoutEffect> },
    Ledger { user: String, look: queries::Look },
    Names { which: queries::Which, reply: Reply<queries::Named> },
    Standings { users: Arc<[String]>, at: Millis, reply: Reply<queries::Standings> },
    Digest { user: String, at: Millis, reply: Reply<Option<Digested>> },
}

/// Where an answer goes.
type Reply<T> = oneshot::Sender<Result<T, Unanswered>>;

/// Who knows which shard has which user.
#[derive(Clone)]
pub struct Handle {
    shards: Vec<mpsc::Sender<Question>>,
    desks: Vec<Arc<Desk>>,
    cursors: Vec<watch::Receiver<Result<Position, Unanswered>>>,
    gauges: Vec<Arc<Gauges>>,
    partitions: u16,
    end: watch::Receiver<Position>,
    patience: Duration,
    tenure: Tenure,
    freshness: Freshness,
}

impl Handle {
    fn shard_of(&self, user: &str) -> usize {
        usize::from(partition_of(user, self.partitions)) % self.shards.len().max(1)
    }

    /// How everybody stands at an instant, by user.
    pub async fn everybody(&self, at: Millis) -> Result<Vec<Row>, Unanswered> {
        let mut rows = self.ask_all(|reply| Ask::Everybody { at, reply }).await?.concat();
        rows.sort_by(|one, other| one.user.cmp(&other.user));
        Ok(rows)
    }

    /// A digest of what a user's records come to up to an instant; `None` where there is no record of the user.
    pub async fn digest(&self, user: &str, at: Millis) -> Result<Option<Digested>, Unanswered> {
        self.ask_of(user, |reply| Ask::Digest { user: user.to_owned(), at, reply }).await
    }

    /// Up to where all shards have folded the log.
    ///
    /// # Errors
    /// Where one of them cannot go on.
    pub fn folded(&self) -> Result<Position, Unanswered> {
        let mut folded = Position(u64::MAX);
        for cursor in &self.cursors {
            folded = folded.min(cursor.borrow().clone()?);
        }
        Ok(folded)
    }

    /// What can be seen of each shard without asking it.
    pub fn gauges(&self) -> &[Arc<Gauges>] {
        &self.gauges
    }

    /// Questions that wait for a shard.
    pub fn depth(&self, shard: usize) -> u64 {
        let waiting = |questions: &mpsc::Sender<Question>| questions.max_capacity() - questions.capacity();
        self.shards.get(shard).map_or(0, waiting) as u64
    }

    /// Whether users are folded again because of a deployment.
    pub fn is_rerating(&self) -> bool {
        self.gauges.iter().any(|gauges| gauges.rerating())
    }

    /// Asks all shards about all users that are charged here, once they have taken up what they are to charge. Gives the
    /// answer of each.
    async fn ask_all<T>(&self, ask: impl Fn(Reply<T>) -> Ask) -> Result<Vec<T>, Unanswered> {
        let asked = async {
            let mut changes = self.tenure.changes();
            loop {
                if let Some(before) = self.tenure.settled() {
                    let all = self.gather(&ask).await?;
                    if self.tenure.settled() == Some(before) {
                        return Ok(all);
                    }
                } else if self.tenure.is_in_time() {
                    changes.next().await;
                } else {
                    return Err(Unanswered::Moving);
                }
            }
        };
        tokio::time::timeout(self.patience, asked).await.unwrap_or(Err(Unanswered::Late))
    }

    /// Asks all of them before it waits for the first.
    async fn gather<T>(&self, ask: &impl Fn(Reply<T>) -> Ask) -> Result<Vec<T>, Unanswered> {
        self.freshness.reached().await?;
        let mut answers = Vec::new();
        for shard in 0..self.shards.len() {
            let (reply, answer) = oneshot::channel();
            self.put(shard, ask(reply)).await?;
            answers.push(answer);
        }
        let mut all = Vec::new();
        for answer in answers {
            all.push(answer.await.unwrap_or(Err(Unanswered::Stopping))?);
        }
        Ok(all)
    }

    /// Puts a question to a shard, unless it is answered on the way.
    async fn put(&self, shard: usize, ask: Ask) -> Result<(), Unanswered> {
        let question = Question { not_before: *self.end.borrow(), ask };
        let desk = self.desks.get(shard).ok_or(Unanswered::Stopping)?;
        let Some(question) = desk.answer(question) else { return Ok(()) };
        let questions = self.shards.get(shard).ok_or(Unanswered::Stopping)?;
        questions.send(question).await.map_err(|_| Unanswered::Stopping)
    }

    /// Asks about a user, whose partition is charged here from the question to the answer.
    async fn ask_of<T>(&self, user: &str, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Unanswered> {
        let partition = partition_of(user, self.partitions);
        let holding = self.tenure.holding(partition).ok_or(Unanswered::Moving)?;
        let answer = self.ask(self.shard_of(user), ask).await?;
        if self.tenure.holding(partition) == Some(holding) { Ok(answer) } else { Err(Unanswered::Moving) }
    }

    async fn ask<T>(&self, shard: usize, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let answered = async {
            self.freshness.reached().await?;
            self.put(shard, ask(reply)).await?;
            answer.await.unwrap_or(Err(Unanswered::Stopping))
        };
        tokio::time::timeout(self.patience, answered).await.unwrap_or(Err(Unanswered::Late))
    }
}

/// What shards are made of.
#[derive(Clone)]
pub struct Setting {
    /// The log.
    pub feed: Arc<Feed>,
    /// What was folded, as it is stored.
    pub derived: Arc<dyn Derived>,
    /// Where credit events go.
    pub outbox: Arc<Outbox>,
    /// The modules.
    pub policies: Arc<Policies>,
    /// The time.
    pub clock: Arc<Clock>,
    /// The number of partitions of the log.
    pub partitions: u16,
    /// How long a question may wait for its answer.
    pub patience: Duration,
    /// Which partitions are charged here.
    pub tenure: Tenure,
    /// What others have appended.
    pub freshness: Freshness,
}

/// One shard, yet to run.
pub struct Shard {
    number: usize,
    setting: Setting,
    questions: Mutex<mpsc::Receiver<Question>>,
    desk: Arc<Desk>,
    /// Up to where the log is folded, or why it cannot be.
    cursor: watch::Sender<Result<Position, Unanswered>>,
    gauges: Arc<Gauges>,
}

/// Shards that are yet to run, and the handle to them.
pub fn new(setting: &Setting, count: usize) -> (Handle, Vec<Shard>) {
    let of = count.max(1);
    let (mut senders, mut cursors, mut shards) = (Vec::new(), Vec::new(), Vec::new());
    let gauges: Vec<Arc<Gauges>> = (0..of).map(|_| Arc::default()).collect();
    let desks: Vec<Arc<Desk>> = (0..of).map(|_| Arc::default()).collect();
    for (number, (gauges, desk)) in gauges.iter().zip(&desks).enumerate() {
        let (sender, receiver) = mpsc::channel(QUESTIONS_WAITING_MAX);
        let (cursor, folded) = watch::channel(Ok(Position::START));
        senders.push(sender);
        cursors.push(folded);
        let (setting, questions) = (setting.clone(), Mutex::new(receiver));
        let (desk, gauges) = (desk.clone(), gauges.clone());
        shards.push(Shard { number, setting, questions, desk, cursor, gauges });
    }
    let handle = Handle {
        shards: senders,
        desks,
        cursors,
        gauges,
        partitions: setting.partitions,
        end: setting.feed.end(),
        patience: setting.patience,
        tenure: setting.tenure.clone(),
        freshness: setting.freshness.clone(),
    };
    (handle, shards)
}

impl Shard {
    /// Folds and answers until nobody can ask any more. Blocks; must be called on a runtime's thread.
    pub fn run(&self) {
        let mut questions = self.questions.blocking_lock();
        let mut waiting = Waiting::default();
        loop {
            let mut part = self.setting.tenure.part_of(self.number);
            // Those that a panic has left are gone before they are read again.
            self.desk.clear();
            self.desk.put(Users::open(self.number, &part, self.setting.clone()));
            self.setting.tenure.enter(self.number, &part);
            let standing = self.charge(&mut part, &mut questions, &mut waiting);
            let users = self.desk.take().take();
            users.into_iter().for_each(|users| leave(users, standing));
            if standing == Standing::Same {
                return;
            }
        }
    }

    /// Charges a part until it is another one, or, where it stays the same, until nobody can ask any more.
    fn charge(
        &self,
        part: &mut Part,
        questions: &mut mpsc::Receiver<Question>,
        waiting: &mut Waiting,
    ) -> Standing {
        let mut signals = Signals {
            runtime: tokio::runtime::Handle::current(),
            end: self.setting.feed.end(),
            changes: self.setting.tenure.changes(),
        };
        let mut begun = Instant::now();
        loop {
            let mut desk = self.desk.take();
            let Some(users) = desk.as_mut() else { return Standing::Changed };
            match self.setting.tenure.standing(self.number, part) {
                Standing::Same => {}
                other => return other,
            }
            if let Some(fence) = users.refused() {
                self.setting.tenure.lose(&[fence]);
                continue;
            }
            // Between any two slices of work it answers what was asked meanwhile.
            let mut attend = |users: &mut Users| {
                while let Ok(question) = questions.try_recv() {
                    waiting.take(users, question);
                }
                waiting.answer(users);
            };
            attend(users);
            // Whoever appends waits while this is looked at, but not until what is before it is folded.
            let end = *signals.end.borrow_and_update();
            let folded = !self.setting.feed.is_stopped() && users.fold_some(end);
            let _ = self.cursor.send_replace(users.check().map(|()| users.cursor()));
            attend(users);
            let write_in = users.write_some();
            attend(users);
            let crowded = users.make_room();
            let looked = users.look_again();
            attend(users);
            self.gauges.set(users);
            let listed = Lists::ALL.into_iter().any(|lists| waiting.needs(lists) && users.list_for(lists));
            if folded || crowded || listed || write_in == Some(Duration::ZERO) {
                drop(desk);
                if begun.elapsed() >= WORK {
                    // Whoever waits for a processor to ask or to answer gets it now, and not when the scheduler looks again.
                    std::thread::yield_now();
                    begun = Instant::now();
                }
                continue;
            }
            // What concerns many users and can wait leaves time to others.
            let more = looked || users.sweep_when_idle() || users.list_when_idle();
            let (pause, timer) = if more { (Some(PAUSE), None) } else { (write_in, users.next_timer()) };
            drop(desk);
            let next = self.wait(&mut signals, questions, pause, timer);
            begun = Instant::now();
            match next {
                Next::Answer(question) => {
                    if let Some(users) = self.desk.take().as_mut() {
                        waiting.take(users, question);
                    }
                }
                Next::Fold => {}
                Next::Stop => return Standing::Same,
            }
        }
    }

    /// Waits until there is something to do, a time has passed, or an instant has come.
    fn wait(
        &self,
        signals: &mut Signals,
        questions: &mut mpsc::Receiver<Question>,
        pause: Option<Duration>,
        timer: Option<Millis>,
    ) -> Next {
        let Signals { runtime, end, changes } = signals;
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.setting.feed.stopped() => Next::Stop,
                () = changes.next() => Next::Fold,
                () = self.desk.left_something() => Next::Fold,
                question = questions.recv() => question.map_or(Next::Stop, Next::Answer),
                moved = end.changed() => moved.map_or(Next::Stop, |()| Next::Fold),
                () = after(pause) => Next::Fold,
                () = after(self.setting.tenure.left()) => Next::Fold,
                () = reached(&self.setting.clock, timer) => Next::Fold,
            }
        })
    }
}

/// Users of a part that was charged until now.
fn leave(mut users: Users, standing: Standing) {
    match standing {
        Standing::Lost => users.abandon(),
        Standing::Same | Standing::Changed => {
            users.write_all();
        }
    }
}

/// Waits until an instant is reached, or for ever.
async fn reached(clock: &Clock, instant: Option<Millis>) {
    match instant {
        Some(instant) => clock.reached(instant).await,
        None => std::future::pending().await,
    }
}

/// Waits for a time, or for ever.
async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// What a shard is told by, besides questions.
struct Signals {
    runtime: tokio::runtime::Handle,
    /// The end of the log.
    end: watch::Receiver<Position>,
    /// Of what is charged here.
    changes: Changes,
}

/// What a shard does next.
enum Next {
    Answer(Question),
    Fold,
    Stop,
}
