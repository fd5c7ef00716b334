//! Credit events on their way to a server that fails, hangs, and is gone for a while.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::support::{Daemon, Place, event, eventually, run};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const HOUR: i64 = 3_600_000;
pub const KEY: &str = "a key that nobody can guess";

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    /// Answers by 503.
    Refuses,
    /// Reads the request and never answers.
    Hangs,
    /// Ends the connection at once.
    Drops,
}

/// A server of webhooks.
pub struct Server {
    pub address: String,
    mood: Arc<Mutex<Mood>>,
    /// Events that were taken, in the order in which they came.
    taken: Arc<Mutex<Vec<Value>>>,
    requests: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap().to_string(),
            mood: Arc::new(Mutex::new(Mood::Takes)),
            taken: Arc::default(),
            requests: Arc::default(),
            stopped: Arc::default(),
            thread: None,
        };
        let (mood, taken, requests, stopped) =
            (server.mood.clone(), server.taken.clone(), server.requests.clone(), server.stopped.clone());
        server.thread = Some(std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mood = *mood.lock().unwrap();
                hanging.extend(serve(stream.unwrap(), mood, &taken, &requests));
            }
        }));
        server
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }

    pub fn stop(mut self) -> Vec<Value> {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(&self.address));
        self.thread.take().unwrap().join().unwrap();
        self.taken()
    }
}

/// Serves one request; gives the connection back where it is to hang.
fn serve(
    stream: TcpStream,
    mood: Mood,
    taken: &Mutex<Vec<Value>>,
    requests: &AtomicUsize,
) -> Option<TcpStream> {
    requests.fetch_add(1, Ordering::SeqCst);
    if mood == Mood::Drops {
        return None;
    }
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        line.clear();
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    assert!(is_signed(&headers["aquarium-signature"], &body), "{headers:?}");
    let mut stream = stream;
    match mood {
        Mood::Hangs => return Some(stream),
        Mood::Takes => {
            taken.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
        Mood::Refuses | Mood::Drops => {
            stream.write_all(b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    }
    None
}

fn is_signed(header: &str, body: &[u8]) -> bool {
    let (time, signature) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    expected == signature
}

/// A daemon on a clock of its own that posts to a server.
fn serve_with_webhook(place: &Place, server: &Server) -> Daemon {
    fs::write(place.path("key"), format!("{KEY}\n")).unwrap();
    let configuration = format!(
        "credit_events:\n  webhooks:\n    - {{ name: crm, url: 'http://{}/hook', secret_file: '{}', \
         request_millis_max: 300 }}\n",
        server.address,
        place.path("key").display()
    );
    fs::write(place.path("aquarium.yaml"), configuration).unwrap();
    let (data, configuration) = (place.text("data"), place.text("aquarium.yaml"));
    let arguments = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--clock", "manual"];
    Daemon::start(&[&arguments[..], &["--config", &configuration]].concat())
}

fn grant(place: &Place, user: &str, credits: &str) {
    let output = run(&["grant", user, credits, "--data", &place.text("data")]);
    assert!(output.status.success());
}

fn sequences(events: &[Value], user: &str) -> Vec<u64> {
    let of_user = events.iter().filter(|event| event["userID"] == user);
    of_user.map(|event| event["sequence"].as_u64().unwrap()).collect()
}

#[test]
fn a_crossing_is_posted_signed_with_its_exact_instant_when_its_time_comes() {
    let place = Place::new("");
    place.up_once();
    grant(&place, "u", "10");
    let server = Server::start("127.0.0.1:0");
    let daemon = serve_with_webhook(&place, &server);
    let start = daemon.now();
    let on = event("on", "u", start, "vmtime", "1");
    assert_eq!(daemon.post("/events", JSON, on.as_bytes()).status, 200);
    eventually("the first state", || server.taken().len() == 1);
    daemon.set_clock(start + 19 * HOUR);
    daemon.set_clock(start + 30 * HOUR);
    eventually("the crossing", || server.taken().len() == 2);
    assert!(daemon.terminate());
    let taken = server.stop();
    let fields = |event: &Value| {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        assert_eq!(event["eventVersion"], "1.0");
        (event["state"] == true, text("threshold"), event["sequence"].as_u64().unwrap())
    };
    assert_eq!(fields(&taken[0]), (true, "0".to_owned(), 1));
    assert_eq!(fields(&taken[1]), (false, "0".to_owned(), 2));
    assert_ne!(taken[0]["id"], taken[1]["id"]);
    let crossing = taken[1]["occurredMillis"].as_i64().unwrap();
    let daemon = place.serve();
    let below = |at: i64| daemon.get(&format!("/user/u/state?at={at}")).json()["belowThreshold"] == true;
    assert!(below(crossing) && !below(crossing - 1), "{crossing} is not the first instant");
    assert_eq!(taken[1]["balance"].as_str().unwrap(), daemon.balance("u", crossing));
}

#[test]
fn nothing_is_lost_and_no_order_changed_by_a_server_that_fails_hangs_or_is_gone() {
    const USERS: usize = 5;
    let place = Place::new("");
    place.up_once();
    let server = Server::start("127.0.0.1:0");
    let daemon = serve_with_webhook(&place, &server);
    // A user of whom something is known for the first time is told of; nothing is left of its credits.
    let send = |group: &str| {
        let known = |user: usize| event("first", &format!("{group}-{user}"), daemon.now(), "traffic", "1");
        let events: Vec<String> = (0..USERS).map(known).collect();
        assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
    };
    send("Takes");
    eventually("all users are told of", || server.taken().len() == USERS);
    for mood in [Mood::Refuses, Mood::Drops, Mood::Hangs] {
        server.set(mood);
        let before = server.requests();
        send(&format!("{mood:?}"));
        eventually("attempts that fail", || server.requests() >= before + 2 * USERS);
    }
    assert_eq!(server.taken().len(), USERS);
    let address = server.address.clone();
    let first = server.stop();
    daemon.kill();
    let server = Server::start(&address);
    let daemon = serve_with_webhook(&place, &server);
    eventually("those that failed", || distinct(&server.taken()) >= 3 * USERS);
    assert!(daemon.terminate());
    let mut taken = first;
    taken.extend(server.stop());
    for mood in [Mood::Takes, Mood::Refuses, Mood::Drops, Mood::Hangs] {
        for user in 0..USERS {
            let mut sequences = sequences(&taken, &format!("{mood:?}-{user}"));
            sequences.dedup();
            assert_eq!(sequences, [1], "{mood:?}-{user}");
        }
    }
}

fn distinct(events: &[Value]) -> usize {
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    ids.len()
}

#[test]
fn a_users_later_events_wait_for_the_earlier_ones() {
    let place = Place::new("");
    place.up_once();
    grant(&place, "u", "1");
    let server = Server::start("127.0.0.1:0");
    server.set(Mood::Refuses);
    let daemon = serve_with_webhook(&place, &server);
    let start = daemon.now();
    let usage = event("usage", "u", start, "traffic", "8");
    assert_eq!(daemon.post("/events", JSON, usage.as_bytes()).status, 200);
    eventually("attempts", || server.requests() >= 3);
    server.set(Mood::Takes);
    eventually("both", || server.taken().len() >= 2);
    assert!(daemon.terminate());
    assert_eq!(sequences(&server.stop(), "u"), [1, 2]);
}

#[test]
fn a_webhook_that_makes_no_sense_is_named_at_the_start() {
    let place = Place::new("");
    fs::write(place.path("short"), "short").unwrap();
    for (url, key, said) in [
        ("ftp://example.org", "short", "is no address of the form"),
        ("http://127.0.0.1:1/", "short", "at least 16 are needed"),
        ("http://127.0.0.1:1/", "nowhere", "cannot be used"),
    ] {
        let configuration = format!(
            "credit_events: {{ webhooks: [{{ name: crm, url: '{url}', secret_file: '{}' }}] }}",
            place.path(key).display()
        );
        fs::write(place.path("aquarium.yaml"), configuration).unwrap();
        let (data, configuration) = (place.text("data"), place.text("aquarium.yaml"));
        let arguments = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--config", &configuration];
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let complained = crate::support::text(&output.stderr);
        assert!(complained.contains(said) && complained.contains("`crm`"), "{complained}");
    }
}
