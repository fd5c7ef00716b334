//! Reads unit expressions: products and quotients of names with optional powers.

use aquarium_grammar::expression::TextSpan;

use super::known::{self, Word};
use super::{Dimension, Unit};
use crate::diagnostic::{Code, TextFinding};
use aquarium_ir::Rational;

/// A unit, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The unit.
    pub unit: Unit,
    /// Whether the text is no unit expression and stands for one unit as a whole.
    pub is_opaque: bool,
}

/// Reads a unit expression such as `MB`, `MB/hr`, `GB*day`, `MB-Hr`, `m^2`.
///
/// # Errors
/// On a name that has two readings (`mb`) or no fixed length (`month`), and on an empty text.
pub fn read_unit(text: &str) -> Result<Reading, TextFinding> {
    let whole = TextSpan::new(0, text.len());
    if text.trim().is_empty() {
        return Err(TextFinding::new(Code::BadUnit, whole, "a unit is missing"));
    }
    match split(text) {
        Some(parts) => Ok(Reading { unit: product(text, &parts)?, is_opaque: false }),
        None => Ok(Reading { unit: opaque(text), is_opaque: true }),
    }
}

/// Reads one name, which stands at `span`.
///
/// # Errors
/// As [`read_unit`].
pub fn read_word(name: &str, span: TextSpan) -> Result<Unit, TextFinding> {
    match known::word(name) {
        Word::Known(unit) | Word::Own(unit) => Ok(unit),
        Word::Ambiguous([bytes, bits]) => {
            let message = format!("`{name}` can mean bytes or bits");
            let help = format!("write `{bytes}` for bytes or `{bits}` for bits");
            Err(TextFinding::new(Code::BadUnit, span, message)
                .help(help)
                .choice(span, bytes)
                .choice(span, bits))
        }
        Word::NoFixedLength => {
            let message = format!("a {} has no fixed length", known_time(name));
            let help = "use a time of fixed length, for example `GB*day` or `GB*hr`";
            Err(TextFinding::new(Code::BadUnit, span, message).help(help))
        }
    }
}

fn known_time(name: &str) -> String {
    name.trim_end_matches('s').to_lowercase()
}

fn opaque(text: &str) -> Unit {
    let name = text.trim();
    Unit::single(Dimension::Own(name.to_owned()), Rational::one(), name)
}

/// A name, where it stands, and its power.
struct Part<'t> {
    name: &'t str,
    span: TextSpan,
    power: i32,
}

fn product(text: &str, parts: &[Part<'_>]) -> Result<Unit, TextFinding> {
    let mut unit = Unit::none();
    for part in parts {
        let one = read_word(part.name, part.span)?;
        for _ in 0..part.power.abs() {
            let next = if part.power > 0 { unit.times(&one) } else { unit.per(&one) };
            unit = next.ok_or_else(|| too_high(text))?;
        }
    }
    Ok(unit)
}

fn too_high(text: &str) -> TextFinding {
    let message = "the powers of this unit are too high";
    TextFinding::new(Code::BadUnit, TextSpan::new(0, text.len()), message)
}

/// The names of a unit expression with their powers; `None` where the text is none.
fn split(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let (mut rest, mut sign) = (text, 1);
    loop {
        let trimmed = rest.trim_start();
        let length = trimmed.find(|letter: char| !is_name_letter(letter)).unwrap_or(trimmed.len());
        let (name, after) = (trimmed.get(..length)?, trimmed.get(length..)?);
        if !name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            return None;
        }
        let start = text.len() - trimmed.len();
        let (power, after) = power(after)?;
        parts.push(Part { name, span: TextSpan::new(start, start + length), power: sign * power });
        let after = after.trim_start();
        let mut letters = after.chars();
        sign = match letters.next() {
            None => return Some(parts),
            Some('*' | '·' | '-') => 1,
            Some('/') => -1,
            Some(_) => return None,
        };
        rest = letters.as_str();
    }
}

fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The power after a name, one where there is none; `None` where it cannot be read.
fn power(text: &str) -> Option<(i32, &str)> {
    let Some(power) = text.strip_prefix('^').or_else(|| text.strip_prefix("**")) else {
        return Some((1, text));
    };
    let (sign, digits) = power.strip_prefix('-').map_or((1, power), |digits| (-1, digits));
    let length = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    let value: i32 = digits.get(..length)?.parse().ok()?;
    let value = value.min(super::EXPONENT_MAX + 1);
    Some((sign * value, digits.get(length..)?))
}
