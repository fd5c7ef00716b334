//! `aquariumc simulate`.

mod bill;
pub mod explanation;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use aquarium_charging::simulate::{Entries, Options, Report, simulate};
use aquarium_charging::{Deployments, Span, Version};
use aquarium_ir::Millis;
use aquarium_ir::time::{Month, Zone};
use clap::{Args, ValueEnum};

use crate::events::{self, EventFile, instant};
use crate::failure::Failure;
use crate::version::{Loaded, Loader};

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
    /// Also the credit events: when each balance came to stand above, or at or below, the user's threshold.
    #[arg(long)]
    pub credit_events: bool,
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

/// Charges the events and writes balances.
pub fn run(arguments: &Simulate) -> Result<ExitCode, Failure> {
    let loader = Loader::new()?;
    let first = match loader.load(&arguments.policy)? {
        Ok(version) => version,
        Err(code) => return Ok(code),
    };
    let zone = first.policy.zone.clone();
    let deployments = match deploy(&loader, first, &arguments.deploy, &zone)? {
        Ok(deployments) => deployments,
        Err(code) => return Ok(code),
    };
    let options = Options {
        at: instant("--at", arguments.at.as_deref(), &zone)?,
        known: instant("--known", arguments.known.as_deref(), &zone)?,
        user: arguments.user.as_deref(),
        summary: arguments.summary || arguments.format == SimulateFormat::Human,
        bills: arguments.bills.as_deref().map(month).transpose()?,
        explain: arguments.explain.as_deref(),
        open: false,
        derivations: false,
        credit_events: arguments.credit_events,
    };
    let files = arguments.events.iter().map(|path| EventFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let report = simulate(&deployments, files.iter().flat_map(EventFile::lines), &options);
    write(&report, arguments.format, &zone)?;
    match &arguments.explain {
        Some(entry) if report.explained.is_none() => {
            Err(Failure::Use(format!("there is no entry `{entry}` at {}", report.at)))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// The first version, then the others in order.
fn deploy(
    loader: &Loader,
    first: Version,
    others: &[String],
    zone: &Zone,
) -> Result<Result<Deployments, ExitCode>, Failure> {
    let mut deployments = Deployments::single(first);
    for argument in others {
        let (path, span) = deployment(argument, zone)?;
        let version: Loaded = loader.load(&path)?;
        let Ok(version) = version else { return Ok(version.map(|_| deployments)) };
        deployments
            .deploy(version, span)
            .map_err(|refusal| Failure::Use(format!("cannot deploy `{argument}`: {refusal}")))?;
    }
    Ok(Ok(deployments))
}

/// `POLICY@FROM[..TO]`
fn deployment(argument: &str, zone: &Zone) -> Result<(PathBuf, Span), Failure> {
    let form = || Failure::Use(format!("`--deploy {argument}`: write `POLICY@FROM` or `POLICY@FROM..TO`"));
    let (path, span) = argument.rsplit_once('@').ok_or_else(form)?;
    let (from, to) = span.split_once("..").map_or((span, None), |(from, to)| (from, Some(to)));
    let from = instant("--deploy", Some(from), zone)?.ok_or_else(form)?;
    let to = instant("--deploy", to, zone)?.unwrap_or(Millis::MAX);
    Ok((PathBuf::from(path), Span { to, ..Span::from(from) }))
}

fn month(text: &str) -> Result<Month, Failure> {
    events::month(text)
        .ok_or_else(|| Failure::Use(format!("`--bills {text}`: write `YYYY-MM`, such as `2011-11`")))
}

fn write(report: &Report, format: SimulateFormat, zone: &Zone) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match format {
        SimulateFormat::Json => {
            serde_json::to_writer(&mut out, report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        SimulateFormat::Human => {
            write_table(&mut out, report)?;
            write_credit_events(&mut out, report, zone)?;
            for bill in report.bills.iter().flat_map(|bills| bills.values()) {
                bill::write(&mut out, bill, zone)?;
            }
            if let Some(derivation) = &report.explained {
                explanation::write(&mut out, derivation, zone)?;
            }
        }
    }
    Ok(out.flush()?)
}

/// A line per user, then what was set aside.
fn write_table(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let width = report.users.keys().map(|user| user.chars().count()).max().unwrap_or(0).max("user".len());
    writeln!(
        out,
        "{:width$}  {:>18}  {:>18}  {:>18}  {:>18}  entries",
        "user", "refilled", "charged", "accrued", "balance"
    )?;
    for (user, state) in &report.users {
        let figures =
            [state.refilled, state.charged, state.accrued, state.balance].map(|credits| credits.to_string());
        let [refilled, charged, accrued, balance] = figures;
        let entries = match &state.entries {
            Entries::Count(count) => *count,
            Entries::List(entries) => entries.len(),
        };
        writeln!(
            out,
            "{user:width$}  {refilled:>18}  {charged:>18}  {accrued:>18}  {balance:>18}  {entries:>7}"
        )?;
    }
    writeln!(out, "{} users at {}, {} duplicates", report.users.len(), report.at, report.duplicates)?;
    for aside in &report.quarantined {
        let file = aside.file.as_deref().unwrap_or("-");
        writeln!(out, "{file}:{}: {}: {}", aside.line.unwrap_or(0), aside.reason, aside.message)?;
    }
    Ok(())
}

/// A line per credit event, by user.
fn write_credit_events(out: &mut impl Write, report: &Report, zone: &Zone) -> std::io::Result<()> {
    for (user, state) in &report.users {
        let Some(events) = &state.credit_events else { continue };
        writeln!(out, "\ncredit events of {user}")?;
        for event in events {
            let side = if event.state { "above" } else { "at or below" };
            let (at, balance, threshold) = (zone.format(event.occurred), event.balance, event.threshold);
            writeln!(out, "  {at}  balance {balance} is {side} the threshold {threshold}")?;
        }
    }
    Ok(())
}
