//! How long an author waits for the language server, beside a server for YAML that has the language's schema.
//!
//! Both servers get the same client, files and edits, in turns, each warmed up before anything is counted.

mod client;
mod texts;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::released;
use super::report::{Section, Table};
use crate::command::{Outcome, program, run, text};
use client::Client;
use texts::{Place, places};

/// The server that ours is compared with.
const YAML_SERVER: &str = "yaml-language-server@2.0.0";
/// Turns of each server.
const ROUNDS: usize = 2;
/// Keystrokes that are not counted, at the beginning of a turn.
const WARM_UP: usize = 4;
/// Keystrokes of a turn, completions, and hovers: each comes to two or one of them.
const KEYSTROKES: usize = 30;

/// What is measured of a server.
#[derive(Default)]
struct Figures {
    ready: Vec<Duration>,
    opened: Vec<Duration>,
    keystroke: Vec<Duration>,
    completion: Vec<Duration>,
    hover: Vec<Duration>,
    workspace: Vec<Duration>,
    /// Of the server, for a keystroke and half a hover: it does not depend on what else the machine does.
    processor: Vec<Duration>,
    memory: u64,
}

/// A server that is measured.
struct Subject {
    name: &'static str,
    command: fn(&Path) -> Command,
    figures: Figures,
}

/// Measures both servers.
pub fn section(quick: bool) -> Result<Section, String> {
    let directory = crate::root().join("target/bench/editors");
    prepare(&directory)?;
    let mut subjects = [
        Subject {
            name: "aquarium-lsp",
            command: |_| program(released("aquarium-lsp"), &[]),
            figures: Figures::default(),
        },
        Subject { name: "yaml-language-server", command: yaml_server, figures: Figures::default() },
    ];
    let long = texts::long_policy();
    for _ in 0..if quick { 1 } else { ROUNDS } {
        for subject in &mut subjects {
            measure(subject, &directory, &long).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    let [ours, theirs] = &mut subjects;
    index(ours, &directory)?;
    Ok(shown(&mut ours.figures, &mut theirs.figures, long.lines().count()))
}

fn yaml_server(directory: &Path) -> Command {
    let server = directory.join("node_modules/yaml-language-server/bin/yaml-language-server");
    program("node", &[&text(&server), "--stdio"])
}

fn prepare(directory: &Path) -> Outcome {
    let unwritable = |error: std::io::Error| format!("cannot write `{}`: {error}", directory.display());
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    let manifest = directory.join("node_modules/yaml-language-server/package.json");
    let wanted = YAML_SERVER.rsplit('@').next().unwrap_or_default();
    let installed = std::fs::read_to_string(manifest).unwrap_or_default();
    if !installed.contains(&format!("\"version\": \"{wanted}\"")) {
        let place = text(directory);
        let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"];
        let mut words = vec!["install", "--prefix", &place, YAML_SERVER];
        words.extend(quiet);
        run(program("npm", &words))?;
    }
    std::fs::create_dir_all(directory.join("long")).map_err(unwritable)?;
    std::fs::write(directory.join("long/many.aquarium.yaml"), texts::long_policy()).map_err(unwritable)?;
    texts::write_workspace(&directory.join("workspace"))
}

/// One turn of a server: from its start to its end.
fn measure(subject: &mut Subject, directory: &Path, long: &str) -> Outcome {
    let uri = &format!("file://{}", text(&directory.join("long/many.aquarium.yaml")));
    let figures = &mut subject.figures;
    let begun = Instant::now();
    let mut client = Client::start((subject.command)(directory), settings())?;
    figures.ready.push(client.introduce(None, &Value::Null)? - begun);
    client.notify("workspace/didChangeConfiguration", &json!({"settings": null}))?;
    let item = json!({"uri": uri, "languageId": subject_language(subject.name), "version": 1, "text": long});
    let opened = client.notify("textDocument/didOpen", &json!({"textDocument": item}))?;
    figures.opened.push(client.findings(uri, <[Value]>::is_empty)? - opened);
    let places = places(long);
    let mut author = Author { client, uri, version: 1 };
    let chosen = |number: usize| places.get(number * 37 % places.len());
    for place in (0..WARM_UP).filter_map(chosen) {
        author.keystrokes(place)?;
    }
    let before = author.client.processor_time()?;
    for place in (WARM_UP..WARM_UP + KEYSTROKES).filter_map(chosen) {
        figures.keystroke.extend(author.keystrokes(place)?);
        figures.hover.push(author.ask("textDocument/hover", place.line, 8)?);
    }
    let worked = author.client.processor_time()?.saturating_sub(before);
    figures.processor.push(worked / u32::try_from(KEYSTROKES * 2).unwrap_or(1));
    for place in places.iter().filter(|place| place.is_value).cycle().take(KEYSTROKES) {
        figures.completion.push(author.completion(place)?);
    }
    figures.memory = figures.memory.max(author.client.memory()?);
    author.client.leave()
}

fn subject_language(name: &str) -> &str {
    if name == "aquarium-lsp" { "aquarium" } else { "yaml" }
}

/// The language's schema for the YAML server; ours has no settings of that name.
fn settings() -> Value {
    let schema = format!("file://{}", text(&crate::root().join("docs/schemas/policy.schema.json")));
    json!({"yaml": {"schemas": {schema: ["*.aquarium.yaml"]}, "validate": true, "hover": true,
        "completion": true, "schemaStore": {"enable": false}}})
}

/// Somebody who types.
struct Author<'a> {
    client: Client,
    uri: &'a str,
    version: i32,
}

impl Author<'_> {
    /// A letter too much, and its removal: how long until the mistake is shown, and until it is gone.
    fn keystrokes(&mut self, place: &Place) -> Result<[Duration; 2], String> {
        let (line, column) = (place.line, place.column);
        let typed = self.edit(line, [column, column], "x")?;
        let shown = self.client.findings(self.uri, |findings| !findings.is_empty())? - typed;
        let removed = self.edit(line, [column, column + 1], "")?;
        let gone = self.client.findings(self.uri, <[Value]>::is_empty)? - removed;
        Ok([shown, gone])
    }

    /// A letter typed behind a value, and the proposals that the editor asks for at once.
    fn completion(&mut self, place: &Place) -> Result<Duration, String> {
        let (line, column) = (place.line, place.column);
        self.edit(line, [column - 1, column], "")?;
        let took = self.ask("textDocument/completion", line, column - 1)?;
        let last = "e";
        self.edit(line, [column - 1, column - 1], last)?;
        Ok(took)
    }

    fn ask(&mut self, method: &str, line: u32, column: u32) -> Result<Duration, String> {
        let params =
            json!({"textDocument": {"uri": self.uri}, "position": {"line": line, "character": column}});
        let (asked, (heard, answer)) = self.client.ask(method, &params)?;
        match answer.get("result") {
            None | Some(Value::Null) => Err(format!("no answer to {method} at line {line}")),
            Some(_) => Ok(heard - asked),
        }
    }

    fn edit(&mut self, line: u32, columns: [u32; 2], new: &str) -> Result<Instant, String> {
        self.version += 1;
        let position = |character: u32| json!({"line": line, "character": character});
        let range = json!({"start": position(columns[0]), "end": position(columns[1])});
        let params = json!({"textDocument": {"uri": self.uri, "version": self.version},
            "contentChanges": [{"range": range, "text": new}]});
        self.client.notify("textDocument/didChange", &params)
    }
}

/// How long the first question about the whole workspace takes; the YAML server reads no file that is not open.
fn index(subject: &mut Subject, directory: &Path) -> Outcome {
    let folder = format!("file://{}", text(&directory.join("workspace")));
    for _ in 0..ROUNDS {
        let mut client = Client::start((subject.command)(directory), settings())?;
        client.introduce(Some(&folder), &Value::Null)?;
        let (asked, (heard, answer)) = client.ask("workspace/symbol", &json!({"query": "night"}))?;
        let found = answer.get("result").and_then(Value::as_array).map_or(0, Vec::len);
        if found != texts::FILES {
            return Err(format!("{found} of {} items were found in the workspace", texts::FILES));
        }
        subject.figures.workspace.push(heard - asked);
        subject.figures.memory = subject.figures.memory.max(client.memory()?);
        client.leave()?;
    }
    Ok(())
}

fn shown(ours: &mut Figures, theirs: &mut Figures, lines: usize) -> Section {
    let mut rows = Vec::new();
    let mut row = |title: &str, figure: fn(&mut Figures) -> &mut Vec<Duration>, share: usize| {
        rows.push(vec![title.to_owned(), millis(figure(ours), share), millis(figure(theirs), share)]);
    };
    row("ready, p50", |it| &mut it.ready, 50);
    row("opened: first findings, p50", |it| &mut it.opened, 50);
    row("keystroke to findings, p50", |it| &mut it.keystroke, 50);
    row("keystroke to findings, p99", |it| &mut it.keystroke, 99);
    row("processor time of a keystroke, p50", |it| &mut it.processor, 50);
    row("completion behind a keystroke, p50", |it| &mut it.completion, 50);
    row("completion behind a keystroke, p99", |it| &mut it.completion, 99);
    row("hover, p50", |it| &mut it.hover, 50);
    row("hover, p99", |it| &mut it.hover, 99);
    row("2,000 files indexed, p50", |it| &mut it.workspace, 50);
    let megabytes = |kibibytes: u64| format!("{} MB", kibibytes / 1024);
    rows.push(vec!["memory, most".to_owned(), megabytes(ours.memory), megabytes(theirs.memory)]);
    let mut section = Section::new("editors", format!("a policy of {lines} lines in both language servers"));
    let heads = ["figure", "aquarium-lsp", YAML_SERVER].map(str::to_owned).to_vec();
    section.tables.push(Table { heads, rows });
    section
}

/// The time under which a share of the samples stays.
fn millis(samples: &mut [Duration], share: usize) -> String {
    samples.sort();
    let at = (samples.len() * share).div_ceil(100).saturating_sub(1);
    let shown = |sample: &Duration| format!("{:.1} ms", sample.as_secs_f64() * 1000.0);
    samples.get(at).map_or_else(|| "none".to_owned(), shown)
}
