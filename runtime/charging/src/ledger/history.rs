//! The folded history, as far as it is in memory: records, what they yield, and checkpoints among them.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use aquarium_ir::instant::Millis;

use super::wallet_lines::EntryKey;
use crate::posting::Postings;
use crate::record::Record;
use crate::state::State;

/// The history, as far as it is in memory, and which parts of it are saved.
///
/// Most users are idle, and have nothing in memory: what there would be takes no room then.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    stretch: Option<Box<Stretch>>,
    pub(super) saved: SavedParts,
}

/// Consecutive records and what they yield, up to the last one that is folded.
#[derive(Debug, Clone, Default)]
pub(super) struct Stretch {
    pub(super) records: Vec<Record<'static>>,
    pub(super) postings: Postings,
    /// The revision of each entry of `postings`.
    pub(super) revisions: Vec<u32>,
    /// The last revision of each entry that was reversed, of the time that the history covers.
    pub(super) reversed: BTreeMap<EntryKey, u32>,
    /// Earlier states; the first one, where there is any, is that before the first record.
    pub(super) checkpoints: Vec<Checkpoint>,
}

/// What stands for a stretch that takes no room.
static NOTHING: LazyLock<Stretch> = LazyLock::new(Stretch::default);

impl Deref for History {
    type Target = Stretch;

    fn deref(&self) -> &Stretch {
        self.stretch.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for History {
    fn deref_mut(&mut self) -> &mut Stretch {
        self.stretch.get_or_insert_default()
    }
}

/// A state, and what had been folded and put out by then.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    pub(super) state: State,
    pub(super) at: Marks,
    /// Whether it is saved with the part that begins here.
    pub(super) kept: bool,
}

/// A place in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Marks {
    pub(super) records: usize,
    pub(super) entries: usize,
    pub(super) refills: usize,
    pub(super) findings: usize,
}

impl Marks {
    pub(super) fn shifted(self, by: Self) -> Self {
        Self {
            records: self.records.saturating_add(by.records),
            entries: self.entries.saturating_add(by.entries),
            refills: self.refills.saturating_add(by.refills),
            findings: self.findings.saturating_add(by.findings),
        }
    }

    pub(super) fn since(self, start: Self) -> Self {
        Self {
            records: self.records.saturating_sub(start.records),
            entries: self.entries.saturating_sub(start.entries),
            refills: self.refills.saturating_sub(start.refills),
            findings: self.findings.saturating_sub(start.findings),
        }
    }
}

/// Which parts of the history are saved.
#[derive(Debug, Clone, Default)]
pub(super) struct SavedParts {
    /// The number of the part with which the history in memory begins.
    pub(super) first: u32,
    /// Where the parts in memory begin.
    pub(super) begins: Vec<Marks>,
    /// Up to where the history in memory is saved.
    pub(super) up_to: Marks,
    /// The last folded instant there.
    pub(super) reached: Option<Millis>,
    /// How many parts there are where they are kept.
    pub(super) stored: u32,
    /// Records between the last kept checkpoint before the history in memory and its beginning.
    pub(super) since_kept: usize,
}

impl SavedParts {
    /// The number of the next part.
    pub(super) fn next(&self) -> u32 {
        self.first.saturating_add(u32::try_from(self.begins.len()).unwrap_or(u32::MAX))
    }

    /// What lies after a place is not what was saved any more.
    fn roll_back(&mut self, to: Marks, reached: Option<Millis>) {
        while self.begins.last().is_some_and(|begin| *begin >= to) {
            self.begins.pop();
        }
        if self.up_to >= to {
            (self.up_to, self.reached) = (to, reached);
        }
    }
}

impl History {
    /// The place after everything.
    pub(super) fn end(&self) -> Marks {
        Marks {
            records: self.records.len(),
            entries: self.postings.entries.len(),
            refills: self.postings.refills.len(),
            findings: self.postings.findings.len(),
        }
    }

    /// Makes sure that there is a state to start from.
    pub(super) fn begin(&mut self, state: &State) {
        if self.checkpoints.is_empty() {
            let kept = self.saved.first == 0;
            // Most users never have a second one.
            self.checkpoints.reserve_exact(1);
            self.checkpoints.push(Checkpoint { state: state.clone(), at: Marks::default(), kept });
        }
    }

    /// Whether nothing of the history is elsewhere.
    pub(super) fn is_whole(&self) -> bool {
        self.saved.first == 0
    }

    /// Records since the last kept checkpoint before a place.
    pub(super) fn since_kept(&self, at: Marks) -> usize {
        let kept = self.checkpoints.iter().rev().find(|it| it.kept && it.at <= at);
        kept.map_or(self.saved.since_kept.saturating_add(at.records), |it| {
            at.records.saturating_sub(it.at.records)
        })
    }

    /// Goes back to a checkpoint, by its place in the list: gives its state, the records after it, and the entries
    /// after it with their revisions.
    pub(super) fn roll_back(&mut self, checkpoint: usize) -> Option<RolledBack> {
        self.checkpoints.truncate(checkpoint.saturating_add(1));
        let Checkpoint { state, at, .. } = self.checkpoints.last()?;
        let (state, at) = (state.clone(), *at);
        self.saved.roll_back(at, state.reached());
        self.postings.refills.truncate(at.refills);
        self.postings.findings.truncate(at.findings);
        let stretch = &mut **self;
        let records = stretch.records.split_off(at.records.min(stretch.records.len()));
        let entries = &mut stretch.postings.entries;
        let entries = entries.split_off(at.entries.min(entries.len()));
        let revisions = stretch.revisions.split_off(at.entries.min(stretch.revisions.len()));
        Some(RolledBack { state, records, entries: entries.into_iter().zip(revisions).collect() })
    }

    /// Forgets what lies before the newest checkpoint, all of which is saved.
    pub(super) fn shed(&mut self) {
        let Some(last) = self.checkpoints.last().filter(|_| self.saved.up_to == self.end()) else { return };
        let (at, reached) = (last.at, last.state.reached());
        self.saved.since_kept = self.since_kept(at);
        let before_last = self.checkpoints.len().saturating_sub(1);
        self.checkpoints.drain(..before_last);
        self.checkpoints.iter_mut().for_each(|it| it.at = Marks::default());
        self.records.drain(..at.records);
        self.postings.entries.drain(..at.entries);
        self.revisions.drain(..at.entries);
        self.postings.refills.drain(..at.refills);
        self.postings.findings.drain(..at.findings);
        self.reversed.retain(|(posted, ..), _| reached.is_none_or(|reached| *posted >= reached));
        let gone = self.saved.begins.partition_point(|begin| *begin < at);
        self.saved.begins.drain(..gone);
        self.saved.begins.iter_mut().for_each(|begin| *begin = begin.since(at));
        self.saved.first = self.saved.first.saturating_add(u32::try_from(gone).unwrap_or(u32::MAX));
        self.saved.up_to = self.saved.up_to.since(at);
    }

    /// Puts an earlier stretch of the history before this one.
    pub(super) fn prepend(&mut self, mut earlier: Self) {
        let by = earlier.end();
        let Self { stretch, saved } = std::mem::take(self);
        let later = stretch.map(|stretch| *stretch).unwrap_or_default();
        earlier.records.extend(later.records);
        earlier.postings.entries.extend(later.postings.entries);
        earlier.postings.refills.extend(later.postings.refills);
        earlier.postings.findings.extend(later.postings.findings);
        earlier.revisions.extend(later.revisions);
        earlier.reversed.extend(later.reversed);
        let shifted = later.checkpoints.into_iter().map(|it| Checkpoint { at: it.at.shifted(by), ..it });
        earlier.checkpoints.extend(shifted);
        earlier.saved.begins.extend(saved.begins.into_iter().map(|begin| begin.shifted(by)));
        earlier.saved.up_to = saved.up_to.shifted(by);
        earlier.saved.reached = saved.reached;
        earlier.saved.stored = saved.stored;
        *self = earlier;
    }
}

/// What a roll-back took out of the history.
pub(super) struct RolledBack {
    pub(super) state: State,
    pub(super) records: Vec<Record<'static>>,
    pub(super) entries: Vec<(crate::posting::Entry, u32)>,
}
