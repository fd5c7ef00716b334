//! A store of derived state that fails: whatever is asked is answered as the log says, or not at all.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aquarium_store::derived::{Announcement, EmbeddedOpener, Opener, OutboxItem, Owner as Of, Reopening};

use super::*;

type Result<T> = std::result::Result<T, DerivedError>;

/// What goes wrong, and how often something was asked of the store.
#[derive(Default)]
struct Trouble {
    /// There is no room for what is written.
    full: AtomicBool,
    /// What is written fails.
    writes_fail: AtomicBool,
    /// What is read fails, from so many reads on.
    reads_left: AtomicU64,
    openings: AtomicU64,
}

fn failed<T>(what: &str) -> Result<T> {
    Err(DerivedError::Failed { directory: PathBuf::from("derived"), what: what.to_owned() })
}

impl Trouble {
    fn write(&self) -> Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(DerivedError::Full(std::io::ErrorKind::StorageFull.into()));
        }
        if self.writes_fail.load(Ordering::SeqCst) { failed("input/output error") } else { Ok(()) }
    }

    fn read(&self) -> Result<()> {
        let left =
            self.reads_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() { failed("input/output error") } else { Ok(()) }
    }
}

/// The embedded store, in trouble.
struct Faulty {
    store: EmbeddedDerived,
    trouble: Arc<Trouble>,
}

impl Derived for Faulty {
    fn write(&self, batch: &Batch) -> Result<OutboxPlace> {
        self.trouble.write()?;
        self.store.write(batch)
    }
    fn sync(&self) -> Result<()> {
        self.trouble.write()?;
        self.store.sync()
    }
    fn image(&self, owner: Of<'_>) -> Result<Option<Vec<u8>>> {
        self.trouble.read()?;
        self.store.image(owner)
    }
    fn users(&self, partition: u16, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        self.trouble.read()?;
        self.store.users(partition, after, limit)
    }
    fn parts(&self, owner: Of<'_>, numbers: Range<u32>) -> Result<Vec<Vec<u8>>> {
        self.trouble.read()?;
        self.store.parts(owner, numbers)
    }
    fn parts_with_findings(
        &self,
        partition: u16,
        after: Option<(&str, u32)>,
        limit: usize,
    ) -> Result<Vec<(String, u32)>> {
        self.trouble.read()?;
        self.store.parts_with_findings(partition, after, limit)
    }
    fn lines(&self, owner: Of<'_>, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        self.trouble.read()?;
        self.store.lines(owner, from, limit)
    }
    fn folded(&self, partition: u16) -> Result<Position> {
        self.trouble.read()?;
        self.store.folded(partition)
    }
    fn shared(&self, before: Position) -> Result<Vec<(Position, Vec<u8>)>> {
        self.trouble.read()?;
        self.store.shared(before)
    }
    fn outbox(&self, after: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>> {
        self.trouble.read()?;
        self.store.outbox(after, limit)
    }
    fn announced(&self, owner: Of<'_>) -> Result<Option<Announcement>> {
        self.trouble.read()?;
        self.store.announced(owner)
    }
    fn published(&self, publisher: &str) -> Result<OutboxPlace> {
        self.trouble.read()?;
        self.store.published(publisher)
    }
    fn epoch(&self, partition: u16) -> Result<u64> {
        self.trouble.read()?;
        self.store.epoch(partition)
    }
    fn begin_epoch(&self, partition: u16) -> Result<u64> {
        self.trouble.write()?;
        self.store.begin_epoch(partition)
    }
    fn copy_to(&self, directory: &Path) -> Result<u64> {
        self.trouble.read()?;
        self.store.copy_to(directory)
    }
    fn bytes(&self) -> Result<u64> {
        self.trouble.read()?;
        self.store.bytes()
    }
}

/// Opens the store in trouble again; counts how often.
struct FaultyOpener(EmbeddedOpener, Arc<Trouble>);

impl FaultyOpener {
    fn faulty(&self) -> Faulty {
        let store = EmbeddedDerived::open(&self.0.directory, self.0.options).unwrap();
        Faulty { store, trouble: self.1.clone() }
    }
}

impl Opener for FaultyOpener {
    fn open(&self) -> Result<Box<dyn Derived>> {
        self.1.openings.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(self.faulty()))
    }
    fn has_room(&self) -> std::io::Result<()> {
        self.1.write().map_err(|_| std::io::ErrorKind::StorageFull.into())
    }
    fn missing(&self) -> DerivedError {
        self.0.missing()
    }
}

/// A store at a directory, with trouble to come.
fn troubled(directory: &Path) -> (Arc<Trouble>, Arc<dyn Derived>) {
    let trouble = Arc::new(Trouble { reads_left: AtomicU64::new(u64::MAX), ..Trouble::default() });
    let opener = EmbeddedOpener { directory: directory.join("derived"), options: DerivedOptions::default() };
    let opener = FaultyOpener(opener, trouble.clone());
    (trouble, Arc::new(Reopening::new(Box::new(opener.faulty()), Box::new(opener))))
}

/// What the outbox has: user and sequence.
fn told(derived: &dyn Derived) -> Vec<(String, u64)> {
    let items = derived.outbox(OutboxPlace::default(), usize::MAX).unwrap();
    items.into_iter().map(|item| (item.user, item.announcement.sequence)).collect()
}

#[test]
fn what_found_no_room_is_written_once_there_is_and_nothing_is_announced_twice() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, &directory.path().join("sound"));
    let expected = answers(&mut users, log.end());
    assert!(users.write_all());
    drop(users);
    let sound = told(
        &EmbeddedDerived::open(&directory.path().join("sound/derived"), DerivedOptions::default()).unwrap(),
    );
    assert!(!sound.is_empty(), "nothing is announced");
    let (trouble, derived) = troubled(directory.path());
    let mut users = open_on(&log, directory.path(), derived.clone());
    trouble.full.store(true, Ordering::SeqCst);
    assert!(expected.starts_with(&balances(&mut users, log.end())), "without room");
    users.records = crate::shard::writing::RECORDS_PER_ROUND;
    while users.round.is_none() {
        users.write_some();
    }
    users.write_some();
    trouble.full.store(false, Ordering::SeqCst);
    assert!(users.write_all(), "with room again");
    assert!(trouble.openings.load(Ordering::SeqCst) <= 1);
    assert_eq!(answers(&mut users, log.end()), expected);
    let in_any_order = |mut told: Vec<(String, u64)>| {
        told.sort();
        told
    };
    assert_eq!(in_any_order(told(&*derived)), in_any_order(sound), "announced");
    drop(users);
    drop(derived);
    assert_eq!(answers(&mut open(&log, directory.path()), log.end()), expected, "opened again");
}

#[test]
fn a_store_that_was_full_is_opened_again_by_the_first_write_that_finds_room() {
    let directory = tempfile::tempdir().unwrap();
    let (trouble, derived) = troubled(directory.path());
    let batch = |user: &str| Batch {
        users: vec![UserWrite { user: user.to_owned(), image: vec![1], ..UserWrite::default() }],
        ..Batch::default()
    };
    derived.write(&batch("before")).unwrap();
    trouble.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(matches!(derived.write(&batch("full")), Err(DerivedError::Full(_))));
        assert_eq!(derived.image(Of { partition: 0, user: "before" }).unwrap(), Some(vec![1]), "reads go on");
    }
    assert_eq!(trouble.openings.load(Ordering::SeqCst), 0, "there is no room to open it");
    trouble.full.store(false, Ordering::SeqCst);
    derived.write(&batch("after")).unwrap();
    derived.write(&batch("later")).unwrap();
    assert_eq!(trouble.openings.load(Ordering::SeqCst), 1);
    for user in ["before", "after", "later"] {
        assert_eq!(derived.image(Of { partition: 0, user }).unwrap(), Some(vec![1]), "{user}");
    }
}

#[test]
fn after_a_failed_write_everybody_is_answered_by_the_log_and_a_new_start_has_it_all() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let expected = answers(&mut open(&log, &directory.path().join("sound")), log.end());
    let (trouble, derived) = troubled(directory.path());
    let mut users = open_on(&log, directory.path(), derived);
    users.fold_some(log.end());
    assert!(users.write_all());
    trouble.writes_fail.store(true, Ordering::SeqCst);
    while users.fold_some(log.end()) {}
    assert!(!users.write_all(), "a failed write counts as done");
    assert_eq!(answers(&mut users, log.end()), expected, "what is charged is told");
    drop(users);
    let mut users = open(&log, directory.path());
    assert_eq!(answers(&mut users, log.end()), expected, "opened again");
}

#[test]
fn reads_that_fail_are_answered_by_a_fault_or_as_the_log_says() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, directory.path());
    let expected = answers(&mut users, log.end());
    assert!(users.write_all());
    let balance = |users: &mut Users, user: &str| {
        users.standing(user, AT).map(|found| found.map(|found| found.balance.to_string()))
    };
    let balances: Vec<_> =
        (0..USERS).map(|user| balance(&mut users, &format!("user-{user}")).unwrap()).collect();
    drop(users);
    assert!(!expected.is_empty());
    let (mut refused, mut answered) = (0, 0);
    for reads in 0..250 {
        let (trouble, derived) = troubled(directory.path());
        trouble.reads_left.store(reads, Ordering::SeqCst);
        let mut users = open_on(&log, directory.path(), derived);
        for (user, expected) in balances.iter().enumerate() {
            while users.fold_some(log.end()) {}
            let asked = users.check().and_then(|()| balance(&mut users, &format!("user-{user}")));
            match asked {
                Ok(found) => {
                    assert_eq!(found, *expected, "user-{user} after {reads} reads");
                    answered += 1;
                }
                Err(Unanswered::Broken(why)) => {
                    assert!(why.contains("input/output error"), "{why}");
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 50 && answered > 50, "{refused} refused, {answered} answered");
}

#[test]
fn whoever_is_in_no_batch_on_its_way_is_looked_at_without_waiting_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, directory.path());
    while users.fold_some(log.end()) {}
    assert!(users.write_all());
    drop(users);
    let (trouble, derived) = troubled(directory.path());
    let mut users = open_on(&log, directory.path(), derived);
    let digest = |users: &mut Users, user: &str| users.digest(user, AT).unwrap().unwrap();
    for user in ["user-1", "user-2"] {
        digest(&mut users, user);
        let Some(Place::Well(known)) = users.users.get(user).map(|kept| &kept.place) else {
            panic!("{user}")
        };
        assert!(known.ledger.parts_elsewhere() > 0, "all of {user} is in memory");
    }
    trouble.full.store(true, Ordering::SeqCst);
    users.mark_changed("user-1");
    users.records = crate::shard::writing::RECORDS_PER_ROUND;
    users.write_some();
    assert!(!users.pen.is_free(), "nothing is on its way");
    let room = std::thread::spawn({
        let trouble = trouble.clone();
        move || {
            std::thread::sleep(Duration::from_secs(3));
            trouble.full.store(false, Ordering::SeqCst);
        }
    });
    digest(&mut users, "user-2");
    assert!(!users.pen.is_free(), "user-2 waited for the batch of user-1");
    digest(&mut users, "user-1");
    assert!(users.pen.is_free(), "user-1 did not wait for its own batch");
    room.join().unwrap();
}
