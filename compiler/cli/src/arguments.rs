//! The command line's definition: help texts, completions and man pages come from here.
//!
//! Each verb's arguments stand in the verb's own module; here is what they share.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::check::Check;
use crate::compile::Compile;
use crate::completions::Completions;
use crate::diff::Diff;
use crate::explain::Explain;
use crate::fmt::Fmt;
use crate::generate::Generate;
use crate::init::Init;
use crate::show::Show;
use crate::simulate::Simulate;
use crate::test::Test;

/// The compiler of the Aquarium policy language.
#[derive(Parser)]
#[command(name = "aquariumc", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

impl Arguments {
    /// The command line as users see it: without the verbs that are not for them.
    pub fn shown() -> Command {
        let whole = Self::command();
        let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
        let mut shown = Command::new("aquariumc").version(env!("CARGO_PKG_VERSION")).subcommands(verbs);
        if let Some(about) = whole.get_about() {
            shown = shown.about(about.clone());
        }
        shown
    }
}

/// The verbs.
#[derive(Subcommand)]
pub enum Verb {
    /// Run all static checks.
    Check(Check),
    /// Write policies in the one canonical layout.
    Fmt(Fmt),
    /// Check, then write the WebAssembly charging module.
    Compile(Compile),
    /// Explain a finding: what it means, why it matters, an example, the fix.
    Explain(Explain),
    /// Show what an agreement asks, where that is written, and the week as a grid.
    Show(Show),
    /// Tell what changes in meaning from one policy to another, and what that costs whom.
    Diff(Diff),
    /// Charge recorded events offline, with the same fold as the daemon.
    Simulate(Simulate),
    /// Run policy tests, with coverage of prices, branches and time frames.
    Test(Test),
    /// Begin a policy: a commented one, a test of it and events to try it with.
    Init(Init),
    /// Write the completions of a shell to standard output.
    Completions(Completions),
    /// Write the files that are made of the program's own definitions.
    #[command(hide = true)]
    Generate(Generate),
    /// Serve the language server protocol on standard input and output.
    Lsp,
}

/// A policy and how findings in it are reported.
#[derive(Args)]
pub struct PolicyPaths {
    /// Policy files, directories (their own policy files), or `-` for standard input: together one policy.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Treat warnings as errors.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,
}

/// What `--deny` denies.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Every warning.
    Warnings,
}

/// How findings are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With the source, for people.
    Human,
    /// One line each: `path:line:column: severity[code]: message`.
    Short,
    /// One JSON object.
    Json,
    /// A SARIF 2.1.0 log, for code scanning.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}
