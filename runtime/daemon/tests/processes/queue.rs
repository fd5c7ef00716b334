//! Events in and credit events out by message, with a RabbitMQ that these tests start themselves.

mod alarm;
mod broken;
pub mod client;
mod credit;
mod example;
mod intake;
pub mod proxy;
pub mod rabbit;
mod speed;
mod three;
mod wrong;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Daemon, Place, event, eventually, offline};

/// The names of a test: an exchange and a queue of its own.
struct Names {
    exchange: String,
    queue: String,
}

impl Names {
    fn new(test: &str) -> Self {
        Self { exchange: format!("exchange-{test}"), queue: format!("queue-{test}") }
    }

    fn route(&self) -> String {
        format!("{}:events.#:{}", self.exchange, self.queue)
    }
}

/// A daemon that reads one queue of a broker at a port.
fn serve(place: &Place, port: u16, names: &Names) -> Daemon {
    let route = names.route();
    place.serve_with(&format!(
        "brokers: [{{ name: main, urls: ['amqp://127.0.0.1:{port}'], sources: ['{route}'] }}]"
    ))
}

/// Usage events of several users, numbered from `from` on.
fn usage(group: &str, from: usize, count: usize, start: i64) -> Vec<String> {
    let one = |number: usize| {
        let occurred = start + i64::try_from(number).unwrap();
        event(&format!("{group}-{number}"), &format!("{group}-user-{}", number % 7), occurred, "traffic", "2")
    };
    (from..from + count).map(one).collect()
}

/// What a metric says of a component.
fn metric(daemon: &Daemon, name: &str, component: &str) -> u64 {
    let metrics = daemon.get("/metrics").body;
    let prefix = format!("{name}{{component=\"{component}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok()).unwrap_or_else(|| {
        panic!("no {prefix} in {metrics}");
    })
}

/// What keeps a component from its work.
fn trouble(daemon: &Daemon, component: &str) -> String {
    let components = daemon.admin("GET", "/admin/components", "", b"").json();
    let found = components.as_array().unwrap().iter().find(|found| found["name"] == component);
    found.unwrap()["trouble"].as_str().unwrap_or_default().to_owned()
}

fn connected(daemon: &Daemon, names: &Names) {
    let component = format!("source-main/{}", names.route());
    eventually("a connection", || metric(daemon, "aquarium_queue_connected", &component) == 1);
}

/// How often each id is in the log.
fn ids(exported: &[Value]) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for id in
        exported.iter().filter(|line| line["resource"].is_string()).filter_map(|line| line["id"].as_str())
    {
        *ids.entry(id.to_owned()).or_default() += 1;
    }
    ids
}

/// Every event comes to be in the log, once, and every balance to be that of an offline simulation. A queue that is empty
/// says less: what was delivered may be on its way.
fn check_all(place: &Place, daemon: Daemon, events: &[String], at: i64) {
    let text = events.join("\n");
    let expected = offline(&text, at);
    for (user, report) in &expected.users {
        let (path, wanted) = (format!("/user/{user}/balance?at={at}"), report.balance.to_string());
        eventually(&format!("{wanted} of {user}"), || daemon.get(&path).json()["balance"] == wanted);
    }
    assert!(daemon.terminate());
    let ids = ids(&place.exported());
    for event in events {
        let event: Value = serde_json::from_str(event).unwrap();
        let id = event["id"].as_str().unwrap();
        assert_eq!(ids.get(id), Some(&1), "{id}");
    }
    assert_eq!(ids.len(), events.len());
}
