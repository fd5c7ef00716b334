//! Where passwords are: in files or in variables of the environment, never in the configuration itself.

use std::fs;
use std::path::PathBuf;

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordPlace {
    /// In this file, but for white space around it.
    File(PathBuf),
    /// In this variable of the environment.
    Variable(String),
}

impl PasswordPlace {
    /// The place that is configured, the file first.
    pub fn of(file: Option<&PathBuf>, variable: Option<&String>) -> Option<Self> {
        file.cloned().map(Self::File).or_else(|| variable.cloned().map(Self::Variable))
    }

    /// Reads it, as it is now; says what cannot be read.
    pub fn read(&self) -> Result<String, String> {
        match self {
            Self::File(path) => fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("`{}`: {error}", path.display())),
            Self::Variable(name) => std::env::var(name).map_err(|_| format!("there is no variable `{name}`")),
        }
    }
}
