//! What holds without running the product: formatting, lints, spelling, dependencies, generated files.

use crate::command::{Outcome, cargo, program, run, steps};
use crate::{events, tools};

/// All of it.
pub fn all() -> Outcome {
    steps(&[
        ("set-up", &tools::install_all),
        ("formatting", &formatting),
        ("clippy", &clippy),
        ("spelling", &spelling),
        ("dependencies", &dependencies),
        ("generated files", &events::check),
    ])
}

fn formatting() -> Outcome {
    run(cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Outcome {
    run(cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn spelling() -> Outcome {
    run(program(tools::typos_path(), &["--config", "typos.toml"]))
}

fn dependencies() -> Outcome {
    run(program(tools::cargo_deny_path(), &["--offline", "check", "bans", "licenses", "sources"]))
}
