//! What takes a server of another kind: its tests have one, and compare with the least that it can be asked to do.

use super::released;
use super::report::Section;
use crate::command::{cargo, text};

/// Messages of a round with a broker: some seconds' worth.
const QUEUE_MESSAGES: &str = "60000";
/// Records of a round with PostgreSQL.
const STORE_RECORDS: &str = "300000";
/// Events and rounds of one node and of two, in turn.
const CLUSTER_EVENTS: &str = "200000";
const CLUSTER_ROUNDS: &str = "5";
/// Enough to see that it works.
const QUICK: &str = "5000";

/// A test that compares, and what it is told.
struct Comparison<'a> {
    name: &'a str,
    title: &'a str,
    test: [&'a str; 2],
    told: Vec<(&'a str, String)>,
    /// What the lines begin with that are figures.
    mark: String,
}

/// Messages in from a broker, beside a client that does nothing but acknowledge them.
pub fn queue(quick: bool) -> Result<Section, String> {
    let count = if quick { QUICK } else { QUEUE_MESSAGES };
    compared(&Comparison {
        name: "queue",
        title: "messages from RabbitMQ, beside a bare consumer",
        test: ["processes", "queue::speed"],
        told: vec![
            ("AQUARIUM_BENCH_PROGRAM", text(&released("aquariumd"))),
            ("AQUARIUM_BENCH_MESSAGES", count.to_owned()),
        ],
        mark: format!("{count} messages"),
    })
}

/// Records into PostgreSQL, beside COPY and ON CONFLICT.
pub fn postgres(quick: bool) -> Result<Section, String> {
    let count = if quick { QUICK } else { STORE_RECORDS };
    compared(&Comparison {
        name: "postgres",
        title: "records into PostgreSQL, beside the least it can be asked",
        test: ["postgres", "speed"],
        told: vec![("AQUARIUM_BENCH_RECORDS", count.to_owned())],
        mark: format!("{count} records"),
    })
}

/// What two nodes on one PostgreSQL charge, beside what one does.
pub fn cluster(quick: bool) -> Result<Section, String> {
    let (count, rounds) = if quick { (QUICK, "1") } else { (CLUSTER_EVENTS, CLUSTER_ROUNDS) };
    let told = vec![
        ("AQUARIUM_BENCH_PROGRAM", text(&released("aquariumd"))),
        ("AQUARIUM_BENCH_EVENTS", count.to_owned()),
        ("AQUARIUM_BENCH_ROUNDS", rounds.to_owned()),
    ];
    compared(&Comparison {
        name: "cluster",
        title: "two nodes on one PostgreSQL, beside one",
        test: ["processes", "cluster::speed"],
        told,
        mark: format!("{count} events"),
    })
}

/// Runs the test, and takes up the lines that it prints.
fn compared(comparison: &Comparison<'_>) -> Result<Section, String> {
    let [target, test] = comparison.test;
    let mut command = cargo(&["test", "--quiet", "--workspace", "--test", target, test, "--", "--nocapture"]);
    command.envs(comparison.told.iter().map(|(name, value)| (name, value)));
    let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut section = Section::new(comparison.name, comparison.title);
    let mark = comparison.mark.as_str();
    let figures = said.lines().filter_map(|line| line.find(mark).and_then(|start| line.get(start..)));
    section.notes.extend(figures.map(str::to_owned));
    if section.notes.is_empty() {
        return Err(format!("no figure was printed: {said}"));
    }
    section.notes.push("What runs inside of the test has less optimisation than a release.".to_owned());
    Ok(section)
}
