//! A store with a synchronous standby: one that is lost, and one that takes over.

use std::time::{Duration, Instant};

use super::faults::{SOME, all_is_right};
use super::load::{Acknowledged, Load, USERS, under_load, user};
use super::nodes::{LEASE_MILLIS, Nodes};
use crate::servers::postgres::Postgres;
use crate::support::{Answer, Daemon, event, eventually, now};

/// Nodes on a server, and events on their way to them.
fn two_at(url: String) -> (Nodes, Acknowledged, Load) {
    let mut nodes = Nodes::at(url, LEASE_MILLIS);
    nodes.start(1);
    nodes.start(2);
    nodes.settle(2);
    let (acknowledged, load) = under_load(&nodes);
    load.wait_for(SOME);
    (nodes, acknowledged, load)
}

fn says_what_to_do(answer: &Answer) -> bool {
    answer.status == 503
        && answer.head.to_lowercase().contains("retry-after")
        && answer
            .fault()
            .1
            .contains("a standby is away that `synchronous_standby_names` (`*`) asks for; start")
}

/// What is the matter with taking in events.
fn trouble(node: &Daemon) -> Option<String> {
    let components = node.admin("GET", "/admin/components", "", b"").json();
    let ingest = components.as_array().unwrap().iter().find(|component| component["name"] == "ingest");
    ingest.unwrap()["trouble"].as_str().map(str::to_owned)
}

#[test]
fn while_the_standby_is_away_nodes_go_on_charging_and_say_why_they_take_in_nothing() {
    let primary = Postgres::start();
    let standby = primary.synchronous_standby();
    let (nodes, mut acknowledged, load) = two_at(primary.url());
    let epochs = || primary.ask(&format!("SELECT sum(epoch) FROM \"{}\".leases", nodes.schema));
    let before = epochs();
    standby.kill();
    let late = event("late", &user(0), now(), "traffic", "1");
    let send = || nodes.node(1).post("/events", "application/json", late.as_bytes());
    eventually("it is said what is the matter", || says_what_to_do(&send()));
    let trouble = trouble(nodes.node(1)).unwrap();
    assert!(trouble.contains("synchronous_standby_names"), "{trouble}");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(3 * LEASE_MILLIS) {
        assert_eq!(nodes.shares(), [32, 32]);
        for (number, node) in nodes.running() {
            let answer = node.get(&format!("/user/{}/balance", user(number * 7 % USERS)));
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert_eq!(epochs(), before);
    standby.restart();
    eventually("it is stored", || send().status == 200);
    acknowledged.add(late);
    load.wait_for(SOME);
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn while_the_standby_is_away_nodes_come_and_go_and_keep_what_nobody_can_take() {
    let primary = Postgres::start();
    let standby = primary.synchronous_standby();
    let (mut nodes, acknowledged, load) = two_at(primary.url());
    standby.kill();
    eventually("commits wait for the standby", || trouble(nodes.node(1)).is_some());
    nodes.start(3);
    for number in 0..USERS {
        let answer = nodes.node(3).get(&format!("/user/{}/balance", user(number)));
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let shares = |nodes: &Nodes| {
        let mut shares = nodes.shares();
        shares.sort_unstable();
        shares
    };
    assert_eq!(shares(&nodes), [0, 32, 32]);
    nodes.terminate(2);
    load.send_to(&nodes);
    assert_eq!(shares(&nodes), [0, 32]);
    // One that begins when there is something to take is there, too.
    nodes.start(2);
    assert_eq!(shares(&nodes), [0, 0, 32]);
    standby.restart();
    load.send_to(&nodes);
    nodes.settle(3);
    load.wait_for(SOME);
    eventually("nothing is the matter any more", || nodes.running().all(|(_, node)| trouble(node).is_none()));
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn a_standby_that_takes_over_has_everything_that_was_acknowledged() {
    let primary = Postgres::start();
    let standby = primary.synchronous_standby();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port);
    let url = format!("postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write");
    let (mut nodes, acknowledged, load) = two_at(url);
    primary.kill();
    standby.promote();
    load.wait_for(SOME);
    // They go on as nodes do: one of them is killed, and the other one takes over.
    nodes.settle(2);
    nodes.kill(2);
    load.send_to(&nodes);
    nodes.settle(1);
    load.wait_for(SOME);
    all_is_right(load, nodes, acknowledged);
}
