//! Everything that must hold before a change lands.

use std::path::PathBuf;

use crate::command::{Outcome, cargo, program, run, steps, text};
use crate::{generated, interface, lint};

/// How many generated cases the independent reading compares: some seconds' worth.
const CASES: &str = "400";
/// How many generated cases have their policies formatted.
const LAYOUTS: &str = "100";

/// How the tests are run.
#[derive(clap::Args)]
pub struct Options {
    /// Seed of what is generated: the same seed makes the same cases, so that a change is judged by itself alone
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Lints, all tests, the README's commands, the editors.
///
/// Everything is built once, as one workspace: building a part by itself selects other features of shared
/// dependencies and would build the engine again.
pub fn all(options: &Options) -> Outcome {
    steps(&[
        ("set-up and lints", &lint::all),
        ("build", &build),
        ("tests", &|| tests(options)),
        ("documentation", &documentation),
        ("schemas", &generated::check_schemas),
        ("quickstart", &quickstart),
        ("interface", &interface::all),
        ("independent reading", &independent_reading),
        ("console", &console),
        ("editors", &editors),
    ])
}

/// Builds everything, as tests and benches share it.
pub fn build() -> Outcome {
    run(cargo(&["build", "--quiet", "--workspace", "--all-targets"]))
}

fn tests(options: &Options) -> Outcome {
    let mut command = cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    command.env("PROPTEST_RNG_SEED", options.seed.to_string());
    run(command)?;
    run(cargo(&["test", "--workspace", "--doc"]))
}

fn documentation() -> Outcome {
    let mut command = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run(command)
}

/// The README's first command, with a directory of its own for the data.
fn quickstart() -> Outcome {
    let data = crate::root().join("target/quickstart");
    if data.exists() {
        std::fs::remove_dir_all(&data)
            .map_err(|error| format!("cannot clear `{}`: {error}", data.display()))?;
    }
    run(program(built("aquariumd"), &["up", "examples/quickstart", "--once", "--data", &text(&data)]))
}

/// Generated policies and events, against a reading of the rules in another language.
fn independent_reading() -> Outcome {
    let compiler = text(&built("aquariumc"));
    run(program("python3", &["tests/oracle/compare.py", &compiler, CASES]))?;
    run(program("python3", &["tests/oracle/layout.py", &compiler, LAYOUTS]))
}

/// The console in a browser: every page, by keys, without scripts, in light and dark.
pub fn console() -> Outcome {
    let mut browser = program("bash", &["tests/console/run.sh"]);
    browser.env("AQUARIUMD", built("aquariumd"));
    run(browser)
}

/// The extension in a real workbench, and scripted sessions of other editors.
fn editors() -> Outcome {
    let mut workbench = program("bash", &["editors/vscode/e2e/run.sh"]);
    workbench.env("AQUARIUM_LSP", built("aquarium-lsp")).env("AQUARIUMC", built("aquariumc"));
    run(workbench)?;
    session("nvim", &["--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", "editors/neovim/test.lua"])?;
    session("emacs", &["--batch", "-l", "editors/emacs/test.el"])
}

/// An editor that writes a policy by a script.
fn session(editor: &str, arguments: &[&str]) -> Outcome {
    let mut session = program(editor, arguments);
    let policy = "editors/vscode/e2e/workspace/teams/teams.aquarium.yaml";
    session.env("AQUARIUM_LSP", built("aquarium-lsp")).env("POLICY", crate::root().join(policy));
    run(session)
}

/// A program that the build step made.
pub fn built(name: &str) -> PathBuf {
    crate::root().join("target/debug").join(name)
}
