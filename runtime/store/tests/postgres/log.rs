//! The log in PostgreSQL.

use std::collections::BTreeSet;

use aquarium_store::{Appended, Log, Position, PostgresLog};

use crate::log_suite::{Said, append, bodies, conformance, read_from};
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
fn a_server_that_is_killed_in_the_midst_of_appends_loses_and_repeats_nothing() {
    let own = Postgres::start();
    let directory = tempfile::tempdir().unwrap();
    let server = aquarium_store::postgres::Server::connect(&options(&own, directory.path())).unwrap();
    let log = PostgresLog::open(std::sync::Arc::new(server), 64).unwrap();
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
    assert_eq!(bodies(&read_from(&log, Position::START)), texts);
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
    assert_eq!(log.read(Position(1)).unwrap().next(), Position(3));
    assert_eq!(bodies(&read_from(&log, Position::START)), texts);
}
