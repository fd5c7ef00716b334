//! What goes wrong outside: each is told clearly, and nothing is lost.

use std::fs;

use crate::support::{Daemon, Place, event, now, run, send, text};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

fn served() -> (Place, Daemon) {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    (place, daemon)
}

#[test]
fn every_refused_request_is_answered_by_a_fault() {
    let (_place, daemon) = served();
    let good = event("good", "u", now(), "traffic", "1");
    assert_eq!(daemon.post("/events", JSON, good.as_bytes()).status, 200);
    let long = "x".repeat(300);
    for (method, path, content_type, body, status, fault) in [
        ("GET", "/user/nobody/balance", "", "", 404, "itemNotFound"),
        ("GET", "/user/nobody/state", "", "", 404, "itemNotFound"),
        ("GET", "/user/u/balance?at=1", "", "", 404, "itemNotFound"),
        ("GET", &format!("/user/{long}/balance"), "", "", 404, "itemNotFound"),
        ("GET", "/user/%ff/balance", "", "", 400, "badRequest"),
        ("GET", "/user/u/balance?at=yesterday", "", "", 400, "badRequest"),
        ("GET", "/user/u/balance?at=99999999999999999999", "", "", 400, "badRequest"),
        ("GET", "/user/u/balance?when=1", "", "", 400, "badRequest"),
        ("GET", "/user/u/balance?at=1&at=2", "", "", 400, "badRequest"),
        ("GET", "/user/u/balance?at=%ff", "", "", 400, "badRequest"),
        ("GET", "/quarantine?limit=0", "", "", 400, "badRequest"),
        ("GET", "/quarantine?limit=many", "", "", 400, "badRequest"),
        ("GET", "/", "", "", 404, "itemNotFound"),
        ("GET", "/nothing/here", "", "", 404, "itemNotFound"),
        ("GET", "/user//balance", "", "", 404, "itemNotFound"),
        ("DELETE", "/user/u/balance", "", "", 405, "badMethod"),
        ("GET", "/events", "", "", 405, "badMethod"),
        ("PUT", "/events", JSON, "{}", 405, "badMethod"),
        ("POST", "/events", "", "{}", 415, "badMediaType"),
        ("POST", "/events", "text/plain", "{}", 415, "badMediaType"),
        ("POST", "/events", "application/x-www-form-urlencoded", "a=b", 415, "badMediaType"),
        ("POST", "/events", JSON, " ", 400, "badRequest"),
        ("POST", "/events", JSON, "this is not JSON", 400, "badRequest"),
        ("POST", "/events", JSON, "[{},", 400, "badRequest"),
        ("POST", "/events", LINES, "neither\nis this\n", 400, "badRequest"),
        ("GET", "/clock", "", "", 404, "itemNotFound"),
    ] {
        let answer =
            crate::support::request(&daemon.address, method, path, content_type, body.as_bytes()).unwrap();
        let (name, message) = answer.fault();
        assert_eq!((answer.status, name.as_str()), (status, fault), "{method} {path} {body}: {message}");
        assert!(answer.head.to_lowercase().contains("content-type: application/json"), "{}", answer.head);
    }
}

#[test]
fn a_body_of_good_and_bad_is_answered_event_by_event_and_listed_with_reasons() {
    let (_place, daemon) = served();
    let time = now();
    let good = event("good", "u", time, "traffic", "1");
    let other = event("good", "u", time, "traffic", "2");
    let reserved = good.replace("\"test\"", "\"aquarium\"");
    let old = event("old", "u", time / 1_000, "traffic", "1");
    let body =
        [&good, &good, &other, "nonsense", "{}", "[]", &reserved, &old, "{\"id\":\"a\",\u{0}"].join("\n");
    let answer = daemon.post("/events", LINES, body.as_bytes());
    assert_eq!(answer.status, 200);
    let told: Vec<(String, String)> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|answer| (answer["result"].as_str().unwrap().to_owned(), answer["reason"].to_string()))
        .collect();
    let expected = [
        ("stored", "null"),
        ("duplicate", "null"),
        ("conflict", "\"conflict\""),
        ("quarantined", "\"not-json\""),
        ("quarantined", "\"missing-field\""),
        ("quarantined", "\"bad-type\""),
        ("quarantined", "\"reserved-client\""),
        ("quarantined", "\"implausible-time\""),
        ("quarantined", "\"not-json\""),
    ];
    assert_eq!(told, expected.map(|(result, reason)| (result.to_owned(), reason.to_owned())));
    let listed = daemon.get("/quarantine").json();
    let reasons: Vec<&str> = listed["quarantined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["reason"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = told
        .iter()
        .filter(|(_, reason)| reason != "null")
        .map(|(_, reason)| reason.replace('"', ""))
        .collect();
    assert_eq!(reasons, expected);
    assert_eq!(listed["quarantined"][1]["event"], "nonsense");
    assert_eq!(listed["quarantined"][0]["event"]["value"], 2);
    assert_eq!(daemon.balance("u", now()), "-0.25");
}

#[test]
fn the_list_of_refused_input_can_be_read_in_parts() {
    let (_place, daemon) = served();
    let line = |number: usize| format!(r#"{{"nonsense":{number},"clientID":"c{}"}}"#, number % 3);
    let body: Vec<String> = (0..20).map(line).collect();
    assert_eq!(daemon.post("/events", LINES, body.join("\n").as_bytes()).status, 200);
    for (filter, meant) in [("", (0..20).collect()), ("&client=c1", (0..20).skip(1).step_by(3).collect())] {
        let meant: Vec<u64> = meant;
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = daemon.get(&format!("/quarantine?limit=2{filter}{after}")).json();
            let listed = page["quarantined"].as_array().unwrap();
            assert!(listed.len() <= 2);
            seen.extend(listed.iter().map(|one| one["event"]["nonsense"].as_u64().unwrap()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(seen, meant, "{filter}");
    }
}

#[test]
fn an_event_of_an_unknown_resource_is_stored_and_listed_as_long_as_it_has_no_effect() {
    let (_place, daemon) = served();
    let body = [event("odd", "u", now(), "flowers", "3"), event("two", "u", now(), "vmtime", "2")].join("\n");
    let answer = daemon.post("/events", LINES, body.as_bytes());
    assert_eq!(answer.body.matches("\"stored\"").count(), 2, "{}", answer.body);
    let listed = daemon.get("/quarantine").json();
    for (index, (id, reason)) in [("odd", "unknown-resource"), ("two", "bad-value")].into_iter().enumerate() {
        let line = &listed["quarantined"][index];
        assert_eq!(
            (line["reason"].as_str(), line["stage"].as_str()),
            (Some(reason), Some("fold")),
            "{listed}"
        );
        assert_eq!((line["event"]["id"].as_str(), line["userID"].as_str()), (Some(id), Some("u")));
    }
    assert_eq!(daemon.balance("u", now()), "0");
}

#[test]
fn a_foreign_host_is_refused() {
    let (_place, daemon) = served();
    for host in ["Host: evil.example.org\r\n", "Host: a b\r\n", ""] {
        let answer = send(
            &daemon.address,
            format!("GET /ping HTTP/1.1\r\n{host}Connection: close\r\n\r\n").as_bytes(),
        );
        assert_eq!(answer.unwrap().status, 400, "{host}");
    }
    let port = daemon.address.rsplit(':').next().unwrap();
    let localhost = format!("GET /ping HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    assert_eq!(send(&daemon.address, localhost.as_bytes()).unwrap().status, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_and_the_daemon_goes_on() {
    let place = Place::new("");
    place.up_once();
    fs::write(place.path("aquarium.yaml"), "ingest: { body_bytes_max: 1000 }").unwrap();
    let daemon = Daemon::start(&[
        "serve",
        "--config",
        &place.text("aquarium.yaml"),
        "--data",
        &place.text("data"),
        "--listen",
        "127.0.0.1:0",
    ]);
    let large = "x".repeat(2_000);
    let answer = daemon.post("/events", JSON, large.as_bytes());
    assert_eq!((answer.status, answer.fault().0.as_str()), (413, "overLimit"));
    let chunked = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n7d0\r\n{large}\r\n0\r\n\r\n"
    );
    assert_eq!(send(&daemon.address, chunked.as_bytes()).unwrap().status, 413);
    assert_eq!(daemon.get("/readyz").status, 200);
}

#[test]
fn deep_nesting_does_no_harm() {
    let (_place, daemon) = served();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let within = event("deep", "u", now(), "traffic", "1").replace("{}", &format!("{{\"a\":{deep}}}"));
    let answer = daemon.post("/events", LINES, within.as_bytes());
    assert!(answer.body.contains("\"stored\""), "{}", answer.body);
    assert_eq!(daemon.balance("u", now()), "-0.25");
    assert_eq!(daemon.post("/events", JSON, deep.as_bytes()).status, 200);
    assert_eq!(daemon.get("/quarantine").status, 200);
    assert_eq!(daemon.get("/readyz").status, 200);
}

#[test]
fn a_file_that_deploys_a_module_that_is_not_here_harms_nobody() {
    let deployment = r#"{"recordType":"deployment","id":"d","clientID":"aquarium","module":"ab12","from":5}"#;
    let place = Place::new(&format!("{deployment}\n{}", event("e", "u", now(), "traffic", "2")));
    let said = place.up_once();
    assert!(said.contains("1 stored") && said.contains("1 in quarantine") && said.contains("-0.5"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (place, daemon) = served();
    let other = Place::new("");
    let output = run(&["serve", "--data", &other.text("data"), "--listen", &daemon.address]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains(&daemon.address) && said.contains("--listen"), "{said}");
    assert!(!other.path("data").exists(), "nothing has happened");
    drop(place);
}

#[test]
fn a_policy_that_does_not_compile_is_told_with_its_place() {
    let place = Place::new("");
    let path = place.path("policy.aquarium.yaml");
    let broken = crate::support::POLICY.replace("costpolicy: discrete", "costpolicy: sometimes");
    fs::write(&path, &broken).unwrap();
    let output = run(&["up", &place.text(""), "--once"]);
    assert_eq!(output.status.code(), Some(1));
    let line = broken.lines().position(|line| line.contains("sometimes")).unwrap() + 1;
    let said = text(&output.stderr);
    assert!(
        said.contains(&format!("policy.aquarium.yaml:{line}:")) && said.contains("does not compile"),
        "{said}"
    );
    assert!(!place.path(".aquarium").exists(), "nothing has happened");
    for bytes in [&b"\xff\xfe\x00binary"[..], b"", b"aquariumpolicy:\n  resources:\n    - res"] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(run(&["up", &place.text(""), "--once"]).status.code(), Some(1));
    }
    fs::remove_file(&path).unwrap();
    assert!(text(&run(&["up", &place.text("")]).stderr).contains("there is no policy"));
}

#[test]
fn a_module_that_is_none_and_files_that_are_not_there_are_named() {
    let place = Place::new("");
    fs::write(place.path("broken.wasm"), b"\0asm\x01\0\0\0").unwrap();
    for (arguments, word) in [
        (vec!["serve", "--policy", "broken.wasm"], "module"),
        (vec!["serve", "--policy", "missing.wasm"], "missing.wasm"),
        (vec!["ingest", "missing.ndjson"], "missing.ndjson"),
        (vec!["ingest", "."], "directory"),
        (vec!["log", "verify", "--data", "none"], "there is no log"),
        (vec!["serve", "--config", "missing.yaml"], "missing.yaml"),
    ] {
        let listen = ["--listen", "127.0.0.1:0"];
        let mut command = crate::support::aquariumd(&arguments);
        command.args(listen.iter().filter(|_| arguments[0] == "serve")).current_dir(place.directory.path());
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    assert_eq!(run(&["serve", "--listen", "nowhere"]).status.code(), Some(2));
}

#[test]
fn a_log_that_is_damaged_is_not_opened_and_the_damage_is_named() {
    let place = Place::new(
        &[event("a", "u", now(), "traffic", "1"), event("b", "u", now(), "traffic", "1")].join("\n"),
    );
    place.up_once();
    let segment = place.path("data/log/00000000000000000000.segment");
    let mut bytes = fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment, bytes).unwrap();
    for command in [
        &["log", "verify", "--data", &place.text("data")][..],
        &["serve", "--data", &place.text("data"), "--listen", "127.0.0.1:0"],
    ] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("00000000000000000000.segment") && said.contains("damaged"), "{said}");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let place = Place::new("");
    fs::write(place.path("file"), "").unwrap();
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data", &place.text("file")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot be written"), "{}", text(&output.stderr));
}

#[test]
fn the_clock_of_the_machine_is_not_set() {
    let (_place, daemon) = served();
    let set = |body: &str| daemon.admin("POST", "/clock", JSON, body.as_bytes()).fault().0;
    assert_eq!(set(r#"{"now": 5}"#), "conflictingRequest");
    assert_eq!(set("now"), "badRequest");
    assert_eq!(daemon.admin("POST", "/clock", "", b"{}").fault().0, "badMediaType");
}

#[test]
fn a_manual_clock_is_set_forward_only() {
    let place = Place::new("");
    place.up_once();
    let daemon = Daemon::start(&[
        "serve",
        "--data",
        &place.text("data"),
        "--listen",
        "127.0.0.1:0",
        "--clock",
        "manual",
    ]);
    let start = daemon.admin("GET", "/clock", "", b"").json()["now"].as_i64().unwrap();
    let set = |to: i64| daemon.admin("POST", "/clock", JSON, format!("{{\"now\": {to}}}").as_bytes());
    assert_eq!(set(start + 90_000_000).json()["now"], start + 90_000_000);
    assert_eq!(set(start).fault().0, "conflictingRequest");
    let on = event("on", "u", start, "vmtime", "1");
    assert_eq!(daemon.post("/events", JSON, on.as_bytes()).status, 200);
    assert_eq!(daemon.get("/user/u/balance").json()["balance"], "-12.5");
}
