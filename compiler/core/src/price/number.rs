//! Numbers as policies write them.

use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;
use num_traits::ToPrimitive;

use crate::diagnostic::{Code, TextFinding};

/// Digits before the decimal point.
pub const WHOLE_DIGITS_MAX: u32 = 18;

/// Digits after the decimal point.
pub const PLACES_MAX: u32 = 12;

/// Reads `-?digits[.digits][e±digits]` with `_` between digits.
///
/// # Errors
/// On text of another form, with the number that was most probably meant, and on numbers with more
/// than [`WHOLE_DIGITS_MAX`] digits before or [`PLACES_MAX`] after the point.
pub fn read_number(text: &str) -> Result<Rational, TextFinding> {
    let span = TextSpan::new(0, text.len());
    if text.len() > 1000 || !has_form(text) {
        return Err(malformed(text, span));
    }
    let digits = text.replace('_', "");
    let value: Rational = digits.parse().map_err(|_| too_long(span))?;
    let whole = value.0.to_integer().magnitude().to_u64();
    let fits = whole.is_some_and(|whole| whole < 10_u64.pow(WHOLE_DIGITS_MAX))
        && value.decimal_places().is_some_and(|places| places <= PLACES_MAX);
    if fits { Ok(value) } else { Err(too_long(span)) }
}

fn too_long(span: TextSpan) -> TextFinding {
    let message =
        format!("a number has at most {WHOLE_DIGITS_MAX} digits before and {PLACES_MAX} after the point");
    TextFinding::new(Code::BadNumber, span, message)
}

/// The length of the number that `text` begins with, sign included; 0 where it begins with none.
#[must_use]
pub(super) fn number_length(text: &str) -> usize {
    let sign = usize::from(text.starts_with('-'));
    let whole = digits(text.get(sign..).unwrap_or_default());
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    if let Some(fraction) = text.get(length..).and_then(|rest| rest.strip_prefix('.')) {
        let places = digits(fraction);
        length += if places > 0 { places + 1 } else { 0 };
    }
    if let Some(exponent) = text.get(length..).and_then(|rest| rest.strip_prefix(['e', 'E'])) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        length += if count > 0 { 1 + exponent.len() - unsigned.len() + count } else { 0 };
    }
    length
}

/// The length of the digits that `text` begins with, `_` between digits included.
fn digits(text: &str) -> usize {
    let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    let part = text.get(..length).unwrap_or_default();
    if part.starts_with('_') || part.ends_with('_') || part.contains("__") { 0 } else { length }
}

fn has_form(text: &str) -> bool {
    let length = number_length(text);
    length > 0 && length == text.len()
}

/// Whether `text` is a number in another base (`0b` alone is no bits) or one of the things that are not
/// numbers in other languages.
#[must_use]
pub(super) fn is_foreign(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['-', '+']);
    let in_base = |prefix: &str, is_digit: fn(&char) -> bool| {
        unsigned.strip_prefix(prefix).and_then(|rest| rest.chars().next()).is_some_and(|sign| is_digit(&sign))
    };
    is_no_value(unsigned)
        || in_base("0x", char::is_ascii_hexdigit)
        || in_base("0o", char::is_ascii_digit)
        || in_base("0b", char::is_ascii_digit)
}

fn is_no_value(unsigned: &str) -> bool {
    ["inf", "nan", "infinity"].contains(&unsigned.trim_start_matches('.'))
}

/// What is wrong with a text that is no number.
fn malformed(text: &str, span: TextSpan) -> TextFinding {
    let shown: String = text.chars().take(40).collect();
    let finding = |message: String| TextFinding::new(Code::BadNumber, span, message);
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['-', '+']);
    if is_no_value(unsigned) {
        return finding(format!("`{shown}` is no number that anything can cost"));
    }
    if ["0x", "0o", "0b"].iter().any(|base| unsigned.starts_with(base)) {
        return finding("numbers are decimal: there is no other base".to_owned());
    }
    match proposal(text) {
        Some(meant) => finding(format!("`{shown}` is not how a number is written"))
            .help(format!("write `{meant}`"))
            .fix(span, meant),
        None => finding(format!("`{shown}` is no number"))
            .help("numbers are written like `12`, `-0.5`, `1_000` or `1e3`"),
    }
}

/// The number that was most probably meant.
fn proposal(text: &str) -> Option<String> {
    let candidates = [
        text.trim_start_matches('+').to_owned(),
        text.replacen("-.", "-0.", 1),
        text.strip_prefix('.').map(|places| format!("0.{places}")).unwrap_or_default(),
        text.trim_end_matches('.').to_owned(),
        text.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_"),
        text.replace([',', ' ', '\''], if has_groups_of_three(text) { "_" } else { "." }),
    ];
    candidates.into_iter().find(|candidate| has_form(candidate))
}

/// Whether what stands between commas, blanks or quotes is thousands.
fn has_groups_of_three(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    whole.split([',', ' ', '\'']).skip(1).all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match read_number(text) {
            Ok(number) => number.to_string(),
            Err(finding) => format!("{}; {}", finding.message, finding.details.help.unwrap_or_default()),
        }
    }

    #[test]
    fn numbers_have_one_form() {
        for (text, expected) in [
            ("12", "12"),
            ("-0.50", "-0.5"),
            ("1_000_000", "1000000"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("999999999999999999.999999999999", "999999999999999999.999999999999"),
            ("1e17", "100000000000000000"),
            (".5", "`.5` is not how a number is written; write `0.5`"),
            ("-.5", "`-.5` is not how a number is written; write `-0.5`"),
            ("5.", "`5.` is not how a number is written; write `5`"),
            ("+5", "`+5` is not how a number is written; write `5`"),
            ("1,000", "`1,000` is not how a number is written; write `1_000`"),
            ("1,5", "`1,5` is not how a number is written; write `1.5`"),
            ("1 000.5", "`1 000.5` is not how a number is written; write `1_000.5`"),
            ("1__0", "`1__0` is not how a number is written; write `1_0`"),
            (".inf", "`.inf` is no number that anything can cost; "),
            ("0x1F", "numbers are decimal: there is no other base; "),
            ("ten", "`ten` is no number; numbers are written like `12`, `-0.5`, `1_000` or `1e3`"),
            ("", "`` is no number; numbers are written like `12`, `-0.5`, `1_000` or `1e3`"),
            ("1e18", "a number has at most 18 digits before and 12 after the point; "),
            ("1e-13", "a number has at most 18 digits before and 12 after the point; "),
            ("1e999999999", "a number has at most 18 digits before and 12 after the point; "),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
