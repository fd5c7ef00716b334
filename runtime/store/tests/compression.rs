//! Full segments are compressed, and say what they said.
#![expect(clippy::disallowed_methods, reason = "files are damaged here")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

#[expect(dead_code, reason = "the other suites need more of it")]
#[path = "suites/log.rs"]
mod suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aquarium_store::embedded::verify;
use aquarium_store::{
    Appended, CompressError, EmbeddedLog, Log, OpenError, Options, OwnedRecord, Position, ReadError,
};
use suite::{Said, append, read_from};

const FIRST: &str = "00000000000000000000.segment";
/// More than one part of a block, and not a whole number of them.
const RECORDS: u64 = 700;

fn open(directory: &Path) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(directory, Options { segment_bytes: 1, ..Options::default() })
}

/// A log of three segments of a block each, of which the first can be compressed, and all that it says.
fn three_segments(directory: &Path) -> (EmbeddedLog, Vec<OwnedRecord>) {
    let log = open(directory).unwrap();
    for block in 0..3 {
        let ids: Vec<(String, String)> =
            (0..RECORDS).map(|id| (format!("u{}", id % 7), format!("{block}-{id}"))).collect();
        let said: Vec<Said<'_>> = ids.iter().map(|(user, id)| Said(user, id, id, 1)).collect();
        append(&log, &said);
    }
    let said = read_from(&log, Position::START);
    (log, said)
}

fn first(directory: &Path) -> PathBuf {
    directory.join(FIRST)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn compress(log: &EmbeddedLog) -> Result<bool, CompressError> {
    log.compress(&|| false)
}

#[test]
fn a_compressed_segment_is_shorter_and_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (log, said) = three_segments(directory.path());
    let (before, chain) = (length(&first(directory.path())), verify(directory.path()).unwrap().chain);
    assert!(compress(&log).unwrap());
    assert!(!compress(&log).unwrap(), "what was written last is left as it is");
    let after = length(&first(directory.path()));
    assert!(after < before * 2 / 3, "{after} of {before} bytes");
    assert_eq!(verify(directory.path()).unwrap().chain, chain);
    let bytes: u64 = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .map(|path| length(&path))
        .sum();
    assert_eq!(log.statistics().bytes, bytes);
    for log in [log, open(&copied(directory.path())).unwrap()] {
        assert_eq!(read_from(&log, Position::START), said);
        assert_eq!(read_from(&log, Position(300)), said[300..]);
        let of_user: Vec<OwnedRecord> = said.iter().filter(|it| it.user == "u3").cloned().collect();
        assert_eq!(log.read_user("u3").unwrap(), of_user);
        let places = [Position(0), Position(255), Position(256), Position(699), Position(700)];
        let found = log.read_at(&places).unwrap();
        assert_eq!(found.iter().map(|it| it.position).collect::<Vec<_>>(), places);
        let again = append(&log, &[Said("u0", "0-0", "0-0", 1), Said("u0", "0-7", "another", 1)]);
        assert_eq!(again, [Appended::Duplicate, Appended::Conflict]);
    }
}

/// A copy of the files, for there is one writer for each.
fn copied(directory: &Path) -> PathBuf {
    let copy = directory.join("copy");
    aquarium_store::embedded::copy(directory, &copy).unwrap();
    copy
}

#[test]
fn what_is_compressed_stays_so_and_the_next_segment_comes_once_it_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = three_segments(directory.path());
    assert!(compress(&log).unwrap());
    drop(log);
    let log = open(directory.path()).unwrap();
    assert!(!compress(&log).unwrap());
    append(&log, &[Said("u0", "more", "more", 1)]);
    assert!(compress(&log).unwrap());
    assert!(!compress(&log).unwrap());
}

#[test]
fn every_flipped_bit_of_a_compressed_segment_is_found_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = three_segments(directory.path());
    compress(&log).unwrap();
    let sound = fs::read(first(directory.path())).unwrap();
    drop(log);
    for place in (0..sound.len() * 8).step_by(101) {
        let mut flipped = sound.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        fs::write(first(directory.path()), flipped).unwrap();
        let error = verify(directory.path()).unwrap_err();
        let OpenError::Read(ReadError::Damaged { file, first, .. }) = error else { unreachable!("{error}") };
        assert_eq!((file.as_str(), first), (FIRST, Position::START), "bit {place}");
    }
}

#[test]
fn damage_that_comes_while_the_log_is_open_is_found_in_the_part_that_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (log, said) = three_segments(directory.path());
    compress(&log).unwrap();
    let path = first(directory.path());
    let sound = fs::read(&path).unwrap();
    let mut flipped = sound.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&path, &flipped).unwrap();
    assert!(matches!(log.read(Position(0)), Err(ReadError::Damaged { first: Position(0), .. })));
    assert!(log.read_user("u3").is_err());
    // Where the parts are: the first one's length.
    let mut flipped = sound.clone();
    flipped[64 + 64] ^= 1;
    fs::write(&path, &flipped).unwrap();
    assert!(log.read_user("u3").is_err());
    fs::write(&path, &sound).unwrap();
    assert_eq!(read_from(&log, Position::START), said);
}

#[test]
fn what_is_damaged_is_not_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = three_segments(directory.path());
    let path = first(directory.path());
    let mut flipped = fs::read(&path).unwrap();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&path, &flipped).unwrap();
    let refused = compress(&log);
    assert!(matches!(refused, Err(CompressError::Read(ReadError::Damaged { first: Position(0), .. }))));
    assert!(!path.with_extension("new").exists());
    assert_eq!(fs::read(&path).unwrap(), flipped);
}

#[test]
fn whoever_gives_up_leaves_the_segment_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (log, said) = three_segments(directory.path());
    let before = fs::read(first(directory.path())).unwrap();
    assert!(!log.compress(&|| true).unwrap());
    assert!(!first(directory.path()).with_extension("new").exists());
    assert_eq!(fs::read(first(directory.path())).unwrap(), before);
    drop(log);
    let log = open(directory.path()).unwrap();
    assert_eq!(read_from(&log, Position::START), said);
    assert!(compress(&log).unwrap());
}

#[test]
fn readers_and_the_writer_go_on_while_segments_are_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let (written, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) || compress(&log).unwrap() {
                compress(&log).unwrap();
            }
        });
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                let there = written.load(Ordering::SeqCst);
                let of_user = log.read_user("u").unwrap();
                let places: Vec<u64> = of_user.iter().map(|record| record.position.0).collect();
                assert_eq!(places, (0..places.len() as u64).collect::<Vec<_>>(), "each once, in order");
                assert!(places.len() >= there);
                assert!(read_from(&log, Position::START).len() >= there);
            }
        });
        for block in 0..60 {
            let ids: Vec<String> = (0..20).map(|id| format!("{block}-{id}")).collect();
            append(&log, &ids.iter().map(|id| Said("u", id, id, 1)).collect::<Vec<_>>());
            written.fetch_add(20, Ordering::SeqCst);
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert!(!compress(&log).unwrap());
    assert_eq!(log.read_user("u").unwrap().len(), 1_200);
    assert_eq!(verify(directory.path()).unwrap().records, 1_200);
}
