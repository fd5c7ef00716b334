//! Named numbers and rates: `10`, `10 GB`, `0.05 per GB`, `3 per 1_000_000 token`.

use std::collections::BTreeMap;

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;

use super::number::{is_foreign, number_length, read_number};
use crate::diagnostic::{Code, TextFinding};
use crate::unit::{Unit, read_unit};

/// A number, perhaps with a unit, perhaps per something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The number, in `unit`, for one `per`.
    pub value: Rational,
    /// Its unit; `None` for a bare number.
    pub unit: Option<Unit>,
    /// The text of the unit, where there is one.
    pub unit_text: Option<Part>,
    /// The text of the unit after `per`.
    pub per: Option<Part>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part.
    pub text: String,
    /// Where it stands.
    pub span: TextSpan,
}

/// The constants of a policy, by name.
pub type Constants = BTreeMap<String, Quantity>;

impl Quantity {
    /// Whether it is a bare number.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.unit.is_none() && self.per.is_none()
    }

    /// Its unit as a whole, `per` included; `None` for a bare number.
    ///
    /// # Errors
    /// Where the unit after `per` cannot be read.
    pub fn whole_unit(&self) -> Result<Option<Unit>, TextFinding> {
        let Some(per) = &self.per else { return Ok(self.unit.clone()) };
        let below = read_unit(&per.text).map_err(|finding| finding.moved(per.span.start))?.unit;
        let above = self.unit.clone().unwrap_or_else(Unit::credit);
        above
            .per(&below)
            .map(Some)
            .ok_or_else(|| TextFinding::new(Code::BadUnit, per.span, "the powers of this unit are too high"))
    }
}

/// Reads the value of a constant.
///
/// # Errors
/// On a text of another form.
pub fn read_constant(text: &str) -> Result<Quantity, TextFinding> {
    let quantity = read_quantity(text, &Constants::new(), Code::BadConstant)?;
    quantity.whole_unit()?;
    Ok(quantity)
}

/// Reads a quantity in which constants may stand for numbers; `code` is that of text of another form.
pub(super) fn read_quantity(text: &str, constants: &Constants, code: Code) -> Result<Quantity, TextFinding> {
    let (above, below) = match find_per(text) {
        Some(at) => (part(text, 0, at), Some(part(text, at + PER.len(), text.len()))),
        None => (part(text, 0, text.len()), None),
    };
    let reader = Reader { constants, code };
    let mut quantity = reader.amount(&above)?;
    let Some(below) = below else { return Ok(quantity) };
    if quantity.per.is_some() {
        let message = format!("`{}` already says per what it is", above.text);
        return Err(TextFinding::new(code, above.span, message));
    }
    let (count, per) = reader.count(&below)?;
    quantity.value = Rational(quantity.value.0 / count.0);
    quantity.per = Some(per);
    Ok(quantity)
}

const PER: &str = "per";

/// Where the word `per` stands.
fn find_per(text: &str) -> Option<usize> {
    let is_blank = |letter: Option<char>| letter.is_none_or(char::is_whitespace);
    let word = |at: usize| {
        let before = text.get(..at).and_then(|part| part.chars().next_back());
        let after = text.get(at + PER.len()..).and_then(|part| part.chars().next());
        is_blank(before) && is_blank(after)
    };
    text.match_indices(PER).map(|(at, _)| at).find(|at| word(*at))
}

/// The part of `text` between two places, without blanks around it.
fn part(text: &str, start: usize, end: usize) -> Part {
    let whole = text.get(start..end).unwrap_or_default();
    let trimmed = whole.trim();
    let start = start + whole.len() - whole.trim_start().len();
    Part { text: trimmed.to_owned(), span: TextSpan::new(start, start + trimmed.len()) }
}

/// The rest of a part from `at` on.
fn rest(of: &Part, at: usize) -> Part {
    let rest = part(&of.text, at, of.text.len());
    let offset = of.span.start as usize;
    let span = TextSpan::new(offset + rest.span.start as usize, offset + rest.span.end as usize);
    Part { span, ..rest }
}

struct Reader<'c> {
    constants: &'c Constants,
    code: Code,
}

impl Reader<'_> {
    /// A number or constant, and perhaps its unit.
    fn amount(&self, part: &Part) -> Result<Quantity, TextFinding> {
        if let Some(constant) = self.constants.get(&part.text) {
            return Ok(constant.clone());
        }
        let word = part.text.split_whitespace().next().unwrap_or_default();
        if let Some(finding) = read_number(word).err().filter(|_| is_foreign(word)) {
            return Err(finding.moved(part.span.start));
        }
        let length = number_length(&part.text);
        if length == 0 {
            return Err(self.no_number(part));
        }
        let number = part.text.get(..length).unwrap_or_default();
        let value = read_number(number).map_err(|finding| finding.moved(part.span.start))?;
        let unit_text = rest(part, length);
        if unit_text.text.eq_ignore_ascii_case("e") && part.text.len() == length + 1 {
            return Err(self.no_exponent(part));
        }
        if unit_text.text.is_empty() {
            return Ok(Quantity { value, unit: None, unit_text: None, per: None });
        }
        let unit = self.unit(&unit_text, part)?;
        Ok(Quantity { value, unit: Some(unit), unit_text: Some(unit_text), per: None })
    }

    fn unit(&self, unit: &Part, whole: &Part) -> Result<Unit, TextFinding> {
        let reading = read_unit(&unit.text).map_err(|finding| finding.moved(unit.span.start))?;
        let is_number = unit.text.starts_with(|letter: char| !letter.is_alphabetic());
        if is_number || reading.is_opaque {
            return Err(self.no_number(whole));
        }
        Ok(reading.unit)
    }

    /// What stands after `per`: perhaps a number or constant, then a unit.
    fn count(&self, part: &Part) -> Result<(Rational, Part), TextFinding> {
        let first = part.text.split_whitespace().next().unwrap_or_default();
        let named = self.constants.get(first).filter(|constant| constant.is_bare() && first != part.text);
        let length = if named.is_some() { first.len() } else { number_length(&part.text) };
        let count = match named {
            Some(constant) => constant.value.clone(),
            None if length == 0 => Rational::one(),
            None => read_number(part.text.get(..length).unwrap_or_default())
                .map_err(|finding| finding.moved(part.span.start))?,
        };
        if count.is_zero() || count.is_negative() {
            return Err(TextFinding::new(self.code, part.span, "a rate is per more than zero"));
        }
        let unit = rest(part, length);
        if unit.text.is_empty() {
            return Err(TextFinding::new(self.code, part.span, "a unit is missing after `per`"));
        }
        Ok((count, unit))
    }

    /// `e`, directly behind a number: most probably an exponent that was not finished.
    fn no_exponent(&self, part: &Part) -> TextFinding {
        let message = format!("`{}` has no digits behind its exponent", part.text);
        TextFinding::new(Code::BadNumber, part.span, message)
            .help(format!("write a number such as `{}3`, or a blank before a unit", part.text))
    }

    fn no_number(&self, part: &Part) -> TextFinding {
        if part.text.is_empty() {
            return TextFinding::new(self.code, part.span, "a number is missing here")
                .help("write a number such as `0.05`, or a rate such as `0.05 per GB`");
        }
        if let Err(finding) = read_number(&part.text)
            && (finding.details.fix.is_some()
                || part.text.starts_with(|letter: char| letter.is_ascii_digit()))
            && !part.text.contains(char::is_alphabetic)
        {
            return finding.moved(part.span.start);
        }
        if let Some(finding) = self.slash_for_per(part) {
            return finding;
        }
        let message = format!("`{}` is no number and no constant", part.text);
        let help =
            "write a number such as `0.05`, a quantity such as `10 GB` or a rate such as `0.05 per GB`";
        let finding = TextFinding::new(self.code, part.span, message).help(help);
        let names = self.constants.keys().map(String::as_str).take(KNOWN_MAX);
        match aquarium_grammar::expression::names::nearest(&part.text, names) {
            Some(near) => finding.fix(part.span, near),
            None => finding,
        }
    }
}

impl Reader<'_> {
    /// `20 / GB`, where `20 per GB` is meant.
    fn slash_for_per(&self, part: &Part) -> Option<TextFinding> {
        let (number, unit) = part.text.split_once('/')?;
        let (number, unit) = (number.trim(), unit.trim());
        if read_number(number).is_err() || read_unit(unit).map_or(true, |reading| reading.is_opaque) {
            return None;
        }
        let message = format!("`{}` is no rate: the word is `per`", part.text);
        Some(TextFinding::new(self.code, part.span, message).fix(part.span, format!("{number} per {unit}")))
    }
}

/// With how many constants a name that is not known is compared: a policy may have ten thousand, and as many prices.
const KNOWN_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_languages_are_no_quantities() {
        for (text, message) in [
            ("0x1", "numbers are decimal: there is no other base"),
            ("-0b10 GB", "numbers are decimal: there is no other base"),
            (".inf", "`.inf` is no number that anything can cost"),
            ("NaN per GB", "`NaN` is no number that anything can cost"),
            ("+0", "`+0` is not how a number is written"),
            ("1,000", "`1,000` is not how a number is written"),
            ("1__0", "`1__0` is not how a number is written"),
        ] {
            assert_eq!(read_constant(text).unwrap_err().message, message, "{text}");
        }
        assert!(read_constant("0B").is_ok(), "no bytes");
    }
}
