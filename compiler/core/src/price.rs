//! Prices: flat or in tiers, converted to credits per unit of the resource.
//!
//! The numbers here are those of the policy's text, exact; nothing is rounded.

mod number;
mod quantity;
mod tiers;

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;
use aquarium_ir::policy::{CostPolicy, Price};

pub use number::{PLACES_MAX, WHOLE_DIGITS_MAX, read_number};
pub use quantity::{Constants, Part, Quantity, read_constant};

use crate::diagnostic::{Code, Diagnostic, FileSpan, SourceText, TextFinding};
use crate::unit::{PrefixFamily, ResourceUnit, Unit, prefix_family, read_resource_unit};
use quantity::read_quantity;

/// A price as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriceSyntax {
    /// One price.
    Flat(SourceText),
    /// Graduated tiers.
    Tiers {
        /// Where the list stands.
        span: FileSpan,
        /// The tiers, as they are written.
        tiers: Vec<TierSyntax>,
    },
}

/// A tier as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSyntax {
    /// Where it stands.
    pub span: FileSpan,
    /// Where the tier ends.
    pub upto: Option<SourceText>,
    /// Its price.
    pub price: Option<SourceText>,
}

impl PriceSyntax {
    /// The multiples of bytes and bits that it names, for `mixed-prefixes`.
    #[must_use]
    pub fn prefixes(&self) -> Vec<(FileSpan, PrefixFamily)> {
        let texts: Vec<&SourceText> = match self {
            Self::Flat(text) => vec![text],
            Self::Tiers { tiers, .. } => {
                tiers.iter().flat_map(|tier| tier.upto.iter().chain(&tier.price)).collect()
            }
        };
        texts.into_iter().flat_map(prefixes_of).collect()
    }
}

/// The multiples of bytes and bits that a text names.
#[must_use]
pub fn prefixes_of(source: &SourceText) -> Vec<(FileSpan, PrefixFamily)> {
    let text = &source.text;
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split(|letter: char| !letter.is_alphabetic()) {
        if let Some(family) = prefix_family(word) {
            found.push((source.place(TextSpan::new(start, start + word.len())), family));
        }
        start += word.len()
            + text.get(start + word.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    found
}

/// The price that is meant for a resource of that unit.
#[must_use]
pub fn resolve_price(
    syntax: &PriceSyntax,
    unit: &ResourceUnit,
    constants: &Constants,
) -> (Option<Price>, Vec<Diagnostic>) {
    match syntax {
        PriceSyntax::Flat(source) => match credits_per_unit(&source.text, unit, constants) {
            Ok(price) => (Some(Price::Flat(price)), Vec::new()),
            Err(finding) => (None, vec![finding.into_diagnostic(source)]),
        },
        PriceSyntax::Tiers { span, tiers } => tiers::resolve(*span, tiers, unit, constants),
    }
}

/// Reads a price, in credits per declared unit.
fn credits_per_unit(text: &str, unit: &ResourceUnit, constants: &Constants) -> Result<Rational, TextFinding> {
    let quantity = read_quantity(text, constants, Code::BadPrice)?;
    let whole = TextSpan::new(0, text.len());
    if let Some(rate) = rate(&quantity, unit) {
        return Ok(rate);
    }
    if let Some(own) = quantity.unit.as_ref().filter(|own| !own.is_credit()) {
        return Err(no_price(&quantity, whole, &own.words(), unit));
    }
    let per_unit = match &quantity.per {
        Some(per) => convert(
            &per.text,
            if constants.contains_key(text.trim()) { whole } else { per.span },
            unit,
            |volume| format!("this price is per {volume}"),
        )?,
        None if quantity.unit.is_some() => return Err(no_price(&quantity, whole, "credits", unit)),
        None => return Ok(quantity.value),
    };
    Ok(Rational(quantity.value.0 / per_unit.0))
}

/// `0.05 credit/GB`: a number whose unit is that of a price already.
fn rate(quantity: &Quantity, unit: &ResourceUnit) -> Option<Rational> {
    let per_unit = Unit::credit().per(&unit.volume)?;
    let own =
        quantity.unit.as_ref().filter(|own| quantity.per.is_none() && own.measures_the_same(&per_unit))?;
    Some(Rational(&quantity.value.0 * own.scale().0 / per_unit.scale().0))
}

fn no_price(quantity: &Quantity, span: TextSpan, words: &str, unit: &ResourceUnit) -> TextFinding {
    let message = format!("this is {words}, a price is credits per {}", unit.volume);
    let help = format!("write `{} per {}`", quantity.value, unit.volume);
    TextFinding::new(Code::PriceUnit, span, message).help(help)
}

/// Reads the end of a tier, in declared units.
fn limit(text: &str, unit: &ResourceUnit, constants: &Constants) -> Result<Rational, TextFinding> {
    let quantity = read_quantity(text, constants, Code::BadTiers)?;
    let whole = TextSpan::new(0, text.len());
    if quantity.per.is_some() {
        let message = "`upto` is an amount, not a rate";
        return Err(TextFinding::new(Code::BadTiers, whole, message));
    }
    let Some(part) = &quantity.unit_text else { return Ok(quantity.value) };
    let span = if constants.contains_key(text.trim()) { whole } else { part.span };
    let scale = convert(&part.text, span, unit, |volume| format!("this limit is in {volume}"))?;
    Ok(Rational(quantity.value.0 * scale.0))
}

/// How many declared units are in one of the unit that `text` names for the same resource.
///
/// The text is read as the resource's own unit is: `GB/hr` of a continuous resource is `GB*hr`. Without a
/// time it stands for the declared unit only where that has none either.
fn convert(
    text: &str,
    span: TextSpan,
    unit: &ResourceUnit,
    subject: impl Fn(&str) -> String,
) -> Result<Rational, TextFinding> {
    if text == unit.text {
        return Ok(Rational::one());
    }
    let (read, findings) = read_resource_unit(text, unit.cost_policy);
    let clear = |read: &ResourceUnit| !read.is_time_implied || (unit.is_time_implied && is_continuous(unit));
    if let Some(read) = read.filter(|read| clear(read) && read.volume.measures_the_same(&unit.volume)) {
        return Ok(Rational(read.volume.scale().0 / unit.volume.scale().0));
    }
    if let Some(finding) = findings.into_iter().find(|finding| finding.code == Code::BadUnit) {
        return Err(finding.moved(span.start));
    }
    let message = format!("{}, the resource is measured in {}", subject(text), unit.volume);
    Err(TextFinding::new(Code::PriceUnit, span, message)
        .help(format!("name a quantity such as `{}`", unit.volume)))
}

fn is_continuous(unit: &ResourceUnit) -> bool {
    unit.cost_policy == CostPolicy::Continuous
}

#[cfg(test)]
mod tests;
