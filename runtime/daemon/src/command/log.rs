//! `aquariumd log`: looking at a log, also while a daemon writes to it, and moving it to another store.

mod export;
mod import;
mod reading;

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use aquarium_store::embedded::{Verified, verify};
use clap::{Args, Subcommand};

use super::{Data, Failure};
use crate::config::{Configuration, Postgres, Store};
use crate::stores::log_directory;
pub use reading::each_record;

/// Look at the log, and move it.
#[derive(Debug, Args)]
pub struct Log {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Read everything; name the first damage, if there is one.
    Verify,
    /// Say how large it is.
    Stats,
    /// Write all records to standard output, one on each line, with their times of receipt.
    Export,
    /// Store records that were exported, with their times of receipt; what is there already stays as it is. No daemon
    /// may serve meanwhile.
    Import {
        /// The file; `-` for standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

impl Log {
    /// Does what is asked.
    pub fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let configuration = self.data.over(configuration.clone());
        let mut out = BufWriter::new(std::io::stdout().lock());
        match (self.what, &configuration.store) {
            (What::Verify, Store::Embedded) => {
                write_verified(&mut out, &verify(&log_directory(&configuration))?)?
            }
            (What::Stats, Store::Embedded) => {
                write_statistics(&mut out, &verify(&log_directory(&configuration))?)?;
            }
            (What::Verify, Store::Postgres(postgres)) => write_counted(&mut out, postgres, "sound: ")?,
            (What::Stats, Store::Postgres(postgres)) => write_counted(&mut out, postgres, "")?,
            (What::Export, _) => export::export(&mut out, &configuration)?,
            (What::Import { file }, _) => {
                let imported = import::import(&configuration, &file)?;
                writeln!(out, "{imported}")?;
            }
        }
        Ok(out.flush()?)
    }
}

/// The server sees to its pages itself; here every record is read once, in order, none missing.
fn write_counted(out: &mut impl Write, postgres: &Postgres, sound: &str) -> Result<(), Failure> {
    let (mut records, mut bytes) = (0_u64, 0_u64);
    let count = &mut |record: aquarium_store::Record<'_>| {
        records += 1;
        bytes += record.stored.text_bytes() as u64;
    };
    reading::each_on_server(postgres, count)?;
    Ok(writeln!(out, "{sound}{records} records of {bytes} bytes")?)
}

fn write_verified(out: &mut impl Write, verified: &Verified) -> std::io::Result<()> {
    writeln!(out, "sound: {} records in {} blocks", verified.records, verified.blocks)?;
    write_unfinished(out, verified)
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
