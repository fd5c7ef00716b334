//! `aquariumc compile`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aquarium_compiler::{CompiledModule, EmitOptions};
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
    match arguments.emit {
        Emit::Wasm => {
            let module = CompiledModule::new(&policy, options).map_err(defect)?;
            write(&arguments.output, |mut out| module.write_to(&mut out))?;
        }
        Emit::Wat => {
            let module = aquarium_compiler::emit(&policy, options).map_err(defect)?;
            let text = wasmprinter::print_bytes(&module).map_err(defect)?;
            write(&arguments.output, |out| out.write_all(text.as_bytes()))?;
        }
        Emit::Ir => write(&arguments.output, |out| {
            let mut out = BufWriter::new(out);
            serde_json::to_writer_pretty(&mut out, &policy)?;
            out.write_all(b"\n")?;
            out.flush()
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to a file, or to standard output.
fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    if inputs::is_standard_input(path) {
        Ok(content(&mut std::io::stdout().lock())?)
    } else {
        files::write_by(path, |mut file| content(&mut file))
    }
}

fn defect(error: impl ToString) -> Failure {
    Failure::Defect(error.to_string())
}
