//! The append-only wallet: new entries, and reversals of entries that a new fold does not yield.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;

use super::Ledger;
use crate::deployments::Deployments;
use crate::packed::{self, Packed, Unreadable};
use crate::posting::{Cause, Entry};
use crate::view::{self, EntryView};

/// What makes two entries the same but for their figures: cause, resource, instance, slot start.
pub(super) type EntryKey = (Millis, Cause, Arc<str>, Option<Arc<str>>, Millis);

/// The least key of what was posted at an instant.
pub(super) fn least_key(posted: Millis) -> EntryKey {
    let nothing: Arc<str> = Arc::from("");
    let cause = Cause::Event { client: Arc::clone(&nothing), id: Arc::clone(&nothing) };
    (posted, cause, nothing, None, Millis::MIN)
}

/// A line of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletLine {
    /// The entry that is posted or reversed.
    pub entry: Entry,
    /// How many entries of the same cause and slot start came before it.
    pub revision: u32,
    /// When it became known: the receipt of the last record by then, but not before the entry was posted.
    pub known: Millis,
    /// Which of the two.
    pub kind: LineKind,
}

/// What a line of the wallet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// It posts the entry.
    Posted,
    /// It takes the entry back.
    Reversal,
}

impl WalletLine {
    pub(super) fn posted(entry: Entry, revision: u32, received: Option<Millis>) -> Self {
        let known = received.map_or(entry.posted, |received| received.max(entry.posted));
        Self { entry, revision, known, kind: LineKind::Posted }
    }

    /// Lines as bytes.
    #[must_use]
    pub fn pack(lines: &[Self]) -> Vec<u8> {
        packed::seal(|to| to.list(lines))
    }

    /// The lines that the bytes hold.
    ///
    /// # Errors
    /// Where they are damaged, or a newer program wrote them.
    pub fn unpack(bytes: &[u8]) -> Result<Vec<Self>, Unreadable> {
        packed::open(bytes, Packed::take)
    }

    /// What the line adds to the charges.
    #[must_use]
    pub fn credits(&self) -> Credits {
        match self.kind {
            LineKind::Posted => self.entry.slot.credits,
            LineKind::Reversal => -self.entry.slot.credits,
        }
    }

    /// The line as it is published. A reversal names the entry that it takes back.
    pub fn view(&self, deployments: &mut Deployments, user: &str) -> EntryView {
        let mut view = view::entry(deployments, user, &self.entry, self.revision);
        if self.kind == LineKind::Reversal {
            view.reverses = Some(std::mem::take(&mut view.id));
            view.id = view::reversal_id(user, &self.entry, self.revision);
            view.credits = -view.credits;
        }
        view
    }

    fn key(&self) -> EntryKey {
        key(&self.entry)
    }
}

fn key(entry: &Entry) -> EntryKey {
    let instance = entry.instance.clone();
    (entry.posted, entry.cause.clone(), Arc::clone(&entry.resource), instance, entry.slot.from)
}

/// Whether two entries are published with the same fields. A module that is deployed once more is another version
/// and says the same.
fn is_same(deployments: &Deployments, one: &Entry, other: &Entry) -> bool {
    let module = |entry: &Entry| deployments.version(entry.slot.rate.version).map(|version| &version.module);
    if one == other || module(one) != module(other) {
        return one == other;
    }
    let mut as_other = one.clone();
    as_other.slot.rate.version = other.slot.rate.version;
    as_other == *other
}

impl Ledger {
    /// Compares the entries from `posted` on with those that were undone, and says what the wallet lacks.
    pub(super) fn settle(
        &mut self,
        deployments: &Deployments,
        posted: usize,
        undone: Vec<WalletLine>,
    ) -> Vec<WalletLine> {
        let lines = if undone.is_empty() && self.history.reversed.is_empty() {
            self.settle_in_order(posted)
        } else {
            self.settle_again(deployments, posted, undone)
        };
        self.lines = self.lines.saturating_add(lines.len() as u64);
        lines
    }

    fn settle_in_order(&mut self, posted: usize) -> Vec<WalletLine> {
        let (history, known) = (&mut *self.history, self.latest_received);
        history.revisions.resize(history.postings.entries.len(), 0);
        let entries = history.postings.entries.iter().skip(posted);
        entries.map(|entry| WalletLine::posted(entry.clone(), 0, known)).collect()
    }

    fn settle_again(
        &mut self,
        deployments: &Deployments,
        posted: usize,
        undone: Vec<WalletLine>,
    ) -> Vec<WalletLine> {
        let (history, known) = (&mut *self.history, self.latest_received);
        let mut undone: BTreeMap<EntryKey, WalletLine> =
            undone.into_iter().map(|line| (line.key(), line)).collect();
        let mut new = Vec::new();
        for entry in history.postings.entries.iter().skip(posted) {
            let key = key(entry);
            let same = undone.get(&key).is_some_and(|line| is_same(deployments, &line.entry, entry));
            let revision = match undone.get(&key) {
                Some(line) if same => line.revision,
                Some(line) => line.revision.saturating_add(1),
                None => history.reversed.get(&key).map_or(0, |last| last.saturating_add(1)),
            };
            history.revisions.push(revision);
            if same {
                undone.remove(&key);
            } else {
                new.push(WalletLine::posted(entry.clone(), revision, known));
            }
        }
        let mut lines: Vec<WalletLine> = Vec::with_capacity(undone.len().saturating_add(new.len()));
        for (key, line) in undone {
            history.reversed.insert(key, line.revision);
            lines.push(WalletLine { kind: LineKind::Reversal, ..line });
        }
        lines.extend(new);
        lines
    }
}
