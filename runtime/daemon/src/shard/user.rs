//! One user: the records, and what they fold to.

use std::cmp::Ordering;

use aquarium_charging::posting::{Cause, Postings};
use aquarium_charging::record::Body;
use aquarium_charging::state::State;
use aquarium_charging::{Deployments, Record};
use aquarium_ir::Millis;
use aquarium_store::Position;

use super::standing::{Finding, Standing};

/// A record and its place in the log.
#[derive(Debug)]
pub struct Kept {
    /// Its place.
    pub position: Position,
    /// The record.
    pub record: Record<'static>,
}

impl Kept {
    fn order(&self, other: &Self) -> Ordering {
        self.record.order(&other.record)
    }
}

/// A user.
#[derive(Debug, Default)]
pub struct User {
    /// In the order in which they are folded.
    records: Vec<Kept>,
    /// How many of them are folded.
    folded: usize,
    state: State,
    postings: Postings,
}

impl User {
    /// Takes records in, wherever they belong.
    pub fn take(&mut self, mut records: Vec<Kept>) {
        records.sort_by(Kept::order);
        let last_folded = self.folded.checked_sub(1).and_then(|index| self.records.get(index));
        let late = last_folded
            .zip(records.first())
            .is_some_and(|(folded, first)| Kept::order(first, folded).is_lt());
        let joint = self.records.len().saturating_sub(1);
        self.records.extend(records);
        if !self.records.get(joint..).unwrap_or_default().is_sorted_by(|one, other| one.order(other).is_le())
        {
            self.records.sort_by(Kept::order);
        }
        if late {
            self.forget();
        }
    }

    /// Folds from nothing next time.
    pub fn forget(&mut self) {
        self.folded = 0;
        self.state = State::new();
        self.postings = Postings::default();
    }

    /// Folds what has happened up to now; what lies ahead waits.
    pub fn fold(&mut self, deployments: &mut Deployments, now: Millis) {
        let due = self.records.partition_point(|kept| kept.record.occurred <= now);
        let records = borrowed(self.records.get(self.folded..due).unwrap_or_default());
        if self.state.fold(deployments, &records, &mut self.postings).is_err() {
            self.forget();
            let records = borrowed(self.records.get(..due).unwrap_or_default());
            // From nothing no record is late.
            let _ = self.state.fold(deployments, &records, &mut self.postings);
        }
        self.folded = due.max(self.folded);
    }

    /// How the user stands at an instant; `None` where there is no record at or before it.
    pub fn standing(&self, deployments: &mut Deployments, user: &str, at: Millis) -> Option<Standing> {
        let due = self.records.partition_point(|kept| kept.record.occurred <= at);
        if due == 0 {
            return None;
        }
        let (mut state, from) =
            if due >= self.folded { (self.state.clone(), self.folded) } else { (State::new(), 0) };
        let mut postings = Postings::default();
        let records = borrowed(self.records.get(from..due).unwrap_or_default());
        if state.fold(deployments, &records, &mut postings).is_err() {
            state = State::new();
            let records = borrowed(self.records.get(..due).unwrap_or_default());
            // From nothing no record is late.
            let _ = state.fold(deployments, &records, &mut postings);
        }
        state.derive(deployments, at, &mut postings);
        Some(Standing::of(&state, deployments, user, at))
    }

    /// The events that have no effect.
    pub fn findings(&self, user: &str) -> Vec<Finding> {
        let finding = |finding: &aquarium_charging::posting::Finding| {
            let position = self.position(&finding.cause)?;
            let message = finding.message.clone();
            Some(Finding { position, user: user.to_owned(), reason: finding.reason, message })
        };
        self.postings.findings.iter().filter_map(finding).collect()
    }

    fn position(&self, cause: &Cause) -> Option<Position> {
        let Cause::Event { client, id } = cause else { return None };
        let is_cause = |kept: &&Kept| {
            matches!(kept.record.body, Body::Resource(_))
                && kept.record.id == **id
                && kept.record.client == **client
        };
        self.records.iter().find(is_cause).map(|kept| kept.position)
    }
}

fn borrowed(records: &[Kept]) -> Vec<Record<'static>> {
    records.iter().map(|kept| kept.record.clone()).collect()
}
