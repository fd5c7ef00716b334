//! Prices and terms as people read them.

use crate::policy::Price;

/// A price in the unit that its resource declares: `0.05 per Hr`, `0 up to 10, then 0.05 per MB`.
#[must_use]
pub fn price(price: &Price, unit: &str) -> String {
    match price {
        Price::Flat(price) => format!("{price} per {unit}"),
        Price::Tiers(tiers) => {
            let tier = |tier: &crate::policy::Tier| match &tier.upto {
                Some(upto) => format!("{} up to {upto}", tier.price),
                None => tier.price.to_string(),
            };
            let words: Vec<String> = tiers.iter().map(tier).collect();
            format!("{} per {unit}", words.join(", then "))
        }
    }
}

/// An expression in one line: blanks and line breaks joined.
#[must_use]
pub fn expression(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
