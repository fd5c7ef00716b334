//! What the product is measured against: a program of a workspace of its own, whose figures are taken up as they are.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::report::{Figure, Goal, Section};
use crate::command::{Outcome, cargo, program, run};

/// A segmented append of the same lines with a set of their ids.
pub const APPEND: &str = "bare segmented append with a set of ids";
/// What answers requests and does nothing else.
pub const HANDLER: &str = "an empty axum handler, asked the same";

/// A figure as the program tells it.
#[derive(Deserialize)]
struct Told {
    measured: String,
    unit: String,
    samples: Vec<f64>,
    #[serde(default)]
    beside: Option<String>,
    #[serde(default)]
    part_at_least: Option<f64>,
    #[serde(default)]
    part_at_most: Option<f64>,
    #[serde(default)]
    at_least: Option<f64>,
}

/// Builds the program.
pub fn build() -> Outcome {
    let manifest = ["--manifest-path", "yardsticks/Cargo.toml", "--target-dir", "target"];
    run(cargo(&[&["build", "--quiet", "--release", "--locked"][..], &manifest[..]].concat()))
}

fn command(arguments: &[&str]) -> Command {
    program(crate::root().join("target/release/aquarium-yardsticks"), arguments)
}

/// Runs it; a figure is a line of JSON.
pub fn figures(arguments: &[&str]) -> Result<Vec<Figure>, String> {
    let output = command(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("the yardsticks do not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("the yardsticks failed: {}", output.status));
    }
    let mut figures: Vec<Figure> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let told: Told = serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}"))?;
        let figure = taken_up(told, &figures);
        println!("  {}: {} {}", figure.measured, super::report::shown(figure.median()), figure.unit);
        figures.push(figure);
    }
    Ok(figures)
}

fn taken_up(told: Told, before: &[Figure]) -> Figure {
    let goals = [
        told.at_least.map(Goal::AtLeast),
        told.part_at_least.map(Goal::PartAtLeast),
        told.part_at_most.map(Goal::PartAtMost),
    ];
    let beside = told.beside.and_then(|name| before.iter().find(|figure| figure.measured == name));
    let beside = beside.map(|figure| (figure.measured.clone(), figure.median()));
    let goal = goals.into_iter().flatten().next();
    Figure { measured: told.measured, unit: unit(&told.unit), samples: told.samples, goal, beside }
}

/// Units are few.
fn unit(name: &str) -> &'static str {
    ["ns", "µs", "ms", "s", "events/s", "events/s/core", "MB/s"]
        .into_iter()
        .find(|unit| *unit == name)
        .unwrap_or("")
}

/// The same fold with different charges, and charges beside those of interpreters.
pub fn section(quick: bool) -> Result<Section, String> {
    let mut section = Section::new("charges", "the fold and its charges, beside what others evaluate");
    let rounds = if quick { "3" } else { "15" };
    section.figures = figures(&["charges", rounds])?;
    section.figures.extend(figures(&["fold", rounds])?);
    section.notes.push(
        "Processor time of one thread; the least of all rounds is what other work disturbs least.".into(),
    );
    Ok(section)
}

/// A server whose handler does nothing.
pub struct Handler {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Handler {
    /// Starts one.
    pub fn start() -> Result<Self, String> {
        let child = command(&["handler"]).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("the yardsticks do not start: {error}"))?;
        let mut address = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut address).map_err(|error| error.to_string())?;
        }
        Ok(Self { child, address: address.trim().to_owned() })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
