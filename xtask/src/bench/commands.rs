//! Whole runs of the command lines: what somebody waits for who types them.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use super::released;
use super::report::{Figure, Section};
use crate::command::{Outcome, program, text};
use crate::events;

/// Runs of each command.
const RUNS: usize = 7;
/// Users whose generated events come to about a hundred thousand.
const USERS: u32 = 480;
const USERS_QUICK: u32 = 40;
/// Items of five lines each: ten thousand lines.
const UNTIDY_ITEMS: u32 = 2_000;

/// Times the commands.
pub fn section(directory: &Path, quick: bool) -> Result<Section, String> {
    let prepared = prepare(directory, if quick { USERS_QUICK } else { USERS })?;
    let title = format!("whole runs; {prepared} events in `up`");
    let mut section = Section::new("commands", title);
    let (tutorial, untidy) = texts(directory)?;
    let module = text(&directory.join("policy.wasm"));
    let many = text(&directory.join("up/events.ndjson"));
    let simulate = |events| ["simulate", &module, events, "--format", "json", "--summary"];
    let compiler = [
        &["check", "examples/quickstart", "--format", "short"][..],
        &["check", &tutorial, "--format", "short"],
        &["fmt", &untidy],
        &["compile", "examples/quickstart", "--format", "short", "-o", &module],
        &simulate("examples/quickstart/events.ndjson"),
        &simulate(&many),
    ];
    let runs = if quick { 1 } else { RUNS };
    for arguments in compiler {
        section.figures.push(time("aquariumc", arguments, directory, runs)?);
    }
    let (example, data) = (text(&directory.join("up")), text(&directory.join("data")));
    section.figures.push(time("aquariumd", &["up", &example, "--once", "--data", &data], directory, runs)?);
    Ok(section)
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
pub fn prepare(directory: &Path, users: u32) -> Result<usize, String> {
    let up = directory.join("up");
    std::fs::create_dir_all(&up).map_err(|error| format!("cannot make `{}`: {error}", up.display()))?;
    let policy = "policy.aquarium.yaml";
    let example = crate::root().join("examples/quickstart").join(policy);
    std::fs::copy(&example, up.join(policy)).map_err(|error| format!("cannot copy the policy: {error}"))?;
    let file = up.join("events.ndjson");
    events::write(&events::Options::with_users(users, file.clone()))?;
    let events =
        std::fs::read(&file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Ok(events.iter().filter(|byte| **byte == b'\n').count())
}

fn time(name: &str, arguments: &[&str], directory: &Path, runs: usize) -> Result<Figure, String> {
    let millis = (0..runs).map(|_| once(name, arguments, directory)).collect::<Result<Vec<_>, _>>()?;
    let words = arguments.join(" ").replace(&format!("{}/", text(&crate::root())), "");
    Ok(Figure::new(format!("`{name} {words}`"), "ms", millis))
}

/// The wall time of one run in milliseconds, from a clean data directory, its output thrown away.
fn once(name: &str, arguments: &[&str], directory: &Path) -> Result<f64, String> {
    clear(&directory.join("data"))?;
    let mut command = program(released(name), arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("`{name}` does not start: {error}"))?;
    let millis = start.elapsed().as_secs_f64() * 1_000.0;
    if status.success() { Ok(millis) } else { Err(format!("`{name}` failed: {status}")) }
}

/// Removes a data directory, should there be one.
pub fn clear(data: &Path) -> Outcome {
    if data.exists() {
        std::fs::remove_dir_all(data)
            .map_err(|error| format!("cannot clear `{}`: {error}", data.display()))?;
    }
    Ok(())
}
