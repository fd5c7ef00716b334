//! The daemon as a process, and what befalls processes and machines: killed, out of room, damaged, overrun.
#![cfg(feature = "source")]
#![expect(clippy::disallowed_methods, reason = "processes, files and connections are what is tested")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

mod backup;
mod clients;
mod damage;
mod disk;
mod formats;
mod kill;
mod lock;
mod module;
mod private;
mod traffic;

#[path = "../processes/support.rs"]
#[allow(dead_code, reason = "shared with the tests of processes, which need more of it")]
mod support;
