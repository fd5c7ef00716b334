//! Checkpoints: earlier states to start from when a record comes late.
//!
//! Kept are one before each month with records, one each thousand records, and one of late. They change
//! how much is folded again, never what comes out.

use aquarium_ir::instant::Millis;

use super::{Ledger, WalletLine};
use crate::deployments::Deployments;
use crate::record::Record;
use crate::state::State;

/// Records between checkpoints that are kept.
const KEPT_EVERY: usize = 1_000;
/// Records after which the checkpoint of late is renewed.
const RENEWED_EVERY: usize = 64;

/// A state, and what had been folded and put out by then.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    state: State,
    records: usize,
    entries: usize,
    refills: usize,
    findings: usize,
    anomalies: usize,
    /// Whether it stays when a later one is made.
    kept: bool,
}

impl Ledger {
    /// Goes back to the newest checkpoint that `record`, which belongs at `place`, can still be added to.
    pub(super) fn roll_back(&mut self, place: usize, record: &Record<'_>) {
        while let Some(last) = self.checkpoints.last()
            && (last.records > place || last.state.accepts(record).is_err())
        {
            self.checkpoints.pop();
        }
        self.restore(self.checkpoints.last().cloned());
    }

    /// Makes a checkpoint, or the beginning, the state; entries since then are to be yielded again.
    pub(super) fn restore(&mut self, checkpoint: Option<Checkpoint>) {
        let (entries, refills, findings, anomalies) = checkpoint
            .as_ref()
            .map_or((0, 0, 0, 0), |it| (it.entries, it.refills, it.findings, it.anomalies));
        let revisions = self.revisions.split_off(entries.min(self.revisions.len()));
        let undone = self.postings.entries.split_off(entries.min(self.postings.entries.len()));
        self.undone.extend(
            undone.into_iter().zip(revisions).map(|(entry, revision)| WalletLine::posted(entry, revision)),
        );
        self.rolled_back = true;
        self.postings.refills.truncate(refills);
        self.postings.findings.truncate(findings);
        self.postings.anomalies.truncate(anomalies);
        self.folded = checkpoint.as_ref().map_or(0, |it| it.records);
        self.state = checkpoint.map(|it| it.state).unwrap_or_default();
    }

    /// Folds what is pending and not in the future, in stretches between checkpoints.
    pub(super) fn fold_pending(
        &mut self,
        deployments: &mut Deployments,
        watch: &mut impl FnMut(&State, &mut Deployments, Millis),
    ) {
        let Some(now) = self.now else { return };
        let end = self.records.partition_point(|record| record.occurred <= now);
        while let Some(first) = self.records.get(self.folded).filter(|_| self.folded < end) {
            let month_end = deployments.month(first.occurred).end;
            self.make_checkpoint(deployments, first.occurred);
            let until = self.stretch_end(month_end).min(end);
            let stretch = self.records.get(self.folded..until).unwrap_or_default();
            // The order of the records and the roll-back see to it that none is late.
            if self.state.fold_watched(deployments, stretch, &mut self.postings, watch).is_err() {
                return;
            }
            self.folded = until;
        }
    }

    /// Where the stretch from the first pending record ends: with its month, or after some records; never
    /// within one instant.
    fn stretch_end(&self, month_end: Millis) -> usize {
        let most = self.folded.saturating_add(KEPT_EVERY);
        let last = self.records.get(most.saturating_sub(1)).or(self.records.last());
        let last = last.map_or(month_end, |record| record.occurred);
        self.records.partition_point(|record| record.occurred <= last && record.occurred < month_end)
    }

    fn make_checkpoint(&mut self, deployments: &mut Deployments, next: Millis) {
        let kept_at = self.checkpoints.iter().rev().find(|it| it.kept).map_or(0, |it| it.records);
        let new_month = self.state.month().is_some_and(|month| deployments.month(next).start >= month.end);
        let kept = new_month || self.folded.saturating_sub(kept_at) >= KEPT_EVERY;
        let last_at = self.checkpoints.last().map_or(0, |it| it.records);
        if !kept && self.folded.saturating_sub(last_at) < RENEWED_EVERY {
            return;
        }
        if self.checkpoints.last().is_some_and(|last| !last.kept) {
            self.checkpoints.pop();
        }
        self.checkpoints.push(Checkpoint {
            state: self.state.clone(),
            records: self.folded,
            entries: self.postings.entries.len(),
            refills: self.postings.refills.len(),
            findings: self.postings.findings.len(),
            anomalies: self.postings.anomalies.len(),
            kept,
        });
    }

    /// The newest state that has nothing after `at`, and how many records it stands for.
    pub(super) fn state_before(&self, at: Millis) -> (State, usize) {
        let not_after = |state: &State| state.reached().is_none_or(|reached| reached <= at);
        if not_after(&self.state) {
            return (self.state.clone(), self.folded);
        }
        let checkpoint = self.checkpoints.iter().rev().find(|it| not_after(&it.state));
        checkpoint.map_or((State::new(), 0), |it| (it.state.clone(), it.records))
    }
}
