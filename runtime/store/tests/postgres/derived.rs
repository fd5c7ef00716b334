//! What the store in PostgreSQL does beyond what every store does: leases, and a server that comes and goes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aquarium_store::derived::{Batch, Derived, DerivedError, Fence, OutboxPlace, UserWrite};
use aquarium_store::postgres::{Hints, Joining, Member, Server};
use aquarium_store::{Position, PostgresDerived, PostgresError, PostgresOptions};

use crate::derived_suite::{OWNER, batch, told, write_of};
use crate::servers::postgres::{Postgres, postgres};
use crate::{options, server};

const PARTITIONS: u16 = 8;
/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(600);
/// A node that is not heard of for so long is given up.
const SHORT: Duration = Duration::from_secs(2);

/// A node's connections and its membership.
fn joined(directory: &Path, name: &str, lease: Duration, alone: bool) -> Result<Member, PostgresError> {
    joined_at(postgres(), directory, name, lease, alone)
}

fn joined_at(
    server: &Postgres,
    directory: &Path,
    name: &str,
    lease: Duration,
    alone: bool,
) -> Result<Member, PostgresError> {
    let application = format!("{name} {}", directory.display());
    let options = PostgresOptions { application, ..options(server, directory) };
    let joining = Joining {
        name: name.to_owned(),
        address: "http://localhost".to_owned(),
        version: "1".to_owned(),
        alone,
        lease,
        partitions: PARTITIONS,
    };
    Member::join(&Arc::new(Server::connect(&options)?), joining)
}

fn everything() -> Vec<u16> {
    (0..PARTITIONS).collect()
}

fn fence_of(fences: &[Fence], partition: u16) -> Vec<Fence> {
    fences.iter().filter(|fence| fence.partition == partition).copied().collect()
}

#[test]
fn who_wants_to_be_alone_is_refused_while_another_one_lives() {
    let directory = tempfile::tempdir().unwrap();
    let one = joined(directory.path(), "one", LONG, false).unwrap();
    let refused = joined(directory.path(), "two", LONG, true).err().unwrap().to_string();
    assert!(refused.contains("node `one` charges by it"), "{refused}");
    one.leave().unwrap();
    joined(directory.path(), "two", LONG, true).unwrap();
}

#[test]
fn that_a_standby_is_away_is_noticed_where_nothing_else_is_written() {
    const LEASE: Duration = Duration::from_secs(10);
    let primary = Postgres::start();
    let standby = primary.synchronous_standby();
    let directory = tempfile::tempdir().unwrap();
    let member = joined_at(&primary, directory.path(), "one", LEASE, false).unwrap();
    member.check_lasting().unwrap();
    standby.kill();
    let refused = member.check_lasting().unwrap_err().to_string();
    assert!(refused.contains("a standby is away that `synchronous_standby_names`"), "{refused}");
    standby.restart();
    let begun = Instant::now();
    while let Err(error) = member.check_lasting() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
    }
}

#[test]
fn a_partition_is_held_by_one_and_by_another_when_it_was_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (
        joined(directory.path(), "one", LONG, false).unwrap(),
        joined(directory.path(), "two", LONG, false).unwrap(),
    );
    let all = one.take(&everything()).unwrap();
    assert_eq!(all.len(), usize::from(PARTITIONS));
    assert_eq!(two.take(&everything()).unwrap(), []);
    one.give_back(&fence_of(&all, 3)).unwrap();
    let taken = two.take(&everything()).unwrap();
    assert_eq!(taken, [Fence { partition: 3, epoch: all[3].epoch + 1 }]);
    // What was another's before is not given back twice.
    one.give_back(&fence_of(&all, 3)).unwrap();
    let view = one.renew(Position(7)).unwrap().unwrap();
    let holders: Vec<_> = view.leases.iter().map(|lease| lease.holder.clone().unwrap()).collect();
    assert_eq!(holders.iter().filter(|holder| *holder == "one").count(), 7);
    assert_eq!(holders[3], "two");
    assert_eq!((view.nodes[0].folded, view.nodes[1].lives), (Position(7), true));
    one.leave().unwrap();
    assert_eq!(two.take(&everything()).unwrap().len(), 7);
}

#[test]
fn who_slept_past_its_lease_holds_nothing_and_writes_nothing_and_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let sleeper = joined(directory.path(), "sleeper", SHORT, false).unwrap();
    let survivor = joined(directory.path(), "survivor", LONG, false).unwrap();
    let held = sleeper.take(&everything()).unwrap();
    let store = PostgresDerived::open(server(directory.path())).unwrap();
    let fenced = |fences, image: &str| Batch { fences, ..batch(write_of("u", image)) };
    store.write(&fenced(fence_of(&held, 3), "awake")).unwrap();
    let mut taken = survivor.take(&everything()).unwrap();
    assert_eq!(taken, []);
    while taken.is_empty() {
        std::thread::yield_now();
        taken = survivor.take(&everything()).unwrap();
    }
    assert_eq!(taken.len(), usize::from(PARTITIONS));
    let late = Batch { folded: vec![(3, Position(9))], ..fenced(fence_of(&held, 3), "late") };
    let refused = store.write(&late);
    assert!(matches!(refused, Err(DerivedError::Fenced { partition: 3, .. })), "{refused:?}");
    assert!(store.begin_again(&held).is_err());
    assert_eq!(sleeper.renew(Position::START).unwrap(), None);
    sleeper.give_back(&held).unwrap();
    assert_eq!(store.image(OWNER).unwrap(), Some(b"awake".to_vec()));
    assert_eq!(store.folded(3).unwrap(), Position::START);
    store.write(&fenced(fence_of(&taken, 3), "of the survivor")).unwrap();
    sleeper.join_again().unwrap();
    assert_eq!(sleeper.take(&everything()).unwrap(), []);
}

#[test]
fn leases_last_as_long_as_their_holder_renews_and_no_longer_than_its_life() {
    let directory = tempfile::tempdir().unwrap();
    let holder = joined(directory.path(), "holder", SHORT, false).unwrap();
    let other = joined(directory.path(), "other", LONG, false).unwrap();
    holder.take(&everything()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 2 {
        assert!(holder.renew(Position::START).unwrap().is_some());
        assert_eq!(other.take(&everything()).unwrap(), []);
    }
    // Its next life holds nothing of the one before, and that one nothing any more.
    joined(directory.path(), "holder", LONG, false).unwrap();
    assert_eq!(other.take(&everything()).unwrap().len(), usize::from(PARTITIONS));
}

#[test]
fn what_others_did_is_heard_and_found() {
    let directory = tempfile::tempdir().unwrap();
    let [server_one, server_two] = [(); 2].map(|()| server(directory.path()));
    let hints = Hints::listen(&server_two);
    let (one, two) =
        (PostgresDerived::open(server_one.clone()).unwrap(), PostgresDerived::open(server_two).unwrap());
    let heard = hints.heard();
    while heard.borrow().nodes == 0 {
        std::thread::yield_now();
    }
    one.write(&batch(UserWrite { announcements: vec![told(1, "up")], ..write_of("u", "i") })).unwrap();
    while heard.borrow().outbox == 0 {
        std::thread::yield_now();
    }
    assert_eq!(two.refresh().unwrap(), OutboxPlace(1));
    server_one.keep_module("hash", b"bytes").unwrap();
    server_one.keep_module("hash", b"bytes").unwrap();
    assert_eq!(server_one.module("hash").unwrap(), Some(b"bytes".to_vec()));
    assert_eq!(server_one.module("other").unwrap(), None);
}

#[test]
fn beginning_again_keeps_what_was_told_and_drops_what_the_log_yields() {
    let directory = tempfile::tempdir().unwrap();
    let store = PostgresDerived::open(server(directory.path())).unwrap();
    let write = UserWrite { announcements: vec![told(5, "up")], ..write_of("u", "i") };
    let published = vec![("amqp".to_owned(), OutboxPlace(1))];
    store.write(&Batch { folded: vec![(3, Position(12))], published, ..batch(write) }).unwrap();
    assert_eq!(store.begin_again(&[]).unwrap().announcements, 1);
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
    let store = PostgresDerived::open(server.clone()).unwrap();
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
