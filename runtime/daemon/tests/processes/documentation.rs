//! The examples of the page about HTTP, run as they stand there, against the quickstart.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Daemon, text};

/// Instants from here on are those of the run, not of the example: 2026.
const RUN_MILLIS: i64 = 1_767_225_600_000;

/// An example: what is typed, and what is answered.
struct Example {
    line: usize,
    command: String,
    kind: String,
    answer: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Commands with the answers that follow them.
fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let block = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let block: String = block.map(|line| format!("{line}\n")).collect();
        if kind == "sh" {
            let (command, kind, answer) = (block, String::new(), String::new());
            found.push(Example { line: number + 1, command, kind, answer });
        } else if let Some(example) = found.last_mut().filter(|example| example.answer.is_empty()) {
            (example.kind, example.answer) = (kind.to_owned(), block);
        }
    }
    found
}

fn values(text: &str) -> Vec<Value> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    values.unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether an answer is as it stands on the page: instants of the run and digests are so by their form.
fn same(shown: &Value, given: &Value) -> bool {
    let of_the_run = |value: &Value| value.as_i64().is_some_and(|value| value >= RUN_MILLIS);
    let digest = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        [32, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match (shown, given) {
        (Value::Array(shown), Value::Array(given)) => {
            shown.len() == given.len() && shown.iter().zip(given).all(|(shown, given)| same(shown, given))
        }
        (Value::Object(shown), Value::Object(given)) => {
            shown.len() == given.len()
                && shown.iter().all(|(name, shown)| given.get(name).is_some_and(|given| same(shown, given)))
        }
        _ => shown == given || of_the_run(shown) && of_the_run(given) || digest(shown) && digest(given),
    }
}

#[test]
fn the_examples_of_the_page_about_http_are_true() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data").to_str().unwrap().to_owned();
    let quickstart = root().join("examples/quickstart");
    let daemon =
        Daemon::start(&["up", quickstart.to_str().unwrap(), "--data", &data, "--listen", "127.0.0.1:0"]);
    let page = std::fs::read_to_string(root().join("docs/rest.md")).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 10, "{}", examples.len());
    let mut wrong = Vec::new();
    for Example { line, command, kind, answer } in examples {
        let command = command.replace("localhost:8888", &daemon.address);
        let command = command.replace("examples/quickstart/.aquarium", &data);
        let output = Command::new("bash").args(["-e", "-c", &command]).output().unwrap();
        let given = text(&output.stdout);
        let fits = match kind.as_str() {
            "json" => {
                let (shown, given) = (values(&answer), values(&given));
                shown.len() == given.len() && shown.iter().zip(&given).all(|(one, other)| same(one, other))
            }
            _ => answer.trim() == given.trim(),
        };
        if !fits || !output.status.success() {
            wrong.push(format!("docs/rest.md:{line}: answered\n{given}{}", text(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
