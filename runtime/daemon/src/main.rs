//! `aquariumd`: runs compiled policies against the event log and answers questions over HTTP.
//!
//! In the order in which data flows: [`ingest`] (and its HTTP side, [`http`]) writes to the log,
//! [`feed`] is the log as followers see it, [`shard`]s fold users from it and answer for them,
//! [`quarantine`] lists what has no effect, the [`scheduler`] tells time. [`daemon`] wires them up and
//! [`component`] keeps them running. [`command`] is what the command line asks for.
#![expect(clippy::disallowed_methods, reason = "files, network, clock and environment are the daemon's task")]

mod clock;
mod command;
mod component;
mod config;
mod daemon;
mod feed;
mod http;
mod ingest;
mod policies;
mod quarantine;
mod scheduler;
mod shard;

use std::process::ExitCode;

use clap::Parser as _;

/// The exit code after an error; wrong use has 2, which clap returns itself.
const FAILED: u8 = 1;

fn main() -> ExitCode {
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
