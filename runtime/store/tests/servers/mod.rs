//! Servers that tests start themselves: on free ports, in temporary directories, gone when the tests end, however
//! they end.

#![allow(dead_code, reason = "not every test needs every part")]

pub mod postgres;

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// A directory for a server, and all processes that are started in it.
pub struct Home {
    pub directory: PathBuf,
    /// While its standard input is open the processes may live.
    _leash: Child,
}

impl Home {
    pub fn new(prefix: &str) -> Self {
        let directory = tempfile::Builder::new().prefix(prefix).tempdir().unwrap().keep();
        Self { _leash: leash(&directory), directory }
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Starts a program in a group of its own, which ends with the tests by a signal.
    pub fn spawn(&self, mut command: Command, end: &str) -> Child {
        let output = File::options().create(true).append(true).open(self.place("output")).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).process_group(0);
        let child = command.spawn().unwrap();
        fs::write(self.place(&format!("{}.group", child.id())), end).unwrap();
        child
    }

    /// What the programs said.
    pub fn output(&self) -> String {
        fs::read_to_string(self.place("output")).unwrap_or_default()
    }
}

/// Sends a signal to all processes of a group.
pub fn signal_group(group: u32, signal: &str) {
    let sent =
        Command::new("kill").args([&format!("-{signal}"), "--", &format!("-{group}")]).status().unwrap();
    assert!(sent.success());
}

/// A process that waits for the end of this one, however it comes, and then clears away what was started.
fn leash(directory: &Path) -> Child {
    // Each gets its own signal, some seconds to follow it, and then the last one.
    let script = "cat >/dev/null; cd \"$1\" || exit; \
                  for it in *.group; do kill -s \"$(cat \"$it\")\" -- \"-${it%.group}\" 2>/dev/null; done; \
                  for it in *.group; do tries=0; \
                  while kill -0 -- \"-${it%.group}\" 2>/dev/null && [ \"$tries\" -lt 100 ]; do \
                  sleep 0.1; tries=$((tries + 1)); done; \
                  kill -s KILL -- \"-${it%.group}\" 2>/dev/null; done; cd /; rm -rf \"$1\"";
    Command::new("sh")
        .args(["-c", script, "leash"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Ports below those that systems give away by themselves: those would be somebody's end of a connection by the time at which a
/// server that starts slowly wants one.
const PORTS: Range<u16> = 10_000..32_000;

/// Ports that were free a moment ago, and that nobody in this process gets again.
pub fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let candidates = std::iter::repeat_with(|| {
        PORTS.start + NEXT.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start)
    });
    let mut free = candidates.filter(is_free);
    [(); N].map(|()| free.next().unwrap())
}
