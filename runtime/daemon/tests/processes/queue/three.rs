//! Three brokers that are one cluster, and one of them that is killed.

use std::collections::BTreeMap;

use super::broken::stored;
use super::client::{Client, Producer};
use super::credit::{COMPONENT, sequences};
use super::rabbit::Rabbit;
use super::{Names, check_all, connected, metric, usage};
use crate::support::{Place, eventually, now};

const HOUR: i64 = 3_600_000;
/// Events before the broker is killed, and all of them.
const BEFORE: usize = 300;
const ALL: usize = 1_500;

#[test]
fn when_one_of_three_brokers_is_killed_the_others_carry_on_and_every_message_counts_once() {
    let brokers: [Rabbit; 3] = Rabbit::cluster();
    let ports = brokers.each_ref().map(|broker| broker.port);
    let place = Place::new("");
    place.up_once();
    let (names, crm) = (Names::new("three"), Names::new("three-crm"));
    // Whoever declares a queue has its leader: it is the first broker.
    let client = Client::connect(ports[0]).unwrap();
    client.declare(&names.exchange, &names.queue);
    client.declare(&crm.exchange, &crm.queue);
    let urls: Vec<String> = ports.iter().map(|port| format!("'amqp://127.0.0.1:{port}'")).collect();
    let daemon = place.serve_with(&format!(
        "brokers: [{{ name: main, urls: [{}], sources: ['{}'] }}]\n\
         credit_events: {{ queues: [{{ name: crm, broker: main, to: '{}:credit:{}' }}] }}",
        urls.join(", "),
        names.route(),
        crm.exchange,
        crm.queue
    ));
    connected(&daemon, &names);
    let source = format!("source-main/{}", names.route());
    let made = || {
        [&source, COMPONENT].map(|component| metric(&daemon, "aquarium_queue_connections_total", component))
    };
    eventually("both are connected", || made() == [1, 1]);

    let events = usage("three", 0, ALL, now() - HOUR);
    let (exchange, to_publish) = (names.exchange.clone(), events.clone());
    let mut producer = Producer::to(&ports, &names.exchange);
    producer.publish(&events[..BEFORE]);
    stored(&daemon, BEFORE);
    let publishing = std::thread::spawn(move || {
        let mut producer = Producer::to(&ports, &exchange);
        to_publish[BEFORE..].chunks(50).for_each(|some| producer.publish(some));
    });
    // Of the two connections of the daemon one is to the first broker: nodes are taken in turn.
    brokers[0].kill();
    publishing.join().unwrap();
    stored(&daemon, ALL);
    eventually("it has another broker", || made().iter().sum::<u64>() >= 3);
    connected(&daemon, &names);
    let leads = || Client::connect(ports[1]).is_some_and(|client| client.is_led(&crm.queue));
    eventually("another broker leads the queue", leads);
    let (client, mut told) = (Client::connect(ports[1]).unwrap(), BTreeMap::new());
    eventually("all are told", || {
        sequences(&client, &crm.queue, &mut told);
        told.len() == 7
    });
    assert!(told.values().all(|sequences| *sequences == [1]), "{told:?}");
    eventually("all are acknowledged", || client.waiting(&names.queue) == 0);
    check_all(&place, daemon, &events, now());
}
