//! Daemons as processes, and a client that knows as much of HTTP as the tests need.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aquarium_charging::simulate::{Line, Options, Report, simulate};
use aquarium_charging::{Deployments, Interpreter, Version};
use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::Millis;
use serde_json::Value;

/// One resource of every cost policy.
pub const POLICY: &str = "\
aquariumpolicy:
  resources:
    - resource:
        name: traffic
        unit: MB
        costpolicy: discrete
    - resource:
        name: vmtime
        unit: Hr
        complex: true
        costpolicy: onoff
    - resource:
        name: diskspace
        unit: MB/hr
        costpolicy: continuous
  algorithms:
    - algorithm:
        name: default
        traffic: {price} times {volume}
        vmtime: {price} times {volume}
        diskspace: {price} times {volume}
  pricelists:
    - pricelist:
        name: default
        traffic: 0.25
        vmtime: 0.5
        diskspace: 0.001
  agreements:
    - agreement:
        name: default
        algorithm: default
        pricelist: default
";

/// The variable that names another program, where speed is measured.
const PROGRAM: &str = "AQUARIUM_BENCH_PROGRAM";

/// The program that is tested.
pub fn aquariumd(arguments: &[&str]) -> Command {
    let own = || env!("CARGO_BIN_EXE_aquariumd").into();
    let mut command = Command::new(std::env::var_os(PROGRAM).unwrap_or_else(own));
    command.args(arguments).env_remove("AQUARIUM_CONFIG");
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    aquariumd(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A directory with a policy, events, and room for data.
pub struct Place {
    pub directory: tempfile::TempDir,
}

impl Place {
    pub fn new(events: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("policy.aquarium.yaml"), POLICY).unwrap();
        fs::write(directory.path().join("events.ndjson"), events).unwrap();
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Deploys the policy and takes in the events; gives what it printed.
    pub fn up_once(&self) -> String {
        let output = run(&["up", &self.text(""), "--data", &self.text("data"), "--once"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Serves with settings, in YAML.
    pub fn serve_with(&self, settings: &str) -> Daemon {
        let file = self.text("aquarium.yaml");
        fs::write(&file, settings).unwrap();
        let data = self.text("data");
        Daemon::start(&["serve", "--config", &file, "--data", &data, "--listen", "127.0.0.1:0"])
    }

    pub fn serve(&self) -> Daemon {
        Daemon::start(&["serve", "--data", &self.text("data"), "--listen", "127.0.0.1:0"])
    }

    /// The lines of `log export`.
    pub fn exported(&self) -> Vec<Value> {
        let output = run(&["log", "export", "--data", &self.text("data")]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A daemon that serves; it is killed when the value is dropped.
pub struct Daemon {
    child: Child,
    pub address: String,
    /// Where administrators are served.
    pub admin: PathBuf,
}

impl Daemon {
    pub fn start(arguments: &[&str]) -> Self {
        let data = arguments.iter().skip_while(|argument| **argument != "--data").nth(1);
        let data = PathBuf::from(data.unwrap_or(&"aquarium-data"));
        Self::spawn(aquariumd(arguments).stderr(Stdio::null()), &data)
    }

    /// Starts a daemon by a command, over data that is at a path for this process.
    pub fn spawn(command: &mut Command, data: &Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned))
            .unwrap();
        Self { child, address, admin: data.join("admin.sock") }
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the daemon to stop, and waits until it has.
    pub fn terminate(mut self) -> bool {
        let killed = Command::new("kill").arg("-TERM").arg(self.process().to_string()).status().unwrap();
        killed.success() && self.child.wait().unwrap().success()
    }

    /// Waits until the daemon ends by itself; gives its code.
    pub fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn get(&self, path: &str) -> Answer {
        request(&self.address, "GET", path, "", b"").unwrap()
    }

    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        request(&self.address, "POST", path, content_type, body).unwrap()
    }

    /// A request on the socket of administrators.
    pub fn admin(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        exchange_on(&self.admin, &message("localhost", method, path, content_type, body))
    }

    /// The daemon's time.
    pub fn now(&self) -> i64 {
        self.get("/ping").json()["pong"].as_i64().unwrap()
    }

    /// Sets the daemon's manual clock.
    pub fn set_clock(&self, now: i64) {
        let answer =
            self.admin("POST", "/clock", "application/json", format!("{{\"now\":{now}}}").as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub fn balance(&self, user: &str, at: i64) -> String {
        let answer = self.get(&format!("/user/{user}/balance?at={at}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["balance"].as_str().unwrap().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The name and message of a fault, having checked its form.
    pub fn fault(&self) -> (String, String) {
        let json = self.json();
        let faults = json.as_object().unwrap();
        assert_eq!(faults.len(), 1, "{json}");
        let (name, fault) = faults.iter().next().unwrap();
        assert_eq!(fault["code"], self.status);
        (name.clone(), fault["message"].as_str().unwrap().to_owned())
    }
}

/// One request on a connection of its own; `None` where the connection broke.
pub fn request(address: &str, method: &str, path: &str, content_type: &str, body: &[u8]) -> Option<Answer> {
    send(address, &message(address, method, path, content_type, body))
}

/// The bytes of a request.
pub fn message(host: &str, method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if !content_type.is_empty() {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends bytes, whatever they are, and reads an answer.
pub fn send(address: &str, bytes: &[u8]) -> Option<Answer> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    exchange(stream, bytes)
}

/// Sends bytes to a socket, and reads an answer.
pub fn exchange_on(socket: &Path, bytes: &[u8]) -> Answer {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    exchange(stream, bytes).unwrap()
}

fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> Option<Answer> {
    stream.write_all(bytes).ok()?;
    let mut answer = Vec::new();
    // A server that answers before it has read everything may reset the connection after its answer.
    let _ = stream.read_to_end(&mut answer);
    parse(&text(&answer))
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
        dechunked(body)
    } else {
        body.to_owned()
    };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let whole = length.is_none_or(|length: usize| length == body.len());
    whole.then(|| Answer { status, head: head.to_owned(), body })
}

fn dechunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap_or(0);
        whole.push_str(rest.get(..length).unwrap_or_default());
        body = rest.get(length + 2..).unwrap_or_default();
    }
    whole
}

/// The machine's time.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The path of a file that tests have.
pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// A resource event.
pub fn event(id: &str, user: &str, occurred: i64, resource: &str, value: &str) -> String {
    format!(
        r#"{{"id":"{id}","occurredMillis":{occurred},"clientID":"test","userID":"{user}","resource":"{resource}","instanceID":"1","eventVersion":"1.0","value":{value},"details":{{}}}}"#
    )
}

/// What events come to by the fold alone, without daemon, log and WebAssembly.
pub fn offline(events: &str, at: i64) -> Report {
    offline_by(POLICY, events, at)
}

/// The same by another policy.
pub fn offline_by(policy: &str, events: &str, at: i64) -> Report {
    let file = SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: policy.as_bytes().to_vec() };
    let policy = Arc::new(analyze(vec![file]).into_policy().unwrap());
    let version = Version::new(policy.clone(), "offline", Arc::new(Interpreter(policy)));
    let lines = events.lines().map(|line| Line { file: "events", number: 1, bytes: line.as_bytes() });
    let options = Options { at: Some(Millis(at)), ..Options::default() };
    simulate(&Deployments::single(version), lines, &options)
}

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number that a variable gives, for those who want more than the tests need.
pub fn number<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    let wrong = |text| panic!("`{variable}` is no number: `{text}`");
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| wrong(text)))
}

/// Asks until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}
