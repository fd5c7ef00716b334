//! Random batches, against a model of sorted maps, with the store opened again in between.

use std::collections::BTreeMap;

use aquarium_store::derived::{Announcement, Batch, OutboxPlace, Owner, PartWrite, UserWrite};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::open;

/// What there should be of a user.
#[derive(Debug, Clone, Default)]
struct Known {
    image: Vec<u8>,
    parts: Vec<PartWrite>,
    announced: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, Write)>),
    Reopen,
}

/// How a user changes.
#[derive(Debug, Clone)]
struct Write {
    image: Vec<u8>,
    keeps: usize,
    parts: Vec<(u8, bool)>,
    announces: bool,
    afresh: bool,
}

fn write() -> impl Strategy<Value = Write> {
    let parts = vec((any::<u8>(), any::<bool>()), 0..4);
    (vec(any::<u8>(), 0..40), 0_usize..6, parts, any::<bool>(), proptest::bool::weighted(0.1))
        .prop_map(|(image, keeps, parts, announces, afresh)| Write { image, keeps, parts, announces, afresh })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![9 => vec((0_u8..6, write()), 1..5).prop_map(Step::Write), 1 => Just(Step::Reopen)]
}

/// Applies a change to the model; gives the same for the store.
fn apply(known: &mut Known, user: &str, write: Write) -> UserWrite {
    if write.afresh {
        known.parts.clear();
    }
    let parts_before = u32::try_from(known.parts.len()).unwrap();
    known.parts.truncate(write.keeps);
    let first_part = u32::try_from(known.parts.len()).unwrap();
    let parts: Vec<PartWrite> =
        write.parts.into_iter().map(|(byte, findings)| PartWrite { bytes: vec![byte], findings }).collect();
    known.parts.extend(parts.iter().cloned());
    known.image.clone_from(&write.image);
    known.announced += u64::from(write.announces);
    let told = Announcement { sequence: known.announced, body: vec![1] };
    UserWrite {
        partition: 1,
        user: user.to_owned(),
        afresh: write.afresh,
        image: write.image,
        first_part,
        parts_before,
        parts,
        lines: None,
        announcements: if write.announces { vec![told] } else { Vec::new() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batches_do_what_they_do_to_sorted_maps(steps in vec(step(), 1..40)) {
            let directory = tempfile::tempdir().unwrap();
            let mut store = open(directory.path());
            let mut model: BTreeMap<String, Known> = BTreeMap::new();
            let mut told = 0;
            for step in &steps {
                match step {
                    Step::Reopen => {
                        drop(store);
                        store = open(directory.path());
                    }
                    Step::Write(writes) => {
                        let writes: BTreeMap<u8, Write> = writes.iter().cloned().collect();
                        let mut batch = Batch::default();
                        for (user, write) in writes {
                            let user = format!("user-{user}");
                            told += u64::from(write.announces);
                            batch.users.push(apply(model.entry(user.clone()).or_default(), &user, write));
                        }
                        prop_assert_eq!(store.write(&batch).unwrap(), OutboxPlace(told));
                    }
                }
            }
            let images: Vec<_> = model.iter().map(|(user, known)| (user.clone(), known.image.clone())).collect();
            prop_assert_eq!(store.users(1, None, 99).unwrap(), images);
            let mut findings = Vec::new();
            for (user, known) in &model {
                let count = u32::try_from(known.parts.len()).unwrap();
                let parts: Vec<_> = known.parts.iter().map(|part| part.bytes.clone()).collect();
                let owner = Owner { partition: 1, user };
                prop_assert_eq!(store.parts(owner, 0..count).unwrap(), parts);
                prop_assert_eq!(store.parts(owner, 0..count + 1).unwrap().len(), known.parts.len());
                let numbered = known.parts.iter().zip(0..).filter(|(part, _)| part.findings);
                findings.extend(numbered.map(|(_, number)| (user.clone(), number)));
                let announced = store.announced(owner).unwrap().map_or(0, |last| last.sequence);
                prop_assert_eq!(announced, known.announced);
            }
            prop_assert_eq!(store.parts_with_findings(1, None, 99).unwrap(), findings);
    }
}
