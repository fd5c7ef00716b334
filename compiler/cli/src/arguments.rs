//! The command line's definition: help texts, completions and man pages come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The compiler of the Aquarium policy language.
#[derive(Parser)]
#[command(name = "aquariumc", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Subcommand)]
pub enum Verb {
    /// Run all static checks.
    Check(Check),
    /// Check, then write the WebAssembly charging module.
    Compile(Compile),
    /// Explain a finding: what it means, why it matters, an example, the fix.
    Explain(Explain),
    /// Charge recorded events offline, with the same fold as the daemon.
    Simulate(Simulate),
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
    /// Workflow commands of GitHub Actions.
    Github,
}

/// `aquariumc check`
#[derive(Args)]
pub struct Check {
    /// What to check.
    #[command(flatten)]
    pub policy: PolicyPaths,
}

/// `aquariumc compile`
#[derive(Args)]
pub struct Compile {
    /// What to compile.
    #[command(flatten)]
    pub policy: PolicyPaths,
    /// Where to write; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "policy.wasm")]
    pub output: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Emit::Wasm)]
    pub emit: Emit,
    /// Use plain 64-bit instructions only, for engines without wide arithmetic.
    #[arg(long)]
    pub no_wide_arithmetic: bool,
}

/// What `compile` writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// The module.
    Wasm,
    /// The module as text.
    Wat,
    /// The typed intermediate representation as JSON.
    Ir,
}

/// `aquariumc explain`
#[derive(Args)]
pub struct Explain {
    /// A code (`AQ0401`) or a lint's name (`coverage-gap`); without it, the list of all.
    pub code: Option<String>,
}

/// `aquariumc simulate`
#[derive(Args)]
pub struct Simulate {
    /// A policy file, a directory of policy files, or a compiled module (`*.wasm`).
    pub policy: PathBuf,
    /// Event files, an event a line (NDJSON); `-` is standard input.
    #[arg(required = true)]
    pub events: Vec<PathBuf>,
    /// The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy's
    /// zone where it names none. Default: the greatest `occurredMillis` of the events.
    #[arg(long, value_name = "INSTANT", allow_negative_numbers = true)]
    pub at: Option<String>,
    /// Only what had been received up to then.
    #[arg(long, value_name = "INSTANT", allow_negative_numbers = true)]
    pub known: Option<String>,
    /// Only this user.
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Another version of the policy and when it holds; may be repeated, in order of deployment.
    #[arg(long, value_name = "POLICY@FROM[..TO]")]
    pub deploy: Vec<String>,
    /// Also the bills of a month.
    #[arg(long, value_name = "YYYY-MM")]
    pub bills: Option<String>,
    /// Also how an entry came about.
    #[arg(long, value_name = "ENTRY")]
    pub explain: Option<String>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = SimulateFormat::Human)]
    pub format: SimulateFormat,
    /// The number of entries instead of the entries.
    #[arg(long)]
    pub summary: bool,
}

/// How a simulation's result is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimulateFormat {
    /// A table, for people.
    Human,
    /// One JSON object.
    Json,
}
