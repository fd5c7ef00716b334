//! Checkpoints: earlier states to start from when a record comes late.
//!
//! There is one before each month with records, and one after each so many records. They change how much is
//! folded again, never what comes out.

use aquarium_ir::instant::Millis;

use super::history::Checkpoint;
use super::{Begun, Ledger, WalletLine, after};
use crate::deployments::Deployments;
use crate::posting::Postings;
use crate::record::Record;
use crate::state::State;

/// Records between checkpoints of one month: folding them again takes some ten microseconds, and a
/// checkpoint is no larger than a few records.
pub(super) const RECORDS_BETWEEN: usize = 64;

impl Ledger {
    /// Whether the next fold needs parts of the history that are not in memory.
    #[must_use]
    pub fn lacks(&self) -> bool {
        !self.history.is_whole() && self.goes_back() && self.checkpoint_to_go_back_to().is_none()
    }

    /// Whether the next fold begins before the end of what is folded.
    fn goes_back(&self) -> bool {
        self.redo_from.is_some_and(|from| !is_before(&self.state, from))
            || self
                .pending
                .first()
                .is_some_and(|first| !self.follows(&self.state, self.history.records.len(), first))
    }

    /// The newest checkpoint from which everything that is to be folded can be folded.
    fn checkpoint_to_go_back_to(&self) -> Option<usize> {
        let first = self.pending.first();
        let fits = |it: &Checkpoint| {
            self.redo_from.is_none_or(|from| is_before(&it.state, from))
                && first.is_none_or(|first| self.follows(&it.state, it.at.records, first))
        };
        self.history.checkpoints.iter().rposition(fits)
    }

    /// Whether a record can be folded after the records before a place, which have come to a state.
    fn follows(&self, state: &State, place: usize, record: &Record<'_>) -> bool {
        let last = place.checked_sub(1).and_then(|last| self.history.records.get(last));
        let in_order = match last {
            Some(last) => last.order(record).is_lt(),
            // Which records of the state's last instant there are is known where the history is.
            None => self.history.is_whole() || is_before(state, record.occurred),
        };
        in_order && state.accepts(record).is_ok()
    }

    /// Goes back to where the next fold begins, where that is before the end: gives the entries that were posted
    /// since then.
    pub(super) fn roll_back(&mut self) -> Option<Vec<WalletLine>> {
        let goes_back = self.goes_back();
        let to = self.checkpoint_to_go_back_to().filter(|_| goes_back);
        let policies_changed = self.redo_from.take().is_some();
        let rolled_back = to.and_then(|to| self.history.roll_back(to));
        let undone = rolled_back.map(|taken| {
            self.state = taken.state;
            let later = std::mem::replace(&mut self.pending, taken.records);
            self.pending.extend(later);
            self.pending.sort_by(Record::order);
            let known = self.latest_received;
            let undo = |(entry, revision)| WalletLine::posted(entry, revision, known);
            taken.entries.into_iter().map(undo).collect()
        });
        if policies_changed {
            self.state.look_for_refills_anew();
            self.history.checkpoints.iter_mut().for_each(|it| it.state.look_for_refills_anew());
        }
        undone
    }

    /// Folds what is pending and not in the future, in stretches between checkpoints.
    pub(super) fn fold_pending(
        &mut self,
        deployments: &mut Deployments,
        watch: &mut impl FnMut(&State, &mut Deployments, Millis),
    ) {
        let Some(now) = self.now else { return };
        let end = self.pending.partition_point(|record| record.occurred <= now);
        let mut ready = std::mem::take(&mut self.pending);
        self.pending = ready.split_off(end);
        let before = self.history.records.len();
        let mut folded = 0;
        while let Some(first) = ready.get(folded) {
            let month_end = deployments.month(first.occurred).end;
            self.make_checkpoint(deployments, first.occurred, before.saturating_add(folded));
            let rest = ready.get(folded..).unwrap_or_default();
            let (stretch, _) = rest.split_at(stretch_end(rest, month_end));
            // The order of the records and the roll-back see to it that none is late.
            if self.state.fold_watched(deployments, stretch, &mut self.history.postings, watch).is_err() {
                break;
            }
            folded = folded.saturating_add(stretch.len());
        }
        // Odd events are told by whoever traces a history; they have no part in it.
        self.history.postings.anomalies.clear();
        if folded < ready.len() {
            let left = ready.split_off(folded);
            self.pending.splice(..0, left);
        }
        self.history.records.append(&mut ready);
        if self.pending.is_empty() {
            // Its room serves the next records.
            self.pending = ready;
        }
    }

    /// Shows once more the states that the last fold has shown.
    pub(crate) fn watch_again(
        &self,
        deployments: &mut Deployments,
        (begun, now): (Begun, Millis),
        watch: &mut impl FnMut(&State, &mut Deployments, Millis),
    ) {
        let Some(checkpoint) = self.history.checkpoints.iter().rfind(|it| it.at.records <= begun.0) else {
            return;
        };
        let mut state = checkpoint.state.clone();
        let before = self.history.records.get(checkpoint.at.records..begun.0).unwrap_or_default();
        let again = self.history.records.get(begun.0..).unwrap_or_default();
        let mut nothing = Postings::default();
        // They were folded in this order before.
        let folded = state
            .fold(deployments, before, &mut nothing)
            .and_then(|()| state.fold_watched(deployments, again, &mut nothing, watch));
        if folded.is_ok() {
            watch(&state, deployments, after(now));
        }
    }

    fn make_checkpoint(&mut self, deployments: &mut Deployments, next: Millis, records: usize) {
        let at = super::history::Marks { records, ..self.history.end() };
        let new_month = self.state.month().is_some_and(|month| deployments.month(next).start >= month.end);
        if new_month || self.history.since_kept(at) >= RECORDS_BETWEEN {
            let state = self.state.clone();
            self.history.checkpoints.push(Checkpoint { state, at, kept: true });
        }
    }

    /// The newest state in memory that has nothing after `at` and to which all pending records can be added, and
    /// how many records of the history in memory it stands for; `None`: all are too late.
    pub(super) fn state_before(&self, at: Millis) -> Option<(State, usize)> {
        let (mut state, folded) = self.fitting_state(at)?;
        if self.redo_from.is_some() {
            state.look_for_refills_anew();
        }
        Some((state, folded))
    }

    fn fitting_state(&self, at: Millis) -> Option<(State, usize)> {
        if !self.goes_back() && is_not_after(&self.state, at) {
            return Some((self.state.clone(), self.history.records.len()));
        }
        if self.history.checkpoints.is_empty() {
            return self.history.is_whole().then(|| (State::new(), 0));
        }
        let first = self.pending.first().filter(|first| first.occurred <= at);
        let fits = |it: &&Checkpoint| {
            is_not_after(&it.state, at)
                && self.redo_from.is_none_or(|from| is_before(&it.state, from))
                && first.is_none_or(|first| self.follows(&it.state, it.at.records, first))
        };
        let checkpoint = self.history.checkpoints.iter().rev().find(fits)?;
        Some((checkpoint.state.clone(), checkpoint.at.records))
    }
}

fn is_before(state: &State, at: Millis) -> bool {
    state.reached().is_none_or(|reached| reached < at)
}

fn is_not_after(state: &State, at: Millis) -> bool {
    state.reached().is_none_or(|reached| reached <= at)
}

/// Where the stretch of records that are to be folded ends: with its month, or after some records; never
/// within one instant.
fn stretch_end(records: &[Record<'_>], month_end: Millis) -> usize {
    let last = records.get(RECORDS_BETWEEN.saturating_sub(1)).or(records.last());
    let last = last.map_or(month_end, |record| record.occurred);
    records.partition_point(|record| record.occurred <= last && record.occurred < month_end)
}
