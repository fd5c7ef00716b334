//! Nodes that are killed, frozen, cut off, and ended.

use std::time::{Duration, Instant};

use super::load::{Acknowledged, Load, USERS, credit_events, one_each, under_load, user};
use super::nodes::Nodes;
use crate::queue::proxy::Proxy;
use crate::servers::postgres::postgres;
use crate::support::{eventually, now};
use crate::webhooks::{KEY, Server};

/// Events between two faults.
pub const SOME: usize = 400;

/// Three nodes, and events on their way to them.
fn three() -> (Nodes, Acknowledged, Load) {
    three_with(" }")
}

fn three_with(settings: &str) -> (Nodes, Acknowledged, Load) {
    let mut nodes = Nodes::new(postgres());
    let url = nodes.url();
    (1..=3).for_each(|number| nodes.start_with(number, &url, settings, &[]));
    nodes.settle(3);
    let (acknowledged, load) = under_load(&nodes);
    load.wait_for(SOME);
    (nodes, acknowledged, load)
}

/// What holds of all nodes once the load has ended, and of the store once they have.
pub fn all_is_right(load: Load, mut nodes: Nodes, mut acknowledged: Acknowledged) {
    load.end(&mut acknowledged);
    acknowledged.check(&nodes);
    nodes.terminate_all();
    acknowledged.check_stored(&nodes);
}

#[test]
fn when_one_node_after_the_other_is_killed_those_that_live_take_over_and_nothing_is_lost_or_twice() {
    let (mut nodes, acknowledged, load) = three();
    for (killed, left) in [(2, 2), (1, 1)] {
        nodes.kill(killed);
        load.send_to(&nodes);
        load.wait_for(SOME);
        nodes.settle(left);
        load.wait_for(SOME);
    }
    // They come back, and have their shares again.
    nodes.start(1);
    nodes.start(2);
    load.send_to(&nodes);
    nodes.settle(3);
    load.wait_for(SOME);
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn a_node_that_was_frozen_past_its_lease_writes_nothing_holds_nobody_up_and_comes_back() {
    let (nodes, mut acknowledged, load) = three();
    load.send_where(&nodes, |number| number != 2);
    // What is on its way to the node is acknowledged by it when it goes on.
    let own = Load::begin_where(&nodes, |number| number == 2);
    for _ in 0..2 {
        own.wait_for(SOME);
        nodes.signal(2, "STOP");
        nodes.settle(2);
        load.wait_for(SOME);
        nodes.signal(2, "CONT");
        nodes.settle(3);
    }
    own.wait_for(SOME);
    load.wait_for(SOME);
    own.end(&mut acknowledged);
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn a_node_that_is_cut_from_the_store_stops_by_itself_and_comes_back() {
    let mut nodes = Nodes::new(postgres());
    let proxy = Proxy::to(postgres().port);
    let cut = nodes.url().replace(&postgres().port.to_string(), &proxy.port.to_string());
    nodes.start(1);
    nodes.start_with(2, &cut, " }", &[]);
    nodes.start(3);
    nodes.settle(3);
    let (acknowledged, load) = under_load(&nodes);
    load.wait_for(SOME);
    load.send_where(&nodes, |number| number != 2);
    proxy.be_deaf(true);
    nodes.settle(2);
    // Of those it charged it knows nothing any more; for others it asks the nodes that it knew.
    let users = || (0..USERS).map(user);
    eventually("it answers for nobody of its own", || {
        let answers = users().map(|user| nodes.node(2).get(&format!("/user/{user}/balance")).status);
        let answers: Vec<u16> = answers.collect();
        assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
        answers.contains(&503)
    });
    assert_eq!(nodes.node(2).get("/users").status, 503);
    load.wait_for(SOME);
    proxy.cut();
    proxy.be_deaf(false);
    nodes.settle(3);
    load.send_to(&nodes);
    load.wait_for(SOME);
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn clocks_a_minute_apart_change_no_figure() {
    let mut nodes = Nodes::new(postgres());
    let url = nodes.url();
    nodes.start_with(1, &url, " }", &["--clock", "manual"]);
    nodes.start_with(2, &url, " }", &["--clock", "manual"]);
    nodes.start(3);
    nodes.node(1).set_clock(now() + 60_000);
    nodes.settle(3);
    let (mut acknowledged, load) = under_load(&nodes);
    load.wait_for(SOME);
    nodes.node(2).set_clock(now() + 10_000);
    load.wait_for(SOME);
    // What the one that was ahead has charged goes to those that are behind.
    nodes.kill(1);
    load.send_to(&nodes);
    nodes.settle(2);
    load.wait_for(SOME);
    load.end(&mut acknowledged);
    nodes.node(2).set_clock(now() + 60_000);
    acknowledged.check(&nodes);
    nodes.terminate_all();
    acknowledged.check_stored(&nodes);
}

#[test]
fn a_node_that_ends_hands_over_at_once_and_one_after_the_other_is_replaced() {
    // Nobody waits for the end of leases here.
    let lease = Duration::from_secs(120);
    let mut nodes = Nodes::with_lease(postgres(), u64::try_from(lease.as_millis()).unwrap());
    nodes.start(1);
    nodes.start(2);
    nodes.settle(2);
    let (acknowledged, load) = under_load(&nodes);
    load.wait_for(SOME);
    for (old, new) in [(1, 3), (2, 4)] {
        let begun = Instant::now();
        nodes.start(new);
        nodes.settle(3);
        load.send_where(&nodes, |number| number != old);
        load.wait_for(SOME);
        nodes.terminate(old);
        nodes.settle(2);
        assert!(begun.elapsed() < lease / 4, "{:?}", begun.elapsed());
    }
    all_is_right(load, nodes, acknowledged);
}

#[test]
fn a_webhook_is_told_everything_though_the_node_that_tells_it_is_killed() {
    let server = Server::start("127.0.0.1:0");
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), KEY).unwrap();
    let (url, secret) = (format!("http://{}/", server.address), key.path().display());
    let hooks = format!(
        " }}\ncredit_events: {{ webhooks: [{{ name: crm, url: '{url}', secret_file: '{secret}' }}] }}"
    );
    let (mut nodes, mut acknowledged, load) = three_with(&hooks);
    for killed in [3, 2] {
        nodes.kill(killed);
        load.send_to(&nodes);
        load.wait_for(2 * SOME);
    }
    nodes.settle(1);
    load.end(&mut acknowledged);
    acknowledged.check(&nodes);
    let announced = credit_events(nodes.node(1));
    assert!(announced.len() > USERS, "{announced:?}");
    eventually("it has everything", || {
        let taken = server.taken();
        announced.iter().all(|event| taken.contains(event))
    });
    nodes.terminate_all();
    // What came again came in its place among those of the user, or says by its number that it is old.
    assert!(server.stop().iter().all(|event| announced.contains(event)));
    acknowledged.check_stored(&nodes);
}

#[test]
fn a_node_whose_tables_a_newer_program_has_brought_forward_hands_over_and_says_so() {
    let mut nodes = Nodes::new(postgres());
    nodes.start(1);
    nodes.settle(1);
    let version = format!("\"{}\".schema_version", nodes.schema);
    postgres().ask(&format!("UPDATE {version} SET version = 99"));
    let (code, said) = nodes.ended(1);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("have version 99") && said.contains("replace this one by it"), "{said}");
    let held = format!("SELECT count(*) FROM \"{}\".leases WHERE holder IS NOT NULL", nodes.schema);
    assert_eq!(postgres().ask(&held), "0");
}

#[test]
fn a_node_whose_store_has_lost_records_ends_and_says_so_and_begins_again_by_what_is_there() {
    let mut nodes = Nodes::new(postgres());
    nodes.start(1);
    nodes.settle(1);
    let lines = one_each();
    let sent = |nodes: &Nodes, lines: &[String]| {
        let body = lines.join("\n");
        nodes.node(1).post("/events", "application/x-ndjson", body.as_bytes()).status
    };
    assert_eq!(sent(&nodes, &lines), 200);
    let path = format!("/user/{}/balance", user(USERS - 1));
    assert_eq!(nodes.node(1).get(&path).status, 200);
    // As if a standby had taken over that lacked the last one, and the ticks that may have come after it.
    let (schema, last) = (nodes.schema.clone(), user(USERS - 1));
    postgres().ask(&format!(
        "WITH first AS (SELECT min(position) AS position FROM \"{schema}\".log WHERE user_id = '{last}'), \
         head AS (UPDATE \"{schema}\".log_head SET records = first.position FROM first), \
         gone AS (DELETE FROM \"{schema}\".log AS log USING first WHERE log.position >= first.position RETURNING key) \
         DELETE FROM \"{schema}\".log_ids AS ids USING gone WHERE ids.key = gone.key"
    ));
    let (code, said) = nodes.ended(1);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it has gone back"), "{said}");
    // Nor would a standby have what was charged of it; here that may have been written before the node noticed.
    let derived =
        ["users", "parts", "lines", "folded", "shared"].map(|table| format!("\"{schema}\".{table}"));
    postgres().ask(&format!("TRUNCATE {}", derived.join(", ")));
    nodes.start(1);
    nodes.settle(1);
    assert_eq!(nodes.node(1).get(&path).status, 404);
    assert_eq!(sent(&nodes, &lines), 200);
    assert_eq!(nodes.node(1).get(&path).json()["balance"], "-0.5");
    nodes.terminate_all();
}
