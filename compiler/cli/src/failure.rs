//! Why a verb could not do its work, and the exit code that says so.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::messages;

/// The exit code of an error in the policy or the events.
pub const FINDINGS: u8 = 1;
/// The exit code of wrong use: a missing file, an option that makes no sense.
const WRONG_USE: u8 = 2;
/// The exit code of a defect.
const DEFECT: u8 = 3;

/// A failure of the command itself, not a finding in a policy.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A path cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A path cannot be written.
    #[error("cannot write `{}`: {reason}", path.display())]
    Unwritable {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Anything else that the user can mend.
    #[error("{0}")]
    Use(String),
    /// A defect of this program.
    #[error("internal error: {0}; please report it with the input that caused it")]
    Defect(String),
    /// Whoever reads our output has gone away: nothing to say, nobody to say it to.
    #[error("standard output is closed")]
    ClosedPipe,
}

impl Failure {
    /// A path that cannot be read.
    pub fn unreadable(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Unreadable { path: path.into(), reason: reason.to_string() }
    }

    /// A path that cannot be written.
    pub fn unwritable(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Unwritable { path: path.into(), reason: reason.to_string() }
    }

    /// Says what is wrong on standard error.
    pub fn report(&self) -> ExitCode {
        let code = match self {
            Self::ClosedPipe => return ExitCode::SUCCESS,
            Self::Defect(_) => DEFECT,
            Self::Unreadable { .. } | Self::Unwritable { .. } | Self::Use(_) => WRONG_USE,
        };
        messages::say(format_args!("aquariumc: {self}"));
        ExitCode::from(code)
    }
}

/// Failures to write to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Use(format!("cannot write to standard output: {error}"))
    }
}
