//! The log: every record that ever arrived, durable before it is acknowledged, each once.
//!
//! [`Log`] is what the daemon knows; [`EmbeddedLog`] keeps it in one directory (segment files, one
//! writer, no server to install). This crate moves bytes: it reads no JSON, charges nothing and has no
//! clock. Whoever appends brings digests of what makes a record *the same* record.

pub mod embedded;
pub mod log;
pub mod record;

pub use embedded::{EmbeddedLog, Options};
pub use log::{AppendError, Log, OpenError, Page, ReadError, Statistics};
pub use record::{Appended, Digest, Kind, NewRecord, OwnedRecord, Position, Record, partition_of};
