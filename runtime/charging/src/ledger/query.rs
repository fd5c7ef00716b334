//! Questions to a ledger: the state at an instant, by what was known at another.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;

use super::Ledger;
use crate::deployments::Deployments;
use crate::posting::Postings;
use crate::record::Record;
use crate::state::{Accrual, State};

/// The state of a user at an instant, as if a tick at it had been folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The instant.
    pub at: Millis,
    /// The state.
    pub state: State,
    /// What open intervals have come to.
    pub accrual: Accrual,
}

impl View {
    pub(super) fn of(mut state: State, deployments: &mut Deployments, at: Millis) -> Self {
        // What time brought about meanwhile shows in the state; it is posted when the user is next folded.
        state.derive(deployments, at, &mut Postings::default());
        let accrual = state.accrual(deployments, at);
        Self { at, state, accrual }
    }

    /// Refills and grants, less charges, less accrual.
    #[must_use]
    pub fn balance(&self) -> Credits {
        self.state.wallet().balance() - self.accrual.credits
    }

    /// Whether the balance is at or below the threshold that holds.
    pub fn below(&self, deployments: &mut Deployments) -> bool {
        self.balance() <= self.state.threshold(deployments, self.at)
    }
}

impl Ledger {
    /// The state at an instant by all records; `None`: no record of this user is that old, or what is needed of
    /// the history [is elsewhere](Ledger::at_is_elsewhere).
    pub fn at(&self, deployments: &mut Deployments, at: Millis) -> Option<View> {
        self.first.filter(|first| *first <= at)?;
        let (mut state, folded) = self.state_before(at)?;
        let end = self.history.records.partition_point(|record| record.occurred <= at);
        let rest = self.history.records.get(folded..end).unwrap_or_default();
        let pending = self.pending.partition_point(|record| record.occurred <= at);
        let pending = self.pending.get(..pending).unwrap_or_default();
        let mut nothing = Postings::default();
        // What a checkpoint holds is older than what follows it.
        if pending.is_empty() {
            state.fold(deployments, rest, &mut nothing).ok()?;
        } else {
            let mut records = [rest, pending].concat();
            records.sort_by(Record::order);
            state.fold(deployments, &records, &mut nothing).ok()?;
        }
        Some(View::of(state, deployments, at))
    }

    /// Whether the state at an instant takes parts of the history that are not in memory.
    #[must_use]
    pub fn at_is_elsewhere(&self, at: Millis) -> bool {
        self.first.is_some_and(|first| first <= at) && self.state_before(at).is_none()
    }

    /// Whether the state by what was known at an instant takes parts of the history that are not in memory.
    pub fn known_is_elsewhere(&self, deployments: &Deployments, at: Millis, known: Millis) -> bool {
        if self.all_known(deployments, known) { self.at_is_elsewhere(at) } else { self.parts_elsewhere() > 0 }
    }

    fn all_known(&self, deployments: &Deployments, known: Millis) -> bool {
        self.latest_received.is_some_and(|latest| latest <= known)
            && deployments.versions().all(|(_, span)| span.received <= known)
    }

    /// The state at an instant by the records and deployments that were received up to `known`; `None`: no
    /// record of this user is that old, or none was received by then, or what is needed of the history
    /// [is elsewhere](Ledger::known_is_elsewhere).
    pub fn at_known(&self, deployments: &mut Deployments, at: Millis, known: Millis) -> Option<View> {
        if self.all_known(deployments, known) {
            return self.at(deployments, at);
        }
        if self.parts_elsewhere() > 0 {
            return None;
        }
        let visible = |record: &&Record<'static>| record.received <= known && record.occurred <= at;
        let records: Vec<_> = self.records().filter(visible).cloned().collect();
        records.first()?;
        let mut deployments = deployments.known(known);
        let mut state = State::new();
        state.fold(&mut deployments, &records, &mut Postings::default()).ok()?;
        Some(View::of(state, &mut deployments, at))
    }
}
