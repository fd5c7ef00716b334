//! A broker that is short of memory: it takes nothing from anybody until it has room again.

use std::collections::BTreeMap;
use std::fs::{self, File};

use super::broken::stored;
use super::client::{Client, Producer};
use super::credit::{COMPONENT, sequences};
use super::rabbit::{self, rabbit};
use super::{Names, check_all, connected, metric, trouble, usage};
use crate::support::{Daemon, Place, aquariumd, event, eventually, now};

const LINES: &str = "application/x-ndjson";
const HOUR: i64 = 3_600_000;
/// What is said of it.
const SHORT: &str = "short of memory or disk";

/// A daemon whose messages are in the file `output`.
fn serve(place: &Place, settings: &str) -> Daemon {
    fs::write(place.path("aquarium.yaml"), settings).unwrap();
    let mut command = aquariumd(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--config", &place.text("aquarium.yaml"), "--data", &place.text("data")]);
    Daemon::spawn(command.stderr(File::create(place.path("output")).unwrap()), &place.path("data"))
}

#[test]
fn while_the_broker_is_short_of_memory_all_else_goes_on_and_then_so_does_what_waited() {
    let _alone = rabbit::alone();
    let place = Place::new("");
    place.up_once();
    let (names, crm, port) = (Names::new("alarm"), Names::new("alarm-crm"), rabbit().port);
    let client = Client::connect(port).unwrap();
    client.declare(&names.exchange, &names.queue);
    client.declare(&crm.exchange, &crm.queue);
    let daemon = serve(
        &place,
        &format!(
            "brokers: [{{ name: main, urls: ['amqp://127.0.0.1:{port}'], sources: ['{}'] }}]\n\
             credit_events: {{ queues: [{{ name: crm, broker: main, to: '{}:credit:{}' }}] }}",
            names.route(),
            crm.exchange,
            crm.queue
        ),
    );
    connected(&daemon, &names);
    let mut events = usage("alarm", 0, 600, now() - HOUR);
    Producer::to(&[port], &names.exchange).publish(&events[..200]);
    stored(&daemon, 200);

    let alarm = rabbit().alarm();
    let (exchange, held) = (names.exchange.clone(), events[200..400].to_vec());
    let producer = std::thread::spawn(move || Producer::to(&[port], &exchange).publish(&held));
    assert_eq!(daemon.post("/events", LINES, events[400..].join("\n").as_bytes()).status, 200);
    let blocked = || metric(&daemon, "aquarium_queue_blocked", COMPONENT);
    eventually("it is said", || {
        // The broker says it to whoever publishes: each user that is new is announced.
        let user = format!("alarm-new-{}", events.len());
        let known = event(&user, &user, now() - HOUR, "traffic", "2");
        assert_eq!(daemon.post("/events", "application/json", known.as_bytes()).status, 200);
        events.push(known);
        blocked() == 1 && trouble(&daemon, COMPONENT).contains(SHORT)
    });
    let output = fs::read_to_string(place.path("output")).unwrap();
    assert!(output.contains(SHORT), "{output}");
    assert_eq!(daemon.get("/user/alarm-new-600/balance").status, 200);
    let source = format!("source-main/{}", names.route());
    assert_eq!(
        (metric(&daemon, "aquarium_queue_connected", &source), trouble(&daemon, &source)),
        (1, String::new())
    );
    assert!(!producer.is_finished());

    drop(alarm);
    producer.join().unwrap();
    eventually("all are told", || {
        metric(&daemon, "aquarium_component_lag", COMPONENT) == 0 && trouble(&daemon, COMPONENT).is_empty()
    });
    eventually("it is over", || blocked() == 0);
    let (client, mut told) = (Client::connect(port).unwrap(), BTreeMap::new());
    eventually("all are there", || {
        sequences(&client, &crm.queue, &mut told);
        told.len() == 7 + events.len() - 600
    });
    assert!(told.values().all(|sequences| *sequences == [1]), "{told:?}");
    check_all(&place, daemon, &events, now());
}
