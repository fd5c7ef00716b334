//! Nodes that take events from one queue, and of which one at a time sends credit events to another.

use std::collections::BTreeMap;

use serde_json::Value;

use super::faults::SOME;
use super::load::{Acknowledged, Load, USERS, credit_events};
use super::nodes::Nodes;
use crate::queue::client::{Client, Producer};
use crate::queue::rabbit::{self, rabbit};
use crate::servers::postgres::postgres;
use crate::support::{Daemon, eventually};

/// What a cluster has of a broker.
pub struct Queues {
    /// Where events are published.
    pub exchange: String,
    queue: String,
    crm: String,
}

impl Queues {
    /// Queues of a test, at a broker that may be killed: they last.
    pub fn declare(test: &str, client: &Client) -> Self {
        let name = |what: &str| format!("{what}-of-nodes-{test}");
        let queues = Self { exchange: name("events"), queue: name("queue"), crm: name("crm") };
        client.declare_lasting(&queues.exchange, &queues.queue);
        client.declare_lasting(&queues.crm, &queues.crm);
        queues
    }

    /// What a node is told that reaches the broker at a port; it goes on within the settings of the cluster.
    pub fn settings(&self, port: u16) -> String {
        let Self { exchange, queue, crm } = self;
        format!(
            " }}\nbrokers: [{{ name: main, urls: ['amqp://127.0.0.1:{port}'], sources: ['{exchange}:#:{queue}'] }}]\n\
             credit_events: {{ queues: [{{ name: crm, broker: main, to: '{crm}:credit:{crm}' }}] }}"
        )
    }

    /// What a node's metrics say that has so many messages unacknowledged.
    fn held(&self, messages: usize) -> String {
        let Self { exchange, queue, .. } = self;
        format!(
            "aquarium_component_mailbox_depth{{component=\"source-main/{exchange}:#:{queue}\"}} {messages}\n"
        )
    }

    /// The queue of credit events holds all that were announced; of each user the numbers came one after the other,
    /// whatever came twice.
    pub fn check(&self, client: &Client, node: &Daemon) {
        let announced = credit_events(node);
        assert!(announced.len() > USERS, "{announced:?}");
        let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut count = 0;
        eventually("all are told", || {
            while let Some(message) = client.take(&self.crm) {
                let event: Value = serde_json::from_slice(&message.data).unwrap();
                let of_user = told.entry(event["userID"].to_string()).or_default();
                if !of_user.contains(&event) {
                    of_user.push(event);
                    count += 1;
                }
            }
            count == announced.len()
        });
        for event in &announced {
            assert!(told[&event["userID"].to_string()].contains(event), "{event}");
        }
        for events in told.values() {
            let sequences = events.iter().map(|event| event["sequence"].as_u64().unwrap());
            assert!(sequences.eq(1..=events.len() as u64), "{events:?}");
        }
    }
}

/// How many of the nodes that run send credit events.
fn publishing(nodes: &Nodes) -> usize {
    let connected = "aquarium_queue_connected{component=\"queue-crm\"} 1\n";
    nodes.running().filter(|(_, node)| node.get("/metrics").body.contains(connected)).count()
}

#[test]
fn nodes_that_read_one_queue_lose_and_repeat_nothing_and_one_of_them_tells_of_credits() {
    let _whole = rabbit::with_others();
    let client = Client::connect(rabbit().port).unwrap();
    let queues = Queues::declare("two", &client);
    let mut nodes = Nodes::new(postgres());
    let (url, settings) = (nodes.url(), queues.settings(rabbit().port));
    (1..=2).for_each(|number| nodes.start_with(number, &url, &settings, &[]));
    nodes.settle(2);
    let mut acknowledged = Acknowledged::default();
    acknowledged.grant(&nodes);
    let load = Load::by_message(Producer::to(&[rabbit().port], &queues.exchange));
    for victim in [1, 2] {
        load.wait_for(SOME);
        eventually("one of them tells of credits", || publishing(&nodes) == 1);
        nodes.kill(victim);
        load.wait_for(SOME);
        nodes.settle(1);
        eventually("the other one tells of credits", || publishing(&nodes) == 1);
        nodes.start_with(victim, &url, &settings, &[]);
        nodes.settle(2);
    }
    load.wait_for(SOME);
    load.end(&mut acknowledged);
    acknowledged.wait_for_the_log(&nodes);
    acknowledged.check(&nodes);
    queues.check(&client, nodes.node(1));
    eventually("nothing is left unacknowledged", || {
        let held = |(_, node): (usize, &Daemon)| node.get("/metrics").body.contains(&queues.held(0));
        nodes.running().all(held) && client.waiting(&queues.queue) == 0
    });
    nodes.terminate_all();
    acknowledged.check_stored(&nodes);
}
