//! How many events two nodes charge, compared with one on the same PostgreSQL.
//!
//! A small round is run with the tests, so that it keeps working; `cargo xtask bench --only cluster` runs large ones, by a
//! released program, and shows them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::nodes::Nodes;
use crate::servers::postgres::postgres;
use crate::support::{Daemon, event, now, number};

/// The variable that says how many events a round has.
const EVENTS: &str = "AQUARIUM_BENCH_EVENTS";
/// The variable that says how many rounds there are of each kind.
const ROUNDS: &str = "AQUARIUM_BENCH_ROUNDS";
/// Enough to see that it works.
const EVENTS_OF_TEST: usize = 4_000;
/// Users that events are about.
const USERS: usize = 10_000;
/// Clients that send at once.
const CLIENTS: usize = 2;
/// A lease that is not renewed for so long has other reasons than the load.
const LEASE_MILLIS: u64 = 10_000;
/// What an event costs by the policy of the tests.
const CHARGE: f64 = 0.5;
/// What takes so long does not end at all.
const CHARGED_WITHIN: Duration = Duration::from_secs(600);
/// The end of what there is to charge.
const CHARGED: &str = "aquarium_fold_lag_records 0\n";

/// Events of the last minute, in their order, as lines.
fn body(client: usize, count: usize) -> Vec<u8> {
    let begun = now() - 60_000;
    let line = |number: usize| {
        let user = format!("user-{}", (number * CLIENTS + client) * 7_919 % USERS);
        let occurred = begun + i64::try_from(number * 60_000 / count).unwrap();
        event(&format!("{client:020x}{number:020x}"), &user, occurred, "traffic", "2") + "\n"
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

/// Sends lines while answers are read; gives how many were stored.
fn stream(address: &str, body: &[u8]) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        let answers = scope.spawn(move || {
            let mut answers = Vec::new();
            reader.read_to_end(&mut answers).unwrap();
            answers.windows(8).filter(|window| *window == b"\"stored\"").count()
        });
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        answers.join().unwrap()
    })
}

/// Events a second that so many nodes have stored and charged, and those that they have stored.
fn round(count: usize, nodes_count: usize) -> (f64, f64) {
    let mut nodes = Nodes::with_lease(postgres(), LEASE_MILLIS);
    (1..=nodes_count).for_each(|number| nodes.start(number));
    nodes.settle(nodes_count);
    let bodies: Vec<Vec<u8>> = (0..CLIENTS).map(|client| body(client, count / CLIENTS)).collect();
    let all: Vec<&Daemon> = nodes.running().map(|(_, node)| node).collect();
    let begun = Instant::now();
    let stored: usize = std::thread::scope(|scope| {
        let clients = bodies.iter().zip(all.iter().cycle());
        let clients: Vec<_> =
            clients.map(|(body, node)| scope.spawn(|| stream(&node.address, body))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let taken_in = begun.elapsed();
    assert_eq!(stored, count / CLIENTS * CLIENTS);
    // A node may not have heard of the last that another one has stored: what is asked of it is answered by all.
    for node in &all {
        assert_eq!(node.get("/users?limit=1").status, 200);
        while !node.get("/metrics").body.contains(CHARGED) {
            assert!(begun.elapsed() < CHARGED_WITHIN, "{nodes_count} nodes have not charged all");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
    let charged = begun.elapsed();
    let of_first =
        (0..count / CLIENTS).filter(|number| (number * CLIENTS * 7_919).is_multiple_of(USERS)).count();
    let expected = f64::from(u32::try_from(of_first).unwrap()) * -CHARGE;
    for node in &all {
        let balance = node.get("/user/user-0/balance").json()["balance"].as_str().unwrap().parse::<f64>();
        assert_eq!(balance, Ok(expected), "of {of_first} events");
    }
    nodes.terminate_all();
    let rate = |time: Duration| f64::from(u32::try_from(stored).unwrap()) / time.as_secs_f64();
    (rate(charged), rate(taken_in))
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[test]
fn events_are_charged_by_two_nodes_at_a_rate_that_can_be_compared_with_that_of_one() {
    let (count, rounds) = (number(EVENTS, EVENTS_OF_TEST), number(ROUNDS, 1));
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for number in 0..rounds {
        // What is first has a quieter server: they take turns.
        for nodes in if number % 2 == 0 { [1, 2] } else { [2, 1] } {
            let (charged, stored) = round(count, nodes);
            println!("{nodes} of 2: {count} events, charged {charged:.0} /s, stored {stored:.0} /s");
            if nodes == 1 { one.push(charged) } else { two.push(charged) }
        }
    }
    let (one, two) = (median(one), median(two));
    println!(
        "{count} events, {rounds} rounds: one node charges {one:.0} /s, two nodes {two:.0} /s ({:.0} %)",
        100.0 * two / one
    );
}
