//! Reports on a file that is not part of a policy: what is wrong with a test file, and which expectations in it
//! do not hold.

use std::sync::Arc;

use aquarium_compiler::{Diagnostic, FileSpan};
use miette::LabeledSpan;

use super::Places;
use super::human::{Report, SourceFile, handler, range, readable};

/// A file that is reported on.
pub struct Source<'a> {
    named: Arc<SourceFile>,
    places: Places<'a>,
}

impl<'a> Source<'a> {
    /// The file of these bytes.
    pub fn new(path: &str, bytes: &'a [u8]) -> Self {
        Self { named: Arc::new(SourceFile::new(path, readable(bytes))), places: Places::of_file(path, bytes) }
    }
}

/// Something that is said about a place.
pub struct Located {
    /// The place.
    pub span: FileSpan,
    /// What is said.
    pub text: String,
}

/// What does not hold, each where it is expected.
pub fn render(title: &str, located: Vec<Located>, source: &Source<'_>) -> String {
    let labels = located.into_iter().map(|it| LabeledSpan::new_with_span(Some(it.text), range(it.span)));
    written(&Report::plain(title, labels.collect(), Arc::clone(&source.named)), title)
}

/// A finding in the file.
pub fn finding(finding: &Diagnostic, source: &Source<'_>) -> String {
    written(&Report::new(finding, &[Arc::clone(&source.named)], &source.places), &finding.message)
}

fn written(report: &Report, message: &str) -> String {
    let mut text = String::new();
    // Writing to a string does not fail; a label outside the text would, and the message remains.
    if handler().render_report(&mut text, report).is_err() {
        text.push_str(message);
    }
    text.push('\n');
    text
}
