//! What every store of derived state must do.

use aquarium_store::Position;
use aquarium_store::derived::{
    Announcement, Batch, Derived, DerivedError, Fence, OutboxPlace, Owner, PartWrite, UserWrite,
};

use crate::open;

fn with_store(test: impl Fn(&dyn Derived)) {
    let directory = tempfile::tempdir().unwrap();
    test(&*open(directory.path()));
}

pub const OWNER: Owner<'_> = Owner { partition: 3, user: "u" };

pub fn write_of(user: &str, image: &str) -> UserWrite {
    UserWrite { partition: 3, user: user.to_owned(), image: image.into(), ..UserWrite::default() }
}

pub fn part(text: &str, findings: bool) -> PartWrite {
    PartWrite { bytes: text.into(), findings }
}

pub fn told(sequence: u64, body: &str) -> Announcement {
    Announcement { sequence, body: body.into() }
}

pub fn batch(user: UserWrite) -> Batch {
    Batch { users: vec![user], ..Batch::default() }
}

#[test]
fn a_fresh_store_knows_nothing() {
    with_store(|store| {
        assert_eq!(store.image(OWNER).unwrap(), None);
        assert_eq!(store.users(3, None, 9).unwrap(), []);
        assert_eq!(store.folded(3).unwrap(), Position::START);
        assert_eq!(store.shared(Position(9)).unwrap(), []);
        assert_eq!(store.outbox(OutboxPlace::default(), 9).unwrap(), []);
        assert_eq!(store.announced(OWNER).unwrap(), None);
        assert_eq!(store.published("amqp").unwrap(), OutboxPlace(0));
        assert_eq!(store.epoch(3).unwrap(), 0);
    });
}

#[test]
fn users_of_a_partition_come_in_the_order_of_their_bytes_page_by_page() {
    with_store(|store| {
        let users = ["z", "a", "ab", "a\0", "a\0b", "é", ""];
        let elsewhere = UserWrite { partition: 4, ..write_of("m", "other") };
        let mut all: Vec<UserWrite> = users.iter().map(|user| write_of(user, user)).collect();
        all.push(elsewhere);
        store.write(&Batch { users: all, ..Batch::default() }).unwrap();
        let mut found: Vec<String> = Vec::new();
        loop {
            let page = store.users(3, found.last().map(String::as_str), 2).unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.iter().all(|(user, image)| user.as_bytes() == image));
            found.extend(page.into_iter().map(|(user, _)| user));
        }
        assert_eq!(found, ["", "a", "a\0", "a\0b", "ab", "z", "é"]);
    });
}

#[test]
fn parts_are_appended_and_replaced_from_a_number_on() {
    with_store(|store| {
        let first = UserWrite {
            parts: vec![part("0", false), part("1", true), part("2", true)],
            ..write_of("u", "i")
        };
        store.write(&batch(first)).unwrap();
        let shorter = UserWrite {
            first_part: 1,
            parts_before: 3,
            parts: vec![part("one", false)],
            ..write_of("u", "i")
        };
        store.write(&batch(shorter)).unwrap();
        assert_eq!(store.parts(OWNER, 0..2).unwrap(), [b"0".to_vec(), b"one".to_vec()]);
        assert!(store.parts(OWNER, 1..1).unwrap().is_empty());
        assert_eq!(store.parts(OWNER, 1..3).unwrap().len(), 1);
        assert_eq!(store.parts_with_findings(3, None, 9).unwrap(), []);
    });
}

#[test]
fn parts_with_findings_are_listed_by_user_and_number() {
    with_store(|store| {
        let parts = |flags: [bool; 3]| flags.map(|findings| part("p", findings)).to_vec();
        let a = UserWrite { parts: parts([true, false, true]), ..write_of("a", "i") };
        let b = UserWrite { parts: parts([false, true, false]), ..write_of("b", "i") };
        store.write(&Batch { users: vec![a, b], ..Batch::default() }).unwrap();
        let all = [("a".to_owned(), 0), ("a".to_owned(), 2), ("b".to_owned(), 1)];
        assert_eq!(store.parts_with_findings(3, None, 9).unwrap(), all);
        assert_eq!(store.parts_with_findings(3, Some(("a", 0)), 1).unwrap(), all[1..2]);
        assert_eq!(store.parts_with_findings(4, None, 9).unwrap(), []);
    });
}

#[test]
fn wallet_lines_are_read_from_the_block_that_has_the_line() {
    with_store(|store| {
        for (first, block) in [(0, "0-4"), (5, "5-6"), (7, "7")] {
            let lines = Some((first, block.into()));
            store.write(&batch(UserWrite { lines, ..write_of("u", "i") })).unwrap();
        }
        let blocks = |from| {
            let blocks = store.lines(OWNER, from, 9).unwrap();
            blocks.into_iter().map(|(first, _)| first).collect::<Vec<_>>()
        };
        assert_eq!(blocks(0), [0, 5, 7]);
        assert_eq!(blocks(4), [0, 5, 7]);
        assert_eq!(blocks(6), [5, 7]);
        assert_eq!(blocks(9), [7]);
        assert_eq!(store.lines(OWNER, 0, 1).unwrap(), [(0, b"0-4".to_vec())]);
        assert_eq!(store.lines(Owner { partition: 3, user: "v" }, 0, 9).unwrap(), []);
    });
}

#[test]
fn a_user_written_afresh_has_nothing_of_before_but_its_announcements() {
    with_store(|store| {
        let before = UserWrite {
            parts: vec![part("0", true), part("1", false)],
            lines: Some((0, b"lines".to_vec())),
            announcements: vec![told(1, "up")],
            ..write_of("u", "old")
        };
        let other = UserWrite { parts: vec![part("v", false)], ..write_of("v", "i") };
        store.write(&Batch { users: vec![before, other], ..Batch::default() }).unwrap();
        store
            .write(&batch(UserWrite { afresh: true, parts: vec![part("new", false)], ..write_of("u", "i") }))
            .unwrap();
        assert_eq!(store.parts(OWNER, 0..1).unwrap(), [b"new".to_vec()]);
        assert_eq!(store.parts(OWNER, 0..9).unwrap().len(), 1);
        assert_eq!(store.lines(OWNER, 0, 9).unwrap(), []);
        assert_eq!(store.parts_with_findings(3, None, 9).unwrap(), []);
        assert_eq!(store.announced(OWNER).unwrap(), Some(told(1, "up")));
        assert_eq!(store.parts(Owner { partition: 3, user: "v" }, 0..1).unwrap(), [b"v".to_vec()]);
    });
}

#[test]
fn announcements_come_in_the_order_of_their_writing_each_once() {
    with_store(|store| {
        let write = |user: &str, announcements: Vec<Announcement>| {
            store.write(&batch(UserWrite { announcements, ..write_of(user, "i") })).unwrap()
        };
        assert_eq!(write("u", vec![told(1, "one"), told(4, "four")]), OutboxPlace(2));
        assert_eq!(write("v", vec![told(1, "of v")]), OutboxPlace(3));
        assert_eq!(write("u", vec![told(4, "four, folded again"), told(9, "nine")]), OutboxPlace(4));
        let items = store.outbox(OutboxPlace(0), 9).unwrap();
        let bodies: Vec<_> = items
            .iter()
            .map(|it| {
                (it.place.0, it.user.as_str(), it.announcement.sequence, it.announcement.body.as_slice())
            })
            .collect();
        let expected: [(u64, &str, u64, &[u8]); 4] =
            [(1, "u", 1, b"one"), (2, "u", 4, b"four"), (3, "v", 1, b"of v"), (4, "u", 9, b"nine")];
        assert_eq!(bodies, expected);
        assert_eq!(store.outbox(OutboxPlace(2), 1).unwrap(), items[2..3]);
        assert_eq!(store.announced(OWNER).unwrap(), Some(told(9, "nine")));
    });
}

#[test]
fn cursors_and_shared_records_stay() {
    with_store(|store| {
        let cursors = Batch {
            shared: vec![(Position(7), b"d".to_vec()), (Position(300), b"e".to_vec())],
            folded: vec![(3, Position(400))],
            published: vec![("amqp".to_owned(), OutboxPlace(5))],
            ..Batch::default()
        };
        store.write(&cursors).unwrap();
        assert_eq!(store.folded(3).unwrap(), Position(400));
        assert_eq!(store.folded(4).unwrap(), Position::START);
        assert_eq!(store.published("amqp").unwrap(), OutboxPlace(5));
        assert_eq!(store.shared(Position(300)).unwrap(), [(Position(7), b"d".to_vec())]);
        assert_eq!(store.shared(Position(301)).unwrap().len(), 2);
    });
}

#[test]
fn who_lost_the_lease_writes_nothing() {
    with_store(|store| {
        let epoch = store.begin_epoch(3).unwrap();
        let fenced = |epoch, image: &str| Batch {
            fences: vec![Fence { partition: 3, epoch }],
            folded: vec![(3, Position(9))],
            ..batch(UserWrite { announcements: vec![told(1, "x")], ..write_of("u", image) })
        };
        store.write(&fenced(epoch, "mine")).unwrap();
        let next = store.begin_epoch(3).unwrap();
        assert!(next > epoch);
        let refused = store.write(&Batch { folded: vec![(3, Position(10))], ..fenced(epoch, "late") });
        assert!(matches!(refused, Err(DerivedError::Fenced { partition: 3, .. })), "{refused:?}");
        assert_eq!(store.image(OWNER).unwrap(), Some(b"mine".to_vec()));
        assert_eq!(store.folded(3).unwrap(), Position(9));
        store.write(&fenced(next, "the next one's")).unwrap();
    });
}

#[test]
fn everything_is_there_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let write = UserWrite {
        parts: vec![part("0", true)],
        lines: Some((0, b"l".to_vec())),
        announcements: vec![told(1, "up")],
        ..write_of("u", "image")
    };
    let everything = Batch { folded: vec![(3, Position(12))], ..batch(write.clone()) };
    open(directory.path()).write(&everything).unwrap();
    let store = open(directory.path());
    assert_eq!(store.image(OWNER).unwrap(), Some(b"image".to_vec()));
    assert_eq!(store.parts(OWNER, 0..1).unwrap(), [b"0".to_vec()]);
    assert_eq!(store.folded(3).unwrap(), Position(12));
    assert_eq!(store.outbox(OutboxPlace(0), 9).unwrap().len(), 1);
    let again = UserWrite { announcements: vec![told(2, "down")], ..write };
    assert_eq!(store.write(&batch(again)).unwrap(), OutboxPlace(2));
}
