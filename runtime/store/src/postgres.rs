//! Log and derived state in PostgreSQL, for stores that are to be on a server and kept by those who keep databases.
//!
//! Tables of users are keyed by (partition, user), ids by themselves: so they spread over the nodes of an engine that
//! shards. Whoever writes a partition's derived state holds its lease, and every transaction compares the lease's
//! epoch. SQL is in this module and nowhere else.

mod address;
mod copy;
mod derived;
mod error;
mod head;
mod hints;
mod leases;
mod log;
mod members;
mod migrations;
mod modules;
mod reading;
mod recent;
mod server;
mod standby;
mod tls;
mod writing;

pub use derived::PostgresDerived;
pub use error::PostgresError;
pub use hints::{Heard, Hints};
pub use leases::Lease;
pub use log::PostgresLog;
pub use members::{Joining, Member, NodeRow, View, look};
pub use modules::Exclusive;
pub use server::{PostgresOptions, Server};
