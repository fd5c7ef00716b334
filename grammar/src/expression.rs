//! The expression language: one grammar, three dialects (words, symbols, JavaScript functions).
//!
//! [`parse`] takes the decoded text of an expression and yields its abstract syntax *and* what is
//! wrong with it; it never fails. Spans count bytes of that text: the caller maps them to its file.
//! This module knows no units, types or policies.

pub mod ast;
mod build;
pub mod finding;
pub mod names;
pub mod print;
mod statement;
mod syntax_error;
pub mod token;

use lalrpop_util::lalrpop_mod;

pub use ast::{Expression, Function, FunctionHead, Kind, Name, Operator, TextSpan};
use build::Build;
pub use finding::{Finding, FindingKind, TextFix};
use token::{Spanned, Token, tokenize};

lalrpop_mod!(
    #[allow(
        clippy::all,
        clippy::pedantic,
        clippy::restriction,
        missing_docs,
        unused,
        unused_qualifications,
        reason = "generated code"
    )]
    grammar,
    "/expression/grammar.rs"
);

/// The operators, functions, conditions and bindings that one expression may hold. It bounds the
/// depth of the syntax, and with it the stack of whoever walks it.
pub const MAX_OPERATORS: usize = 250;

/// How deep parentheses and braces may nest.
pub const MAX_NESTING: usize = 100;

/// The words and signs that one expression may have: more than any with [`MAX_OPERATORS`] needs.
pub const MAX_TOKENS: usize = 5_000;

/// The findings on one expression; more would only bury the first ones.
pub const MAX_FINDINGS: usize = 20;

/// What could be read of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Its abstract syntax; [`Kind::Error`] stands where it could not be read.
    pub expression: Expression,
    /// The head of the function, where it is written as one.
    pub function: Option<FunctionHead>,
    /// What is wrong, in the order of the text.
    pub findings: Vec<Finding>,
    /// Its comments.
    pub comments: Vec<TextSpan>,
}

/// Parses an expression. `comments`: whether it may hold comments, as in a block scalar.
#[must_use]
pub fn parse(text: &str, comments: bool) -> Parsed {
    let lexed = tokenize(text, comments);
    let mut findings = lexed.findings;
    let error = Expression { kind: Kind::Error, span: TextSpan::new(0, text.len()) };
    if let Some(limit) = limit_exceeded(&lexed.tokens) {
        return Parsed { expression: error, function: None, findings: vec![limit], comments: lexed.comments };
    }
    let tokens = with_arrow_mark(lexed.tokens);
    let (function, expression, found) = run_parser(text, &tokens, error);
    if !lexed.incomplete {
        findings.extend(found);
    }
    findings.sort_by_key(|finding| finding.span);
    findings.truncate(MAX_FINDINGS);
    Parsed { expression, function, findings, comments: lexed.comments }
}

fn run_parser(
    text: &str,
    tokens: &[Spanned<'_>],
    error: Expression,
) -> (Option<FunctionHead>, Expression, Vec<Finding>) {
    let mut build = Build::new(text, tokens);
    let parsed = grammar::WholeParser::new().parse(&mut build, tokens.iter().copied());
    match parsed {
        Ok((function, expression)) => (function, expression, build.into_findings()),
        Err(failure) => {
            let last = syntax_error::describe(&failure, text, tokens);
            let mut findings = build.into_findings();
            if !findings.iter().any(|finding| finding.span == last.span) {
                findings.push(last);
            }
            (None, error, findings)
        }
    }
}

/// The finding on an expression that is too long or too deep.
fn limit_exceeded(tokens: &[Spanned<'_>]) -> Option<Finding> {
    let (mut operators, mut depth) = (0_usize, 0_usize);
    for (index, (start, token, end)) in tokens.iter().enumerate() {
        operators += usize::from(is_operator(*token));
        match token {
            Token::OpenParenthesis | Token::OpenBrace => depth += 1,
            Token::CloseParenthesis | Token::CloseBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        let message = if depth > MAX_NESTING {
            format!("this is nested more than {MAX_NESTING} deep")
        } else if operators > MAX_OPERATORS {
            format!("an expression holds at most {MAX_OPERATORS} operators and functions")
        } else if index >= MAX_TOKENS {
            format!("an expression holds at most {MAX_TOKENS} words and signs")
        } else {
            continue;
        };
        let span = TextSpan::new(*start, *end);
        return Some(
            Finding::new(FindingKind::Limit, span, message).help("use tiers, or split it into constants"),
        );
    }
    None
}

/// Whether the token adds a level to the syntax.
fn is_operator(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Plus
            | Token::Minus
            | Token::Factor(_)
            | Token::Compare(_)
            | Token::And
            | Token::Or
            | Token::Bang
            | Token::Not
            | Token::Assign
            | Token::Question
            | Token::Comma
            | Token::If
            | Token::Elsif
            | Token::Const
            | Token::Math(_)
    )
}

/// Puts a mark before the parameters of an arrow function, whose `(` the grammar could not tell from
/// that of a group until it has seen the `=>`.
fn with_arrow_mark(mut tokens: Vec<Spanned<'_>>) -> Vec<Spanned<'_>> {
    let closing = match tokens.first().map(|token| token.1) {
        Some(Token::OpenParenthesis) => tokens.iter().position(|token| token.1 == Token::CloseParenthesis),
        Some(Token::Word(_) | Token::Braced(_) | Token::Dollar(_)) => Some(0),
        _ => None,
    };
    let is_arrow = closing.and_then(|at| tokens.get(at + 1)).is_some_and(|token| token.1 == Token::Arrow);
    if is_arrow && let Some(&(start, ..)) = tokens.first() {
        tokens.insert(0, (start, Token::ArrowFunction, start));
    }
    tokens
}

#[cfg(test)]
mod tests;
