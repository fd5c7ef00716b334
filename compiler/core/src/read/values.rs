//! Values of keys: texts, numbers, yes and no, one of several words.

use aquarium_grammar::document::{Entry, Scalar, Value};
use aquarium_ir::Rational;

use super::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::items::{Spanned, Text};
use crate::names::nearest;

/// Digits before the point, and after it.
const DIGITS_MAX: (usize, u32) = (18, 12);

impl Reader<'_> {
    /// The text of a scalar.
    pub fn text(&self, scalar: &Scalar) -> Text {
        Spanned { value: scalar.text().to_owned(), span: self.span(scalar.span) }
    }

    /// The text of a value that has to be one.
    pub fn text_of(&mut self, entry: &Entry) -> Option<Text> {
        match &entry.value {
            Value::Scalar(scalar) => Some(self.text(scalar)),
            other => {
                self.wrong_form(other, "a text");
                None
            }
        }
    }

    /// A name without blanks.
    pub fn name_of(&mut self, entry: &Entry) -> Option<Text> {
        let name = self.text_of(entry)?;
        if name.value.is_empty() || name.value.contains(char::is_whitespace) {
            let message = match name.value.as_str() {
                "" => "a name is not empty".to_owned(),
                value => format!("`{value}` is no name: a name has no blanks"),
            };
            self.findings.push(Diagnostic::new(Code::BadName, name.span, message));
        }
        Some(name)
    }

    /// A number for which `allowed` holds.
    pub fn number_of(
        &mut self,
        entry: &Entry,
        wanted: &str,
        allowed: impl Fn(&Rational) -> bool,
    ) -> Option<Spanned<Rational>> {
        let text = self.text_of(entry)?;
        let problem = match number(&text.value) {
            Ok(value) if allowed(&value) => return Some(Spanned { value, span: text.span }),
            Ok(_) => format!("`{}` is {}, not {wanted}", entry.key.text(), text.value),
            Err(problem) => problem,
        };
        let finding = Diagnostic::new(Code::BadValue, text.span, problem);
        self.findings.push(finding.help(format!("write {wanted}")));
        None
    }

    /// `true` or `false`.
    pub fn bool_of(&mut self, entry: &Entry) -> Option<bool> {
        let text = self.text_of(entry)?;
        let meant = match text.value.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => "true",
            "false" | "no" | "off" | "n" | "0" => "false",
            _ => "",
        };
        if text.value == meant {
            return Some(meant == "true");
        }
        let message = format!("`{}` is neither `true` nor `false`", text.value);
        let finding = Diagnostic::new(Code::BadValue, text.span, message);
        self.findings.push(match meant {
            "" => finding,
            meant => finding.fix(format!("write `{meant}`"), text.span, meant),
        });
        None
    }

    /// One of several words.
    pub fn word_of<T: Copy>(&mut self, entry: &Entry, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.text_of(entry)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(Spanned { value: *value, span: text.span });
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let message =
            format!("`{}` is no `{}`: it is one of {}", text.value, entry.key.text(), all.join(", "));
        let finding = Diagnostic::new(Code::BadValue, text.span, message);
        self.findings.push(match nearest(&text.value, words.iter().map(|(word, _)| *word)) {
            Some(near) => finding.fix(format!("write `{near}`"), text.span, near),
            None => finding,
        });
        None
    }
}

/// Reads a number: `-?digits[.digits][e±digits]`, with `_` between digits.
///
/// # Errors
///
/// What is wrong with it, in the author's words.
pub fn number(text: &str) -> Result<Rational, String> {
    let misplaced = |at: usize| {
        let is_digit = |place: Option<usize>| {
            place.and_then(|place| text.as_bytes().get(place)).is_some_and(u8::is_ascii_digit)
        };
        !is_digit(at.checked_sub(1)) || !is_digit(at.checked_add(1))
    };
    let not_a_number = || format!("`{text}` is not a number");
    if text.match_indices('_').any(|(at, _)| misplaced(at)) {
        return Err(not_a_number());
    }
    let value: Rational = text.replace('_', "").parse().map_err(|_| not_a_number())?;
    if text.contains('/') {
        return Err(not_a_number());
    }
    let (integer, places) = DIGITS_MAX;
    let digits = value.0.to_integer().to_string().trim_start_matches('-').len();
    if digits > integer || value.decimal_places().is_none_or(|given| given > places) {
        return Err(format!("`{text}` has more than {integer} digits before or {places} behind the point"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for (text, value) in
            [("10", "10"), ("1_000_000", "1000000"), ("-0.50", "-0.5"), ("1e3", "1000"), ("2e-3", "0.002")]
        {
            assert_eq!(number(text).map(|number| number.to_string()), Ok(value.to_owned()));
        }
        for text in ["", ".5", "1,000", "0x10", ".inf", "1/2", "_1", "1_", "1__0", "1e19", "1e-13", "1_.5"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
