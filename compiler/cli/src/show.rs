//! `aquariumc show`: what an agreement asks at an instant, the chain that gave it, and the week as a grid.

mod answer;
mod grid;
mod json;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use aquarium_compiler::Analysis;
use aquarium_ir::time::{WrittenInstant, Zone};
use aquarium_ir::{Millis, Policy};
use clap::{Args, ValueEnum};

use crate::failure::{FINDINGS, Failure};
use crate::{inputs, names, output, report};
use answer::Answer;
use report::Places;

/// `aquariumc show`
#[derive(Args)]
pub struct Show {
    /// The name of the agreement.
    pub agreement: String,
    /// Policy files, directories (their own policy files), or `-` for standard input: together one policy.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy's
    /// zone where it names none. Default: now.
    #[arg(long, value_name = "INSTANT", allow_negative_numbers = true)]
    pub at: Option<String>,
    /// Only this resource; may be repeated.
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<String>,
    /// Also what was proven about each expression: values, steps, and the arithmetic it needs.
    #[arg(long)]
    pub bounds: bool,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = ShowFormat::Human)]
    pub format: ShowFormat,
}

/// How the answer is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// Chains and grids, for people.
    Human,
    /// One JSON object.
    Json,
}

/// Shows the agreement.
pub fn run(arguments: &Show) -> Result<ExitCode, Failure> {
    let inputs = inputs::read(&arguments.paths)?;
    let mut analysis = aquarium_compiler::analyze(inputs.files);
    report::write_errors(&mut analysis, &inputs.directory)?;
    let Some(policy) = analysis.policy() else { return Ok(ExitCode::from(FINDINGS)) };
    let at = instant(arguments.at.as_deref(), &analysis.zone)?;
    let answer = answer(arguments, &analysis, policy, at, Places::new(&analysis, &inputs.directory))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match arguments.format {
        ShowFormat::Human => text::write(&mut out, &answer, arguments.bounds, output::width())?,
        ShowFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &json::render(&answer, arguments.bounds))
                .map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn answer<'a>(
    arguments: &Show,
    analysis: &'a Analysis,
    policy: &'a Policy,
    at: Millis,
    places: Places<'a>,
) -> Result<Answer<'a>, Failure> {
    let known = policy.agreements.iter().map(|agreement| agreement.name.as_str());
    names::known("agreement", &arguments.agreement, known)?;
    for resource in &arguments.resources {
        let known = policy.resources.iter().map(|resource| resource.name.as_str());
        names::known("resource", resource, known)?;
    }
    let wanted: Vec<&str> = arguments.resources.iter().map(String::as_str).collect();
    Answer::new(analysis, policy, &arguments.agreement, &wanted, at, places)
        .ok_or_else(|| Failure::Defect(format!("agreement `{}` was not compiled", arguments.agreement)))
}

/// The instant that `--at` names; without it the clock's.
fn instant(text: Option<&str>, zone: &Zone) -> Result<Millis, Failure> {
    let Some(text) = text else { return Ok(now()) };
    let written = WrittenInstant::read(text, zone);
    written.map(|written| written.instant).map_err(|error| Failure::Use(format!("`--at`: {error}")))
}

fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(Millis::LIMIT.0))
}
