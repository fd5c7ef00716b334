//! Clients that send events without a pause, each in its own way, and know what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Answer, Daemon, event, exchange_on, now, request};

/// Events of one request that brings lines.
const LINES: u64 = 40;
/// Events of a stream that may be without an answer.
const UNANSWERED_MAX: usize = 400;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was sent and what was answered.
#[derive(Default)]
pub struct Sent {
    /// Every event that was ever sent, by id.
    pub events: BTreeMap<String, String>,
    /// Those that were acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// Those that were sent and not answered, as far as nothing has broken yet.
    pub in_flight: BTreeSet<String>,
}

/// Clients and what they know.
pub struct Traffic {
    sent: Mutex<Sent>,
    numbers: AtomicU64,
    ended: AtomicBool,
    /// The users of whom events are sent, by a prefix and a number below this.
    prefix: String,
    users: u64,
}

impl Traffic {
    /// Traffic of some users, whose events have numbers from one on.
    pub fn new(prefix: &str, users: u64) -> Arc<Self> {
        Arc::new(Self {
            sent: Mutex::default(),
            numbers: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            prefix: prefix.to_owned(),
            users,
        })
    }

    /// Four clients that send until the daemon is gone: two send events one by one, one sends lines, one a stream.
    pub fn begin(self: &Arc<Self>, address: &str) -> Vec<std::thread::JoinHandle<()>> {
        let clients: [fn(&Self, &str); 4] =
            [Self::send_one_by_one, Self::send_one_by_one, Self::send_lines, Self::send_a_stream];
        let begin = |client: fn(&Self, &str)| {
            let (traffic, address) = (self.clone(), address.to_owned());
            std::thread::spawn(move || client(&traffic, &address))
        };
        clients.into_iter().map(begin).collect()
    }

    /// Has the clients end after their next answer.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    pub fn sent(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap()
    }

    fn ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// The next event, on its way from now on.
    fn next(&self) -> (String, String) {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let user = format!("{}-{}", self.prefix, number % self.users);
        let id = format!("{}/{number}", self.prefix);
        let (resource, value) = match number % 10 {
            0 => ("vmtime", (number / 10 % 2).to_string()),
            1 => ("diskspace", (number % 97).to_string()),
            _ => ("traffic", format!("{}.{}", number % 3, number % 7)),
        };
        // Those that cost by the hour are users of their own: time alone moves their balances.
        let user = if resource == "traffic" { user } else { format!("{user}-hourly") };
        let line = event(&id, &user, now(), resource, &value);
        let mut sent = self.sent();
        sent.events.insert(id.clone(), line.clone());
        sent.in_flight.insert(id.clone());
        (id, line)
    }

    /// Takes an answer to an event in; it must be one of acceptance.
    fn take(&self, answer: &str) {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        assert!(["stored", "duplicate"].contains(&answer["result"].as_str().unwrap()), "{answer}");
        let id = answer["id"].as_str().unwrap();
        let mut sent = self.sent();
        sent.in_flight.remove(id);
        sent.acknowledged.insert(id.to_owned());
    }

    fn take_lines(&self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body.lines().for_each(|line| self.take(line));
    }

    fn send_one_by_one(&self, address: &str) {
        while !self.ended() {
            let (_, line) = self.next();
            match request(address, "POST", "/events", "application/json", line.as_bytes()) {
                Some(answer) => self.take_lines(&answer),
                None => return,
            }
        }
    }

    fn send_lines(&self, address: &str) {
        while !self.ended() {
            let lines: Vec<String> = (0..LINES).map(|_| self.next().1).collect();
            let body = lines.join("\n");
            match request(address, "POST", "/events", "application/x-ndjson", body.as_bytes()) {
                Some(answer) => self.take_lines(&answer),
                None => return,
            }
        }
    }

    /// Sends lines while their answers are read, on one connection.
    fn send_a_stream(&self, address: &str) {
        let Ok(mut stream) = TcpStream::connect(address) else { return };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = stream.try_clone().unwrap();
        let unanswered = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let answers = scope.spawn(|| self.read_answers(reader, &unanswered));
            let head = format!(
                "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            );
            let mut sound = stream.write_all(head.as_bytes()).is_ok();
            while sound && !self.ended() && !answers.is_finished() {
                if unanswered.load(Ordering::SeqCst) >= UNANSWERED_MAX as u64 {
                    std::thread::yield_now();
                    continue;
                }
                let line = self.next().1 + "\n";
                unanswered.fetch_add(1, Ordering::SeqCst);
                sound = write!(stream, "{:x}\r\n{line}\r\n", line.len()).is_ok();
            }
            let _ = stream.write_all(b"0\r\n\r\n");
            answers.join().unwrap();
        });
    }

    /// Reads answers until there are none. What is cut off is no answer.
    fn read_answers(&self, stream: impl Read, unanswered: &AtomicU64) {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while matches!(reader.read_line(&mut line), Ok(bytes) if bytes > 0) {
            if line.starts_with("{\"id\"") && line.ends_with('\n') {
                self.take(&line);
                unanswered.fetch_sub(1, Ordering::SeqCst);
            }
            line.clear();
        }
    }
}

/// Gives a user credits, once however often it is said.
pub fn grant(daemon: &Daemon, user: &str, key: &str, credits: &str) {
    let body = format!("{{\"credits\":\"{credits}\"}}");
    let message = format!(
        "POST /user/{user}/grants HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {user}/{key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange_on(&daemon.admin, message.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
}
