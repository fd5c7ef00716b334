//! A daemon on data of its own, as it is released: started, asked, weighed and stopped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::client::{Connection, order};
use super::released;
use crate::command::{Outcome, program, text};

/// The kernel tells processor times in hundredths of a second.
const SECONDS_PER_TICK: f64 = 0.01;
/// Between two looks at how far charging is: each takes the daemon some tens of microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(900);

/// A daemon that runs, and ends with this value.
pub struct Daemon {
    child: Child,
    /// Where it listens.
    pub address: String,
    data: PathBuf,
}

impl Daemon {
    /// Starts one; it takes requests when this returns.
    pub fn start(data: &Path, module: &Path, clock: &str) -> Result<Self, String> {
        let (at, policy) = (text(data), text(module));
        let arguments = [
            "serve",
            "--data",
            &at,
            "--policy",
            &policy,
            "--listen",
            "127.0.0.1:0",
            "--clock",
            clock,
            "--log-level",
            "warn",
        ];
        let mut child = program(released("aquariumd"), &arguments)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`aquariumd` does not start: {error}"))?;
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        let address = lines
            .into_iter()
            .flatten()
            .find_map(|line| line.ok()?.strip_prefix("listening on http://").map(str::to_owned));
        match address {
            Some(address) => Ok(Self { child, address, data: data.to_owned() }),
            None => Err("the daemon does not listen".to_owned()),
        }
    }

    /// Looks until nothing that is durable is left to be charged.
    pub fn wait_until_charged(&self) -> Outcome {
        self.wait_for("\naquarium_fold_lag_records 0\n", "charging")
    }

    /// Looks until nobody is charged again because of a deployment.
    pub fn wait_until_rerated(&self) -> Outcome {
        self.wait_for("\naquarium_rerating 0\n", "charging anew")
    }

    fn wait_for(&self, metric: &str, what: &str) -> Outcome {
        let mut connection = Connection::open(&self.address)?;
        let begun = Instant::now();
        while !connection.get("/metrics")?.contains(metric) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("{what} does not come to an end"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Bytes of memory that it holds.
    pub fn resident(&self) -> Result<u64, String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.map_err(|error| format!("its memory cannot be read: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.map(|kibibytes| kibibytes * 1_024).ok_or_else(|| "its memory is not told".to_owned())
    }

    /// Seconds of processor time that it has taken so far: other work on the machine hardly changes them.
    pub fn processor_seconds(&self) -> Result<f64, String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.map_err(|error| format!("its processor time cannot be read: {error}"))?;
        // After the name, which ends with the last bracket: user and system time are the 12th and 13th.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(ticks as f64 * SECONDS_PER_TICK)
    }

    /// Sets a manual clock forward.
    pub fn set_clock(&self, now: i64) -> Outcome {
        order(&self.data.join("admin.sock"), "/clock", &format!("{{\"now\":{now}}}"))
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(mut self) -> Outcome {
        let process = self.child.id().to_string();
        let told = program("kill", &["-TERM", &process]).status();
        let ended = self.child.wait().map_err(|error| error.to_string())?;
        if told.is_ok_and(|told| told.success()) && ended.success() {
            return Ok(());
        }
        Err(format!("the daemon did not end well: {ended}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a released program to its end; gives its wall and processor time in seconds, its own children's included.
pub fn timed(name: &str, arguments: &[&str]) -> Result<(f64, f64), String> {
    let before = children_seconds()?;
    let begun = Instant::now();
    let output = program(released(name), arguments)
        .output()
        .map_err(|error| format!("`{name}` does not start: {error}"))?;
    let wall = begun.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok((wall, children_seconds()? - before))
}

/// Processor time of children that have ended.
fn children_seconds() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(ticks as f64 * SECONDS_PER_TICK)
}

/// Bytes of the files below a directory whose paths are wanted.
pub fn bytes_below(directory: &Path, wanted: &dyn Fn(&Path) -> bool) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path(), wanted),
            Ok(metadata) if wanted(&entry.path()) => metadata.len(),
            _ => 0,
        })
        .sum()
}
