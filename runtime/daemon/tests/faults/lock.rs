//! What must not be shared, and time that goes back.

use aquarium_store::embedded::read_all;

use crate::support::{Place, event, eventually, now, offline, run, text};

const LINES: &str = "application/x-ndjson";
const HOUR: i64 = 3_600_000;

#[test]
fn a_second_daemon_on_the_same_data_is_refused_and_the_first_goes_on() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let data = place.text("data");
    for arguments in [
        vec!["serve", "--data", &data, "--listen", "127.0.0.1:0"],
        vec!["verify", "--data", &data],
        vec!["rebuild", "users", "--data", &data],
    ] {
        let second = run(&arguments);
        assert_eq!(second.status.code(), Some(1), "{arguments:?}");
        let said = text(&second.stderr);
        assert!(said.contains("is in use by another process"), "{said}");
    }
    let event = event("e", "u", now(), "traffic", "2");
    assert_eq!(daemon.post("/events", LINES, event.as_bytes()).status, 200);
    assert_eq!(daemon.balance("u", now()), "-0.5");
    assert!(daemon.admin("GET", "/admin/components", "", b"").status == 200);
    assert!(daemon.terminate());
}

#[test]
fn a_clock_that_was_set_back_an_hour_neither_loses_nor_repeats_anything() {
    let place = Place::new("");
    place.up_once();
    let data = place.text("data");
    let ahead = crate::support::Daemon::start(&[
        "serve",
        "--data",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--clock",
        "manual",
    ]);
    let start = ahead.now();
    ahead.set_clock(start + HOUR);
    let before =
        [event("on", "u", start, "vmtime", "1"), event("use", "v", start + HOUR, "traffic", "8")].join("\n");
    assert_eq!(ahead.post("/events", LINES, before.as_bytes()).status, 200);
    let told = |daemon: &crate::support::Daemon| daemon.get("/credit-events").json()["creditEvents"].clone();
    eventually("both users are announced", || told(&ahead).as_array().unwrap().len() == 2);
    let announced = told(&ahead);
    ahead.kill();
    let daemon = place.serve();
    let back = daemon.now();
    assert!(back < start + HOUR, "the clock has not gone back");
    let after =
        [event("more", "v", back, "traffic", "4"), event("new", "w", back, "traffic", "1")].join("\n");
    assert_eq!(daemon.post("/events", LINES, after.as_bytes()).status, 200);
    let again = daemon.post("/events", LINES, before.as_bytes());
    assert_eq!(again.body.matches("duplicate").count(), 2, "{}", again.body);
    let at = start + 2 * HOUR;
    let expected = offline(&[before, after].join("\n"), at);
    for user in ["u", "v", "w"] {
        assert_eq!(daemon.balance(user, at), expected.users[user].balance.to_string(), "{user}");
    }
    eventually("the new user is announced", || told(&daemon).as_array().unwrap().len() == 3);
    assert_eq!(told(&daemon).as_array().unwrap()[..2], announced.as_array().unwrap()[..]);
    assert!(daemon.terminate());
    let mut last = std::collections::BTreeMap::new();
    read_all(&place.path("data/log"), &mut |record| {
        let received = record.stored.received_millis;
        let before = last.insert(record.stored.partition, received).unwrap_or(i64::MIN);
        assert!(received >= before, "time of receipt goes back at {}", record.position);
    })
    .unwrap();
    let verified = run(&["verify", "--data", &data]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
}
