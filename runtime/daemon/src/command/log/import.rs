//! Exported records back into a log.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;

use aquarium_charging::Reason;
use aquarium_charging::input::Source;
use aquarium_ir::Millis;
use aquarium_store::record::REFUSALS;
use aquarium_store::{Appended, Kind, Log, NewRecord};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::super::Failure;
use crate::config::Configuration;
use crate::ingest::{Batch, Layout};
use crate::stores;

/// Records that are made durable together.
const GROUP_RECORDS: usize = 10_000;
/// Bytes of lines after which they are made durable.
const GROUP_BYTES: usize = 8 << 20;

/// What became of the records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    stored: u64,
    duplicate: u64,
    conflict: u64,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, duplicate, conflict } = self;
        write!(f, "{} records: {stored} stored, {duplicate} there already", stored + duplicate + conflict)?;
        if *conflict > 0 {
            write!(f, ", {conflict} in conflict with what was there")?;
        }
        Ok(())
    }
}

/// A line that holds refused input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedLine {
    quarantined: Refused,
}

/// Refused input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Refused {
    reason: String,
    message: String,
    received_millis: i64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    bytes: Option<String>,
}

/// What a line holds.
enum Line {
    Record(Batch),
    Refused { reason: Reason, message: String, received_millis: i64, body: Vec<u8> },
}

/// Stores the records of a file in the log that is configured.
pub fn import(configuration: &Configuration, path: &Path) -> Result<Imported, Failure> {
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let mut lines: Box<dyn BufRead> = match path.to_str() {
        Some("-") => Box::new(BufReader::new(stdin())),
        _ => Box::new(BufReader::new(File::open(path).map_err(unreadable)?)),
    };
    let stores = stores::open(configuration)?;
    let mut imported = Imported::default();
    let mut number = 0_u64;
    loop {
        let group = read_group(&mut lines, &mut number, stores.log.partitions())?;
        if group.is_empty() {
            return Ok(imported);
        }
        imported.append(&*stores.log, &group)?;
    }
}

impl Imported {
    fn append(&mut self, log: &dyn Log, group: &[Line]) -> Result<(), Failure> {
        let records: Vec<NewRecord<'_>> = group.iter().flat_map(Line::records).collect();
        for appended in log.append(&records)? {
            *match appended {
                Appended::Stored { .. } => &mut self.stored,
                Appended::Duplicate => &mut self.duplicate,
                Appended::Conflict => &mut self.conflict,
            } += 1;
        }
        Ok(())
    }
}

impl Line {
    fn records(&self) -> Vec<NewRecord<'_>> {
        match self {
            Self::Record(batch) => batch.records().collect(),
            Self::Refused { reason, message, received_millis, body } => {
                vec![NewRecord::quarantined(*reason, message, body, *received_millis)]
            }
        }
    }
}

/// The next lines; none at the end.
fn read_group(lines: &mut dyn BufRead, number: &mut u64, partitions: u16) -> Result<Vec<Line>, Failure> {
    let (mut group, mut bytes) = (Vec::new(), 0);
    while group.len() < GROUP_RECORDS && bytes < GROUP_BYTES {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        *number += 1;
        bytes += line.len();
        if !line.trim_ascii().is_empty() {
            group.push(read(line, partitions).map_err(|why| format!("line {number}: {why}"))?);
        }
    }
    Ok(group)
}

/// Reads a line; what was taken once is taken again, or the file is none that was exported.
fn read(mut line: Vec<u8>, partitions: u16) -> Result<Line, String> {
    line.truncate(line.trim_ascii_end().len());
    if let Ok(RefusedLine { quarantined }) = serde_json::from_slice(&line) {
        return refused(quarantined);
    }
    let source = Source { received: Millis(0), keeps_received: true, writes_records: true, plausible: None };
    let batch = Batch::read(line, Layout::Lines, &source, partitions);
    for record in batch.records() {
        if let Kind::Quarantined(reason) = record.kind {
            return Err(format!("this is no record: {reason}: {}", record.note));
        }
        if record.received_millis == 0 {
            return Err("this record has no `receivedMillis`: import what `log export` wrote; \
                 `aquariumd ingest` takes other events"
                .to_owned());
        }
    }
    Ok(Line::Record(batch))
}

fn refused(Refused { reason, message, received_millis, text, bytes }: Refused) -> Result<Line, String> {
    let body = match (text, bytes) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(bytes)) => BASE64_STANDARD.decode(bytes).map_err(|error| format!("`bytes`: {error}"))?,
        _ => return Err("refused input has either `text` or `bytes`".to_owned()),
    };
    let known = REFUSALS.into_iter().find(|known| known.as_str() == reason);
    let reason = known.ok_or_else(|| format!("`{reason}` is no reason why input is refused"))?;
    Ok(Line::Refused { reason, message, received_millis, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        read(line.as_bytes().to_vec(), 64).err().unwrap_or_default()
    }

    #[test]
    fn what_was_not_exported_is_refused() {
        let event = r#"{"id":"a","occurredMillis":5,"clientID":"test","userID":"u","resource":"r","instanceID":"1","eventVersion":"1.0","value":1,"details":{}}"#;
        assert!(refusal(event).contains("`receivedMillis`"));
        assert_eq!(refusal(&event.replace("{\"id\"", "{\"receivedMillis\":7,\"id\"")), "");
        assert!(refusal("nonsense").contains("this is no record: not-json"));
        let refused = r#"{"quarantined":{"reason":"not-json","message":"m","receivedMillis":7}}"#;
        assert!(refusal(refused).contains("`text` or `bytes`"));
    }
}
