//! One command that measures everything: seeded workloads, what bounds them on the same machine, and a report.

mod client;
mod commands;
mod console;
mod daemon;
mod editors;
mod machine;
mod path;
mod plot;
mod policies;
mod report;
mod scaling;
mod servers;
mod workload;
mod yardsticks;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use crate::command::{Outcome, cargo, program, run, text};
use report::Section;
use workload::{Size, Workload};

/// What is measured, and how much of it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only these parts; otherwise all but `growth`
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// A little of everything: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Times that each rate is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seed of the workloads: the same seed, sizes and end give the same bytes
    #[arg(long, default_value_t = 2012)]
    seed: u64,
    /// Events of a workload; otherwise a million
    #[arg(long)]
    events: Option<u64>,
    /// Users of a workload; otherwise as many as it is made for
    #[arg(long)]
    users: Option<u64>,
    /// When the workloads end, in milliseconds since 1970; otherwise the last full hour
    #[arg(long)]
    ends: Option<i64>,
    /// Leave out what the product is compared with, which takes minutes to build
    #[arg(long)]
    without_yardsticks: bool,
    /// Use the programs in target/release as they are
    #[arg(long)]
    built: bool,
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// 5 resources, 1,000 users, random events
    Paper,
    /// 100,000 users, 20 resources, late events and duplicates
    Cloud,
    /// A user whom half of all events are about
    Meter,
    /// A million users with two open instances each, and a month end
    Idle,
    /// The fold with different charges; charges beside those of interpreters
    Charges,
    /// Messages in from a broker, beside a client that only acknowledges
    Queue,
    /// Records into PostgreSQL, beside COPY
    Postgres,
    /// Two nodes on one PostgreSQL, beside one
    Cluster,
    /// Whole runs of the command lines
    Commands,
    /// Pages of the console
    Console,
    /// The compiler by the size of a policy
    Compiler,
    /// The language server beside one for YAML
    Editors,
    /// The way of events by their number: whether it grows linearly
    Growth,
}

/// What parts have to know.
struct Settings {
    quick: bool,
    rounds: usize,
    seed: u64,
    events: Option<u64>,
    users: Option<u64>,
    ends: i64,
    without_yardsticks: bool,
    directory: PathBuf,
}

const HOUR: i64 = 3_600_000;

impl Settings {
    fn size(&self, workload: Workload) -> Size {
        let (events, users) = workload.size(self.quick);
        let users = self.users.unwrap_or(users);
        let events = if workload == Workload::Idle { users * 2 } else { self.events.unwrap_or(events) };
        Size { seed: self.seed, events, users, ends: self.ends }
    }
}

/// Measures, prints each part when it is done, and writes the report.
pub fn run_all(options: &Options) -> Outcome {
    if !options.built {
        build(options)?;
    }
    if cfg!(debug_assertions) {
        return as_released(options);
    }
    let directory = crate::root().join("target/bench");
    fs::create_dir_all(&directory).map_err(|error| format!("no room for data: {error}"))?;
    let mut machine = machine::Machine::look(&directory)?;
    let settings = Settings {
        quick: options.quick,
        rounds: if options.quick { 1 } else { options.rounds.max(1) },
        seed: options.seed,
        events: options.events,
        users: options.users,
        ends: options.ends.unwrap_or_else(|| now() / HOUR * HOUR),
        without_yardsticks: options.without_yardsticks,
        directory: directory.clone(),
    };
    let mut sections = Vec::new();
    let mut failures = Vec::new();
    for part in options.parts() {
        let begun = Instant::now();
        println!("\n== {part:?} (load {})", machine::load());
        match measure(part, &settings) {
            Ok(section) => {
                println!("\n{}\n({:.0} s)", section.markdown(), begun.elapsed().as_secs_f64());
                sections.push(section);
            }
            Err(error) => failures.push(format!("{part:?}: {error}")),
        }
        machine.done();
        report::write(&directory, &machine, &sections)?;
    }
    println!("\nwritten: {}", text(&directory.join("report.md")));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

impl Options {
    fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants().iter().copied();
        let wanted = |part: &Part| match self.only.as_slice() {
            [] => *part != Part::Growth && !(self.without_yardsticks && *part == Part::Charges),
            only => only.contains(part),
        };
        all.filter(wanted).collect()
    }
}

fn measure(part: Part, settings: &Settings) -> Result<Section, String> {
    let directory = &settings.directory;
    match part {
        Part::Paper => path::measure(Workload::Paper, settings),
        Part::Cloud => path::measure(Workload::Cloud, settings),
        Part::Meter => path::measure(Workload::Meter, settings),
        Part::Idle => path::measure(Workload::Idle, settings),
        Part::Charges => yardsticks::section(settings.quick),
        Part::Queue => servers::queue(settings.quick),
        Part::Postgres => servers::postgres(settings.quick),
        Part::Cluster => servers::cluster(settings.quick),
        Part::Commands => commands::section(directory, settings.quick),
        Part::Console => console::section(directory, settings.quick),
        Part::Compiler => scaling::section(directory, settings.quick),
        Part::Editors => editors::section(settings.quick),
        Part::Growth => path::growth(settings),
    }
}

/// Builds what is measured, as it is released: all at once, so that it is one set of features.
fn build(options: &Options) -> Outcome {
    let packages = ["-p", "aquariumd", "-p", "aquariumc", "-p", "aquarium-lsp", "-p", "xtask"];
    run(cargo(&[&["build", "--quiet", "--release", "--locked"][..], &packages[..]].concat()))?;
    if options.without_yardsticks { Ok(()) } else { yardsticks::build() }
}

/// The same command by a program that is optimised: it shares the processor with what it measures.
fn as_released(options: &Options) -> Outcome {
    if options.built && !released("xtask").exists() {
        return Err("there is no `target/release/xtask`: leave `--built` out once".to_owned());
    }
    let mut command = program(released("xtask"), &[]);
    command.args(std::env::args_os().skip(1));
    if !options.built {
        command.arg("--built");
    }
    Err(format!("`{}` does not start: {}", text(&released("xtask")), command.exec()))
}

/// A program as it is released.
fn released(name: &str) -> PathBuf {
    crate::root().join("target/release").join(name)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
