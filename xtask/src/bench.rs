//! Whole-process benches: what a user waits for, as medians over several runs.

mod console;
mod plot;
mod policies;
pub mod scaling;

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::command::{Outcome, cargo, program, run, text};
use crate::events;
use crate::test::{build, built};

/// Runs of each command; the median is shown with the least and the greatest.
const RUNS: usize = 7;
/// Users whose generated events come to about a hundred thousand.
const USERS: u32 = 480;
/// Messages of a round with a broker: some seconds' worth.
const QUEUE_MESSAGES: &str = "60000";
/// Records of a round with PostgreSQL.
const STORE_RECORDS: &str = "300000";
/// Items of five lines each: ten thousand lines.
const UNTIDY_ITEMS: u32 = 2_000;

/// Times the commands and prints a table in Markdown.
pub fn all() -> Outcome {
    build()?;
    let directory = crate::root().join("target/bench");
    let prepared = prepare(&directory)?;
    println!("| command | least | median | greatest |\n|---|---|---|---|");
    let compiler = |arguments: &[&str]| time("aquariumc", arguments, &directory);
    compiler(&["check", "examples/quickstart", "--format", "short"])?;
    let (tutorial, untidy) = texts(&directory)?;
    compiler(&["check", &tutorial, "--format", "short"])?;
    compiler(&["fmt", &untidy])?;
    let module = text(&directory.join("policy.wasm"));
    compiler(&["compile", "examples/quickstart", "--format", "short", "-o", &module])?;
    compiler(&["simulate", &module, "examples/quickstart/events.ndjson", "--format", "json", "--summary"])?;
    compiler(&[
        "simulate",
        &module,
        &text(&directory.join("up/events.ndjson")),
        "--format",
        "json",
        "--summary",
    ])?;
    let (example, data) = (text(&directory.join("up")), text(&directory.join("data")));
    time("aquariumd", &["up", &example, "--once", "--data", &data], &directory)?;
    console::pages(&directory.join("up"), &directory.join("data"))?;
    println!("\n{prepared} events in `up`\n");
    queue()?;
    store()?;
    scaling::report(&directory)
}

/// Messages in from a broker, beside a client that does nothing but acknowledge them.
fn queue() -> Outcome {
    let speed = "queue::speed";
    let mut command =
        cargo(&["test", "--quiet", "--workspace", "--test", "processes", speed, "--", "--nocapture"]);
    command.env("AQUARIUM_BENCH_MESSAGES", QUEUE_MESSAGES);
    run(command)
}

/// Records into PostgreSQL, beside the least that it can be asked to do.
fn store() -> Outcome {
    let mut command =
        cargo(&["test", "--quiet", "--workspace", "--test", "postgres", "speed", "--", "--nocapture"]);
    command.env("AQUARIUM_BENCH_RECORDS", STORE_RECORDS);
    run(command)
}

/// The tutorial's policy as a directory, and a policy of ten thousand lines in a layout that `fmt` changes. (After the
/// first run it is canonical, which takes the same work but for the writing.)
fn texts(directory: &Path) -> Result<(String, String), String> {
    let unwritable = |error: std::io::Error| format!("cannot write below `{}`: {error}", directory.display());
    let tutorial = directory.join("tutorial");
    std::fs::create_dir_all(&tutorial).map_err(unwritable)?;
    let page = std::fs::read_to_string(crate::root().join("docs/tutorial.md")).map_err(unwritable)?;
    for block in page.split("```yaml file=cloud/").skip(1) {
        let Some((name, text)) = block.split_once('\n') else { continue };
        let text = text.split("```").next().unwrap_or_default();
        std::fs::write(tutorial.join(name), text).map_err(unwritable)?;
    }
    let untidy = directory.join("untidy.aquarium");
    let mut policy = "aquariumpolicy:\n  resources:\n".to_owned();
    for number in 0..UNTIDY_ITEMS {
        policy.push_str(&format!(
            "  - resource:   # one of many\n    name:  r{number}\n    unit: MB\n    costpolicy: discrete\n\n"
        ));
    }
    std::fs::write(&untidy, policy).map_err(unwritable)?;
    Ok((text(&tutorial), text(&untidy)))
}

/// A directory with the quickstart's policy and many events; says how many.
fn prepare(directory: &Path) -> Result<usize, String> {
    let up = directory.join("up");
    std::fs::create_dir_all(&up).map_err(|error| format!("cannot make `{}`: {error}", up.display()))?;
    let policy = "policy.aquarium.yaml";
    let example = crate::root().join("examples/quickstart").join(policy);
    std::fs::copy(&example, up.join(policy)).map_err(|error| format!("cannot copy the policy: {error}"))?;
    let file = up.join("events.ndjson");
    events::write(&events::Options::with_users(USERS, file.clone()))?;
    let events =
        std::fs::read(&file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Ok(events.iter().filter(|byte| **byte == b'\n').count())
}

fn time(name: &str, arguments: &[&str], directory: &Path) -> Outcome {
    let mut seconds = (0..RUNS).map(|_| once(name, arguments, directory)).collect::<Result<Vec<_>, _>>()?;
    seconds.sort_by(f64::total_cmp);
    let shown = |index: usize| seconds.get(index).map_or(0.0, |seconds| seconds * 1000.0);
    let words = arguments.join(" ").replace(&format!("{}/", text(&crate::root())), "");
    println!(
        "| `{name} {words}` | {:.0} ms | {:.0} ms | {:.0} ms |",
        shown(0),
        shown(RUNS / 2),
        shown(RUNS - 1)
    );
    Ok(())
}

/// The wall time of one run, from a clean data directory, its output thrown away.
fn once(name: &str, arguments: &[&str], directory: &Path) -> Result<f64, String> {
    let data = directory.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)
            .map_err(|error| format!("cannot clear `{}`: {error}", data.display()))?;
    }
    let mut command = program(built(name), arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("`{name}` does not start: {error}"))?;
    let seconds = start.elapsed().as_secs_f64();
    if status.success() { Ok(seconds) } else { Err(format!("`{name}` failed: {status}")) }
}
