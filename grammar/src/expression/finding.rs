//! What is wrong with the text of an expression.

use super::ast::TextSpan;

/// The kinds of findings, for whoever gives them codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A sign or number that the language does not have.
    Token,
    /// Something missing, or in a place where it cannot stand.
    Syntax,
    /// Longer or deeper than an expression may be.
    Limit,
    /// A call of what is no function, or with the wrong number of arguments.
    Call,
    /// A path through a function that does not return.
    MissingReturn,
    /// A statement after every path has returned.
    UnreachableStatement,
    /// A name that may not be bound here: a variable, a function, or one already bound.
    Binding,
    /// A parameter that is no variable.
    Parameter,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The smallest place that is wrong.
    pub span: TextSpan,
    /// One line that stands alone.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// What a machine can do about it.
    pub fix: Option<TextFix>,
}

/// A change of the expression's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFix {
    /// What it does, as an imperative.
    pub title: String,
    /// What is replaced, and by what.
    pub edits: Vec<(TextSpan, String)>,
}

impl Finding {
    /// A finding without help.
    #[must_use]
    pub fn new(kind: FindingKind, span: TextSpan, message: impl Into<String>) -> Self {
        Self { kind, span, message: message.into(), help: None, fix: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers to write `text` in place of `span`.
    #[must_use]
    pub fn fix(mut self, span: TextSpan, text: impl Into<String>) -> Self {
        let text = text.into();
        let title = if text.is_empty() { "remove it".to_owned() } else { format!("write `{}`", text.trim()) };
        self.fix = Some(TextFix { title, edits: vec![(span, text)] });
        self
    }
}
