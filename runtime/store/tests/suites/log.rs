//! What every log must do, as a function over the trait.
use aquarium_charging::Reason;
use aquarium_store::record::REFUSALS;
use aquarium_store::{Appended, Digest, Kind, Log, Needed, NewRecord, OwnedRecord, Position, partition_of};

/// Opens the log that is tested, again after it was dropped.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Log>;

/// A record of a test: the user, the id, what it says, when it came.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a>(pub &'a str, pub &'a str, pub &'a str, pub i64);

impl<'a> Said<'a> {
    pub fn record(self, partitions: u16) -> NewRecord<'a> {
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

pub fn append(log: &dyn Log, batch: &[Said<'_>]) -> Vec<Appended> {
    let batch: Vec<NewRecord<'_>> = batch.iter().map(|said| said.record(log.partitions())).collect();
    log.append(&batch).unwrap()
}

fn stored(position: u64, received_millis: i64) -> Appended {
    Appended::Stored { position: Position(position), received_millis }
}

pub fn read_from(log: &dyn Log, from: Position) -> Vec<OwnedRecord> {
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

pub fn bodies(records: &[OwnedRecord]) -> Vec<&str> {
    records.iter().map(|record| str::from_utf8(&record.body).unwrap()).collect()
}

/// The suite: `open` gives the same log each time, empty at first.
pub fn conformance(open: Open<'_>) {
    answers_say_what_became_of_each_record(open);
    refused_input_is_kept_with_its_reason_and_once(open);
    nothing_of_an_empty_batch_is_stored(open);
    every_position_can_be_read_from(open);
    a_user_s_records_are_its_own_and_in_order(open);
    a_user_s_records_can_be_read_from_any_place_on(open);
    what_concerns_everybody_can_be_read_from_any_place_on(open);
    receipt_never_goes_back_within_a_partition(open);
    what_is_needed_is_read_from_any_place_on(open);
    records_are_found_by_their_places(open);
    a_log_that_is_opened_again_is_the_same(open);
    // What is appended there is in the log by now; what it is found by was read from it.
    what_is_needed_is_read_from_any_place_on(open);
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

/// The records that are needed, of a log whose records are all there: their places.
pub fn needed_of(whole: &[OwnedRecord], needed: &Needed, partitions: u16) -> Vec<Position> {
    let is_needed = |record: &&OwnedRecord| match needed {
        Needed::Everything => true,
        Needed::OfPartitions(some) => {
            !record.user.is_empty() && some.contains(&partition_of(&record.user, partitions))
        }
        Needed::Nobodys => record.user.is_empty(),
    };
    whole.iter().filter(is_needed).map(|record| record.position).collect()
}

/// What is read for somebody who needs some of it, and where it ends.
pub fn read_needed_from(log: &dyn Log, from: Position, needed: &Needed) -> (Vec<OwnedRecord>, Position) {
    let (mut records, mut next) = (Vec::new(), from);
    loop {
        let page = log.read_needed(next, needed).unwrap();
        assert_eq!(page.first(), next);
        if page.is_empty() {
            return (records, next);
        }
        records.extend(page.records().map(OwnedRecord::from));
        next = page.next();
    }
}

fn what_is_needed_is_read_from_any_place_on(open: Open<'_>) {
    let log = open();
    let tick =
        NewRecord { kind: Kind::Runtime, partition: Some(3), user: "", ..Said("", "t", "t", 50).record(64) };
    log.append(&[tick]).unwrap();
    let whole = read_from(&*log, Position::START);
    let of = |users: &[&str]| users.iter().map(|user| partition_of(user, log.partitions())).collect();
    for needed in [
        Needed::Everything,
        Needed::OfPartitions(of(&["often", "own"])),
        Needed::OfPartitions((0..log.partitions()).collect()),
        Needed::OfPartitions(Vec::new()),
        Needed::Nobodys,
    ] {
        let places = needed_of(&whole, &needed, log.partitions());
        for from in (0..=log.end().0).map(Position) {
            let (found, end) = read_needed_from(&*log, from, &needed);
            assert_eq!(end, log.end());
            let is_there = |place: &&Position| found.iter().any(|record| record.position == **place);
            let expected: Vec<&Position> = places.iter().filter(|place| **place >= from).collect();
            assert!(expected.iter().all(is_there), "{needed:?} from {from}");
            // What else is there is as it was written, and in order.
            let mut rest = whole.iter();
            assert!(found.iter().all(|record| rest.any(|of_whole| of_whole == record)));
        }
    }
}

fn records_are_found_by_their_places(open: Open<'_>) {
    let log = open();
    let whole = read_from(&*log, Position::START);
    let third: Vec<OwnedRecord> = whole.iter().step_by(3).cloned().collect();
    let places: Vec<Position> = third.iter().map(|record| record.position).collect();
    assert_eq!(log.read_at(&places).unwrap(), third);
    let [last, beyond] = [log.end().0 - 1, log.end().0].map(Position);
    assert_eq!(log.read_at(&[last, beyond]).unwrap(), whole[whole.len() - 1..]);
    assert_eq!(log.read_at(&[]).unwrap(), []);
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
