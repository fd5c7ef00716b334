//! What a parse error means to the author: from the token that did not fit and what would have fitted.

use lalrpop_util::ParseError;

use super::ast::TextSpan;
use super::finding::{Finding, FindingKind};
use super::names::{KEYWORDS, nearest};
use super::token::{Spanned, Token};

/// The finding for a parse error in `text`, whose tokens are `tokens`.
pub(super) fn describe(
    error: &ParseError<usize, Token<'_>, ()>,
    text: &str,
    tokens: &[Spanned<'_>],
) -> Finding {
    let place = Place::of(error, text, tokens);
    let finding = place.special().unwrap_or_else(|| place.general());
    match place.found {
        Some(_) => finding,
        None => Finding { span: place.span, ..finding },
    }
}

/// Where a parse failed.
struct Place<'t> {
    text: &'t str,
    /// The token that did not fit; `None` at the end.
    found: Option<Token<'t>>,
    /// Its place, or the last token's where the text ends too early.
    span: TextSpan,
    /// The token before it and its place.
    before: Option<(Token<'t>, TextSpan)>,
    /// The token after it.
    after: Option<Token<'t>>,
    expected: &'t [String],
}

impl<'t> Place<'t> {
    fn of(error: &'t ParseError<usize, Token<'t>, ()>, text: &'t str, tokens: &[Spanned<'t>]) -> Self {
        let (start, found, expected): (usize, _, &[String]) = match error {
            ParseError::UnrecognizedToken { token, expected } => {
                (token.0, Some((token.1, token.2)), expected)
            }
            ParseError::ExtraToken { token } => (token.0, Some((token.1, token.2)), &[]),
            ParseError::UnrecognizedEof { location, expected } => (*location, None, expected),
            ParseError::InvalidToken { location } => (*location, None, &[]),
            ParseError::User { .. } => (text.len(), None, &[]),
        };
        let index = tokens.partition_point(|token| token.0 < start || token.1 == Token::ArrowFunction);
        let spanned = |token: &Spanned<'t>| (token.1, TextSpan::new(token.0, token.2));
        let index = if found.is_some() { index } else { tokens.len() };
        let before = index.checked_sub(1).and_then(|index| tokens.get(index)).map(spanned);
        let after = tokens.get(index + 1).map(|token| token.1);
        let end = before.map_or_else(|| TextSpan::new(0, text.len()), |(_, span)| span);
        let span = found.map_or(end, |(_, end)| TextSpan::new(start, end));
        Self { text, found: found.map(|(token, _)| token), span, before, after, expected }
    }

    fn expects(&self, token: &str) -> bool {
        self.expected.iter().any(|expected| expected.trim_matches('"') == token)
    }

    fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(FindingKind::Syntax, self.span, message)
    }

    fn written(&self) -> &'t str {
        self.span.of(self.text)
    }

    /// Mistakes that deserve words of their own.
    fn special(&self) -> Option<Finding> {
        self.loop_or_statement().or_else(|| self.keyword_in_capitals()).or_else(|| self.thousands()).or_else(
            || match self.found {
                Some(Token::Arrow) if self.expects("compare") => {
                    Some(self.finding("`=>` does not compare").help("write `>=`").fix(self.span, ">="))
                }
                Some(Token::OpenBrace) if self.expects("number") => Some(
                    self.finding("a `{` here begins a variable: `{price}`, one word in braces")
                        .help("use parentheses to group: `( ... )`"),
                ),
                Some(Token::If) if self.expects("and") => {
                    Some(self.finding("an `if` stands before the value: `if C then A else B end`"))
                }
                Some(Token::Not) if self.expects("number") => Some(
                    self.finding("`not` applies to a whole comparison")
                        .help("put it in parentheses, or use `!`"),
                ),
                _ => None,
            },
        )
    }

    fn loop_or_statement(&self) -> Option<Finding> {
        let Some(Token::Word(word)) = self.before_or_found() else { return None };
        let message = match word {
            "for" | "while" | "do" => "there are no loops in expressions",
            "switch" | "case" => "there is no `switch` in expressions",
            "class" | "new" | "this" | "await" | "async" | "throw" | "try" => {
                "a function holds only `const`, `if`, `else` and `return`"
            }
            _ => return None,
        };
        Some(self.finding(message).help("use `if` and `else`, and the functions min, max and clamp"))
    }

    fn before_or_found(&self) -> Option<Token<'t>> {
        match (self.found, self.before) {
            (Some(Token::Word(word)), _) | (_, Some((Token::Word(word), _))) => Some(Token::Word(word)),
            _ => None,
        }
    }

    fn keyword_in_capitals(&self) -> Option<Finding> {
        let Some(Token::Word(word)) = self.found else { return None };
        let lower = word.to_lowercase();
        let keyword = KEYWORDS.iter().find(|keyword| **keyword == lower && lower != word)?;
        Some(self.finding(format!("`{word}` is written in small letters")).fix(self.span, *keyword))
    }

    /// `1,000`
    fn thousands(&self) -> Option<Finding> {
        let (Some(Token::Comma), Some((Token::Number(left), span)), Some(Token::Number(right))) =
            (self.found, self.before, self.after)
        else {
            return None;
        };
        let whole = TextSpan { start: span.start, end: self.span.end };
        let help = format!("write `{left}_{right}`, or `{left}.{right}` if a decimal point is meant");
        Some(self.finding("a number has no comma").help(help).fix(whole, format!("{left}_")))
    }

    fn general(&self) -> Finding {
        if self.expects("number") {
            return self.value_missing();
        }
        for (token, message) in [
            ("then", "`then` is missing after the condition of this `if`"),
            ("end", "`end` is missing: an `if` in words ends with it"),
            (":", "`:` is missing: a condition chooses with `C ? A : B`"),
            (")", "a closing `)` is missing"),
        ] {
            if self.found.is_none() && self.expects(token) {
                return self.closed_by(token, message);
            }
        }
        match self.found {
            None => self.finding("the expression ends too early"),
            Some(Token::Else | Token::Elsif | Token::End) if self.expects("then") => {
                self.finding("`then` is missing after the condition of this `if`")
            }
            Some(Token::Else | Token::Elsif) if !self.expects("else") => {
                self.finding(format!("this `{}` belongs to no `if`", self.written()))
            }
            Some(Token::End) => self.finding("this `end` belongs to no `if`").fix(self.span, ""),
            Some(Token::CloseParenthesis) => self.finding("this `)` closes nothing").fix(self.span, ""),
            Some(Token::CloseBrace) => self.finding("this `}` closes nothing"),
            Some(token) if begins_value(token) => self.operator_missing(),
            Some(_) => self.unexpected(),
        }
    }

    fn closed_by(&self, token: &str, message: &str) -> Finding {
        let finding = self.finding(message);
        match token {
            "end" => finding.fix(self.span.after(), " end"),
            ")" => finding.fix(self.span.after(), ")"),
            _ => finding,
        }
    }

    fn value_missing(&self) -> Finding {
        match (self.found, self.before) {
            (None, None) => self.finding("there is no expression here"),
            (_, Some((_, span))) => {
                let before = span.of(self.text);
                let place = if self.found.is_none() { span } else { self.span };
                let message = format!("a value is missing after `{before}`");
                let finding = Finding::new(FindingKind::Syntax, place, message);
                if before == "%" {
                    finding.help("`%` is the remainder: write `0.1` for 10 %")
                } else {
                    finding
                }
            }
            (Some(_), None) => {
                self.finding(format!("an expression does not begin with `{}`", self.written()))
            }
        }
    }

    fn operator_missing(&self) -> Finding {
        if self.expects("then") {
            let message = "`then` is missing after the condition of this `if`";
            return self.finding(message).fix(self.span.before(), "then ");
        }
        let Some((token, before)) = self.before else { return self.unexpected() };
        if token == Token::Word("per") {
            return Finding::new(
                FindingKind::Syntax,
                before,
                "a rate has no form of its own in an expression",
            )
            .help("name it under `constants`, or divide: `0.05 credits / 1 GB`");
        }
        let message =
            format!("an operator is missing between `{}` and `{}`", before.of(self.text), self.written());
        let finding = self.finding(message);
        match self.found {
            Some(Token::Word(word)) => match nearest(word, KEYWORDS.iter().copied()) {
                Some(keyword) => finding.help(format!("is `{keyword}` meant?")),
                None => finding.help("write `*` or `times` to multiply"),
            },
            _ => finding.help("write `*` or `times` to multiply"),
        }
    }

    fn unexpected(&self) -> Finding {
        self.finding(format!("`{}` cannot stand here", self.written()))
    }
}

fn begins_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Number(_)
            | Token::Word(_)
            | Token::Braced(_)
            | Token::Dollar(_)
            | Token::Math(_)
            | Token::OpenParenthesis
            | Token::If
    )
}
