//! How long pages of the console take: to their first byte, and whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::command::{program, text};
use crate::test::built;

/// Requests of each page; the last percent of them is two.
const REQUESTS: usize = 200;
/// Longer than any page takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pages of a user that every prepared directory has.
const PAGES: &[&str] = &[
    "/console",
    "/console?query=104",
    "/console/user?id=1040&at=2011-12-15",
    "/console/user/wallet?id=1040",
    "/console/user/bill?id=1040&month=2011-12",
    "/console/user/trace?id=1040&from=2011-12-01",
    "/console/policies",
    "/console/quarantine",
    "/console/components",
];

/// Serves a directory and prints a table in Markdown.
pub fn pages(example: &Path, data: &Path) -> Result<(), String> {
    if data.exists() {
        std::fs::remove_dir_all(data)
            .map_err(|error| format!("cannot clear `{}`: {error}", data.display()))?;
    }
    let mut served = Served::start(example, data)?;
    println!("\n| page | first byte: median | p99 | whole: p99 | bytes |\n|---|---|---|---|---|");
    for page in PAGES {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..REQUESTS {
            let (first, whole, length) = served.ask(page).map_err(|error| format!("{page}: {error}"))?;
            times.push((first, whole));
            bytes = length;
        }
        let at = |pick: fn(&(Duration, Duration)) -> Duration, part: usize| {
            let mut sorted: Vec<Duration> = times.iter().map(pick).collect();
            sorted.sort_unstable();
            let place = sorted.len() * part / 100;
            sorted.get(place.min(sorted.len().saturating_sub(1))).map_or(0.0, |it| it.as_secs_f64() * 1000.0)
        };
        println!(
            "| `{page}` | {:.1} ms | {:.1} ms | {:.1} ms | {bytes} |",
            at(|it| it.0, 50),
            at(|it| it.0, 99),
            at(|it| it.1, 99)
        );
    }
    Ok(())
}

/// A daemon that ends with this value.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(example: &Path, data: &Path) -> Result<Self, String> {
        let arguments = ["up", &text(example), "--data", &text(data), "--console", "--listen", "127.0.0.1:0"];
        let mut command = program(built("aquariumd"), &arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`aquariumd` does not start: {error}"))?;
        let out = child.stdout.take().ok_or("its output is not there")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
        Ok(Self { child, address: address.ok_or("`aquariumd` does not listen")? })
    }

    /// The time to the first byte, to the last one, and their number.
    fn ask(&mut self, page: &str) -> std::io::Result<(Duration, Duration, usize)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let start = Instant::now();
        write!(stream, "GET {page} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = vec![0; 1];
        stream.read_exact(&mut answer)?;
        let first = start.elapsed();
        stream.read_to_end(&mut answer)?;
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(std::io::Error::other("it is not answered by a page"));
        }
        Ok((first, start.elapsed(), answer.len()))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
