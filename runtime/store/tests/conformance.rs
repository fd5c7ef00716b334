//! What every log must do, as a function over the trait, and the embedded log doing it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

use std::path::Path;

use aquarium_charging::Reason;
use aquarium_store::record::REFUSALS;
use aquarium_store::{
    Appended, Digest, EmbeddedLog, Kind, Log, NewRecord, Options, OwnedRecord, Position, partition_of,
};
use proptest::prelude::*;

/// Opens the log that is tested, again after it was dropped.
type Open<'a> = &'a dyn Fn() -> Box<dyn Log>;

/// A record of a test: the user, the id, what it says, when it came.
#[derive(Debug, Clone, Copy)]
struct Said<'a>(&'a str, &'a str, &'a str, i64);

impl<'a> Said<'a> {
    fn record(self, partitions: u16) -> NewRecord<'a> {
        let Self(user, id, text, received_millis) = self;
        NewRecord {
            kind: Kind::ResourceEvent,
            partition: Some(partition_of(user, partitions)),
            user,
            received_millis,
            key: Digest::of(&[user.as_bytes(), id.as_bytes()]),
            content: Digest::of(&[text.as_bytes()]),
            note: "",
            body: text.as_bytes(),
        }
    }
}

fn append(log: &dyn Log, batch: &[Said<'_>]) -> Vec<Appended> {
    let batch: Vec<NewRecord<'_>> = batch.iter().map(|said| said.record(log.partitions())).collect();
    log.append(&batch).unwrap()
}

fn stored(position: u64, received_millis: i64) -> Appended {
    Appended::Stored { position: Position(position), received_millis }
}

fn read_from(log: &dyn Log, from: Position) -> Vec<OwnedRecord> {
    let mut records = Vec::new();
    let mut next = from;
    loop {
        let page = log.read(next).unwrap();
        if page.is_empty() {
            return records;
        }
        records.extend(page.records().map(OwnedRecord::from));
        next = page.next();
    }
}

fn bodies(records: &[OwnedRecord]) -> Vec<&str> {
    records.iter().map(|record| str::from_utf8(&record.body).unwrap()).collect()
}

/// The suite: `open` gives the same log each time, empty at first.
fn conformance(open: Open<'_>) {
    answers_say_what_became_of_each_record(open);
    refused_input_is_kept_with_its_reason_and_once(open);
    nothing_of_an_empty_batch_is_stored(open);
    every_position_can_be_read_from(open);
    a_user_s_records_are_its_own_and_in_order(open);
    a_user_s_records_can_be_read_from_any_place_on(open);
    what_concerns_everybody_can_be_read_from_any_place_on(open);
    receipt_never_goes_back_within_a_partition(open);
    a_log_that_is_opened_again_is_the_same(open);
    // What is appended there is in the log by now; what it is found by was read from it.
    a_user_s_records_can_be_read_from_any_place_on(open);
    what_concerns_everybody_can_be_read_from_any_place_on(open);
}

fn answers_say_what_became_of_each_record(open: Open<'_>) {
    let log = open();
    let first =
        append(&*log, &[Said("u1", "a", "one", 5), Said("u2", "a", "two", 5), Said("u1", "a", "one", 6)]);
    assert_eq!(first, [stored(0, 5), stored(1, 5), Appended::Duplicate]);
    let second =
        append(&*log, &[Said("u1", "a", "one", 7), Said("u1", "a", "other", 7), Said("u1", "b", "b", 7)]);
    assert_eq!(second, [Appended::Duplicate, Appended::Conflict, stored(3, 7)]);
    let records = read_from(&*log, Position::START);
    assert_eq!(bodies(&records), ["one", "two", "other", "b"]);
    assert_eq!(records[2].kind, Kind::Quarantined(Reason::Conflict));
    assert_eq!(append(&*log, &[Said("u1", "a", "other", 8)]), [Appended::Conflict]);
    assert_eq!(log.end(), Position(4), "a conflict is kept once");
}

fn refused_input_is_kept_with_its_reason_and_once(open: Open<'_>) {
    let log = open();
    let end = log.end();
    for (place, reason) in REFUSALS.into_iter().enumerate() {
        let body = format!("refused {place} \u{fffd}");
        let note = format!("because of {reason}");
        let refused = NewRecord::quarantined(reason, &note, body.as_bytes(), 9);
        assert_eq!(log.append(&[refused]).unwrap(), [stored(end.0 + place as u64, 9)]);
        assert_eq!(log.append(&[refused]).unwrap(), [Appended::Duplicate]);
    }
    let records = read_from(&*log, end);
    for (record, reason) in records.iter().zip(REFUSALS) {
        assert_eq!(record.kind, Kind::Quarantined(reason));
        assert_eq!(record.note, format!("because of {reason}"));
    }
    assert_eq!(records.len(), REFUSALS.len());
}

fn nothing_of_an_empty_batch_is_stored(open: Open<'_>) {
    let log = open();
    let before = log.statistics();
    assert_eq!(log.append(&[]).unwrap(), []);
    assert_eq!(log.statistics(), before);
}

fn every_position_can_be_read_from(open: Open<'_>) {
    let log = open();
    let whole = read_from(&*log, Position::START);
    for from in 0..=log.end().0 {
        let rest = read_from(&*log, Position(from));
        assert_eq!(rest, whole[usize::try_from(from).unwrap()..]);
    }
    assert!(log.read(Position(u64::MAX)).unwrap().is_empty());
}

fn a_user_s_records_are_its_own_and_in_order(open: Open<'_>) {
    let log = open();
    append(&*log, &[Said("own", "1", "x", 20), Said("foreign", "1", "y", 20), Said("own", "2", "z", 20)]);
    append(&*log, &[Said("foreign", "2", "y2", 21)]);
    append(&*log, &[Said("own", "3", "last", 22)]);
    assert_eq!(bodies(&log.read_user("own").unwrap()), ["x", "z", "last"]);
    assert_eq!(bodies(&log.read_user("foreign").unwrap()), ["y", "y2"]);
    assert_eq!(log.read_user("nobody").unwrap(), []);
    assert_eq!(log.read_user("").unwrap(), []);
}

fn a_user_s_records_can_be_read_from_any_place_on(open: Open<'_>) {
    let log = open();
    // Blocks of many records, and more of one user than there are between two places of an index.
    for block in 0..3 {
        let ids: Vec<String> = (0..100).map(|number| format!("{block}-{number}")).collect();
        let user = |number: usize| if number % 7 == 3 { "often" } else { "else" };
        let said: Vec<Said<'_>> =
            ids.iter().enumerate().map(|(number, id)| Said(user(number), id, id, 30)).collect();
        append(&*log, &said);
    }
    let whole = log.read_user("often").unwrap();
    assert_eq!(whole.len(), 42);
    for from in 0..=log.end().0 {
        let since: Vec<_> = whole.iter().filter(|record| record.position.0 >= from).cloned().collect();
        assert_eq!(log.read_user_since("often", Position(from)).unwrap(), since, "{from}");
    }
    assert_eq!(log.read_user_since("nobody", Position::START).unwrap(), []);
}

fn what_concerns_everybody_can_be_read_from_any_place_on(open: Open<'_>) {
    let log = open();
    let refused = NewRecord::quarantined(REFUSALS[0], "", b"refused", 40);
    let shared = |id: &'static str| NewRecord {
        kind: Kind::Runtime,
        partition: None,
        user: "",
        ..Said("", id, id, 40).record(log.partitions())
    };
    append(&*log, &[Said("own", "shared", "x", 40)]);
    log.append(&[shared("d1"), refused, shared("d2")]).unwrap();
    log.append(&[shared("d3")]).unwrap();
    let found = log.read_shared_since(Position::START).unwrap();
    assert_eq!(bodies(&found)[..3], ["d1", "d2", "d3"]);
    assert_eq!(bodies(&log.read_shared_since(found[1].position).unwrap())[..2], ["d2", "d3"]);
    assert_eq!(log.read_shared_since(log.end()).unwrap(), []);
}

fn receipt_never_goes_back_within_a_partition(open: Open<'_>) {
    let log = open();
    append(&*log, &[Said("clock", "1", "late", 1_000)]);
    assert!(matches!(
        append(&*log, &[Said("clock", "2", "early", 500)])[..],
        [Appended::Stored { received_millis: 1_000, .. }]
    ));
    let everywhere = NewRecord { partition: None, kind: Kind::Runtime, ..Said("", "d", "d", 700).record(64) };
    assert!(matches!(
        log.append(&[everywhere]).unwrap()[..],
        [Appended::Stored { received_millis: 1_000, .. }]
    ));
    assert!(matches!(
        append(&*log, &[Said("another", "1", "early", 1)])[..],
        [Appended::Stored { received_millis: 1_000, .. }]
    ));
}

fn a_log_that_is_opened_again_is_the_same(open: Open<'_>) {
    let log = open();
    let (end, records, statistics) = (log.end(), read_from(&*log, Position::START), log.statistics());
    drop(log);
    let log = open();
    assert_eq!((log.end(), log.statistics()), (end, statistics));
    assert_eq!(read_from(&*log, Position::START), records);
    assert_eq!(append(&*log, &[Said("u1", "b", "b", 2_000)]), [Appended::Duplicate]);
    assert_eq!(append(&*log, &[Said("u1", "b", "c", 2_000)]), [Appended::Conflict]);
    assert!(matches!(
        append(&*log, &[Said("clock", "3", "again", 1)])[..],
        [Appended::Stored { received_millis: 2_000, .. }]
    ));
    assert_eq!(bodies(&log.read_user("clock").unwrap()), ["late", "early", "again"]);
}

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

    /// A log against a list: the first of each key stands, whatever the batches and the segments are.
    #[test]
    fn any_batches_in_any_segments_give_the_list_of_first_records(
        batches in prop::collection::vec(prop::collection::vec((0..5_u8, 0..12_u8), 0..8), 0..12),
        segment_bytes in prop_oneof![Just(1_u64), Just(600), Just(1 << 20)],
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut expected: Vec<(String, String)> = Vec::new();
        for batch in &batches {
            let log = open_embedded(directory.path(), segment_bytes);
            let texts: Vec<(String, String)> =
                batch.iter().map(|(user, id)| (format!("u{user}"), format!("{user} {id}"))).collect();
            let said: Vec<Said<'_>> = texts.iter().map(|(user, id)| Said(user, id, id, 1)).collect();
            append(&*log, &said);
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
