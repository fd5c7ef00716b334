//! The stages of a workload: taken in as fast as it goes, at half of that, from a file; and what is kept of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::super::client::{Answered, Pace, stream};
use super::super::daemon::{Daemon, bytes_below, timed};
use super::super::now;
use super::super::report::{Figure, Goal, quantile};
use super::super::workload::Workload;
use super::super::yardsticks;
use super::balances::{self, MONTH_END_SECONDS, probe, readiness};
use super::{Input, SENDERS, Subject};
use crate::command::{Outcome, text};

/// Seconds of the stage at half load, at most.
const HALF_LOAD_SECONDS: f64 = 8.0;
const MICROS: f64 = 1e6;
const MILLIS: f64 = 1e3;
/// The longest time until what was acknowledged is visible, of 99 in 100.
const GOAL_VISIBLE_MILLIS: f64 = 10.0;
/// The longest time until a balance is answered while as much comes in as can, of 99 in 100.
const GOAL_BALANCE_MILLIS: f64 = 5.0;
const GOAL_REPLAY_WRITTEN: f64 = 1_000_000.0;
const GOAL_READY_SECONDS: f64 = 2.0;
const GOAL_LOG_BYTES: f64 = 80.0;
const GOAL_DISK_BYTES: f64 = 160.0;
const GOAL_IDLE_BYTES: f64 = 512.0;
const MONTH_MILLIS: i64 = 31 * 86_400_000;

impl Subject<'_> {
    /// A daemon that knows the users.
    fn begun(&self, registrations: &[u8], clock: &str) -> Result<Daemon, String> {
        let daemon = Daemon::start(&self.data()?, &self.module("policy"), clock)?;
        stream(&daemon.address, registrations, Pace::Full)?;
        daemon.wait_until_charged()?;
        Ok(daemon)
    }

    /// Everything over HTTP, as fast as it goes; gives the rate.
    pub(super) fn taking_in(&mut self, input: &Input) -> Result<f64, String> {
        let (mut durable, mut charged, mut processor) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.settings.rounds {
            let daemon = self.begun(&input.registrations, "system")?;
            let before = daemon.processor_seconds()?;
            let begun = Instant::now();
            self.send(&daemon, input)?;
            durable.push(input.lines as f64 / begun.elapsed().as_secs_f64());
            daemon.wait_until_charged()?;
            charged.push(input.lines as f64 / begun.elapsed().as_secs_f64());
            processor.push((daemon.processor_seconds()? - before) * MICROS / input.lines as f64);
            daemon.stop()?;
        }
        let charged = self.charged(charged);
        let rate = charged.median();
        self.add(Figure::new("lines over HTTP, durable", "events/s", durable));
        self.add(charged);
        self.add(Figure::new("processor time of the daemon an event", "µs", processor));
        Ok(rate)
    }

    /// Sends all bodies at the same time.
    fn send(&self, daemon: &Daemon, input: &Input) -> Outcome {
        let answered: Vec<Result<Answered, String>> = std::thread::scope(|scope| {
            let senders: Vec<_> = input
                .bodies
                .iter()
                .map(|body| scope.spawn(|| stream(&daemon.address, body, Pace::Full)))
                .collect();
            senders
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|_| Err("a sender panicked".into())))
                .collect()
        });
        let mut total = Answered::default();
        for answered in answered {
            let answered = answered?;
            total.stored += answered.stored;
            total.duplicates += answered.duplicates;
        }
        let expected = if self.workload == Workload::Idle { input.lines } else { self.size.events };
        if (total.stored, total.duplicates) == (expected, input.lines - expected) {
            return Ok(());
        }
        Err(format!("{total:?} of {} lines were answered, {expected} of them should be stored", input.lines))
    }

    /// The same with questions about balances meanwhile, and as many to a server that does nothing: how long those take
    /// is what others, who want the same processors, leave.
    pub(super) fn asked_meanwhile(&mut self, input: &Input) -> Outcome {
        let daemon = self.begun(&input.registrations, "system")?;
        let handler = self.handler()?;
        let beside = handler.as_ref().map(|handler| &*handler.address);
        let servers: Vec<&str> = [&*daemon.address].into_iter().chain(beside).collect();
        let done = AtomicBool::new(false);
        let times = std::thread::scope(|scope| {
            let asking = scope.spawn(|| balances::ask_until(&servers, self.size.users, &done));
            let sent = self.send(&daemon, input);
            done.store(true, Ordering::SeqCst);
            let times = asking.join().unwrap_or_else(|_| Err("the questions panicked".into()));
            sent.and(times)
        })?;
        let asked = [("a balance", GOAL_BALANCE_MILLIS), (yardsticks::HANDLER, f64::INFINITY)];
        for ((asked, goal), times) in asked.into_iter().zip(&times) {
            self.times(&format!("{asked}, while as much comes in as can"), times, goal);
        }
        daemon.wait_until_charged()?;
        daemon.stop()
    }

    /// How soon what was acknowledged is visible, at half of what can be taken in.
    pub(super) fn half_load(&mut self, input: &Input, rate: f64) -> Outcome {
        let daemon = self.begun(&input.registrations, "system")?;
        let bytes_per_second = rate / 2.0 * input.bytes as f64 / input.lines.max(1) as f64;
        let length = (bytes_per_second * HALF_LOAD_SECONDS) as usize / SENDERS;
        let pace = Pace::BytesPerSecond(bytes_per_second / SENDERS as f64);
        let done = AtomicBool::new(false);
        let times = std::thread::scope(|scope| {
            let probing = scope.spawn(|| probe(&daemon.address, &self.workload, self.size.ends, &done));
            let senders: Vec<_> = input
                .bodies
                .iter()
                .map(|body| scope.spawn(|| stream(&daemon.address, whole_lines(body, length), pace)))
                .collect();
            let sent: Result<Vec<Answered>, String> = senders
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|_| Err("a sender panicked".into())))
                .collect();
            done.store(true, Ordering::SeqCst);
            let times = probing.join().unwrap_or_else(|_| Err("the probe panicked".into()));
            sent.and(times)
        })?;
        self.times("acknowledged to visible, half load", &times.visible, GOAL_VISIBLE_MILLIS);
        self.times("one event until acknowledged, half load", &times.acknowledged, f64::INFINITY);
        daemon.stop()
    }

    /// Two figures: the middle, and what 99 in 100 stay under.
    fn times(&mut self, measured: &str, seconds: &[f64], goal: f64) {
        let [middle, high] = [50, 99].map(|share| quantile(seconds, share) * MILLIS);
        let count = seconds.len();
        self.add(Figure::new(format!("{measured}, p50 of {count}"), "ms", vec![middle]));
        let high = Figure::new(format!("{measured}, p99 of {count}"), "ms", vec![high]);
        self.add(if goal.is_finite() { high.goal(Goal::AtMost(goal)) } else { high });
    }

    /// Everything from a file, by the command for it; charged by a daemon that is started after it.
    pub(super) fn file_taken_in(&mut self, file: &Path, registrations: &[u8], lines: u64) -> Outcome {
        let (mut durable, mut charged) = (Vec::new(), Vec::new());
        for _ in 0..self.settings.rounds {
            self.begun(registrations, "system")?.stop()?;
            let data = self.directory.join("data");
            let (wall, _) =
                timed("aquariumd", &["ingest", &text(file), "--data", &text(&data), "--log-level", "warn"])?;
            durable.push(lines as f64 / wall);
            let begun = Instant::now();
            let daemon = Daemon::start(&data, &self.module("policy"), "system")?;
            daemon.wait_until_charged()?;
            charged.push(lines as f64 / (wall + begun.elapsed().as_secs_f64()));
            daemon.stop()?;
        }
        self.add(Figure::new("a file, durable", "events/s", durable));
        self.add(Figure::new("a file, durable and charged", "events/s", charged));
        Ok(())
    }

    /// What is kept when all is charged: memory, disk, a start, replay, another price, balances.
    pub(super) fn kept(&mut self, file: &Path, registrations: &[u8]) -> Outcome {
        let data = self.data()?;
        let clock = if self.workload == Workload::Idle { "manual" } else { "system" };
        let daemon = Daemon::start(&data, &self.module("policy"), clock)?;
        let before = daemon.resident()?;
        stream(&daemon.address, registrations, Pace::Full)?;
        let body = std::fs::read(file).map_err(|error| error.to_string())?;
        let lines = memchr::memchr_iter(b'\n', &body).count() as u64;
        stream(&daemon.address, &body, Pace::Full)?;
        drop(body);
        daemon.wait_until_charged()?;
        let records = (lines + self.size.users) as f64;
        let memory = daemon.resident()?.saturating_sub(before) as f64 / self.size.users as f64;
        daemon.stop()?;
        let memory = Figure::new("memory a user, right after", "bytes", vec![memory]);
        self.add(if self.workload == Workload::Idle {
            memory.goal(Goal::AtMost(GOAL_IDLE_BYTES))
        } else {
            memory
        });
        self.disk(&data, records);
        self.starts(&data)?;
        self.replay(&data, records)?;
        self.answers(&data, clock)?;
        if self.workload == Workload::Idle {
            self.month_end(&data)
        } else {
            self.charged_anew(&data, lines as f64)
        }
    }

    fn disk(&mut self, data: &Path, records: f64) {
        let ids = data.join("log/ids");
        let log = bytes_below(&data.join("log"), &|path| !path.starts_with(&ids));
        let index = bytes_below(&ids, &|_| true);
        let derived = bytes_below(&data.join("derived"), &|_| true);
        let each = |bytes: u64| vec![bytes as f64 / records];
        self.add(Figure::new("disk a record, log", "bytes", each(log)).goal(Goal::AtMost(GOAL_LOG_BYTES)));
        self.add(Figure::new("disk a record, index of ids", "bytes", each(index)));
        self.add(Figure::new("disk a record, derived state", "bytes", each(derived)));
        let all = Figure::new("disk a record, all", "bytes", each(log + index + derived));
        self.add(all.goal(Goal::AtMost(GOAL_DISK_BYTES)));
    }

    /// From the command to the first balance.
    fn starts(&mut self, data: &Path) -> Outcome {
        let (mut seconds, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..self.settings.rounds {
            let begun = Instant::now();
            let daemon = Daemon::start(data, &self.module("policy"), "system")?;
            readiness(&daemon.address)?;
            seconds.push(begun.elapsed().as_secs_f64());
            memory.push(daemon.resident()? as f64 / 1e6);
            daemon.stop()?;
        }
        self.add(
            Figure::new("start to the first balance", "s", seconds).goal(Goal::AtMost(GOAL_READY_SECONDS)),
        );
        self.add(Figure::new("memory of the whole daemon, right after a start", "MB", memory));
        Ok(())
    }

    /// The log folded anew, and what is stored compared with it.
    fn replay(&mut self, data: &Path, records: f64) -> Outcome {
        let (wall, processor) =
            timed("aquariumd", &["rebuild", "users", "--data", &text(data), "--log-level", "warn"])?;
        self.add(Figure::new("replay with entries and checkpoints, wall", "records/s", vec![records / wall]));
        let core = Figure::new("the same by processor time", "records/s/core", vec![records / processor]);
        self.add(core.goal(Goal::AtLeast(GOAL_REPLAY_WRITTEN)));
        let (wall, _) = timed("aquariumd", &["verify", "--data", &text(data), "--log-level", "warn"])?;
        self.add(Figure::new("verify: folded anew and compared, wall", "records/s", vec![records / wall]));
        Ok(())
    }

    /// The policy with another price from the beginning on.
    fn charged_anew(&mut self, data: &Path, lines: f64) -> Outcome {
        let daemon = Daemon::start(data, &self.module("policy"), "system")?;
        readiness(&daemon.address)?;
        let from = self.workload.begins(&self.size).to_string();
        let before = daemon.processor_seconds()?;
        let begun = Instant::now();
        let revised = text(&self.module("revised"));
        timed("aquariumd", &["policy", "deploy", &revised, "--from", &from, "--data", &text(data)])?;
        daemon.wait_until_charged()?;
        daemon.wait_until_rerated()?;
        let rate = lines / begun.elapsed().as_secs_f64();
        let core = lines / (daemon.processor_seconds()? - before);
        self.add(Figure::new("four weeks charged anew after a change of price", "events/s", vec![rate]));
        self.add(Figure::new("the same by processor time", "events/s/core", vec![core]));
        daemon.stop()
    }

    /// The end of a month for everybody at the same time.
    fn month_end(&mut self, data: &Path) -> Outcome {
        let daemon = Daemon::start(data, &self.module("policy"), "manual")?;
        readiness(&daemon.address)?;
        let done = AtomicBool::new(false);
        let times = std::thread::scope(|scope| {
            let asking = scope.spawn(|| balances::ask_until(&[&daemon.address], self.size.users, &done));
            // A clock does not go back: where the events are of an earlier day, time goes on from now.
            let set = daemon.set_clock(self.size.ends.max(now()) + MONTH_MILLIS);
            std::thread::sleep(MONTH_END_SECONDS);
            done.store(true, Ordering::SeqCst);
            let times = asking.join().unwrap_or_else(|_| Err("the questions panicked".into()));
            set.and(times)
        })?;
        self.times("a balance in the 15 s after everybody's month end", &times.concat(), GOAL_BALANCE_MILLIS);
        let memory = daemon.resident()? as f64 / self.size.users as f64;
        self.add(Figure::new(
            "memory of the whole daemon a user, after the month end",
            "bytes",
            vec![memory],
        ));
        daemon.stop()
    }
}

/// The beginning of a body, up to the end of a line.
fn whole_lines(body: &[u8], length: usize) -> &[u8] {
    let start = body.get(..length.min(body.len())).unwrap_or_default();
    let end = memchr::memrchr(b'\n', start).map_or(0, |end| end + 1);
    start.get(..end).unwrap_or_default()
}
