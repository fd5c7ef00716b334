//! A user's wallet: the entries that are current, in the order in which they were posted.
//!
//! The ledger must be folded up to now.

use aquarium_charging::explain::{Derivation, explain};
use aquarium_charging::posting::{Entry, Postings};
use aquarium_charging::view::{self, EntryView};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::{Credits, Millis};

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

impl Which {
    fn wants(&self, entry: &Entry) -> bool {
        entry.slot.from >= self.from && entry.slot.from < self.to
    }
}

/// Of what entries are meant; by default of everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this resource.
    pub resource: Option<String>,
    /// Of this instance.
    pub instance: Option<String>,
    /// Under this agreement.
    pub agreement: Option<String>,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let same =
            |wanted: &Option<String>, given: Option<&str>| wanted.is_none() || wanted.as_deref() == given;
        same(&self.resource, Some(&entry.resource))
            && same(&self.instance, entry.instance.as_deref())
            && same(&self.agreement, entry.slot.rate.agreement.as_deref())
    }
}

/// How many entries are meant, on whatever page, and what they come to.
pub fn sum(
    ledger: &Ledger,
    deployments: &mut Deployments,
    now: Millis,
    which: &Which,
    filter: &Filter,
) -> (usize, Credits) {
    let derived = derived(ledger, deployments, now);
    let meant = all(ledger, &derived).filter(|(entry, _)| which.wants(entry) && filter.wants(entry));
    meant.fold((0, Credits::ZERO), |(count, credits), (entry, _)| (count + 1, credits + entry.slot.credits))
}

/// Some entries, and how many came before the next one where there are more.
pub fn entries(
    ledger: &Ledger,
    deployments: &mut Deployments,
    now: Millis,
    which: &Which,
    filter: &Filter,
) -> (Vec<EntryView>, Option<usize>) {
    let derived = derived(ledger, deployments, now);
    let meant = |(entry, _): &(&Entry, u32)| which.wants(entry) && filter.wants(entry);
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
pub(super) fn all<'a>(ledger: &'a Ledger, derived: &'a Postings) -> impl Iterator<Item = (&'a Entry, u32)> {
    ledger.entries().chain(derived.entries.iter().map(|entry| (entry, 0)))
}

/// What time alone has brought about since the last record.
pub(super) fn derived(ledger: &Ledger, deployments: &mut Deployments, now: Millis) -> Postings {
    let (mut state, mut postings) = (ledger.state().clone(), Postings::default());
    state.derive(deployments, now, &mut postings);
    postings
}
