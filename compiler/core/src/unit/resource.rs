//! What the unit of a resource means under its cost policy.

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::slot::VALUE_PLACES;

use super::read::{Reading, read_unit};
use super::{Dimension, Factor, Unit};
use crate::diagnostic::{Code, TextFinding};

/// The unit of a resource, as its cost policy reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUnit {
    /// The unit as its author wrote it.
    pub text: String,
    /// How usage becomes volume.
    pub cost_policy: CostPolicy,
    /// The unit of events: of the amount (`continuous`), of the value (`discrete`); none for `onoff`.
    pub amount: Unit,
    /// The unit of time (`continuous`, `onoff`); none for `discrete`.
    pub time: Unit,
    /// The unit of `volume`, `total`, prices and limits of tiers.
    pub volume: Unit,
    /// Whether the time is not written, and hours are taken.
    pub is_time_implied: bool,
}

impl ResourceUnit {
    /// Raw units of volume (see [`aquarium_ir::Slot`]) in one declared unit.
    #[must_use]
    pub fn raw_per_unit(&self) -> Rational {
        let value = Rational::power_of_ten(i32::from(VALUE_PLACES));
        match self.cost_policy {
            CostPolicy::Discrete => value,
            CostPolicy::Onoff => self.time.scale(),
            CostPolicy::Continuous => Rational(value.0 * self.time.scale().0),
        }
    }

    /// Base units of volume in one raw unit: raw time is in base units already.
    #[must_use]
    pub fn base_per_raw_volume(&self) -> Rational {
        match self.cost_policy {
            CostPolicy::Onoff => Rational::one(),
            CostPolicy::Discrete | CostPolicy::Continuous => self.base_per_raw_amount(),
        }
    }

    /// Base units in one raw unit of the amount or value.
    #[must_use]
    pub fn base_per_raw_amount(&self) -> Rational {
        Rational(self.amount.scale().0 * Rational::power_of_ten(-i32::from(VALUE_PLACES)).0)
    }
}

/// Reads the unit of a resource. Beside errors there may be hints on how it was read.
#[must_use]
pub fn read_resource_unit(text: &str, cost_policy: CostPolicy) -> (Option<ResourceUnit>, Vec<TextFinding>) {
    let reading = match read_unit(text) {
        Ok(reading) => reading,
        Err(finding) => return (None, vec![finding]),
    };
    let mut reader = Reader { text, whole: TextSpan::new(0, text.len()), findings: Vec::new() };
    let unit = match cost_policy {
        CostPolicy::Continuous => reader.continuous(&reading),
        CostPolicy::Onoff => Some(reader.onoff(&reading)),
        CostPolicy::Discrete => Some(reader.discrete(&reading)),
    };
    (unit, reader.findings)
}

struct Reader<'t> {
    text: &'t str,
    whole: TextSpan,
    findings: Vec<TextFinding>,
}

impl Reader<'_> {
    fn continuous(&mut self, reading: &Reading) -> Option<ResourceUnit> {
        self.hint_opaque(reading);
        let (amount, time) = reading.unit.without(&Dimension::Time);
        if amount.is_none() || time.as_ref().is_some_and(|time| time.exponent.abs() != 1) || self.times() > 1
        {
            self.findings.push(self.not_continuous(&amount));
            return None;
        }
        let is_time_implied = time.is_none();
        if is_time_implied && !reading.is_opaque {
            let message = format!("`{}` without a time means `{}*hr`", self.text, self.text);
            self.hint(message, Some(format!("{amount}*hr")));
        }
        let time = time.map_or_else(hour, |time| of_factor(&time));
        let volume = amount.times(&time)?;
        Some(self.unit(CostPolicy::Continuous, amount, time, volume, is_time_implied))
    }

    fn not_continuous(&self, amount: &Unit) -> TextFinding {
        let example = if amount.is_none() { "GB*hr".to_owned() } else { format!("{amount}*hr") };
        let message = format!("`{}` is not an amount times one time", self.text);
        TextFinding::new(Code::ResourceUnit, self.whole, message)
            .help(format!("a continuous resource is measured in an amount times a time: write `{example}`"))
    }

    fn onoff(&mut self, reading: &Reading) -> ResourceUnit {
        let is_time = matches!(reading.unit.factors(), [only] if only.dimension == Dimension::Time && only.exponent == 1);
        if !is_time {
            let message = format!("`{}` is no time: an on/off resource is measured in hours here", self.text);
            self.hint(message, Some("hr".to_owned()));
        }
        let time = if is_time { reading.unit.clone() } else { hour() };
        self.unit(CostPolicy::Onoff, Unit::none(), time.clone(), time, !is_time)
    }

    fn discrete(&mut self, reading: &Reading) -> ResourceUnit {
        self.hint_opaque(reading);
        let (amount, time) = reading.unit.without(&Dimension::Time);
        // A time alone is what is counted: hours of work, say.
        let amount = if amount.is_none() { reading.unit.clone() } else { amount };
        if time.is_some() && amount != reading.unit {
            let message =
                format!("events are counted in `{amount}`: the time in `{}` has no effect", self.text);
            self.hint(message, Some(amount.to_string()));
        }
        self.unit(CostPolicy::Discrete, amount.clone(), Unit::none(), amount, false)
    }

    fn unit(
        &self,
        cost_policy: CostPolicy,
        amount: Unit,
        time: Unit,
        volume: Unit,
        is_time_implied: bool,
    ) -> ResourceUnit {
        ResourceUnit { text: self.text.trim().to_owned(), cost_policy, amount, time, volume, is_time_implied }
    }

    /// `unit`: how to write what is read.
    fn hint(&mut self, message: String, unit: Option<String>) {
        let finding = TextFinding::new(Code::UnitReading, self.whole, message);
        self.findings.push(match unit {
            Some(unit) => finding.fix(self.whole, unit),
            None => finding.help("units are names, `*`, `/` and powers: `GB*hr`, `m^2`"),
        });
    }

    fn hint_opaque(&mut self, reading: &Reading) {
        if reading.is_opaque {
            let message = format!("`{}` is no unit expression: it counts as one unit of your own", self.text);
            self.hint(message, None);
        }
    }

    /// How many names of times the text has; `hr/hr` has two, though nothing is left of them.
    fn times(&self) -> usize {
        let words = self.text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let is_time = |word: &&str| {
            super::read_word(word, self.whole).is_ok_and(|unit| unit.exponent(&Dimension::Time) != 0)
        };
        words.filter(|word| !word.is_empty()).filter(is_time).count()
    }
}

fn hour() -> Unit {
    Unit::single(Dimension::Time, Rational::integer(3_600_000), "hr")
}

/// `A/T` is read as `A*T`: the time itself, whatever its power.
fn of_factor(time: &Factor) -> Unit {
    Unit::single(time.dimension.clone(), time.scale.clone(), &time.name)
}
