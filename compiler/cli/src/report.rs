//! Renderers of findings: for people, for one line, for machines.

pub mod failures;
mod human;
mod json;
mod lines;
mod sarif;

use std::io::Write;
use std::path::Path;

use aquarium_compiler::{Analysis, FileSpan, LineIndex, Severity};

use crate::arguments::Format;
use crate::failure::Failure;
use crate::{inputs, messages};

/// Writes all findings: to standard error for people, to standard output for machines.
pub fn write(analysis: &Analysis, directory: &Path, format: Format) -> Result<(), Failure> {
    let places = Places::new(analysis, directory);
    let text = match format {
        Format::Human => {
            messages::write(&human::render(analysis, &places));
            return Ok(());
        }
        Format::Short => lines::short(analysis, &places),
        Format::Github => lines::github(analysis, &places),
        Format::Json => json::render(analysis, &places).map_err(std::io::Error::from)?,
        Format::Sarif => sarif::render(analysis, &places).map_err(std::io::Error::from)?,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// All findings as people read them.
pub fn findings_of(analysis: &Analysis, directory: &Path) -> String {
    human::render(analysis, &Places::new(analysis, directory))
}

/// Writes the errors alone, for people: whoever runs a policy sees only what keeps it from running.
pub fn write_errors(analysis: &mut Analysis, directory: &Path) -> Result<(), Failure> {
    analysis.diagnostics.retain(|found| found.severity == Severity::Error);
    write(analysis, directory, Format::Human)
}

/// Where the spans of an analysis are, in paths, lines and columns.
pub struct Places<'a> {
    files: Vec<Place<'a>>,
}

struct Place<'a> {
    path: String,
    bytes: &'a [u8],
    lines: LineIndex,
}

/// A position for people.
pub struct Position<'a> {
    /// The file as the user would write it.
    pub path: &'a str,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl<'a> Places<'a> {
    /// The places of an analysis whose paths are relative to that directory.
    pub fn new(analysis: &'a Analysis, directory: &Path) -> Self {
        let files = analysis.files.iter().map(|file| Place {
            path: inputs::shown(directory, file),
            bytes: &file.bytes,
            lines: LineIndex::new(&file.bytes),
        });
        Self { files: files.collect() }
    }

    /// The places of a single file.
    pub fn of_file(path: &str, bytes: &'a [u8]) -> Self {
        Self { files: vec![Place { path: path.to_owned(), bytes, lines: LineIndex::new(bytes) }] }
    }

    /// The position of a byte offset.
    fn position(&self, span: FileSpan, offset: u32) -> Position<'_> {
        self.files.get(span.file.0 as usize).map_or(Position { path: "", line: 1, column: 1 }, |file| {
            let (line, column) = file.lines.line_column(file.bytes, offset);
            Position { path: &file.path, line, column }
        })
    }

    /// The position at which a span starts.
    pub fn start(&self, span: FileSpan) -> Position<'_> {
        self.position(span, span.start)
    }

    /// The position at which a span ends.
    pub fn end(&self, span: FileSpan) -> Position<'_> {
        self.position(span, span.end)
    }

    /// The paths of all files, as the user would write them.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

/// The word for a severity.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}
