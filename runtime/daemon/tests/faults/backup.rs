//! A backup while events come in: whole, restored, and the same to the last digit.

use std::fs;

use aquarium_store::embedded::read_all;
use serde_json::Value;

use crate::support::{Daemon, Place, eventually, now, offline, run, text};
use crate::traffic::{Traffic, grant};

fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn fails(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn credit_events(daemon: &Daemon) -> Vec<Value> {
    daemon.get("/credit-events?limit=10000").json()["creditEvents"].as_array().unwrap().clone()
}

#[test]
fn a_backup_made_under_load_has_all_that_was_acknowledged_before_and_is_restored_whole() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let (data, backup, restored) = (place.text("data"), place.text("backup"), place.text("restored"));
    (0..4).for_each(|user| grant(&daemon, &format!("b-{user}"), "credit", "5"));
    let traffic = Traffic::new("b", 4);
    let clients = traffic.begin(&daemon.address);
    eventually("events come in, and use up the credit", || {
        traffic.sent().acknowledged.len() > 2_000 && credit_events(&daemon).len() >= 12
    });
    let (before, told) = (traffic.sent().acknowledged.clone(), credit_events(&daemon));
    let said = succeeds(&["backup", &backup, "--data", &data]);
    assert!(said.starts_with("backed up: "), "{said}");
    assert!(fails(&["backup", &backup, "--data", &data]).contains("exists already"));
    traffic.end();
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(traffic.sent().acknowledged.len() > before.len(), "nothing came in meanwhile");
    assert!(daemon.terminate());
    assert!(!place.path("data/derived.copy").exists());

    assert!(fails(&["restore", &backup, "--data", &data]).contains("is not empty"));
    succeeds(&["restore", &backup, "--data", &restored]);
    let mut found = std::collections::BTreeSet::new();
    read_all(&place.path("restored/log"), &mut |record| {
        let body: Value = serde_json::from_slice(record.stored.body).unwrap();
        assert!(found.insert(body["id"].as_str().unwrap().to_owned()), "{body}");
    })
    .unwrap();
    assert!(before.iter().all(|id| found.contains(id)), "an acknowledged event is missing");
    assert!(succeeds(&["verify", "--data", &restored]).starts_with("equal: "));

    let daemon = Daemon::start(&["serve", "--data", &restored, "--listen", "127.0.0.1:0"]);
    assert!(credit_events(&daemon).starts_with(&told), "what was told before is told otherwise");
    let again = traffic.sent().events[before.first().unwrap()].clone();
    let answer = daemon.post("/events", "application/x-ndjson", again.as_bytes());
    assert!(answer.body.contains("duplicate"), "{}", answer.body);
    let at = now();
    let exported = succeeds(&["log", "export", "--data", &restored]);
    let lines: Vec<&str> =
        exported.lines().filter(|line| !line.contains("\"recordType\":\"deployment\"")).collect();
    for (user, expected) in offline(&lines.join("\n"), at).users {
        assert_eq!(daemon.balance(&user, at), expected.balance.to_string(), "{user}");
    }
    assert!(daemon.terminate());
}

#[test]
fn a_backup_that_is_damaged_or_none_is_not_restored() {
    let place = Place::new("");
    place.up_once();
    let (data, backup, restored) = (place.text("data"), place.text("backup"), place.text("restored"));
    succeeds(&["backup", &backup, "--data", &data]);
    assert!(fails(&["restore", &data, "--data", &restored]).contains("is no backup"));
    let missing = fails(&["backup", &place.text("other"), "--data", &restored]);
    assert!(missing.contains("there is no log in"), "{missing}");
    let files = |directory: &str| {
        let paths = fs::read_dir(place.path(directory)).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|it| it == "segment" || it == "wasm"))
    };
    for (path, said) in files("backup/log")
        .map(|path| (path, "damaged log"))
        .chain(files("backup/policies").map(|path| (path, "it holds another module")))
    {
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[100] ^= 4;
        fs::write(&path, damaged).unwrap();
        let complained = fails(&["restore", &backup, "--data", &restored]);
        assert!(complained.contains(said), "{complained}");
        assert!(!place.path("restored").exists());
        fs::write(&path, whole).unwrap();
    }
    succeeds(&["restore", &backup, "--data", &restored]);
    assert!(succeeds(&["verify", "--data", &restored]).starts_with("equal: "));
}
