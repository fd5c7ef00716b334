//! What "the same expression" means: a digest of the abstract syntax, before anything is simplified.
//!
//! The canonical text is an s-expression. Parentheses, dialect, `Math.`, function names, parameters and the
//! names of `const`s are not in it (a `const` is named by how many bindings lie between it and its use).
//! Literals count by value and unit: `1` is `1.0`, `10 GB` is not `10000 MB`; constants count by name.

use std::fmt::Write;

use aquarium_grammar::expression::names::is_variable;
use aquarium_grammar::expression::{Expression, Kind, Name};
use sha2::{Digest, Sha256};

use crate::price::read_number;
use crate::unit::{Dimension, read_word};

/// What the digest is of, so that it never equals that of something else.
const PREFIX: &str = "aquarium expression 1\n";

/// The SHA-256 of the canonical text, in hexadecimal digits.
pub(super) fn digest(expression: &Expression) -> String {
    let hash = Sha256::digest(format!("{PREFIX}{}", canonical(expression)));
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The canonical text.
pub(super) fn canonical(expression: &Expression) -> String {
    let mut writer = Writer { out: String::new(), scope: Vec::new() };
    writer.expression(expression);
    writer.out
}

struct Writer<'e> {
    out: String,
    scope: Vec<&'e str>,
}

impl<'e> Writer<'e> {
    fn expression(&mut self, expression: &'e Expression) {
        match &expression.kind {
            Kind::Number { text, unit } => self.number(text, unit.as_ref()),
            Kind::Name(name) => self.name(&name.text),
            Kind::Negate(operand) => self.list("negate", [operand.as_ref()]),
            Kind::Not(operand) => self.list("not", [operand.as_ref()]),
            Kind::Binary { operator, left, right, .. } => {
                self.list(operator.symbol(), [left.as_ref(), right.as_ref()]);
            }
            Kind::Conditional { condition, then, otherwise } => {
                self.list("if", [condition.as_ref(), then.as_ref(), otherwise.as_ref()]);
            }
            Kind::Call { function, arguments, .. } => self.list(function.name(), arguments),
            Kind::Let { name, value, body } => {
                self.out.push_str("(let ");
                self.expression(value);
                self.out.push(' ');
                self.scope.push(&name.text);
                self.expression(body);
                self.scope.pop();
                self.out.push(')');
            }
            Kind::Error => self.out.push('?'),
        }
    }

    fn list(&mut self, head: &str, parts: impl IntoIterator<Item = &'e Expression>) {
        self.out.push('(');
        self.out.push_str(head);
        for part in parts {
            self.out.push(' ');
            self.expression(part);
        }
        self.out.push(')');
    }

    fn name(&mut self, name: &str) {
        let written = match self.scope.iter().rev().position(|bound| *bound == name) {
            Some(depth) => format!("let:{depth}"),
            None if is_variable(name) => name.to_owned(),
            None => format!("constant:{name}"),
        };
        self.out.push_str(&written);
    }

    fn number(&mut self, text: &str, unit: Option<&Name>) {
        let value = read_number(text).map_or_else(|_| text.to_owned(), |value| value.to_string());
        self.out.push_str(&value);
        if let Some(unit) = unit {
            self.out.push('_');
            self.out.push_str(&canonical_unit(unit));
        }
    }
}

/// The unit apart from its spelling: `hr` is `hour`, `page` is `pages`.
fn canonical_unit(unit: &Name) -> String {
    let Ok(read) = read_word(&unit.text, unit.span) else { return unit.text.clone() };
    let names = read.factors().iter().map(|factor| match &factor.dimension {
        Dimension::Time => format!("time:{}", factor.scale),
        Dimension::Data => format!("data:{}", factor.scale),
        Dimension::Credit => "credit".to_owned(),
        Dimension::Own(name) => format!("own:{name}"),
    });
    names.collect()
}
