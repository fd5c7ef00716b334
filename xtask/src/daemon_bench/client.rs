//! As much of HTTP as the benches need: a connection that is kept, and a stream of lines.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A connection that stays open.
pub struct Connection {
    host: String,
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub fn open(address: &str) -> Result<Self, String> {
        let stream = connect(address)?;
        Ok(Self { host: address.to_owned(), reader: BufReader::new(stream) })
    }

    /// Asks, and gives the body; anything but an answer of 200 or 404 is an error.
    pub fn get(&mut self, path: &str) -> Result<String, String> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.exchange(head.as_bytes())
    }

    /// Posts.
    pub fn post(&mut self, path: &str, content_type: &str, body: &[u8]) -> Result<(), String> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.exchange(&[head.as_bytes(), body].concat()).map(|_| ())
    }

    fn exchange(&mut self, bytes: &[u8]) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("a request failed: {error}");
        self.reader.get_mut().write_all(bytes).map_err(failed)?;
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.reader.read_line(&mut line).map_err(failed)?;
            if status.is_empty() {
                line.split(' ').nth(1).unwrap_or("none").clone_into(&mut status);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).map_err(failed)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if status == "200" || status == "404" {
            return Ok(body);
        }
        Err(format!("answered by {status}: {body}"))
    }
}

fn connect(address: &str) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|error| format!("no connection to {address}: {error}"))
}

/// Sends lines as a stream while its answers are read; gives how many said `stored`.
pub fn stream(address: &str, body: &[u8]) -> Result<u64, String> {
    let failed = |error: std::io::Error| format!("a stream failed: {error}");
    let mut stream = connect(address)?;
    let reader = stream.try_clone().map_err(failed)?;
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| count_stored(reader));
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).map_err(failed)?;
        for chunk in body.chunks(CHUNK_BYTES) {
            stream.write_all(chunk).map_err(failed)?;
        }
        answers.join().unwrap_or_else(|_| Err("the answers could not be read".to_owned()))
    })
}

/// Counts answers without reading them closely: it runs on the same machine as what is measured.
fn count_stored(mut reader: impl Read) -> Result<u64, String> {
    const STORED: &[u8] = b"\"result\":\"stored\"";
    let (mut buffer, mut rest, mut count) = (vec![0; CHUNK_BYTES], Vec::new(), 0);
    loop {
        let read = reader.read(&mut buffer).map_err(|error| format!("an answer failed: {error}"))?;
        if read == 0 {
            return Ok(count);
        }
        rest.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let found = rest.windows(STORED.len()).filter(|window| *window == STORED).count();
        count += u64::try_from(found).unwrap_or_default();
        // What may be the beginning of another one stays; none that was counted does.
        let keep = rest.len().min(STORED.len() - 1);
        rest.drain(..rest.len() - keep);
    }
}

/// Posts JSON to a socket.
pub fn order(socket: &Path, path: &str, body: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("`{}`: {error}", socket.display());
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    let message = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(message.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer) }
}
