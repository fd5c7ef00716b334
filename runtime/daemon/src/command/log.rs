//! `aquariumd log`: looking at a log, also while a daemon writes to it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use aquarium_store::embedded::{Verified, read_all, verify};
use aquarium_store::{Kind, Record};
use clap::{Args, Subcommand};
use serde_json::json;
use serde_json::value::RawValue;

use super::{Data, Failure};
use crate::config::Configuration;
use crate::daemon::log_directory;

/// Look at the log.
#[derive(Debug, Args)]
pub struct Log {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum What {
    /// Read everything; name the first damage, if there is one.
    Verify,
    /// Say how large it is.
    Stats,
    /// Write all records to standard output, one on each line, with their times of receipt.
    Export,
}

impl Log {
    /// Does what is asked.
    pub fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let directory = log_directory(&self.data.over(configuration.clone()));
        let mut out = BufWriter::new(std::io::stdout().lock());
        match self.what {
            What::Verify => {
                let verified = verify(&directory)?;
                writeln!(out, "sound: {} records in {} blocks", verified.records, verified.blocks)?;
                write_unfinished(&mut out, &verified)?;
            }
            What::Stats => write_statistics(&mut out, &verify(&directory)?)?,
            What::Export => export(&mut out, &directory)?,
        }
        Ok(out.flush()?)
    }
}

fn write_unfinished(out: &mut impl Write, verified: &Verified) -> std::io::Result<()> {
    let Some(rest) = &verified.unfinished else { return Ok(()) };
    let (file, offset, bytes) = (&rest.file, rest.offset, rest.bytes);
    writeln!(out, "{file}, byte {offset}: {bytes} bytes of a write that was never acknowledged")
}

fn write_statistics(out: &mut impl Write, verified: &Verified) -> std::io::Result<()> {
    writeln!(out, "records   {}", verified.records)?;
    writeln!(out, "blocks    {}", verified.blocks)?;
    writeln!(out, "segments  {}", verified.segments)?;
    writeln!(out, "bytes     {}", verified.bytes)?;
    let chain: String = verified.chain.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "chain     {chain}")
}

fn export(out: &mut impl Write, directory: &std::path::Path) -> Result<(), Failure> {
    let mut written = Ok(());
    read_all(directory, &mut |record| {
        if written.is_ok() {
            written = out.write_all(&exported(&record));
        }
    })?;
    Ok(written?)
}

/// A record as a line: its own JSON with the time of receipt; what was refused as a record of its own.
fn exported(record: &Record<'_>) -> Vec<u8> {
    let received = record.stored.received_millis;
    let Kind::Quarantined(reason) = record.stored.kind else {
        return with_receipt(record.stored.body, received);
    };
    let refused = json!({
        "quarantined": {
            "reason": reason,
            "message": record.stored.note,
            "receivedMillis": received,
            "text": String::from_utf8_lossy(record.stored.body),
        }
    });
    format!("{refused}\n").into_bytes()
}

fn with_receipt(body: &[u8], received_millis: i64) -> Vec<u8> {
    let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let received = RawValue::from_string(received_millis.to_string());
    if let Ok(received) = &received {
        fields.insert(Cow::Borrowed("receivedMillis"), received);
    }
    let mut line = serde_json::to_vec(&fields).unwrap_or_default();
    // Line breaks stand only between values: within strings JSON has none.
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_event_is_one_line_with_its_time_of_receipt() {
        let line =
            with_receipt(b"{\"id\":\"a\",\n\"value\":1.50,\"receivedMillis\":1,\"\\u0062\":[ 1,\r\n2 ]}", 7);
        let expected = "{\"b\":[ 1,  2 ],\"id\":\"a\",\"receivedMillis\":7,\"value\":1.50}\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
