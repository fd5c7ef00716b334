//! Requests that no well-meaning client sends: each has an answer, and the daemon goes on.

use crate::support::{Daemon, Place, event, now, send};

const JSON: &str = "application/json";

fn served() -> (Place, Daemon) {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    (place, daemon)
}

/// A user id as a part of a path.
fn escaped(user: &str) -> String {
    user.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn ids_of_all_characters_are_asked_for_as_they_are() {
    let (_place, daemon) = served();
    let users =
        ["a/b", "..", "%2F", "a b?c=d#e", "\u{1}\u{7f}", "Ωμέγα \u{1f4a1}", "\"\\", "/", "NUL\u{0}byte"];
    for (number, user) in users.into_iter().enumerate() {
        let quoted = serde_json::Value::from(user).to_string();
        let quoted = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let value = (number + 1).to_string();
        let event = event(&format!("e{number}"), quoted, now(), "traffic", &value);
        assert_eq!(daemon.post("/events", JSON, event.as_bytes()).json()["result"], "stored", "{user:?}");
        let answer = daemon.get(&format!("/user/{}/balance", escaped(user))).json();
        assert_eq!(answer["userId"], user);
        assert_eq!(answer["balance"], format!("-{}", (number + 1) as f64 * 0.25));
        let entries = daemon.get(&format!("/user/{}/wallet", escaped(user))).json();
        assert_eq!(entries["entries"].as_array().unwrap().len(), 1);
    }
    let listed = daemon.get("/users").json();
    assert_eq!(listed["users"].as_array().unwrap().len(), users.len());
    assert_eq!(daemon.get("/users?query=%CF%89").json()["users"], serde_json::json!([]));
    assert_eq!(daemon.get("/users?query=%CE%A9").json()["users"], serde_json::json!(["Ωμέγα \u{1f4a1}"]));
}

#[test]
fn parameters_that_are_none_are_named() {
    let (_place, daemon) = served();
    let event = event("e", "u", now(), "traffic", "1");
    assert_eq!(daemon.post("/events", JSON, event.as_bytes()).status, 200);
    for path in [
        "/user/u/wallet?limit=-1",
        "/user/u/wallet?limit=0",
        "/user/u/wallet?limit=10001",
        "/user/u/wallet?limit=1e3",
        "/user/u/wallet?limit=99999999999999999999999",
        "/user/u/wallet?after=-1",
        "/user/u/wallet?after=99999999999999999999999",
        "/user/u/wallet?after=x",
        "/user/u/wallet?after=1&after=2",
        "/user/u/wallet?from=%00",
        "/user/u/wallet?from=0000-00-00",
        "/user/u/trace?to=999999999999999999999",
        "/user/u/trace?unknown",
        "/user/u/state?known=253402300799999",
        "/user/u/balance?at=1&known=%ff",
        "/user/%ff/wallet",
        "/user/u/entry/%ff",
        "/users?query=%ff",
        "/users?query=a&query=b",
        "/users?limit=",
        "/quarantine?after=-5",
        "/quarantine?stage=nowhere",
        "/user/u/bill/2026/13",
        "/user/u/bill/2026/0",
        "/user/u/bill/-1/1",
        "/user/u/bill/99999999999999999999/1",
        "/user/u/bill/2026/1?final=perhaps",
        "/bills/twenty/1",
        "/bills/2026/1?format=xml",
    ] {
        let answer = daemon.get(path);
        assert_eq!(
            (answer.status, answer.fault().0.as_str()),
            (400, "badRequest"),
            "{path}: {}",
            answer.body
        );
    }
    for (path, status) in [
        ("/user/u/wallet?after=18446744073709551615", 200),
        ("/user/u/bill/9999/12", 409),
        ("/bills/9999/12", 409),
        ("/user/u/bill/1970/1", 404),
        ("/user/u/entry/none", 404),
        ("/user/nobody/trace", 404),
        ("/user/nobody/wallet", 404),
        ("/user/nobody/bill/2020/1", 404),
        ("/bills/1970/1", 200),
    ] {
        assert_eq!(daemon.get(path).status, status, "{path}");
    }
}

#[test]
fn bodies_that_are_none_are_refused() {
    let (_place, daemon) = served();
    let event = event("e", "u", now(), "vmtime", "1");
    assert_eq!(daemon.post("/events", JSON, event.as_bytes()).status, 200);
    let deep = "[".repeat(200_000);
    let digits = "9".repeat(100_000);
    let long = format!(r#"{{"resource":"traffic","value":{digits}}}"#);
    for (path, content_type, body, status) in [
        ("/user/u/authorize", JSON, "", 400),
        ("/user/u/authorize", JSON, "null", 400),
        ("/user/u/authorize", JSON, deep.as_str(), 400),
        ("/user/u/authorize", JSON, long.as_str(), 400),
        ("/user/u/authorize", JSON, r#"{"resource":"traffic"}"#, 400),
        ("/user/u/authorize", JSON, r#"{"resource":"flowers","value":1}"#, 400),
        ("/user/u/authorize", JSON, r#"{"resource":"vmtime","value":7}"#, 400),
        ("/user/u/authorize", JSON, r#"{"resource":"vmtime","value":"1"}"#, 400),
        ("/user/u/authorize", JSON, r#"{"resource":"vmtime","value":1,"durationMillis":-1}"#, 400),
        ("/user/u/authorize", JSON, r#"{"resource":"vmtime","value":1,"more":1}"#, 400),
        ("/user/u/authorize", "text/plain", r#"{"resource":"vmtime","value":1}"#, 415),
        ("/user/nobody/authorize", JSON, r#"{"resource":"vmtime","value":1}"#, 404),
        (
            "/reconcile",
            JSON,
            r#"{"clientID":"c","resources":["vmtime"],"live":[],"at":253402300799999}"#,
            400,
        ),
        (
            "/reconcile",
            JSON,
            r#"{"clientID":"c","resources":[],"live":[{"userID":"u","resource":"x"}]}"#,
            400,
        ),
        (
            "/reconcile",
            JSON,
            r#"{"clientID":"c","resources":["d"],"live":[{"userID":"u","resource":"d","amount":"1/3"}]}"#,
            400,
        ),
        ("/reconcile", JSON, r#"{"clientID":"c","resources":[],"live":[]}"#, 400),
        ("/reconcile", JSON, r#"{"clientID":"","resources":["d"],"live":[]}"#, 400),
        ("/reconcile?apply=maybe", JSON, r#"{"clientID":"c","resources":[],"live":[]}"#, 400),
        ("/reconcile", "", "{}", 415),
    ] {
        let answer = daemon.post(path, content_type, body.as_bytes());
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.status, status, "{path} {shown}: {}", answer.body);
        answer.fault();
    }
    let large = format!("{{\"resource\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(daemon.post("/user/u/authorize", JSON, large.as_bytes()).status, 413);
}

#[test]
fn what_is_no_request_ends_its_connection_and_nothing_else() {
    let (_place, daemon) = served();
    let close = "Connection: close\r\n\r\n";
    let path = "a".repeat(60 << 10);
    let far = "a".repeat(200 << 10);
    for (request, statuses) in [
        (format!("GET /user/{path}/balance HTTP/1.1\r\nHost: localhost\r\n{close}"), &[404, 414, 431][..]),
        (format!("GET /{far} HTTP/1.1\r\nHost: localhost\r\n{close}"), &[400, 414, 431]),
        (format!("GET /ping HTTP/1.1\r\nHost: localhost\r\nX: {far}\r\n{close}"), &[400, 431]),
        (
            format!("GET /ping HTTP/1.1\r\nHost: localhost\r\n{}{close}", "X: y\r\n".repeat(5_000)),
            &[400, 431],
        ),
        (format!("GET /ping HTTP/1.1\r\nHost: local\0host\r\n{close}"), &[400]),
        (format!("GET /pi\0ng HTTP/1.1\r\nHost: localhost\r\n{close}"), &[400]),
        (format!("G\u{1}T /ping HTTP/1.1\r\nHost: localhost\r\n{close}"), &[400]),
        (format!("GET http://evil.example.org/ping HTTP/1.1\r\nHost: evil.example.org\r\n{close}"), &[400]),
        (format!("GET /ping HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.org\r\n{close}"), &[200, 400]),
        (format!("POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n{close}"), &[400]),
        (
            format!(
                "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n\
                 Content-Length: 99999999999999999\r\n{close}"
            ),
            &[413],
        ),
        (
            format!(
                "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n\
                 Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n"
            ),
            &[400],
        ),
        ("\0\0\0\0\r\n\r\n".to_owned(), &[400]),
    ] {
        let answer = send(&daemon.address, request.as_bytes());
        let shown: String = request.chars().take(80).collect();
        if let Some(answer) = answer {
            assert!(statuses.contains(&answer.status), "{shown:?}: {}", answer.head);
        }
        assert_eq!(daemon.get("/ping").status, 200, "{shown:?}");
    }
}
