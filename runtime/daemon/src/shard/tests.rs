//! A user whose charging fails, among others.
#![cfg(feature = "source")]

use std::sync::Arc;
use std::time::Duration;

use aquarium_charging::{Charger, Deployments, Interpreter, Trap, Version};
use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::{Credits, Millis, Slot};
use aquarium_store::{DerivedOptions, EmbeddedDerived, EmbeddedLog, Log, Options};
use tokio::sync::watch;

use super::users::Users;
use super::{Setting, Unanswered};
use crate::clock::Clock;
use crate::feed::Feed;
use crate::ingest::{Batch, Layout};
use crate::policies::Policies;

pub(super) const POLICY: &str = "\
aquariumpolicy:
  resources:
    - resource:
        name: traffic
        unit: MB
        costpolicy: discrete
  algorithms:
    - algorithm:
        name: default
        traffic: {price} times {volume}
  pricelists:
    - pricelist:
        name: default
        traffic: 2
  agreements:
    - agreement:
        name: default
        algorithm: default
        pricelist: default
";

/// Fails for a value of 13 as no engine should.
struct Superstitious(Interpreter);

impl Charger for Superstitious {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        assert!(slots.iter().all(|slot| slot.amount.to_string() != "13000000000"), "thirteen");
        self.0.charge(slots, charges);
    }
}

fn deployments() -> Deployments {
    let file = SourceFile { path: "p".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let policy = Arc::new(analyze(vec![file]).policy.unwrap());
    let charger = Superstitious(Interpreter(policy.clone()));
    Deployments::single(Version::new(policy, "module", Arc::new(charger)))
}

fn event(user: &str, number: usize, value: &str) -> String {
    format!(
        r#"{{"id":"{number}","occurredMillis":{},"clientID":"c","userID":"{user}","resource":"traffic","instanceID":"","eventVersion":"1.0","value":{value},"details":{{}}}}"#,
        1_000 + number
    )
}

/// The users of one shard that has folded these events: user and value.
fn users_after(directory: &std::path::Path, events: &[(&str, &str)]) -> Users {
    let log = EmbeddedLog::open(&directory.join("log"), Options::default()).unwrap();
    let source = aquarium_charging::input::Source {
        received: Millis(5_000),
        keeps_received: false,
        writes_records: false,
        plausible: None,
    };
    let lines = events.iter().enumerate().map(|(number, (user, value))| event(user, number, value));
    let lines: Vec<String> = lines.collect();
    let batch = Batch::read(lines.join("\n").into_bytes(), Layout::Lines, &source, log.partitions());
    log.append(&batch.records().collect::<Vec<_>>()).unwrap();
    let partitions = log.partitions();
    let end = watch::Sender::new(log.end());
    let setting = Setting {
        feed: Arc::new(Feed::new(Arc::new(log), end.subscribe())),
        derived: Arc::new(
            EmbeddedDerived::open(&directory.join("derived"), DerivedOptions::default()).unwrap(),
        ),
        policies: Arc::new(Policies::open(directory.join("policies"), directory.join("native")).unwrap()),
        clock: Arc::new(Clock::system()),
        partitions,
        patience: Duration::from_secs(5),
    };
    let mut users = Users::open(0, 1, setting);
    users.deployments = deployments();
    while users.fold_a_page(*end.borrow()) {}
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
    assert_eq!(users.findings().unwrap(), []);
}
