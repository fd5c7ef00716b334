//! Benches of a daemon that runs: what it takes in, how soon it acknowledges, how soon it answers meanwhile, and what
//! memory users cost. The figures depend on the machine's load, which is printed beside them.

mod client;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::command::{Outcome, program, text};
use client::{Connection, stream};

/// What is measured, and how much of it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The daemon's program; build it with `--release`.
    #[arg(long, default_value = "target/release/aquariumd")]
    program: PathBuf,
    /// Events of the stream.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Users that these events are about.
    #[arg(long, default_value_t = 10_000)]
    users: u64,
    /// Users that hold something over the end of a month.
    #[arg(long, default_value_t = 1_000_000)]
    idle_users: u64,
    /// Let times go round and round within the minute, so that most events come late.
    #[arg(long)]
    late: bool,
}

/// Single events, one after the other.
const SINGLE_EVENTS: usize = 1_000;
/// Writes by which the disk is measured.
const SYNCS: usize = 200;
/// Streams at a time.
const STREAMS: u64 = 2;
/// Between two questions about a balance.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// The kernel tells processor times in hundredths of a second.
const MICROS_PER_TICK: f64 = 10_000.0;
/// Between two looks at how far charging is.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const MONTH_MILLIS: i64 = 31 * 86_400_000;

/// Peak and off-peak prices for what is held, so that every month end has something to charge.
const POLICY: &str = "\
aquariumpolicy:
  resources:
    - resource: { name: traffic, unit: MB, costpolicy: discrete }
    - resource: { name: disk, unit: MB/hr, costpolicy: continuous }
  algorithms:
    - algorithm: { name: default, traffic: '{price} times {volume}', disk: '{price} times {volume}' }
  pricelists:
    - pricelist: { name: default, traffic: 0.01, disk: 0.0001 }
    - pricelist:
        name: peak
        extends: default
        disk: 0.0003
        effective:
          from: 1293703200000
          repeat:
            - every: { start: \"00 08 * * *\", end: \"00 20 * * *\" }
  agreements:
    - agreement: { name: default, algorithm: default, pricelist: peak }
";

/// Runs all of them, and prints a table in Markdown.
pub fn run(options: &Options) -> Outcome {
    let directory = crate::root().join("target/bench/daemon");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("policy")).map_err(|error| format!("no room for data: {error}"))?;
    fs::write(directory.join("policy/policy.aquarium.yaml"), POLICY).map_err(|error| error.to_string())?;
    println!("load {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!("| measured | figure |\n|---|---|");
    taking_in(options, &directory)?;
    month_end(options, &directory)?;
    println!("\nload {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    Ok(())
}

fn row(measured: &str, figure: &str) {
    println!("| {measured} | {figure} |");
}

/// The middle one and the one that one in a hundred is above, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    format!("p50 {:.2} ms, p99 {:.2} ms ({} times)", millis(at(50)), millis(at(99)), times.len())
}

fn taking_in(options: &Options, directory: &Path) -> Outcome {
    let daemon = Daemon::start(options, directory, "system")?;
    let mut connection = Connection::open(&daemon.address)?;
    let bodies: Vec<Vec<u8>> =
        (0..STREAMS).map(|stream| lines(stream, options.events / STREAMS, options)).collect();
    let done = AtomicBool::new(false);
    let (acknowledged, charged, balances) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(&daemon.address, options.users, &done));
        let start = Instant::now();
        let streams: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| stream(&daemon.address, body))).collect();
        let answered: Result<u64, String> = streams
            .into_iter()
            .map(|stream| stream.join().unwrap_or_else(|_| Err("a stream panicked".into())))
            .sum();
        let acknowledged = start.elapsed();
        let folded = wait_until_charged(&mut connection);
        let charged = start.elapsed();
        done.store(true, Ordering::SeqCst);
        let balances = asking.join().unwrap_or_else(|_| Err("the questions panicked".into()));
        folded.and(answered).and_then(|answered| match answered {
            _ if answered == options.events / STREAMS * STREAMS => Ok((acknowledged, charged, balances)),
            _ => Err(format!("{answered} events were acknowledged")),
        })
    })?;
    let rate = |time: Duration| format!("{:.0} events/s", options.events as f64 / time.as_secs_f64());
    row("NDJSON over HTTP, durable", &rate(acknowledged));
    row("NDJSON over HTTP, durable and charged", &rate(charged));
    row("processor time of the daemon an event", &daemon.processor_time(options.events)?);
    row("a balance meanwhile", &quantiles(balances?));
    row("fdatasync of 1 KiB appended", &quantiles(syncs(directory)?));
    row("one event at a time, acknowledged", &quantiles(singles(&mut connection, options)?));
    daemon.stop()
}

/// Events of the last minute in their order, of 250 bytes or so. Each stream is about users of its own, as by a service that
/// sends what happens in order.
fn lines(stream: u64, count: u64, options: &Options) -> Vec<u8> {
    let mut lines = Vec::new();
    let now = now();
    for number in 0..count {
        let user = (number * 7_919 * STREAMS + stream) % options.users;
        let after = if options.late { number % 60_000 } else { number * 60_000 / count };
        // Writing to memory does not fail.
        let _ = writeln!(
            lines,
            r#"{{"id":"{stream:020x}{number:020x}","occurredMillis":{},"receivedMillis":{now},"clientID":"pithos","userID":"user-{user}","resource":"traffic","instanceID":"1","eventVersion":"1.0","value":{}.25,"details":{{"path":"/some/container/object"}}}}"#,
            now - 60_000 + i64::try_from(after).unwrap_or_default(),
            number % 100,
        );
    }
    lines
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Asks for balances, one after the other, until told to stop.
fn ask_until(address: &str, users: u64, done: &AtomicBool) -> Result<Vec<Duration>, String> {
    let mut connection = Connection::open(address)?;
    let mut times = Vec::new();
    let mut number = 0;
    while !done.load(Ordering::SeqCst) {
        let start = Instant::now();
        connection.get(&format!("/user/user-{}/balance", number % users))?;
        times.push(start.elapsed());
        number += 101;
        std::thread::sleep(ASK_EVERY);
    }
    Ok(times)
}

/// Looks until nothing that is durable is left to be charged.
fn wait_until_charged(connection: &mut Connection) -> Outcome {
    while !connection.get("/metrics")?.contains("\naquarium_fold_lag_records 0\n") {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn syncs(directory: &Path) -> Result<Vec<Duration>, String> {
    let failed = |error: std::io::Error| format!("the disk cannot be measured: {error}");
    let mut file = fs::File::create(directory.join("sync")).map_err(failed)?;
    let once = |_| {
        let start = Instant::now();
        file.write_all(&[7; 1_024]).and_then(|()| file.sync_data()).map_err(failed)?;
        Ok(start.elapsed())
    };
    (0..SYNCS).map(once).collect()
}

fn singles(connection: &mut Connection, options: &Options) -> Result<Vec<Duration>, String> {
    let once = |number: usize| {
        let body = lines(u64::try_from(number).unwrap_or_default() + 1_000, 1, options);
        let start = Instant::now();
        connection.post("/events", "application/json", &body)?;
        Ok(start.elapsed())
    };
    (0..SINGLE_EVENTS).map(once).collect()
}

/// Many users that hold something, and a month that ends for all of them at once.
fn month_end(options: &Options, directory: &Path) -> Outcome {
    let daemon = Daemon::start(options, directory, "manual")?;
    let mut connection = Connection::open(&daemon.address)?;
    let before = daemon.resident()?;
    let (start, count) = (now(), options.idle_users);
    let body: Vec<u8> = (0..count).flat_map(|user| {
        format!(
            "{{\"id\":\"h{user}\",\"occurredMillis\":{start},\"clientID\":\"pithos\",\"userID\":\"holds-{user}\",\"resource\":\"disk\",\"instanceID\":\"1\",\"eventVersion\":\"1.0\",\"value\":{},\"details\":{{}}}}\n",
            user % 1_000
        )
        .into_bytes()
    }).collect();
    let begun = Instant::now();
    stream(&daemon.address, &body)?;
    wait_until_charged(&mut connection)?;
    row(&format!("{count} users, each with an event"), &format!("{:.1} s", begun.elapsed().as_secs_f64()));
    let grown = daemon.resident()?.saturating_sub(before);
    row("memory a user, right after", &format!("{} bytes", grown / count.max(1)));
    let done = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_holders(&daemon.address, count, &done));
        let set = daemon.set_clock(start + MONTH_MILLIS);
        std::thread::sleep(Duration::from_secs(15));
        done.store(true, Ordering::SeqCst);
        let times = asking.join().unwrap_or_else(|_| Err("the questions panicked".into()));
        set.and(times)
    })?;
    row("a balance in the 15 s after the month end of all users", &quantiles(times));
    let grown = daemon.resident()?.saturating_sub(before);
    row("memory a user, after the month end", &format!("{} bytes", grown / count.max(1)));
    daemon.stop()
}

fn ask_holders(address: &str, users: u64, done: &AtomicBool) -> Result<Vec<Duration>, String> {
    let mut connection = Connection::open(address)?;
    let mut times = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let start = Instant::now();
        let user = u64::try_from(times.len()).unwrap_or_default() * 7_919 % users;
        connection.get(&format!("/user/holds-{user}/balance"))?;
        times.push(start.elapsed());
        std::thread::sleep(ASK_EVERY);
    }
    Ok(times)
}

/// A daemon on data of its own.
struct Daemon {
    child: Child,
    address: String,
    data: PathBuf,
}

impl Daemon {
    fn start(options: &Options, directory: &Path, clock: &str) -> Result<Self, String> {
        let data = directory.join(clock);
        let (policy, at) = (text(&directory.join("policy")), text(&data));
        let failed =
            |error: std::io::Error| format!("`{}` does not start: {error}", options.program.display());
        let up =
            program(&options.program, &["up", &policy, "--once", "--data", &at]).output().map_err(failed)?;
        if !up.status.success() {
            return Err(String::from_utf8_lossy(&up.stderr).into_owned());
        }
        let arguments = ["serve", "--data", &at, "--listen", "127.0.0.1:0", "--clock", clock];
        let mut child =
            program(&options.program, &arguments).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        let address = lines
            .into_iter()
            .flatten()
            .find_map(|line| line.ok()?.strip_prefix("listening on http://").map(str::to_owned));
        match address {
            Some(address) => Ok(Self { child, address, data }),
            None => Err("the daemon does not listen".to_owned()),
        }
    }

    fn resident(&self) -> Result<u64, String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.map_err(|error| format!("its memory cannot be read: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.map(|kibibytes| kibibytes * 1_024).ok_or_else(|| "its memory is not told".to_owned())
    }

    /// The processor time that it has taken so far, shared out: a figure that other work on the machine hardly changes.
    fn processor_time(&self, events: u64) -> Result<String, String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.map_err(|error| format!("its processor time cannot be read: {error}"))?;
        // After the name, which ends with the last bracket: user and system time are the 12th and 13th.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(format!("{:.2} us", ticks as f64 * MICROS_PER_TICK / events.max(1) as f64))
    }

    fn set_clock(&self, now: i64) -> Outcome {
        client::order(&self.data.join("admin.sock"), "/clock", &format!("{{\"now\":{now}}}"))
    }

    fn stop(mut self) -> Outcome {
        let process = self.child.id().to_string();
        let told = program("kill", &["-TERM", &process]).status();
        let ended = self.child.wait().map_err(|error| error.to_string())?;
        if told.is_ok_and(|told| told.success()) && ended.success() {
            return Ok(());
        }
        Err(format!("the daemon did not end well: {ended}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, where all went well.
        let _ = self.child.kill();
    }
}
