//! Shards that end at any point, and stores that hold what they should not, or fail.

mod faulty;
mod without_effect;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aquarium_charging::input::Source;
use aquarium_charging::ledger::{LineKind, WalletLine};
use aquarium_charging::{Interpreter, Version};
use aquarium_compiler::{SourceFile, analyze};
use aquarium_store::derived::{Batch, UserWrite};
use aquarium_store::{DerivedOptions, EmbeddedDerived, EmbeddedLog, Log, Options, partition_of};
use tokio::sync::{oneshot, watch};

use super::*;
use crate::clock::Clock;
use crate::cluster::{Freshness, Tenure};
use crate::feed::Feed;
use crate::ingest::{Batch as Events, Layout};
use crate::outbox::Outbox;
use crate::policies::Policies;
use crate::shard::findings::WhichFindings;
use crate::shard::queries::{LookAt, Seen, Which};
use crate::shard::tests::POLICY;
use crate::shard::waiting::{Lists, Waiting};
use crate::shard::{Ask, Finding, Question, Row};

const USERS: usize = 5;
const BLOCKS: usize = 24;
const EVENTS_PER_BLOCK: usize = 7;
const AT: Millis = Millis(9_000_000_000);

/// A log of some blocks with events of some users, many of them late, over four months; some have no effect.
fn log(directory: &Path) -> Arc<EmbeddedLog> {
    let log = EmbeddedLog::open(&directory.join("log"), Options::default()).unwrap();
    for block in 0..BLOCKS {
        let lines: Vec<String> =
            (0..EVENTS_PER_BLOCK).map(|event| line(block * EVENTS_PER_BLOCK + event)).collect();
        let received = Millis(AT.0 - 1_000 + i64::try_from(block).unwrap());
        let source = Source { received, keeps_received: false, writes_records: false, plausible: None };
        let batch = Events::read(lines.join("\n").into_bytes(), Layout::Lines, &source, log.partitions());
        log.append(&batch.records().collect::<Vec<_>>()).unwrap();
    }
    Arc::new(log)
}

fn line(number: usize) -> String {
    let user = number % USERS;
    let resource = if number % 31 == 30 { "unknown" } else { "traffic" };
    let late = if number % 4 == 3 { number * 7_919 % 100 } else { 0 };
    let occurred = (number + 1 - late.min(number)) * 61_200_000;
    format!(
        r#"{{"id":"{number}","occurredMillis":{occurred},"clientID":"c","userID":"user-{user}","resource":"{resource}","instanceID":"","eventVersion":"1.0","value":{value},"details":{{}}}}"#,
        value = number % 9
    )
}

fn open(log: &Arc<EmbeddedLog>, directory: &Path) -> Users {
    let derived = EmbeddedDerived::open(&directory.join("derived"), DerivedOptions::default()).unwrap();
    open_on(log, directory, Arc::new(derived))
}

fn open_on(log: &Arc<EmbeddedLog>, directory: &Path, derived: Arc<dyn Derived>) -> Users {
    let setting = Setting {
        outbox: Arc::new(Outbox::new(derived.clone())),
        feed: Arc::new(Feed::new(log.clone(), watch::Sender::new(log.end()).subscribe())),
        derived,
        policies: Arc::new(Policies::open(directory.join("policies"), directory.join("native")).unwrap()),
        clock: Arc::new(Clock::system()),
        partitions: log.partitions(),
        patience: Duration::from_secs(5),
        tenure: Tenure::whole(log.partitions(), 1),
        freshness: Freshness::default(),
    };
    let mut users = Users::open(0, &setting.tenure.part_of(0), setting);
    let file = SourceFile { path: "p".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let policy = Arc::new(analyze(vec![file]).into_policy().unwrap());
    users.deployments =
        Deployments::single(Version::new(policy.clone(), "module", Arc::new(Interpreter(policy))));
    users
}

/// Folds the next block of the log.
fn fold_block(users: &mut Users, block: usize) {
    let end = Position(((block + 1) * EVENTS_PER_BLOCK) as u64);
    while users.fold_some(end) {}
    assert_eq!(users.cursor(), end);
}

/// Events without effect, once those are read that are stored.
fn findings(users: &mut Users) -> Vec<Finding> {
    while users.list_for(Lists::Findings) {}
    assert!(users.findings_are_read());
    let all = WhichFindings { limit: usize::MAX, ..WhichFindings::default() };
    users.without_effect(&all, users.cursor()).unwrap().findings
}

/// Everything that a shard answers: balances, and events without effect.
fn answers(users: &mut Users, end: Position) -> Vec<String> {
    let mut answers = balances(users, end);
    answers.extend(findings(users).iter().map(|finding| format!("{finding:?}")));
    answers
}

/// How everybody stands, at two instants.
fn balances(users: &mut Users, end: Position) -> Vec<String> {
    while users.fold_some(end) {}
    let mut answers = Vec::new();
    for at in [AT, Millis(3_000_000_000)] {
        let mut rows = users.everybody(at).unwrap();
        rows.sort_by(|one, other| one.user.cmp(&other.user));
        answers.extend(rows.iter().map(|row| format!("{row:?}")));
    }
    answers
}

/// The wallet of a user, as it is stored.
fn wallet(users: &Users, user: &str) -> Vec<WalletLine> {
    let owner = Owner { partition: partition_of(user, users.setting.partitions), user };
    let mut lines = Vec::new();
    for (first, block) in users.setting.derived.lines(owner, 0, usize::MAX).unwrap() {
        assert_eq!(first, lines.len() as u64);
        lines.extend(WalletLine::unpack(&block).unwrap());
    }
    lines
}

/// The entries that are left when reversals have struck out theirs.
fn standing_entries(lines: &[WalletLine]) -> BTreeSet<String> {
    let mut standing = BTreeSet::new();
    for line in lines {
        let entry = format!("{:?} {}", line.entry, line.revision);
        match line.kind {
            LineKind::Posted => assert!(standing.insert(entry), "an entry is there twice"),
            LineKind::Reversal => assert!(standing.remove(&entry), "what is reversed was there"),
        }
    }
    standing
}

#[test]
fn a_shard_that_ends_at_any_point_goes_on_from_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let expected = answers(&mut open(&log, &directory.path().join("never")), log.end());
    assert_eq!(expected.iter().filter(|line| line.contains("UnknownResource")).count(), 5);
    for stop in 0..BLOCKS {
        let own = directory.path().join(format!("stop-{stop}"));
        let mut users = open(&log, &own);
        for block in 0..stop {
            fold_block(&mut users, block);
            // A round goes over several blocks; some are not finished when it ends.
            if block % 5 == stop % 5 {
                users.records = usize::MAX;
            }
            // Packs, hands over, and, where all of it is written, ends the round.
            users.write_some();
            users.pen.wait();
        }
        drop(users);
        let mut again = open(&log, &own);
        assert!(again.cursor() <= Position((stop * EVENTS_PER_BLOCK) as u64));
        assert_eq!(answers(&mut again, log.end()), expected, "{stop}");
        assert!(again.write_all());
        let wallets: Vec<_> = (0..USERS).map(|user| wallet(&again, &format!("user-{user}"))).collect();
        let entries: usize = wallets.iter().map(|lines| standing_entries(lines).len()).sum();
        drop(again);
        // Everything is written now: nothing is folded again, and all is answered from the store.
        let mut last = open(&log, &own);
        assert_eq!(last.cursor(), log.end());
        assert_eq!(answers(&mut last, log.end()), expected, "{stop}");
        for (user, lines) in wallets.iter().enumerate() {
            assert_eq!(wallet(&last, &format!("user-{user}")), *lines);
        }
        assert_eq!(
            entries,
            (0..BLOCKS * EVENTS_PER_BLOCK).filter(|number| number % 31 != 30 && number % 9 != 0).count()
        );
    }
}

#[test]
fn users_that_are_folded_ahead_of_the_others_come_to_the_same_at_whatever_place_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let expected = answers(&mut open(&log, &directory.path().join("never")), log.end());
    for stop in 0..BLOCKS {
        let own = directory.path().join(format!("ahead-{stop}"));
        let mut users = open(&log, &own);
        for block in 0..stop {
            fold_block(&mut users, block);
            // Some are asked about again and again, some never; of one there is no record.
            let asked = [block % USERS, block * block % USERS, USERS].map(|user| format!("user-{user}"));
            for user in &asked {
                users.fold_ahead(user, log.end()).unwrap();
                let line = users.standing(user, AT).unwrap().map(|row| format!("{row:?}"));
                assert!(line.is_none_or(|line| expected.contains(&line)), "{user} after block {block}");
            }
            if block % 5 == stop % 5 {
                users.records = usize::MAX;
            }
            // Packs, hands over, and, where all of it is written, ends the round.
            users.write_some();
            users.pen.wait();
        }
        assert_eq!(users.cursor(), Position((stop * EVENTS_PER_BLOCK) as u64), "the others wait");
        if stop % 2 == 0 {
            drop(users);
            users = open(&log, &own);
        }
        assert_eq!(answers(&mut users, log.end()), expected, "{stop}");
        assert!(users.write_all());
        for user in 0..USERS {
            standing_entries(&wallet(&users, &format!("user-{user}")));
        }
    }
}

#[test]
fn a_question_about_one_user_is_answered_while_everybody_s_records_wait() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let expected = answers(&mut open(&log, &directory.path().join("never")), log.end());
    let mut users = open(&log, directory.path());
    let mut waiting = Waiting::default();
    let (reply, mut names) = oneshot::channel();
    let which = Which { limit: usize::MAX, whole: true, ..Which::default() };
    waiting.take(&mut users, Question { not_before: log.end(), ask: Ask::Names { which, reply } });
    let (reply, mut balance) = oneshot::channel();
    let look: LookAt = Box::new(move |seen| {
        let row = seen.unwrap().map(|Seen { view, .. }| format!("{:?}", Row::of("user-2".to_owned(), &view)));
        reply.send(row.unwrap()).unwrap();
    });
    let ask = Ask::State { user: "user-2".to_owned(), at: AT, look };
    waiting.take(&mut users, Question { not_before: log.end(), ask });
    assert!(expected.contains(&balance.try_recv().unwrap()));
    assert_eq!(users.cursor(), Position::START, "nobody else was folded for it");
    waiting.answer(&mut users);
    assert!(names.try_recv().is_err(), "who there is is known once everybody is folded");
    while users.fold_some(log.end()) {}
    waiting.answer(&mut users);
    assert_eq!(names.try_recv().unwrap().unwrap().names.len(), USERS);
}

#[test]
fn a_shard_that_is_far_behind_lists_what_it_knows_and_says_up_to_when() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, directory.path());
    let mut waiting = Waiting::default();
    let ask = |users: &mut Users, waiting: &mut Waiting, not_before: Position| {
        let (reply, names) = oneshot::channel();
        let which = Which { limit: 3, ..Which::default() };
        waiting.take(users, Question { not_before, ask: Ask::Names { which, reply } });
        let (reply, found) = oneshot::channel();
        let which = WhichFindings { limit: 9, ..WhichFindings::default() };
        waiting.take(users, Question { not_before, ask: Ask::Findings { which, reply } });
        (names, found)
    };
    let far = Position(log.end().0 + 100_000);
    let (mut names, mut found) = ask(&mut users, &mut waiting, far);
    assert!(names.try_recv().is_err() && found.try_recv().is_err(), "nothing was looked at");
    // Everything is read, and nothing folded.
    assert!(users.fold_some(log.end()));
    waiting.answer(&mut users);
    assert_eq!(names.try_recv().unwrap().unwrap().names, ["user-0", "user-1", "user-2"]);
    let found = found.try_recv().unwrap().unwrap();
    assert_eq!((found.known, found.findings.len()), (Millis(AT.0 - 1_000), 0));
    let (_, mut found) = ask(&mut users, &mut waiting, log.end());
    assert!(found.try_recv().is_err(), "the end is near: it comes there first");
    while users.fold_some(log.end()) {}
    waiting.answer(&mut users);
    let found = found.try_recv().unwrap().unwrap();
    assert_eq!(found.findings.len(), 5);
    assert!(found.known > AT, "everything that was received is charged");
}

#[test]
fn a_user_whose_stored_state_cannot_be_read_is_rebuilt_from_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, directory.path());
    let expected = answers(&mut users, log.end());
    assert!(users.write_all());
    drop(users);
    for damage in 0..3 {
        let users = open(&log, directory.path());
        let partition = partition_of("user-2", users.setting.partitions);
        let owner = Owner { partition, user: "user-2" };
        let image = users.setting.derived.image(owner).unwrap().unwrap();
        let write = match damage {
            0 => UserWrite { image: vec![0, 1, 2, 3], ..UserWrite::default() },
            1 => UserWrite { image: [&image[..1], &[200], &image[2..]].concat(), ..UserWrite::default() },
            _ => UserWrite { image, parts_before: 9, ..UserWrite::default() },
        };
        let write = UserWrite { partition, user: "user-2".to_owned(), ..write };
        users.setting.derived.write(&Batch { users: vec![write], ..Batch::default() }).unwrap();
        drop(users);
        let mut again = open(&log, directory.path());
        assert_eq!(answers(&mut again, log.end()), expected, "{damage}");
        assert!(again.write_all());
        drop(again);
        let mut last = open(&log, directory.path());
        assert_eq!(answers(&mut last, log.end()), expected, "{damage}");
    }
}

#[test]
fn a_user_that_was_set_aside_is_tried_again_when_it_is_next_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let mut users = open(&log, directory.path());
    let expected = answers(&mut users, log.end());
    users.set_aside("user-3");
    assert!(matches!(users.standing("user-3", AT), Err(Unanswered::Aside(_))));
    assert!(users.write_all());
    drop(users);
    assert_eq!(answers(&mut open(&log, directory.path()), log.end()), expected);
}

#[test]
fn a_user_stays_in_memory_until_what_was_last_packed_of_it_is_written() {
    let (plain, crowded) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = {
        let log = log(plain.path());
        let mut users = open(&log, plain.path());
        (0..BLOCKS).for_each(|block| fold_block(&mut users, block));
        answers(&mut users, log.end())
    };
    let log = log(crowded.path());
    let mut users = open(&log, crowded.path());
    for block in 0..BLOCKS {
        fold_block(&mut users, block);
        if block % 2 == 0 {
            assert!(users.write_all());
            continue;
        }
        // The writer has enough to do: what is packed waits.
        users.records = crate::shard::writing::RECORDS_PER_ROUND;
        assert!(users.begin_round());
        while users.pack_some(Slice::begin()) {}
        users.weight = usize::MAX / 2;
        while users.make_room() {}
    }
    assert!(users.write_all());
    assert_eq!(answers(&mut users, log.end()), expected);
}
