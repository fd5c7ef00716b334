//! The daemon as a process: what goes in, what comes out, and what happens when something goes wrong.
#![cfg(feature = "source")]
#![expect(clippy::disallowed_methods, reason = "processes, files and connections are what is tested")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

mod access;
mod administration;
mod bad_input;
mod cluster;
mod console;
mod documentation;
mod end_to_end;
mod example_cluster;
mod figures;
mod hostile;
mod interface;
mod policies;
mod postgres;
mod queue;
mod records;
mod schedule;
#[path = "../../../store/tests/servers/mod.rs"]
mod servers;
mod streams;
mod support;
mod telemetry;
mod webhooks;
