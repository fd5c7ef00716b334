//! The fold: records of the log and policies in force to wallet entries, balances and bills.
//!
//! One deterministic function. It reads no clock, no file and no environment, knows no storage, no
//! engine and no runtime, and gives the same answer wherever and whenever it is run.

mod decimal;
pub mod reason;
pub mod record;

pub mod input;

pub mod charger;
pub mod deployments;
pub mod version;

pub mod rate;

pub mod charging;
pub mod posting;
pub mod state;
pub mod wallet;

pub mod bills;
pub mod crossing;
pub mod explain;
pub mod ledger;
pub mod simulate;
pub mod view;

pub use charger::{Charger, Interpreter, Trap};
pub use deployments::{Deployments, Span};
pub use ledger::Ledger;
pub use reason::Reason;
pub use record::{Body, Record};
pub use version::Version;
