//! The way of events from the network to a balance, measured with a workload: rates, times, memory, disk.
//!
//! Each stage has a data directory of its own. Sender and daemon share the machine, as everything here does.

mod balances;
mod growth;
mod stages;

pub use growth::growth;

use std::fs;
use std::path::PathBuf;

use super::report::{Figure, Goal, Section};
use super::workload::{Size, Workload};
use super::yardsticks;
use super::{Settings, released};
use crate::command::{program, text};

/// Streams at a time.
const SENDERS: usize = 2;
/// Durable and charged, embedded.
const GOAL_CHARGED: f64 = 400_000.0;
/// The same, of what a bare segmented append with a set of ids does with the same bytes.
const GOAL_OF_APPEND: f64 = 0.85;

/// A workload that is measured, and what came of it so far.
struct Subject<'a> {
    settings: &'a Settings,
    workload: Workload,
    size: Size,
    directory: PathBuf,
    section: Section,
}

/// What is sent.
struct Input {
    registrations: Vec<u8>,
    /// A body for each sender.
    bodies: Vec<Vec<u8>>,
    /// Lines of all bodies: copies are lines too.
    lines: u64,
    /// All bodies one after the other.
    file: PathBuf,
    bytes: u64,
}

/// Measures a workload.
pub fn measure(workload: Workload, settings: &Settings) -> Result<Section, String> {
    let directory = settings.directory.join(workload.name());
    clear(&directory)?;
    let size = settings.size(workload);
    let title = format!(
        "{} events of {} users, seed {}, ending at {}",
        super::report::shown(size.events as f64),
        super::report::shown(size.users as f64),
        size.seed,
        size.ends
    );
    let section = Section::new(workload.name(), title);
    let mut subject = Subject { settings, workload, size, directory: directory.clone(), section };
    let measured = subject.all();
    // What was measured stands in the report; the data would fill the disk.
    clear(&directory)?;
    fs::remove_dir(&directory)
        .map_err(|error| format!("cannot remove `{}`: {error}", directory.display()))?;
    measured.map(|()| subject.section)
}

impl Subject<'_> {
    fn all(&mut self) -> Result<(), String> {
        self.compile("policy", self.workload.policy())?;
        self.compile("revised", &self.workload.revised())?;
        let input = self.input()?;
        self.limits(&input)?;
        let rate = self.taking_in(&input)?;
        self.asked_meanwhile(&input)?;
        self.half_load(&input, rate)?;
        drop(input.bodies);
        self.file_taken_in(&input.file, &input.registrations, input.lines)?;
        self.kept(&input.file, &input.registrations)
    }

    fn compile(&self, name: &str, policy: &str) -> Result<(), String> {
        let source = self.directory.join(format!("{name}.aquarium.yaml"));
        fs::write(&source, policy)
            .map_err(|error| format!("cannot write `{}`: {error}", source.display()))?;
        let arguments = ["compile", &text(&source), "-o", &text(&self.module(name)), "--format", "short"];
        let output = program(released("aquariumc"), &arguments).output();
        let output = output.map_err(|error| format!("`aquariumc` does not start: {error}"))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn module(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.wasm"))
    }

    /// Makes everything that is sent, and a file of the same.
    fn input(&self) -> Result<Input, String> {
        let bodies = self.workload.events(self.size).by_sender(SENDERS);
        let lines = bodies.iter().map(|body| memchr::memchr_iter(b'\n', body).count() as u64).sum();
        let file = self.directory.join("events.ndjson");
        let mut all = Vec::with_capacity(bodies.iter().map(Vec::len).sum());
        self.workload.events(self.size).for_each(|(_, line)| all.extend_from_slice(&line));
        fs::write(&file, &all).map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
        let registrations = self.workload.registrations(&self.size);
        Ok(Input { registrations, bodies, lines, file, bytes: all.len() as u64 })
    }

    /// What the machine can do with the same bytes at most.
    fn limits(&mut self, input: &Input) -> Result<(), String> {
        let size = input.bytes as f64 / input.lines.max(1) as f64;
        self.section.notes.push(format!("An event is a line of {size:.0} bytes on average."));
        if self.settings.without_yardsticks {
            return Ok(());
        }
        let arguments = ["path", &text(&input.file), &text(&self.directory)];
        self.section.figures.extend(yardsticks::figures(&arguments)?);
        Ok(())
    }

    /// The figure of all events through HTTP, with its goal.
    fn charged(&self, samples: Vec<f64>) -> Figure {
        let figure = Figure::new("lines over HTTP, durable and charged", "events/s", samples);
        match self.section.figure(yardsticks::APPEND) {
            Some(append) => {
                let goal = GOAL_CHARGED.min(append.median() * GOAL_OF_APPEND);
                figure.beside(append).goal(Goal::AtLeast(goal))
            }
            None => figure.goal(Goal::AtLeast(GOAL_CHARGED)),
        }
    }

    fn add(&mut self, figure: Figure) {
        println!("  {}: {} {}", figure.measured, super::report::shown(figure.median()), figure.unit);
        self.section.figures.push(figure);
    }

    /// An empty data directory.
    fn data(&self) -> Result<PathBuf, String> {
        let data = self.directory.join("data");
        clear(&data)?;
        Ok(data)
    }
}

/// Makes a directory empty.
fn clear(directory: &std::path::Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot clear `{}`: {error}", directory.display());
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(failed)?;
    }
    fs::create_dir_all(directory).map_err(failed)
}
