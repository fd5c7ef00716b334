//! Tiered prices: together with `volume` they are one value, the sum over the tiers.

use aquarium_grammar::expression::{Expression, Kind, Operator, TextSpan};
use aquarium_ir::policy::Price;
use aquarium_ir::{Node, Rational};

use super::arena::{Type, Typed};
use super::check::Checker;
use crate::diagnostic::{Code, TextFinding};
use crate::unit::Unit;

/// What a factor of a product with a tiered price stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The sum over the tiers: the first of `price` and `volume`.
    Sum,
    /// Nothing more: the second of them.
    One,
    /// A price that has been reported.
    Reported,
}

/// A factor of a product.
struct Factor<'e> {
    expression: &'e Expression,
    /// Whether the product is divided by it.
    is_divisor: bool,
}

impl Checker<'_> {
    /// Looks for a tiered price among the factors of the product `expression`, and marks it and its `volume`.
    pub(super) fn mark_tiers(&mut self, expression: &Expression) {
        if matches!(self.context.price, Price::Flat(_)) {
            return;
        }
        let mut factors = Vec::new();
        collect(expression, false, &mut factors);
        let named = |name: &str| {
            let is_it = move |factor: &&Factor<'_>| is_name(factor.expression, name);
            factors
                .iter()
                .filter(is_it)
                .map(|factor| (factor.expression.span, factor.is_divisor))
                .collect::<Vec<_>>()
        };
        let (prices, volumes) = (named("price"), named("volume"));
        if prices.is_empty() || prices.iter().any(|(span, _)| self.marks.contains_key(span)) {
            return;
        }
        match (prices.as_slice(), volumes.as_slice()) {
            ([(price, false)], [(volume, false)]) => {
                let (first, second) = if price < volume { (price, volume) } else { (volume, price) };
                self.marks.insert(*first, Mark::Sum);
                self.marks.insert(*second, Mark::One);
            }
            _ => self.report_product(expression.span, &prices, volumes.len()),
        }
    }

    fn report_product(&mut self, span: TextSpan, prices: &[(TextSpan, bool)], volumes: usize) {
        let message = match (prices, volumes) {
            ([(_, true)], _) => "nothing can be divided by a tiered price".to_owned(),
            ([_], 0) => "a tiered price needs `{volume}` as another factor of this product".to_owned(),
            ([_], _) => "a tiered price needs exactly one `{volume}` in its product".to_owned(),
            _ => "a tiered price stands once in a product".to_owned(),
        };
        let help = "write `{price} times {volume}`, with any other factors beside it";
        self.report(TextFinding::new(Code::TieredProduct, span, message).help(help));
        for (price, _) in prices {
            self.marks.insert(*price, Mark::Reported);
        }
    }

    /// What a marked factor is; `None` for every other one.
    pub(super) fn marked(&mut self, expression: &Expression) -> Option<Typed> {
        let span = expression.span;
        match self.marks.get(&span).filter(|_| matches!(expression.kind, Kind::Name(_)))? {
            Mark::Sum => Some(self.sum_of_tiers(span)),
            Mark::One => Some(self.number(&Rational::one(), Some(Unit::none()), span)),
            Mark::Reported => Some(self.broken(span)),
        }
    }

    fn sum_of_tiers(&mut self, span: TextSpan) -> Typed {
        let Price::Tiers(tiers) = self.context.price else { return self.broken(span) };
        let kind = Type::Quantity(Unit::credit());
        let node = Node::Tiered { tiers: tiers.clone(), unit: self.context.unit.raw_per_unit() };
        let node = self.arena.push(node, span, &kind);
        Typed { node, span, kind, constant: None, degree: 2 }
    }

    /// A tiered price outside a product.
    pub(super) fn misplaced_tiers(&mut self, span: TextSpan) -> Typed {
        let message = "a tiered price has no value of its own: it stands only in a product with `{volume}`";
        let help = "write `{price} times {volume}`, with any other factors beside it";
        self.report(TextFinding::new(Code::TieredProduct, span, message).help(help));
        self.broken(span)
    }
}

/// The factors of a chain of `*` and `/`, which is one product.
fn collect<'e>(expression: &'e Expression, is_divisor: bool, factors: &mut Vec<Factor<'e>>) {
    match &expression.kind {
        Kind::Binary { operator: Operator::Multiply, left, right, .. } => {
            collect(left, is_divisor, factors);
            collect(right, is_divisor, factors);
        }
        Kind::Binary { operator: Operator::Divide, left, right, .. } => {
            collect(left, is_divisor, factors);
            collect(right, !is_divisor, factors);
        }
        _ => factors.push(Factor { expression, is_divisor }),
    }
}

fn is_name(expression: &Expression, name: &str) -> bool {
    matches!(&expression.kind, Kind::Name(found) if found.text == name)
}
