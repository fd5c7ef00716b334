//! `aquariumd`: runs compiled policies against the event log and answers questions over HTTP.
//!
//! In the order in which data flows: [`ingest`] (and its sides, [`http`] and [`queue`]) writes to the log,
//! [`feed`] is the log as followers see it, [`shard`]s fold users from it and answer for them,
//! log and what was folded of it are kept by the [`stores`] ([`derived`] is the embedded one; a [`node`] has a name by which it shares them), and compared with the log by [`verification`],
//! [`views`] are what is published of a ledger, the [`console`] makes pages of them, the [`registry`] knows what concerns everybody (deployments, refused
//! input: [`quarantine`]), the [`scheduler`]
//! tells time. What becomes of an event is told under its [`trace`] id, in messages and by [`telemetry`]. What administrators decide becomes records: [`administration`], [`deployment`]. [`daemon`] wires
//! all up and [`component`] keeps it running. [`command`] is what the command line asks for.
#![expect(clippy::disallowed_methods, reason = "files, network, clock and environment are the daemon's task")]

mod administration;
mod client;
mod clients;
mod clock;
mod cluster;
mod command;
mod component;
mod compression;
mod config;
mod console;
mod daemon;
mod deployment;
mod derived;
mod feed;
mod http;
mod impact;
mod ingest;
mod memory;
mod metrics;
mod node;
mod outbox;
mod policies;
mod quarantine;
mod queue;
mod registry;
mod scheduler;
mod shard;
mod stores;
mod telemetry;
mod threads;
mod timers;
mod trace;
mod verification;
mod views;
mod watch;
mod webhook;

use std::process::ExitCode;

use clap::Parser as _;

/// With the system's allocator a quarter of the time of charging goes into memory, and what is freed stays taken.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code after an error; wrong use has 2, which clap returns itself.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    memory::keep();
    match command::run(command::CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done where not even this can be said.
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("aquariumd: {error}\n"));
            ExitCode::from(FAILED)
        }
    }
}

/// Whether the reader of standard output, `head` for one, has seen enough.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
