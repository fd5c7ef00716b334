//! Rounds, and what is told of them.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// A figure, as a line of JSON.
#[derive(Serialize)]
pub struct Figure<'a> {
    pub measured: &'a str,
    pub unit: &'a str,
    pub samples: Vec<f64>,
    /// What was told before, and this is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_at_least: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

impl<'a> Figure<'a> {
    pub fn new(measured: &'a str, unit: &'a str, samples: Vec<f64>) -> Self {
        Self {
            measured,
            unit,
            samples,
            beside: None,
            part_at_least: None,
            part_at_most: None,
            at_least: None,
        }
    }

    pub fn tell(&self) -> Result<(), serde_json::Error> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Seconds of processor time of this thread: what other programs do hardly counts.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds of processor time of each round, after one that is not counted.
pub fn processor_rounds(rounds: usize, mut work: impl FnMut()) -> Vec<f64> {
    work();
    let round = |_| {
        let begun = processor_seconds();
        work();
        processor_seconds() - begun
    };
    (0..rounds).map(round).collect()
}

/// Seconds of wall time of each round.
pub fn wall_rounds<E>(rounds: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    let round = |_| {
        let begun = Instant::now();
        work()?;
        Ok(begun.elapsed().as_secs_f64())
    };
    (0..rounds).map(round).collect()
}
