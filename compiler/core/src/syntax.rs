//! What the parser found, as findings of the catalogue.

use aquarium_grammar::{ErrorKind, Reading, SyntaxError};

use crate::diagnostic::{Code, Diagnostic, Edit, FileId, FileSpan, Fix};

/// Everything that is wrong with the text of a file.
pub fn findings(reading: &Reading, file: FileId) -> impl Iterator<Item = Diagnostic> {
    reading.errors().iter().map(move |error| finding(error, file))
}

fn finding(error: &SyntaxError, file: FileId) -> Diagnostic {
    let place = |span: aquarium_grammar::Span| FileSpan { file, start: span.start, end: span.end };
    let mut finding = Diagnostic::new(code(error.kind), place(error.span), error.message.clone());
    if let Some((span, message)) = &error.secondary {
        finding = finding.label(place(*span), message.clone());
    }
    finding.help.clone_from(&error.help);
    finding.fix = error.fix.as_ref().map(|fix| Fix {
        title: fix.title.clone(),
        edits: fix
            .edits
            .iter()
            .map(|edit| Edit { span: place(edit.span), text: edit.text.clone() })
            .collect(),
    });
    finding
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::NotText | ErrorKind::InvalidUtf8 => Code::NotText,
        ErrorKind::TooLarge | ErrorKind::TooDeep => Code::OverLimit,
        ErrorKind::ControlCharacter | ErrorKind::NoBreakSpace | ErrorKind::TabIndentation => {
            Code::BadCharacter
        }
        ErrorKind::BadIndentation
        | ErrorKind::ExpectedKey
        | ErrorKind::MissingColon
        | ErrorKind::MissingBlank
        | ErrorKind::UnexpectedItem
        | ErrorKind::ExpectedItem
        | ErrorKind::InlineList => Code::Layout,
        ErrorKind::UnclosedQuote
        | ErrorKind::InvalidEscape
        | ErrorKind::TextAfterValue
        | ErrorKind::BlockHeader
        | ErrorKind::UnclosedBracket
        | ErrorKind::UnexpectedBracket
        | ErrorKind::ExpectedComma
        | ErrorKind::EmptyPart => Code::Syntax,
        ErrorKind::UnquotedExpression | ErrorKind::ReservedCharacter | ErrorKind::SplitText => Code::QuoteIt,
        ErrorKind::SplitNumber => Code::BadNumber,
        ErrorKind::Anchor
        | ErrorKind::Alias
        | ErrorKind::Tag
        | ErrorKind::MergeKey
        | ErrorKind::ExplicitKey
        | ErrorKind::Directive
        | ErrorKind::DocumentEnd
        | ErrorKind::SeveralDocuments => Code::NotInPolicies,
        ErrorKind::DuplicateKey => Code::DuplicateKey,
    }
}
