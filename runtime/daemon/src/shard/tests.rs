//! A user whose charging fails, among others.
#![cfg(feature = "source")]

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use aquarium_charging::{Charger, Deployments, Interpreter, Trap, Version};
use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::{Credits, Millis, Slot};
use aquarium_store::{Derived, DerivedOptions, EmbeddedDerived, EmbeddedLog, Log, Options, Position};
use tokio::sync::watch;

use super::desk::Desk;
use super::findings::WhichFindings;
use super::users::Users;
use super::{Ask, Question, Row, Setting, Unanswered, queries};
use crate::clock::Clock;
use crate::cluster::{Freshness, Tenure};
use crate::feed::Feed;
use crate::ingest::{Batch, Layout};
use crate::outbox::Outbox;
use crate::policies::Policies;

pub(super) const POLICY: &str = "\
aquariumpolicy:
  resources:
    - resource:
        name: traffic
        unit: MB
        costpolicy: discrete
    - resource:
        name: disk
        unit: MB
        costpolicy: continuous
  algorithms:
    - algorithm:
        name: default
        traffic: {price} times {volume}
        disk: {price} times {volume}
  pricelists:
    - pricelist:
        name: default
        traffic: 2
        disk: 0.001
  agreements:
    - agreement:
        name: default
        algorithm: default
        pricelist: default
";

/// Fails for a value of 13 as no engine should, until it is told better.
struct Superstitious(Interpreter, Arc<AtomicBool>);

impl Charger for Superstitious {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        let harms = self.1.load(Ordering::SeqCst);
        assert!(!harms || slots.iter().all(|slot| slot.amount.to_string() != "13000000000"), "thirteen");
        self.0.charge(slots, charges);
    }
}

fn deployments(harms: &Arc<AtomicBool>) -> Deployments {
    let file = SourceFile { path: "p".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let policy = Arc::new(analyze(vec![file]).into_policy().unwrap());
    let charger = Superstitious(Interpreter(policy.clone()), harms.clone());
    Deployments::single(Version::new(policy, "module", Arc::new(charger)))
}

fn event(user: &str, resource: &str, number: usize, value: &str) -> String {
    format!(
        r#"{{"id":"{number}","occurredMillis":{},"clientID":"c","userID":"{user}","resource":"{resource}","instanceID":"","eventVersion":"1.0","value":{value},"details":{{}}}}"#,
        1_000 + number
    )
}

/// The users of one shard that has folded these events: user and value.
fn users_after(directory: &std::path::Path, events: &[(&str, &str)]) -> Users {
    users_with(directory, &traffic(events), &Arc::new(AtomicBool::new(true)), Arc::new(Clock::system()))
}

fn traffic(events: &[(&str, &str)]) -> Vec<String> {
    let events = events.iter().enumerate();
    events.map(|(number, (user, value))| event(user, "traffic", number, value)).collect()
}

/// The same, with a charger that can be told better, on a clock.
fn users_with(
    directory: &std::path::Path,
    lines: &[String],
    harms: &Arc<AtomicBool>,
    clock: Arc<Clock>,
) -> Users {
    let log = EmbeddedLog::open(&directory.join("log"), Options::default()).unwrap();
    let source = aquarium_charging::input::Source {
        received: Millis(5_000),
        keeps_received: false,
        writes_records: false,
        plausible: None,
    };
    let batch = Batch::read(lines.join("\n").into_bytes(), Layout::Lines, &source, log.partitions());
    log.append(&batch.records().collect::<Vec<_>>()).unwrap();
    let partitions = log.partitions();
    let end = watch::Sender::new(log.end());
    let derived: Arc<dyn Derived> =
        Arc::new(EmbeddedDerived::open(&directory.join("derived"), DerivedOptions::default()).unwrap());
    let setting = Setting {
        feed: Arc::new(Feed::new(Arc::new(log), end.subscribe())),
        outbox: Arc::new(Outbox::new(derived.clone())),
        derived,
        policies: Arc::new(Policies::open(directory.join("policies"), directory.join("native")).unwrap()),
        clock,
        partitions,
        patience: Duration::from_secs(5),
        tenure: Tenure::whole(partitions, 1),
        freshness: Freshness::default(),
    };
    let mut users = Users::open(0, &setting.tenure.part_of(0), setting);
    users.deployments = deployments(harms);
    while users.fold_some(*end.borrow()) {}
    users
}

#[test]
fn a_user_whose_charging_panics_is_set_aside_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut users =
        users_after(directory.path(), &[("a", "1"), ("bad", "2"), ("bad", "13"), ("a", "3"), ("z", "13.5")]);
    let mut balance = |user: &str| {
        users
            .standing(user, Millis(9_000))
            .map(|standing| standing.map(|standing| standing.balance.to_string()))
    };
    assert_eq!(balance("a"), Ok(Some("-8".to_owned())));
    assert_eq!(balance("z"), Ok(Some("-27".to_owned())));
    assert_eq!(balance("nobody"), Ok(None));
    assert!(matches!(balance("bad"), Err(Unanswered::Aside(_))));
    let everybody: Vec<String> =
        users.everybody(Millis(9_000)).unwrap().into_iter().map(|row| row.user).collect();
    assert_eq!(everybody.len(), 2, "{everybody:?}");
    let all = WhichFindings { limit: usize::MAX, ..WhichFindings::default() };
    assert_eq!(users.without_effect(&all, users.cursor()).unwrap().findings, []);
}

#[test]
fn a_user_that_was_set_aside_is_tried_again_ever_later_and_comes_back_with_all_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let (harms, clock) = (Arc::new(AtomicBool::new(true)), Arc::new(Clock::manual()));
    let mut users =
        users_with(directory.path(), &traffic(&[("bad", "2"), ("bad", "13")]), &harms, clock.clone());
    let start = clock.now();
    let mut stands_after = |millis: i64| {
        clock.set(Millis(start.0 + millis)).unwrap();
        while users.look_again() {}
        let standing = users.standing("bad", Millis(9_000));
        (standing.map(|standing| standing.unwrap().balance.to_string()).ok(), users.aside())
    };
    assert_eq!(stands_after(0), (None, 1));
    assert_eq!(stands_after(1_000), (None, 1));
    harms.store(false, Ordering::SeqCst);
    assert_eq!(stands_after(2_999), (None, 1));
    assert_eq!(stands_after(3_000), (Some("-30".to_owned()), 0));
}

#[test]
fn what_is_in_memory_is_told_without_the_shard_unless_it_is_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let users = users_after(directory.path(), &[("a", "1"), ("bad", "13")]);
    let end = users.cursor();
    let desk = Desk::default();
    let ask = |user: &str, not_before: Position| {
        let (told, balance) = std::sync::mpsc::channel();
        let look = Box::new(move |seen: Result<Option<queries::Seen<'_>>, Unanswered>| {
            let balance =
                seen.map(|seen| seen.map(|seen| Row::of(String::new(), &seen.view).balance.to_string()));
            told.send(balance).unwrap();
        });
        let ask = Ask::State { user: user.to_owned(), at: Millis(9_000), look };
        let given_back = desk.answer(Question { not_before, ask });
        (given_back.is_some(), balance.try_recv().ok())
    };
    let nothing = (true, None);
    // There are no users yet.
    assert_eq!(ask("a", end), nothing);
    desk.put(users);
    assert_eq!(ask("a", end), (false, Some(Ok(Some("-2".to_owned())))));
    // Something is to be folded first, read first, or tried again.
    assert_eq!(ask("a", end.next()), nothing);
    assert_eq!(ask("nobody", end), nothing);
    assert_eq!(ask("bad", end), nothing);
    let at_work = desk.take();
    assert_eq!(ask("a", end), nothing);
    drop(at_work);
    assert!(!ask("a", end).0);
    desk.clear();
    assert_eq!(ask("a", end), nothing);
}

#[test]
fn a_user_whose_charging_fails_while_the_shard_waits_is_left_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let (harms, clock) = (Arc::new(AtomicBool::new(false)), Arc::new(Clock::system()));
    let holds = [event("holder", "disk", 0, "13"), event("other", "disk", 1, "12")];
    let users = users_with(directory.path(), &holds, &harms, clock);
    let (end, desk) = (users.cursor(), Desk::default());
    desk.put(users);
    let ask = |user: &str| {
        let (told, failed) = std::sync::mpsc::channel();
        let look = Box::new(move |seen: Result<Option<queries::Seen<'_>>, Unanswered>| {
            told.send(matches!(seen, Err(Unanswered::Aside(_)))).unwrap();
        });
        let ask = Ask::State { user: user.to_owned(), at: Millis(1_000 + 3_600_000), look };
        assert!(desk.answer(Question { not_before: end, ask }).is_none(), "it is in memory");
        failed.recv().unwrap()
    };
    let is_left = || {
        let mut left = std::pin::pin!(desk.left_something());
        left.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert_eq!((ask("holder"), is_left()), (false, false));
    harms.store(true, Ordering::SeqCst);
    assert_eq!((ask("other"), is_left()), (false, false));
    assert_eq!((ask("holder"), is_left()), (true, true));
    assert!(!is_left());
}
