//! Event files: read in parts of whole lines, stored in order, with progress.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aquarium_ir::Millis;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::{Data, Failure};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::ingest::{Answer, IngestError, Outcome};

/// Bytes that are read at once: some thousands of events.
const PART_BYTES: usize = 1 << 20;
/// Parts that are under way at once: one is read while others are made durable.
const PARTS_UNDER_WAY: usize = 4;

/// Take in event files.
#[derive(Debug, Args)]
pub struct Ingest {
    #[command(flatten)]
    data: Data,
    /// Files with one event on each line.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Ingest {
    /// Stores the events of the files.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let files = open_all(&self.files)?;
        let daemon = Daemon::start(self.data.over(configuration), Clock::system()).await?;
        let imported = import(&daemon, files).await;
        daemon.stop().await;
        writeln!(std::io::stdout(), "{}", imported?.summary())?;
        Ok(())
    }
}

/// A file that is open.
pub struct EventFile {
    name: String,
    reader: BufReader<File>,
    bytes: u64,
}

/// Opens all files before anything of one is taken in.
pub fn open_all(paths: &[PathBuf]) -> Result<Vec<EventFile>, Failure> {
    paths.iter().map(|path| open(path)).collect()
}

fn open(path: &Path) -> Result<EventFile, Failure> {
    let failed = |error| format!("the event file `{}` cannot be read: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(format!("`{}` is a directory, not an event file", path.display()).into());
    }
    Ok(EventFile { name: path.display().to_string(), reader: BufReader::new(file), bytes: metadata.len() })
}

/// What became of the messages of some files.
#[derive(Debug, Default)]
pub struct Imported {
    /// By outcome: stored, duplicate, conflict, quarantined.
    counts: [u64; 4],
    /// The last instant at which something happened.
    pub latest: Option<Millis>,
}

impl Imported {
    fn count(&mut self, answers: &[Answer]) {
        let [stored, duplicate, conflict, quarantined] = &mut self.counts;
        for answer in answers {
            *match answer.result {
                Outcome::Stored => &mut *stored,
                Outcome::Duplicate => &mut *duplicate,
                Outcome::Conflict => &mut *conflict,
                Outcome::Quarantined => &mut *quarantined,
            } += 1;
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let [stored, duplicate, conflict, quarantined] = self.counts;
        format!(
            "{} events: {stored} stored, {duplicate} there already, {conflict} in conflict, {quarantined} in quarantine",
            self.total()
        )
    }
}

type UnderWay = VecDeque<JoinHandle<Result<Vec<Answer>, IngestError>>>;

/// Stores the events of files, in order.
pub async fn import(daemon: &Arc<Daemon>, files: Vec<EventFile>) -> Result<Imported, Failure> {
    let mut imported = Imported::default();
    let mut under_way = UnderWay::new();
    let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
    for mut file in files {
        loop {
            let part = read_part(&mut file.reader)
                .map_err(|error| format!("the event file `{}` cannot be read: {error}", file.name))?;
            if part.is_empty() {
                break;
            }
            progress.advance(part.len(), imported.total());
            let (daemon, to_read) = (daemon.clone(), daemon.clone());
            let batch = tokio::task::spawn_blocking(move || to_read.read_import(part)).await?;
            imported.latest = imported.latest.max(batch.latest());
            under_way.push_back(tokio::spawn(async move { daemon.ingest.submit(batch).await }));
            await_parts(&mut under_way, PARTS_UNDER_WAY, &mut imported).await?;
        }
    }
    await_parts(&mut under_way, 0, &mut imported).await?;
    progress.finish(imported.total());
    Ok(imported)
}

async fn await_parts(under_way: &mut UnderWay, left: usize, imported: &mut Imported) -> Result<(), Failure> {
    while under_way.len() > left
        && let Some(part) = under_way.pop_front()
    {
        imported.count(&part.await??);
    }
    Ok(())
}

/// About [`PART_BYTES`] of whole lines.
fn read_part(reader: &mut BufReader<File>) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(PART_BYTES + 1024);
    reader.by_ref().take(PART_BYTES as u64).read_to_end(&mut part)?;
    if part.last().is_some_and(|byte| *byte != b'\n') {
        reader.read_until(b'\n', &mut part)?;
    }
    Ok(part)
}

/// Progress on standard error: a bar on a terminal, plain lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    start: Instant,
}

impl Progress {
    fn new(bytes: u64) -> Self {
        let style =
            "{spinner} taking in events {wide_bar} {percent}% {binary_bytes_per_sec} {eta} left {msg}";
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(bytes));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template(style)) {
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, start: Instant::now() }
    }

    fn advance(&self, bytes: usize, events: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes as u64);
            bar.set_message(format!("({events} events)"));
        }
    }

    fn finish(&self, events: u64) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let millis = self.start.elapsed().as_millis();
        // Progress that nobody can read is no reason to fail.
        let _ = writeln!(std::io::stderr(), "took in {events} events in {millis} ms");
    }
}
