//! Brokers and connections that break: nothing is lost, nothing is stored twice, everything else goes on.

use super::client::{Client, Message};
use super::proxy::Proxy;
use super::rabbit::{self, rabbit};
use super::{Names, check_all, connected, metric, serve, trouble, usage};
use crate::support::{Daemon, Place, event, eventually, now};

const HOUR: i64 = 3_600_000;

fn messages(events: &[String]) -> impl Iterator<Item = Message> {
    events.iter().cloned().map(Message::json)
}

/// Waits until the log has so many events of the test's users.
pub fn stored(daemon: &Daemon, count: usize) {
    let line = format!("aquarium_messages_total{{outcome=\"stored\"}} {count}");
    eventually("all are stored", || daemon.get("/metrics").body.lines().any(|found| found == line));
}

#[test]
fn connections_that_are_cut_in_the_midst_of_messages_lose_and_repeat_nothing() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("cut");
    let client = Client::connect(rabbit().port).unwrap();
    client.declare(&names.exchange, &names.queue);
    let events = usage("cut", 0, 2_000, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, messages(&events)), events.len());
    let proxy = Proxy::to(rabbit().port);
    // Enough for some hundred messages, and the end is in the midst of one.
    proxy.cut_after(150_001);
    let daemon = serve(&place, proxy.port, &names);
    let component = format!("source-main/{}", names.route());
    eventually("some connections", || metric(&daemon, "aquarium_queue_connections_total", &component) >= 3);
    proxy.cut_after(usize::MAX);
    proxy.cut();
    stored(&daemon, events.len());
    eventually("all are acknowledged", || client.waiting(&names.queue) == 0);
    check_all(&place, daemon, &events, now());
}

#[test]
fn what_was_stored_and_never_acknowledged_comes_again_and_changes_nothing() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("again");
    let proxy = Proxy::to(rabbit().port);
    let daemon = serve(&place, proxy.port, &names);
    connected(&daemon, &names);
    // From now on no acknowledgement arrives.
    proxy.be_deaf(true);
    let client = Client::connect(rabbit().port).unwrap();
    let events = usage("again", 0, 500, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, messages(&events)), events.len());
    stored(&daemon, events.len());
    proxy.be_deaf(false);
    proxy.cut();
    let component = format!("source-main/{}", names.route());
    eventually("all come again", || metric(&daemon, "aquarium_queue_redelivered_total", &component) >= 500);
    eventually("all are acknowledged", || {
        client.waiting(&names.queue) == 0 && metric(&daemon, "aquarium_component_lag", &component) == 0
    });
    stored(&daemon, events.len());
    check_all(&place, daemon, &events, now());
}

#[test]
fn a_daemon_that_is_killed_finds_what_it_did_not_acknowledge() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("killed");
    let client = Client::connect(rabbit().port).unwrap();
    client.declare(&names.exchange, &names.queue);
    let events = usage("killed", 0, 1_500, now() - HOUR);
    let (first, rest) = events.split_at(700);
    assert_eq!(client.publish(&names.exchange, messages(first)), first.len());
    let daemon = serve(&place, rabbit().port, &names);
    eventually("some are taken", || client.waiting(&names.queue) < 700);
    daemon.kill();
    assert_eq!(client.publish(&names.exchange, messages(rest)), rest.len());
    let daemon = serve(&place, rabbit().port, &names);
    let component = format!("source-main/{}", names.route());
    connected(&daemon, &names);
    eventually("all are acknowledged", || {
        client.waiting(&names.queue) == 0
            && metric(&daemon, "aquarium_component_mailbox_depth", &component) == 0
    });
    check_all(&place, daemon, &events, now());
}

#[test]
fn a_queue_that_is_removed_is_declared_again() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("removed");
    let daemon = serve(&place, rabbit().port, &names);
    connected(&daemon, &names);
    let client = Client::connect(rabbit().port).unwrap();
    let events = usage("removed", 0, 20, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, messages(&events[..10])), 10);
    stored(&daemon, 10);
    let component = format!("source-main/{}", names.route());
    eventually("all are acknowledged", || {
        metric(&daemon, "aquarium_component_mailbox_depth", &component) == 0
    });
    client.delete(&names.queue);
    eventually("a new queue", || metric(&daemon, "aquarium_queue_connections_total", &component) == 2);
    assert_eq!(client.publish(&names.exchange, messages(&events[10..])), 10);
    stored(&daemon, 20);
    check_all(&place, daemon, &events, now());
}

#[test]
fn while_a_broker_is_down_everything_else_goes_on_and_then_so_do_the_messages() {
    let _alone = rabbit::alone();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("down");
    let client = Client::connect(rabbit().port).unwrap();
    client.declare_lasting(&names.exchange, &names.queue);
    let daemon = serve(&place, rabbit().port, &names);
    connected(&daemon, &names);
    let mut events = usage("down", 0, 600, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, messages(&events[..300])), 300);
    rabbit().kill();
    let component = format!("source-main/{}", names.route());
    eventually("it is noticed", || metric(&daemon, "aquarium_queue_connected", &component) == 0);
    eventually("it is said", || trouble(&daemon, &component).contains("nobody listens at 127.0.0.1"));
    let direct = event("direct", "down-user-0", now() - HOUR, "traffic", "2");
    assert_eq!(daemon.post("/events", "application/json", direct.as_bytes()).status, 200);
    events.push(direct);
    assert_eq!(daemon.get("/user/down-user-0/balance").status, 200);
    rabbit().restart();
    let mut confirmed = 0;
    eventually("the queue is there again", || {
        let client = Client::connect(rabbit().port);
        let rest = messages(&events[300 + confirmed..600]);
        confirmed += client.map_or(0, |client| client.publish(&names.exchange, rest));
        confirmed == 300
    });
    let client = Client::connect(rabbit().port).unwrap();
    connected(&daemon, &names);
    assert_eq!(trouble(&daemon, &component), "");
    stored(&daemon, events.len());
    eventually("all are acknowledged", || client.waiting(&names.queue) == 0);
    check_all(&place, daemon, &events, now());
}
