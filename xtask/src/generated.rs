//! Files that follow from what `aquariumc` is: completions, man pages, the index of findings, the schema for editors.

use crate::command::{Outcome, cargo, program, run, text};
use crate::test::built;
use crate::tools;

/// Writes them anew. That they are current is a test of the compiler's command line.
pub fn write() -> Outcome {
    run(cargo(&["build", "--quiet", "--workspace", "--bin", "aquariumc"]))?;
    run(program(built("aquariumc"), &["generate", "."]))
}

/// What the compiler writes and what the repository offers is what others' schemas want.
pub fn check_schemas() -> Outcome {
    let python = tools::directory().join("python/bin/python");
    run(program(python, &["tests/schemas/check.py", &text(&built("aquariumc"))]))
}
