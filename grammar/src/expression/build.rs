//! What the grammar's productions do: they make syntax, and report what parses but must not be.

use lalrpop_util::ErrorRecovery;

use super::ast::{Expression, Function, FunctionHead, Kind, Name, Operator, TextSpan};
use super::finding::{Finding, FindingKind};
use super::names::{VARIABLES, is_variable, nearest};
use super::statement::{self, Statement};
use super::syntax_error;
use super::token::{Spanned, Token};

/// What a parse collects besides the syntax.
#[derive(Debug)]
pub struct Build<'t> {
    text: &'t str,
    tokens: &'t [Spanned<'t>],
    findings: Vec<Finding>,
}

/// Where an operator stands, and which one it is.
type Written = (usize, Operator, usize);

/// One side of a comparison, or a whole one.
#[derive(Debug)]
pub struct Compared {
    /// The expression.
    pub value: Expression,
    /// The last operand's span where the expression is a comparison without parentheses around it.
    last: Option<TextSpan>,
}

impl Compared {
    /// What is not compared.
    #[must_use]
    pub fn single(value: Expression) -> Self {
        Self { value, last: None }
    }
}

impl<'t> Build<'t> {
    /// Begins a parse of `tokens`, the tokens of `text`.
    #[must_use]
    pub fn new(text: &'t str, tokens: &'t [Spanned<'t>]) -> Self {
        Self { text, tokens, findings: Vec::new() }
    }

    /// What was found.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Reports a finding, unless there are already [`MAX_FINDINGS`](super::MAX_FINDINGS).
    pub fn report(&mut self, finding: Finding) {
        if self.findings.len() < super::MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// The length of the word at `start`.
    #[must_use]
    pub fn word_length(&self, start: usize) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        rest.find(|sign: char| !sign.is_alphanumeric()).unwrap_or(rest.len()).max(1)
    }

    /// The name in `price`, `{price}` or `$price`.
    #[must_use]
    pub fn name(&self, start: usize, text: &str, end: usize) -> Name {
        let word = text.trim_matches(|sign: char| matches!(sign, '{' | '}' | '$' | ' ' | '\t'));
        let offset = start + text.find(word).unwrap_or_default();
        let end = if word.is_empty() { end } else { offset + word.len() };
        Name { text: word.to_owned(), span: TextSpan::new(offset, end) }
    }

    /// A variable, constant or `const`.
    #[must_use]
    pub fn variable(&self, start: usize, text: &str, end: usize) -> Expression {
        at(start, Kind::Name(self.name(start, text, end)), end)
    }

    /// A number, perhaps with a unit. A variable is no unit: an operator is missing before it.
    pub fn number(&mut self, start: usize, text: &str, unit: Option<Name>, end: usize) -> Expression {
        let is_attached = |unit: &&Name| unit.span.start as usize == start + text.len();
        if let Some(name) = unit.as_ref().filter(is_attached).filter(|unit| is_exponent(&unit.text)) {
            let span = TextSpan::new(start, name.span.end as usize);
            let message = format!("`{text}{}` has no digits behind its exponent", name.text);
            let finding = Finding::new(FindingKind::Token, span, message);
            self.report(finding.help(format!("write a number such as `{text}e3`, or a blank before a unit")));
            return at(start, Kind::Number { text: text.to_owned(), unit: None }, end);
        }
        if let Some(name) = unit.as_ref().filter(|unit| is_variable(&unit.text)) {
            let message = format!("an operator is missing between `{text}` and `{}`", name.text);
            let finding = Finding::new(FindingKind::Syntax, name.span, message)
                .help("write `*` or `times` to multiply")
                .fix(name.span.before(), "* ");
            self.report(finding);
            return at(start, Kind::Error, end);
        }
        at(start, Kind::Number { text: text.to_owned(), unit }, end)
    }

    /// A value in parentheses.
    #[must_use]
    pub fn parenthesised(&self, start: usize, value: Expression, end: usize) -> Expression {
        at(start, value.kind, end)
    }

    /// Two operands.
    #[must_use]
    pub fn binary(&self, left: Expression, written: Written, right: Expression) -> Expression {
        let (start, operator, end) = written;
        let span = TextSpan { start: left.span.start, end: right.span.end };
        let operator_span = TextSpan::new(start, end);
        let (left, right) = (Box::new(left), Box::new(right));
        Expression { kind: Kind::Binary { operator, operator_span, left, right }, span }
    }

    /// A comparison; one of a comparison is reported.
    pub fn compare(&mut self, left: Compared, written: Written, right: Expression) -> Compared {
        let operator = written.1;
        if let Some(middle) = left.last {
            self.report_chain(&left.value, middle, operator, right.span);
        }
        let last = Some(right.span);
        Compared { value: self.binary(left.value, written, right), last }
    }

    fn report_chain(&mut self, left: &Expression, middle: TextSpan, operator: Operator, right: TextSpan) {
        let (middle_text, right_text) = (middle.of(self.text), right.of(self.text));
        let second = format!("{middle_text} {} {right_text}", operator.symbol());
        let span = TextSpan { start: left.span.start, end: right.end };
        let finding = Finding::new(FindingKind::Syntax, span, "comparisons do not chain")
            .help(format!("write `{} and {second}`", left.span.of(self.text)))
            .fix(TextSpan { start: middle.end, end: right.end }, format!(" and {second}"));
        self.report(finding);
    }

    /// `=` where `==` is meant.
    pub fn assign(&mut self, left: Compared, start: usize, end: usize, right: Expression) -> Compared {
        let span = TextSpan::new(start, end);
        let message = "`=` does not compare";
        self.report(
            Finding::new(FindingKind::Syntax, span, message).help("write `==` or `eq`").fix(span, "=="),
        );
        self.compare(left, (start, Operator::Equal, end), right)
    }

    /// Minus the operand.
    #[must_use]
    pub fn negate(&self, start: usize, operand: Expression, end: usize) -> Expression {
        at(start, Kind::Negate(Box::new(operand)), end)
    }

    /// The opposite.
    #[must_use]
    pub fn not(&self, start: usize, operand: Expression, end: usize) -> Expression {
        at(start, Kind::Not(Box::new(operand)), end)
    }

    /// A sign that says nothing.
    pub fn unary_plus(&mut self, start: usize, end: usize, operand: Expression) -> Expression {
        let span = TextSpan::new(start, end);
        let message = "a `+` before a value says nothing";
        self.report(Finding::new(FindingKind::Syntax, span, message).fix(span, ""));
        operand
    }

    /// One of two.
    #[must_use]
    pub fn conditional(
        &self,
        start: usize,
        condition: Expression,
        then: Expression,
        otherwise: Expression,
        end: usize,
    ) -> Expression {
        let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
        at(start, Kind::Conditional { condition, then, otherwise }, end)
    }

    /// An `if` in words that lacks its `else`.
    pub fn missing_else(&mut self, start: usize, end: usize) -> Expression {
        let span = TextSpan::new(start, end);
        let finding = Finding::new(FindingKind::Syntax, span, "this `if` needs its `else`")
            .help("say what is charged otherwise, for example `else 0 end`")
            .fix(span.before(), "else 0 ");
        self.report(finding);
        Expression { kind: Kind::Error, span }
    }

    /// A call; `called` is where the name stands, as written.
    pub fn call(
        &mut self,
        called: (usize, &str, usize),
        arguments: Vec<Expression>,
        end: usize,
    ) -> Expression {
        let (start, written, name_end) = called;
        let function_span = TextSpan::new(start, name_end);
        let name = written.strip_prefix("Math.").unwrap_or(written);
        let Some(function) = Function::find(name) else {
            self.report(unknown_function(written, name, function_span));
            return at(start, Kind::Error, end);
        };
        if !function.takes(arguments.len()) {
            let message = format!("`{name}` does not take {} values", arguments.len());
            let help = format!("it is called as {}", function.usage());
            self.report(Finding::new(FindingKind::Call, function_span, message).help(help));
            return at(start, Kind::Error, end);
        }
        at(start, Kind::Call { function, function_span, arguments }, end)
    }

    /// A function with a block.
    pub fn function(
        &mut self,
        name: Option<Name>,
        parameters: Vec<Name>,
        body: (Vec<Statement>, TextSpan),
    ) -> (Option<FunctionHead>, Expression) {
        self.check_parameters(&parameters);
        let value = statement::fold(self, &body.0, body.1);
        (Some(FunctionHead { name, parameters }), value)
    }

    /// An arrow function with a value.
    pub fn arrow(&mut self, parameters: Vec<Name>, value: Expression) -> (Option<FunctionHead>, Expression) {
        self.check_parameters(&parameters);
        (Some(FunctionHead { name: None, parameters }), value)
    }

    fn check_parameters(&mut self, parameters: &[Name]) {
        for (index, parameter) in parameters.iter().enumerate() {
            let text = &parameter.text;
            if !is_variable(text) {
                let message = format!("`{text}` is no variable that a charge can depend on");
                let mut finding = Finding::new(FindingKind::Parameter, parameter.span, message)
                    .help(format!("the variables are {}", VARIABLES.join(", ")));
                if let Some(near) = nearest(text, VARIABLES.iter().copied()) {
                    finding = finding.fix(parameter.span, near);
                }
                self.report(finding);
            } else if parameters.iter().take(index).any(|other| other.text == *text) {
                let message = format!("`{text}` is listed twice");
                self.report(Finding::new(FindingKind::Parameter, parameter.span, message));
            }
        }
    }

    /// Reports a `const` whose name is taken; `repeated`: by an enclosing one.
    pub(super) fn check_binding(&mut self, name: &Name, repeated: bool) {
        let text = &name.text;
        let taken = if is_variable(text) {
            "is a variable"
        } else if Function::find(text).is_some() {
            "is a function"
        } else if repeated {
            "already has a value here"
        } else {
            return;
        };
        let finding = Finding::new(FindingKind::Binding, name.span, format!("`{text}` {taken}"))
            .help("give this value another name");
        self.report(finding);
    }

    /// A place where the text could not be read as a value.
    pub fn broken(
        &mut self,
        start: usize,
        error: ErrorRecovery<usize, Token<'t>, ()>,
        end: usize,
    ) -> Expression {
        let finding = syntax_error::describe(&error.error, self.text, self.tokens);
        self.report(finding);
        at(start, Kind::Error, end)
    }

    /// A place where the text could not be read as a statement.
    pub fn broken_statement(
        &mut self,
        start: usize,
        error: ErrorRecovery<usize, Token<'t>, ()>,
        end: usize,
    ) -> Statement {
        Statement::Broken { span: self.broken(start, error, end).span }
    }
}

fn at(start: usize, kind: Kind, end: usize) -> Expression {
    Expression { kind, span: TextSpan::new(start, end) }
}

fn unknown_function(written: &str, name: &str, span: TextSpan) -> Finding {
    let names = Function::ALL.map(Function::name);
    let finding = Finding::new(FindingKind::Call, span, format!("`{written}` is no function"))
        .help(format!("the functions are {}", names.join(", ")));
    match nearest(name, names) {
        Some(near) => finding.fix(span, near),
        None => finding,
    }
}

/// `e`, directly behind a number: most probably an exponent that was not finished.
fn is_exponent(unit: &str) -> bool {
    unit.eq_ignore_ascii_case("e")
}
