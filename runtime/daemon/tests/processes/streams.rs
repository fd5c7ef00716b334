//! Events as streams, and clients that are slow, hang, or go away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Daemon, Place, event, now, number};

const LINES: &str = "application/x-ndjson";
const CLOUD: &str = "application/cloudevents+json";

fn served(settings: &str) -> (Place, Daemon) {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve_with(settings);
    (place, daemon)
}

/// A request whose body is sent in chunks, when it pleases.
struct Chunked {
    stream: TcpStream,
    answer: BufReader<TcpStream>,
}

impl Chunked {
    fn begin(daemon: &Daemon) -> Self {
        let mut stream = TcpStream::connect(&daemon.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LINES}\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let answer = BufReader::new(stream.try_clone().unwrap());
        Self { stream, answer }
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
    }

    fn end(&mut self) {
        self.stream.write_all(b"0\r\n\r\n").unwrap();
    }

    /// The next line of the answer that is JSON; `None` at its end.
    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        while self.answer.read_line(&mut line).unwrap() > 0 {
            if line.starts_with('{') {
                return Some(serde_json::from_str(&line).unwrap());
            }
            line.clear();
        }
        None
    }
}

#[test]
fn whoever_waits_for_an_answer_before_sending_more_gets_it() {
    let (_place, daemon) = served("{}");
    let mut request = Chunked::begin(&daemon);
    for number in 0..5 {
        request.send(&format!("{}\n", event(&format!("e{number}"), "u", now(), "traffic", "1")));
        let answer = request.line().unwrap();
        assert_eq!((&answer["id"], &answer["result"]), (&format!("e{number}").into(), &"stored".into()));
        assert_eq!(daemon.balance("u", now()), format!("-{}", (number + 1) as f64 * 0.25));
    }
    request.send("half a ");
    request.send("line\n");
    assert_eq!(request.line().unwrap()["reason"], "not-json");
    request.send(&event("last", "u", now(), "traffic", "1"));
    request.end();
    assert_eq!(request.line().unwrap()["id"], "last", "the last line needs no end");
    assert_eq!(request.line(), None);
}

#[test]
fn a_long_stream_is_answered_line_by_line_in_order() {
    const EVENTS: usize = 20_000;
    let (_place, daemon) = served("ingest: { body_bytes_max: 100000 }");
    let time = now();
    let lines = (0..EVENTS).map(|number| event(&format!("e{number}"), "u", time, "traffic", "1"));
    let body: String = lines.map(|line| format!("{line}\n")).collect();
    let mut request = Chunked::begin(&daemon);
    let mut stream = request.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for (number, part) in body.as_bytes().chunks(7_919).enumerate() {
            let head = format!("{:x}\r\n", part.len());
            let head = if number == 0 { head } else { format!("\r\n{head}") };
            stream.write_all(&[head.as_bytes(), part].concat()).unwrap();
        }
        stream.write_all(b"\r\n0\r\n\r\n").unwrap();
    });
    for number in 0..EVENTS {
        let answer = request.line().unwrap();
        assert_eq!((&answer["id"], &answer["result"]), (&format!("e{number}").into(), &"stored".into()));
    }
    assert_eq!(request.line(), None);
    sender.join().unwrap();
    assert_eq!(daemon.balance("u", time), "-5000");
}

#[test]
fn a_line_that_does_not_end_breaks_the_stream_off_with_a_fault_and_what_came_before_stands() {
    let (_place, daemon) = served("ingest: { body_bytes_max: 100000 }");
    let mut request = Chunked::begin(&daemon);
    request.send(&format!("{}\n", event("good", "u", now(), "traffic", "1")));
    assert_eq!(request.line().unwrap()["result"], "stored");
    request.send(&"x".repeat(100_001));
    assert_eq!(request.line().unwrap()["overLimit"]["code"], 413);
    assert_eq!(daemon.balance("u", now()), "-0.25");
}

#[test]
fn a_sender_that_pauses_for_too_long_is_told_so_and_one_that_breaks_off_loses_nothing() {
    let (_place, daemon) = served("http: { pause_millis_max: 300 }");
    let mut request = Chunked::begin(&daemon);
    request.send(&format!("{}\nhalf", event("first", "u", now(), "traffic", "1")));
    assert_eq!(request.line().unwrap()["id"], "first");
    assert_eq!(request.line().unwrap()["timeout"]["code"], 500);
    let mut request = Chunked::begin(&daemon);
    request.send(&format!("{}\nhalf", event("second", "u", now(), "traffic", "1")));
    assert_eq!(request.line().unwrap()["id"], "second");
    drop(request);
    assert_eq!(daemon.balance("u", now()), "-0.5");
}

#[test]
fn cloud_events_are_events() {
    let (_place, daemon) = served("{}");
    let data = r#"{"resource":"traffic","instanceID":"1","value":2,"eventVersion":"1.0","details":{}}"#;
    let envelope = |id: &str| {
        format!(
            r#"{{"specversion":"1.0","type":"usage","id":"{id}","source":"test","subject":"u","time":"2026-11-01T00:00:00Z","data":{data}}}"#
        )
    };
    let result = |answer: Answer| (answer.status, answer.json()["result"].clone());
    let stored = (200, Value::from("stored"));
    let single = envelope("a");
    assert_eq!(result(daemon.post("/events", CLOUD, single.as_bytes())), stored);
    assert_eq!(result(daemon.post("/events", CLOUD, single.as_bytes())).1, "duplicate");
    let batch = format!("[{},{},7]", envelope("b"), envelope("c").replace("1.0", "2.0"));
    let answers = daemon.post("/events", "application/cloudevents-batch+json", batch.as_bytes()).json();
    let told: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["reason"].clone()).collect();
    assert_eq!(told, [Value::Null, "bad-version".into(), "bad-type".into()]);
    let headers = "Content-Type: application/json\r\nce-specversion: 1.0\r\nce-type: usage\r\nce-id: d%C3%A9\r\n\
                   ce-source: test\r\nce-subject: u\r\nce-time: 2026-11-01T00:00:00Z\r\n";
    let binary = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{data}",
        data.len()
    );
    let answer = crate::support::send(&daemon.address, binary.as_bytes()).unwrap();
    assert_eq!((answer.status, &answer.json()["id"]), (200, &"dé".into()));
    assert_eq!(daemon.balance("u", now()), "-1.5");
    let listed = daemon.get("/quarantine?reason=bad-version").json();
    assert_eq!(listed["quarantined"][0]["event"]["id"], "c", "an envelope that is refused is kept: {listed}");
}

/// Connections at a time that never get to their point; 10,000 by `AQUARIUM_SLOW_CLIENTS`.
fn slow_clients() -> usize {
    number("AQUARIUM_SLOW_CLIENTS", 1_000)
}

#[test]
fn slow_and_hanging_clients_hold_up_nobody_and_are_let_go() {
    let (_place, daemon) = served("http: { head_millis_max: 4000, pause_millis_max: 4000 }");
    let good = event("e", "u", now(), "traffic", "1");
    assert_eq!(daemon.post("/events", LINES, good.as_bytes()).status, 200);
    let beginnings = [
        String::new(),
        "GET /user/u/bal".to_owned(),
        "GET /user/u/balance HTTP/1.1\r\nHost: local".to_owned(),
        format!("POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LINES}\r\nContent-Length: 999\r\n\r\nx"),
        format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LINES}\r\n\
             Transfer-Encoding: chunked\r\n\r\n10\r\nhalf a line and n"
        ),
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n["
            .to_owned(),
    ];
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(&daemon.address).unwrap();
        stream.write_all(beginnings[number % beginnings.len()].as_bytes()).unwrap();
        stream
    };
    let hanging: Vec<TcpStream> = (0..slow_clients()).map(begin).collect();
    let asked = Instant::now();
    for number in 0..20 {
        let more = event(&format!("m{number}"), "u", now(), "traffic", "1");
        assert_eq!(daemon.post("/events", LINES, more.as_bytes()).status, 200);
        assert_eq!(daemon.get("/user/u/balance").status, 200);
    }
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    for mut stream in hanging {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut said = String::new();
        // A connection with unread bytes may be reset; either way it ends.
        if let Err(error) = stream.read_to_string(&mut said) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
    assert_eq!(daemon.balance("u", now()), "-5.25");
}

#[test]
fn a_client_that_does_not_read_its_answers_is_let_go() {
    let (_place, daemon) = served("http: { pause_millis_max: 500 }");
    let mut request = Chunked::begin(&daemon);
    let line = "[]\n".repeat(100_000);
    request.stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let chunk = format!("{:x}\r\n{line}\r\n", line.len());
    let broken = (0..1_000).find_map(|_| request.stream.write_all(chunk.as_bytes()).err());
    let kind = broken.map(|error| error.kind());
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    assert!(matches!(kind, Some(BrokenPipe | ConnectionReset)), "{kind:?}");
    assert_eq!(daemon.get("/readyz").status, 200);
}
