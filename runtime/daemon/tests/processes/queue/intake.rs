//! Events that come by message.

use std::fs;

use serde_json::Value;

use super::client::{Client, Message};
use super::rabbit::{self, rabbit};
use super::{Names, check_all, connected, metric, serve, usage};
use crate::support::{Place, event, eventually, now};

const HOUR: i64 = 3_600_000;

#[test]
fn events_of_every_layout_are_stored_acknowledged_and_charged() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("layouts");
    let daemon = serve(&place, rabbit().port, &names);
    connected(&daemon, &names);
    let client = Client::connect(rabbit().port).unwrap();
    let start = now() - HOUR;
    let events = usage("layouts", 0, 40, start);
    let instant = jiff::Timestamp::from_millisecond(start).unwrap();
    let cloud = format!(
        r#"{{"specversion":"1.0","type":"usage","source":"test","id":"cloud","subject":"layouts-user-0","time":"{instant}","data":{{"resource":"traffic","instanceID":"1","eventVersion":"1.0","value":2,"details":{{}}}}}}"#
    );
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&events[0]).unwrap()).unwrap();
    let messages = [
        Message::json(pretty),
        Message::of_type("", events[1].clone()),
        Message::json(format!("[{}]", events[2..20].join(","))),
        Message::of_type("application/x-ndjson", events[20..30].join("\n")),
        Message::of_type("text/plain", events[30..].join("\n")),
        Message::of_type("application/cloudevents+json", cloud),
        // Again: it is there already.
        Message::json(events[1].clone()),
    ];
    assert_eq!(client.publish(&names.exchange, messages), 7);
    let component = format!("source-main/{}", names.route());
    eventually("all are acknowledged", || {
        metric(&daemon, "aquarium_queue_messages_total", &component) == 7
            && metric(&daemon, "aquarium_component_lag", &component) == 0
            && client.waiting(&names.queue) == 0
    });
    let of_cloud = event("cloud", "layouts-user-0", start, "traffic", "2");
    let all: Vec<String> = events.into_iter().chain([of_cloud]).collect();
    assert_eq!(daemon.get("/quarantine").json()["quarantined"].as_array().unwrap().len(), 0);
    check_all(&place, daemon, &all, now());
}

#[test]
fn what_is_no_event_goes_to_quarantine_and_is_acknowledged() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("poison");
    let settings = format!(
        "ingest: {{ body_bytes_max: 200000 }}\nbrokers: [{{ name: main, urls: ['amqp://127.0.0.1:{}'], \
         sources: [{{ from: '{}', clients: [test], prefetch: 3 }}] }}]",
        rabbit().port,
        names.route()
    );
    let daemon = place.serve_with(&settings);
    connected(&daemon, &names);
    let client = Client::connect(rabbit().port).unwrap();
    let start = now() - HOUR;
    let good = event("good", "u", start, "traffic", "2");
    let poison = [
        (Message::json("{"), "not-json", ""),
        (Message::json(""), "not-json", ""),
        (Message::json("\u{0}\u{1}"), "not-json", ""),
        (Message::json("7"), "bad-type", ""),
        (Message::json("{\"id\":\"x\"}"), "missing-field", ""),
        (Message::json(good.replace("\"1.0\"", "\"9.0\"")), "bad-version", ""),
        (
            Message::json(good.replace("good", "other").replace("\"test\"", "\"cyclades\"")),
            "reserved-client",
            "cyclades",
        ),
        (Message::json(good.replace("\"value\":2", "\"value\":3")), "conflict", ""),
        (Message::json(event("old", "u", 1, "traffic", "2")), "implausible-time", ""),
        (Message::of_type("image/png", good.clone()), "not-json", "`image/png`"),
        (
            Message { content_encoding: "gzip", ..Message::json(good.replace("good", "zipped")) },
            "not-json",
            "`gzip`",
        ),
        (Message::json("x".repeat(200_001)), "not-json", "more than `ingest.body_bytes_max`"),
        (Message::of_type("application/x-ndjson", format!("nonsense\n{good}")), "not-json", ""),
    ];
    assert_eq!(client.publish(&names.exchange, [Message::json(good.clone())]), 1);
    let mut expected = Vec::new();
    for (message, reason, said) in poison {
        assert_eq!(client.publish(&names.exchange, [message]), 1);
        expected.push((reason, said));
    }
    let listed = || daemon.get("/quarantine").json()["quarantined"].as_array().unwrap().clone();
    eventually("all are in quarantine", || listed().len() == expected.len());
    for (listed, (reason, said)) in listed().iter().zip(&expected) {
        assert_eq!(listed["reason"], *reason, "{listed}");
        assert!(listed["message"].as_str().unwrap().contains(said), "{said}: {listed}");
    }
    let component = format!("source-main/{}", names.route());
    eventually("all are acknowledged", || metric(&daemon, "aquarium_component_lag", &component) == 0);
    check_all(&place, daemon, &[good], now());
}

#[test]
fn messages_of_sixteen_megabytes_are_taken() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("large");
    let daemon = serve(&place, rabbit().port, &names);
    connected(&daemon, &names);
    let client = Client::connect(rabbit().port).unwrap();
    let padding = "x".repeat(9 << 10);
    let events: Vec<String> = usage("large", 0, 2_000, now() - HOUR)
        .iter()
        .map(|event| event.replace("\"details\":{}", &format!("\"details\":{{\"padding\":\"{padding}\"}}")))
        .collect();
    let array = format!("[{}]", events.join(","));
    assert!(array.len() >= 16 << 20, "{}", array.len());
    let messages =
        [Message::json(array), Message::json("{".repeat(16 << 20)), Message::json(events[0].clone())];
    assert_eq!(client.publish(&names.exchange, messages), 3);
    let component = format!("source-main/{}", names.route());
    eventually("all are acknowledged", || {
        metric(&daemon, "aquarium_queue_messages_total", &component) == 3
            && metric(&daemon, "aquarium_component_lag", &component) == 0
    });
    assert_eq!(daemon.get("/quarantine").json()["quarantined"][0]["reason"], "not-json");
    check_all(&place, daemon, &events, now());
}

#[test]
fn a_queue_is_read_by_tls_as_the_user_and_with_the_password_that_are_named() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("tls");
    fs::write(place.path("password"), "guest\n").unwrap();
    let authority =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures/authority.pem");
    // The first node is not there; the second one is.
    let settings = format!(
        "brokers: [{{ name: main, urls: ['amqps://localhost:1', 'amqps://localhost:{}'], user: guest, \
         password_file: '{}', authorities: '{}', sources: ['{}'] }}]",
        rabbit().tls_port,
        place.path("password").display(),
        authority.display(),
        names.route()
    );
    let daemon = place.serve_with(&settings);
    connected(&daemon, &names);
    let client = Client::connect(rabbit().port).unwrap();
    let component = format!("source-main/{}", names.route());
    let events = usage("tls", 0, 10, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, events.iter().cloned().map(Message::json)), 10);
    eventually("all are taken", || {
        metric(&daemon, "aquarium_queue_messages_total", &component) == 10
            && metric(&daemon, "aquarium_component_mailbox_depth", &component) == 0
    });
    check_all(&place, daemon, &events, now());
}
