//! The whole of an expression: a charge in credits.

use aquarium_grammar::expression::{Expression, Kind, Operator, TextSpan};
use aquarium_ir::policy::{CostPolicy, Price};

use super::arena::{Type, Typed};
use super::check::Checker;
use super::name::variables;
use crate::diagnostic::{Code, TextFinding};
use crate::unit::Unit;

impl Checker<'_> {
    /// Checks what must be credits; each branch of a conditional by itself, so that the one that is not is
    /// the one that is told.
    pub(super) fn charge(&mut self, expression: &Expression) -> Typed {
        match &expression.kind {
            Kind::Conditional { condition, then, otherwise } => {
                let condition = self.expression(condition);
                let then = self.charge(then);
                let otherwise = self.charge(otherwise);
                self.conditional(expression.span, condition, then, otherwise)
            }
            Kind::Let { name, value, body } => self.binding(name, value, |checker| checker.charge(body)),
            _ => {
                let typed = self.expression(expression);
                self.want_credits(typed, expression)
            }
        }
    }

    fn want_credits(&mut self, typed: Typed, expression: &Expression) -> Typed {
        let unit = match &typed.kind {
            Type::Broken => return typed,
            Type::Bare => return self.arena.adapt(typed, &Unit::credit()),
            Type::Quantity(unit) if unit.is_credit() => return typed,
            Type::Quantity(unit) => unit.clone(),
            Type::Truth => {
                let message = "this is a condition, a charge must be credits";
                let help = "choose with `if ... then ... else ... end`";
                self.report(TextFinding::new(Code::NotCredits, typed.span, message).help(help));
                return self.broken(typed.span);
            }
        };
        let finding = self.not_credits(&unit, expression);
        self.report(finding);
        self.broken(typed.span)
    }

    fn not_credits(&self, unit: &Unit, expression: &Expression) -> TextFinding {
        let message = format!("this is {}, a charge must be credits", unit.words());
        let Some(factor) = self.missing_factor(unit) else {
            return TextFinding::new(Code::NotCredits, expression.span, message);
        };
        let message = format!("{message}: multiply by {{{factor}}}");
        let finding = TextFinding::new(Code::NotCredits, expression.span, message);
        self.multiplied(finding, expression, factor)
    }

    /// The variable that makes credits of a value in `unit`.
    fn missing_factor(&self, unit: &Unit) -> Option<&'static str> {
        let makes_credits = |name: &&&str| {
            let factor = self.unit_of(name);
            factor.and_then(|factor| unit.times(&factor)).is_some_and(|product| product.is_credit())
        };
        const PREFERENCE: &[&str] = &["volume", "price", "duration", "amount", "value"];
        let own = variables(self.context.unit.cost_policy);
        PREFERENCE.iter().filter(|name| own.contains(name)).find(makes_credits).copied()
    }

    fn unit_of(&self, variable: &str) -> Option<Unit> {
        let unit = self.context.unit;
        match (variable, unit.cost_policy) {
            ("price", _) if matches!(self.context.price, Price::Tiers(_)) => None,
            ("price", _) => Unit::credit().per(&unit.volume),
            ("duration", CostPolicy::Continuous | CostPolicy::Onoff) => Some(unit.time.clone()),
            ("amount" | "value", _) => Some(unit.amount.clone()),
            _ => Some(unit.volume.clone()),
        }
    }

    /// Adds the fix that multiplies `expression` by `factor`, in the author's dialect.
    fn multiplied(&self, finding: TextFinding, expression: &Expression, factor: &str) -> TextFinding {
        let text = &self.syntax.source.text;
        let factor = if text.contains('{') && self.syntax.parsed.function.is_none() {
            format!("{{{factor}}}")
        } else if text.contains('$') {
            format!("${factor}")
        } else {
            factor.to_owned()
        };
        let sign = if text.contains("times") { "times" } else { "*" };
        let TextSpan { start, end } = expression.span;
        let own = expression.span.of(text);
        let product = if binds_as_factor(expression) {
            format!("{own} {sign} {factor}")
        } else {
            format!("({own}) {sign} {factor}")
        };
        finding.fix(TextSpan { start, end }, product)
    }
}

/// Whether it can be multiplied without parentheses around it.
fn binds_as_factor(expression: &Expression) -> bool {
    match &expression.kind {
        Kind::Binary { operator, .. } => {
            matches!(operator, Operator::Multiply | Operator::Divide | Operator::Remainder)
        }
        Kind::Conditional { .. } | Kind::Let { .. } | Kind::Not(_) => false,
        Kind::Number { .. } | Kind::Name(_) | Kind::Negate(_) | Kind::Call { .. } | Kind::Error => true,
    }
}
