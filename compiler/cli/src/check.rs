//! `aquariumc check`, and the analysis that other verbs begin with.

mod fix;

use std::path::Path;
use std::process::ExitCode;

use aquarium_compiler::{Analysis, Code, Severity};
use clap::Args;

use crate::arguments::{Deny, PolicyPaths};
use crate::failure::{FINDINGS, Failure};
use crate::{files, inputs, messages, report};

/// `aquariumc check`
#[derive(Args)]
pub struct Check {
    /// What to check.
    #[command(flatten)]
    pub policy: PolicyPaths,
    /// First apply what findings offer as a fix, in the files; what is left is reported.
    #[arg(long)]
    pub fix: bool,
}

/// Reports all findings.
pub fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let checked = if arguments.fix {
        fix_and_report(&arguments.policy)?
    } else {
        analyze_and_report(&arguments.policy)?
    };
    Ok(ExitCode::from(if checked.refused { FINDINGS } else { 0 }))
}

/// A policy whose findings were reported.
pub struct Checked {
    /// What is known of it.
    pub analysis: Analysis,
    /// Whether an error or a denied warning was found.
    pub refused: bool,
}

/// Analyses the policy and writes its findings: to standard error for people, else to standard output.
pub fn analyze_and_report(arguments: &PolicyPaths) -> Result<Checked, Failure> {
    let inputs = inputs::read(&arguments.paths)?;
    let analysis = aquarium_compiler::analyze(inputs.files);
    report(analysis, &inputs.directory, arguments)
}

fn report(analysis: Analysis, directory: &Path, arguments: &PolicyPaths) -> Result<Checked, Failure> {
    match report::write(&analysis, directory, arguments.format) {
        // Nobody reads on; what was found still decides how it ends.
        Ok(()) | Err(Failure::ClosedPipe) => {}
        Err(failure) => return Err(failure),
    }
    let refused = is_refused(&analysis, arguments.deny == Some(Deny::Warnings));
    Ok(Checked { analysis, refused })
}

/// Applies fixes and writes the files that they change; then the same of what is left.
fn fix_and_report(arguments: &PolicyPaths) -> Result<Checked, Failure> {
    if arguments.paths.iter().any(|path| inputs::is_standard_input(path)) {
        return Err(Failure::Use("`--fix` changes files: it cannot change standard input".to_owned()));
    }
    let mut inputs = inputs::read(&arguments.paths)?;
    let fixed = fix::apply(std::mem::take(&mut inputs.files));
    for (file, counts) in fixed.analysis.files.iter().zip(&fixed.counts) {
        if counts.is_empty() {
            continue;
        }
        files::write(inputs.path_of(file), &file.bytes)?;
        let counts: Vec<String> = counts.iter().map(|(code, count)| described(*code, *count)).collect();
        messages::say(format_args!(
            "fixed `{}`: {}",
            inputs::shown(&inputs.directory, file),
            counts.join(", ")
        ));
    }
    report(fixed.analysis, &inputs.directory, arguments)
}

fn described(code: Code, count: usize) -> String {
    let entry = code.entry();
    let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
    format!("{}{times}", entry.name.unwrap_or(entry.id))
}

fn is_refused(analysis: &Analysis, deny_warnings: bool) -> bool {
    !analysis.compiles()
        || analysis.diagnostics.iter().any(|found| match found.severity {
            Severity::Error => true,
            Severity::Warning => deny_warnings,
            Severity::Hint => false,
        })
}
