//! Spans of events, as a collector gets them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aquarium_charging::input::key_of;

use crate::support::{Daemon, Place, event, now, run};

const JSON: &str = "application/json";

/// A request: its head, and its body.
type Request = (String, Vec<u8>);

/// A collector: what it is sent, whole requests with their heads.
struct Collector {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    /// One that answers, or reads and never does.
    fn start(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                heard.lock().unwrap().push(read(&stream));
                if answers {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                } else {
                    hanging.push(stream);
                }
            }
        });
        Self { address, requests }
    }

    fn serve(&self, place: &Place, one_in: u64) -> Daemon {
        let endpoint = format!("http://{}", self.address);
        place.serve_with(&format!("telemetry: {{ endpoint: '{endpoint}', one_in: {one_in} }}"))
    }

    /// How often a text stands in what came.
    fn count(&self, what: &[u8]) -> usize {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(_, body)| body.windows(what.len()).filter(|it| *it == what).count()).sum()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

/// A place with a policy in force, and a daemon yet to start.
fn deployed() -> Place {
    let place = Place::new("");
    place.up_once();
    place
}

#[test]
fn an_event_has_a_trace_from_ingest_to_its_entries() {
    let (collector, place) = (Collector::start(true), deployed());
    let daemon = collector.serve(&place, 1);
    let body = event("e-17", "arthur", now(), "traffic", "5");
    for _ in 0..2 {
        assert_eq!(daemon.post("/events", JSON, body.as_bytes()).status, 200);
    }
    assert_eq!(daemon.get("/user/arthur/balance").json()["balance"], "-1.25");
    assert!(daemon.terminate(), "what waits is sent, and it ends well");
    let trace = key_of("resource", "test", "arthur", "e-17");
    assert_eq!(collector.count(&trace), 3, "stored, posted, and taken for a duplicate");
    for (what, count) in [("posted an entry", 1), ("duplicate", 1), ("1.25", 1), ("aquariumd", 2)] {
        assert!(collector.count(what.as_bytes()) >= count, "{what}");
    }
    // The first span's id is the end of the trace's: the later ones name it as their parent.
    assert_eq!(collector.count(&[&[0x12, 8], &trace[8..]].concat()), 1);
    assert_eq!(collector.count(&[&[0x22, 8], &trace[8..]].concat()), 2);
    let requests = collector.requests.lock().unwrap();
    for (head, _) in requests.iter() {
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    }
}

#[test]
fn one_event_in_so_many_is_followed_with_all_that_becomes_of_it() {
    const EVENTS: usize = 400;
    let (collector, place) = (Collector::start(true), deployed());
    let daemon = collector.serve(&place, 8);
    let ids: Vec<String> = (0..EVENTS).map(|number| format!("e-{number}")).collect();
    let lines: Vec<String> = ids.iter().map(|id| event(id, "ford", now(), "traffic", "1")).collect();
    assert_eq!(daemon.post("/events", "application/x-ndjson", lines.join("\n").as_bytes()).status, 200);
    assert_eq!(daemon.get("/user/ford/balance").json()["balance"], "-100");
    assert!(daemon.terminate());
    let spans = ids.iter().map(|id| collector.count(&key_of("resource", "test", "ford", id)));
    let followed = spans.filter(|count| *count > 0).inspect(|count| assert_eq!(*count, 2)).count();
    assert!((EVENTS / 16..EVENTS / 4).contains(&followed), "{followed} of {EVENTS}");
}

#[test]
fn a_collector_that_hangs_holds_up_nobody() {
    let (collector, place) = (Collector::start(false), deployed());
    let daemon = collector.serve(&place, 1);
    for number in 0..50 {
        let body = event(&format!("e-{number}"), "trillian", now(), "traffic", "1");
        assert_eq!(daemon.post("/events", JSON, body.as_bytes()).status, 200);
    }
    assert_eq!(daemon.get("/user/trillian/balance").json()["balance"], "-12.5");
    assert!(daemon.terminate());
}

#[test]
fn an_address_that_makes_no_sense_is_named_at_the_start() {
    let place = deployed();
    std::fs::write(place.path("wrong.yaml"), "telemetry: { endpoint: 'collector:4318' }").unwrap();
    let output = run(&["serve", "--config", &place.text("wrong.yaml"), "--data", &place.text("data")]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`telemetry.endpoint`") && said.contains("collector:4318"), "{said}");
}
