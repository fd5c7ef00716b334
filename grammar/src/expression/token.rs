//! The words and signs of expressions.

use logos::Logos;

use super::ast::{Operator, TextSpan};
use super::finding::{Finding, FindingKind};

/// A word or sign. The variants after `Unknown` never reach the parser.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n\f]+")]
pub enum Token<'t> {
    /// `12`, `1_000.5`, `1e-3`
    #[regex(r"[0-9]+(_[0-9]+)*(\.[0-9]+(_[0-9]+)*)?([eE][+-]?[0-9]+)?", |lexer| lexer.slice())]
    Number(&'t str),
    /// A name that is no keyword.
    #[regex(r"[\p{XID_Start}_][\p{XID_Continue}]*", |lexer| lexer.slice())]
    Word(&'t str),
    /// `{price}`
    #[regex(r"\{[ \t]*[\p{XID_Start}_][\p{XID_Continue}]*[ \t]*\}", |lexer| lexer.slice())]
    Braced(&'t str),
    /// `$price`
    #[regex(r"\$[\p{XID_Start}_][\p{XID_Continue}]*", |lexer| lexer.slice())]
    Dollar(&'t str),
    /// `Math.min`
    #[regex(r"Math\.[\p{XID_Start}_][\p{XID_Continue}]*", |lexer| lexer.slice())]
    Math(&'t str),

    /// `+`, `plus`
    #[token("+")]
    #[token("plus")]
    Plus,
    /// `-`, `minus`
    #[token("-")]
    #[token("minus")]
    Minus,
    /// `*`, `/`, `%` and their words
    #[token("*", |_| Operator::Multiply)]
    #[token("times", |_| Operator::Multiply)]
    #[token("/", |_| Operator::Divide)]
    #[regex(r"divided[ \t\r\n]+by", |_| Operator::Divide)]
    #[token("%", |_| Operator::Remainder)]
    #[token("mod", |_| Operator::Remainder)]
    Factor(Operator),
    /// Comparisons and their words
    #[token(">", |_| Operator::Greater)]
    #[token("gt", |_| Operator::Greater)]
    #[token(">=", |_| Operator::GreaterOrEqual)]
    #[token("ge", |_| Operator::GreaterOrEqual)]
    #[token("<", |_| Operator::Less)]
    #[token("lt", |_| Operator::Less)]
    #[token("<=", |_| Operator::LessOrEqual)]
    #[token("le", |_| Operator::LessOrEqual)]
    #[token("==", |_| Operator::Equal)]
    #[token("===", |_| Operator::Equal)]
    #[token("eq", |_| Operator::Equal)]
    #[token("!=", |_| Operator::NotEqual)]
    #[token("!==", |_| Operator::NotEqual)]
    #[token("ne", |_| Operator::NotEqual)]
    Compare(Operator),
    /// `&&`, `and`
    #[token("&&")]
    #[token("and")]
    And,
    /// `||`, `or`
    #[token("||")]
    #[token("or")]
    Or,
    /// `!`
    #[token("!")]
    Bang,
    /// `not`
    #[token("not")]
    Not,
    /// `=`
    #[token("=")]
    Assign,
    /// `?`
    #[token("?")]
    Question,
    /// `:`
    #[token(":")]
    Colon,
    /// `,`
    #[token(",")]
    Comma,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `(`
    #[token("(")]
    OpenParenthesis,
    /// `)`
    #[token(")")]
    CloseParenthesis,
    /// `{`
    #[token("{")]
    OpenBrace,
    /// `}`
    #[token("}")]
    CloseBrace,
    /// `=>`
    #[token("=>")]
    Arrow,
    /// `if`
    #[token("if")]
    If,
    /// `then`
    #[token("then")]
    Then,
    /// `elsif`
    #[token("elsif")]
    Elsif,
    /// `else`
    #[token("else")]
    Else,
    /// `end`
    #[token("end")]
    End,
    /// `function`
    #[token("function")]
    Function,
    /// `const`, `let`
    #[token("const")]
    #[token("let")]
    Const,
    /// `return`
    #[token("return")]
    Return,
    /// Put before the parameters of an arrow function; it has no text.
    ArrowFunction,

    /// A sign that the language does not have.
    Unknown,
    /// `//`, `/* */` and `# ` comments.
    #[regex(r"//[^\n]*", allow_greedy = true)]
    #[regex(r"/\*([^*]|\*+[^*/])*\*+/")]
    #[regex(r"#([ \t\r][^\n]*)?", allow_greedy = true)]
    Comment,
    /// A comment that does not end.
    #[regex(r"/\*([^*]|\*+[^*/])*\**")]
    OpenComment,
    /// `0x1F`, `.5`, `5.`, `1__0`, `1_`
    #[regex(r"0[xXoObB][0-9][0-9a-fA-F_]*", |lexer| lexer.slice())]
    #[regex(r"0[xX][a-fA-F][0-9a-fA-F_]*", |lexer| lexer.slice())]
    #[regex(r"\.[0-9][0-9_]*([eE][+-]?[0-9]+)?", |lexer| lexer.slice())]
    #[regex(r"[0-9][0-9_]*\.", |lexer| lexer.slice())]
    #[regex(r"[0-9][0-9_]*__[0-9_]*", |lexer| lexer.slice())]
    #[regex(r"[0-9][0-9_]*_", |lexer| lexer.slice())]
    BadNumber(&'t str),
    /// A sign or word of another language that has one of ours for it.
    #[token("×", |_| "*")]
    #[token("·", |_| "*")]
    #[token("÷", |_| "/")]
    #[token("−", |_| "-")]
    #[token("–", |_| "-")]
    #[token("≥", |_| ">=")]
    #[token("≤", |_| "<=")]
    #[token("≠", |_| "!=")]
    #[token("<>", |_| "!=")]
    #[token("=<", |_| "<=")]
    #[token("&", |_| "&&")]
    #[token("|", |_| "||")]
    #[token("divided", |_| "divided by")]
    #[token("elseif", |_| "elsif")]
    #[token("elif", |_| "elsif")]
    #[token("var", |_| "const")]
    Foreign(&'t str),
    /// A no-break or other unusual blank.
    #[regex(r"[\u{a0}\u{1680}\u{2000}-\u{200b}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]")]
    OddBlank,
    /// An operator of JavaScript that expressions do not have.
    #[token("**")]
    #[token("++")]
    #[token("--")]
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    #[token("/=")]
    #[token("%=")]
    #[token("??")]
    #[token("<<")]
    #[token(">>")]
    NotOurs,
    /// A text.
    #[regex(r#""[^"\n]*"?"#)]
    #[regex(r"'[^'\n]*'?")]
    #[regex(r"`[^`\n]*`?")]
    Quoted,
}

/// A token and where it stands.
pub type Spanned<'t> = (usize, Token<'t>, usize);

/// The tokens of an expression, without comments, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Tokens<'t> {
    /// What the parser reads.
    pub tokens: Vec<Spanned<'t>>,
    /// The comments.
    pub comments: Vec<TextSpan>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whether a token had to be left out, so that the parser's findings would only repeat it.
    pub incomplete: bool,
}

/// Splits `text` into tokens. `comments`: whether the expression may hold comments.
#[must_use]
pub fn tokenize(text: &str, comments: bool) -> Tokens<'_> {
    let mut result = Tokens::default();
    for (token, range) in Token::lexer(text).spanned() {
        let span = TextSpan::new(range.start, range.end);
        result.take(text, token.unwrap_or(Token::Unknown), span, comments);
    }
    result
}

impl<'t> Tokens<'t> {
    fn take(&mut self, text: &'t str, token: Token<'t>, span: TextSpan, comments: bool) {
        match token {
            Token::Comment if comments && is_comment(text, span) => self.comments.push(span),
            Token::Foreign(ours) => {
                let theirs = span.of(text);
                self.report(Finding::new(FindingKind::Token, span, foreign(theirs)).fix(span, ours));
                self.substitute(ours, span);
            }
            Token::BadNumber(number) => {
                let (finding, read) = bad_number(number, span);
                self.report(finding);
                match read {
                    Some(read) => self.push(Token::Number(read), span),
                    None => self.incomplete = true,
                }
            }
            Token::OddBlank => {
                let message = "an unusual blank, which looks like a space and is none";
                self.report(Finding::new(FindingKind::Token, span, message).fix(span, " "));
            }
            Token::Comment | Token::OpenComment | Token::NotOurs | Token::Quoted | Token::Unknown => {
                self.report(refused(token, span, text));
                self.incomplete = true;
            }
            fine => self.push(fine, span),
        }
    }

    fn push(&mut self, token: Token<'t>, span: TextSpan) {
        self.tokens.push((span.start as usize, token, span.end as usize));
    }

    fn report(&mut self, finding: Finding) {
        if self.findings.len() < super::MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// Reads on as if the author had written `ours`.
    fn substitute(&mut self, ours: &'t str, span: TextSpan) {
        match Token::lexer(ours).next() {
            Some(Ok(token)) => self.push(token, span),
            _ => self.incomplete = true,
        }
    }
}

/// A `#` begins a comment only before a blank or at the end of a line.
fn is_comment(text: &str, span: TextSpan) -> bool {
    let next = text.get(span.end as usize..).and_then(|rest| rest.chars().next());
    span.of(text) != "#" || next.is_none_or(|next| next == '\n')
}

fn foreign(theirs: &str) -> String {
    match theirs {
        "divided" => "`divided` needs a `by`".to_owned(),
        "var" => "a value is named with `const`, not with `var`".to_owned(),
        _ => format!("`{theirs}` is no sign or word of expressions"),
    }
}

/// The finding on a number of another form, and the text to read in its place.
fn bad_number(number: &str, span: TextSpan) -> (Finding, Option<&str>) {
    let finding = |message: &str| Finding::new(FindingKind::Token, span, message);
    if number.starts_with('.') {
        let found = finding("a number begins with a digit").fix(span, format!("0{number}"));
        return (found, Some("0"));
    }
    if let Some(whole) = number.strip_suffix('.') {
        return (finding("a point needs digits after it").fix(span, whole), Some("0"));
    }
    let second = number.as_bytes().get(1).copied().unwrap_or_default();
    if second.is_ascii_alphabetic() {
        return (
            finding("numbers are decimal: there is no other base").help("write it in digits 0 to 9"),
            None,
        );
    }
    let parts: Vec<&str> = number.split('_').filter(|part| !part.is_empty()).collect();
    (finding("`_` stands between two digits").fix(span, parts.join("_")), Some("0"))
}

fn refused(token: Token<'_>, span: TextSpan, text: &str) -> Finding {
    let written = span.of(text);
    let finding = |message: String| Finding::new(FindingKind::Token, span, message);
    match token {
        Token::Comment if written == "#" => finding("`#` is no sign of expressions".to_owned()),
        Token::Comment => finding("a comment cannot stand here".to_owned()).help(
            "write the expression as a block: `|` after the key, the expression and its comments below",
        ),
        Token::OpenComment => finding("this comment does not end: `*/` is missing".to_owned()),
        Token::Quoted => finding("expressions have no texts, only numbers and conditions".to_owned()),
        Token::NotOurs if written == "**" => {
            finding("there is no power operator".to_owned()).help("multiply: `volume * volume`")
        }
        Token::NotOurs if written == "--" => {
            finding("`--` is no operator".to_owned()).help("write `- (-x)` to subtract a negative number")
        }
        Token::NotOurs if written.ends_with('=') || written == "++" => {
            finding(format!("`{written}` would change a value: values never change"))
                .help("name a new one with `const`")
        }
        _ => {
            let shown: String = written.chars().take(20).flat_map(char::escape_debug).collect();
            finding(format!("`{shown}` is no sign of expressions"))
        }
    }
}
