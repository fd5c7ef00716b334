//! The daemon's interface, asked at random: whatever its OpenAPI documents allow, and what they do not.
//!
//! Schemathesis makes the requests and compares each answer with the document: statuses, content types,
//! shapes; no request, however odd, may be answered by a defect.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::command::{Outcome, program, run, text};
use crate::test::built;
use crate::tools;

/// How long each listener is asked, in seconds.
const SECONDS: &str = "45";
/// The same seed makes the same requests.
const SEED: &str = "1";

/// Both listeners, one after the other.
pub fn all() -> Outcome {
    let daemon = Daemon::start()?;
    for address in [&daemon.public, &daemon.admin] {
        ask(address)?;
    }
    Ok(())
}

fn ask(address: &str) -> Outcome {
    let document = format!("http://{address}/openapi.json");
    run(program(
        tools::schemathesis_path(),
        &[
            "run",
            &document,
            "--phases",
            "examples,coverage,fuzzing",
            "--checks",
            "all",
            // Instants, cursors and what a policy allows are texts and numbers whose rules a schema does not tell.
            "--exclude-checks",
            "positive_data_acceptance",
            // It makes no modules; tests of our own deploy them.
            "--exclude-path-regex",
            "^/policies/",
            "--max-time",
            SECONDS,
            "--seed",
            SEED,
            "--continue-on-failure",
            "--no-color",
        ],
    ))
}

/// A daemon with the quickstart's events, and data of its own.
struct Daemon {
    child: Child,
    public: String,
    admin: String,
}

impl Daemon {
    fn start() -> Result<Self, String> {
        let data = crate::root().join("target/interface");
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .map_err(|error| format!("cannot clear `{}`: {error}", data.display()))?;
        }
        let admin = free_address()?;
        let arguments = ["up", "examples/quickstart", "--data", &text(&data), "--listen", "127.0.0.1:0"];
        let mut command = program(built("aquariumd"), &arguments);
        command.env("AQUARIUM_HTTP_ADMIN", &admin).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the daemon does not start: {error}"))?;
        let printed = child.stdout.take().map(BufReader::new);
        let mut daemon = Self { child, public: String::new(), admin };
        let mut lines = printed.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
        daemon.public = address.ok_or("the daemon ended before it listened")?;
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself, which was noticed then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on which nobody listens now.
fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("no free port: {error}"))?;
    Ok(address.to_string())
}
