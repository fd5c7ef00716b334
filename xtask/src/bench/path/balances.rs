//! Questions about balances: how soon they are answered while other things happen, and how many at most.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::client::Connection;
use super::super::daemon::Daemon;
use super::super::report::{Figure, Goal};
use super::super::workload::{Workload, user_name};
use super::super::yardsticks::{self, Handler};
use super::Subject;
use crate::command::Outcome;

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// Between two events of the probe.
const PROBE_EVERY: Duration = Duration::from_millis(5);
/// For as long the month end of everybody is watched.
pub const MONTH_END_SECONDS: Duration = Duration::from_secs(15);
/// Between users who are asked about: a prime, so that all have their turn.
const STRIDE: u64 = 7_919;
/// Connections that ask as fast as they are answered, and for how long.
const ASKING: usize = 8;
const ASKING_SECONDS: f64 = 3.0;
/// Of what a handler answers that does nothing.
const GOAL_OF_HANDLER: f64 = 0.8;
/// Longer than any start takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Asks all servers, one at a time and each as often as the others, about one user after the other until told to stop;
/// seconds of each answer, by server.
pub fn ask_until(servers: &[&str], users: u64, done: &AtomicBool) -> Result<Vec<Vec<f64>>, String> {
    let connections = servers.iter().map(|address| Connection::open(address));
    let mut connections = connections.collect::<Result<Vec<_>, String>>()?;
    let mut times = vec![Vec::new(); servers.len()];
    let mut number = 0;
    while !done.load(Ordering::SeqCst) {
        for (connection, times) in connections.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            connection.get(&path_of(number % users.max(1)))?;
            times.push(begun.elapsed().as_secs_f64());
            std::thread::sleep(ASK_EVERY);
        }
        number += STRIDE;
    }
    Ok(times)
}

fn path_of(user: u64) -> String {
    format!("/user/{}/balance", user_name(user))
}

/// Asks until a balance is answered.
pub fn readiness(address: &str) -> Outcome {
    let begun = Instant::now();
    loop {
        let answer = Connection::open(address).and_then(|mut connection| connection.get(&path_of(0)));
        match answer {
            Ok(answer) if answer.contains("\"balance\"") => return Ok(()),
            Ok(answer) => return Err(format!("not a balance: {answer}")),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// How long it took each event of a probe until it was acknowledged, and from then until it was visible, in seconds.
#[derive(Default)]
pub struct Probed {
    pub acknowledged: Vec<f64>,
    pub visible: Vec<f64>,
}

/// Sends one event after the other about a user of its own, and asks for the balance at once: each must have changed
/// what the balance is.
pub fn probe(address: &str, workload: &Workload, ends: i64, done: &AtomicBool) -> Result<Probed, String> {
    let resource = if *workload == Workload::Paper { "bandwidthup" } else { "uploads" };
    let mut connection = Connection::open(address)?;
    let (mut probed, mut last) = (Probed::default(), String::new());
    while !done.load(Ordering::SeqCst) {
        let number = probed.visible.len();
        let event = format!(
            r#"{{"id":"probe-{number}","occurredMillis":{},"clientID":"cyclades","userID":"probe","resource":"{resource}","instanceID":"1","eventVersion":"1.0","value":3.5,"details":{{}}}}"#,
            ends - 1_000_000 + i64::try_from(number).unwrap_or_default()
        );
        let begun = Instant::now();
        connection.post("/events", "application/json", event.as_bytes())?;
        let acknowledged = Instant::now();
        let balance = connection.get("/user/probe/balance")?;
        probed.visible.push(acknowledged.elapsed().as_secs_f64());
        probed.acknowledged.push((acknowledged - begun).as_secs_f64());
        if balance == last || !balance.contains("\"balance\"") {
            return Err(format!("event {number} was acknowledged and is not visible: {balance}"));
        }
        last = balance;
        std::thread::sleep(PROBE_EVERY);
    }
    Ok(probed)
}

impl Subject<'_> {
    /// A server whose handler does nothing, to be asked the same; none where there are to be no yardsticks.
    pub(super) fn handler(&self) -> Result<Option<Handler>, String> {
        if self.settings.without_yardsticks { Ok(None) } else { Handler::start().map(Some) }
    }

    /// How many balances are answered at most, beside a handler that does nothing.
    pub(super) fn answers(&mut self, data: &Path, clock: &str) -> Outcome {
        let daemon = Daemon::start(data, &self.module("policy"), clock)?;
        readiness(&daemon.address)?;
        let users = self.size.users;
        let (mut rates, mut bare) = (Vec::new(), Vec::new());
        let handler = self.handler()?;
        for _ in 0..self.settings.rounds {
            rates.push(ask_at_most(&daemon.address, users)?);
            if let Some(handler) = &handler {
                bare.push(ask_at_most(&handler.address, users)?);
            }
        }
        let rates = Figure::new("balances, 8 connections that ask again at once", "answers/s", rates);
        if handler.is_some() {
            let bare = Figure::new(yardsticks::HANDLER, "answers/s", bare);
            self.add(rates.beside(&bare).goal(Goal::PartAtLeast(GOAL_OF_HANDLER)));
            self.add(bare);
        } else {
            self.add(rates);
        }
        daemon.stop()
    }
}

fn ask_at_most(address: &str, users: u64) -> Result<f64, String> {
    let begun = Instant::now();
    let counts: Vec<Result<u64, String>> = std::thread::scope(|scope| {
        let ask = |start: usize| {
            let mut connection = Connection::open(address)?;
            let (mut count, mut number) = (0, start as u64);
            while begun.elapsed().as_secs_f64() < ASKING_SECONDS {
                connection.get(&path_of(number % users.max(1)))?;
                number += STRIDE;
                count += 1;
            }
            Ok(count)
        };
        let asking: Vec<_> = (0..ASKING).map(|start| scope.spawn(move || ask(start))).collect();
        asking.into_iter().map(|it| it.join().unwrap_or_else(|_| Err("a question panicked".into()))).collect()
    });
    let count = counts.into_iter().sum::<Result<u64, String>>()?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
