//! The machine on which something was measured, and what else it did.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::report::{quantile, shown};
use crate::command::program;

/// Writes by which the disk's latency is measured.
const SYNCS: usize = 300;
/// What is written at once, and how often, for the disk's rate.
const BLOCK_BYTES: usize = 1 << 20;
const BLOCKS: usize = 512;

/// What a reader has to know to compare.
pub struct Machine {
    facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks at the machine; the disk is that of the directory.
    pub fn look(directory: &Path) -> Result<Self, String> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = field(&read("/proc/cpuinfo"), "model name");
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        let disk = disk(directory).map_err(|error| format!("the disk cannot be measured: {error}"))?;
        let facts = vec![
            ("processor", format!("{cpu}, {cores} cores")),
            ("memory", memory),
            ("disk", disk),
            ("kernel", kernel),
            ("rustc", version_of("rustc")),
            ("commit", commit()),
            ("load before", load()),
        ];
        Ok(Self { facts })
    }

    /// Notes the load when a part is done; that of the last one stays.
    pub fn done(&mut self) {
        self.facts.retain(|(name, _)| *name != "load after");
        self.facts.push(("load after", load()));
    }

    /// As a table.
    pub fn markdown(&self) -> String {
        let rows: String = self.facts.iter().map(|(name, fact)| format!("| {name} | {fact} |\n")).collect();
        format!("| | |\n|---|---|\n{rows}")
    }

    /// As members.
    pub fn json(&self) -> Value {
        let members = self.facts.iter().map(|(name, fact)| ((*name).to_owned(), json!(fact)));
        Value::Object(members.collect())
    }
}

/// The averages of a minute, of five, and of a quarter of an hour.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn field(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or_else(
        || "not told".to_owned(),
        |line| line.trim_start_matches([' ', '\t', ':']).trim().to_owned(),
    )
}

fn version_of(name: &str) -> String {
    let output = program(name, &["--version"]).output();
    output.map_or_else(
        |_| "not told".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn commit() -> String {
    let output = program("git", &["rev-parse", "--short", "HEAD"]).output();
    output.map_or_else(
        |_| "not told".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// How fast it writes one after the other, and how long it takes to make a little durable.
fn disk(directory: &Path) -> std::io::Result<String> {
    let path = directory.join("disk");
    let mut file = fs::File::create(&path)?;
    let block = vec![7; BLOCK_BYTES];
    let begun = Instant::now();
    for _ in 0..BLOCKS {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    let rate = (BLOCKS * BLOCK_BYTES) as f64 / 1e6 / begun.elapsed().as_secs_f64();
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    drop(file);
    fs::remove_file(path)?;
    let [middle, high] = [50, 99].map(|share| shown(quantile(&times, share)));
    Ok(format!("{rate:.0} MB/s in sequence; 4 KiB appended and synchronized: p50 {middle} ms, p99 {high} ms"))
}
