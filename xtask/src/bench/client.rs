//! As much of HTTP as the benches need: a connection that is kept, and a stream of lines. It runs on the machine that
//! is measured, so it does as little as it can.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use memchr::memmem::Finder;

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Between two parts of a stream that is sent slowly.
const TICK: Duration = Duration::from_millis(2);

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

/// What became of the lines of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// Events that are durable now.
    pub stored: u64,
    /// Events that were there already.
    pub duplicates: u64,
}

/// How fast a stream is sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As fast as it is read.
    Full,
    /// So many bytes a second, in small parts.
    BytesPerSecond(f64),
}

/// Sends lines as a stream while its answers are read.
pub fn stream(address: &str, body: &[u8], pace: Pace) -> Result<Answered, String> {
    let failed = |error: std::io::Error| format!("a stream failed: {error}");
    let mut stream = connect(address)?;
    let reader = stream.try_clone().map_err(failed)?;
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| count_answers(reader));
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).map_err(failed)?;
        match pace {
            Pace::Full => body.chunks(CHUNK_BYTES).try_for_each(|chunk| stream.write_all(chunk)),
            Pace::BytesPerSecond(rate) => send_slowly(&mut stream, body, rate),
        }
        .map_err(failed)?;
        answers.join().unwrap_or_else(|_| Err("the answers could not be read".to_owned()))
    })
}

/// Sends what is due by now, again and again. What was missed because others had the processor is made up for.
fn send_slowly(stream: &mut TcpStream, body: &[u8], rate: f64) -> std::io::Result<()> {
    let (begun, mut sent) = (Instant::now(), 0);
    while sent < body.len() {
        std::thread::sleep(TICK);
        let due = (begun.elapsed().as_secs_f64() * rate) as usize;
        let due = due.clamp(sent, body.len());
        stream.write_all(body.get(sent..due).unwrap_or_default())?;
        sent = due;
    }
    Ok(())
}

/// Counts answers without reading them closely. A part of the answer ends with a line, so that none is torn but by the
/// reader.
fn count_answers(mut reader: impl Read) -> Result<Answered, String> {
    let [stored, duplicate] = [&b"\"result\":\"stored\""[..], b"\"result\":\"duplicate\""].map(Finder::new);
    let (mut buffer, mut rest, mut answered) = (vec![0; CHUNK_BYTES], Vec::new(), Answered::default());
    loop {
        let read = reader.read(&mut buffer).map_err(|error| format!("an answer failed: {error}"))?;
        rest.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let whole =
            if read == 0 { rest.len() } else { memchr::memrchr(b'\n', &rest).map_or(0, |end| end + 1) };
        let lines = rest.get(..whole).unwrap_or_default();
        answered.stored += stored.find_iter(lines).count() as u64;
        answered.duplicates += duplicate.find_iter(lines).count() as u64;
        rest.drain(..whole);
        if read == 0 {
            return Ok(answered);
        }
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
