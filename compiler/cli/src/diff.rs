//! `aquariumc diff`: what changes in meaning from one policy to another, and what that costs whom.

mod effect;
mod json;
mod markdown;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aquarium_charging::Version;
use aquarium_ir::Policy;
use aquarium_ir::difference::Difference;
use aquarium_ir::difference::rows::{self, Section};
use clap::{Args, ValueEnum};

use crate::events::EventFile;
use crate::failure::{FINDINGS, Failure};
use crate::output;
use crate::version::{self, Loader};
use effect::Effect;

/// `aquariumc diff`
#[derive(Args)]
pub struct Diff {
    /// The policy as it was: a policy file, a directory of policy files, or a compiled module (`*.wasm`).
    pub old: PathBuf,
    /// The policy as it is to be.
    pub new: PathBuf,
    /// Event files, an event a line (NDJSON): charge them by both policies and tell the difference per user.
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,
    /// The instant up to which events are charged. Default: the greatest `occurredMillis` of the events.
    #[arg(long, value_name = "INSTANT", allow_negative_numbers = true, requires = "events")]
    pub at: Option<String>,
    /// How the differences are written.
    #[arg(long, value_enum, default_value_t = DiffFormat::Human)]
    pub format: DiffFormat,
    /// Exit with 1 where anything changes.
    #[arg(long)]
    pub exit_code: bool,
}

/// How the differences are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For the terminal.
    Human,
    /// Tables for a merge request.
    Markdown,
    /// One JSON object.
    Json,
}

/// Everything that is written.
struct Report {
    old: Arc<Policy>,
    new: Arc<Policy>,
    difference: Difference,
    sections: Vec<Section>,
    effect: Option<Effect>,
}

/// Compares the policies.
pub fn run(arguments: &Diff) -> Result<ExitCode, Failure> {
    let (old, new, effect) = if arguments.events.is_empty() {
        let Ok(old) = version::policy(&arguments.old)? else { return Ok(ExitCode::from(FINDINGS)) };
        let Ok(new) = version::policy(&arguments.new)? else { return Ok(ExitCode::from(FINDINGS)) };
        (Arc::new(old), Arc::new(new), None)
    } else {
        let loader = Loader::new()?;
        let Ok(old) = loader.load(&arguments.old)? else { return Ok(ExitCode::from(FINDINGS)) };
        let Ok(new) = loader.load(&arguments.new)? else { return Ok(ExitCode::from(FINDINGS)) };
        let policies = (Arc::clone(&old.policy), Arc::clone(&new.policy));
        (policies.0, policies.1, Some(replay(arguments, old, new)?))
    };
    let difference = Difference::between(&old, &new);
    let sections = rows::sections(&difference, &old, &new);
    let report = Report { old, new, difference, sections, effect };
    write(&report, arguments.format)?;
    let differs = !report.difference.is_empty();
    Ok(ExitCode::from(if arguments.exit_code && differs { FINDINGS } else { 0 }))
}

fn replay(arguments: &Diff, old: Version, new: Version) -> Result<Effect, Failure> {
    let at = crate::events::instant("--at", arguments.at.as_deref(), &new.policy.zone)?;
    let files = arguments.events.iter().map(|path| EventFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    effect::replay(old, new, &files, at).map_err(Failure::Defect)
}

fn write(report: &Report, format: DiffFormat) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match format {
        DiffFormat::Human => text::write(&mut out, report, output::width())?,
        DiffFormat::Markdown => markdown::write(&mut out, report)?,
        DiffFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &json::render(report)).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(out.flush()?)
}
