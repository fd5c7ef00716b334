//! Whether the tests of charging catch a wrong fold: each patch of `runtime/charging/tests/wrong_folds` is applied
//! to a copy of the sources, and the tests are run on it until one fails. What caught each stands in a table beside
//! the patches.

#[path = "../../runtime/charging/tests/wrong_folds/patch.rs"]
mod patch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use self::patch::Patch;
use crate::command::{Outcome, cargo, text};

/// What is copied: the workspace as far as cargo must read it, and all that the tests are built from.
const COPIED: [&str; 9] =
    ["Cargo.toml", "Cargo.lock", "compiler", "grammar", "lsp", "runtime", "xtask", "clippy.toml", "examples"];
/// The tests, the quickest first.
const TESTS: [&str; 8] =
    ["hand_worked", "corrections", "course", "naive", "laws", "announcements", "minutes", "bad_input"];
/// The test of the generator itself; that it counts less of something proves little about a fold.
const SKIPPED: &str = "the_generated_cases";
/// Makes the copy build fast: one program of all tests, optimised no more than a few cases are worth.
const PROFILE: &str = "\n[profile.dev.package.aquarium-charging]\nopt-level = 1\ndebug = false\n";
/// Most wrong folds are caught by few cases: all tests are run with a part of the cases first.
const QUICK_PART: u32 = 10;

/// The stack of each test.
const STACK_BYTES: usize = 64 << 20;
/// A wrong fold may never end.
const TIME_MAX: Duration = Duration::from_secs(600);

/// How the wrong folds are tried.
#[derive(Args)]
pub struct Options {
    /// Only those whose name holds this text; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Cases of each law.
    #[arg(long, default_value_t = 500)]
    cases: u32,
    /// The seed from which the cases are generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The test that caught a wrong fold, and how many cases it took.
struct Caught {
    test: String,
    after: Option<u64>,
}

/// Tries all, keeps the table, fails if one survives.
pub fn run(options: &Options) -> Outcome {
    let tree = crate::root().join("target/wrong-folds");
    prepare(&tree)?;
    // That the right fold passes with all cases is what the test command shows.
    let right = try_one(&tree, options, &[quick(options)])?;
    if let Some(caught) = right {
        return Err(format!("without any patch `{}` fails", caught.test));
    }
    let mut table = Table::read()?;
    let patches = patches(options)?;
    let mut survivors = Vec::new();
    for path in &patches {
        let name = stem(path);
        match with_patch(&tree, path, options) {
            Ok(caught) => {
                println!("{}", table.note(&name, caught.as_ref()));
                table.write()?;
                survivors.extend(caught.is_none().then_some(name));
            }
            Err(why) => {
                println!("{name}: {why}");
                survivors.push(name);
            }
        }
    }
    println!("\n{} wrong folds, {} caught", patches.len(), patches.len() - survivors.len());
    if survivors.is_empty() { Ok(()) } else { Err(format!("not caught: {}", survivors.join(", "))) }
}

/// The table of all wrong folds, by name; a run over some of them changes only their rows.
struct Table {
    path: PathBuf,
    rows: BTreeMap<String, String>,
}

impl Table {
    const HEADER: &str = "\
# Wrong folds

Each patch makes the fold wrong in one place. `cargo xtask wrong-folds` applies one after the other to a copy of the
sources, runs the tests of the crate until one fails, and keeps this table; it fails where no test does. Cases are
those that a property had passed or failed by then, counted from 1.

| wrong fold | what is wrong | caught by | after cases |
|---|---|---|---|
";

    fn read() -> Result<Self, String> {
        let path = directory().join("README.md");
        let text = if path.exists() { read(&path)? } else { String::new() };
        let row =
            |line: &str| Some((line.strip_prefix("| ")?.split(' ').next()?.to_owned(), line.to_owned()));
        let mut rows: BTreeMap<String, String> = text.lines().filter_map(row).collect();
        rows.retain(|name, _| directory().join(format!("{name}.patch")).exists());
        Ok(Self { path, rows })
    }

    /// Sets a row, and gives it.
    fn note(&mut self, name: &str, caught: Option<&Caught>) -> &str {
        let what = name.split_once('-').map_or(name, |(_, what)| what).replace('-', " ");
        let (test, after) = caught.map_or(("**nothing**", None), |it| (it.test.as_str(), it.after));
        let after = after.map_or_else(String::new, |after| after.to_string());
        let row = self.rows.entry(name.to_owned()).or_default();
        *row = format!("| {name} | {what} | {test} | {after} |");
        row
    }

    fn write(&self) -> Outcome {
        let rows: Vec<&str> = self.rows.values().map(String::as_str).collect();
        write(&self.path, &format!("{}{}\n", Self::HEADER, rows.join("\n")))
    }
}

/// Where the patches are.
fn directory() -> PathBuf {
    crate::root().join("runtime/charging/tests/wrong_folds")
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The patches, by name.
fn patches(options: &Options) -> Result<Vec<PathBuf>, String> {
    let directory = directory();
    let entries =
        fs::read_dir(&directory).map_err(|error| format!("cannot list `{}`: {error}", text(&directory)))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let named = |path: &PathBuf| options.only.iter().any(|only| stem(path).contains(only.as_str()));
    let wanted = |path: &PathBuf| options.only.is_empty() || named(path);
    paths.retain(|path| path.extension().is_some_and(|it| it == "patch") && wanted(path));
    paths.sort();
    Ok(paths)
}

/// A copy of the sources in which the tests of charging are one program.
fn prepare(tree: &Path) -> Outcome {
    fs::create_dir_all(tree).map_err(|error| format!("cannot make `{}`: {error}", text(tree)))?;
    for name in COPIED {
        copy(&crate::root().join(name), &tree.join(name))?;
    }
    let manifest = tree.join("Cargo.toml");
    let workspace = read(&manifest)?.replace("aquarium-charging = { opt-level = 3 }\n", "");
    write(&manifest, &(workspace + PROFILE))?;
    let tests = tree.join("runtime/charging/tests");
    for test in TESTS {
        // What the tests share is compiled once.
        let path = tests.join(format!("{test}.rs"));
        write(&path, &read(&path)?.replace("\nmod common;\n", "\nuse crate::common;\n"))?;
    }
    let modules = TESTS.map(|test| format!("#[path = \"{test}.rs\"]\nmod {test};\n")).concat();
    let header = "#![allow(missing_docs, clippy::all, reason = \"a copy\")]\nmod common;\n";
    write(&tests.join("all.rs"), &format!("{header}{modules}"))
}

/// Copies a file, or the sources of a directory. What has not changed is left as it is, so that cargo sees that.
fn copy(from: &Path, to: &Path) -> Outcome {
    if from.is_file() {
        let content = fs::read(from).map_err(|error| format!("cannot read `{}`: {error}", text(from)))?;
        if fs::read(to).ok().as_ref() != Some(&content) {
            fs::write(to, content).map_err(|error| format!("cannot write `{}`: {error}", text(to)))?;
        }
        return Ok(());
    }
    fs::create_dir_all(to).map_err(|error| format!("cannot make `{}`: {error}", text(to)))?;
    let entries = fs::read_dir(from).map_err(|error| format!("cannot list `{}`: {error}", text(from)))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name() != "target" && entry.file_name() != "node_modules" {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn with_patch(tree: &Path, path: &Path, options: &Options) -> Result<Option<Caught>, String> {
    let patch = Patch::read(&read(path)?)?;
    let file = tree.join(&patch.path);
    let source = read(&file)?;
    write(&file, &patch.apply(&source)?)?;
    let caught = try_one(tree, options, &[quick(options), options.cases]);
    write(&file, &source)?;
    caught
}

fn quick(options: &Options) -> u32 {
    options.cases.div_ceil(QUICK_PART)
}

/// Builds the copy and runs the tests, in rounds of so many cases, until one fails.
fn try_one(tree: &Path, options: &Options, rounds: &[u32]) -> Result<Option<Caught>, String> {
    let program = build(tree)?;
    let directory = tree.join("runtime/charging");
    for (cases, test) in rounds.iter().flat_map(|cases| TESTS.map(|test| (cases, test))) {
        // What another wrong fold failed at is not tried first.
        let _ = fs::remove_file(directory.join("tests/seeds.txt"));
        let mut command = Command::new(&program);
        command.current_dir(&directory).args([test, "--test-threads", "2", "--skip", SKIPPED]);
        command.env("AQUARIUM_CASES", cases.to_string());
        command.env("PROPTEST_RNG_SEED", options.seed.to_string());
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
        // What is not optimised needs more.
        command.env("RUST_MIN_STACK", STACK_BYTES.to_string());
        let log = tree.join("output.txt");
        if !passes(command, &log)? {
            return Ok(Some(Caught::of(&read(&log)?)));
        }
    }
    Ok(None)
}

/// Whether a program exits with 0 within its time; what it prints goes to a file.
fn passes(mut command: Command, log: &Path) -> Result<bool, String> {
    let file = fs::File::create(log).map_err(|error| format!("cannot write `{}`: {error}", text(log)))?;
    let mut child = command
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the tests do not start: {error}"))?;
    let start = Instant::now();
    while start.elapsed() < TIME_MAX {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(format!("the tests are lost: {error}")),
        }
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| format!("the tests do not end: {error}"))?;
    Ok(false)
}

/// The program of all tests.
fn build(tree: &Path) -> Result<PathBuf, String> {
    let mut command = cargo(&["test", "--quiet", "-p", "aquarium-charging", "--test", "all", "--no-run"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command.current_dir(tree).env("CARGO_TARGET_DIR", tree.join("target"));
    let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("it does not build:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let path = stdout.split("\"executable\":\"").skip(1).filter_map(|rest| rest.split('"').next()).last();
    path.map(PathBuf::from).ok_or_else(|| "cargo names no program".to_owned())
}

impl Caught {
    /// What the test harness printed: the first test that failed, and how many cases it had passed.
    fn of(output: &str) -> Self {
        let failed = output.lines().find_map(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----"));
        let test = failed.unwrap_or("a test that did not end").to_owned();
        let own = output.split(&format!("---- {test} stdout ----")).nth(1).unwrap_or_default();
        let passed =
            own.split("successes: ").nth(1).and_then(|rest| rest.lines().next()?.trim().parse::<u64>().ok());
        Self { test, after: passed.map(|passed| passed + 1) }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", text(path)))
}

fn write(path: &Path, content: &str) -> Outcome {
    fs::write(path, content).map_err(|error| format!("cannot write `{}`: {error}", text(path)))
}
