//! A client that says what a test tells it to, over a pair of pipes in memory.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

/// How long a test waits for a message before it fails.
const TIME_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// What a pipe holds: enough for the messages of a test that does not read meanwhile.
const PIPE_BYTES: usize = 64 * 1024 * 1024;

/// How a client names a file.
pub fn file_uri(directory: &std::path::Path, name: &str) -> String {
    let uri = tower_lsp::ls_types::Uri::from_file_path(directory.join(name));
    uri.expect("an absolute path").as_str().to_owned()
}

/// A client and the server that it speaks to.
pub struct Client {
    input: WriteHalf<DuplexStream>,
    output: ReadHalf<DuplexStream>,
    server: JoinHandle<bool>,
    /// Messages that were read while another one was waited for.
    kept: Vec<Value>,
    last_id: i64,
}

impl Client {
    /// A client of the language server, not yet introduced.
    pub fn start() -> Self {
        Self::start_with(|ours| {
            let (input, output) = tokio::io::split(ours);
            tokio::spawn(aquarium_lsp::run(input, output))
        })
    }

    /// A client of any server.
    pub fn start_with(serve: impl FnOnce(DuplexStream) -> JoinHandle<bool>) -> Self {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let (output, input) = tokio::io::split(ours);
        Self { input, output, server: serve(theirs), kept: Vec::new(), last_id: 0 }
    }

    /// A client that has introduced itself with these abilities and options.
    pub async fn introduced(capabilities: Value, options: Value) -> Self {
        let mut client = Self::start();
        client.introduce(capabilities, options).await;
        client
    }

    /// Introduces itself; gives what the server can do.
    pub async fn introduce(&mut self, capabilities: Value, options: Value) -> Value {
        let params = json!({"processId": null, "rootUri": null, "capabilities": capabilities, "initializationOptions": options});
        let answer = self.ask("initialize", params).await;
        self.notify("initialized", json!({})).await;
        answer
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        self.write(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Sends a request and gives its number.
    pub async fn request(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        self.write(json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})).await;
        self.last_id
    }

    /// Sends a request and waits for its result.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        let answer = self.answer(id).await;
        answer.get("result").cloned().unwrap_or_else(|| panic!("no result: {answer}"))
    }

    /// Waits for the answer to a request, be it a result or an error.
    pub async fn answer(&mut self, id: i64) -> Value {
        self.wait(|message| message["id"] == id && message.get("method").is_none()).await
    }

    /// Waits for what the server says about a file; versions apart from this one are passed over.
    pub async fn findings(&mut self, uri: &str, version: Value) -> Value {
        let is_it = |message: &Value| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params.get("version").unwrap_or(&Value::Null) == &version
        };
        self.wait(is_it).await["params"]["diagnostics"].take()
    }

    /// Opens a document as version 1.
    pub async fn open(&mut self, uri: &str, text: &str) {
        let item = json!({"uri": uri, "languageId": "aquarium", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": item})).await;
    }

    /// Replaces `[line, column, line, column]` of a document.
    pub async fn edit(&mut self, uri: &str, version: i32, at: [u32; 4], text: &str) {
        let range =
            json!({"start": {"line": at[0], "character": at[1]}, "end": {"line": at[2], "character": at[3]}});
        let document = json!({"uri": uri, "version": version});
        let change = json!({"range": range, "text": text});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": [change]}))
            .await;
    }

    /// A document's text as the server has it.
    pub async fn text(&mut self, uri: &str) -> String {
        let text = self.ask("aquarium/documentText", json!({"uri": uri})).await;
        text.as_str().map(str::to_owned).unwrap_or_else(|| panic!("no text of {uri}"))
    }

    /// Says good-bye; gives whether the server ended as it should.
    pub async fn leave(mut self) -> bool {
        self.ask("shutdown", Value::Null).await;
        self.notify("exit", Value::Null).await;
        self.server.await.expect("the server does not panic")
    }

    /// Waits for the end of the server; gives whether it was asked to shut down before.
    pub async fn ended(self) -> bool {
        self.server.await.expect("the server does not panic")
    }

    /// The first message of a kind, of those read before or still to come.
    pub async fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at);
        }
        loop {
            let message = self.read().await;
            if is_it(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// How many messages of this method were read and not asked for.
    pub fn count(&self, method: &str) -> usize {
        self.kept.iter().filter(|message| message["method"] == method).count()
    }

    /// Whether a message of this method was read and not asked for.
    pub fn has_got(&self, method: &str) -> bool {
        self.kept.iter().any(|message| message["method"] == method)
    }

    /// Whether a message about this document was read and not asked for.
    pub fn has_got_about(&self, uri: &str) -> bool {
        self.kept.iter().any(|message| message["params"]["uri"] == uri)
    }

    /// Sends bytes that may be no message.
    pub async fn write_bytes(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).await.expect("the server reads");
    }

    async fn write(&mut self, message: Value) {
        let body = message.to_string();
        let text = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.write_bytes(text.as_bytes()).await;
    }

    async fn read(&mut self) -> Value {
        let message = tokio::time::timeout(TIME_MAX, read_message(&mut self.output)).await;
        message.expect("the server says something in time")
    }
}

async fn read_message(output: &mut ReadHalf<DuplexStream>) -> Value {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        header.push(output.read_u8().await.expect("a header"));
    }
    let header = String::from_utf8(header).expect("a header is text");
    let length = header.trim().strip_prefix("Content-Length: ").expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    output.read_exact(&mut body).await.expect("a body");
    serde_json::from_slice(&body).expect("a body is JSON")
}

/// A text after the edits of an answer.
pub fn apply(text: &str, edits: &Value, encoding: &str) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut edits = edits.as_array().expect("edits").clone();
    edits.sort_by_key(|edit| {
        let start = &edit["range"]["start"];
        std::cmp::Reverse((start["line"].as_u64(), start["character"].as_u64()))
    });
    for edit in edits {
        let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
        assert_eq!(start["line"], end["line"], "an edit inside of a line");
        let line = &mut lines[usize::try_from(start["line"].as_u64().unwrap()).unwrap()];
        let byte = |position: &Value| byte_of(line, position["character"].as_u64().unwrap(), encoding);
        let range = byte(start)..byte(end);
        line.replace_range(range, edit["newText"].as_str().expect("a text"));
    }
    lines.concat()
}

/// The byte of a column.
fn byte_of(line: &str, column: u64, encoding: &str) -> usize {
    let column = usize::try_from(column).expect("a column");
    if encoding == "utf-8" {
        return column;
    }
    let mut units = 0;
    let before = line.chars().take_while(|letter| {
        units += letter.len_utf16();
        units <= column
    });
    before.map(char::len_utf8).sum()
}
