//! How fast records are appended, compared with the least that a server can be asked to do for as much.
//!
//! A small round is run with the tests, so that it keeps working; `cargo xtask bench --only postgres` runs a large one and shows it.

use std::pin::pin;
use std::time::Instant;

use aquarium_store::{Appended, Digest, Kind, Log, NewRecord, PostgresLog, partition_of};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::{Client, NoTls};

use crate::server;
use crate::servers::postgres::postgres;

/// The variable that says how many records a round has.
const RECORDS: &str = "AQUARIUM_BENCH_RECORDS";
/// Enough to see that it works.
const RECORDS_OF_TEST: usize = 20_000;
/// As the daemon's group commits have them under load.
const TOGETHER: usize = 10_000;
/// As an event of the quickstart.
const BODY_BYTES: usize = 220;

fn records() -> usize {
    std::env::var(RECORDS).map_or(RECORDS_OF_TEST, |text| text.parse().unwrap())
}

fn body(number: usize) -> Vec<u8> {
    let mut body = format!("{number:020}").into_bytes();
    body.resize(BODY_BYTES, b'x');
    body
}

fn user(number: usize) -> String {
    format!("user-{}", number % 5_000)
}

/// Keys and bodies by COPY into a table of the connection's own, and from there where they are not yet.
async fn append_bare(client: &mut Client, numbers: std::ops::Range<usize>) {
    let mut rows = BytesMut::from(&b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"[..]);
    for number in numbers {
        rows.put_i16(2);
        for field in [&Digest::of(&[&body(number)]).0[..], &body(number)] {
            rows.put_i32(i32::try_from(field.len()).unwrap());
            rows.put_slice(field);
        }
    }
    rows.put_i16(-1);
    let transaction = client.transaction().await.unwrap();
    let copy = transaction.copy_in::<_, Bytes>("COPY bare_staging FROM STDIN (FORMAT binary)");
    let mut sink = pin!(copy.await.unwrap());
    sink.send(rows.freeze()).await.unwrap();
    sink.finish().await.unwrap();
    let insert = "INSERT INTO bare SELECT * FROM bare_staging ON CONFLICT DO NOTHING";
    transaction.execute(insert, &[]).await.unwrap();
    transaction.commit().await.unwrap();
}

fn bare(count: usize) -> f64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(&postgres().url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let make = "CREATE TABLE bare (key uuid PRIMARY KEY, body bytea NOT NULL); \
             CREATE TEMP TABLE bare_staging (key uuid, body bytea) ON COMMIT DELETE ROWS";
        client.batch_execute(make).await.unwrap();
        let begun = Instant::now();
        for from in (0..count).step_by(TOGETHER) {
            append_bare(&mut client, from..(from + TOGETHER).min(count)).await;
        }
        let rate = rate(count, begun);
        client.batch_execute("DROP TABLE bare").await.unwrap();
        rate
    })
}

fn append(log: &PostgresLog, numbers: std::ops::Range<usize>) {
    let (users, bodies): (Vec<String>, Vec<Vec<u8>>) =
        numbers.map(|number| (user(number), body(number))).unzip();
    let batch: Vec<NewRecord<'_>> = users
        .iter()
        .zip(&bodies)
        .map(|(user, body)| NewRecord {
            kind: Kind::ResourceEvent,
            partition: Some(partition_of(user, log.partitions())),
            user,
            received_millis: 1,
            key: Digest::of(&[body]),
            content: Digest::of(&[body, b"content"]),
            note: "",
            body,
        })
        .collect();
    assert!(log.append(&batch).unwrap().iter().all(|it| matches!(it, Appended::Stored { .. })));
}

#[test]
fn records_are_appended_at_a_rate_that_can_be_compared() {
    let count = records();
    let bare = bare(count);
    let directory = tempfile::tempdir().unwrap();
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let begun = Instant::now();
    for from in (0..count).step_by(TOGETHER) {
        append(&log, from..(from + TOGETHER).min(count));
    }
    let appended = rate(count, begun);
    // Whoever has appended them need not ask the server for all of them.
    let log = PostgresLog::open(server(directory.path()), 64).unwrap();
    let begun = Instant::now();
    let mut next = aquarium_store::Position::START;
    while next < log.end() {
        next = log.read(next).unwrap().next();
    }
    let read = rate(count, begun);
    println!(
        "{count} records: bare COPY and ON CONFLICT {bare:.0} /s; the log {appended:.0} /s ({:.0} %); read {read:.0} /s",
        100.0 * appended / bare
    );
    assert_eq!(usize::try_from(log.statistics().records).unwrap(), count);
}

fn rate(count: usize, begun: Instant) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / begun.elapsed().as_secs_f64()
}
