//! Why a charge is what it is, among the charges around it.

use aquarium_charging::explain::{Derivation, explain};
use aquarium_charging::posting::Entry;
use aquarium_charging::view::{self, EntryView};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;

use super::wallet;

/// Charges that are shown before and after one, of the same resource and instance.
const AROUND: usize = 4;

/// A charge.
#[derive(Debug)]
pub struct Charge {
    /// How it came about.
    pub derivation: Derivation,
    /// It and its neighbours, in order of time.
    pub neighbours: Vec<EntryView>,
}

/// A charge; `None`: there is no such entry.
pub fn charge(ledger: &Ledger, deployments: &mut Deployments, now: Millis, id: &str) -> Option<Charge> {
    let derived = wallet::derived(ledger, deployments, now);
    let user = ledger.user();
    let all: Vec<(&Entry, u32)> = wallet::all(ledger, &derived).collect();
    let (entry, revision) =
        *all.iter().find(|(entry, revision)| view::entry_id(user, entry, *revision) == id)?;
    let same =
        |other: &&(&Entry, u32)| other.0.resource == entry.resource && other.0.instance == entry.instance;
    let mut line: Vec<&(&Entry, u32)> = all.iter().filter(same).collect();
    line.sort_by_key(|(other, _)| (other.slot.from, other.slot.to));
    let place = line.iter().position(|(other, _)| std::ptr::eq(*other, entry)).unwrap_or_default();
    let around = place.saturating_sub(AROUND)..line.len().min(place.saturating_add(AROUND + 1));
    let around = line.get(around).unwrap_or_default();
    let neighbours = around.iter().map(|(other, revision)| view::entry(deployments, user, other, *revision));
    let neighbours = neighbours.collect();
    Some(Charge { derivation: explain(deployments, user, entry, revision), neighbours })
}
