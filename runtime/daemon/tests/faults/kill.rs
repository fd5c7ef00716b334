//! Killed without warning while events come in, again and again: what was acknowledged is there, once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aquarium_store::Kind;
use aquarium_store::embedded::read_all;
use serde_json::Value;

use crate::support::{Daemon, Place, eventually, now, offline, run, text};
use crate::traffic::{Sent, Traffic, grant};

/// How often the daemon is killed, unless the environment says otherwise.
const KILLS: u64 = 50;
/// The variable that says otherwise.
const KILLS_VARIABLE: &str = "AQUARIUM_TEST_KILLS";
/// Of a hundred kills so many must fall while requests are without an answer.
const HITS_PERCENT: u64 = 80;
/// Users that events of one round are about.
const USERS: u64 = 8;
/// The longest time for which events come in before a kill.
const ROUND_MILLIS_MAX: u64 = 250;

/// What was found over all kills.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// Kills that fell while requests were without an answer.
    hits: u64,
    acknowledged: usize,
    in_flight: usize,
    /// Events that were in flight and are in the log.
    found: usize,
    /// Acknowledged events that are not in the log.
    lost: usize,
    /// Events that are in the log more than once.
    twice: usize,
    /// Kills that left the beginning of a write.
    torn: u64,
}

#[test]
fn killed_again_and_again_it_has_every_acknowledged_event_once() {
    let kills = std::env::var(KILLS_VARIABLE).ok().map_or(KILLS, |number| number.parse().unwrap());
    let place = Place::new("");
    place.up_once();
    let mut all = Everything::default();
    let mut tally = Tally::default();
    let mut daemon = place.serve();
    for round in 0..kills {
        all.greet(&daemon, round);
        let traffic = Traffic::new(&format!("r{round}"), USERS);
        let clients = traffic.begin(&daemon.address);
        let wait = Duration::from_millis(random(round) % ROUND_MILLIS_MAX);
        eventually("events are acknowledged", || !traffic.sent().acknowledged.is_empty());
        let start = Instant::now();
        while start.elapsed() < wait {
            std::thread::yield_now();
        }
        let in_flight = traffic.sent().in_flight.len();
        daemon.kill();
        clients.into_iter().for_each(|client| client.join().unwrap());
        tally.torn += u64::from(has_torn_end(&place.path("data/log")));
        tally.kills += 1;
        tally.hits += u64::from(in_flight > 0 && !traffic.sent().in_flight.is_empty());
        daemon = place.serve();
        let sent = std::mem::take(&mut *traffic.sent());
        all.check_round(&place, &sent, &mut tally);
        all.check_credit_events(&daemon);
        if round % 2 == 0 {
            send_again(&daemon, &sent);
        }
    }
    // Not captured: whoever runs the tests sees what they did.
    let _ = writeln!(std::io::stderr(), "{tally:?}");
    assert_eq!((tally.lost, tally.twice), (0, 0), "{tally:?}");
    assert!(tally.hits * 100 >= tally.kills * HITS_PERCENT, "too few kills fell on a write: {tally:?}");
    all.check_balances(&place, &daemon);
    all.check_states(&daemon);
    assert!(daemon.terminate());
}

/// Numbers that look random, the same in each run: what varies is what the machine does meanwhile.
fn random(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

fn has_torn_end(log: &Path) -> bool {
    read_all(log, &mut |_| ()).unwrap().unfinished.is_some()
}

/// As a client does that had no answer.
fn send_again(daemon: &Daemon, sent: &Sent) {
    let lines: Vec<&str> = sent.in_flight.iter().map(|id| sent.events[id].as_str()).collect();
    if !lines.is_empty() {
        let answer = daemon.post("/events", "application/x-ndjson", lines.join("\n").as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// The events of a log, how often each is in it.
fn logged(log: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    read_all(log, &mut |record| {
        if record.stored.kind == Kind::ResourceEvent {
            *found.entry(id_of(record.stored.body)).or_insert(0) += 1;
        }
    })
    .unwrap();
    found
}

fn id_of(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    let id = text.split_once("{\"id\":\"").unwrap().1;
    id.split_once('"').unwrap().0.to_owned()
}

/// What is known over all rounds.
#[derive(Default)]
struct Everything {
    /// Events that were sent, by id.
    sent: BTreeMap<String, String>,
    /// What was acknowledged.
    acknowledged: Vec<String>,
    /// Users, and how many credit events there are to be of each.
    announced: BTreeMap<String, usize>,
    /// Credit events as they were read after the last kill.
    credit_events: Vec<Value>,
}

impl Everything {
    /// Gives credit to the users of a round, and again to those of the one before, who may have used theirs up: their
    /// states change.
    fn greet(&mut self, daemon: &Daemon, round: u64) {
        let users = |round: u64| (0..USERS).map(move |user| format!("r{round}-{user}"));
        for user in round.checked_sub(1).into_iter().flat_map(users) {
            let used_up = is_used_up(daemon, &user);
            grant(daemon, &user, "again", "1000000");
            *self.announced.get_mut(&user).unwrap() += if used_up { 2 } else { 0 };
        }
        for user in users(round) {
            grant(daemon, &user, "first", "3");
            self.announced.insert(user, 1);
        }
        // The state counts after all records of an instant: events at that of the last grant could hide it.
        let granted = now();
        while now() == granted {
            std::thread::yield_now();
        }
    }

    /// Every acknowledged event is in the log, and none is there twice.
    fn check_round(&mut self, place: &Place, sent: &Sent, tally: &mut Tally) {
        let found = logged(&place.path("data/log"));
        self.sent.extend(sent.events.clone());
        self.acknowledged.extend(sent.acknowledged.iter().cloned());
        tally.acknowledged += sent.acknowledged.len();
        tally.in_flight += sent.in_flight.len();
        tally.found += sent.in_flight.iter().filter(|id| found.contains_key(*id)).count();
        tally.lost += self.acknowledged.iter().filter(|id| !found.contains_key(*id)).count();
        tally.twice += found.values().filter(|times| **times > 1).count();
    }

    /// What was told is told again as it was.
    fn check_credit_events(&mut self, daemon: &Daemon) {
        let again = daemon.get("/credit-events?limit=10000").json();
        let again = again["creditEvents"].as_array().unwrap().clone();
        assert!(again.starts_with(&self.credit_events), "what was told has changed, or is missing");
        self.credit_events = again;
    }

    /// Balances are those of the fold alone over what was sent and is in the log.
    fn check_balances(&self, place: &Place, daemon: &Daemon) {
        let at = now();
        let exported = run(&["log", "export", "--data", &place.text("data")]);
        let exported = text(&exported.stdout);
        let grants = exported.lines().filter(|line| line.contains("\"recordType\":\"grant\""));
        let found = logged(&place.path("data/log"));
        let events = found.keys().map(|id| self.sent[id].as_str());
        let expected = offline(&grants.chain(events).collect::<Vec<_>>().join("\n"), at);
        assert!(expected.quarantined.is_empty());
        for (user, expected) in &expected.users {
            assert_eq!(daemon.balance(user, at), expected.balance.to_string(), "{user}");
        }
    }

    /// No credit event is missing, none comes under two numbers: a user's are numbered from 1 on, each tells another
    /// state than the one before, the last the state that holds.
    fn check_states(&mut self, daemon: &Daemon) {
        let last_round = self.announced.len() as u64 / USERS - 1;
        for user in (0..USERS).map(|user| format!("r{last_round}-{user}")) {
            let used_up = is_used_up(daemon, &user);
            *self.announced.get_mut(&user).unwrap() += usize::from(used_up);
        }
        let wanted: usize = self.announced.values().sum();
        let told = |events: &[Value]| events.iter().filter(|event| !is_hourly(event)).count();
        eventually("all credit events", || {
            self.check_credit_events(daemon);
            told(&self.credit_events) >= wanted
        });
        let mut by_user: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for event in &self.credit_events {
            by_user.entry(event["userID"].as_str().unwrap()).or_default().push(event);
        }
        for (user, events) in by_user {
            let wanted = self.announced.get(user).copied().unwrap_or(1);
            assert_eq!(events.len(), wanted, "{user}: {events:?}");
            for (event, sequence) in events.iter().zip(1..) {
                assert_eq!(event["sequence"], sequence, "{user}: {events:?}");
                // Credit comes first to all but those that pay by the hour, who have none.
                assert_eq!(event["state"], sequence % 2 == 1 && !is_hourly(event), "{user}: {events:?}");
            }
        }
    }
}

fn is_used_up(daemon: &Daemon, user: &str) -> bool {
    let balance = daemon.balance(user, now());
    balance == "0" || balance.starts_with('-')
}

/// Whether a credit event is of a user that no credit is given to.
fn is_hourly(event: &Value) -> bool {
    event["userID"].as_str().unwrap().ends_with("-hourly")
}
