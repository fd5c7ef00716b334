//! What the store in PostgreSQL does beyond what every store does: leases, and a server that comes and goes.

use std::sync::Arc;
use std::time::Duration;

use aquarium_store::derived::{Batch, Derived, DerivedError, OutboxPlace, UserWrite};
use aquarium_store::postgres::{Leases, Server};
use aquarium_store::{Position, PostgresDerived, PostgresError, PostgresOptions};

use crate::derived_suite::{OWNER, batch, told, write_of};
use crate::servers::postgres::{Postgres, postgres};
use crate::{options, server};

const PARTITIONS: u16 = 8;
/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(600);

fn leased(server: &Arc<Server>, holder: &str, time: Duration) -> Result<PostgresDerived, PostgresError> {
    let leases = Leases::acquire(server, holder, PARTITIONS, time)?;
    PostgresDerived::open(server.clone(), Some(leases))
}

#[test]
fn who_holds_the_leases_keeps_others_out_until_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let one = leased(&server, "one", LONG).unwrap();
    let refused = leased(&server, "two", LONG).err().unwrap().to_string();
    assert!(refused.contains("`one` holds partition 0"), "{refused}");
    one.write(&batch(write_of("u", "of one"))).unwrap();
    drop(one);
    let two = leased(&server, "two", LONG).unwrap();
    assert_eq!(two.image(OWNER).unwrap(), Some(b"of one".to_vec()));
    two.write(&batch(write_of("u", "of two"))).unwrap();
}

#[test]
fn who_slept_past_its_lease_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let sleeper = leased(&server, "sleeper", LONG).unwrap();
    sleeper.write(&batch(write_of("u", "awake"))).unwrap();
    let schema = directory.path().file_name().unwrap().to_str().unwrap();
    postgres().ask(&format!("UPDATE \"{schema}\".leases SET expires = clock_timestamp() - interval '1 s'"));
    let survivor = leased(&server, "survivor", LONG).unwrap();
    let late = Batch { folded: vec![(3, Position(9))], ..batch(write_of("u", "late")) };
    let refused = sleeper.write(&late);
    assert!(matches!(refused, Err(DerivedError::Fenced { partition: 3, .. })), "{refused:?}");
    assert!(sleeper.begin_again().is_err());
    assert_eq!(survivor.image(OWNER).unwrap(), Some(b"awake".to_vec()));
    assert_eq!(survivor.folded(3).unwrap(), Position::START);
    survivor.write(&late).unwrap();
}

#[test]
fn leases_are_renewed_while_they_are_held_and_taken_again_by_the_same_holder() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let schema = directory.path().file_name().unwrap().to_str().unwrap();
    let ends = || postgres().ask(&format!("SELECT min(expires), max(epoch) FROM \"{schema}\".leases"));
    let store = leased(&server, "node", Duration::from_secs(3)).unwrap();
    let first = ends();
    while ends() == first {
        std::thread::yield_now();
    }
    let again = leased(&server, "node", LONG).unwrap();
    assert!(ends().ends_with("|2"), "{}", ends());
    assert!(matches!(store.write(&batch(write_of("u", "i"))), Err(DerivedError::Fenced { .. })));
    again.write(&batch(write_of("u", "i"))).unwrap();
}

#[test]
fn beginning_again_keeps_what_was_told_and_drops_what_the_log_yields() {
    let directory = tempfile::tempdir().unwrap();
    let store = leased(&server(directory.path()), "node", LONG).unwrap();
    let write = UserWrite { announcements: vec![told(5, "up")], ..write_of("u", "i") };
    let published = vec![("amqp".to_owned(), OutboxPlace(1))];
    store.write(&Batch { folded: vec![(3, Position(12))], published, ..batch(write) }).unwrap();
    assert_eq!(store.begin_again().unwrap().announcements, 1);
    assert_eq!(store.folded(3).unwrap(), Position::START);
    assert_eq!(store.image(OWNER).unwrap(), None);
    assert_eq!(store.announced(OWNER).unwrap(), Some(told(5, "up")));
    assert_eq!(store.published("amqp").unwrap(), OutboxPlace(1));
}

#[test]
fn a_server_that_is_killed_in_the_midst_of_writes_is_waited_for_and_nothing_is_lost_or_twice() {
    let own = Postgres::start();
    let directory = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::connect(&options(&own, directory.path())).unwrap());
    let store = leased(&server, "node", LONG).unwrap();
    let writes: u64 = 400;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..=writes {
                let write = UserWrite {
                    announcements: vec![told(number, &number.to_string())],
                    ..write_of("u", &number.to_string())
                };
                let folded = vec![(3, Position(number))];
                assert_eq!(store.write(&Batch { folded, ..batch(write) }).unwrap(), OutboxPlace(number));
            }
        });
        for part in 1..=2 {
            while store.folded(3).unwrap() < Position(part * writes / 4) {
                std::thread::yield_now();
            }
            own.kill();
            own.restart();
        }
        writer.join().unwrap();
    });
    let told: Vec<u64> =
        store.outbox(OutboxPlace(0), 1_000).unwrap().iter().map(|item| item.announcement.sequence).collect();
    assert_eq!(told, (1..=writes).collect::<Vec<_>>());
    assert_eq!(store.image(OWNER).unwrap(), Some(writes.to_string().into_bytes()));
    assert_eq!(server.trouble(), None);
}

#[test]
fn what_is_wrong_with_a_server_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let good = options(postgres(), directory.path());
    let database = good.url.replace("/postgres", "/nosuch").replace("nosuch@", "postgres@");
    let nobody = "postgresql://postgres@127.0.0.1:1/postgres".to_owned();
    for (url, said) in [
        ("http://localhost".to_owned(), "of no use"),
        (nobody, "127.0.0.1:1/postgres"),
        (good.url.replace("postgres@", "nobody@"), "nobody"),
        (database.replace("//nosuch", "//postgres"), "createdb"),
        (format!("{}?sslmode=require", good.url), "TLS"),
    ] {
        let refused = Server::connect(&PostgresOptions { url, ..good.clone() }).err().unwrap().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    drop(server(directory.path()));
    let schema = &good.schema;
    postgres().ask(&format!("UPDATE \"{schema}\".schema_version SET version = 99"));
    let refused = Server::connect(&good).err().unwrap().to_string();
    assert!(refused.contains("version 99"), "{refused}");
}
