//! Damaged files of the embedded store: whatever byte is flipped, it says so or gives what some moment left.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use aquarium_store::Position;
use aquarium_store::derived::{Batch, Derived, DerivedOptions, EmbeddedDerived, Owner, PartWrite, UserWrite};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCHES: u64 = 40;
const USERS: u64 = 25;

/// Batch after batch: all users' images and parts, and the cursor, say the number of the batch.
fn fill(directory: &Path) {
    let options = DerivedOptions { fresh_bytes: 64 << 10, ..DerivedOptions::default() };
    let store = EmbeddedDerived::open(directory, options).unwrap();
    for number in 1..=BATCHES {
        let write = |user: u64| UserWrite {
            partition: 1,
            user: format!("user-{user}"),
            image: number.to_be_bytes().repeat(20),
            first_part: u32::try_from(number - 1).unwrap(),
            parts_before: u32::try_from(number - 1).unwrap(),
            parts: vec![PartWrite { bytes: number.to_be_bytes().repeat(20), findings: false }],
            ..UserWrite::default()
        };
        let users = (0..USERS).map(write).collect();
        let batch = Batch { users, folded: vec![(1, Position(number))], ..Batch::default() };
        store.write(&batch).unwrap();
    }
    store.sync().unwrap();
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What became of a store of which a byte was changed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Named,
    /// It gives what was there after this batch.
    After(u64),
}

fn read(directory: &Path) -> Result<u64, String> {
    let store =
        EmbeddedDerived::open(directory, DerivedOptions::default()).map_err(|error| error.to_string())?;
    let say = |error: aquarium_store::DerivedError| error.to_string();
    let number = store.folded(1).map_err(say)?.0;
    for user in 0..USERS {
        let user = format!("user-{user}");
        let owner = Owner { partition: 1, user: &user };
        let image = store.image(owner).map_err(say)?.unwrap_or_default();
        let parts = store.parts(owner, 0..u32::try_from(number).unwrap()).map_err(say)?;
        let expected = |number: u64| number.to_be_bytes().repeat(20);
        assert_eq!(
            image,
            if number == 0 { Vec::new() } else { expected(number) },
            "an image of another batch"
        );
        let parts_expected: Vec<_> = (1..=number).map(expected).collect();
        assert_eq!(parts, parts_expected, "parts of another batch");
    }
    Ok(number)
}

#[test]
fn a_changed_byte_is_named_or_leaves_what_some_batch_left() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    fill(&whole);
    let mut paths = Vec::new();
    files(&whole, &mut paths);
    paths.sort();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut outcomes = BTreeSet::new();
    for round in 0..120 {
        let damaged = directory.path().join("damaged");
        let _ = fs::remove_dir_all(&damaged);
        copy(&whole, &damaged);
        let path = &paths[round % paths.len()];
        let path = damaged.join(path.strip_prefix(&whole).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let place = random.random_range(0..bytes.len().min(200_000));
        bytes[place] ^= 1 << random.random_range(0..8);
        fs::write(&path, bytes).unwrap();
        let read = catch_unwind(AssertUnwindSafe(|| read(&damaged)));
        let outcome = match read {
            Ok(Ok(number)) => Outcome::After(number),
            Ok(Err(_)) => Outcome::Named,
            Err(_) => panic!("byte {place} of {}", path.display()),
        };
        outcomes.insert(outcome);
    }
    assert!(outcomes.contains(&Outcome::Named), "{outcomes:?}");
    assert!(outcomes.contains(&Outcome::After(BATCHES)), "{outcomes:?}");
}
