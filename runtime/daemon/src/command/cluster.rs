//! `aquariumd cluster`: the nodes that share a store.

use std::io::Write;
use std::time::Duration;

use aquarium_store::postgres::{NodeRow, View, look};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Failure;
use crate::config::{Configuration, Store};
use crate::stores;

/// See the nodes that share a store.
#[derive(Debug, Args)]
pub struct Cluster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Which nodes there are, and which partitions each of them charges.
    Status(Status),
}

/// Which nodes there are, and which partitions each of them charges.
#[derive(Debug, Args)]
struct Status {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// How everything stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    nodes: Vec<Node>,
    /// Partitions that no node charges.
    without_holder: Vec<u16>,
    /// Records in the log.
    records: u64,
}

/// A node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    name: String,
    address: String,
    version: String,
    /// Whether it was heard of in time.
    lives: bool,
    seen_millis_ago: u64,
    joined_millis_ago: u64,
    /// The partitions that it charges.
    partitions: Vec<u16>,
    /// Records of the log that it had not looked at when it was last heard of.
    lag: u64,
}

impl Cluster {
    /// Does what is asked for. It needs no node that runs.
    pub fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let Action::Status(status) = self.action;
        let Store::Postgres(postgres) = &configuration.store else {
            return Err(
                "the store is embedded: one daemon has all of it; `store: postgresql://...` is for several"
                    .into(),
            );
        };
        let report = Report::of(look(&stores::look_at(postgres)?)?);
        let mut out = std::io::stdout();
        match status.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
            false => write!(out, "{}", report.table())?,
        }
        Ok(())
    }
}

impl Report {
    fn of(view: View) -> Self {
        let holder_of = |name: &Option<String>| {
            view.nodes.iter().find(|node| node.lives && Some(&node.name) == name.as_ref())
        };
        let free = view.leases.iter().filter(|lease| holder_of(&lease.holder).is_none());
        let nodes = view.nodes.iter().map(|node| Node::of(node, &view)).collect();
        Self { without_holder: free.map(|lease| lease.partition).collect(), nodes, records: view.end.0 }
    }

    fn table(&self) -> String {
        let head = ["NODE", "ADDRESS", "VERSION", "SEEN", "PARTITIONS", "LAG"].map(str::to_owned);
        let mut rows = vec![head];
        rows.extend(self.nodes.iter().map(Node::row));
        let width = |column: usize| {
            rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max()
        };
        let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
        let line = |row: &[String; 6]| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let mut table: String = rows.iter().map(line).collect();
        let free = match self.without_holder.len() {
            0 => "every partition is charged".to_owned(),
            count => format!("{count} partitions are charged by nobody: {}", ranges(&self.without_holder)),
        };
        table.push_str(&format!("\n{free}; {} records in the log\n", self.records));
        table
    }
}

impl Node {
    fn of(node: &NodeRow, view: &View) -> Self {
        let held = view.leases.iter().filter(|lease| node.lives && lease.holder.as_ref() == Some(&node.name));
        let partitions: Vec<u16> = held.map(|lease| lease.partition).collect();
        let behind = if partitions.is_empty() { 0 } else { view.end.0.saturating_sub(node.folded.0) };
        Self {
            name: node.name.clone(),
            address: node.address.clone(),
            version: node.version.clone(),
            lives: node.lives,
            seen_millis_ago: node.seen_millis_ago,
            joined_millis_ago: node.joined_millis_ago,
            partitions,
            lag: behind,
        }
    }

    fn row(&self) -> [String; 6] {
        let seen = Duration::from_millis(self.seen_millis_ago).as_secs_f64();
        let seen = if self.lives { format!("{seen:.1} s ago") } else { format!("{seen:.0} s ago, gone") };
        let partitions = match self.partitions.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", ranges(&self.partitions)),
        };
        [
            self.name.clone(),
            self.address.clone(),
            self.version.clone(),
            seen,
            partitions,
            self.lag.to_string(),
        ]
    }
}

/// Ascending numbers, neighbours together: `0-3, 7`.
fn ranges(numbers: &[u16]) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let written = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    written.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_told_together() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
        assert_eq!(ranges(&[]), "");
    }
}
