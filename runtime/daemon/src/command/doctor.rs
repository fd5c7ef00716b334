//! `aquariumd doctor`: looks for what will go wrong, before it does.
//!
//! It reads and measures; a daemon may serve the same data meanwhile.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use aquarium_ir::Millis;
use aquarium_store::embedded::verify;
use aquarium_store::{Kind, OpenError};
use clap::Args;

use super::log::each_record;
use super::{Data, Failure};
use crate::clock::Clock;
use crate::config::{Configuration, Postgres, Store};
use crate::policies::Policies;
use crate::registry::Known;
use crate::stores::{self, log_directory};

/// With less room than this on the disk of the data the log soon takes nothing more.
const ROOM_BYTES_MIN: u64 = 1 << 30;
/// A disk that takes longer to make a small write durable slows every acknowledgement down.
const SYNC_MAX: Duration = Duration::from_millis(50);
/// Small writes that are timed; the median counts.
const SYNCS: usize = 9;
/// A log whose last receipt lies so far ahead of the clock was written by another clock.
const AHEAD_MILLIS_MAX: i64 = 60_000;
/// Open files, at least: each connection is one.
const OPEN_FILES_MIN: u64 = 4_096;

/// Look for what will go wrong, before it does.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    data: Data,
}

/// What a check found.
enum Found {
    Well(String),
    /// It works, but not well.
    Doubtful(String),
    /// It does not work.
    Wrong(String),
}

use Found::{Doubtful, Well, Wrong};

impl Doctor {
    /// Checks one thing after the other; fails where something is wrong.
    pub fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let configuration = self.data.over(configuration.clone());
        let mut out = std::io::stdout().lock();
        let mut wrong = 0_usize;
        for (what, check) in CHECKS {
            let (mark, said) = match check(&configuration) {
                Well(said) => ("ok   ", said),
                Doubtful(said) => ("doubt", said),
                Wrong(said) => {
                    wrong += 1;
                    ("WRONG", said)
                }
            };
            writeln!(out, "{mark}  {what}: {said}")?;
        }
        if wrong == 0 {
            Ok(())
        } else {
            Err(format!("{wrong} of {} checks found something wrong", CHECKS.len()).into())
        }
    }
}

type Check = fn(&Configuration) -> Found;

/// In the order in which one thing needs another.
const CHECKS: [(&str, Check); 7] = [
    ("data directory", data_directory),
    ("room", room),
    ("disk", disk),
    ("log", log),
    ("policies", policies),
    ("address", address),
    ("open files", open_files),
];

fn data_directory(configuration: &Configuration) -> Found {
    let data = &configuration.data;
    let shown = data.display();
    match std::fs::metadata(data) {
        Ok(metadata) if metadata.is_dir() => Well(format!("{shown}")),
        Ok(_) => Wrong(format!("`{shown}` is no directory; name another by `--data`")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Doubtful(format!("`{shown}` is not there yet; `serve` makes it"))
        }
        Err(error) => Wrong(format!("`{shown}` cannot be looked at: {error}")),
    }
}

/// The data directory, or the nearest directory above it that is there.
fn nearest(data: &Path) -> &Path {
    data.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."))
}

fn room(configuration: &Configuration) -> Found {
    match rustix::fs::statvfs(nearest(&configuration.data)) {
        Ok(disk) => {
            let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} MiB free", bytes >> 20);
            if bytes < ROOM_BYTES_MIN {
                Doubtful(format!("{said}; a full disk stops ingest"))
            } else {
                Well(said)
            }
        }
        Err(error) => Wrong(format!("it cannot be told how much is free: {error}")),
    }
}

fn disk(configuration: &Configuration) -> Found {
    match time_syncs(nearest(&configuration.data)) {
        Ok(median) if median > SYNC_MAX => Doubtful(format!(
            "a durable write takes {} ms: acknowledgements will be slow",
            median.as_millis()
        )),
        Ok(median) => Well(format!("a durable write takes {} us", median.as_micros())),
        Err(error) => Wrong(format!("it cannot be written durably: {error}")),
    }
}

fn time_syncs(directory: &Path) -> std::io::Result<Duration> {
    let path = directory.join(format!(".aquarium-doctor-{}", std::process::id()));
    let timed = time_syncs_of(&path);
    std::fs::remove_file(&path)?;
    timed
}

fn time_syncs_of(path: &Path) -> std::io::Result<Duration> {
    let mut file = std::fs::File::create(path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(b"as small as an event may be")?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times.get(SYNCS / 2).copied().unwrap_or_default())
}

fn log(configuration: &Configuration) -> Found {
    if let Store::Postgres(postgres) = &configuration.store {
        return on_server(postgres);
    }
    match verify(&log_directory(configuration)) {
        Ok(verified) => {
            let said = format!("{} records in {} blocks, all sound", verified.records, verified.blocks);
            match last_receipt(configuration) {
                Some(last) if last.0.saturating_sub(Clock::system().now().0) > AHEAD_MILLIS_MAX => {
                    Wrong(format!("{said}, but the last was received at {last}: the clock was set back"))
                }
                _ => Well(said),
            }
        }
        Err(OpenError::Missing(_)) => Doubtful("there is none yet; `serve` makes it".to_owned()),
        Err(error) => Wrong(error.to_string()),
    }
}

fn on_server(postgres: &Postgres) -> Found {
    match stores::connect(postgres) {
        Ok(server) => Well(format!("in PostgreSQL, {}", server.place())),
        Err(error) => Wrong(error.to_string()),
    }
}

fn last_receipt(configuration: &Configuration) -> Option<Millis> {
    let mut last = None;
    let note = &mut |record: aquarium_store::Record<'_>| last = last.max(Some(record.stored.received_millis));
    each_record(configuration, note).ok()?;
    last.map(Millis)
}

fn policies(configuration: &Configuration) -> Found {
    let mut known = Known::default();
    let take = &mut |record: aquarium_store::Record<'_>| {
        if record.stored.kind == Kind::Runtime {
            known.take(&record);
        }
    };
    if each_record(configuration, take).is_err() || known.deployments.is_empty() {
        return Doubtful("none was deployed: events are stored and have no effect".to_owned());
    }
    let opened = Policies::open(configuration.data.join("policies"), configuration.data.join("native"));
    let policies = match opened {
        Ok(policies) => policies,
        Err(error) => return Wrong(error.to_string()),
    };
    for deployment in &known.deployments {
        if let Err(error) = policies.version(&deployment.module) {
            return Wrong(format!("{error}; put the module of {} back", deployment.id));
        }
    }
    Well(format!("{} deployments, all modules at hand", known.deployments.len()))
}

fn address(configuration: &Configuration) -> Found {
    let listen = configuration.http.listen;
    match TcpListener::bind(listen) {
        Ok(_) if !listen.ip().is_loopback() => {
            Doubtful(format!("{listen} is free, and can be reached from other machines: clients are trusted"))
        }
        Ok(_) => Well(format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Doubtful(format!("{listen} is taken: by a daemon that serves already, or choose another"))
        }
        Err(error) => Wrong(format!("cannot listen on {listen}: {error}")),
    }
}

fn open_files(_: &Configuration) -> Found {
    match rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_MIN => {
            Doubtful(format!("{limit} at most; raise it (`LimitNOFILE`) for more connections"))
        }
        Some(limit) => Well(format!("{limit} at most")),
        None => Well("without limit".to_owned()),
    }
}
