//! Everything that must hold before a change lands.

use crate::command::{Outcome, cargo, program, run, steps};
use crate::{lint, tools};

/// Lints, all tests, the README's commands, the editors.
pub fn all() -> Outcome {
    steps(&[
        ("set-up", tools::install_all),
        ("lints", lint::all),
        ("tests", tests),
        ("documentation", documentation),
        ("quickstart", quickstart),
        ("editors", editors),
    ])
}

fn tests() -> Outcome {
    run(cargo(&["test", "--workspace"]))
}

fn documentation() -> Outcome {
    let mut command = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run(command)
}

fn quickstart() -> Outcome {
    run(cargo(&["run", "--quiet", "--bin", "aquariumd", "--", "up", "examples/quickstart", "--once"]))
}

fn editors() -> Outcome {
    run(cargo(&["build", "--quiet", "--bin", "aquarium-lsp"]))?;
    run(program("bash", &["editors/vscode/e2e/run.sh"]))
}
