//! All automation: set-up, tests, lints, generated files. `cargo xtask` is the only entry point besides cargo.

#![allow(clippy::disallowed_methods, reason = "automation works on files and processes")]

mod bench;
mod command;
mod events;
mod generated;
mod interface;
mod lint;
mod test;
mod tools;
mod wrong_folds;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and generates everything in this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold: set-up, lints, all tests, the README's commands, the editors.
    Test(test::Options),
    /// Formatting, clippy, spelling, dependencies' licences and sources, generated files.
    Lint,
    /// Installs what tests and lints need and the machine lacks.
    Setup,
    /// Measures everything, or a part: a report below target/bench, with the machine, goals and what bounds them.
    Bench(bench::Options),
    /// Writes completions, man pages, the index of findings and the schema for editors.
    Generate,
    /// Tries wrong folds on the tests of charging: each must be caught.
    WrongFolds(wrong_folds::Options),
    /// Asks a real daemon whatever its OpenAPI documents allow, and more.
    Interface,
    /// Opens every page of the console in a browser.
    Console,
    /// Writes the quickstart's events: the same seed gives the same bytes.
    GenEvents(events::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test(options) => test::all(&options),
        Task::Lint => lint::all(),
        Task::Setup => tools::install_all(),
        Task::Bench(options) => bench::run_all(&options),
        Task::Generate => generated::write(),
        Task::WrongFolds(options) => wrong_folds::run(&options),
        Task::Interface => interface::all(),
        Task::Console => test::console(),
        Task::GenEvents(options) => events::write(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}
