//! Time passes: months within seconds, by the manual clock.

use std::collections::BTreeSet;

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;

use crate::support::{Daemon, POLICY, Place, event, eventually, offline_by, run, text};

const LINES: &str = "application/x-ndjson";
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Ten credits on the first of the month.
fn policy() -> String {
    POLICY.replace(
        "  agreements:\n",
        "  creditplans:\n    - creditplan:\n        name: monthly\n        credits: 10\n        at: \"0 0 1 * *\"\n  agreements:\n",
    ) + "        creditplan: monthly\n"
}

fn served(place: &Place) -> Daemon {
    let data = place.text("data");
    Daemon::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--clock", "manual"])
}

fn user_event(user: &str, at: i64) -> String {
    format!(
        r#"{{"id":"join","occurredMillis":{at},"clientID":"test","userID":"{user}","isActive":true,"role":"any","eventType":"ACTIVE","eventVersion":"1","details":{{}}}}"#
    )
}

/// The instants of which partition 0 was told.
fn ticks(place: &Place) -> BTreeSet<i64> {
    let exported = place.exported();
    let ticks = exported.iter().filter(|line| line["recordType"] == "tick" && line["partition"] == 0);
    ticks.map(|tick| tick["instant"].as_i64().unwrap()).collect()
}

#[test]
fn months_pass_in_seconds_and_balances_are_those_of_the_fold_alone() {
    let place = Place::new("");
    std::fs::write(place.path("policy.aquarium.yaml"), policy()).unwrap();
    place.up_once();
    let daemon = served(&place);
    let start = daemon.now();
    let events = [
        user_event("u", start),
        event("on", "u", start, "vmtime", "1"),
        event("disk", "v", start, "diskspace", "5"),
    ]
    .join("\n");
    assert_eq!(daemon.post("/events", LINES, events.as_bytes()).status, 200);
    for step in 1..=12 {
        let now = start + step * 30 * DAY;
        daemon.set_clock(now);
        let expected = offline_by(&policy(), &events, now);
        for user in ["u", "v"] {
            assert_eq!(daemon.balance(user, now), expected.users[user].balance.to_string(), "{user} {step}");
        }
    }
    let last = start + 12 * 30 * DAY;
    eventually("the last tick", || ticks(&place).last() == Some(&(last - last % MINUTE)));
    drop(daemon);
    // Every month end (and with it the plan) has its tick.
    let utc = Zone::utc();
    let mut month_ends = BTreeSet::new();
    let mut month = utc.month(Millis(start)).next();
    while utc.month_start(month).0 <= last {
        month_ends.insert(utc.month_start(month).0);
        month = month.next();
    }
    assert!(month_ends.len() >= 11, "{month_ends:?}");
    assert!(month_ends.is_subset(&ticks(&place)), "{month_ends:?}");
    let daemon = served(&place);
    let later = daemon.get(&format!("/user/u/balance?at={last}")).json();
    assert_eq!(later["balance"], offline_by(&policy(), &events, last).users["u"].balance.to_string());
}

#[test]
fn ticks_of_a_time_without_a_daemon_are_told_late() {
    let place = Place::new("");
    std::fs::write(place.path("policy.aquarium.yaml"), policy()).unwrap();
    place.up_once();
    let daemon = served(&place);
    let start = daemon.now();
    eventually("the first tick", || !ticks(&place).is_empty());
    daemon.kill();
    let daemon = served(&place);
    let now = start + 70 * DAY;
    daemon.set_clock(now);
    eventually("the last tick", || ticks(&place).last() == Some(&(now - now % MINUTE)));
    let within = ticks(&place).range(start..now - MINUTE).count();
    assert!(within >= 2, "month ends and occurrences within 70 days were told: {within}");
}

#[test]
fn the_doctor_finds_nothing_wrong_with_data_that_is_well_and_names_what_is_missing() {
    let place = Place::new("");
    place.up_once();
    let doctor = || {
        let output = run(&["doctor", "--data", &place.text("data")]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = doctor();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok     policies: 1 deployments, all modules at hand"), "{said}");
    let modules = place.path("data/policies");
    for module in std::fs::read_dir(&modules).unwrap() {
        std::fs::remove_file(module.unwrap().path()).unwrap();
    }
    let (code, said, complained) = doctor();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("WRONG  policies:") && said.contains("put the module of deployment-1 back"),
        "{said}"
    );
    assert!(complained.contains("1 of 7 checks"), "{complained}");
}

#[test]
fn a_daemon_is_asked_whether_it_is_ready_and_nothing_is_opened_where_none_serves() {
    let place = Place::new("");
    let ready = || {
        let output = run(&["ready", "--data", &place.text("data")]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, complained) = ready();
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complained}");
    assert!(complained.contains("admin.sock") && !place.path("data").exists(), "{complained}");
    place.up_once();
    let daemon = place.serve();
    assert_eq!(ready(), (Some(0), "ready\n".to_owned(), String::new()));
    assert!(daemon.terminate());
    assert_eq!(ready().0, Some(1));
}
