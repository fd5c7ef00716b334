//! Writes an abstract syntax as text, in one of the dialects.
//!
//! What is printed reads back as the same abstract syntax. A `const` exists in functions only, so an
//! expression that has one is printed as a function in every dialect.

use super::ast::{Expression, Kind, Name, Operator};

/// A way to write expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{price} times {volume}`
    Words,
    /// `price * volume`
    Symbols,
    /// `function (price, volume) { return price * volume; }`
    Script,
}

/// How tightly an expression holds together; a looser one inside a tighter place needs parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Conditional,
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Unary,
    Primary,
}

/// The text of `expression` in `dialect`.
#[must_use]
pub fn print(expression: &Expression, dialect: Dialect) -> String {
    let mut printer = Printer { dialect, out: String::new() };
    if dialect == Dialect::Script || binds(expression) {
        printer.out.push_str("function (price, volume) { ");
        printer.statements(expression);
        printer.out.push('}');
    } else {
        printer.expression(expression, Level::Conditional);
    }
    printer.out
}

/// Whether a `const` stands where only a statement can hold it.
fn binds(expression: &Expression) -> bool {
    match &expression.kind {
        Kind::Let { .. } => true,
        Kind::Conditional { then, otherwise, .. } => binds(then) || binds(otherwise),
        _ => false,
    }
}

fn level(operator: Operator) -> Level {
    match operator {
        Operator::Or => Level::Or,
        Operator::And => Level::And,
        Operator::Add | Operator::Subtract => Level::Sum,
        Operator::Multiply | Operator::Divide | Operator::Remainder => Level::Product,
        Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Equal
        | Operator::NotEqual => Level::Comparison,
    }
}

/// The level that each side of an operator must have.
fn operand_levels(level: Level) -> (Level, Level) {
    match level {
        Level::Or => (Level::Or, Level::And),
        Level::And => (Level::And, Level::Not),
        Level::Comparison => (Level::Sum, Level::Sum),
        Level::Sum => (Level::Sum, Level::Product),
        _ => (Level::Product, Level::Unary),
    }
}

struct Printer {
    dialect: Dialect,
    out: String,
}

impl Printer {
    fn statements(&mut self, expression: &Expression) {
        match &expression.kind {
            Kind::Let { name, value, body } => {
                self.out.push_str(&format!("const {} = ", name.text));
                self.expression(value, Level::Conditional);
                self.out.push_str("; ");
                self.statements(body);
            }
            Kind::Conditional { condition, then, otherwise } => {
                self.out.push_str("if (");
                self.expression(condition, Level::Conditional);
                self.out.push_str(") { ");
                self.statements(then);
                self.out.push_str("} else { ");
                self.statements(otherwise);
                self.out.push_str("} ");
            }
            _ => {
                self.out.push_str("return ");
                self.expression(expression, Level::Conditional);
                self.out.push_str("; ");
            }
        }
    }

    fn expression(&mut self, expression: &Expression, place: Level) {
        let own = self.level_of(expression);
        if own < place {
            self.out.push('(');
        }
        self.bare(expression, own);
        if own < place {
            self.out.push(')');
        }
    }

    fn level_of(&self, expression: &Expression) -> Level {
        let words = self.dialect == Dialect::Words;
        match &expression.kind {
            Kind::Binary { operator, .. } => level(*operator),
            Kind::Conditional { .. } if !words => Level::Conditional,
            Kind::Not(_) if words => Level::Not,
            Kind::Not(_) | Kind::Negate(_) => Level::Unary,
            _ => Level::Primary,
        }
    }

    fn bare(&mut self, expression: &Expression, own: Level) {
        match &expression.kind {
            Kind::Number { text, unit } => {
                self.out.push_str(text);
                if let Some(unit) = unit {
                    self.out.push(' ');
                    self.out.push_str(&unit.text);
                }
            }
            Kind::Name(name) => self.name(name),
            Kind::Negate(operand) => self.prefixed("-", operand, Level::Primary),
            Kind::Not(operand) if own == Level::Not => self.prefixed("not ", operand, Level::Not),
            Kind::Not(operand) => self.prefixed("!", operand, Level::Primary),
            Kind::Binary { operator, left, right, .. } => self.binary(*operator, left, right),
            Kind::Conditional { condition, then, otherwise } => self.conditional(condition, then, otherwise),
            Kind::Call { function, arguments, .. } => {
                self.out.push_str(function.name());
                self.arguments(arguments);
            }
            Kind::Let { body, .. } => self.expression(body, Level::Conditional),
            Kind::Error => self.out.push_str("..."),
        }
    }

    fn name(&mut self, name: &Name) {
        match self.dialect {
            Dialect::Words => self.out.push_str(&format!("{{{}}}", name.text)),
            Dialect::Symbols | Dialect::Script => self.out.push_str(&name.text),
        }
    }

    fn prefixed(&mut self, sign: &str, operand: &Expression, place: Level) {
        self.out.push_str(sign);
        self.expression(operand, place);
    }

    fn binary(&mut self, operator: Operator, left: &Expression, right: &Expression) {
        let (left_level, right_level) = operand_levels(level(operator));
        self.expression(left, left_level);
        let sign = if self.dialect == Dialect::Words { operator.word() } else { operator.symbol() };
        self.out.push_str(&format!(" {sign} "));
        self.expression(right, right_level);
    }

    fn conditional(&mut self, condition: &Expression, then: &Expression, otherwise: &Expression) {
        if self.dialect == Dialect::Words {
            self.out.push_str("if ");
            self.chain(condition, then, otherwise);
            return;
        }
        self.expression(condition, Level::Or);
        self.out.push_str(" ? ");
        self.expression(then, Level::Conditional);
        self.out.push_str(" : ");
        self.expression(otherwise, Level::Conditional);
    }

    fn chain(&mut self, condition: &Expression, then: &Expression, otherwise: &Expression) {
        self.expression(condition, Level::Conditional);
        self.out.push_str(" then ");
        self.expression(then, Level::Conditional);
        if let Kind::Conditional { condition, then, otherwise } = &otherwise.kind {
            self.out.push_str(" elsif ");
            return self.chain(condition, then, otherwise);
        }
        self.out.push_str(" else ");
        self.expression(otherwise, Level::Conditional);
        self.out.push_str(" end");
    }

    fn arguments(&mut self, arguments: &[Expression]) {
        self.out.push('(');
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.expression(argument, Level::Conditional);
        }
        self.out.push(')');
    }
}
