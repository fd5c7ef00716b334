//! What can be counted, in the text format of Prometheus.

use std::fmt::{Error, Write as _};

use crate::daemon::Daemon;

/// A metric: its samples, each with its labels.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Vec<(String, u64)>,
}

impl Metric {
    fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, kind: "gauge", help, samples: vec![(String::new(), value)] }
    }

    fn counter(name: &'static str, help: &'static str, samples: Vec<(String, u64)>) -> Self {
        Self { name, kind: "counter", help, samples }
    }

    fn labelled(name: &'static str, help: &'static str, samples: Vec<(String, u64)>) -> Self {
        Self { name, kind: "gauge", help, samples }
    }
}

/// Everything that can be counted.
pub fn text(daemon: &Daemon) -> Result<String, Error> {
    let mut text = String::new();
    for Metric { name, kind, help, samples } in all(daemon) {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for (labels, value) in samples {
            writeln!(text, "{name}{labels} {value}")?;
        }
    }
    Ok(text)
}

fn all(daemon: &Daemon) -> Vec<Metric> {
    let statistics = daemon.log.statistics();
    let outcomes = daemon.ingest.counts();
    let outcomes = outcomes.iter().map(|(outcome, count)| (label("outcome", outcome), *count)).collect();
    let reasons = daemon.registry.known().quarantine.counts();
    let reasons = reasons.iter().map(|(reason, count)| (label("reason", reason.as_str()), *count)).collect();
    let components = daemon.components.report();
    let restarts = components.iter().map(|it| (label("component", &it.name), it.restarts)).collect();
    vec![
        Metric::counter("aquarium_messages_total", "Messages that arrived, by outcome.", outcomes),
        Metric::gauge("aquarium_log_records", "Records in the log.", statistics.records),
        Metric::gauge("aquarium_log_bytes", "Bytes of the log.", statistics.bytes),
        Metric::gauge("aquarium_log_segments", "Segments of the log.", statistics.segments),
        Metric::labelled("aquarium_quarantined", "Refused input that is listed, by reason.", reasons),
        Metric::counter("aquarium_component_restarts_total", "Restarts after failures.", restarts),
    ]
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}
