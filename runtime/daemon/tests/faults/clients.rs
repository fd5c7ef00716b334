//! Ten thousand clients that send slowly, or nothing, or never read what they are answered.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Daemon, Place, event, now};

/// Clients at a time, where the process may have so many connections.
const CLIENTS: usize = 10_000;
/// The most that a client may cost while it does nothing.
const CLIENT_BYTES_MAX: u64 = 48 << 10;
/// The longest that a healthy request may take among them.
const HEALTHY: Duration = Duration::from_secs(5);
/// How long a client may take: long enough that all are there, short enough to see them go.
const SETTINGS: &str = "http: { head_millis_max: 15000, pause_millis_max: 15000 }";

/// What a client begins and does not go on with, by its number.
fn beginning(number: usize) -> &'static str {
    match number % 5 {
        0 => "",
        1 => "GET /user/u/bala",
        2 => {
            "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\""
        }
        3 => {
            "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"id\": \"\r\n"
        }
        _ => {
            "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        }
    }
}

fn resident_bytes(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// As many as this process may hold open.
fn clients() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let allowed = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, maximum: allowed.maximum });
    let open = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    CLIENTS.min(usize::try_from(open).unwrap().saturating_sub(300))
}

#[test]
fn ten_thousand_slow_clients_cost_little_and_keep_nobody_waiting() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve_with(SETTINGS);
    assert_eq!(daemon.get("/user/u/balance").status, 404);
    let before = resident_bytes(&daemon);
    let mut slow: Vec<TcpStream> = Vec::new();
    for number in 0..clients() {
        let mut client = TcpStream::connect(&daemon.address).unwrap();
        client.write_all(beginning(number).as_bytes()).unwrap();
        slow.push(client);
        if number % 1_000 == 0 {
            serves_well(&daemon, number);
        }
    }
    for number in 0..20 {
        serves_well(&daemon, slow.len() + number);
    }
    let grown = resident_bytes(&daemon).saturating_sub(before);
    assert!(grown < CLIENT_BYTES_MAX * slow.len() as u64, "{grown} bytes for {} clients", slow.len());
    // Their time comes to its end, and so do they.
    for client in slow.iter_mut().step_by(97) {
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let ended = client.read_to_end(&mut Vec::new());
        assert!(!matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{ended:?}");
    }
    serves_well(&daemon, usize::MAX);
    assert!(daemon.terminate());
}

/// An event is taken, and is in the next balance, in time.
fn serves_well(daemon: &Daemon, number: usize) {
    let start = Instant::now();
    let (user, time) = (format!("healthy-{number}"), now());
    let body = event(&format!("h{number}"), &user, time, "traffic", "2");
    assert_eq!(daemon.post("/events", "application/json", body.as_bytes()).status, 200);
    assert_eq!(daemon.balance(&user, time), "-0.5");
    assert!(start.elapsed() < HEALTHY, "{:?} among {number} slow clients", start.elapsed());
}
