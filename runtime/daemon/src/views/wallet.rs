//! A user's wallet: the entries that are current, in the order in which they were posted.
//!
//! The ledger must be folded up to now.

use aquarium_charging::explain::{Derivation, explain};
use aquarium_charging::posting::{Entry, Postings};
use aquarium_charging::view::{self, EntryView};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;

/// Which entries are meant.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// Those whose slot begins here or later.
    pub from: Millis,
    /// Those whose slot begins before.
    pub to: Millis,
    /// Without the first so many of these.
    pub skip: usize,
    /// At most so many.
    pub limit: usize,
}

/// Some entries, and how many came before the next one where there are more.
pub fn entries(
    ledger: &Ledger,
    deployments: &mut Deployments,
    now: Millis,
    which: &Which,
) -> (Vec<EntryView>, Option<usize>) {
    let derived = derived(ledger, deployments, now);
    let meant = |(entry, _): &(&Entry, u32)| entry.slot.from >= which.from && entry.slot.from < which.to;
    let mut meant = all(ledger, &derived).filter(meant).skip(which.skip);
    let user = ledger.user();
    let page = meant.by_ref().take(which.limit);
    let page = page.map(|(entry, revision)| view::entry(deployments, user, entry, revision)).collect();
    let next = meant.next().map(|_| which.skip.saturating_add(which.limit));
    (page, next)
}

/// How an entry came about; `None`: there is no such entry.
pub fn entry(ledger: &Ledger, deployments: &mut Deployments, now: Millis, id: &str) -> Option<Derivation> {
    let derived = derived(ledger, deployments, now);
    let user = ledger.user();
    let found = all(ledger, &derived).find(|(entry, revision)| view::entry_id(user, entry, *revision) == id);
    found.map(|(entry, revision)| explain(deployments, user, entry, revision))
}

/// What is posted, then what time alone has brought about since.
fn all<'a>(ledger: &'a Ledger, derived: &'a Postings) -> impl Iterator<Item = (&'a Entry, u32)> {
    ledger.entries().chain(derived.entries.iter().map(|entry| (entry, 0)))
}

/// What time alone has brought about since the last record.
fn derived(ledger: &Ledger, deployments: &mut Deployments, now: Millis) -> Postings {
    let (mut state, mut postings) = (ledger.state().clone(), Postings::default());
    state.derive(deployments, now, &mut postings);
    postings
}
