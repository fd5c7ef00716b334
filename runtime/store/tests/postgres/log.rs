//! The log in PostgreSQL.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aquarium_store::postgres::Server;
use aquarium_store::{Appended, Log, Needed, Position, PostgresLog, partition_of};

use crate::log_suite::{Said, append, bodies, conformance, needed_of, read_from, read_needed_from};
use crate::servers::postgres::Postgres;
use crate::{options, server};

#[test]
fn it_does_what_every_log_must_do() {
    let directory = tempfile::tempdir().unwrap();
    conformance(&|| Box::new(PostgresLog::open(server(directory.path()), 64).unwrap()));
}

#[test]
fn it_keeps_its_number_of_partitions() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(PostgresLog::open(server(directory.path()), 7).unwrap().partitions(), 7);
    assert_eq!(PostgresLog::open(server(directory.path()), 64).unwrap().partitions(), 7);
}

#[test]
fn several_nodes_append_at_once_and_each_record_is_there_once_and_without_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..300).map(|number| format!("{number}")).collect();
    std::thread::scope(|scope| {
        for node in 0..3 {
            let (texts, directory) = (&texts, &directory);
            scope.spawn(move || {
                let log = PostgresLog::open(server(directory.path()), 64).unwrap();
                // Each begins at another place, and all append everything.
                for number in 0..30 {
                    let from = (number * 10 + node * 100) % texts.len();
                    let said: Vec<Said<'_>> =
                        texts[from..from + 10].iter().map(|text| Said("u", text, text, 1)).collect();
                    append(&log, &said);
                }
            });
        }
    });
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    assert_eq!(log.end(), Position(300));
    let found = read_from(&log, Position::START);
    assert_eq!(bodies(&found).into_iter().collect::<BTreeSet<_>>().len(), 300);
    assert_eq!(log.read_user("u").unwrap().len(), 300);
}

#[test]
fn whoever_appends_reads_the_same_as_everybody_else() {
    let directory = tempfile::tempdir().unwrap();
    let open = || PostgresLog::open(server(directory.path()), 64).unwrap();
    let (one, other) = (open(), open());
    let texts: Vec<String> = (0..600).map(|number| number.to_string()).collect();
    let users: Vec<String> = (0..600).map(|number| format!("user-{}", number % 17)).collect();
    for (number, log) in (0..texts.len()).step_by(20).zip([&one, &one, &other].into_iter().cycle()) {
        let said: Vec<Said<'_>> =
            (number..number + 20).map(|place| Said(&users[place], &texts[place], &texts[place], 1)).collect();
        append(log, &said);
    }
    let whole = read_from(&open(), Position::START);
    assert_eq!(bodies(&whole), texts);
    let some = Needed::OfPartitions((0..32).collect());
    let places = needed_of(&whole, &some, 64);
    for log in [&one, &other] {
        log.refresh().unwrap();
        assert_eq!(read_from(log, Position::START), whole);
        assert_eq!(read_from(log, Position(7)), whole[7..]);
        let (found, end) = read_needed_from(log, Position::START, &some);
        assert!(places.iter().all(|place| found.iter().any(|record| record.position == *place)));
        assert!(found.iter().all(|record| *record == whole[usize::try_from(record.position.0).unwrap()]));
        assert_eq!(end, Position(600));
    }
}

#[test]
fn what_comes_twice_is_found_among_what_is_new_whatever_came_before() {
    let directory = tempfile::tempdir().unwrap();
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let stored = |position| Appended::Stored { position: Position(position), received_millis: 1 };
    let (a, b, c) = (Said("u", "a", "a", 1), Said("u", "b", "b", 1), Said("u", "c", "c", 1));
    let other = Said("u", "a", "other", 1);
    assert_eq!(
        append(&log, &[a, a, other, other]),
        [stored(0), Appended::Duplicate, Appended::Conflict, Appended::Conflict]
    );
    assert_eq!(append(&log, &[b, a, other]), [stored(2), Appended::Duplicate, Appended::Conflict]);
    assert_eq!(append(&log, &[a, c]), [Appended::Duplicate, stored(3)]);
    assert_eq!(append(&log, &[Said("u", "d", "d", 1)]), [stored(4)]);
    assert_eq!(append(&log, &[Said("u", "e", "e", 1), other]), [stored(5), Appended::Conflict]);
    assert_eq!(log.end(), Position(6));
}

#[test]
fn a_server_that_is_killed_in_the_midst_of_appends_loses_and_repeats_nothing() {
    let own = Postgres::start();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::connect(&options(&own, directory.path())).unwrap();
    let log = PostgresLog::open(Arc::new(server), 64).unwrap();
    let texts: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for ten in texts.chunks(10) {
                let said: Vec<Said<'_>> = ten.iter().map(|text| Said("u", text, text, 1)).collect();
                let batch: Vec<_> = said.iter().map(|said| said.record(64)).collect();
                // As whoever sends events does it.
                while log.append(&batch).is_err() {}
            }
        });
        for part in 1..=2 {
            while log.end() < Position(part * 1_000) {
                std::thread::yield_now();
            }
            own.kill();
            own.restart();
        }
        writer.join().unwrap();
    });
    let reader = PostgresLog::open(Arc::new(Server::connect(&options(&own, directory.path())).unwrap()), 64);
    for log in [&log, &reader.unwrap()] {
        assert_eq!(bodies(&read_from(log, Position::START)), texts);
    }
    let again = append(&log, &[Said("u", "7", "7", 9), Said("u", "7", "other", 9)]);
    assert_eq!(again, [Appended::Duplicate, Appended::Conflict]);
}

#[test]
fn pages_have_a_limit_however_large_records_are() {
    let directory = tempfile::tempdir().unwrap();
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let large = "x".repeat(3 << 20);
    let texts: Vec<String> = (0..5).map(|number| format!("{number}{large}")).collect();
    for text in &texts {
        append(&log, &[Said("u", text, text, 1)]);
    }
    // Whoever appends has other pages.
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    assert_eq!(log.read(Position(1)).unwrap().next(), Position(3));
    assert_eq!(bodies(&read_from(&log, Position::START)), texts);
}

#[test]
fn of_the_partitions_of_others_nothing_is_read_however_long_stretches_and_large_records_are() {
    let directory = tempfile::tempdir().unwrap();
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let users: Vec<String> = (0..20_000).map(|number| format!("user-{}", number * 7_919 % 1_000)).collect();
    let large = "x".repeat(5_000);
    let body =
        |number: usize| if number % 997 == 3 { format!("{number}{large}") } else { number.to_string() };
    let texts: Vec<String> = (0..users.len()).map(body).collect();
    for from in (0..users.len()).step_by(5_000) {
        let said: Vec<Said<'_>> = (from..from + 5_000)
            .map(|number| Said(&users[number], &texts[number], &texts[number], 1))
            .collect();
        append(&log, &said);
    }
    // Whoever appends need not read.
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let whole = read_from(&log, Position::START);
    assert_eq!(bodies(&whole), texts);
    for some in [vec![5], (0..32).collect(), vec![]] {
        let needed = Needed::OfPartitions(some.clone());
        let (found, _) = read_needed_from(&log, Position(7), &needed);
        assert!(found.iter().all(|record| some.contains(&partition_of(&record.user, 64))));
        let places: Vec<Position> = found.iter().map(|record| record.position).collect();
        let after: Vec<Position> =
            needed_of(&whole, &needed, 64).into_iter().filter(|place| place.0 >= 7).collect();
        assert_eq!(places, after);
        assert!(found.iter().all(|record| *record == whole[usize::try_from(record.position.0).unwrap()]));
    }
    assert_eq!(read_needed_from(&log, Position(7), &Needed::Nobodys).0, []);
}

#[test]
fn while_a_standby_is_away_one_commit_waits_for_it_and_all_others_are_refused_until_it_is_back() {
    let primary = Postgres::start();
    let standby = primary.synchronous_standby();
    let directory = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::connect(&options(&primary, directory.path())).unwrap());
    let log = PostgresLog::open(server.clone(), 64).unwrap();
    append(&log, &[Said("u", "1", "one", 1)]);
    assert_eq!(server.trouble(), None);
    standby.kill();
    let (second, third) = (Said("u", "2", "two", 1), Said("u", "3", "three", 1));
    for said in [second, third, third] {
        let refused = log.append(&[said.record(64)]).unwrap_err().to_string();
        assert!(refused.contains("a standby is away that `synchronous_standby_names`"), "{refused}");
        assert!(server.trouble().is_some_and(|trouble| trouble.contains("a standby is away")));
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    assert_eq!(primary.ask(waiting), "1");
    standby.restart();
    let begun = Instant::now();
    while server.trouble().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", server.trouble());
        std::thread::yield_now();
    }
    assert_eq!(append(&log, &[second])[..], [Appended::Duplicate]);
    assert!(matches!(append(&log, &[third])[..], [Appended::Stored { position: Position(2), .. }]));
}
