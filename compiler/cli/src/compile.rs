//! `aquariumc compile`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use aquarium_compiler::EmitOptions;
use aquarium_ir::Policy;
use clap::{Args, ValueEnum};

use crate::arguments::PolicyPaths;
use crate::check::analyze_and_report;
use crate::failure::{FINDINGS, Failure};
use crate::{files, inputs};

/// `aquariumc compile`
#[derive(Args)]
pub struct Compile {
    /// What to compile.
    #[command(flatten)]
    pub policy: PolicyPaths,
    /// Where to write; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "policy.wasm")]
    pub output: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Emit::Wasm)]
    pub emit: Emit,
    /// Use plain 64-bit instructions only, for engines without wide arithmetic.
    #[arg(long)]
    pub no_wide_arithmetic: bool,
}

/// What `compile` writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// The module.
    Wasm,
    /// The module as text.
    Wat,
    /// The typed intermediate representation as JSON.
    Ir,
}

/// Checks, then writes the module (or its text, or the IR). Nothing is written where there is an error.
pub fn run(arguments: &Compile) -> Result<ExitCode, Failure> {
    let checked = analyze_and_report(&arguments.policy)?;
    if checked.refused {
        return Ok(ExitCode::from(FINDINGS));
    }
    let mut analysis = checked.analysis;
    if analysis.policy().is_none() {
        return Ok(ExitCode::from(FINDINGS));
    }
    // What the policy was made from is let go before the module is written, but for the texts that go into it.
    let files = std::mem::take(&mut analysis.files);
    let Some(policy) = analysis.into_policy() else { return Ok(ExitCode::from(FINDINGS)) };
    let options = EmitOptions { wide_arithmetic: !arguments.no_wide_arithmetic, sources: &files };
    let bytes = emit(&policy, arguments.emit, options)?;
    if inputs::is_standard_input(&arguments.output) {
        std::io::stdout().lock().write_all(&bytes)?;
    } else {
        files::write(&arguments.output, &bytes)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn emit(policy: &Policy, emit: Emit, options: EmitOptions<'_>) -> Result<Vec<u8>, Failure> {
    if emit == Emit::Ir {
        let mut json =
            serde_json::to_vec_pretty(policy).map_err(|error| Failure::Defect(error.to_string()))?;
        json.push(b'\n');
        return Ok(json);
    }
    let module =
        aquarium_compiler::emit(policy, options).map_err(|error| Failure::Defect(error.to_string()))?;
    if emit == Emit::Wasm {
        return Ok(module);
    }
    wasmprinter::print_bytes(&module)
        .map(String::into_bytes)
        .map_err(|error| Failure::Defect(error.to_string()))
}
