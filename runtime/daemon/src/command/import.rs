//! Event files: read in parts of whole lines, stored in order, with progress. What is broken off goes on where it
//! was.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aquarium_ir::Millis;
use aquarium_store::Position;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::{Data, Failure};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::ingest::marks::Marks;
use crate::ingest::{Answer, IngestError, Outcome};
use crate::stores::Presence;
use crate::threads;

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
        let configuration = self.data.over(configuration);
        let daemon = Daemon::start_as(configuration, Clock::system(), Presence::Beside).await?;
        let marks = Marks::new(daemon.configuration.data.join("ingest"));
        let imported = import(&daemon, files, Some(&marks)).await;
        daemon.stop().await;
        writeln!(std::io::stdout(), "{}", imported?.summary())?;
        Ok(())
    }
}

/// A file that is open.
pub struct EventFile {
    path: PathBuf,
    reader: BufReader<File>,
    bytes: u64,
    /// Bytes that are durable.
    taken_in: u64,
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
    let (path, reader) = (path.to_owned(), BufReader::new(file));
    Ok(EventFile { path, reader, bytes: metadata.len(), taken_in: 0 })
}

impl EventFile {
    fn failed(&self, error: &std::io::Error) -> Failure {
        format!("the event file `{}` cannot be read: {error}", self.path.display()).into()
    }

    /// Goes on where the last attempt was broken off.
    fn resume(&mut self, marks: &Marks, end: Position) -> Result<(), Failure> {
        let taken_in = marks.taken_in(&self.path, self.reader.get_ref(), end);
        if taken_in == 0 {
            return Ok(());
        }
        self.reader.seek(SeekFrom::Start(taken_in)).map_err(|error| self.failed(&error))?;
        self.taken_in = taken_in;
        let (path, bytes) = (self.path.display(), self.bytes);
        // What nobody can read is no reason to fail.
        let _ = writeln!(std::io::stderr(), "going on with `{path}` at byte {taken_in} of {bytes}");
        Ok(())
    }

    /// The next part; empty at the end.
    fn next_part(&mut self) -> Result<Vec<u8>, Failure> {
        read_part(&mut self.reader).map_err(|error| self.failed(&error))
    }

    /// Notes that another part is durable. A mark that cannot be written is no reason to fail.
    fn note(&mut self, part: u64, marks: Option<&Marks>, end: Position) {
        self.taken_in += part;
        let noted = marks.map(|marks| marks.note(&self.path, self.reader.get_ref(), self.taken_in, end));
        if let Some(Err(error)) = noted {
            tracing::debug!(%error, "a mark was not written");
        }
    }
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

/// A part that is being stored: its bytes, and its answers to come.
type Part = (u64, JoinHandle<Result<Vec<Answer>, IngestError>>);

/// Stores the events of files, in order. With marks, what was broken off goes on where it was.
pub async fn import(
    daemon: &Arc<Daemon>,
    mut files: Vec<EventFile>,
    marks: Option<&Marks>,
) -> Result<Imported, Failure> {
    let mut imported = Imported::default();
    if let Some(marks) = marks {
        files.iter_mut().try_for_each(|file| file.resume(marks, daemon.log.end()))?;
    }
    let progress = Progress::new(&files);
    for file in &mut files {
        import_file(daemon, file, marks, &progress, &mut imported).await?;
    }
    // They stand until all is done: a run over several files goes on as one.
    for file in &files {
        marks.map_or(Ok(()), |marks| marks.clear(&file.path))?;
    }
    progress.finish(imported.total());
    Ok(imported)
}

async fn import_file(
    daemon: &Arc<Daemon>,
    file: &mut EventFile,
    marks: Option<&Marks>,
    progress: &Progress,
    imported: &mut Imported,
) -> Result<(), Failure> {
    let mut under_way: VecDeque<Part> = VecDeque::new();
    loop {
        let part = file.next_part()?;
        let (bytes, last) = (part.len() as u64, part.is_empty());
        if !last {
            let (daemon, to_read) = (daemon.clone(), daemon.clone());
            let batch = threads::giving_way(move || to_read.read_import(part)).await?;
            imported.latest = imported.latest.max(batch.latest());
            under_way.push_back((bytes, tokio::spawn(async move { daemon.ingest.submit(batch).await })));
        }
        let left = if last { 0 } else { PARTS_UNDER_WAY };
        while under_way.len() > left
            && let Some((bytes, stored)) = under_way.pop_front()
        {
            imported.count(&stored.await??);
            file.note(bytes, marks, daemon.log.end());
            progress.advance(bytes, imported.total());
        }
        if last {
            return Ok(());
        }
    }
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
    fn new(files: &[EventFile]) -> Self {
        let bytes = files.iter().map(|file| file.bytes).sum();
        let style =
            "{spinner} taking in events {wide_bar} {percent}% {binary_bytes_per_sec} {eta} left {msg}";
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(bytes));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template(style)) {
            bar.set_style(style);
            bar.set_position(files.iter().map(|file| file.taken_in).sum());
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, start: Instant::now() }
    }

    fn advance(&self, bytes: u64, events: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
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
