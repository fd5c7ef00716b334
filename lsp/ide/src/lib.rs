//! Editor features over the compiler, as plain data: texts, byte offsets and ranges.
//!
//! One module for each feature. Each takes a [`Snapshot`] of a policy (all its files as they are at
//! one moment) and gives back values that any editor protocol can carry. This crate knows no protocol,
//! no file system and no clock.

pub mod assists;
pub mod completion;
pub mod context;
pub mod definition;
pub mod diagnostics;
pub mod effective;
pub mod expressions;
pub mod files;
pub mod fixes;
pub mod folding;
pub mod formatting;
pub mod hierarchy;
pub mod highlight;
pub mod hover;
pub mod inlay;
pub mod keys;
pub mod lens;
pub mod lines;
pub mod linked;
pub mod links;
pub mod policy_tests;
pub mod rename;
pub mod selection;
pub mod signature;
pub mod snapshot;
pub mod symbols;
#[cfg(test)]
mod testing;
pub mod text;
pub mod tokens;
pub mod trial;
pub mod walk;

pub use lines::{Encoding, LineIndex, Position};
pub use snapshot::Snapshot;
