//! Text in; digest, program or findings out.

use aquarium_ir::interpreter::explain_expression;
use aquarium_ir::policy::{Body, ChargeId, CostPolicy, Resource, SourceId, Tier};
use aquarium_ir::{Rational, Slot};
use ethnum::I256;

use super::*;
use crate::diagnostic::{FileId, SourceText};
use crate::price::read_constant;
use crate::unit::read_resource_unit;

mod digests;
mod findings;
mod oracle;
mod properties;
mod random;
mod values;

/// A resource, a price and constants to check expressions with.
pub(super) struct Setting {
    pub resource: Resource,
    pub unit: ResourceUnit,
    pub price: Price,
    pub constants: Constants,
    pub precision: u8,
}

pub(super) fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

fn nowhere(span: FileSpan) -> Span {
    Span { source: SourceId(span.file.0), start: span.start, end: span.end, line: 1 }
}

impl Setting {
    pub fn new(cost_policy: CostPolicy, unit_text: &str) -> Self {
        let unit = read_resource_unit(unit_text, cost_policy).0.unwrap();
        let resource = Resource {
            name: "usage".to_owned(),
            unit: unit_text.to_owned(),
            cost_policy,
            complex: false,
            max: number("1e15"),
            raw_per_unit: unit.raw_per_unit(),
            span: nowhere(FileSpan { file: FileId(0), start: 0, end: 0 }),
        };
        let constants = [("free", "10"), ("quota", "2 GB"), ("fee", "3 credits"), ("rate", "0.5 per GB")]
            .map(|(name, text)| (name.to_owned(), read_constant(text).unwrap()));
        let price = Price::Flat(number("0.25"));
        Self { resource, unit, price, constants: constants.into_iter().collect(), precision: 6 }
    }

    pub fn discrete() -> Self {
        Self::new(CostPolicy::Discrete, "MB")
    }

    pub fn onoff() -> Self {
        Self::new(CostPolicy::Onoff, "hr")
    }

    pub fn continuous() -> Self {
        Self::new(CostPolicy::Continuous, "GB*hr")
    }

    pub fn tiered(mut self) -> Self {
        let tier = |upto: Option<&str>, price| Tier { upto: upto.map(number), price: number(price) };
        self.price = Price::Tiers(vec![tier(Some("10"), "0"), tier(Some("100"), "0.5"), tier(None, "0.25")]);
        self
    }

    fn context(&self) -> ChargeContext<'_> {
        ChargeContext {
            resource: &self.resource,
            limits: Limits::of(&self.resource),
            unit: &self.unit,
            price: &self.price,
            constants: &self.constants,
            precision: self.precision,
            span: &nowhere,
        }
    }

    pub fn check(&self, syntax: &ExpressionSyntax) -> Checked {
        check_charge(syntax, &self.context())
    }

    /// The typed expression, at any price.
    pub fn body(&self, syntax: &ExpressionSyntax) -> Body {
        Template::new(syntax, &self.context()).into_body()
    }

    /// A slot of so many declared units, after as many in the month. For `continuous` it holds for one hour.
    pub fn slot(&self, volume: &str, total: &str) -> Slot {
        let raw = |value: &str| {
            let raw = Rational(number(value).0 * &self.unit.raw_per_unit().0);
            raw.to_string().parse::<I256>().unwrap()
        };
        let (volume, total) = (raw(volume), raw(total));
        let hour = 3_600_000_i64;
        let (amount, duration_millis) = match self.unit.cost_policy {
            CostPolicy::Discrete => (volume, 0),
            CostPolicy::Onoff => (I256::ZERO, i64::try_from(volume).unwrap()),
            CostPolicy::Continuous => (volume / I256::from(hour), hour),
        };
        Slot { charge: ChargeId(0), volume, total, amount, duration_millis }
    }
}

pub(super) fn read(text: &str) -> (ExpressionSyntax, Vec<Diagnostic>) {
    let end = u32::try_from(text.len()).unwrap();
    ExpressionSyntax::read(SourceText::plain(text, FileSpan { file: FileId(0), start: 0, end }), true)
}

/// The exact charge for a slot.
#[track_caller]
pub(super) fn charge(setting: &Setting, text: &str, volume: &str, total: &str) -> String {
    let (syntax, findings) = read(text);
    assert!(findings.is_empty(), "{text}: {findings:?}");
    let checked = setting.check(&syntax);
    assert!(checked.compiles, "{text}: {:?}", checked.errors);
    let body = setting.body(&syntax).at(&setting.price);
    explain_expression(&body, &setting.slot(volume, total), 6).unwrap().evaluation.value.to_string()
}
