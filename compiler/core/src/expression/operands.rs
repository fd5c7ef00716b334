//! What operations want of their operands: conditions, quantities, equal units.

use aquarium_grammar::expression::TextSpan;

use super::arena::{Type, Typed};
use super::check::Checker;
use crate::diagnostic::{Code, TextFinding};
use crate::unit::Unit;

/// What operands of equal unit are wanted for, for the message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Add,
    Subtract,
    Compare,
    Remainder,
    Function(&'static str),
    Branches,
}

impl Purpose {
    fn mismatch(self, left: &str, right: &str) -> String {
        match self {
            Self::Add => format!("{left} and {right} cannot be added"),
            Self::Subtract => format!("{right} cannot be subtracted from {left}"),
            Self::Compare => format!("{left} cannot be compared with {right}"),
            Self::Remainder => format!("{left} has no remainder by {right}"),
            Self::Function(name) => format!("`{name}` wants equal units, these are {left} and {right}"),
            Self::Branches => format!("one branch is {left}, the other is {right}"),
        }
    }
}

impl Checker<'_> {
    /// Whether `typed` is a condition; reports it where it is none.
    pub(super) fn want_truth(&mut self, typed: &Typed) -> bool {
        let words = match &typed.kind {
            Type::Truth => return true,
            Type::Broken => return false,
            Type::Bare => "a number".to_owned(),
            Type::Quantity(unit) => unit.words(),
        };
        let message = format!("this is {words}, a condition is wanted");
        let help = "compare it with something, for example `volume > 0`";
        self.report(TextFinding::new(Code::TypeMismatch, typed.span, message).help(help));
        false
    }

    /// Whether `typed` is a number or quantity; reports it where it is a condition.
    pub(super) fn want_value(&mut self, typed: &Typed) -> bool {
        match typed.kind {
            Type::Bare | Type::Quantity(_) => true,
            Type::Broken => false,
            Type::Truth => {
                let help = "choose with `if ... then 1 else 0 end`";
                let message = "this is a condition, a value is wanted";
                self.report(TextFinding::new(Code::TypeMismatch, typed.span, message).help(help));
                false
            }
        }
    }

    /// Gives all values one unit: bare numbers take that of the first quantity. `None` where that cannot
    /// be, which is reported; what they are then is the type of the first.
    pub(super) fn unify(&mut self, values: Vec<Typed>, purpose: Purpose) -> Option<(Type, Vec<Typed>)> {
        // Every operand is looked at, so that every mistake is told.
        let sound = values.iter().map(|value| self.want_value(value)).collect::<Vec<_>>();
        if sound.contains(&false) {
            return None;
        }
        let Some((first_span, unit)) = first_quantity(&values) else { return Some((Type::Bare, values)) };
        let mut unified = Vec::with_capacity(values.len());
        for value in values {
            let adapted = match value.unit() {
                None => self.arena.adapt(value, &unit),
                Some(own) if own.measures_the_same(&unit) => value,
                Some(own) => {
                    let message = purpose.mismatch(&unit.words(), &own.words());
                    let finding = TextFinding::new(Code::UnitMismatch, value.span, message)
                        .at(own.words())
                        .label(first_span, unit.words());
                    let finding = self.with_mismatch_help(finding, &unit, own);
                    self.report(finding);
                    return None;
                }
            };
            unified.push(adapted);
        }
        let kind = unified.first().map_or(Type::Bare, |first| first.kind.clone());
        Some((kind, unified))
    }

    /// Adds what is known about two units of this resource that are often taken for each other.
    fn with_mismatch_help(&self, finding: TextFinding, left: &Unit, right: &Unit) -> TextFinding {
        let own = self.context.unit;
        let is_volume = |unit: &Unit| unit.measures_the_same(&own.volume);
        let is_amount = |unit: &Unit| !own.amount.is_none() && unit.measures_the_same(&own.amount);
        let mixed = is_volume(left) && is_amount(right) || is_amount(left) && is_volume(right);
        if mixed && !own.time.is_none() {
            let help = format!(
                "`volume` and `total` are {} (amount times time), `amount` is {}, `duration` is {}",
                own.volume, own.amount, own.time
            );
            return finding.help(help);
        }
        finding
    }
}

fn first_quantity(values: &[Typed]) -> Option<(TextSpan, Unit)> {
    values.iter().find_map(|value| Some((value.span, value.unit()?.clone())))
}
