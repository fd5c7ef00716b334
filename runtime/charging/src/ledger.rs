//! One user's records, what they come to, and how that changes when a record comes late.
//!
//! ```text
//! append(record)          keeps the order; a record older than what is folded rolls back to the
//!                         newest checkpoint before it
//! fold(now)               folds what is pending and not in the future, all at once, from the oldest;
//!                         says what to add to the wallet: entries, and reversals of entries that the
//!                         fold no longer yields
//! sweep(now)              the same, and derives month ends and refills up to now
//! at(T), at_known(T, K)   the state at T, by the records received up to K; changes nothing
//! ```
//!
//! Records are those that the log accepted: no duplicates, no conflicts. The wallet is append-only; it is
//! not kept here but is the sequence of all [`WalletLine`]s. In-order records cost constant work; a late
//! one costs the records after its checkpoint.

mod checkpoints;
mod query;
mod wallet_lines;

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_ir::instant::Millis;

use crate::deployments::Deployments;
use crate::posting::{Finding, Postings, Refill};
use crate::record::Record;
use crate::state::State;
use checkpoints::Checkpoint;
use wallet_lines::EntryKey;

pub use query::View;
pub use wallet_lines::{LineKind, WalletLine};

/// One user's records and what is folded of them.
#[derive(Debug, Clone)]
pub struct Ledger {
    user: Arc<str>,
    /// In their order.
    records: Vec<Record<'static>>,
    /// How many of them are folded into `state`.
    folded: usize,
    state: State,
    /// What the folded records yield.
    postings: Postings,
    /// The revision of each entry of `postings`.
    revisions: Vec<u32>,
    checkpoints: Vec<Checkpoint>,
    /// The greatest instants that were asked for; a rolled-back fold comes back to them.
    now: Option<Millis>,
    swept: Option<Millis>,
    latest_received: Option<Millis>,
    /// The earliest instant that records since the last fold, or other policies, may have changed.
    changed_from: Option<Millis>,
    /// Whether the state was rolled back since the last fold.
    rolled_back: bool,
    /// Entries in the wallet that a roll-back took out of `postings`.
    undone: Vec<WalletLine>,
    /// The last revision of each entry that was reversed.
    reversed: BTreeMap<EntryKey, u32>,
}

/// What a fold brought about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// What to append to the wallet: reversals, then new entries.
    pub lines: Vec<WalletLine>,
    /// Whether something that was folded before was folded again.
    pub refolded: bool,
}

impl Ledger {
    /// The ledger of a user without records.
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self {
            user: Arc::from(user),
            records: Vec::new(),
            folded: 0,
            state: State::new(),
            postings: Postings::default(),
            revisions: Vec::new(),
            checkpoints: Vec::new(),
            now: None,
            swept: None,
            latest_received: None,
            changed_from: None,
            rolled_back: false,
            undone: Vec::new(),
            reversed: BTreeMap::new(),
        }
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// All records, in their order.
    #[must_use]
    pub fn records(&self) -> &[Record<'static>] {
        &self.records
    }

    /// Records that are appended but not folded: of the future, or since the last fold.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.records.len().saturating_sub(self.folded)
    }

    /// The state after the folded records. Month ends and refills since then are not derived: see
    /// [`Ledger::at`].
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The current entries, as they were posted, each with its revision.
    pub fn entries(&self) -> impl Iterator<Item = (&crate::posting::Entry, u32)> {
        self.postings.entries.iter().zip(self.revisions.iter().copied())
    }

    /// Refills, initial credits and grants, in order of time.
    #[must_use]
    pub fn refills(&self) -> &[Refill] {
        &self.postings.refills
    }

    /// Events that have no effect as things stand, and charges that were not worked out.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.postings.findings
    }

    /// Adds a record of this user. It takes effect with the next fold.
    pub fn append(&mut self, record: Record<'static>) {
        let place = self.records.partition_point(|other| other.order(&record).is_lt());
        self.latest_received = self.latest_received.max(Some(record.received));
        self.note_change(record.occurred);
        let late = place < self.folded || self.state.accepts(&record).is_err();
        if late {
            self.roll_back(place, &record);
        }
        self.records.insert(place, record);
    }

    /// Starts again from nothing at the next fold: the policies in force have changed.
    pub fn refold(&mut self) {
        self.note_change(Millis::MIN);
        self.checkpoints.clear();
        self.restore(None);
    }

    fn note_change(&mut self, from: Millis) {
        self.changed_from = Some(self.changed_from.map_or(from, |earlier| earlier.min(from)));
    }

    /// The earliest instant at which anything since the last fold belongs.
    pub(crate) fn changed_from(&self) -> Option<Millis> {
        self.changed_from
    }

    /// When the first record that waits for its time happens.
    #[must_use]
    pub fn waits_for(&self) -> Option<Millis> {
        self.records.get(self.folded).map(|record| record.occurred)
    }

    /// Folds the pending records that do not lie after `now`.
    pub fn fold(&mut self, deployments: &mut Deployments, now: Millis) -> Changes {
        self.fold_watched(deployments, now, &mut |_, _, _| {})
    }

    /// Folds as [`Ledger::fold`], then derives month ends and refills up to `now`.
    pub fn sweep(&mut self, deployments: &mut Deployments, now: Millis) -> Changes {
        self.sweep_up_to(now);
        self.fold(deployments, now)
    }

    /// Lets folds from now on derive month ends and refills up to an instant.
    pub(crate) fn sweep_up_to(&mut self, now: Millis) {
        self.swept = self.swept.max(Some(now));
    }

    /// Folds as [`Ledger::fold`], and as [`Ledger::sweep`] where `now` was swept, and shows every state on the
    /// way: each with the instant up to which, exclusive, only time passes; the last one up to `now`,
    /// inclusive.
    pub(crate) fn fold_watched(
        &mut self,
        deployments: &mut Deployments,
        now: Millis,
        watch: &mut impl FnMut(&State, &mut Deployments, Millis),
    ) -> Changes {
        self.now = self.now.max(Some(now));
        self.changed_from = None;
        let posted = self.postings.entries.len();
        self.fold_pending(deployments, watch);
        watch(&self.state, deployments, Millis(now.0.saturating_add(1)));
        if let Some(swept) = self.swept.filter(|swept| *swept >= now || self.rolled_back) {
            self.state.derive(deployments, swept, &mut self.postings);
        }
        self.settle(posted)
    }
}
