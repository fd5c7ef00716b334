//! Names in expressions: variables, `const`s, and constants of the policy.

use aquarium_grammar::expression::names::{is_variable, nearest};
use aquarium_grammar::expression::{Name, TextSpan};
use aquarium_ir::expression::{LocalId, Variable};
use aquarium_ir::policy::{CostPolicy, Price};
use aquarium_ir::{Node, Rational};

use super::arena::{Constant, Type, Typed};
use super::check::Checker;
use crate::diagnostic::{Code, TextFinding};
use crate::price::Quantity;
use crate::unit::Unit;

/// A `const` that may be used.
pub(super) struct Binding {
    pub name: Name,
    /// The local that holds it; `None` for a bare number, which every use writes anew.
    pub local: Option<LocalId>,
    /// What it holds.
    pub value: Typed,
}

/// The variables of a cost policy.
#[must_use]
pub fn variables(cost_policy: CostPolicy) -> &'static [&'static str] {
    match cost_policy {
        CostPolicy::Discrete => &["price", "volume", "total", "value"],
        CostPolicy::Onoff => &["price", "volume", "total", "duration"],
        CostPolicy::Continuous => &["price", "volume", "total", "amount", "duration"],
    }
}

impl Checker<'_> {
    pub(super) fn name(&mut self, name: &Name, span: TextSpan) -> Typed {
        if let Some(found) = self.scope.iter().rposition(|binding| binding.name.text == name.text) {
            return self.bound(found, span);
        }
        if is_variable(&name.text) {
            return self.variable(name, span);
        }
        match self.context.constants.get(&name.text) {
            Some(quantity) => self.constant(quantity, span),
            None => self.unknown(name, span),
        }
    }

    fn bound(&mut self, index: usize, span: TextSpan) -> Typed {
        let Some(binding) = self.scope.get(index) else { return self.broken(span) };
        let (local, value) = (binding.local, binding.value.clone());
        self.used.insert(binding.name.span);
        let node = match (local, value.number()) {
            (Some(local), _) => Node::Local(local),
            (None, Some(number)) => Node::Number(number.clone()),
            (None, None) => return self.broken(span),
        };
        let node = self.arena.push(node, span, &value.kind);
        Typed { node, span, ..value }
    }

    fn constant(&mut self, quantity: &Quantity, span: TextSpan) -> Typed {
        match quantity.whole_unit() {
            Ok(unit) => self.number(&quantity.value, unit, span),
            Err(_) => self.broken(span),
        }
    }

    /// A number in a unit, or a bare one.
    pub(super) fn number(&mut self, value: &Rational, unit: Option<Unit>, span: TextSpan) -> Typed {
        let scale = unit.as_ref().map_or_else(Rational::one, Unit::scale);
        let number = Rational(&value.0 * scale.0);
        let kind = unit.map_or(Type::Bare, Type::Quantity);
        let node = self.arena.push(Node::Number(number.clone()), span, &kind);
        Typed { node, span, kind, constant: Some(Constant::Number(number)), degree: 1 }
    }

    fn variable(&mut self, name: &Name, span: TextSpan) -> Typed {
        let unit = self.context.unit;
        let one = Rational::one();
        match (name.text.as_str(), unit.cost_policy) {
            ("price", _) => self.price(span),
            ("volume", _) => self.slot(Variable::Volume, unit.base_per_raw_volume(), &unit.volume, span),
            ("total", _) => self.slot(Variable::Total, unit.base_per_raw_volume(), &unit.volume, span),
            ("value", CostPolicy::Discrete) => {
                self.slot(Variable::Value, unit.base_per_raw_amount(), &unit.amount, span)
            }
            ("amount", CostPolicy::Continuous) => {
                self.slot(Variable::Amount, unit.base_per_raw_amount(), &unit.amount, span)
            }
            ("duration", CostPolicy::Continuous | CostPolicy::Onoff) => {
                self.slot(Variable::Duration, one, &unit.time, span)
            }
            _ => self.missing(name, span),
        }
    }

    pub(super) fn slot(
        &mut self,
        variable: Variable,
        factor: Rational,
        unit: &Unit,
        span: TextSpan,
    ) -> Typed {
        let kind = Type::Quantity(unit.clone());
        let node = self.arena.push(Node::Variable { variable, factor }, span, &kind);
        Typed { node, span, kind, constant: None, degree: 1 }
    }

    /// A flat price is a number of each charge, here that of one credit, but counts as a variable: a divisor
    /// that holds it is not constant.
    fn price(&mut self, span: TextSpan) -> Typed {
        if matches!(self.context.price, Price::Tiers(_)) {
            return self.misplaced_tiers(span);
        }
        match Unit::credit().per(&self.context.unit.volume) {
            Some(unit) => {
                let typed = self.number(&Rational::one(), Some(unit), span);
                self.arena.prices.insert(typed.node);
                Typed { constant: None, ..typed }
            }
            None => self.broken(span),
        }
    }

    fn missing(&mut self, name: &Name, span: TextSpan) -> Typed {
        let resource = &self.context.resource.name;
        let cost_policy = match self.context.unit.cost_policy {
            CostPolicy::Discrete => "discrete",
            CostPolicy::Onoff => "onoff",
            CostPolicy::Continuous => "continuous",
        };
        let message = format!("`{}` does not exist for `{resource}`, which is {cost_policy}", name.text);
        let names = variables(self.context.unit.cost_policy).join(", ");
        let help = format!("its variables are {names}");
        self.report(TextFinding::new(Code::MissingVariable, name.span, message).help(help));
        self.broken(span)
    }

    fn unknown(&mut self, name: &Name, span: TextSpan) -> Typed {
        let message = format!("nothing is called `{}`", name.text);
        let finding = TextFinding::new(Code::UnknownVariable, name.span, message);
        let bound = self.scope.iter().map(|binding| binding.name.text.as_str());
        let constants = self.context.constants.keys().map(String::as_str);
        let own = variables(self.context.unit.cost_policy);
        let known: Vec<&str> = own.iter().copied().chain(bound).chain(constants).take(KNOWN_MAX).collect();
        let finding = match nearest(&name.text, known.iter().copied()) {
            _ if crate::unit::is_known(&name.text) => {
                let quantity = format!("1 {}", name.text);
                finding
                    .help(format!("a unit stands after a number: write `{quantity}`"))
                    .fix(name.span, quantity)
            }
            Some(near) => finding.help(format!("is `{near}` meant?")).fix(name.span, near),
            None => finding.help(format!("the names here are {}", known.join(", "))),
        };
        self.report(finding);
        self.broken(span)
    }
}

/// With how many names one that is not known is compared: a policy may have ten thousand constants, and as many
/// expressions.
const KNOWN_MAX: usize = 200;
