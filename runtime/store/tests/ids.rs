//! Which ids are in a log: known for ever, in little memory, and again after whatever becomes of what is on disk.
#![expect(clippy::disallowed_methods, reason = "files are damaged here")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

use std::fs;
use std::path::{Path, PathBuf};

use aquarium_store::{Appended, Digest, EmbeddedLog, Kind, Log, NewRecord, Options};
use proptest::prelude::*;

/// Records of a table: few, so that there are many runs, and merged ones.
const RECENT: usize = 16;

fn open(directory: &Path) -> EmbeddedLog {
    let options = Options { recent_ids_max: RECENT, ..Options::default() };
    EmbeddedLog::open(directory, options).unwrap()
}

fn append(log: &EmbeddedLog, ids: impl Iterator<Item = u64>, content: u64) -> Vec<Appended> {
    let bodies: Vec<String> = ids.map(|id| id.to_string()).collect();
    let records: Vec<NewRecord<'_>> = bodies
        .iter()
        .map(|body| NewRecord {
            kind: Kind::UserEvent,
            partition: Some(1),
            user: "user",
            received_millis: 1,
            key: Digest::of(&[body.as_bytes()]),
            content: Digest::of(&[body.as_bytes(), &content.to_le_bytes()]),
            note: "",
            body: body.as_bytes(),
        })
        .collect();
    log.append(&records).unwrap()
}

fn runs(directory: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> =
        fs::read_dir(directory.join("ids")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs
}

/// A log of records 0 up to a number, in blocks of some.
fn filled(directory: &Path, count: u64) {
    let log = open(directory);
    for first in (0..count).step_by(7) {
        let answers = append(&log, first..(first + 7).min(count), 0);
        assert!(answers.iter().all(|answer| matches!(answer, Appended::Stored { .. })));
    }
}

fn knows_all(directory: &Path, count: u64) {
    let log = open(directory);
    assert_eq!(append(&log, 0..count, 0), vec![Appended::Duplicate; count as usize]);
    let before = log.end().0;
    assert_eq!(append(&log, 0..3, 1), vec![Appended::Conflict; 3]);
    assert!(log.end().0 <= before + 3);
    assert!(matches!(
        append(&log, count + 1_000_000..count + 1_000_001, 0)[0],
        Appended::Stored { .. } | Appended::Duplicate
    ));
}

#[test]
fn ids_are_known_when_they_are_in_runs_and_after_a_new_start() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 2_000);
    let found = runs(directory.path());
    assert!((2..24).contains(&found.len()), "{found:?}");
    knows_all(directory.path(), 2_000);
    knows_all(directory.path(), 2_000);
}

#[test]
fn a_flipped_bit_of_a_run_is_found_when_the_log_is_opened_and_the_run_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 200);
    for number in 0..60_usize {
        let found = runs(directory.path());
        let path = &found[number % found.len()];
        let mut bytes = fs::read(path).unwrap();
        let place = number.wrapping_mul(7_919) % (bytes.len() * 8);
        bytes[place / 8] ^= 1 << (place % 8);
        fs::write(path, bytes).unwrap();
        knows_all(directory.path(), 200);
    }
}

#[test]
fn damage_that_comes_while_the_log_is_open_stops_it_rather_than_to_take_a_record_twice() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 2_000);
    let log = open(directory.path());
    for path in runs(directory.path()) {
        let length = fs::metadata(&path).unwrap().len();
        // In place: the log has it open.
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &vec![0x55; length as usize - 64], 64).unwrap();
    }
    let body = b"5";
    let record = NewRecord {
        key: Digest::of(&[body]),
        content: Digest::of(&[body, &0_u64.to_le_bytes()]),
        ..NewRecord::quarantined(aquarium_charging::Reason::NotJson, "", body, 1)
    };
    let refused = log.append(&[record]).unwrap_err().to_string();
    assert!(refused.contains("the index of ids is damaged"), "{refused}");
    drop(log);
    knows_all(directory.path(), 2_000);
}

#[test]
fn runs_of_another_log_left_over_or_cut_off_count_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    filled(&one, 300);
    let log = open(&other);
    append(&log, 5_000..5_100, 0);
    drop(log);
    for path in runs(&one) {
        fs::copy(&path, other.join("ids").join(path.file_name().unwrap())).unwrap();
    }
    let log = open(&other);
    assert!(append(&log, 0..50, 0).iter().all(|answer| matches!(answer, Appended::Stored { .. })));
    assert_eq!(append(&log, 5_000..5_100, 0), vec![Appended::Duplicate; 100]);
    drop(log);
    let first = runs(&one)[0].clone();
    fs::write(first.with_extension("new"), b"half").unwrap();
    let whole = fs::read(&first).unwrap();
    fs::write(&first, &whole[..whole.len() / 2]).unwrap();
    knows_all(&one, 300);
    assert!(runs(&one).iter().all(|path| path.extension().unwrap() == "run"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_id_is_stored_once_whatever_the_order_and_however_often_the_log_is_opened(
        batches in proptest::collection::vec((proptest::collection::vec(0_u64..400, 1..40), any::<bool>()), 1..40),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(directory.path());
        let mut known = std::collections::BTreeSet::new();
        for (ids, again) in batches {
            let answers = append(&log, ids.iter().copied(), 0);
            for (id, answer) in ids.iter().zip(answers) {
                prop_assert_eq!(known.insert(*id), answer != Appended::Duplicate, "{}", id);
            }
            if again {
                drop(log);
                log = open(directory.path());
            }
        }
        prop_assert_eq!(log.end().0, known.len() as u64);
    }
}
