//! Credit events that go out by message.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::rabbit::{self, rabbit};
use super::{Names, trouble};
use crate::support::{Daemon, Place, event, eventually};

const LINES: &str = "application/x-ndjson";
pub const COMPONENT: &str = "queue-crm";

fn serve(place: &Place, to: &str) -> Daemon {
    place.serve_with(&format!(
        "brokers: [{{ name: main, urls: ['amqp://127.0.0.1:{}'] }}]\n\
         credit_events: {{ queues: [{{ name: crm, broker: main, to: '{to}' }}] }}",
        rabbit().port
    ))
}

/// Makes users known, each of whom is told of for the first time.
fn make_known(daemon: &Daemon, group: &str, count: usize) {
    let known = |user: usize| event("first", &format!("{group}-{user}"), daemon.now(), "traffic", "1");
    let events: Vec<String> = (0..count).map(known).collect();
    assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
}

/// Everything that waits, by user: the numbers, once each, in the order in which they first came.
pub fn sequences(client: &Client, queue: &str, taken: &mut BTreeMap<String, Vec<u64>>) {
    while let Some(delivery) = client.take(queue) {
        let body: Value = serde_json::from_slice(&delivery.data).unwrap();
        let property = delivery.properties.message_id().as_ref().map(ToString::to_string);
        assert_eq!(property.as_deref(), body["id"].as_str());
        assert_eq!(*delivery.properties.delivery_mode(), Some(2));
        let sequence = body["sequence"].as_u64().unwrap();
        let of_user = taken.entry(body["userID"].as_str().unwrap().to_owned()).or_default();
        if !of_user.contains(&sequence) {
            of_user.push(sequence);
        }
    }
}

#[test]
fn credit_events_outlive_the_daemon_and_the_broker() {
    let _alone = rabbit::alone();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("credit");
    let client = Client::connect(rabbit().port).unwrap();
    client.declare_lasting(&names.exchange, &names.queue);
    let to = format!("{}:credit:{}", names.exchange, names.queue);
    let daemon = serve(&place, &to);
    make_known(&daemon, "first", 50);
    let lag = |daemon: &Daemon| super::metric(daemon, "aquarium_component_lag", COMPONENT);
    let sent = |daemon: &Daemon| {
        super::metric(daemon, "aquarium_queue_connected", COMPONENT) == 1 && lag(daemon) == 0
    };
    eventually("the first are sent", || sent(&daemon));
    let mut taken = BTreeMap::new();
    eventually("the first are there", || {
        sequences(&client, &names.queue, &mut taken);
        taken.len() == 50
    });
    daemon.kill();
    let daemon = serve(&place, &to);
    make_known(&daemon, "second", 50);
    // Nobody may publish while the broker is short of memory.
    eventually("the second are sent", || sent(&daemon));
    let alarm = rabbit().alarm();
    let mut third = 0;
    eventually("it is said", || {
        // It takes effect a moment later, and for whoever publishes then.
        make_known(&daemon, &format!("third-{third}"), 1);
        third += 1;
        trouble(&daemon, COMPONENT).contains("short of memory or disk")
    });
    assert_eq!(daemon.get("/user/third-0-0/balance").status, 200);
    drop(alarm);
    eventually("the third are sent", || sent(&daemon) && trouble(&daemon, COMPONENT).is_empty());
    rabbit().kill();
    make_known(&daemon, "fourth", 50);
    rabbit().restart();
    eventually("the fourth are sent", || sent(&daemon));
    assert!(daemon.terminate());
    let client = Client::connect(rabbit().port).unwrap();
    eventually("all are there", || {
        sequences(&client, &names.queue, &mut taken);
        taken.len() == 150 + third
    });
    assert!(taken.values().all(|sequences| *sequences == [1]), "{taken:?}");
}

#[test]
fn credit_events_wait_until_somebody_takes_them() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("taker");
    let daemon = serve(&place, &format!("{}:credit", names.exchange));
    make_known(&daemon, "waiting", 10);
    eventually("it is said", || trouble(&daemon, COMPONENT).contains("no queue that takes credit events"));
    let client = Client::connect(rabbit().port).unwrap();
    client.declare(&names.exchange, &names.queue);
    let mut taken = BTreeMap::new();
    eventually("all are there", || {
        sequences(&client, &names.queue, &mut taken);
        taken.len() == 10
    });
    assert!(taken.values().all(|sequences| *sequences == [1]), "{taken:?}");
    assert!(daemon.terminate());
}
