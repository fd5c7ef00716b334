//! From trees to names, inheritance, types, IR and WebAssembly; and the findings on the way.
//!
//! Analysis always returns what could be understood *and* what is wrong with it; no input makes it
//! panic. This crate reads no file, clock or environment: its caller hands it the texts.

pub mod diagnostic;
pub mod position;
pub mod price;
pub mod unit;

use aquarium_ir::Policy;

pub use diagnostic::{Code, Diagnostic, Edit, FileId, FileSpan, Fix, Label, Severity};
pub use position::LineIndex;

/// One file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as it is to be shown: relative to the nearest common directory of the paths given.
    pub path: String,
    /// Its bytes, whatever they are.
    pub bytes: Vec<u8>,
}

/// What is known about a policy.
#[derive(Debug)]
pub struct Analysis {
    /// The files, in the order in which [`FileId`] counts them: by path.
    pub files: Vec<SourceFile>,
    /// All findings, sorted by place, without duplicates and without those that only follow from another error.
    pub diagnostics: Vec<Diagnostic>,
    /// The compiled policy; `None` where there is an error.
    pub policy: Option<Policy>,
}

/// Analyses the files of one policy together.
#[must_use]
pub fn analyze(files: Vec<SourceFile>) -> Analysis {
    Analysis { files, diagnostics: Vec::new(), policy: None }
}
