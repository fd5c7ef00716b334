//! An expression as it is written, apart from any resource.

use std::sync::Arc;

use aquarium_grammar::expression::{Expression, Finding, FindingKind, Kind, Parsed, parse};

use super::digest;
use crate::diagnostic::{Code, Diagnostic, FileSpan, SourceText, TextFinding};
use crate::unit::{PrefixFamily, prefix_family};

/// An expression as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionSyntax {
    /// Its text.
    pub source: SourceText,
    /// Its abstract syntax.
    pub parsed: Arc<Parsed>,
}

impl ExpressionSyntax {
    /// Reads an expression. `comments`: whether it may hold comments, as in a block scalar.
    #[must_use]
    pub fn read(source: SourceText, comments: bool) -> (Self, Vec<Diagnostic>) {
        let parsed = Arc::new(parse(&source.text, comments));
        Self::of(source, parsed)
    }

    /// An expression that was read already, perhaps elsewhere.
    #[must_use]
    pub fn of(source: SourceText, parsed: Arc<Parsed>) -> (Self, Vec<Diagnostic>) {
        let diagnostics =
            parsed.findings.iter().map(|finding| text_finding(finding).into_diagnostic(&source)).collect();
        (Self { source, parsed }, diagnostics)
    }

    /// Whether a finding of [`Self::read`] was an error, so that the expression has no meaning.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.parsed.findings.iter().any(|finding| finding.kind != FindingKind::UnreachableStatement)
    }

    /// The SHA-256 of the abstract syntax before anything is simplified, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::digest(&self.parsed.expression)
    }

    /// Whether it reads the month's total.
    #[must_use]
    pub fn reads_total(&self) -> bool {
        reads(&self.parsed.expression, "total")
    }

    /// The multiples of bytes and bits that it names, for `mixed-prefixes`.
    #[must_use]
    pub fn prefixes(&self) -> Vec<(FileSpan, PrefixFamily)> {
        let mut found = Vec::new();
        visit(&self.parsed.expression, &mut |expression| {
            if let Kind::Number { unit: Some(unit), .. } = &expression.kind
                && let Some(family) = prefix_family(&unit.text)
            {
                found.push((self.source.place(unit.span), family));
            }
        });
        found
    }
}

/// The finding on an item that names multiples of 1000 beside multiples of 1024; at the first one of the
/// family that comes second.
#[must_use]
pub fn mixed_prefixes(prefixes: &[(FileSpan, PrefixFamily)]) -> Option<Diagnostic> {
    let (first_span, first) = prefixes.first()?;
    let (other_span, _) = prefixes.iter().find(|(_, family)| family != first)?;
    let message = "multiples of 1000 and of 1024 are mixed in one item";
    let name = |family: &PrefixFamily| match family {
        PrefixFamily::Decimal => "a multiple of 1000",
        PrefixFamily::Binary => "a multiple of 1024",
    };
    let other = if *first == PrefixFamily::Decimal { PrefixFamily::Binary } else { PrefixFamily::Decimal };
    let finding = Diagnostic::new(Code::MixedPrefixes, *other_span, message)
        .at(name(&other))
        .label(*first_span, name(first))
        .help("`GB` is 1000^3 bytes, `GiB` is 1024^3");
    Some(finding)
}

fn reads(expression: &Expression, variable: &str) -> bool {
    let mut found = false;
    visit(expression, &mut |part| found |= matches!(&part.kind, Kind::Name(name) if name.text == variable));
    found
}

/// Calls `each` for an expression and everything in it, in the order of the text.
pub(super) fn visit(expression: &Expression, each: &mut impl FnMut(&Expression)) {
    each(expression);
    expression.children().into_iter().for_each(|child| visit(child, each));
}

fn text_finding(finding: &Finding) -> TextFinding {
    let code = match finding.kind {
        FindingKind::UnreachableStatement => Code::UnreachableBranch,
        FindingKind::Limit => Code::OverLimit,
        FindingKind::Token
        | FindingKind::Syntax
        | FindingKind::Call
        | FindingKind::MissingReturn
        | FindingKind::Binding
        | FindingKind::Parameter => Code::BadExpression,
    };
    let mut placed = TextFinding::new(code, finding.span, finding.message.clone());
    placed.details.help.clone_from(&finding.help);
    placed.details.fix.clone_from(&finding.fix);
    placed
}
