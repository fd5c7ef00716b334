//! Units of measure: what authors write (`MB/hr`, `GB*day`, `pages`), in exact factors of base units.
//!
//! The base units are the byte, the millisecond, the credit, and one for every unit of the author's own.
//! This module knows no expression and no price.

mod known;
mod read;
mod resource;

use std::fmt;

use aquarium_ir::Rational;
use num_traits::One;

pub use known::{PrefixFamily, is_known, prefix_family};
pub use read::{Reading, read_unit, read_word};
pub use resource::{ResourceUnit, read_resource_unit};

/// What a unit measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Time; the base unit is the millisecond.
    Time,
    /// Data; the base unit is the byte (a bit is an eighth of it).
    Data,
    /// Credits.
    Credit,
    /// What a unit of the author's own measures: the unit's name without plural `s`.
    Own(String),
}

/// A named unit to a power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// What it measures.
    pub dimension: Dimension,
    /// Base units in one of it.
    pub scale: Rational,
    /// Its name as written.
    pub name: String,
    /// The power, never 0.
    pub exponent: i32,
}

/// A product of named units, at most one for what is measured; without any, the unit of plain numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    factors: Vec<Factor>,
}

/// The highest power of a unit; what lies beyond is no quantity that anyone is charged for.
pub const EXPONENT_MAX: i32 = 16;

impl Unit {
    /// The unit of plain numbers.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Credits.
    #[must_use]
    pub fn credit() -> Self {
        Self::single(Dimension::Credit, Rational::one(), "credit")
    }

    /// One named unit.
    #[must_use]
    pub fn single(dimension: Dimension, scale: Rational, name: &str) -> Self {
        Self { factors: vec![Factor { dimension, scale, name: name.to_owned(), exponent: 1 }] }
    }

    /// Its factors, in the order in which they are written.
    #[must_use]
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// Whether it is the unit of plain numbers.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.factors.is_empty()
    }

    /// Whether it is credits.
    #[must_use]
    pub fn is_credit(&self) -> bool {
        self.measures_the_same(&Self::credit())
    }

    /// Base units in one of it.
    #[must_use]
    pub fn scale(&self) -> Rational {
        let power = |factor: &Factor| match factor.exponent {
            1 => factor.scale.0.clone(),
            -1 => factor.scale.0.recip(),
            exponent => factor.scale.0.pow(exponent),
        };
        let powers = self.factors.iter().filter(|factor| !factor.scale.0.is_one()).map(power);
        Rational(powers.reduce(|product, power| product * power).unwrap_or_else(|| Rational::one().0))
    }

    /// The power of what is measured in it.
    #[must_use]
    pub fn exponent(&self, dimension: &Dimension) -> i32 {
        self.factors.iter().find(|factor| factor.dimension == *dimension).map_or(0, |factor| factor.exponent)
    }

    /// Whether a value in one can be converted to the other.
    #[must_use]
    pub fn measures_the_same(&self, other: &Self) -> bool {
        let held = |from: &Self, by: &Self| {
            from.factors.iter().all(|factor| by.exponent(&factor.dimension) == factor.exponent)
        };
        held(self, other) && held(other, self)
    }

    /// The product. Of two units that measure the same the one on the left stays: `MB * GB` is `MB^2`.
    /// `None` beyond [`EXPONENT_MAX`].
    #[must_use]
    pub fn times(&self, other: &Self) -> Option<Self> {
        self.combine(other, 1)
    }

    /// The quotient, as [`Self::times`].
    #[must_use]
    pub fn per(&self, other: &Self) -> Option<Self> {
        self.combine(other, -1)
    }

    fn combine(&self, other: &Self, sign: i32) -> Option<Self> {
        let mut factors = self.factors.clone();
        for factor in &other.factors {
            let exponent = sign * factor.exponent;
            match factors.iter_mut().find(|own| own.dimension == factor.dimension) {
                Some(own) => own.exponent += exponent,
                None => factors.push(Factor { exponent, ..factor.clone() }),
            }
        }
        factors.retain(|factor| factor.exponent != 0);
        factors.iter().all(|factor| factor.exponent.abs() <= EXPONENT_MAX).then_some(Self { factors })
    }

    /// The unit without what measures `dimension`, and that part.
    #[must_use]
    pub fn without(&self, dimension: &Dimension) -> (Self, Option<Factor>) {
        let mut rest = self.clone();
        let found = rest.factors.iter().position(|factor| factor.dimension == *dimension);
        let removed = found.map(|at| rest.factors.remove(at));
        (rest, removed)
    }

    /// The unit in words: `credits per MB`.
    #[must_use]
    pub fn words(&self) -> String {
        let (above, below) = (self.names(1), self.names(-1));
        let above = if above == "credit" { "credits".to_owned() } else { above };
        match (above.as_str(), below.as_str()) {
            ("", "") => "a plain number".to_owned(),
            (above, "") => above.to_owned(),
            ("", below) => format!("1 per {below}"),
            (above, below) => format!("{above} per {below}"),
        }
    }

    /// The names of the factors whose power has that sign.
    fn names(&self, sign: i32) -> String {
        let chosen = self.factors.iter().filter(|factor| factor.exponent.signum() == sign);
        let names = chosen.map(|factor| match factor.exponent.abs() {
            1 => factor.name.clone(),
            power => format!("{}^{power}", factor.name),
        });
        names.collect::<Vec<_>>().join("*")
    }
}

impl fmt::Display for Unit {
    /// `credit/MB`, `GB*day`, `credit/(GB*hr)`; nothing for plain numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (above, below) = (self.names(1), self.names(-1));
        match (above.as_str(), below.as_str()) {
            (above, "") => f.write_str(above),
            (above, below) => {
                let above = if above.is_empty() { "1" } else { above };
                if below.contains('*') {
                    write!(f, "{above}/({below})")
                } else {
                    write!(f, "{above}/{below}")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
