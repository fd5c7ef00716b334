//! Whether the tests of charging catch a wrong fold: each patch of `runtime/charging/tests/wrong_folds` is applied
//! to a copy of the sources, and the tests are run on it until one fails.

#[path = "../../runtime/charging/tests/wrong_folds/patch.rs"]
mod patch;

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
const TESTS: [&str; 5] = ["hand_worked", "bad_input", "naive", "laws", "announcements"];
/// Makes the copy build fast: one program of all tests, nothing optimised for the sake of a few cases.
const PROFILE: &str = "\n[profile.dev.package.aquarium-charging]\nopt-level = 0\ndebug = false\n";

/// The stack of each test.
const STACK_BYTES: usize = 64 << 20;
/// A wrong fold may never end.
const TIME_MAX: Duration = Duration::from_secs(600);

/// How the wrong folds are tried.
#[derive(Args)]
pub struct Options {
    /// Only those whose name holds this text.
    #[arg(long)]
    only: Option<String>,
    /// Cases of each law.
    #[arg(long, default_value_t = 400)]
    cases: u32,
    /// The seed from which the cases are generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What became of a wrong fold.
struct Verdict {
    name: String,
    caught_by: Option<Caught>,
}

struct Caught {
    test: String,
    after: Option<u64>,
}

/// Tries all, prints a table in Markdown, fails if one survives.
pub fn run(options: &Options) -> Outcome {
    let tree = crate::root().join("target/wrong-folds");
    prepare(&tree)?;
    let right = try_one(&tree, options)?;
    if let Some(caught) = right {
        return Err(format!("without any patch `{}` fails", caught.test));
    }
    let mut verdicts = Vec::new();
    for path in patches(options)? {
        let verdict = with_patch(&tree, &path, options)?;
        println!("{}", row(&verdict));
        verdicts.push(verdict);
    }
    println!("\n| wrong fold | caught by | after cases |\n|---|---|---|");
    verdicts.iter().for_each(|verdict| println!("{}", row(verdict)));
    let survivors: Vec<&str> =
        verdicts.iter().filter(|it| it.caught_by.is_none()).map(|it| it.name.as_str()).collect();
    println!("\n{} wrong folds, {} caught", verdicts.len(), verdicts.len() - survivors.len());
    if survivors.is_empty() { Ok(()) } else { Err(format!("not caught: {}", survivors.join(", "))) }
}

fn row(verdict: &Verdict) -> String {
    let (test, after) =
        verdict.caught_by.as_ref().map_or(("**nothing**", None), |it| (it.test.as_str(), it.after));
    let after = after.map_or_else(String::new, |after| after.to_string());
    format!("| {} | {test} | {after} |", verdict.name)
}

/// The patches, by name.
fn patches(options: &Options) -> Result<Vec<PathBuf>, String> {
    let directory = crate::root().join("runtime/charging/tests/wrong_folds");
    let entries =
        fs::read_dir(&directory).map_err(|error| format!("cannot list `{}`: {error}", text(&directory)))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let wanted = |path: &PathBuf| options.only.as_ref().is_none_or(|only| text(path).contains(only.as_str()));
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

fn with_patch(tree: &Path, path: &Path, options: &Options) -> Result<Verdict, String> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let patch = Patch::read(&read(path)?).map_err(|why| format!("{name}: {why}"))?;
    let file = tree.join(&patch.path);
    let source = read(&file)?;
    write(&file, &patch.apply(&source).map_err(|why| format!("{name}: {why}"))?)?;
    let caught = try_one(tree, options).map_err(|why| format!("{name}: {why}"));
    write(&file, &source)?;
    Ok(Verdict { name, caught_by: caught? })
}

/// Builds the copy and runs the tests until one fails.
fn try_one(tree: &Path, options: &Options) -> Result<Option<Caught>, String> {
    let program = build(tree)?;
    for test in TESTS {
        let mut command = Command::new(&program);
        command.current_dir(tree.join("runtime/charging")).args([test, "--test-threads", "2"]);
        command.env("AQUARIUM_CASES", options.cases.to_string());
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
    command.current_dir(tree).env("CARGO_TARGET_DIR", crate::root().join("target"));
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
