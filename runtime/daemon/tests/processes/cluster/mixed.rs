//! Faults of every kind, one after the other in an order that follows from a seed, under load over HTTP and by message.

use std::time::{Duration, Instant};

use super::broker::Queues;
use super::faults::SOME;
use super::load::{Acknowledged, Load};
use super::nodes::Nodes;
use crate::queue::client::{Client, Producer};
use crate::queue::proxy::Proxy;
use crate::queue::rabbit::Rabbit;
use crate::servers::postgres::postgres;
use crate::support::number;

/// For how long faults come one after the other, in seconds, unless the environment says otherwise.
const MIXED_SECONDS: u64 = 30;
/// The variables that say otherwise, and what the order of faults follows from.
const SECONDS_VARIABLE: &str = "AQUARIUM_TEST_FAULT_SECONDS";
const SEED_VARIABLE: &str = "AQUARIUM_TEST_FAULT_SEED";
/// Nodes.
const NODES: usize = 3;

/// What may happen: to a node, or to what it needs.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Killed,
    Frozen,
    Ended,
    /// Nothing that it says reaches the store, and nobody tells it.
    UnheardByStore,
    CutFromStore,
    UnheardByBroker,
    CutFromBroker,
    /// It is nobody's alone.
    BrokerKilled,
}

const FAULTS: [Fault; 8] = [
    Fault::Killed,
    Fault::Frozen,
    Fault::Ended,
    Fault::UnheardByStore,
    Fault::CutFromStore,
    Fault::UnheardByBroker,
    Fault::CutFromBroker,
    Fault::BrokerKilled,
];

/// Nodes, each with ways of its own to the store and to the broker, and events on their way to them.
struct Mix {
    nodes: Nodes,
    broker: Rabbit,
    queues: Queues,
    to_store: Vec<Proxy>,
    to_broker: Vec<Proxy>,
    load: Load,
    messages: Load,
}

impl Mix {
    fn begin(acknowledged: &mut Acknowledged) -> Self {
        let broker = Rabbit::start();
        let queues = Queues::declare("mixed", &Client::connect(broker.port).unwrap());
        let ways = |port| (0..NODES).map(|_| Proxy::to(port)).collect::<Vec<Proxy>>();
        let (to_store, to_broker) = (ways(postgres().port), ways(broker.port));
        let mut nodes = Nodes::new(postgres());
        for number in 0..NODES {
            start(&mut nodes, number, &to_store, &to_broker, &queues);
        }
        nodes.settle(NODES);
        acknowledged.grant(&nodes);
        let load = Load::begin(&nodes);
        let messages = Load::by_message(Producer::to(&[broker.port], &queues.exchange));
        Self { nodes, broker, queues, to_store, to_broker, load, messages }
    }

    fn start(&mut self, number: usize) {
        start(&mut self.nodes, number, &self.to_store, &self.to_broker, &self.queues);
    }

    /// Either the others have taken over before it is over, or they may not have noticed.
    fn pass(&self, lasting: bool) {
        if lasting {
            self.nodes.settle(NODES - 1);
        } else {
            self.load.wait_for(SOME / 4);
        }
    }

    /// Has something happen to a node from which it recovers.
    fn strike(&mut self, victim: usize, fault: Fault, lasting: bool) {
        match fault {
            Fault::Killed => {
                self.nodes.kill(victim);
                self.pass(lasting);
                self.start(victim);
            }
            Fault::Frozen => {
                self.nodes.signal(victim, "STOP");
                self.pass(lasting);
                self.nodes.signal(victim, "CONT");
            }
            Fault::Ended => {
                self.nodes.terminate(victim);
                self.pass(lasting);
                self.start(victim);
            }
            Fault::UnheardByStore => {
                self.to_store[victim].be_deaf(true);
                self.pass(lasting);
                self.to_store[victim].cut();
                self.to_store[victim].be_deaf(false);
            }
            Fault::CutFromStore => self.to_store[victim].cut(),
            Fault::UnheardByBroker => {
                self.to_broker[victim].be_deaf(true);
                self.messages.wait_for(SOME / 4);
                self.to_broker[victim].cut();
                self.to_broker[victim].be_deaf(false);
            }
            Fault::CutFromBroker => self.to_broker[victim].cut(),
            Fault::BrokerKilled => {
                self.broker.kill();
                self.load.wait_for(SOME / 4);
                self.broker.restart();
            }
        }
    }

    fn end(self, mut acknowledged: Acknowledged) {
        let Self { mut nodes, broker, queues, load, messages, .. } = self;
        nodes.settle(NODES);
        load.wait_for(SOME);
        messages.wait_for(SOME);
        load.end(&mut acknowledged);
        messages.end(&mut acknowledged);
        acknowledged.wait_for_the_log(&nodes);
        acknowledged.check(&nodes);
        queues.check(&Client::connect(broker.port).unwrap(), nodes.node(0));
        nodes.terminate_all();
        acknowledged.check_stored(&nodes);
        println!("{} events", acknowledged.lines.len());
    }
}

fn start(nodes: &mut Nodes, number: usize, to_store: &[Proxy], to_broker: &[Proxy], queues: &Queues) {
    let url = nodes.url().replace(&postgres().port.to_string(), &to_store[number].port.to_string());
    nodes.start_with(number, &url, &queues.settings(to_broker[number].port), &[]);
}

#[test]
fn faults_in_any_order_cost_nothing_that_was_acknowledged() {
    let lasts = Duration::from_secs(number(SECONDS_VARIABLE, MIXED_SECONDS));
    let seed = number(SEED_VARIABLE, 1);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut acknowledged = Acknowledged::default();
    let mut mix = Mix::begin(&mut acknowledged);
    let begun = Instant::now();
    let mut faults = Vec::new();
    while begun.elapsed() < lasts {
        mix.load.wait_for(random.usize(1..SOME));
        let (victim, lasting) = (random.usize(0..NODES), random.bool());
        // However short it is, the broker has its turn.
        let fault =
            if faults.is_empty() { Fault::BrokerKilled } else { FAULTS[random.usize(0..FAULTS.len())] };
        faults.push((victim, fault, lasting));
        mix.load.send_where(&mix.nodes, |number| number != victim);
        mix.load.drain(mix.nodes.node(victim));
        mix.strike(victim, fault, lasting);
        mix.load.send_to(&mix.nodes);
    }
    println!("seed {seed}, {:.0?}: {faults:?}", begun.elapsed());
    mix.end(acknowledged);
}
