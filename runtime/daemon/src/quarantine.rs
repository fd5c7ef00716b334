//! The list of refused input: what is in it, and what left it by decision of an operator.
//!
//! It holds places in the log, not events. [`crate::registry`] feeds it from the log.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::Reason;
use aquarium_store::record::REFUSALS;
use aquarium_store::{Digest, Position};

/// What became of refused input that is not listed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was read again and is an event now.
    Redriven,
    /// It was given up.
    Discarded,
}

/// Refused input.
#[derive(Debug, Default)]
pub struct Quarantine {
    listed: BTreeMap<Position, Listed>,
    by_reason: BTreeMap<Reason, BTreeSet<Position>>,
    places: BTreeMap<Digest, Position>,
    handled: BTreeMap<Position, Fate>,
}

#[derive(Debug, Clone, Copy)]
struct Listed {
    digest: Digest,
    reason: Reason,
}

impl Quarantine {
    /// Lists input that was refused; `digest` is that of its bytes, by which decisions name it.
    pub fn list(&mut self, place: Position, digest: Digest, reason: Reason) {
        self.listed.insert(place, Listed { digest, reason });
        self.by_reason.entry(reason).or_default().insert(place);
        self.places.insert(digest, place);
    }

    /// Takes what an operator has decided about off the list.
    pub fn handle(&mut self, digest: Digest, fate: Fate) {
        let Some(place) = self.places.remove(&digest) else { return };
        let left = self.listed.remove(&place);
        if let Some(places) = left.and_then(|listed| self.by_reason.get_mut(&listed.reason)) {
            places.remove(&place);
        }
        self.handled.insert(place, fate);
    }

    /// The reason and the digest of what is listed at a place.
    pub fn listed(&self, place: Position) -> Option<(Reason, Digest)> {
        self.listed.get(&place).map(|listed| (listed.reason, listed.digest))
    }

    /// What became of the input at a place that is not listed any more.
    pub fn fate(&self, place: Position) -> Option<Fate> {
        self.handled.get(&place).copied()
    }

    /// Places from one on, at most `limit`, in the order of arrival.
    pub fn places(&self, from: Position, reason: Option<Reason>, limit: usize) -> Vec<Position> {
        match reason {
            None => self.listed.range(from..).map(|(place, _)| *place).take(limit).collect(),
            Some(reason) => {
                let places = self.by_reason.get(&reason).into_iter();
                places.flat_map(|places| places.range(from..)).copied().take(limit).collect()
            }
        }
    }

    /// How much is listed, by reason.
    pub fn counts(&self) -> Vec<(Reason, u64)> {
        let count = |reason| self.by_reason.get(reason).map_or(0, BTreeSet::len) as u64;
        REFUSALS.iter().map(|reason| (*reason, count(reason))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_about_leaves_the_list_and_is_remembered() {
        let mut quarantine = Quarantine::default();
        let digests = [1, 2, 3].map(|byte| Digest([byte; Digest::LENGTH]));
        let reasons = [Reason::NotJson, Reason::Conflict, Reason::NotJson];
        for ((place, digest), reason) in (10..).zip(digests).zip(reasons) {
            quarantine.list(Position(place), digest, reason);
        }
        quarantine.handle(digests[0], Fate::Discarded);
        quarantine.handle(digests[0], Fate::Redriven);
        assert_eq!(quarantine.fate(Position(10)), Some(Fate::Discarded));
        assert_eq!(quarantine.places(Position::START, None, 9), [Position(11), Position(12)]);
        assert_eq!(quarantine.places(Position::START, Some(Reason::NotJson), 9), [Position(12)]);
        assert_eq!(quarantine.places(Position(12), None, 9), [Position(12)]);
        assert_eq!(quarantine.listed(Position(11)), Some((Reason::Conflict, digests[1])));
        let counts: u64 = quarantine.counts().iter().map(|(_, count)| count).sum();
        assert_eq!(counts, 2);
    }
}
