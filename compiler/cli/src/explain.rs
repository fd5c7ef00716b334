//! `aquariumc explain`.

use std::io::Write;
use std::process::ExitCode;

use aquarium_compiler::{Code, Severity};
use clap::Args;

use crate::failure::Failure;

/// `aquariumc explain`
#[derive(Args)]
pub struct Explain {
    /// A code (`AQ0401`) or a lint's name (`coverage-gap`); without it, the list of all.
    pub code: Option<String>,
}

/// Prints the long text of a code, or the list of all codes.
pub fn run(arguments: &Explain) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    match &arguments.code {
        None => list(&mut out)?,
        Some(text) => {
            let code = Code::find(text).ok_or_else(|| unknown(text))?;
            let entry = code.entry();
            let name = entry.name.map(|name| format!(" ({name})")).unwrap_or_default();
            writeln!(out, "{}{name}: {}\n\n{}", entry.id, entry.title, entry.explanation.trim_end())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(out: &mut impl Write) -> std::io::Result<()> {
    for code in Code::ALL {
        let entry = code.entry();
        let severity = match entry.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        writeln!(out, "{}  {severity:<7}  {:<26}  {}", entry.id, entry.name.unwrap_or("-"), entry.title)?;
    }
    Ok(())
}

fn unknown(text: &str) -> Failure {
    Failure::Use(format!("there is no code or lint `{text}`: `aquariumc explain` lists them all"))
}
