//! How fast messages are taken in, compared with a client that does nothing but acknowledge them.
//!
//! A small round is run with the tests, so that it keeps working; `cargo xtask bench --only queue` runs a large one and shows it.

use std::time::{Duration, Instant};

use super::client::{Client, Message};
use super::rabbit::{self, rabbit};
use super::{Names, check_all, metric, serve, usage};
use crate::support::{Place, eventually, now, number};

/// The variable that says how many messages a round has.
const MESSAGES: &str = "AQUARIUM_BENCH_MESSAGES";
/// Enough to see that it works.
const MESSAGES_OF_TEST: usize = 2_000;
const HOUR: i64 = 3_600_000;

fn messages() -> usize {
    number(MESSAGES, MESSAGES_OF_TEST)
}

/// Lets others work.
fn pause() {
    std::thread::park_timeout(Duration::from_millis(10));
}

#[test]
fn messages_are_taken_in_at_a_rate_that_can_be_compared() {
    let count = messages();
    let _alone = rabbit::alone();
    let client = Client::connect(rabbit().port).unwrap();
    let (bare, names) = (Names::new("bare"), Names::new("speed"));
    let events = usage("speed", 0, count, now() - HOUR);
    for Names { exchange, queue } in [&bare, &names] {
        client.declare(exchange, queue);
        assert_eq!(client.publish(exchange, events.iter().cloned().map(Message::json)), count);
    }
    let begun = Instant::now();
    client.consume(&bare.queue, count);
    let bare_rate = rate(count, begun.elapsed());

    let place = Place::new("");
    place.up_once();
    let daemon = serve(&place, rabbit().port, &names);
    let component = format!("source-main/{}", names.route());
    while metric(&daemon, "aquarium_queue_connected", &component) == 0 {
        pause();
    }
    let begun = Instant::now();
    while metric(&daemon, "aquarium_queue_messages_total", &component) < u64::try_from(count).unwrap()
        || metric(&daemon, "aquarium_component_mailbox_depth", &component) > 0
    {
        pause();
    }
    let daemon_rate = rate(count, begun.elapsed());
    let charged = Instant::now();
    eventually("all is charged", || daemon.get("/metrics").body.contains("aquarium_fold_lag_records 0"));
    let charging = charged.elapsed();
    println!(
        "{count} messages: bare consume-and-ack {bare_rate:.0} msg/s; the daemon, durable, {daemon_rate:.0} msg/s \
         ({:.0} %); charged {charging:.1?} later",
        100.0 * daemon_rate / bare_rate
    );
    check_all(&place, daemon, &events, now());
}

fn rate(count: usize, elapsed: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / elapsed.as_secs_f64()
}
