//! The embedded log does what every log must do.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

#[path = "suites/log.rs"]
mod suite;

use std::path::Path;

use aquarium_store::{EmbeddedLog, Log, Options, Position};
use proptest::prelude::*;
use suite::{Said, append, bodies, conformance, read_from};

fn open_embedded(directory: &Path, segment_bytes: u64) -> Box<dyn Log> {
    Box::new(EmbeddedLog::open(directory, Options { segment_bytes, ..Options::default() }).unwrap())
}

#[test]
fn the_embedded_log_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance(&|| open_embedded(directory.path(), 64 << 20));
}

#[test]
fn the_embedded_log_conforms_with_a_segment_for_every_block() {
    let directory = tempfile::tempdir().unwrap();
    conformance(&|| open_embedded(directory.path(), 1));
}

#[test]
fn an_existing_log_keeps_its_number_of_partitions() {
    let directory = tempfile::tempdir().unwrap();
    let options = |partitions| Options { partitions, ..Options::default() };
    drop(EmbeddedLog::open(directory.path(), options(7)).unwrap());
    assert_eq!(EmbeddedLog::open(directory.path(), options(64)).unwrap().partitions(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A log against a list: the first of each key stands, whatever the batches and the segments are, compressed or not.
    #[test]
    fn any_batches_in_any_segments_give_the_list_of_first_records(
        batches in prop::collection::vec(prop::collection::vec((0..5_u8, 0..12_u8), 0..8), 0..12),
        segment_bytes in prop_oneof![Just(1_u64), Just(600), Just(1 << 20)],
        compresses in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut expected: Vec<(String, String)> = Vec::new();
        for batch in &batches {
            let log = open_embedded(directory.path(), segment_bytes);
            let texts: Vec<(String, String)> =
                batch.iter().map(|(user, id)| (format!("u{user}"), format!("{user} {id}"))).collect();
            let said: Vec<Said<'_>> = texts.iter().map(|(user, id)| Said(user, id, id, 1)).collect();
            append(&*log, &said);
            while compresses && log.compress(&|| false).unwrap() {}
            for text in texts {
                if !expected.contains(&text) {
                    expected.push(text);
                }
            }
        }
        let log = open_embedded(directory.path(), segment_bytes);
        let found: Vec<(String, String)> = read_from(&*log, Position::START)
            .into_iter()
            .map(|record| (record.user, String::from_utf8(record.body).unwrap()))
            .collect();
        prop_assert_eq!(&found, &expected);
        for user in 0..5_u8 {
            let user = format!("u{user}");
            let own: Vec<_> = expected.iter().filter(|(other, _)| *other == user).map(|(_, id)| id.clone()).collect();
            let found = log.read_user(&user).unwrap();
            prop_assert_eq!(bodies(&found), own);
        }
    }
}
