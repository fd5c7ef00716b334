//! The fold: records of the log and policies in force to wallet entries, balances and bills.
//!
//! One deterministic function. It reads no clock, no file and no environment, knows no storage, no
//! engine and no runtime, and gives the same answer wherever and whenever it is run.
//!
//! In the order in which data flows:
//!
//! - [`input`] reads the bytes of a message as a [`Record`], or says why it is refused;
//! - [`Deployments`] tells which policy [`Version`] is in force when, and the billing months;
//! - [`rate`] cuts usage where terms change, [`charging`] makes charged slots of the pieces, by a [`Charger`];
//! - [`state`] folds a user's records in their order, and derives what time alone brings about;
//! - [`posting`] is what that puts out: entries, refills, findings;
//! - [`Ledger`] keeps one user's records and takes late ones: this is what a daemon holds;
//! - [`simulate`](mod@simulate) charges event files in one go: this is what the command line calls;
//! - [`course`] follows a balance while nothing happens but time, by a [`meter`] of open intervals;
//! - [`announcements`] says where the balance comes to stand on the other side of the threshold;
//! - [`bills`], [`crossing`], [`explain`] and [`view`] answer questions about the outcome.

#![deny(clippy::float_arithmetic)]

mod decimal;
pub mod packed;
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

pub mod announcements;
pub mod bills;
pub mod course;
pub mod crossing;
pub mod explain;
pub mod ledger;
pub mod meter;
mod pace;
pub mod simulate;
pub mod view;

pub use announcements::{Announcements, CreditEvent};
pub use charger::{Charger, Interpreter, Trap};
pub use deployments::{Deployments, Span};
pub use ledger::Ledger;
pub use reason::Reason;
pub use record::{Body, Record};
pub use version::Version;
