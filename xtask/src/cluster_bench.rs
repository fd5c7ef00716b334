//! Benches of nodes that share a PostgreSQL: what two of them charge, beside what one does. The server, the nodes and who
//! sends are all on this machine, whose load is printed.

use std::fs;
use std::path::PathBuf;

use crate::command::{self, Outcome, cargo};

/// What is measured, and how much of it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The daemon's program; build it with `--release`.
    #[arg(long, default_value = "target/release/aquariumd")]
    program: PathBuf,
    /// Events of a round.
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Rounds of one node and of two, in turn; the medians are compared.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
}

/// Measures, and prints each round and the medians.
pub fn run(options: &Options) -> Outcome {
    println!("load {}", load());
    let program = crate::root().join(&options.program);
    if !program.is_file() {
        return Err(format!("`{}` is not there: build it with `--release`", program.display()));
    }
    let mut command = cargo(&[
        "test",
        "--quiet",
        "--workspace",
        "--test",
        "processes",
        "cluster::speed",
        "--",
        "--nocapture",
    ]);
    command
        .env("AQUARIUM_BENCH_PROGRAM", program)
        .env("AQUARIUM_BENCH_EVENTS", options.events.to_string())
        .env("AQUARIUM_BENCH_ROUNDS", options.rounds.to_string());
    command::run(command)?;
    println!("load {}", load());
    Ok(())
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}
