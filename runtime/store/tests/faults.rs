//! Disks that fail, writes that stop half-way, bits that flip.
#![expect(clippy::disallowed_methods, reason = "files are damaged here")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use aquarium_store::embedded::files::{Files, LogFile, RealFiles};
use aquarium_store::embedded::verify;
use aquarium_store::{
    AppendError, Appended, CompressError, Digest, EmbeddedLog, Kind, Log, NewRecord, OpenError, Options,
    Position, ReadError,
};

const SEGMENT: &str = "00000000000000000000.segment";

fn record(text: &str) -> NewRecord<'_> {
    NewRecord {
        kind: Kind::UserEvent,
        partition: Some(3),
        user: "user",
        received_millis: 1,
        key: Digest::of(&[text.as_bytes()]),
        content: Digest::of(&[text.as_bytes()]),
        note: "",
        body: text.as_bytes(),
    }
}

fn open(directory: &Path) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(directory, Options::default())
}

fn append(log: &EmbeddedLog, texts: &[&str]) -> Result<Vec<Appended>, AppendError> {
    log.append(&texts.iter().map(|text| record(text)).collect::<Vec<_>>())
}

fn texts(log: &EmbeddedLog) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = Position::START;
    loop {
        let page = log.read(next).unwrap();
        if page.is_empty() {
            return texts;
        }
        texts.extend(page.records().map(|record| String::from_utf8(record.stored.body.to_vec()).unwrap()));
        next = page.next();
    }
}

fn damage(result: Result<EmbeddedLog, OpenError>) -> (String, u64, Position) {
    match result {
        Err(OpenError::Read(ReadError::Damaged { file, offset, first, .. })) => (file, offset, first),
        Err(error) => panic!("another error: {error}"),
        Ok(log) => panic!("opened with {:?}", texts(&log)),
    }
}

/// The files of a log of two blocks, `one` and `two`, `three`: before and after its second commit.
struct TwoBlocks {
    directory: tempfile::TempDir,
    /// Bytes of the segment at the end of the first block.
    first_end: u64,
    segment: Vec<u8>,
    mark_before: Vec<u8>,
    mark_after: Vec<u8>,
}

impl TwoBlocks {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let log = open(directory.path()).unwrap();
        append(&log, &["one"]).unwrap();
        let first_end = fs::metadata(path(SEGMENT)).unwrap().len();
        let mark_before = fs::read(path("acknowledged")).unwrap();
        append(&log, &["two", "three"]).unwrap();
        drop(log);
        let segment = fs::read(path(SEGMENT)).unwrap();
        let mark_after = fs::read(path("acknowledged")).unwrap();
        Self { directory, first_end, segment, mark_before, mark_after }
    }

    fn open_with(&self, segment: &[u8], mark: &[u8]) -> Result<EmbeddedLog, OpenError> {
        fs::write(self.directory.path().join(SEGMENT), segment).unwrap();
        fs::write(self.directory.path().join("acknowledged"), mark).unwrap();
        open(self.directory.path())
    }
}

#[test]
fn a_last_block_cut_anywhere_before_it_was_acknowledged_is_cut_off() {
    let log = TwoBlocks::new();
    for length in usize::try_from(log.first_end).unwrap()..log.segment.len() {
        let opened = log.open_with(&log.segment[..length], &log.mark_before).unwrap();
        assert_eq!(texts(&opened), ["one"], "cut at {length}");
        assert_eq!(opened.unfinished().is_some(), length as u64 > log.first_end);
        append(&opened, &["two", "four"]).unwrap();
        drop(opened);
        assert_eq!(texts(&open(log.directory.path()).unwrap()), ["one", "two", "four"], "cut at {length}");
    }
}

#[test]
fn an_acknowledged_block_cut_anywhere_is_refused_and_named() {
    let log = TwoBlocks::new();
    for length in 0..log.segment.len() {
        let (file, _, first) = damage(log.open_with(&log.segment[..length], &log.mark_after));
        assert_eq!(file, SEGMENT);
        assert!(first <= Position(1), "cut at {length}");
        assert!(verify(log.directory.path()).is_err());
    }
}

#[test]
fn every_flipped_bit_of_an_acknowledged_log_is_found_and_named() {
    let log = TwoBlocks::new();
    for place in 0..log.segment.len() * 8 {
        let mut flipped = log.segment.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        let (file, _, first) = damage(log.open_with(&flipped, &log.mark_after));
        let expected =
            if place / 8 < usize::try_from(log.first_end).unwrap() { Position(0) } else { Position(1) };
        assert_eq!((file.as_str(), first), (SEGMENT, expected), "bit {place}");
    }
}

#[test]
fn a_flipped_bit_before_the_last_block_is_never_taken_for_an_interrupted_write() {
    let log = TwoBlocks::new();
    for place in 0..usize::try_from(log.first_end).unwrap() * 8 {
        let mut flipped = log.segment.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        damage(log.open_with(&flipped, b""));
    }
}

#[test]
fn every_flipped_bit_of_the_mark_is_found_and_named() {
    let log = TwoBlocks::new();
    for place in 0..log.mark_after.len() * 8 {
        let mut flipped = log.mark_after.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        let (file, _, _) = damage(log.open_with(&log.segment, &flipped));
        assert_eq!(file, "acknowledged");
    }
    assert_eq!(texts(&log.open_with(&log.segment, b"").unwrap()), ["one", "two", "three"]);
}

#[test]
fn an_unacknowledged_last_block_with_a_flipped_bit_is_cut_off() {
    let log = TwoBlocks::new();
    for place in usize::try_from(log.first_end).unwrap()..log.segment.len() {
        let mut flipped = log.segment.clone();
        flipped[place] ^= 1;
        assert_eq!(texts(&log.open_with(&flipped, &log.mark_before).unwrap()), ["one"]);
    }
}

#[test]
fn a_block_that_was_taken_out_or_replaced_is_found_by_the_chain() {
    let log = TwoBlocks::new();
    let other = TwoBlocks::new();
    let end = usize::try_from(log.first_end).unwrap();
    let without_first = [&log.segment[..64], &log.segment[end..]].concat();
    assert_eq!(damage(log.open_with(&without_first, b"")).1, 64);
    {
        let replaced = open(other.directory.path()).unwrap();
        append(&replaced, &["four"]).unwrap();
    }
    let grown = fs::read(other.directory.path().join(SEGMENT)).unwrap();
    let spliced = [&log.segment[..end], &grown[log.segment.len()..]].concat();
    assert_eq!(damage(log.open_with(&spliced, b"")).1, log.first_end);
}

#[test]
fn a_missing_segment_is_found_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1, ..Options::default() };
    let log = EmbeddedLog::open(directory.path(), options).unwrap();
    for text in ["one", "two", "three"] {
        append(&log, &[text]).unwrap();
    }
    drop(log);
    let middle = directory.path().join("00000000000000000001.segment");
    let kept = fs::read(&middle).unwrap();
    fs::remove_file(&middle).unwrap();
    assert_eq!(damage(open(directory.path())).0, "00000000000000000002.segment");
    fs::write(&middle, kept).unwrap();
    fs::remove_file(directory.path().join("00000000000000000002.segment")).unwrap();
    assert_eq!(damage(open(directory.path())).2, Position(2));
}

#[test]
fn damage_that_comes_while_the_log_is_open_is_found_when_it_is_read() {
    let log = TwoBlocks::new();
    let opened = log.open_with(&log.segment, &log.mark_after).unwrap();
    let mut flipped = log.segment.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(log.directory.path().join(SEGMENT), flipped).unwrap();
    assert!(opened.read(Position(0)).is_ok());
    assert!(matches!(opened.read(Position(1)), Err(ReadError::Damaged { first: Position(1), .. })));
    assert!(opened.read_user("user").is_err());
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    assert!(open(directory.path()).is_ok());
}

#[test]
fn a_newer_format_is_refused() {
    let log = TwoBlocks::new();
    let mut newer = log.segment.clone();
    newer[8] = 3;
    let checksum = crc32fast::hash(&newer[..60]).to_le_bytes();
    newer[60..64].copy_from_slice(&checksum);
    assert!(matches!(log.open_with(&newer, b""), Err(OpenError::Newer { found: 3, .. })));
}

#[test]
fn verification_counts_a_sound_log_and_does_not_touch_it() {
    let log = TwoBlocks::new();
    let verified = verify(log.directory.path()).unwrap();
    assert_eq!((verified.records, verified.blocks, verified.segments), (3, 2, 1));
    let half = &log.segment[..log.segment.len() - 1];
    fs::write(log.directory.path().join(SEGMENT), half).unwrap();
    fs::write(log.directory.path().join("acknowledged"), &log.mark_before).unwrap();
    let verified = verify(log.directory.path()).unwrap();
    assert_eq!((verified.records, verified.unfinished.unwrap().offset), (1, log.first_end));
    assert_eq!(fs::read(log.directory.path().join(SEGMENT)).unwrap(), half);
    assert!(matches!(verify(&log.directory.path().join("none")), Err(OpenError::Missing(_))));
}

/// What goes wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Trouble {
    None,
    /// Writes put down some of their bytes and find no room for the rest.
    Full,
    /// Writes fail.
    Write,
    /// Syncs fail.
    Sync,
    /// Writes fail, and cutting the file too.
    WriteAndCut,
    /// New files cannot be made.
    Create,
    /// Files cannot get other names.
    Rename,
    /// Names in a directory cannot be made durable.
    SyncNames,
}

/// A file system with trouble.
#[derive(Clone)]
struct Faulty {
    trouble: Arc<AtomicU8>,
    /// Bytes that a write in trouble puts down first.
    written_first: Arc<AtomicI64>,
    /// What happens before a read, after so many others.
    meanwhile: Arc<Mutex<Option<(u32, Meanwhile)>>>,
}

type Meanwhile = Box<dyn FnOnce() + Send>;

impl Faulty {
    fn new() -> Self {
        Self { trouble: Arc::default(), written_first: Arc::default(), meanwhile: Arc::default() }
    }

    fn set(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::SeqCst);
    }

    fn before_read(&self) {
        let mut meanwhile = self.meanwhile.lock().unwrap();
        let due = meanwhile.take_if(|(reads, _)| {
            let due = *reads == 0;
            *reads = reads.saturating_sub(1);
            due
        });
        drop(meanwhile);
        if let Some((_, happens)) = due {
            happens();
        }
    }

    fn has(&self, troubles: &[Trouble]) -> bool {
        let current = self.trouble.load(Ordering::SeqCst);
        troubles.iter().any(|trouble| *trouble as u8 == current)
    }
}

fn failed() -> io::Error {
    io::Error::other("input/output error")
}

impl Files for Faulty {
    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        RealFiles.open(path)
    }
    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        if self.has(&[Trouble::Create]) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(FaultyFile { file: RealFiles.open_to_write(path)?, system: self.clone() }))
    }
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if self.has(&[Trouble::Create]) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        RealFiles.create_directory(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.has(&[Trouble::Rename]) {
            return Err(failed());
        }
        RealFiles.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if self.has(&[Trouble::SyncNames]) {
            return Err(failed());
        }
        RealFiles.sync_directory(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.list(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        RealFiles.lock(path)
    }
}

struct FaultyFile {
    file: Box<dyn LogFile>,
    system: Faulty,
}

impl LogFile for FaultyFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.system.before_read();
        self.file.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.system.has(&[Trouble::Full, Trouble::Write, Trouble::WriteAndCut]) {
            let first = usize::try_from(self.system.written_first.load(Ordering::SeqCst)).unwrap();
            self.file.write_all_at(&bytes[..first.min(bytes.len())], offset)?;
            return Err(if self.system.has(&[Trouble::Full]) {
                io::ErrorKind::StorageFull.into()
            } else {
                failed()
            });
        }
        self.file.write_all_at(bytes, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.system.has(&[Trouble::Sync]) { Err(failed()) } else { self.file.sync_data() }
    }
    fn set_length(&self, length: u64) -> io::Result<()> {
        if self.system.has(&[Trouble::WriteAndCut]) { Err(failed()) } else { self.file.set_length(length) }
    }
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

fn open_faulty(directory: &Path, segment_bytes: u64) -> (Faulty, EmbeddedLog) {
    let files = Faulty::new();
    let options = Options { segment_bytes, ..Options::default() };
    let log = EmbeddedLog::open_on(Arc::new(files.clone()), directory, options).unwrap();
    append(&log, &["one"]).unwrap();
    (files, log)
}

#[test]
fn a_full_disk_stops_acknowledging_until_there_is_room_and_reads_go_on() {
    for written_first in [0, 1, 63, 64, 70, 200] {
        let directory = tempfile::tempdir().unwrap();
        let (files, log) = open_faulty(directory.path(), 64 << 20);
        files.written_first.store(written_first, Ordering::SeqCst);
        files.set(Trouble::Full);
        for _ in 0..2 {
            assert!(matches!(append(&log, &["two", "three"]), Err(AppendError::Full(_))));
            assert_eq!(texts(&log), ["one"]);
        }
        assert_eq!(append(&log, &["one"]).unwrap(), [Appended::Duplicate], "what is durable is acknowledged");
        files.set(Trouble::None);
        append(&log, &["two"]).unwrap();
        drop(log);
        assert_eq!(texts(&open(directory.path()).unwrap()), ["one", "two"]);
    }
}

#[test]
fn a_failed_write_leaves_the_log_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (files, log) = open_faulty(directory.path(), 64 << 20);
    files.written_first.store(100, Ordering::SeqCst);
    files.set(Trouble::Write);
    assert!(matches!(append(&log, &["two"]), Err(AppendError::Failed(_))));
    files.set(Trouble::None);
    append(&log, &["three"]).unwrap();
    drop(log);
    assert_eq!(texts(&open(directory.path()).unwrap()), ["one", "three"]);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_the_log_is_opened_again() {
    for trouble in [Trouble::Sync, Trouble::WriteAndCut] {
        let directory = tempfile::tempdir().unwrap();
        let (files, log) = open_faulty(directory.path(), 64 << 20);
        files.set(trouble);
        assert!(matches!(append(&log, &["two"]), Err(AppendError::Stopped(_))));
        files.set(Trouble::None);
        for text in ["two", "three"] {
            assert!(matches!(append(&log, &[text]), Err(AppendError::Stopped(_))));
        }
        assert_eq!(texts(&log), ["one"], "reads go on");
        drop(log);
        let log = open(directory.path()).unwrap();
        append(&log, &["two"]).unwrap();
        assert_eq!(texts(&log), ["one", "two"], "what was sent again is there once");
    }
}

#[test]
fn a_segment_that_cannot_be_begun_stops_acknowledging_until_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let (files, log) = open_faulty(directory.path(), 1);
    files.set(Trouble::Create);
    assert!(matches!(append(&log, &["two"]), Err(AppendError::Full(_))));
    files.set(Trouble::None);
    append(&log, &["two"]).unwrap();
    drop(log);
    assert_eq!(texts(&open(directory.path()).unwrap()), ["one", "two"]);
}

#[test]
fn after_a_segment_has_its_name_nothing_is_written_to_the_one_before() {
    const SEGMENT_BYTES: u64 = 1_000;
    let directory = tempfile::tempdir().unwrap();
    let (files, log) = open_faulty(directory.path(), SEGMENT_BYTES);
    files.set(Trouble::SyncNames);
    let long = "x".repeat(SEGMENT_BYTES as usize);
    assert!(matches!(append(&log, &[&long]), Err(AppendError::Stopped(_))));
    files.set(Trouble::None);
    assert!(matches!(append(&log, &["two"]), Err(AppendError::Stopped(_))), "there would be room for it");
    drop(log);
    let log = open(directory.path()).unwrap();
    append(&log, &["two"]).unwrap();
    assert_eq!(texts(&log), ["one", "two"]);
}

#[test]
fn a_segment_that_cannot_be_written_compressed_stays_as_it_is() {
    for trouble in [Trouble::Full, Trouble::Write, Trouble::Sync, Trouble::Create, Trouble::Rename] {
        let directory = tempfile::tempdir().unwrap();
        let (files, log) = open_faulty(directory.path(), 1);
        append(&log, &["two"]).unwrap();
        append(&log, &["three"]).unwrap();
        files.set(trouble);
        assert!(matches!(log.compress(&|| false), Err(CompressError::Write(_))), "{trouble:?}");
        assert!(!directory.path().join(SEGMENT).with_extension("new").exists(), "{trouble:?}");
        files.set(Trouble::None);
        assert_eq!(texts(&log), ["one", "two", "three"], "{trouble:?}");
        append(&log, &["four"]).unwrap();
        drop(log);
        let log = open(directory.path()).unwrap();
        assert_eq!(texts(&log), ["one", "two", "three", "four"], "{trouble:?}");
        assert!(log.compress(&|| false).unwrap(), "{trouble:?}");
        assert_eq!(texts(&log), ["one", "two", "three", "four"], "{trouble:?}");
    }
}

#[test]
fn records_of_a_user_are_read_once_where_a_segment_is_compressed_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (files, log) = open_faulty(directory.path(), 1);
    let log = Arc::new(log);
    let many: Vec<String> = (0..64).map(|number| number.to_string()).collect();
    append(&log, &many.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    append(&log, &["last but one"]).unwrap();
    append(&log, &["last"]).unwrap();
    let compressing = log.clone();
    let compress = move || while compressing.compress(&|| false).unwrap() {};
    // The last two segments are read, and some records of the block before them.
    *files.meanwhile.lock().unwrap() = Some((3, Box::new(compress)));
    let places: Vec<u64> = log.read_user("user").unwrap().iter().map(|record| record.position.0).collect();
    assert!(files.meanwhile.lock().unwrap().is_none());
    assert!(!log.compress(&|| false).unwrap());
    assert_eq!(places, (0..67).collect::<Vec<_>>());
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_by_name() {
    let files = Faulty::new();
    files.set(Trouble::Create);
    let directory = tempfile::tempdir().unwrap();
    let opened = EmbeddedLog::open_on(Arc::new(files), &directory.path().join("log"), Options::default());
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("cannot be written") && error.contains("log"), "{error}");
}

#[test]
fn a_batch_that_is_too_large_is_refused_whole() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let large = "x".repeat(65 << 20);
    assert!(matches!(append(&log, &[&large, "small"]), Err(AppendError::TooLarge { .. })));
    assert!(log.read(Position::START).unwrap().is_empty());
    append(&log, &["small"]).unwrap();
}
