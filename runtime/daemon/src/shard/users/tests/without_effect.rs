//! Events without effect, as they are noted while users are folded, beside what the users' whole histories have.

use std::collections::BTreeMap;

use aquarium_charging::posting::Cause;

use super::*;
use crate::shard::reading::read_stored;

/// A policy that does not know `traffic`.
const OTHER: &str = "\
aquariumpolicy:
  resources:
    - resource:
        name: unknown
        unit: MB
        costpolicy: discrete
  algorithms:
    - algorithm:
        name: default
        unknown: {price} times {volume}
  pricelists:
    - pricelist:
        name: default
        unknown: 2
  agreements:
    - agreement:
        name: default
        algorithm: default
        pricelist: default
";

fn other() -> Version {
    let file = SourceFile { path: "other".to_owned(), bytes: OTHER.as_bytes().to_vec() };
    let policy = Arc::new(analyze(vec![file]).into_policy().unwrap());
    Version::new(policy.clone(), "other", Arc::new(Interpreter(policy)))
}

/// What the histories of all users have: place, user, reason and words.
fn of_histories(users: &mut Users, log: &EmbeddedLog) -> Vec<Finding> {
    let mut all = BTreeMap::new();
    for user in (0..USERS).map(|user| format!("user-{user}")) {
        let places: BTreeMap<String, Position> = log
            .read_user(&user)
            .unwrap()
            .iter()
            .map(|it| (read_stored(&it.body, it.received_millis).unwrap().id.into_owned(), it.position))
            .collect();
        let found = users.examine(&user, |ledger, _| ledger.findings().to_vec()).unwrap();
        for finding in found.into_iter().flatten() {
            let Cause::Event { id, .. } = &finding.cause else { continue };
            let (position, reason, message) = (places[&**id], finding.reason, finding.message);
            all.insert(position, Finding { position, user: user.clone(), reason, message });
        }
    }
    all.into_values().collect()
}

#[test]
fn what_is_listed_is_what_the_histories_have_whatever_comes_late_is_written_or_is_deployed() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut most = 0;
    for way in 0..12 {
        let own = directory.path().join(format!("way-{way}"));
        let mut users = open(&log, &own);
        let mut deployed = false;
        for block in 0..BLOCKS {
            fold_block(&mut users, block);
            if block % 3 == way % 3 {
                users.records = usize::MAX;
            }
            if block % 2 == way % 2 {
                users.write_some();
                users.pen.wait();
            }
            if block == 8 + way {
                // Everything that happened in the middle becomes an event of something that is not known.
                let span = Span { from: Millis(900_000_000), to: Millis(4_000_000_000), received: AT };
                users.deployments.deploy(other(), span).unwrap();
                deployed = true;
                while users.sweep_some().unwrap() {}
            }
            if block == 16 && !deployed {
                drop(users);
                users = open(&log, &own);
                let end = Position(((block + 1) * EVENTS_PER_BLOCK) as u64);
                while users.fold_some(end) {}
            }
            let listed = findings(&mut users);
            assert_eq!(listed, of_histories(&mut users, &log), "way {way}, block {block}");
            most = most.max(listed.len());
        }
        let counts = users.without_effect(&WhichFindings::default(), log.end()).unwrap().counts;
        assert_eq!(counts.values().sum::<u64>(), findings(&mut users).len() as u64);
    }
    assert!(most > 20, "a deployment makes many: {most}");
}

#[test]
fn a_page_begins_at_a_place_has_one_reason_and_no_more_than_are_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, &directory.path().join("own"));
    while users.fold_some(log.end()) {}
    let all: Vec<u64> = findings(&mut users).iter().map(|finding| finding.position.0).collect();
    assert_eq!(all, [30, 61, 92, 123, 154]);
    let page = |from, reason: Option<&str>, limit| {
        let which = WhichFindings { from, reason: reason.map(str::to_owned), limit };
        let found = users.without_effect(&which, log.end()).unwrap().findings;
        found.iter().map(|finding| finding.position.0).collect::<Vec<_>>()
    };
    assert_eq!(page(31, None, 2), [61, 92]);
    assert_eq!(page(61, Some("unknown-resource"), 1), [61]);
    assert_eq!(page(0, Some("trap"), 9), Vec::<u64>::new());
    assert_eq!(page(0, Some("nonsense"), 9), Vec::<u64>::new());
    assert_eq!(page(155, None, 9), Vec::<u64>::new());
}
