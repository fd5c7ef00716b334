//! `aquariumc completions`: what a shell completes, from the command line's definition.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::failure::Failure;

/// `aquariumc completions`
#[derive(Args)]
pub struct Completions {
    /// The shell.
    pub shell: Shell,
}

/// Writes the completions of a shell.
pub fn run(arguments: &Completions) -> Result<ExitCode, Failure> {
    std::io::stdout().lock().write_all(&of(arguments.shell))?;
    Ok(ExitCode::SUCCESS)
}

/// The completions of a shell, as the script that it reads.
pub fn of(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::shown(), "aquariumc", &mut script);
    script
}
