//! What a compiled policy *is*: exact numbers, units of time, time frames and timelines, typed
//! expressions, the module format, and the reference interpreter.
//!
//! This crate is the contract between the compiler (which makes policies), the runtime (which
//! charges by them) and the tools (which show them). It knows no parser and no WebAssembly engine,
//! reads no clock, no file and no zone data of the machine.

#![deny(clippy::float_arithmetic)]

pub mod bounds;
pub mod credits;
pub mod difference;
pub mod expression;
pub mod instant;
pub mod interpreter;
pub mod module;
pub mod number;
pub mod policy;
#[cfg(feature = "schema")]
pub mod schema;
pub mod slot;
pub mod time;
pub mod words;

pub use bounds::Bounds;
pub use credits::Credits;
pub use expression::{Expression, Node, NodeId};
pub use instant::Millis;
pub use number::Rational;
pub use policy::Policy;
pub use slot::{Limits, Slot, Trap};
