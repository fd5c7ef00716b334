//! `aquariumc`: checks, compiles, explains and tries out policies.
//!
//! Standard output is data, everything else goes to standard error. Exit codes: 0 fine (warnings and
//! hints included), 1 an error in the policy, 2 wrong use, 3 a defect of the program itself.

#![allow(clippy::disallowed_methods, reason = "the command line reads files")]

mod arguments;
mod check;
mod compile;
mod completions;
mod diff;
mod events;
mod explain;
mod failure;
mod files;
mod fmt;
mod generate;
mod init;
mod inputs;
mod lsp;
mod messages;
mod names;
mod output;
mod report;
mod show;
mod simulate;
mod test;
mod version;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Verb};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Fmt(arguments) => fmt::run(&arguments),
        Verb::Compile(arguments) => compile::run(&arguments),
        Verb::Explain(arguments) => explain::run(&arguments),
        Verb::Show(arguments) => show::run(&arguments),
        Verb::Diff(arguments) => diff::run(&arguments),
        Verb::Simulate(arguments) => simulate::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Init(arguments) => init::run(&arguments),
        Verb::Completions(arguments) => completions::run(&arguments),
        Verb::Generate(arguments) => generate::run(&arguments),
        Verb::Lsp => lsp::run(),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
