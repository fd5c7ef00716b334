//! The compiler's findings about one file, as an editor shows them.

use aquarium_compiler::{Diagnostic, FileId, FileSpan, Severity};

use crate::Snapshot;

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'snapshot> {
    /// What is underlined.
    pub span: FileSpan,
    /// How much it matters.
    pub severity: Severity,
    /// Its code: `AQ0401`.
    pub code: &'static str,
    /// The message; below it, a line each, what is said at the place, the further facts and the help.
    pub message: String,
    /// The other places that matter.
    pub related: Vec<(FileSpan, &'snapshot str)>,
    /// How an editor may dress the place.
    pub tag: Option<Tag>,
    /// What can be done about it by itself.
    pub fix: Option<&'snapshot aquarium_compiler::Fix>,
}

/// How an editor may dress a place, apart from underlining it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Greyed out: it has no effect.
    Unnecessary,
    /// Struck out: a legacy spelling.
    Deprecated,
}

/// What was found in a file.
#[must_use]
pub fn diagnostics(snapshot: &Snapshot, file: FileId) -> Vec<Finding<'_>> {
    let findings = &snapshot.analysis().diagnostics;
    findings.iter().filter(|finding| finding.primary.span.file == file).map(finding).collect()
}

/// A finding of the compiler, as an editor shows it.
#[must_use]
pub fn finding(diagnostic: &Diagnostic) -> Finding<'_> {
    let entry = diagnostic.code.entry();
    Finding {
        span: diagnostic.primary.span,
        severity: diagnostic.severity,
        code: entry.id,
        message: message(diagnostic),
        related: diagnostic.secondary.iter().map(|label| (label.span, label.message.as_str())).collect(),
        tag: entry.name.and_then(tag),
        fix: diagnostic.fix.as_ref(),
    }
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    let label = Some(&diagnostic.primary.message).filter(|label| !label.is_empty());
    for line in label.into_iter().chain(&diagnostic.notes) {
        text.push('\n');
        text.push_str(line);
    }
    if let Some(help) = &diagnostic.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    text
}

/// Lints whose name says that something has no effect or is spelled as it was once.
fn tag(lint: &str) -> Option<Tag> {
    let has = |word: &str| lint.split('-').any(|part| part == word);
    match () {
        () if has("unused") || has("unreachable") => Some(Tag::Unnecessary),
        () if has("legacy") || has("deprecated") => Some(Tag::Deprecated),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_dressed_by_their_names() {
        assert_eq!(tag("unused-constant"), Some(Tag::Unnecessary));
        assert_eq!(tag("legacy-spelling"), Some(Tag::Deprecated));
        assert_eq!(tag("coverage-gap"), None);
    }
}
