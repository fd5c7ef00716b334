//! What a fold puts out: entries, refills, and what it found about events.

use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::AgreementId;

use crate::charging::{Charged, Outcome};
use crate::deployments::VersionId;
use crate::reason::Reason;
use crate::record::Record;

/// A wallet entry: one charged slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The resource.
    pub resource: Arc<str>,
    /// The instance; `None` where the resource is not complex.
    pub instance: Option<Arc<str>>,
    /// The slot and what it costs.
    pub slot: Charged,
    /// When it was posted: the instant of the causing event, or the month end.
    pub posted: Millis,
    /// What posted it.
    pub cause: Cause,
}

/// What posts an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// An event: of `discrete` usage, or one that closes an interval.
    Event {
        /// Who sent it.
        client: Arc<str>,
        /// Its id.
        id: Arc<str>,
    },
    /// The end of a billing month.
    MonthEnd,
}

impl Cause {
    pub(crate) fn of(record: &Record<'_>) -> Self {
        Self::Event { client: Arc::from(&*record.client), id: Arc::from(&*record.id) }
    }
}

/// What posts entries, before it is known whether there are any.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    /// An event.
    Event(&'a Record<'a>),
    /// The end of a billing month.
    MonthEnd,
}

impl By<'_> {
    /// The cause of the next entry after those that are posted. Most events of a user come from one client, whose
    /// name they share.
    pub(crate) fn cause(self, posted: &[Entry]) -> Cause {
        let Self::Event(record) = self else { return Cause::MonthEnd };
        let before = posted.last().and_then(|entry| match &entry.cause {
            Cause::Event { client, .. } if **client == *record.client => Some(Arc::clone(client)),
            Cause::Event { .. } | Cause::MonthEnd => None,
        });
        let client = before.unwrap_or_else(|| Arc::from(&*record.client));
        Cause::Event { client, id: Arc::from(&*record.id) }
    }
}

/// Credits that came into the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refill {
    /// When.
    pub at: Millis,
    /// By what.
    pub kind: RefillKind,
    /// How many; a reset or a grant may take some away.
    pub credits: Credits,
}

/// What brings credits into the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefillKind {
    /// The credit plan, once, as the user first became active.
    Initial(PlanOf),
    /// The credit plan.
    Plan(PlanOf),
    /// A grant.
    Grant(Cause),
}

/// Whose credit plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanOf {
    /// The version in force.
    pub version: VersionId,
    /// The agreement.
    pub agreement: AgreementId,
}

/// An event that has no effect, or a charge that was not worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When the event happened; the month end for an interval that it cut.
    pub at: Millis,
    /// The event.
    pub cause: Cause,
    /// The published reason.
    pub reason: Reason,
    /// What is wrong, in words.
    pub message: String,
}

/// An event that is odd: a state that it would bring about holds already, or an amount below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// When.
    pub at: Millis,
    /// The event.
    pub cause: Cause,
    /// What is odd.
    pub message: &'static str,
}

/// Everything that folding some records puts out, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Postings {
    /// Wallet entries.
    pub entries: Vec<Entry>,
    /// Refills, initial credits and grants.
    pub refills: Vec<Refill>,
    /// What is listed in quarantine as long as it holds.
    pub findings: Vec<Finding>,
    /// Odd events.
    pub anomalies: Vec<Anomaly>,
}

impl Postings {
    /// Notes a slot whose outcome an operator should see; slots of one cause are told of together.
    pub(crate) fn note(&mut self, at: Millis, by: By<'_>, slot: &Charged) {
        let (reason, message) = match &slot.outcome {
            Outcome::Charged | Outcome::Uncovered => return,
            Outcome::Limit => (Reason::Limit, "the month's total would pass its limit".to_owned()),
            Outcome::Trap(trap) => (Reason::Trap, trap.to_string()),
        };
        let finding = Finding { at, cause: by.cause(&[]), reason, message };
        if self.findings.last() != Some(&finding) {
            self.findings.push(finding);
        }
    }
}
