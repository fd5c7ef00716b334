//! How a user stands at an instant, as it is published.

use aquarium_charging::ledger::View;
use aquarium_charging::{Deployments, Ledger, Reason};
use aquarium_ir::{Credits, Millis};
use aquarium_store::Position;

/// How a user stands: a line of the table of balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user.
    pub user: String,
    /// What is left.
    pub balance: Credits,
    /// What open intervals have come to.
    pub accrued: Credits,
    /// What is posted.
    pub charged: Credits,
    /// Refills, initial credits and grants.
    pub refilled: Credits,
}

/// An event that has no effect as long as policies are what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the log.
    pub position: Position,
    /// Whose it is.
    pub user: String,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
}

/// What a user's records come to, to be compared with what another fold gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// What is posted.
    pub balance: Credits,
    /// Of the state, and of everything that is posted.
    pub digest: [u8; 32],
}

impl Digested {
    /// The digest of a whole ledger, month ends and refills posted up to an instant.
    pub fn of(mut ledger: Ledger, deployments: &mut Deployments, at: Millis) -> Self {
        ledger.sweep(deployments, at);
        Self { balance: ledger.state().wallet().balance(), digest: ledger.digest() }
    }
}

impl Row {
    /// How a user stands.
    pub fn of(user: String, view: &View) -> Self {
        let state = &view.state;
        Self {
            user,
            balance: view.balance(),
            accrued: view.accrual.credits,
            charged: state.charged(),
            refilled: state.refilled(),
        }
    }
}
