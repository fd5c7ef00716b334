//! How long pages of the console take: to their first byte, and whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::commands;
use super::released;
use super::report::{Section, Table, quantile};
use crate::command::{program, text};

/// Requests of each page; the last percent of them is two.
const REQUESTS: usize = 200;
const REQUESTS_QUICK: usize = 5;
/// Users whose generated events come to about a hundred thousand.
const USERS: u32 = 480;
const USERS_QUICK: u32 = 40;
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

/// Serves a directory and asks for its pages.
pub fn section(directory: &Path, quick: bool) -> Result<Section, String> {
    let (up, data) = (directory.join("up"), directory.join("data"));
    let prepared = commands::prepare(directory, if quick { USERS_QUICK } else { USERS })?;
    commands::clear(&data)?;
    let mut served = Served::start(&up, &data)?;
    let requests = if quick { REQUESTS_QUICK } else { REQUESTS };
    let rows = PAGES.iter().map(|page| row(&mut served, page, requests)).collect::<Result<Vec<_>, _>>()?;
    drop(served);
    commands::clear(&data)?;
    let heads = ["page", "first byte: median", "p99", "whole: p99", "bytes"].map(str::to_owned).to_vec();
    let mut section = Section::new("console", format!("pages over {prepared} events"));
    section.tables.push(Table { heads, rows });
    Ok(section)
}

fn row(served: &mut Served, page: &str, requests: usize) -> Result<Vec<String>, String> {
    let (mut first, mut whole, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..requests {
        let (began, ended, length) = served.ask(page).map_err(|error| format!("{page}: {error}"))?;
        first.push(began.as_secs_f64() * 1_000.0);
        whole.push(ended.as_secs_f64() * 1_000.0);
        bytes = length;
    }
    let millis = |samples: &[f64], share| format!("{:.1} ms", quantile(samples, share));
    let page = format!("`{page}`");
    Ok(vec![page, millis(&first, 50), millis(&first, 99), millis(&whole, 99), bytes.to_string()])
}

/// A daemon that ends with this value.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(example: &Path, data: &Path) -> Result<Self, String> {
        let arguments = ["up", &text(example), "--data", &text(data), "--console", "--listen", "127.0.0.1:0"];
        let mut command = program(released("aquariumd"), &arguments);
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
