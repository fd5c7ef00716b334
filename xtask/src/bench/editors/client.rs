//! A client of any language server, over standard input and output: it says what it is told and stamps what it hears.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a server may take over anything that is measured.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A message and when its last byte was read.
type Heard = (Instant, Value);

/// A server that runs, and what it said.
pub struct Client {
    process: Child,
    input: ChildStdin,
    output: Receiver<Heard>,
    kept: VecDeque<Heard>,
    last_id: u64,
    /// What servers are told when they ask for settings, by section.
    settings: Value,
}

impl Client {
    /// Starts a server; nothing has been said to it yet.
    pub fn start(mut command: Command, settings: Value) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| format!("the server does not start: {error}"))?;
        let (input, output) =
            process.stdin.take().zip(process.stdout.take()).ok_or("a server without pipes")?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || listen(BufReader::new(output), &sender));
        Ok(Self { process, input, output: receiver, kept: VecDeque::new(), last_id: 0, settings })
    }

    /// Introduces the client, with these folders and options.
    pub fn introduce(&mut self, folder: Option<&str>, options: &Value) -> Result<Instant, String> {
        let folders = folder.map(|uri| json!([{"uri": uri, "name": "policies"}]));
        let capabilities = json!({"workspace": {"configuration": true}, "textDocument": {"publishDiagnostics": {"versionSupport": true},
            "hover": {"contentFormat": ["markdown"]}, "completion": {"completionItem": {"snippetSupport": true}}}});
        let params = json!({"processId": std::process::id(), "rootUri": null, "capabilities": capabilities,
            "workspaceFolders": folders, "initializationOptions": options});
        let (_, (at, _)) = self.ask("initialize", &params)?;
        self.notify("initialized", &json!({}))?;
        Ok(at)
    }

    /// Says something.
    pub fn notify(&mut self, method: &str, params: &Value) -> Result<Instant, String> {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// Asks something; gives when it was asked, and the answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> Result<(Instant, Heard), String> {
        self.last_id += 1;
        let id = self.last_id;
        let asked = self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        let heard = self.wait(method, |message| {
            message.get("id").is_some_and(|it| *it == id) && message.get("method").is_none()
        })?;
        match heard.1.get("error") {
            Some(error) => Err(format!("`{method}` is refused: {error}")),
            None => Ok((asked, heard)),
        }
    }

    /// Waits for the findings of a document to be as they should.
    pub fn findings(&mut self, uri: &str, are_right: impl Fn(&[Value]) -> bool) -> Result<Instant, String> {
        let is_it = |message: &Value| {
            let findings = message.pointer("/params/diagnostics").and_then(Value::as_array);
            is_of(message, "textDocument/publishDiagnostics")
                && message.pointer("/params/uri").is_some_and(|it| *it == uri)
                && findings.is_some_and(|findings| are_right(findings))
        };
        self.kept.clear();
        self.wait("findings", is_it).map(|(at, _)| at)
    }

    /// Kibibytes of memory: the most that the process has held.
    pub fn memory(&self) -> Result<u64, String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .map_err(|error| format!("the server's memory cannot be read: {error}"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = peak.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| "the server's memory is not told".to_owned())
    }

    /// The time that the server has had of the processors so far, all its threads together.
    pub fn processor_time(&self) -> Result<Duration, String> {
        /// Ticks a second, as Linux counts for programs on every machine.
        const TICKS: u32 = 100;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))
            .map_err(|error| format!("the server's times cannot be read: {error}"))?;
        // Behind the name in parentheses, which may hold anything, come the state and the numbers.
        let numbers = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u32 = numbers.skip(11).take(2).filter_map(|word| word.parse::<u32>().ok()).sum();
        Ok(Duration::from_secs(1) * ticks / TICKS)
    }

    /// Says good-bye.
    pub fn leave(mut self) -> Result<(), String> {
        self.ask("shutdown", &Value::Null)?;
        self.notify("exit", &Value::Null)?;
        self.process.wait().map(drop).map_err(|error| error.to_string())
    }

    /// The first message of a kind; what the server asks meanwhile is answered.
    fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Heard, String> {
        let end = Instant::now() + ANSWER_MAX;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let heard = self
                .output
                .recv_timeout(left)
                .map_err(|_| format!("in vain waited for {what}: {:?}", self.kept.back()))?;
            if is_it(&heard.1) {
                return Ok(heard);
            }
            if heard.1.get("method").is_some() && heard.1.get("id").is_some() {
                let answer =
                    json!({"jsonrpc": "2.0", "id": heard.1.get("id"), "result": self.result(&heard.1)});
                self.write(&answer)?;
            }
            self.kept.push_back(heard);
        }
    }

    /// What the client answers: its settings, and nothing else.
    fn result(&self, request: &Value) -> Value {
        let sections = request.pointer("/params/items").and_then(Value::as_array);
        match sections.filter(|_| is_of(request, "workspace/configuration")) {
            Some(sections) => sections.iter().map(|item| section(&self.settings, item)).collect(),
            None => Value::Null,
        }
    }

    /// Writes a message at once; gives when it was written.
    fn write(&mut self, message: &Value) -> Result<Instant, String> {
        let body = message.to_string();
        let text = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let at = Instant::now();
        let sent = self.input.write_all(text.as_bytes()).and_then(|()| self.input.flush());
        sent.map_err(|error| format!("the server does not listen: {error}")).map(|()| at)
    }
}

/// A server that is not said good-bye to is ended.
impl Drop for Client {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            _ = self.process.kill();
            _ = self.process.wait();
        }
    }
}

fn is_of(message: &Value, method: &str) -> bool {
    message.get("method").is_some_and(|it| *it == method)
}

fn section(settings: &Value, item: &Value) -> Value {
    let name = item.get("section").and_then(Value::as_str).unwrap_or_default();
    settings.get(name).cloned().unwrap_or_default()
}

fn listen(mut output: impl BufRead, sender: &Sender<Heard>) {
    while let Some(body) = read_message(&mut output) {
        let at = Instant::now();
        let Ok(message) = serde_json::from_slice(&body) else { return };
        if sender.send((at, message)).is_err() {
            return;
        }
    }
}

fn read_message(output: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(body)
}
