//! The writer over logs that are full, slow, or gone.

use std::sync::atomic::AtomicBool;

use aquarium_charging::input::Source;
use aquarium_ir::Millis;
use aquarium_store::{EmbeddedLog, Options, OwnedRecord, Page, ReadError, Statistics};

use super::*;

/// A log on a disk that may be full.
struct Narrow {
    log: EmbeddedLog,
    full: Arc<AtomicBool>,
}

impl Log for Narrow {
    fn partitions(&self) -> u16 {
        self.log.partitions()
    }
    fn append(&self, batch: &[NewRecord<'_>]) -> Result<Vec<Appended>, AppendError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(AppendError::Full(std::io::ErrorKind::StorageFull.into()));
        }
        self.log.append(batch)
    }
    fn end(&self) -> Position {
        self.log.end()
    }
    fn read(&self, from: Position) -> Result<Page, ReadError> {
        self.log.read(from)
    }
    fn read_user_since(&self, user: &str, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        self.log.read_user_since(user, from)
    }
    fn read_shared_since(&self, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        self.log.read_shared_since(from)
    }
    fn statistics(&self) -> Statistics {
        self.log.statistics()
    }
}

fn narrow(waiting_max: usize) -> (tempfile::TempDir, Arc<AtomicBool>, Handle, Writer) {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(directory.path(), Options::default()).unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let (handle, writer) = new(Arc::new(Narrow { log, full: full.clone() }), waiting_max, 10_000);
    (directory, full, handle, writer)
}

fn batch(id: &str) -> Batch {
    let text = format!(
        r#"{{"id":"{id}","occurredMillis":5,"clientID":"c","userID":"u","resource":"r","instanceID":"","eventVersion":"1.0","value":1,"details":{{}}}}"#
    );
    let source =
        Source { received: Millis(9), keeps_received: false, writes_records: false, plausible: None };
    Batch::read(text.into_bytes(), Layout::Json, &source, 64)
}

fn results(answers: Result<Vec<Answer>, IngestError>) -> Vec<Outcome> {
    answers.unwrap().into_iter().map(|answer| answer.result).collect()
}

#[tokio::test]
async fn while_the_disk_is_full_nothing_is_acknowledged_and_then_everything_again() {
    let (_directory, full, handle, writer) = narrow(8);
    let writing = tokio::task::spawn_blocking(move || writer.run());
    assert_eq!(results(handle.submit(batch("a")).await), [Outcome::Stored]);
    full.store(true, Ordering::SeqCst);
    let refused = handle.submit(batch("b")).await;
    assert!(matches!(&refused, Err(IngestError::Log(why)) if why.contains("no room")), "{refused:?}");
    assert!(!handle.is_taking());
    full.store(false, Ordering::SeqCst);
    assert_eq!(results(handle.submit(batch("b")).await), [Outcome::Stored]);
    assert!(handle.is_taking());
    handle.stop().await;
    writing.await.unwrap();
}

#[tokio::test]
async fn who_finds_the_mailbox_full_is_told_so_and_what_waits_is_stored_before_the_end() {
    let (_directory, _full, handle, writer) = narrow(2);
    let waiting: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|id| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.offer(batch(id)).await })
        })
        .collect();
    while !handle.is_full() {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.offer(batch("c")).await, Err(IngestError::Busy));
    let writing = tokio::task::spawn_blocking(move || writer.run());
    handle.stop().await;
    for waited in waiting {
        assert_eq!(results(waited.await.unwrap()), [Outcome::Stored]);
    }
    assert_eq!(handle.submit(batch("d")).await, Err(IngestError::Stopping));
    assert_eq!(handle.counts()[0], ("stored", 2));
    writing.await.unwrap();
}
