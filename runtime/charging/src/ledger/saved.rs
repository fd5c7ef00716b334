//! A ledger as bytes: a head, which is written anew each time, and parts of its history, each written once.
//!
//! The head holds the state and what is not folded, so that an idle user is little more than its state. A part holds
//! the records and postings of a stretch; where it begins with a checkpoint it holds that too. Parts are numbered
//! from 0; a roll-back replaces those after its checkpoint.

use std::ops::Bound;

use aquarium_ir::instant::Millis;
use sha2::{Digest, Sha256};

use super::history::{Checkpoint, History, Marks, SavedParts};
use super::wallet_lines::{EntryKey, least_key};
use super::{Ledger, View};
use crate::deployments::Deployments;
use crate::packed::{self, Packed, Reader, Unreadable, Writer};
use crate::posting::{Entry, Finding, Postings, Refill};
use crate::record::Record;
use crate::state::State;

/// What the texts and lists weigh, or so, that a record, an entry or a state points to.
const TEXTS_WEIGHT: usize = 200;

/// What is to be written of a ledger since it was last saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The head, in place of the one before.
    pub head: Vec<u8>,
    /// The number of the first of `parts`: those of this and later numbers that were there are replaced.
    pub first_part: u32,
    /// How many parts there were before.
    pub parts_before: u32,
    /// Parts of the history.
    pub parts: Vec<SavedPart>,
}

/// A part of the history as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPart {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether there are findings in it.
    pub findings: bool,
}

/// A part of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The last instant that was folded before it.
    reached: Option<Millis>,
    /// The state before it; not every part has it.
    checkpoint: Option<State>,
    records: Vec<Record<'static>>,
    entries: Vec<Entry>,
    revisions: Vec<u32>,
    refills: Vec<Refill>,
    findings: Vec<Finding>,
    reversed: Vec<(EntryKey, u32)>,
}

packed::packed_fields! {
    Part { reached, checkpoint, records, entries, revisions, refills, findings, reversed }
}

impl Part {
    /// The part that the bytes hold.
    ///
    /// # Errors
    /// Where they are damaged, or a newer program wrote them.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        packed::open(bytes, Self::take)
    }

    /// The last instant that was folded before it.
    #[must_use]
    pub fn reached(&self) -> Option<Millis> {
        self.reached
    }

    /// Whether a history may begin with it.
    #[must_use]
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Its findings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Packed for EntryKey {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        let (posted, cause, resource, instance, from) = self;
        posted.put(to);
        cause.put(to);
        resource.put(to);
        instance.put(to);
        from.put(to);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some((
            Packed::take(from)?,
            Packed::take(from)?,
            Packed::take(from)?,
            Packed::take(from)?,
            Packed::take(from)?,
        ))
    }
}

impl Ledger {
    /// What is to be written since it was last saved, and the `mark`, which is the caller's own and is read back
    /// with the head.
    pub fn save(&mut self, mark: u64) -> Saved {
        let (first_part, parts_before) = (self.history.saved.next(), self.history.saved.stored);
        let parts = self.history.save(self.state.reached());
        let head = packed::seal(|to| self.put_head(&mark, to));
        Saved { head, first_part, parts_before, parts }
    }

    fn put_head<'a>(&'a self, mark: &'a u64, to: &mut Writer<'a>) {
        mark.put(to);
        self.state.put(to);
        self.pending.put(to);
        self.first.put(to);
        self.latest_received.put(to);
        self.now.put(to);
        self.swept.put(to);
        self.changed_from.put(to);
        self.redo_from.put(to);
        self.versions.put(to);
        self.lines.put(to);
        self.history.saved.stored.put(to);
        to.length(self.history.since_kept(self.history.end()));
    }

    /// A digest of the state and of all entries, refills and findings in memory: equal where two whole ledgers that
    /// were swept up to the same instant come to the same, whatever way they were folded.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let bytes = packed::seal(|to| {
            self.state.put(to);
            to.list(&self.history.postings.entries);
            to.list(&self.history.postings.refills);
            to.list(&self.history.postings.findings);
        });
        Sha256::digest(&bytes).into()
    }

    /// The ledger of which these bytes are the head, and the mark that was saved with it. Its history is where
    /// its parts are.
    ///
    /// # Errors
    /// Where they are damaged, or a newer program wrote them.
    pub fn restore(user: &str, head: &[u8]) -> Result<(Self, u64), Unreadable> {
        packed::open(head, |from| Self::take_head(user, from))
    }

    fn take_head(user: &str, from: &mut Reader<'_>) -> Option<(Self, u64)> {
        let mark = Packed::take(from)?;
        let mut ledger = Self {
            state: Packed::take(from)?,
            pending: Packed::take(from)?,
            first: Packed::take(from)?,
            latest_received: Packed::take(from)?,
            now: Packed::take(from)?,
            swept: Packed::take(from)?,
            changed_from: Packed::take(from)?,
            redo_from: Packed::take(from)?,
            versions: Packed::take(from)?,
            lines: Packed::take(from)?,
            ..Self::new(user)
        };
        let parts = Packed::take(from)?;
        let reached = ledger.state.reached();
        let since_kept = from.length()?;
        ledger.history.saved = SavedParts {
            first: parts,
            begins: Vec::new(),
            up_to: Marks::default(),
            reached,
            stored: parts,
            since_kept,
        };
        Some((ledger, mark))
    }

    /// The number of the part that is saved next, and the findings that are not saved, each with the number of the part
    /// that will have it. Findings of earlier parts are as they were saved; those of later ones are no more.
    pub fn unsaved_findings(&self) -> (u32, impl Iterator<Item = (u32, &Finding)>) {
        let History { saved, .. } = &self.history;
        let findings = self.history.postings.findings.iter().enumerate().skip(saved.up_to.findings);
        let begins = self.history.checkpoints.iter().filter(|it| it.kept && it.at > saved.up_to);
        // Nearly always there are no findings to be numbered.
        let begins = begins.take(if findings.len() == 0 { 0 } else { usize::MAX });
        let mut begins: Vec<Marks> = begins.map(|it| it.at).collect();
        // After a roll-back there may be two checkpoints at one place; it begins one part.
        begins.dedup();
        let next = saved.next();
        let numbered = findings.map(move |(place, finding)| {
            let parts_before = begins.partition_point(|begin| begin.findings <= place);
            (next.saturating_add(u32::try_from(parts_before).unwrap_or(u32::MAX)), finding)
        });
        (next, numbered)
    }

    /// Forgets what is saved and older than the newest checkpoint.
    pub fn shed(&mut self) {
        self.history.shed();
        self.outlook = None;
    }

    /// Records that are in memory, folded or not.
    #[must_use]
    pub fn records_in_memory(&self) -> usize {
        self.history.records.len().saturating_add(self.pending.len())
    }

    /// Bytes that the ledger takes in memory, or so: its lists, and what their items point to.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of = |items: usize, each: usize| items.saturating_mul(each.saturating_add(TEXTS_WEIGHT));
        let stretch = of(self.history.records.len(), size_of::<Record<'_>>())
            .saturating_add(of(self.history.postings.entries.len(), size_of::<Entry>()))
            .saturating_add(of(self.history.postings.refills.len(), size_of::<Refill>()))
            .saturating_add(of(self.history.postings.findings.len(), size_of::<Finding>()))
            .saturating_add(of(self.history.checkpoints.len(), size_of::<Checkpoint>()));
        let waiting = of(self.pending.len(), size_of::<Record<'_>>());
        stretch.saturating_add(waiting).saturating_add(of(self.state.instances().len(), TEXTS_WEIGHT))
    }

    /// How many parts of the history, from the first on, are not in memory.
    #[must_use]
    pub fn parts_elsewhere(&self) -> u32 {
        self.history.saved.first
    }

    /// Takes back parts that come right before what is in memory: those from the first one with a checkpoint on.
    /// Gives their number.
    pub fn take_back(&mut self, parts: Vec<Part>) -> usize {
        let skipped = parts.iter().position(Part::has_checkpoint).unwrap_or(parts.len());
        let taken = parts.len().saturating_sub(skipped);
        if taken > 0 {
            let number = u32::try_from(taken).unwrap_or(u32::MAX);
            let first = self.history.saved.first.saturating_sub(number);
            self.history.begin(&self.state);
            self.history.prepend(History::of(parts.into_iter().skip(skipped), first));
        }
        taken
    }

    /// The state at an instant by saved parts alone, the last of which ends after it and the first of which begins
    /// before it with a checkpoint; `None`: they are not those.
    pub fn at_in(parts: &[Part], deployments: &mut Deployments, at: Millis) -> Option<View> {
        let begins = |part: &Part| part.has_checkpoint() && part.reached.is_none_or(|reached| reached <= at);
        let begin = parts.iter().rposition(begins)?;
        let mut state = parts.get(begin)?.checkpoint.clone()?;
        state.look_for_refills_anew();
        let records = parts.iter().skip(begin).flat_map(|part| &part.records);
        let records: Vec<_> = records.take_while(|record| record.occurred <= at).cloned().collect();
        state.fold(deployments, &records, &mut Postings::default()).ok()?;
        Some(View::of(state, deployments, at))
    }
}

impl History {
    /// What is not saved, as parts; it is saved then.
    fn save(&mut self, reached: Option<Millis>) -> Vec<SavedPart> {
        let end = self.end();
        let mut parts = Vec::new();
        while self.saved.up_to < end {
            let begin = self.saved.up_to;
            let next = self.checkpoints_from(|at| at > begin).find(|it| it.kept);
            let (until, next_reached) = next.map_or((end, reached), |it| (it.at, it.state.reached()));
            let last = next.is_none();
            parts.push(self.part(begin, until, next_reached.filter(|_| !last)));
            self.saved.begins.push(begin);
            (self.saved.up_to, self.saved.reached) = (until, next_reached);
        }
        self.saved.stored = self.saved.next();
        parts
    }

    /// Checkpoints from the first place on that is as late as is asked for.
    fn checkpoints_from(&self, is_late: impl Fn(Marks) -> bool) -> impl Iterator<Item = &Checkpoint> {
        let first = self.checkpoints.partition_point(|it| !is_late(it.at));
        self.checkpoints.iter().skip(first)
    }

    /// The part between two places. What was reversed belongs to the last part that begins before it was posted;
    /// `next` is where the next part begins.
    fn part(&self, begin: Marks, end: Marks, next: Option<Millis>) -> SavedPart {
        let mut checkpoints = self.checkpoints_from(|at| at >= begin).take_while(|it| it.at == begin);
        let checkpoint = checkpoints.find(|it| it.kept);
        let reached = self.saved.reached;
        let findings = slice(&self.postings.findings, begin.findings, end.findings);
        let first = reached.map_or(Bound::Unbounded, |reached| Bound::Included(least_key(reached)));
        let next = next.map(|next| next.max(reached.unwrap_or(next)));
        let last = next.map_or(Bound::Unbounded, |next| Bound::Excluded(least_key(next)));
        let reversed = || self.reversed.range((first.clone(), last.clone()));
        let bytes = packed::seal(|to| {
            self.saved.reached.put(to);
            to.byte(u8::from(checkpoint.is_some()));
            if let Some(checkpoint) = checkpoint {
                checkpoint.state.put(to);
            }
            to.list(slice(&self.records, begin.records, end.records));
            to.list(slice(&self.postings.entries, begin.entries, end.entries));
            to.list(slice(&self.revisions, begin.entries, end.entries));
            to.list(slice(&self.postings.refills, begin.refills, end.refills));
            to.list(findings);
            to.length(reversed().count());
            for (key, revision) in reversed() {
                key.put(to);
                revision.put(to);
            }
        });
        SavedPart { bytes, findings: !findings.is_empty() }
    }

    /// The history of consecutive parts, the first of which has the number `first`, and a checkpoint.
    fn of(parts: impl Iterator<Item = Part>, first: u32) -> Self {
        let mut history = Self::default();
        history.saved.first = first;
        for part in parts {
            let at = history.end();
            history.saved.begins.push(at);
            if let Some(state) = part.checkpoint {
                history.checkpoints.push(Checkpoint { state, at, kept: true });
            }
            history.records.extend(part.records);
            history.postings.entries.extend(part.entries);
            history.revisions.extend(part.revisions);
            history.postings.refills.extend(part.refills);
            history.postings.findings.extend(part.findings);
            history.reversed.extend(part.reversed);
        }
        history.saved.up_to = history.end();
        history
    }
}

fn slice<T>(items: &[T], begin: usize, end: usize) -> &[T] {
    items.get(begin..end).unwrap_or_default()
}
