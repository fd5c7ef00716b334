//! The trace of a user: event by event what was, what it brought about, and what is then.

use std::collections::BTreeMap;

use aquarium_charging::posting::{Postings, RefillKind};
use aquarium_charging::state::State;
use aquarium_charging::view::{self, EntryView};
use aquarium_charging::{Deployments, Ledger, Reason, Record};
use aquarium_ir::{Credits, Millis};
use serde::Serialize;
use utoipa::ToSchema;

use super::shapes;
use super::state::{InstanceState, totals};
use super::wallet::Which;

/// The rank of the last records that take effect together within an instant: user events and assignments.
const RANK_TOGETHER: u8 = 1;

/// Something that happened: records, or time alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// When.
    #[schema(value_type = i64)]
    pub at: Millis,
    /// The records that took effect together; none: time alone brought it about.
    pub records: Vec<TracedRecord>,
    /// A millisecond before.
    pub before: TracedState,
    /// What was posted, slot by slot.
    #[schema(value_type = Vec<shapes::Entry>)]
    pub entries: Vec<EntryView>,
    /// Credits that came in.
    pub refills: Vec<TracedRefill>,
    /// What has no effect, or an odd one, and why.
    pub notes: Vec<Note>,
    /// Then.
    pub after: TracedState,
}

/// A record.
#[derive(Debug, Serialize, ToSchema)]
pub struct TracedRecord {
    /// `resource`, `user`, `grant`, `threshold` or `assign`.
    pub kind: &'static str,
    /// Who sent it.
    #[serde(rename = "clientID")]
    pub client: String,
    /// Its id.
    pub id: String,
    /// When it was received.
    #[serde(rename = "receivedMillis")]
    #[schema(value_type = i64)]
    pub received: Millis,
}

/// A user between two records.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TracedState {
    /// What is left.
    #[schema(value_type = String)]
    pub balance: Credits,
    /// What open intervals have come to.
    #[schema(value_type = String)]
    pub accrued: Credits,
    /// The role.
    pub role: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// Whether the user is active.
    pub active: bool,
    /// What is on, or held.
    pub instances: Vec<InstanceState>,
    /// The month's volume by resource.
    pub totals: BTreeMap<String, String>,
}

/// Credits that came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct TracedRefill {
    /// When.
    #[schema(value_type = i64)]
    pub at: Millis,
    /// `initial`, `plan` or `grant`.
    pub kind: &'static str,
    /// How many.
    #[schema(value_type = String)]
    pub credits: Credits,
}

/// What is to be said about a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Note {
    /// Why it has no effect; `null`: it is odd.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The same in words.
    pub message: String,
}

/// Some steps, and how many came before the next one where there are more.
pub fn trace(
    ledger: &Ledger,
    deployments: &mut Deployments,
    now: Millis,
    which: &Which,
) -> (Vec<Step>, Option<usize>) {
    let end = Millis(which.to.0.saturating_sub(1)).min(now);
    let records = super::records(ledger, end);
    let first = records.partition_point(|record| record.occurred < which.from);
    let (before, meant) = records.split_at(first);
    let mut walk =
        Walk { user: ledger.user(), deployments, state: State::new(), which, number: 0, steps: Vec::new() };
    // The records of a ledger are in order.
    let _ = walk.state.fold(walk.deployments, before, &mut Postings::default());
    for together in together(meant) {
        walk.records(together);
        if walk.is_full() {
            break;
        }
    }
    if !walk.is_full() {
        walk.time(end);
    }
    walk.page()
}

/// Records that take effect together: user events and assignments of one instant, any other by itself.
fn together<'a>(records: &'a [Record<'static>]) -> impl Iterator<Item = &'a [Record<'static>]> {
    let early = |record: &Record<'_>| record.body.rank() <= RANK_TOGETHER;
    records.chunk_by(move |one, other| one.occurred == other.occurred && early(one) && early(other))
}

/// A walk along the records.
struct Walk<'a> {
    user: &'a str,
    deployments: &'a mut Deployments,
    state: State,
    which: &'a Which,
    number: usize,
    steps: Vec<Step>,
}

impl Walk<'_> {
    fn is_full(&self) -> bool {
        self.steps.len() > self.which.limit
    }

    fn page(mut self) -> (Vec<Step>, Option<usize>) {
        let next = self.is_full().then(|| self.which.skip.saturating_add(self.which.limit));
        self.steps.truncate(self.which.limit);
        (self.steps, next)
    }

    /// Lets records take effect, and before that the time until then.
    fn records(&mut self, records: &[Record<'static>]) {
        let Some(at) = records.first().map(|record| record.occurred) else { return };
        let before = Millis(at.0.saturating_sub(1));
        self.time(before);
        let was = self.traced(before);
        let mut postings = Postings::default();
        // The records of a ledger are in order.
        let _ = self.state.fold(self.deployments, records, &mut postings);
        let records = records.iter().map(TracedRecord::of).collect();
        self.step(at, records, was, postings);
    }

    /// Lets time pass; that is a step where it brings something about.
    fn time(&mut self, until: Millis) {
        let Some(reached) = self.state.reached().filter(|reached| *reached < until) else { return };
        let (was, mut postings) = (self.traced(reached), Postings::default());
        self.state.derive(self.deployments, until, &mut postings);
        if until >= self.which.from && !(postings.entries.is_empty() && postings.refills.is_empty()) {
            self.step(until, Vec::new(), was, postings);
        }
    }

    fn step(&mut self, at: Millis, records: Vec<TracedRecord>, before: TracedState, postings: Postings) {
        self.number += 1;
        if self.number <= self.which.skip {
            return;
        }
        let user = self.user;
        let entries = postings.entries.iter().map(|entry| view::entry(self.deployments, user, entry, 0));
        let entries = entries.collect();
        let refills = postings.refills.iter().map(TracedRefill::of).collect();
        let found = postings.findings.into_iter();
        let found = found.map(|it| Note { reason: Some(it.reason), message: it.message });
        let odd = postings.anomalies.into_iter();
        let odd = odd.map(|it| Note { reason: None, message: it.message.to_owned() });
        let notes = found.chain(odd).collect();
        let after = self.traced(at);
        self.steps.push(Step { at, records, before, entries, refills, notes, after });
    }

    /// The state as it is at an instant that is not before what it has reached.
    fn traced(&mut self, at: Millis) -> TracedState {
        let mut state = self.state.clone();
        state.derive(self.deployments, at, &mut Postings::default());
        let accrued = state.accrual(self.deployments, at).credits;
        TracedState {
            balance: state.wallet().balance() - accrued,
            accrued,
            role: state.role().map(str::to_owned),
            agreement: state.agreement(self.deployments, at).map(|name| name.to_string()),
            active: state.active(),
            instances: state.instances().iter().map(InstanceState::of).collect(),
            totals: totals(&state, self.deployments),
        }
    }
}

impl TracedRecord {
    fn of(record: &Record<'_>) -> Self {
        Self {
            kind: record.body.kind(),
            client: record.client.to_string(),
            id: record.id.to_string(),
            received: record.received,
        }
    }
}

impl TracedRefill {
    /// The published form.
    pub fn of(refill: &aquarium_charging::posting::Refill) -> Self {
        let kind = match refill.kind {
            RefillKind::Initial(_) => "initial",
            RefillKind::Plan(_) => "plan",
            RefillKind::Grant(_) => "grant",
        };
        Self { at: refill.at, kind, credits: refill.credits }
    }
}
