//! One user: its ledger, kept up with the log.

use aquarium_charging::ledger::Ledger;
use aquarium_charging::posting::{Cause, Finding};
use aquarium_charging::{Deployments, Record};
use aquarium_ir::Millis;

use super::standing::Standing;

/// A user.
#[derive(Debug)]
pub struct User {
    ledger: Ledger,
}

impl User {
    /// A user without records.
    pub fn new(name: &str) -> Self {
        Self { ledger: Ledger::new(name) }
    }

    /// Takes records in, wherever they belong, and folds what has happened up to now.
    pub fn take(&mut self, mut records: Vec<Record<'static>>, deployments: &mut Deployments, now: Millis) {
        records.sort_by(Record::order);
        records.into_iter().for_each(|record| self.ledger.append(record));
        self.fold(deployments, now);
    }

    /// Folds what has happened up to now; what lies ahead waits.
    pub fn fold(&mut self, deployments: &mut Deployments, now: Millis) {
        self.ledger.fold(deployments, now);
    }

    /// Its records and what they come to.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Folds from nothing next time: the policies in force have changed.
    pub fn refold(&mut self) {
        self.ledger.refold();
    }

    /// How the user stands at an instant; `None` where there is no record at or before it.
    pub fn standing(&self, deployments: &mut Deployments, at: Millis) -> Option<Standing> {
        let view = self.ledger.at(deployments, at)?;
        Some(Standing::of(&view, deployments, self.ledger.user()))
    }

    /// The events that have no effect, with who sent them under which id.
    pub fn findings(&self) -> impl Iterator<Item = (&Finding, &str, &str)> {
        self.ledger.findings().iter().filter_map(|finding| match &finding.cause {
            Cause::Event { client, id } => Some((finding, &**client, &**id)),
            Cause::MonthEnd => None,
        })
    }
}
