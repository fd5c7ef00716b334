//! Events in, balances out, through real processes: stopped, killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Daemon, POLICY, Place, aquariumd, event, now, offline, request, run, text};

const LINES: &str = "application/x-ndjson";
const HOUR: i64 = 3_600_000;

#[test]
fn an_event_that_was_acknowledged_is_in_the_next_balance() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let start = now() - 10 * HOUR;
    for (number, expected) in [(1, "-0.5"), (2, "-1"), (3, "-1.5")] {
        let id = format!("e{number}");
        let body = event(&id, "1234", start + number, "traffic", "2");
        let answer = daemon.post("/events", "application/json", body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body, format!(r#"{{"id":"{id}","result":"stored","reason":null}}"#));
        let balance = daemon.get("/user/1234/balance");
        assert_eq!(balance.body, format!(r#"{{"userId":"1234","balance":"{expected}"}}"#));
    }
    assert_eq!(daemon.get("/user/1234/balance").body, r#"{"userId":"1234","balance":"-1.5"}"#);
    assert_eq!(daemon.balance("1234", start + 1), "-0.5");
    assert!(daemon.terminate());
}

#[test]
fn open_intervals_accrue_and_the_state_says_what_is_open() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let start = now() - 10 * HOUR;
    let body =
        [event("on", "u", start, "vmtime", "1"), event("disk", "u", start, "diskspace", "2000")].join("\n");
    assert_eq!(daemon.post("/events", LINES, body.as_bytes()).status, 200);
    let at = start + 2 * HOUR;
    let state = daemon.get(&format!("/user/u/state?at={at}")).json();
    assert_eq!((&state["balance"], &state["accrued"]), (&"-5".into(), &"5".into()), "{state}");
    assert_eq!(state["instances"][1]["resource"], "vmtime");
    assert_eq!(state["projected"], false);
    let ahead = daemon.get(&format!("/user/u/state?at={}", now() + HOUR)).json();
    assert_eq!(ahead["projected"], true);
}

#[test]
fn up_gives_the_same_balances_each_time_and_those_of_the_fold_alone() {
    let events = sample(0, 300);
    let place = Place::new(&events);
    let first = place.up_once();
    assert!(first.contains("300 events: 300 stored"), "{first}");
    let second = place.up_once();
    assert!(second.contains("300 events: 0 stored, 300 there already"), "{second}");
    let table = |text: &str| text.split_once("balances at").unwrap().1.to_owned();
    assert_eq!(table(&first), table(&second));
    let latest = events.lines().map(occurred).max().unwrap();
    let offline = offline(&events, latest);
    for (user, report) in &offline.users {
        let cells =
            [&report.balance, &report.accrued, &report.charged, &report.refilled].map(ToString::to_string);
        let expected: Vec<&str> =
            std::iter::once(user.as_str()).chain(cells.iter().map(String::as_str)).collect();
        assert!(
            first.lines().any(|line| line.split_whitespace().eq(expected.iter().copied())),
            "{expected:?}\n{first}"
        );
    }
}

#[test]
fn the_data_of_up_is_beside_the_policy_unless_something_else_is_said() {
    let place = Place::new(&sample(0, 3));
    let up = |configured: Option<&str>| {
        let mut command = aquariumd(&["up", &place.text(""), "--once"]);
        command.env_remove("AQUARIUM_DATA").envs(configured.map(|data| ("AQUARIUM_DATA", place.text(data))));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    up(Some("volume"));
    assert!(place.path("volume/log").is_dir() && !place.path(".aquarium").exists());
    up(None);
    assert!(place.path(".aquarium/log").is_dir());
}

#[test]
fn an_edited_policy_holds_over_all_of_time_and_what_never_changes_is_refused() {
    let time = now() - HOUR;
    let place = Place::new(&event("e", "u", time, "traffic", "2"));
    assert!(place.up_once().contains("-0.5"));
    let policy = place.path("policy.aquarium.yaml");
    fs::write(&policy, POLICY.replace("traffic: 0.25", "traffic: 0.75")).unwrap();
    assert!(place.up_once().contains("-1.5"));
    fs::write(&policy, POLICY.replace("costpolicy: onoff", "costpolicy: discrete")).unwrap();
    let output = run(&["up", &place.text(""), "--data", &place.text("data"), "--once"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("costpolicy") && said.contains("remove"), "{said}");
    assert_eq!(place.serve().balance("u", time), "-1.5");
}

#[test]
fn a_restart_changes_no_balance() {
    let events = sample(0, 200);
    let place = Place::new(&events);
    place.up_once();
    let at = now();
    let before = balances(&place.serve(), at);
    assert_eq!(before.len(), USERS);
    let daemon = place.serve();
    assert_eq!(balances(&daemon, at), before);
    assert!(daemon.terminate());
    assert_eq!(balances(&place.serve(), at), before);
}

#[test]
fn a_second_daemon_on_the_same_data_is_refused() {
    let place = Place::new("");
    place.up_once();
    let _first = place.serve();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0", "--data", &place.text("data")][..],
        &["ingest", "--data", &place.text("data"), &place.text("events.ndjson")],
        &["up", &place.text(""), "--once", "--data", &place.text("data")],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("in use by another process"), "{arguments:?}: {said}");
    }
    assert_eq!(run(&["log", "verify", "--data", &place.text("data")]).status.code(), Some(0));
}

#[test]
fn what_was_acknowledged_survives_kill_9_again_and_again() {
    const KILLS: usize = 6;
    let place = Place::new("");
    place.up_once();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let broken = Arc::new(AtomicUsize::new(0));
    for round in 0..KILLS {
        let daemon = place.serve();
        let senders: Vec<_> = (0..3)
            .map(|sender| {
                let (address, acknowledged, broken) =
                    (daemon.address.clone(), acknowledged.clone(), broken.clone());
                std::thread::spawn(move || {
                    send_until_killed(&address, round * 3 + sender, &acknowledged, &broken)
                })
            })
            .collect();
        let target = acknowledged.lock().unwrap().len() + 200 + 97 * round;
        while acknowledged.lock().unwrap().len() < target {
            std::thread::yield_now();
        }
        daemon.kill();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    }
    assert!(broken.load(Ordering::SeqCst) >= KILLS, "kills must fall while requests are in flight");
    let acknowledged = acknowledged.lock().unwrap();
    let daemon = place.serve();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let exported = place.exported();
    let events: Vec<String> =
        exported.iter().filter(|line| line["resource"].is_string()).map(ToString::to_string).collect();
    for line in exported.iter().filter(|line| line["resource"].is_string()) {
        *found.entry(line["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(found.values().all(|count| *count == 1), "an event is there twice");
    assert!(acknowledged.iter().all(|id| found.contains_key(id)), "an acknowledged event is missing");
    let at = now();
    let offline = offline(&events.join("\n"), at);
    let expected: BTreeMap<String, String> =
        offline.users.iter().map(|(user, report)| (user.clone(), report.balance.to_string())).collect();
    assert_eq!(balances(&daemon, at), expected);
}

/// Sends events until the daemon is gone; notes those that it acknowledged, and a request that broke off.
fn send_until_killed(
    address: &str,
    sender: usize,
    acknowledged: &Mutex<BTreeSet<String>>,
    broken: &AtomicUsize,
) {
    for part in 0.. {
        let events = sample(sender * 1_000_000 + part * 10, 10);
        let Some(answer) = request(address, "POST", "/events", LINES, events.as_bytes()) else {
            broken.fetch_add(1, Ordering::SeqCst);
            return;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut acknowledged = acknowledged.lock().unwrap();
        for line in answer.body.lines() {
            let answer: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(answer["result"], "stored");
            acknowledged.insert(answer["id"].as_str().unwrap().to_owned());
        }
    }
}

const USERS: usize = 7;

/// Events of a few users, different for every number, some of them late.
fn sample(first: usize, count: usize) -> String {
    let base = now() - 300 * HOUR;
    let base = base - base % HOUR;
    let line = |number: usize| {
        let (resource, value) = match number % 5 {
            0 => ("vmtime", if number.is_multiple_of(2) { "1" } else { "0" }),
            1 => ("diskspace", if number.is_multiple_of(3) { "-3" } else { "17.25" }),
            _ => ("traffic", "1.125"),
        };
        let occurred = base
            + i64::try_from(number * 7_919 % 250).unwrap() * HOUR
            + i64::try_from(number % 1_000).unwrap();
        event(&format!("s{number}"), &format!("u{}", number % USERS), occurred, resource, value)
    };
    (first..first + count).map(line).collect::<Vec<_>>().join("\n")
}

fn occurred(line: &str) -> i64 {
    serde_json::from_str::<serde_json::Value>(line).unwrap()["occurredMillis"].as_i64().unwrap()
}

fn balances(daemon: &Daemon, at: i64) -> BTreeMap<String, String> {
    (0..USERS).map(|user| format!("u{user}")).map(|user| (user.clone(), daemon.balance(&user, at))).collect()
}
