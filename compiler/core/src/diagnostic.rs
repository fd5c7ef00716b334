//! One finding: what every renderer (miette, JSON, SARIF, GitHub, the language server) shows.

pub mod catalogue;
mod text;

pub use catalogue::Code;
pub use text::{Details, Piece, SourceText, TextFinding};

/// The place of a file in [`Analysis::files`](crate::Analysis::files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileSpan {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy cannot be compiled.
    Error,
    /// Most probably a mistake.
    Warning,
    /// Something to know.
    Hint,
}

/// A place and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Where.
    pub span: FileSpan,
    /// What, `""` to point only.
    pub message: String,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its entry in the catalogue.
    pub code: Code,
    /// Its severity here: the code's default, or what a directive or an option made of it.
    pub severity: Severity,
    /// One line that stands alone: lower case, no full stop, the author's words.
    pub message: String,
    /// The smallest place that is wrong.
    pub primary: Label,
    /// The other places that matter.
    pub secondary: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
    /// Further facts.
    pub notes: Vec<String>,
    /// What a machine can do about it.
    pub fix: Option<Fix>,
    /// Fixes of which a person has to choose one: bytes or bits.
    pub choices: Vec<Fix>,
}

/// A machine-applicable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an imperative: "write milliseconds: 1293703200000".
    pub title: String,
    /// The edits, none overlapping another.
    pub edits: Vec<Edit>,
}

/// A replacement of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: FileSpan,
    /// By what.
    pub text: String,
}

/// How many bytes of a text of a finding are shown; what authors write can be as long as a file. The beginning says what
/// is wrong, the end what with.
const TEXT_BYTES_MAX: usize = 1_000;
/// How much of them is the end.
const TEXT_END_BYTES: usize = 300;

/// Takes the middle out of a text that is too long to be read.
fn shorten(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let start = text.floor_char_boundary(TEXT_BYTES_MAX - TEXT_END_BYTES);
        let end = text.ceil_char_boundary(text.len() - TEXT_END_BYTES);
        text.replace_range(start..end, " ... ");
        text.shrink_to_fit();
    }
}

impl Diagnostic {
    /// Shortens what is said, but no edit.
    pub(crate) fn shorten(&mut self) {
        shorten(&mut self.message);
        let labels = self.secondary.iter_mut().chain([&mut self.primary]);
        labels.for_each(|label| shorten(&mut label.message));
        self.help.iter_mut().chain(&mut self.notes).for_each(shorten);
        let fixes = self.fix.iter_mut().chain(&mut self.choices);
        fixes.for_each(|fix| shorten(&mut fix.title));
    }

    /// A finding at its default severity.
    #[must_use]
    pub fn new(code: Code, span: FileSpan, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.entry().severity,
            message: message.into(),
            primary: Label { span, message: String::new() },
            secondary: Vec::new(),
            help: None,
            notes: Vec::new(),
            fix: None,
            choices: Vec::new(),
        }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn at(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn label(mut self, span: FileSpan, message: impl Into<String>) -> Self {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Offers a replacement of `span` by `text`.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, span: FileSpan, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { title: title.into(), edits: vec![Edit { span, text: text.into() }] });
        self
    }
}
