//! This node among others: it renews its leases, takes what nobody has, and gives up what is too much.
//!
//! One thread does it, round by round; between rounds it waits for its time, for hints that something changed, and for
//! shards that have let something go. What others see of this node is its row; what it sees of them is the view that
//! each renewal brings.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aquarium_store::Position;
use aquarium_store::derived::Fence;
use aquarium_store::postgres::{Heard, Lease, Member, NodeRow, PostgresError, View};
use tokio::sync::watch;

use super::share::fair;
use super::tenure::Tenure;

/// Leases are renewed so many times before they would end.
const RENEWALS: u32 = 4;
/// The part of a lease's time that is left when a node that cannot renew stops by itself.
const MARGIN: u32 = 5;
/// A server that is slow just now is asked so often before a node does not start.
const TRIES_MAX: u32 = 5;
/// The wait between looks at shards that are about to let something go, where nothing tells of it.
const LET_GO_LOOKED_AT: Duration = Duration::from_millis(20);

/// This node among others.
pub struct Neighbourhood {
    member: Member,
    name: String,
    alone: bool,
    partitions: u16,
    lease: Duration,
    tenure: Tenure,
    heard: watch::Receiver<Heard>,
    view: Mutex<View>,
    /// When leases were last renewed.
    renewed: Mutex<Instant>,
    trouble: Mutex<Option<String>>,
    retiring: AtomicBool,
    ending: watch::Sender<End>,
}

/// Whether the node goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// It does.
    No,
    /// It was told to end.
    Told,
    /// It cannot go on by this store.
    Failed(String),
}

/// Who a node is, and how it holds what it holds.
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Whether it is to have all partitions.
    pub alone: bool,
    /// The number of partitions.
    pub partitions: u16,
    /// How long leases last.
    pub lease: Duration,
    /// What it holds.
    pub tenure: Tenure,
    /// What is heard of others.
    pub heard: watch::Receiver<Heard>,
}

impl Neighbourhood {
    /// Takes this node's share of what nobody has. While a standby is away nothing can be taken: the node is there, and
    /// takes it later.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn enter(member: Member, setting: Setting) -> Result<Self, PostgresError> {
        let Setting { name, alone, partitions, lease, tenure, heard } = setting;
        let neighbourhood = Self {
            member,
            name,
            alone,
            partitions,
            lease,
            tenure,
            heard,
            view: Mutex::default(),
            renewed: Mutex::new(Instant::now()),
            trouble: Mutex::default(),
            retiring: AtomicBool::new(false),
            ending: watch::Sender::new(End::No),
        };
        let mut tries: u32 = 1;
        while let Err(error) = neighbourhood.round(Position::START, Position::START) {
            match error {
                PostgresError::HeldBack { .. } => {
                    neighbourhood.fail(&error);
                    break;
                }
                error if tries >= TRIES_MAX => return Err(error),
                _ => tries += 1,
            }
        }
        Ok(neighbourhood)
    }

    /// Renews, takes and gives until told to end. Blocks; must be called on a runtime's thread. `folded` says up to where
    /// the node's own partitions are folded, `end` where the log ends as far as it is known here.
    pub fn run(&self, folded: impl Fn() -> Position, end: impl Fn() -> Position) {
        let runtime = tokio::runtime::Handle::current();
        let mut heard = self.heard.clone();
        let mut ending = self.ending.subscribe();
        let mut changes = self.tenure.changes();
        while *ending.borrow_and_update() == End::No {
            let known = heard.borrow_and_update().nodes;
            match self.round(folded(), end()) {
                Ok(()) => self.note(None),
                Err(error) => self.fail(&error),
            }
            if !self.tenure.is_in_time() {
                self.tenure.lose_all();
            }
            let letting_go = self.tenure.all().len() > self.tenure.partitions().len();
            runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(self.lease / RENEWALS) => {}
                    () = tokio::time::sleep(LET_GO_LOOKED_AT), if letting_go => {}
                    () = changes.next(), if letting_go => {}
                    _ = heard.wait_for(|heard| heard.nodes != known) => {}
                    _ = ending.wait_for(|end| *end != End::No) => {}
                }
            });
        }
    }

    /// Gives up everything as soon as it is written, where there are others who take it; the node is about to end.
    pub fn retire(&self) {
        let is_another = |node: &NodeRow| node.lives && node.name != self.name;
        if !self.view().nodes.iter().any(is_another) {
            return;
        }
        self.retiring.store(true, Ordering::SeqCst);
        self.tenure.part_from(&self.tenure.partitions());
    }

    /// Leaves the others; nothing is charged here any more. Blocks.
    pub fn leave(&self) {
        self.ending.send_if_modified(|end| {
            let goes_on = *end == End::No;
            if goes_on {
                *end = End::Told;
            }
            goes_on
        });
        self.tenure.lose_all();
        if let Err(error) = self.member.leave() {
            tracing::warn!(%error, "leases could not be given back: they end by themselves");
        }
    }

    /// Waits until this node cannot go on by its store; says why.
    pub async fn failed(&self) -> String {
        let mut ending = self.ending.subscribe();
        let failed = ending.wait_for(|end| matches!(end, End::Failed(_))).await;
        match failed.as_deref() {
            Ok(End::Failed(why)) => why.clone(),
            // The sender is this value's own.
            _ => std::future::pending().await,
        }
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is since leases were renewed.
    pub fn lease_age(&self) -> Duration {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// What keeps leases from being renewed.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The node that charges a partition, as far as it is known here; `None`: none, or it is not known.
    pub fn holder(&self, partition: u16) -> Option<NodeRow> {
        let view = self.view();
        let lease = view.leases.iter().find(|lease| lease.partition == partition)?;
        let holder = lease.holder.as_ref()?;
        view.nodes.iter().find(|node| node.name == *holder && node.lives).cloned()
    }

    /// The nodes that charge partitions, this one not among them.
    pub fn others(&self) -> Vec<NodeRow> {
        let view = self.view();
        let holds =
            |node: &NodeRow| view.leases.iter().any(|lease| lease.holder.as_ref() == Some(&node.name));
        let others = view.nodes.iter().filter(|node| node.lives && node.name != self.name && holds(node));
        others.cloned().collect()
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn fail(&self, error: &PostgresError) {
        tracing::warn!(%error, held = self.tenure.all().len(), "leases could not be renewed, or taken");
        self.note(Some(error.to_string()));
        if matches!(error, PostgresError::Newer { .. }) {
            self.tenure.part_from(&self.tenure.partitions());
            self.ending.send_replace(End::Failed(error.to_string()));
        }
    }

    /// The log has lost records that are folded here: nothing of what is in memory may be used or written any more.
    fn give_up(&self, known: Position, found: Position) {
        let why = format!(
            "the store has {found} records, and had {known} before: it has gone back, by a fail-over to a standby that lacked \
             them, or by a backup that was restored; what is started again goes on by what is there"
        );
        tracing::error!(why, "this node ends");
        self.tenure.lose_all();
        self.ending.send_replace(End::Failed(why));
    }

    fn round(&self, folded: Position, end: Position) -> Result<(), PostgresError> {
        // Before it is asked: the server reckons from a later instant on.
        let asked = Instant::now();
        let Some(view) = self.member.renew(folded)? else {
            tracing::warn!(held = self.tenure.all().len(), "this node's time was over: it joins again");
            self.tenure.lose_all();
            return self.member.join_again();
        };
        if view.end < end {
            self.give_up(end, view.end);
            return Ok(());
        }
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        if let Some(until) = asked.checked_add(self.lease - self.lease / MARGIN) {
            self.tenure.extend(until);
        }
        let unknown = self.compare(&view);
        *self.view() = view;
        if !unknown.is_empty() {
            // Only under other epochs it is safe to take them up.
            self.member.give_back(&unknown)?;
            self.forget_holder(&unknown);
        }
        self.give_back()?;
        self.balance()
    }

    /// Takes note of what the store says that is not held here any more. Gives what is, though it is not known here: it was
    /// dropped, or the answer to its taking was lost.
    fn compare(&self, view: &View) -> Vec<Fence> {
        let own: Vec<Fence> = view
            .leases
            .iter()
            .filter(|lease| lease.holder.as_ref() == Some(&self.name))
            .map(|lease| Fence { partition: lease.partition, epoch: lease.epoch })
            .collect();
        let held = self.tenure.all();
        let lost: Vec<Fence> = held.iter().filter(|fence| !own.contains(fence)).copied().collect();
        if !lost.is_empty() {
            tracing::warn!(count = lost.len(), "leases were lost");
            self.tenure.lose(&lost);
        }
        own.into_iter().filter(|fence| !held.contains(fence)).collect()
    }

    fn forget_holder(&self, fences: &[Fence]) {
        let mut view = self.view();
        for lease in &mut view.leases {
            if fences.iter().any(|fence| fence.partition == lease.partition) {
                lease.holder = None;
            }
        }
    }

    /// Gives back what shards have written and let go.
    fn give_back(&self) -> Result<(), PostgresError> {
        let gone = self.tenure.let_go();
        if gone.is_empty() {
            return Ok(());
        }
        self.member.give_back(&gone)?;
        self.tenure.lose(&gone);
        tracing::info!(count = gone.len(), "partitions were handed over");
        self.forget_holder(&gone);
        Ok(())
    }

    /// Takes what is lacking of this node's share, or has some of it go.
    fn balance(&self) -> Result<(), PostgresError> {
        let share = self.share();
        let held = self.tenure.partitions();
        if held.len() > share {
            // What is given up while nobody can take it would be charged by nobody.
            self.member.check_lasting()?;
            let over: Vec<u16> = held.iter().rev().take(held.len() - share).copied().collect();
            self.tenure.part_from(&over);
            return Ok(());
        }
        // What is about to go is nobody's yet.
        let lacking = share.saturating_sub(self.tenure.all().len());
        let free = self.free();
        let wanted: Vec<u16> = free.into_iter().take(lacking).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let taken = self.member.take(&wanted)?;
        if !taken.is_empty() {
            tracing::info!(count = taken.len(), "partitions were taken over");
        }
        self.tenure.grant(&taken);
        let mut view = self.view();
        for lease in &mut view.leases {
            if taken.iter().any(|fence| fence.partition == lease.partition) {
                lease.holder = Some(self.name.clone());
            }
        }
        Ok(())
    }

    fn share(&self) -> usize {
        if self.retiring.load(Ordering::SeqCst) || *self.ending.borrow() != End::No {
            return 0;
        }
        let partitions = usize::from(self.partitions);
        if self.alone {
            return partitions;
        }
        let view = self.view();
        let living: Vec<&str> = view
            .nodes
            .iter()
            .filter(|node| node.lives && !node.alone)
            .map(|node| node.name.as_str())
            .collect();
        fair(partitions, &living, &self.name)
    }

    /// Partitions that nobody has.
    fn free(&self) -> Vec<u16> {
        let view = self.view();
        view.leases.iter().filter(|lease| !is_held(&view, lease)).map(|lease| lease.partition).collect()
    }
}

/// Whether the holder of a lease lives.
fn is_held(view: &View, lease: &Lease) -> bool {
    let holder = lease.holder.as_ref();
    holder.is_some_and(|holder| view.nodes.iter().any(|node| node.lives && node.name == *holder))
}
