//! Events over all nodes, each sent until somebody acknowledges it; and what must have become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::nodes::Nodes;
use crate::queue::client::Producer;
use crate::servers::postgres::postgres;
use crate::support::{Daemon, event, eventually, exchange_on, message, now, offline, request, text};

/// Users that events are about.
pub const USERS: usize = 24;
/// Events of one request.
const LINES: usize = 20;
/// Between two groups of messages, which brokers would take faster than anybody charges them on a machine that is busy.
const PACE: Duration = Duration::from_millis(50);
/// What is asked for at once.
const PAGE: usize = 10_000;
/// Credits that each user is granted: some dozen events use them up.
const GRANTED: &str = "5";

/// Events on their way.
pub struct Load {
    sent: Arc<Sent>,
    senders: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Sent {
    number: usize,
    ended: AtomicBool,
    numbers: AtomicUsize,
    /// Where they are sent.
    addresses: Mutex<Vec<String>>,
    acknowledged: Mutex<Vec<String>>,
    /// Requests that are without an answer, by where they went.
    in_flight: Mutex<BTreeMap<String, usize>>,
}

/// The records that were acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    pub lines: Vec<String>,
    /// The ids of events by their users.
    pub events: BTreeMap<String, BTreeSet<String>>,
}

pub fn user(number: usize) -> String {
    format!("user-{}", number % USERS)
}

impl Load {
    /// Begins to send to all nodes, from some clients at once.
    pub fn begin(nodes: &Nodes) -> Self {
        Self::begin_where(nodes, |_| true)
    }

    /// Begins to send messages, which some nodes take from a queue. They are acknowledged when the broker has them.
    pub fn by_message(mut producer: Producer) -> Self {
        let load = Self::of_nobody();
        let sent = load.sent.clone();
        let sender = std::thread::spawn(move || {
            while !sent.ended.load(Ordering::SeqCst) {
                let lines: Vec<String> = (0..LINES).map(|_| sent.next()).collect();
                producer.publish(&lines);
                sent.acknowledged.lock().unwrap().extend(lines);
                std::thread::park_timeout(PACE);
            }
        });
        Self { senders: vec![sender], ..load }
    }

    fn of_nobody() -> Self {
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        let sent = Sent { number: LOADS.fetch_add(1, Ordering::SeqCst), ..Sent::default() };
        Self { sent: Arc::new(sent), senders: Vec::new() }
    }

    /// Begins to send to some nodes.
    pub fn begin_where(nodes: &Nodes, is_meant: impl Fn(usize) -> bool) -> Self {
        let load = Self::of_nobody();
        load.send_where(nodes, is_meant);
        let senders = (0..3)
            .map(|sender| {
                let sent = load.sent.clone();
                std::thread::spawn(move || sent.send_until_the_end(sender))
            })
            .collect();
        Self { senders, ..load }
    }

    /// Sends to the nodes that run now.
    pub fn send_to(&self, nodes: &Nodes) {
        self.send_where(nodes, |_| true);
    }

    /// Sends to some of them.
    pub fn send_where(&self, nodes: &Nodes, is_meant: impl Fn(usize) -> bool) {
        let meant = nodes.running().filter(|(number, _)| is_meant(*number));
        let addresses = meant.map(|(_, node)| node.address.clone()).collect();
        *self.sent.addresses.lock().unwrap() = addresses;
    }

    /// Waits until nothing is on its way to a node that nothing more is sent to.
    pub fn drain(&self, node: &Daemon) {
        let waits = || self.sent.in_flight.lock().unwrap().get(&node.address).copied().unwrap_or(0);
        eventually("nothing is on its way", || waits() == 0);
    }

    /// Waits until so many more events are acknowledged.
    pub fn wait_for(&self, more: usize) {
        let known = self.sent.acknowledged.lock().unwrap().len();
        eventually("events are acknowledged", || {
            self.sent.acknowledged.lock().unwrap().len() >= known + more
        });
    }

    /// Ends once what is on its way is acknowledged.
    pub fn end(self, acknowledged: &mut Acknowledged) {
        self.sent.ended.store(true, Ordering::SeqCst);
        self.senders.into_iter().for_each(|sender| sender.join().unwrap());
        for line in std::mem::take(&mut *self.sent.acknowledged.lock().unwrap()) {
            acknowledged.add(line);
        }
    }
}

impl Sent {
    fn send_until_the_end(&self, sender: usize) {
        let mut turn = sender;
        while !self.ended.load(Ordering::SeqCst) {
            let lines: Vec<String> = (0..LINES).map(|_| self.next()).collect();
            while !self.is_taken(&lines, turn) {
                turn += 1;
            }
            turn += 1;
            self.acknowledged.lock().unwrap().extend(lines);
        }
    }

    fn next(&self) -> String {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let (user, occurred) = (user(number / 3), now());
        let id = format!("{}/{number}", self.number);
        match number % 7 {
            0 => event(&id, &user, occurred, "vmtime", &(number / 7 % 2).to_string()),
            1 => event(&id, &user, occurred, "diskspace", &(number % 97).to_string()),
            _ => event(&id, &user, occurred, "traffic", &format!("{}.{}", number % 3, number % 9)),
        }
    }

    /// Whether a node took them all; one that is away or refuses takes none, or some.
    fn is_taken(&self, lines: &[String], turn: usize) -> bool {
        let count = |address: &str, change: fn(usize) -> usize| {
            let mut in_flight = self.in_flight.lock().unwrap();
            let requests = in_flight.entry(address.to_owned()).or_default();
            *requests = change(*requests);
        };
        let address = {
            let addresses = self.addresses.lock().unwrap();
            let address = addresses[turn % addresses.len()].clone();
            count(&address, |requests| requests + 1);
            address
        };
        let body = lines.join("\n");
        let answer = request(&address, "POST", "/events", "application/x-ndjson", body.as_bytes());
        count(&address, |requests| requests - 1);
        let is_taken = |line: &str| {
            let answer: Value = serde_json::from_str(line).unwrap();
            ["stored", "duplicate"].contains(&answer["result"].as_str().unwrap_or_default())
        };
        answer.is_some_and(|answer| {
            answer.status == 200
                && answer.body.lines().count() == lines.len()
                && answer.body.lines().all(is_taken)
        })
    }
}

/// An event of each user, as lines.
pub fn one_each() -> Vec<String> {
    (0..USERS).map(|number| event(&number.to_string(), &user(number), now(), "traffic", "2")).collect()
}

/// Grants every user credits, and begins to send to all nodes.
pub fn under_load(nodes: &Nodes) -> (Acknowledged, Load) {
    let mut acknowledged = Acknowledged::default();
    acknowledged.grant(nodes);
    (acknowledged, Load::begin(nodes))
}

impl Acknowledged {
    /// Grants every user credits, over all nodes in turn.
    pub fn grant(&mut self, nodes: &Nodes) {
        let all: Vec<&Daemon> = nodes.running().map(|(_, node)| node).collect();
        for number in 0..USERS {
            let (user, occurred) = (user(number), now());
            let id = format!("grant-{user}");
            let order = format!(
                r#"{{"credits":"{GRANTED}","reason":"a test","author":"tests","occurredMillis":{occurred}}}"#
            );
            let path = format!("/user/{user}/grants");
            let message = message("localhost", "POST", &path, "application/json", order.as_bytes());
            let keyed = text(&message).replacen("\r\n", &format!("\r\nIdempotency-Key: {id}\r\n"), 1);
            let answer = exchange_on(&all[number % all.len()].admin, keyed.as_bytes());
            assert!(answer.status < 300, "{}", answer.body);
            self.lines.push(format!(
                r#"{{"recordType":"grant","id":"{id}","clientID":"aquarium","occurredMillis":{occurred},"userID":"{user}","credits":{GRANTED},"reason":"a test","author":"tests"}}"#
            ));
        }
    }

    /// An event that was acknowledged.
    pub fn add(&mut self, line: String) {
        let event: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        self.events.entry(text("userID")).or_default().insert(text("id"));
        self.lines.push(line);
    }

    /// Waits until the log has every event, also those that brokers have.
    pub fn wait_for_the_log(&self, nodes: &Nodes) {
        let events: usize = self.events.values().map(BTreeSet::len).sum();
        let (table, sought) = (format!("\"{}\".log", nodes.schema), r#""clientID":"test""#);
        let count = format!("SELECT count(*) FROM {table} WHERE position('{sought}'::bytea IN body) > 0");
        eventually("all are in the log", || postgres().ask(&count) == events.to_string());
    }

    /// Every event is there once, every node answers every balance as an offline simulation does, nothing is in a wallet
    /// twice, and credit events have every number once.
    pub fn check(&self, nodes: &Nodes) {
        let at = now();
        let report = offline(&self.lines.join("\n"), at);
        assert_eq!(report.users.len(), USERS);
        for (number, node) in nodes.running() {
            for (user, expected) in &report.users {
                assert_eq!(balance(node, user, at), expected.balance.to_string(), "{user} by node {number}");
            }
            let above = |balance: &str| !balance.starts_with('-') && balance != "0";
            let states = report.users.iter();
            let states =
                states.map(|(user, expected)| (user.to_string(), above(&expected.balance.to_string())));
            check_credit_events(node, &states.collect());
        }
        let (_, node) = nodes.running().next().unwrap();
        for user in report.users.keys() {
            self.check_wallet(node, user);
        }
    }

    fn check_wallet(&self, node: &Daemon, user: &str) {
        let mut ids = BTreeSet::new();
        for wallet in pages(node, &format!("/user/{user}/wallet"), false) {
            for entry in wallet["entries"].as_array().unwrap() {
                assert!(ids.insert(entry["id"].to_string()), "twice: {entry}");
            }
        }
        let trace: String =
            pages(node, &format!("/user/{user}/trace"), false).iter().map(Value::to_string).collect();
        let known: BTreeSet<&str> =
            trace.split("\"id\":\"").filter_map(|rest| rest.split('"').next()).collect();
        for id in &self.events[user] {
            assert!(known.contains(id.as_str()), "{id} is not in the trace of {user}");
        }
    }

    /// After all nodes have ended: the log holds each record once, and what is stored is what it comes to.
    pub fn check_stored(&self, nodes: &Nodes) {
        let output = nodes.command("once", &["log", "export"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let mut receipts = i64::MIN;
        for line in text(&output.stdout).lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            if record["resource"].is_string() {
                *found.entry(record["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            if record["userID"] == "user-0" {
                let received = record["receivedMillis"].as_i64().unwrap();
                assert!(received >= receipts, "receipt went back: {record}");
                receipts = received;
            }
        }
        for id in self.events.values().flatten() {
            assert_eq!(found.get(id), Some(&1), "{id}");
        }
        let verified = nodes.command("once", &["verify"]);
        assert!(
            text(&verified.stdout).starts_with("equal: "),
            "{}{}",
            text(&verified.stdout),
            text(&verified.stderr)
        );
    }
}

/// What a node answers, once nothing is on its way to another one.
pub fn answered(node: &Daemon, path: &str) -> Value {
    let mut answer = node.get(path);
    eventually("it is answered", || {
        if answer.status != 503 {
            return true;
        }
        assert!(answer.head.to_lowercase().contains("retry-after"), "{}", answer.head);
        assert_eq!(answer.fault().0, "serviceUnavailable");
        answer = node.get(path);
        false
    });
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// All parts of a list; one that has no end gives what is there.
fn pages(node: &Daemon, path: &str, without_end: bool) -> Vec<Value> {
    let mut pages: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = answered(node, &format!("{path}?limit={PAGE}{after}"));
        let is_empty =
            page.as_object().unwrap().values().any(|list| list.as_array().is_some_and(Vec::is_empty));
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) if !(without_end && is_empty) => after = format!("&after={next}"),
            _ => return pages,
        }
    }
}

/// All credit events, in their order.
pub fn credit_events(node: &Daemon) -> Vec<Value> {
    let pages = pages(node, "/credit-events", true);
    pages.iter().flat_map(|page| page["creditEvents"].as_array().unwrap().clone()).collect()
}

fn balance(node: &Daemon, user: &str, at: i64) -> String {
    answered(node, &format!("/user/{user}/balance?at={at}"))["balance"].as_str().unwrap().to_owned()
}

/// The credit events of each user are numbered without a gap, none twice, and tell of changes, to the last one.
fn check_credit_events(node: &Daemon, states: &BTreeMap<String, bool>) {
    // What was charged last is announced when it is written.
    eventually("everybody's state is announced", || {
        let last = last_announced(&credit_events(node));
        states.iter().all(|(user, state)| last.get(user).is_some_and(|(_, last)| last == state))
    });
}

fn last_announced(feed: &[Value]) -> BTreeMap<String, (u64, bool)> {
    let mut last: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    for event in feed {
        let (sequence, state) = (event["sequence"].as_u64().unwrap(), event["state"].as_bool().unwrap());
        let before = last.insert(event["userID"].as_str().unwrap().to_owned(), (sequence, state));
        assert_eq!(sequence, before.map_or(0, |(before, _)| before) + 1, "{event}");
        assert!(before.is_none_or(|(_, before)| before != state), "{event}");
    }
    last
}
