//! What holds without running the product: formatting, lints, spelling, dependencies, generated files.

use crate::command::{Outcome, cargo, program, run, steps};
use crate::{events, tools};

/// A workspace of its own, which no other command touches.
const YARDSTICKS: &str = "yardsticks/Cargo.toml";

/// All of it.
pub fn all() -> Outcome {
    steps(&[
        ("set-up", &tools::install_all),
        ("formatting", &formatting),
        ("clippy", &clippy),
        ("yardsticks", &yardsticks),
        ("spelling", &spelling),
        ("dependencies", &dependencies),
        ("generated files", &events::check),
    ])
}

fn formatting() -> Outcome {
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&["fmt", "--check", "--manifest-path", YARDSTICKS]))
}

fn clippy() -> Outcome {
    run(cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Their lock file follows what the workspace depends on; to build them here would take interpreters of other languages.
fn yardsticks() -> Outcome {
    run(cargo(&["update", "--quiet", "--workspace", "--locked", "--manifest-path", YARDSTICKS]))
}

fn spelling() -> Outcome {
    run(program(tools::typos_path(), &["--config", "typos.toml"]))
}

/// Those of other platforms count, too: nothing has asked for their sources yet on a machine that has built for itself alone.
fn dependencies() -> Outcome {
    run(cargo(&["fetch", "--quiet", "--locked"]))?;
    run(program(tools::cargo_deny_path(), &["--offline", "check", "bans", "licenses", "sources"]))
}
