//! The log: every record that ever arrived, durable before it is acknowledged, each once. And derived state: what
//! was folded of it, and what was told to others.
//!
//! [`Log`] and [`Derived`] are what the daemon knows; [`EmbeddedLog`] keeps the one in a directory (segment files, one
//! writer, no server to install), [`EmbeddedDerived`] the other (a ready-made ordered store). This crate moves bytes: it reads no JSON, charges nothing and has no
//! clock. Whoever appends brings digests of what makes a record *the same* record.

pub mod derived;
pub mod embedded;
pub mod log;
mod page;
pub mod postgres;
pub mod record;
pub mod trust;

pub use derived::{Derived, DerivedError, DerivedOptions, EmbeddedDerived};
pub use embedded::{EmbeddedLog, Options};
pub use log::{AppendError, CompressError, Log, Needed, OpenError, Page, ReadError, Statistics};
pub use postgres::{PostgresDerived, PostgresError, PostgresLog, PostgresOptions};
pub use record::{Appended, Digest, Kind, NewRecord, OwnedRecord, Position, Record, partition_of};

/// The version of the format of logs that this program writes; it reads earlier ones.
pub const LOG_FORMAT: u32 = embedded::format::VERSION;
/// The version of the format of derived state that this program writes.
pub const DERIVED_FORMAT: u32 = derived::VERSION;
