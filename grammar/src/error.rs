//! What can be wrong with a text before anything is known about its meaning.

use crate::Span;

/// The kinds of syntax errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The file is larger than the limit.
    TooLarge,
    /// The file is no text.
    NotText,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A control character, NUL for instance.
    ControlCharacter,
    /// A no-break space where a blank is meant.
    NoBreakSpace,
    /// A tab in the indentation.
    TabIndentation,
    /// Collections nested deeper than the limit.
    TooDeep,
    /// A line that stands in no column of the lines around it.
    BadIndentation,
    /// A line without `key:` among keys.
    ExpectedKey,
    /// A key whose `:` is missing.
    MissingColon,
    /// `key:value`.
    MissingBlank,
    /// A `- ` among keys.
    UnexpectedItem,
    /// A line without `- ` among items.
    ExpectedItem,
    /// `key: - item`.
    InlineList,
    /// A quote that is never closed.
    UnclosedQuote,
    /// `\` followed by something that is no escape.
    InvalidEscape,
    /// Something behind a quoted text or a bracket.
    TextAfterValue,
    /// Something that does not belong behind `|` or `>`.
    BlockHeader,
    /// A bracket that is never closed.
    UnclosedBracket,
    /// A bracket that was never opened, or one that closes the other kind.
    UnexpectedBracket,
    /// No comma between two parts of a flow collection.
    ExpectedComma,
    /// A comma with nothing before it, or a value without key.
    EmptyPart,
    /// An expression with braces in flow style, without quotes.
    UnquotedExpression,
    /// A number in flow style that a comma cuts, `1,000`.
    SplitNumber,
    /// Another text in flow style that a comma between digits cuts.
    SplitText,
    /// A value or key that begins with a reserved character.
    ReservedCharacter,
    /// `&name`.
    Anchor,
    /// `*name`.
    Alias,
    /// `!tag`.
    Tag,
    /// `<<`.
    MergeKey,
    /// `? key`.
    ExplicitKey,
    /// `%YAML`.
    Directive,
    /// `...`.
    DocumentEnd,
    /// A second `---`.
    SeveralDocuments,
    /// A key given twice in one mapping.
    DuplicateKey,
}

/// One thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What kind of thing.
    pub kind: ErrorKind,
    /// The smallest place that is wrong.
    pub span: Span,
    /// One line in the author's words: lower case, no full stop.
    pub message: String,
    /// Another place that matters, and what to say about it.
    pub secondary: Option<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
    /// What a machine can do.
    pub fix: Option<Fix>,
}

/// A machine-applicable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// The edits, none overlapping another.
    pub edits: Vec<Edit>,
}

/// A replacement of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl SyntaxError {
    pub(crate) fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self { kind, span, message: message.into(), secondary: None, help: None, fix: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary = Some((span, message.into()));
        self
    }

    pub(crate) fn fix(mut self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        let edits = vec![Edit { span, text: text.into() }];
        self.fix = Some(Fix { title: title.into(), edits });
        self
    }
}

/// Collects errors up to a limit: a text of ten million wrong characters is not wrong in ten million ways.
#[derive(Debug)]
pub(crate) struct Errors {
    list: Vec<SyntaxError>,
    limit: usize,
}

impl Errors {
    pub(crate) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit }
    }

    pub(crate) fn push(&mut self, error: SyntaxError) {
        if self.list.len() < self.limit {
            self.list.push(error);
        }
    }

    /// The error that was reported last.
    pub(crate) fn last(&self) -> Option<&SyntaxError> {
        self.list.last()
    }

    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Where one of the errors since there were `count` is the cause of the others, forgets these, but for limits
    /// that were reached.
    pub(crate) fn keep_cause(&mut self, count: usize, is_cause: impl Fn(&SyntaxError) -> bool) {
        let new = self.list.split_off(count);
        let has_cause = new.iter().any(&is_cause);
        let is_kept = |error: &SyntaxError| is_cause(error) || error.kind == ErrorKind::TooDeep;
        self.list.extend(new.into_iter().filter(|error| !has_cause || is_kept(error)));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    pub(crate) fn into_sorted(mut self) -> Vec<SyntaxError> {
        self.list.sort_by_key(|error| (error.span.start, error.span.end, error.kind));
        self.list
    }
}

/// `text` between quotes, so that it reads as the same text.
pub(crate) fn quote(text: &str) -> String {
    if text.contains('\'') && !text.contains(['"', '\\']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
