//! `aquariumc check`, and the analysis that other verbs begin with.

use std::process::ExitCode;

use aquarium_compiler::{Analysis, Severity};
use aquarium_ir::Policy;
use clap::Args;

use crate::arguments::{Deny, PolicyPaths};
use crate::failure::{FINDINGS, Failure};
use crate::{inputs, report};

/// `aquariumc check`
#[derive(Args)]
pub struct Check {
    /// What to check.
    #[command(flatten)]
    pub policy: PolicyPaths,
}

/// Reports all findings.
pub fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let checked = analyze_and_report(&arguments.policy)?;
    Ok(ExitCode::from(if checked.refused { FINDINGS } else { 0 }))
}

/// A policy whose findings were reported.
pub struct Checked {
    /// The compiled policy, unless there is an error in it.
    pub policy: Option<Policy>,
    /// Whether an error or a denied warning was found.
    pub refused: bool,
}

/// Analyses the policy and writes its findings: to standard error for people, else to standard output.
pub fn analyze_and_report(arguments: &PolicyPaths) -> Result<Checked, Failure> {
    let inputs = inputs::read(&arguments.paths)?;
    let analysis = aquarium_compiler::analyze(inputs.files);
    report::write(&analysis, &inputs.directory, arguments.format)?;
    let refused = is_refused(&analysis, arguments.deny == Some(Deny::Warnings));
    Ok(Checked { policy: analysis.policy, refused })
}

fn is_refused(analysis: &Analysis, deny_warnings: bool) -> bool {
    analysis.policy.is_none()
        || analysis.diagnostics.iter().any(|found| match found.severity {
            Severity::Error => true,
            Severity::Warning => deny_warnings,
            Severity::Hint => false,
        })
}
