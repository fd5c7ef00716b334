//! What a user's ledger says to those who ask: each view is worked out from the ledger and the policies
//! that are in force, anew for every question, and changes neither. So do those of policies and of refused input.
//!
//! They know nothing of HTTP; their fields are what is published.

pub mod authorize;
pub mod bills;
pub mod charge;
pub mod month;
pub mod names;
pub mod policies;
pub mod quarantine;
pub mod reconcile;
pub mod shapes;
pub mod state;
pub mod trace;
pub mod wallet;

use aquarium_charging::{Ledger, Record};
use aquarium_ir::Millis;

/// Whether anything of a user has happened yet, as far as the ledger is folded.
pub fn has_record(ledger: &Ledger) -> bool {
    ledger.state().reached().is_some()
}

/// The records up to an instant, in their order.
fn records(ledger: &Ledger, until: Millis) -> Vec<Record<'static>> {
    ledger.records().take_while(|record| record.occurred <= until).cloned().collect()
}
