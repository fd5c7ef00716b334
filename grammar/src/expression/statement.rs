//! From the statements of a JavaScript function to one expression.
//!
//! A statement is followed by what may run after it. A branch that does not return runs on into the
//! statements behind its `if`, so these appear once for each such branch: [`MAX_UNFOLDED`] bounds them.

use super::ast::{Expression, Kind, Name, TextSpan};
use super::build::Build;
use super::finding::{Finding, FindingKind};

/// How many statements a function may have once those behind a branch that runs on are counted for
/// each such branch. Eight `if`s in a row that all run on reach it.
const MAX_UNFOLDED: usize = 300;

/// A statement.
#[derive(Debug, Clone)]
pub enum Statement {
    /// `const name = value;`
    Const {
        /// Where it begins.
        start: usize,
        /// What is named.
        name: Name,
        /// What it holds.
        value: Expression,
    },
    /// `return value;`
    Return {
        /// Where it begins.
        start: usize,
        /// The result.
        value: Expression,
    },
    /// `if (condition) then else otherwise`
    If {
        /// Where it begins.
        start: usize,
        /// What decides.
        condition: Expression,
        /// Where the condition holds.
        then: Vec<Statement>,
        /// Where it does not.
        otherwise: Option<Vec<Statement>>,
    },
    /// Statements in braces.
    Block(Vec<Statement>),
    /// What could not be read; it has been reported.
    Broken {
        /// Where.
        span: TextSpan,
    },
}

impl Statement {
    /// An `if` whose branches are single statements or blocks.
    #[must_use]
    pub fn branch(start: usize, condition: Expression, then: Self, otherwise: Option<Self>) -> Self {
        Self::If { start, condition, then: then.list(), otherwise: otherwise.map(Self::list) }
    }

    fn list(self) -> Vec<Self> {
        match self {
            Self::Block(statements) => statements,
            single => vec![single],
        }
    }

    fn start(&self) -> Option<usize> {
        match self {
            Self::Const { start, .. } | Self::Return { start, .. } | Self::If { start, .. } => Some(*start),
            Self::Block(statements) => statements.first().and_then(Self::start),
            Self::Broken { span } => Some(span.start as usize),
        }
    }

    /// Whether every path through the statement returns.
    fn returns(&self) -> bool {
        match self {
            Self::Const { .. } => false,
            Self::Return { .. } | Self::Broken { .. } => true,
            Self::If { then, otherwise, .. } => returns(then) && otherwise.as_deref().is_some_and(returns),
            Self::Block(statements) => returns(statements),
        }
    }
}

fn returns(statements: &[Statement]) -> bool {
    statements.iter().any(Statement::returns)
}

/// Turns the body of a function, which ends at `end`, into one expression.
pub(super) fn fold(build: &mut Build<'_>, statements: &[Statement], end: TextSpan) -> Expression {
    report_unreachable(build, statements);
    check_names(build, statements, &mut Vec::new());
    let mut folding = Folding { build, left: MAX_UNFOLDED, reported: false, end };
    folding.sequence(statements, &Rest::End)
}

/// What runs after the statements at hand.
enum Rest<'s> {
    /// Nothing: the function ends without a result.
    End,
    /// These statements, then what follows them.
    Then(&'s [Statement], &'s Rest<'s>),
}

struct Folding<'b, 't> {
    build: &'b mut Build<'t>,
    left: usize,
    reported: bool,
    end: TextSpan,
}

impl Folding<'_, '_> {
    fn sequence(&mut self, statements: &[Statement], rest: &Rest<'_>) -> Expression {
        let Some((first, following)) = statements.split_first() else {
            return match rest {
                Rest::End => self.missing_return(),
                Rest::Then(next, after) => self.sequence(next, after),
            };
        };
        if self.left == 0 {
            return self.too_many();
        }
        self.left -= 1;
        let after = Rest::Then(following, rest);
        match first {
            Statement::Return { value, .. } => value.clone(),
            Statement::Broken { span } => Expression { kind: Kind::Error, span: *span },
            Statement::Block(inner) => self.sequence(inner, &after),
            Statement::Const { start, name, value } => {
                let body = self.sequence(&[], &after);
                let span = TextSpan { start: TextSpan::new(*start, *start).start, end: body.span.end };
                let (value, body) = (Box::new(value.clone()), Box::new(body));
                Expression { kind: Kind::Let { name: name.clone(), value, body }, span }
            }
            Statement::If { start, condition, then, otherwise } => {
                let then = self.sequence(then, &after);
                let otherwise = self.sequence(otherwise.as_deref().unwrap_or_default(), &after);
                let end = then.span.end.max(otherwise.span.end) as usize;
                self.build.conditional(*start, condition.clone(), then, otherwise, end)
            }
        }
    }

    fn missing_return(&mut self) -> Expression {
        if !self.reported {
            self.reported = true;
            let finding = Finding::new(
                FindingKind::MissingReturn,
                self.end,
                "the function can end here without a `return`",
            )
            .help("every path through a function returns the charge");
            self.build.report(finding);
        }
        Expression { kind: Kind::Error, span: self.end }
    }

    fn too_many(&mut self) -> Expression {
        if !self.reported {
            self.reported = true;
            let message = "too many branches that run on into the statements after them";
            let finding = Finding::new(FindingKind::Limit, self.end, message)
                .help("return from each branch, or use `? :`");
            self.build.report(finding);
        }
        Expression { kind: Kind::Error, span: self.end }
    }
}

/// Reports what stands behind a statement that always returns.
fn report_unreachable(build: &mut Build<'_>, statements: &[Statement]) {
    let returning = statements.iter().position(Statement::returns);
    if let Some(next) = returning.and_then(|at| statements.get(at + 1)) {
        let start = next.start().unwrap_or_default();
        let message = "this is never reached: every path before it has returned";
        build.report(Finding::new(
            FindingKind::UnreachableStatement,
            TextSpan::new(start, start + build.word_length(start)),
            message,
        ));
    }
    for statement in statements {
        match statement {
            Statement::If { then, otherwise, .. } => {
                report_unreachable(build, then);
                report_unreachable(build, otherwise.as_deref().unwrap_or_default());
            }
            Statement::Block(inner) => report_unreachable(build, inner),
            Statement::Const { .. } | Statement::Return { .. } | Statement::Broken { .. } => {}
        }
    }
}

/// Reports a `const` whose name is taken, by the language or by an enclosing `const`.
fn check_names<'s>(build: &mut Build<'_>, statements: &'s [Statement], names: &mut Vec<&'s Name>) {
    let outer = names.len();
    for statement in statements {
        match statement {
            Statement::Const { name, .. } => {
                build.check_binding(name, names.iter().any(|other| other.text == name.text));
                names.push(name);
            }
            Statement::If { then, otherwise, .. } => {
                check_names(build, then, names);
                check_names(build, otherwise.as_deref().unwrap_or_default(), names);
            }
            Statement::Block(inner) => check_names(build, inner, names),
            Statement::Return { .. } | Statement::Broken { .. } => {}
        }
    }
    names.truncate(outer);
}
