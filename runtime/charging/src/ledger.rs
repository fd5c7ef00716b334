//! One user's records, what they come to, and how that changes when a record comes late.
//!
//! ```text
//! append(record)          takes a record, whenever it happened
//! fold(now)               folds what is not in the future, all at once, from the oldest; a record older than
//!                         what is folded rolls back to the newest checkpoint before it. Says what to add to the
//!                         wallet: entries, and reversals of entries that the fold no longer yields
//! sweep(now)              the same, and derives month ends and refills up to now
//! at(T), at_known(T, K)   the state at T, by the records received up to K; changes nothing
//! save(), restore(bytes)  the ledger as bytes: a head, and parts of its history, each written once
//! ```
//!
//! Records are those that the log accepted: no duplicates, no conflicts. The wallet is append-only; it is
//! not kept here but is the sequence of all [`WalletLine`]s. In-order records cost constant work; a late
//! one costs the records after its checkpoint.
//!
//! A ledger that was restored has no history in memory, but for what is folded since; one that was shed has
//! the latest of it. Where earlier parts are needed the ledger [lacks](Ledger::lacks) them, and folds nothing until
//! they are [taken back](Ledger::take_back).

mod checkpoints;
mod history;
mod query;
mod saved;
mod wallet_lines;

use std::sync::Arc;

use aquarium_ir::instant::Millis;

use crate::course::Outlook;
use crate::deployments::Deployments;
use crate::posting::{Finding, Refill};
use crate::record::Record;
use crate::state::State;
use history::History;

pub use query::View;
pub use saved::{Part, Saved, SavedPart};
pub use wallet_lines::{LineKind, WalletLine};

/// One user's records and what is folded of them.
#[derive(Debug, Clone)]
pub struct Ledger {
    user: Arc<str>,
    /// After everything that is folded.
    state: State,
    /// What is folded, and what that yields, as far as it is in memory.
    history: History,
    /// Records that are not folded, in their order.
    pending: Vec<Record<'static>>,
    /// When the first of all records happened.
    first: Option<Millis>,
    latest_received: Option<Millis>,
    /// The greatest instants that were asked for; a rolled-back fold comes back to them.
    now: Option<Millis>,
    swept: Option<Millis>,
    /// The earliest instant that records since the last fold, or other policies, may have changed.
    changed_from: Option<Millis>,
    /// From where on what is folded is to be folded again: the policies in force have changed.
    redo_from: Option<Millis>,
    /// How many policy versions there were at the last fold.
    versions: u32,
    /// How many lines the wallet has.
    lines: u64,
    /// What was worked out about the course of the balance after the last fold.
    pub(crate) outlook: Option<Box<Outlook>>,
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
            state: State::new(),
            history: History::default(),
            pending: Vec::new(),
            first: None,
            latest_received: None,
            now: None,
            swept: None,
            changed_from: None,
            redo_from: None,
            versions: 0,
            lines: 0,
            outlook: None,
        }
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// The records in their order, as far as they are in memory: all of them, unless parts were saved and shed.
    pub fn records(&self) -> impl Iterator<Item = &Record<'static>> {
        let mut folded = self.history.records.iter().peekable();
        let mut pending = self.pending.iter().peekable();
        std::iter::from_fn(move || match (folded.peek(), pending.peek()) {
            (Some(one), Some(other)) if one.order(other).is_gt() => pending.next(),
            (None, _) => pending.next(),
            _ => folded.next(),
        })
    }

    /// Records that are appended but not folded: of the future, or since the last fold.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// When the first record that waits for its time happens.
    #[must_use]
    pub fn waits_for(&self) -> Option<Millis> {
        self.pending.first().map(|record| record.occurred)
    }

    /// When the first of the records in memory became known.
    #[must_use]
    pub fn first_received(&self) -> Option<Millis> {
        self.records().map(|record| record.received).min()
    }

    /// The state after the folded records. Month ends and refills since then are not derived: see
    /// [`Ledger::at`].
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many lines its folds have added to the wallet.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The current entries that are in memory, as they were posted, each with its revision.
    pub fn entries(&self) -> impl Iterator<Item = (&crate::posting::Entry, u32)> {
        self.history.postings.entries.iter().zip(self.history.revisions.iter().copied())
    }

    /// Refills, initial credits and grants that are in memory, in order of time.
    #[must_use]
    pub fn refills(&self) -> &[Refill] {
        &self.history.postings.refills
    }

    /// Events that have no effect as things stand, and charges that were not worked out, as far as they are in
    /// memory.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.history.postings.findings
    }

    /// Adds a record of this user. It takes effect with the next fold.
    pub fn append(&mut self, record: Record<'static>) {
        self.first = Some(self.first.map_or(record.occurred, |first| first.min(record.occurred)));
        self.latest_received = self.latest_received.max(Some(record.received));
        self.note_change(record.occurred);
        let place = self.pending.partition_point(|other| other.order(&record).is_lt());
        self.pending.insert(place, record);
    }

    /// Folds everything again with the next fold: the policies in force have changed.
    pub fn refold(&mut self) {
        self.refold_from(Millis::MIN);
    }

    /// Folds again, with the next fold, what lies at an instant or after it: the policies in force there have
    /// changed.
    pub fn refold_from(&mut self, from: Millis) {
        self.note_change(from);
        self.redo_from = Some(self.redo_from.map_or(from, |earlier| earlier.min(from)));
    }

    /// The first instant that policy versions have changed that were deployed since the last fold; `None`: there
    /// are none.
    pub fn outdated_from(&self, deployments: &Deployments) -> Option<Millis> {
        let versions = usize::try_from(self.versions).unwrap_or(usize::MAX);
        deployments.versions().skip(versions).map(|(_, span)| span.from).min()
    }

    fn note_change(&mut self, from: Millis) {
        self.changed_from = Some(self.changed_from.map_or(from, |earlier| earlier.min(from)));
    }

    /// Whether a fold up to `now` would do anything but note the time.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        self.redo_from.is_some() || self.waits_for().is_some_and(|first| first <= now)
    }

    /// The earliest instant at which anything since the last fold belongs.
    #[must_use]
    pub fn changed_from(&self) -> Option<Millis> {
        self.changed_from
    }

    /// Folds the pending records that do not lie after `now`; nothing where the ledger
    /// [lacks](Ledger::lacks) what it needs.
    pub fn fold(&mut self, deployments: &mut Deployments, now: Millis) -> Changes {
        self.fold_watched(deployments, now, &mut |_, _, _| {}).0
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
    /// inclusive. Gives the place in the history where it began, too; `None`: nothing was folded.
    pub(crate) fn fold_watched(
        &mut self,
        deployments: &mut Deployments,
        now: Millis,
        watch: &mut impl FnMut(&State, &mut Deployments, Millis),
    ) -> (Changes, Option<Begun>) {
        if self.lacks() {
            return (Changes::default(), None);
        }
        self.outlook = None;
        self.now = self.now.max(Some(now));
        self.changed_from = None;
        self.history.begin(&self.state);
        let undone = self.roll_back();
        let refolded = undone.is_some();
        let posted = self.history.postings.entries.len();
        let begun = Begun(self.history.records.len());
        self.fold_pending(deployments, watch);
        watch(&self.state, deployments, after(now));
        if let Some(swept) = self.swept.filter(|swept| *swept >= now || refolded) {
            self.state.derive(deployments, swept, &mut self.history.postings);
        }
        self.versions = u32::try_from(deployments.versions().count()).unwrap_or(u32::MAX);
        let lines = self.settle(deployments, posted, undone.unwrap_or_default());
        (Changes { lines, refolded }, Some(begun))
    }
}

/// Where a fold began: after so many records of the history in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun(usize);

/// The instant up to which, exclusive, another one is included.
fn after(instant: Millis) -> Millis {
    Millis(instant.0.saturating_add(1))
}
