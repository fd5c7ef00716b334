//! The units that the language knows.

use aquarium_ir::Rational;

use super::{Dimension, Unit};

/// Names of units of time, and their milliseconds. Names of more than one letter are read in any case.
const TIMES: &[(&[&str], i64)] = &[
    (&["ms", "millisecond"], 1),
    (&["s", "sec", "second"], 1000),
    (&["min", "minute"], 60_000),
    (&["hr", "h", "hour"], 3_600_000),
    (&["day", "d"], 86_400_000),
    (&["week"], 604_800_000),
];

/// Names of times that have no fixed length.
const NO_FIXED_LENGTH: &[&str] = &["month", "year", "mo", "yr", "quarter"];

/// What a name of a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A unit that the language knows.
    Known(Unit),
    /// A unit of the author's own.
    Own(Unit),
    /// `mb`: bytes or bits, as in these two.
    Ambiguous([String; 2]),
    /// `month`
    NoFixedLength,
}

/// Multiples of bytes and bits by powers of ten, or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrefixFamily {
    /// KB, MB, GB
    Decimal,
    /// KiB, MiB, GiB
    Binary,
}

/// Whether the language knows a unit of that name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    matches!(word(name), Word::Known(_))
}

/// Reads one name.
pub(super) fn word(name: &str) -> Word {
    if is_one_of(name, NO_FIXED_LENGTH) {
        return Word::NoFixedLength;
    }
    if let Some(millis) = time(name) {
        return Word::Known(Unit::single(Dimension::Time, Rational::integer(millis), name));
    }
    if is_one_of(name, &["credit"]) {
        return Word::Known(Unit::credit());
    }
    match data(name) {
        Some(Data::Clear(scale)) => Word::Known(Unit::single(Dimension::Data, scale, name)),
        Some(Data::Ambiguous(readings)) => Word::Ambiguous(readings),
        None => Word::Own(Unit::single(Dimension::Own(singular(name).to_owned()), Rational::one(), name)),
    }
}

/// The family of a multiple of bytes or bits; `None` for every other name.
#[must_use]
pub fn prefix_family(name: &str) -> Option<PrefixFamily> {
    let prefix = split_data(name)?.0;
    match prefix.len() {
        1 => Some(PrefixFamily::Decimal),
        2 => Some(PrefixFamily::Binary),
        _ => None,
    }
}

fn time(name: &str) -> Option<i64> {
    TIMES.iter().find(|(names, _)| is_one_of(name, names)).map(|(_, millis)| *millis)
}

/// Whether `name` is one of `names`, or its plural; names of one letter have neither plural nor capitals.
fn is_one_of(name: &str, names: &[&str]) -> bool {
    let is = |known: &&str| {
        name == *known || known.len() > 1 && (name.eq_ignore_ascii_case(known) || is_plural(name, known))
    };
    names.iter().any(is)
}

fn is_plural(name: &str, singular: &str) -> bool {
    let stem = name.strip_suffix(['s', 'S']);
    stem.is_some_and(|stem| stem.eq_ignore_ascii_case(singular)) && !singular.ends_with('s')
}

/// An own unit's name without plural `s`.
fn singular(name: &str) -> &str {
    name.strip_suffix('s').filter(|stem| !stem.is_empty()).unwrap_or(name)
}

enum Data {
    Clear(Rational),
    Ambiguous([String; 2]),
}

/// Reads a multiple of bytes or bits.
fn data(name: &str) -> Option<Data> {
    let (prefix, rest) = split_data(name)?;
    let factor = Rational::integer(multiple(prefix)?);
    let bit = || Rational::fraction(1, 8).unwrap_or_else(Rational::one);
    let scale = match rest {
        "B" => Rational::one(),
        "b" if prefix.chars().all(|letter| letter.is_ascii_lowercase()) => {
            let capital = capitals(prefix);
            let bits = if prefix.is_empty() { "bit".to_owned() } else { format!("{capital}b") };
            return Some(Data::Ambiguous([format!("{capital}B"), bits]));
        }
        word if word.len() > 1 && word.to_ascii_lowercase().starts_with("byte") => Rational::one(),
        _ => bit(),
    };
    Some(Data::Clear(Rational(factor.0 * scale.0)))
}

/// A prefix as it is usually written: `K`, `Mi`.
fn capitals(prefix: &str) -> String {
    let mut letters = prefix.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The prefix and the rest (`B`, `b`, `bit`, `byte`, plural `s` removed) of a multiple of bytes or bits.
fn split_data(name: &str) -> Option<(&str, &str)> {
    const ENDS: &[&str] = &["byte", "bit", "B", "b"];
    let stem = name.strip_suffix('s').unwrap_or(name);
    let end = ENDS.iter().find_map(|end| {
        let at = stem.len().checked_sub(end.len())?;
        let (prefix, rest) = (stem.get(..at)?, stem.get(at..)?);
        let is_it = if end.len() > 1 { rest.eq_ignore_ascii_case(end) } else { rest == *end };
        is_it.then_some((prefix, rest))
    })?;
    multiple(end.0).map(|_| end)
}

/// What a prefix in any case multiplies by.
fn multiple(prefix: &str) -> Option<u64> {
    let mut letters = prefix.chars().map(|letter| letter.to_ascii_lowercase());
    let Some(first) = letters.next() else { return Some(1) };
    let power = u32::try_from("kmgtp".find(first)?).ok()? + 1;
    match (letters.next(), letters.next()) {
        (None, _) => Some(1000_u64.pow(power)),
        (Some('i'), None) => Some(1024_u64.pow(power)),
        _ => None,
    }
}
