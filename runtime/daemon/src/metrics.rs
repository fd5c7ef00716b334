//! What can be counted, in the text format of Prometheus.

use std::fmt::{Error, Write as _};

use aquarium_ir::Millis;
use aquarium_store::Position;

use crate::component::Report;
use crate::daemon::Daemon;
use crate::queue::Source;

/// A metric: its samples, each with its labels.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Samples,
}

/// Labels and what they count.
type Samples = Vec<(String, u64)>;

impl Metric {
    fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, kind: "gauge", help, samples: vec![(String::new(), value)] }
    }

    fn counter(name: &'static str, help: &'static str, samples: Samples) -> Self {
        Self { name, kind: "counter", help, samples }
    }

    fn labelled(name: &'static str, help: &'static str, samples: Samples) -> Self {
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
    let probed = |probe: fn(&Report) -> Option<u64>| -> Samples {
        let sample = |report: &Report| Some((label("component", &report.name), probe(report)?));
        components.iter().filter_map(sample).collect()
    };
    let gauges = daemon.shards.gauges();
    let folded = gauges.iter().map(|shard| shard.cursor()).min().unwrap_or_default();
    let aside = gauges.iter().map(|shard| shard.aside()).sum();
    let now = daemon.clock.now();
    let timer_lag = gauges.iter().map(|shard| positive(now.0.saturating_sub(shard.timer().0))).max();
    let mut all = vec![
        Metric::counter("aquarium_messages_total", "Messages that arrived, by outcome.", outcomes),
        Metric::gauge("aquarium_log_records", "Records in the log.", statistics.records),
        Metric::gauge("aquarium_log_bytes", "Bytes of the log.", statistics.bytes),
        Metric::gauge("aquarium_log_segments", "Segments of the log.", statistics.segments),
        Metric::gauge(
            "aquarium_fold_lag_records",
            "Records of the log that are not folded yet.",
            daemon.log.end().0.saturating_sub(folded.0),
        ),
        Metric::gauge(
            "aquarium_oldest_unfolded_millis",
            "How long ago the oldest record was received that is not folded yet.",
            oldest_unfolded(daemon, folded, now),
        ),
        Metric::gauge(
            "aquarium_timer_lag_millis",
            "How late the oldest timer is that is due.",
            timer_lag.unwrap_or(0),
        ),
        Metric::gauge("aquarium_users_aside", "Users whose charging fails.", aside),
        Metric::gauge(
            "aquarium_rerating",
            "Whether users are charged again because of a deployment.",
            u64::from(daemon.shards.is_rerating()),
        ),
        Metric::labelled("aquarium_quarantined", "Refused input that is listed, by reason.", reasons),
        Metric::counter("aquarium_component_restarts_total", "Restarts after failures.", restarts),
        Metric::labelled(
            "aquarium_component_mailbox_depth",
            "Messages that wait for a component.",
            probed(|report| report.mailbox_depth),
        ),
        Metric::labelled(
            "aquarium_component_lag",
            "How far a component is behind: records of the log; credit events, for a webhook or queue; messages, for \
             a source.",
            probed(|report| report.lag),
        ),
    ];
    all.extend(of_node(daemon));
    all.extend(of_brokers(daemon));
    all
}

/// What this node charges, where there may be others.
fn of_node(daemon: &Daemon) -> [Metric; 2] {
    let (partitions, lease_age) = holding(daemon);
    [
        Metric::labelled(
            "aquarium_node_partitions",
            "Partitions that this node charges, where there may be others.",
            partitions,
        ),
        Metric::labelled(
            "aquarium_node_lease_age_millis",
            "How long ago this node renewed its leases.",
            lease_age,
        ),
    ]
}

/// What goes to and comes from message brokers.
fn of_brokers(daemon: &Daemon) -> [Metric; 5] {
    let links = daemon.links();
    let linked =
        links.all().map(|link| (label("component", &link.name), u64::from(link.is_connected()))).collect();
    let blocked = links.publishers.iter().map(|publisher| &publisher.link);
    let blocked =
        blocked.map(|link| (label("component", &link.name), u64::from(link.is_blocked()))).collect();
    let connections = links.all().map(|link| (label("component", &link.name), link.connections())).collect();
    let of_sources = |count: fn(&Source) -> u64| -> Samples {
        links.sources.iter().map(|source| (label("component", &source.link.name), count(source))).collect()
    };
    [
        Metric::labelled("aquarium_queue_connected", "Whether there is a connection to the broker.", linked),
        Metric::labelled(
            "aquarium_queue_blocked",
            "Whether the broker takes no messages because it is short of memory or disk.",
            blocked,
        ),
        Metric::counter("aquarium_queue_connections_total", "Connections made to brokers.", connections),
        Metric::counter(
            "aquarium_queue_messages_total",
            "Messages that a source was sent.",
            of_sources(|source| source.received().0),
        ),
        Metric::counter(
            "aquarium_queue_redelivered_total",
            "Those of them that had been sent before.",
            of_sources(|source| source.received().1),
        ),
    ]
}

/// How many partitions this node charges, and the age of its leases; nothing where there are no others.
fn holding(daemon: &Daemon) -> (Samples, Samples) {
    let Some(neighbourhood) = &daemon.neighbourhood else { return (Vec::new(), Vec::new()) };
    let sample = |value| vec![(label("node", neighbourhood.name()), value)];
    let age = u64::try_from(neighbourhood.lease_age().as_millis()).unwrap_or(u64::MAX);
    (sample(daemon.tenure.partitions().len() as u64), sample(age))
}

/// How long ago the first record was received that is not folded; 0 where there is none.
fn oldest_unfolded(daemon: &Daemon, folded: Position, now: Millis) -> u64 {
    let record = daemon.record(folded).ok().flatten().filter(|_| folded < daemon.log.end());
    record.map_or(0, |record| positive(now.0.saturating_sub(record.received_millis)))
}

fn positive(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0)
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
}
