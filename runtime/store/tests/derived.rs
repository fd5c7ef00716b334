//! What the embedded store of derived state does: what every one must do, and what it does beyond that.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests make and damage files")]

mod derived_faults;
#[path = "suites/model.rs"]
mod model;
#[path = "suites/derived.rs"]
mod suite;

use std::path::Path;

use aquarium_store::Position;
use aquarium_store::derived::{
    Batch, Derived, DerivedError, DerivedOptions, EmbeddedDerived, OutboxPlace, UserWrite, restart,
};
use suite::{OWNER, batch, part, told, write_of};

fn open(directory: &Path) -> Box<dyn Derived> {
    Box::new(EmbeddedDerived::open(directory, DerivedOptions::default()).unwrap())
}

#[test]
fn a_second_one_on_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path());
    let second = EmbeddedDerived::open(directory.path(), DerivedOptions::default());
    assert!(matches!(second, Err(DerivedError::InUse(_))));
}

#[test]
fn a_restart_keeps_what_was_told_and_drops_what_the_log_yields() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("derived");
    let write =
        UserWrite { parts: vec![part("0", true)], announcements: vec![told(5, "up")], ..write_of("u", "i") };
    let store = open(&path);
    let published = vec![("amqp".to_owned(), OutboxPlace(1))];
    let epoch = store.begin_epoch(3).unwrap();
    store.write(&Batch { folded: vec![(3, Position(12))], published, ..batch(write) }).unwrap();
    drop(store);
    let (kept, aside) = restart(&path, DerivedOptions::default()).unwrap();
    assert_eq!((kept.announcements, kept.lost, aside), (1, None, None));
    let store = open(&path);
    assert_eq!(store.folded(3).unwrap(), Position::START);
    assert_eq!(store.image(OWNER).unwrap(), None);
    assert_eq!(store.outbox(OutboxPlace(0), 9).unwrap().len(), 1);
    assert_eq!(store.announced(OWNER).unwrap(), Some(told(5, "up")));
    assert_eq!(store.published("amqp").unwrap(), OutboxPlace(1));
    assert_eq!(store.epoch(3).unwrap(), epoch);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_was_found_damaged_is_not_opened_again_and_a_restart_saves_what_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("derived");
    let write = UserWrite { announcements: vec![told(1, "up")], ..write_of("u", "i") };
    open(&path).write(&batch(write)).unwrap();
    std::fs::write(path.join("damaged"), "a table was cut off").unwrap();
    let refused = EmbeddedDerived::open(&path, DerivedOptions::default()).err().unwrap().to_string();
    assert!(refused.ends_with("a table was cut off"), "{refused}");
    let (kept, aside) = restart(&path, DerivedOptions::default()).unwrap();
    assert_eq!((kept.announcements, kept.lost, aside), (1, None, None));
    assert_eq!(open(&path).outbox(OutboxPlace(0), 9).unwrap().len(), 1);
}

#[test]
fn a_store_that_ends_every_process_that_opens_it_is_put_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("derived");
    drop(open(&path));
    std::fs::write(path.join("opening"), "..").unwrap();
    drop(open(&path));
    assert!(!path.join("opening").exists());
    std::fs::write(path.join("opening"), "...").unwrap();
    let refused = EmbeddedDerived::open(&path, DerivedOptions::default()).err().unwrap();
    assert!(matches!(refused, DerivedError::Damaged { .. }), "{refused}");
    let (kept, aside) = restart(&path, DerivedOptions::default()).unwrap();
    assert!(kept.lost.is_some());
    assert!(aside.unwrap().join("opening").exists());
    assert_eq!(open(&path).folded(3).unwrap(), Position::START);
}
