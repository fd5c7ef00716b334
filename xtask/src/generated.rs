//! Files that follow from what `aquariumc` is: completions, man pages, the index of findings, the schema for editors.

use crate::command::{Outcome, cargo, program, run, text};
use crate::test::built;
use crate::tools;

/// Writes them anew. That they are current is a test of the compiler's command line.
pub fn write() -> Outcome {
    run(cargo(&["build", "--quiet", "--workspace", "--bin", "aquariumc"]))?;
    run(program(built("aquariumc"), &["generate", "."]))?;
    std::fs::write(crate::root().join(COMPILED), compiled()?)
        .map_err(|error| format!("cannot write `{COMPILED}`: {error}"))
}

/// The JSON Schema of compiled policies.
const COMPILED: &str = "docs/schemas/compiled.schema.json";

/// Fails where the committed schema is not that of the types.
pub fn check_compiled() -> Outcome {
    let committed = std::fs::read_to_string(crate::root().join(COMPILED))
        .map_err(|error| format!("cannot read `{COMPILED}`: {error}"))?;
    let is_current = committed == compiled()?;
    if is_current { Ok(()) } else { Err(format!("`{COMPILED}` is stale: run `cargo xtask generate`")) }
}

/// What the types of `aquarium-ir` say. Built apart, so that nothing else carries what describes types.
fn compiled() -> Result<String, String> {
    let mut command =
        cargo(&["run", "--quiet", "-p", "aquarium-ir", "--features", "schema", "--example", "schema"]);
    let output = command.output().map_err(|error| format!("cannot run the schema's program: {error}"))?;
    if !output.status.success() {
        return Err(format!("the schema's program failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// What the compiler writes and what the repository offers is what others' schemas want.
pub fn check_schemas() -> Outcome {
    let python = tools::directory().join("python/bin/python");
    let compiler = text(&built("aquariumc"));
    run(program(&python, &["tests/schemas/check.py", &compiler]))?;
    check_compiled()?;
    run(program(&python, &["tests/schemas/compiled.py", &compiler, COMPILED]))
}
