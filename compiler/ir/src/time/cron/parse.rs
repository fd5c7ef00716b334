//! From text to pattern, with errors that point at the field.

use std::ops::Range;
use std::str::FromStr;

use super::Cron;

/// Why a text is not a cron pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The bytes of the text that are wrong; empty at its end where something is missing.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub message: String,
    /// What to write in their place, where there is one obvious answer.
    pub suggestion: Option<String>,
}

/// What one of the five fields may hold.
struct Field {
    name: &'static str,
    least: u8,
    greatest: u8,
    /// Names of values, the first for `least_named`.
    names: &'static [&'static str],
    least_named: u8,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, greatest: 59, names: &[], least_named: 0 },
    Field { name: "hour", least: 0, greatest: 23, names: &[], least_named: 0 },
    Field { name: "day of the month", least: 1, greatest: 31, names: &[], least_named: 0 },
    Field { name: "month", least: 1, greatest: 12, names: &MONTHS, least_named: 1 },
    Field { name: "day of the week", least: 0, greatest: 7, names: &WEEKDAYS, least_named: 0 },
];

/// A part of the text and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    pub(super) fn span(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn error(self, message: impl Into<String>) -> CronError {
        CronError { span: self.span(), message: message.into(), suggestion: None }
    }

    /// The pieces before and after the first `separator`.
    fn split_once(self, separator: char) -> Option<(Self, Self)> {
        let (before, after) = self.text.split_once(separator)?;
        let after_start = self.start + before.len() + separator.len_utf8();
        Some((Piece { text: before, start: self.start }, Piece { text: after, start: after_start }))
    }

    /// The pieces between separators, empty ones too.
    fn split(self, separator: char) -> impl Iterator<Item = Piece<'a>> {
        let mut start = self.start;
        self.text.split(separator).map(move |text| {
            let piece = Piece { text, start };
            start += text.len() + separator.len_utf8();
            piece
        })
    }

    /// The pieces between blanks.
    pub(super) fn fields(self) -> impl Iterator<Item = Piece<'a>> {
        let mut start = self.start;
        let words = self.text.split_inclusive(char::is_whitespace).map(move |word| {
            let piece = Piece { text: word.trim_end(), start };
            start += word.len();
            piece
        });
        words.filter(|piece| !piece.text.is_empty())
    }
}

impl CronError {
    fn suggest(mut self, text: impl Into<String>) -> Self {
        self.suggestion = Some(text.into());
        self
    }
}

impl FromStr for Cron {
    type Err = CronError;

    /// Reads five fields separated by blanks.
    fn from_str(text: &str) -> Result<Self, CronError> {
        let whole = Piece::new(text);
        if let Some(error) = nickname(whole) {
            return Err(error);
        }
        let pieces: Vec<_> = whole.fields().take(FIELDS.len() + 1).collect();
        let Ok::<[Piece<'_>; 5], _>(pieces) = pieces.try_into() else {
            return Err(wrong_count(whole));
        };
        let mut bits = [0_u64; 5];
        for ((piece, field), bits) in pieces.iter().zip(&FIELDS).zip(&mut bits) {
            *bits = field.parse(*piece)?;
        }
        let [minutes, hours, days, months, weekdays] = bits;
        let [_, _, day_text, _, weekday_text] = pieces.map(|piece| piece.text);
        Ok(Self {
            text: pieces.map(|piece| piece.text).join(" "),
            minutes,
            hours: narrow(hours),
            days: narrow(days),
            months: narrow(months),
            // 7 is Sunday too.
            weekdays: narrow((weekdays | weekdays >> 7) & 0x7f),
            days_restricted: day_text != "*",
            weekdays_restricted: weekday_text != "*",
        })
    }
}

/// Bits that fit by the limits of their field.
fn narrow<T: TryFrom<u64> + Default>(bits: u64) -> T {
    T::try_from(bits).unwrap_or_default()
}

fn wrong_count(whole: Piece<'_>) -> CronError {
    let count = whole.fields().count();
    let message = format!(
        "a cron pattern has five fields (minute, hour, day of the month, month, day of the week), this has {count}"
    );
    match whole.fields().nth(FIELDS.len()) {
        Some(sixth) => {
            CronError { span: sixth.start..whole.text.trim_end().len(), message, suggestion: None }
        }
        None => whole.error(message),
    }
}

/// The error for `@daily` and its like.
fn nickname(whole: Piece<'_>) -> Option<CronError> {
    let name = whole.text.trim();
    let pattern = match name.strip_prefix('@')?.to_ascii_lowercase().as_str() {
        "yearly" | "annually" => Some("0 0 1 1 *"),
        "monthly" => Some("0 0 1 * *"),
        "weekly" => Some("0 0 * * 0"),
        "daily" | "midnight" => Some("0 0 * * *"),
        "hourly" => Some("0 * * * *"),
        _ => None,
    };
    let error = whole.error(format!("`{name}` is not a cron pattern: write its five fields"));
    Some(CronError { suggestion: pattern.map(str::to_owned), ..error })
}

impl Field {
    /// The values that a field names, one bit each.
    fn parse(&self, piece: Piece<'_>) -> Result<u64, CronError> {
        piece.split(',').try_fold(0, |bits, item| {
            if item.text.is_empty() { Err(self.empty_item(piece)) } else { Ok(bits | self.item(item)?) }
        })
    }

    fn empty_item(&self, piece: Piece<'_>) -> CronError {
        let error = piece.error(format!("this list of the {} has an empty item", self.name));
        let listed: Vec<_> = piece.text.split(',').filter(|item| !item.is_empty()).collect();
        if listed.is_empty() { error } else { error.suggest(listed.join(",")) }
    }

    /// `*`, `a`, `a-b`, each perhaps with `/n`.
    fn item(&self, item: Piece<'_>) -> Result<u64, CronError> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(self.step(step)?)),
            None => (item, None),
        };
        let (first, last) = if base.text == "*" {
            (self.least, self.greatest)
        } else if let Some((first, last)) = base.split_once('-') {
            self.range(item, first, last, step)?
        } else {
            let first = self.value(base)?;
            (first, if step.is_some() { self.greatest } else { first })
        };
        let values = (first..=last).step_by(usize::from(step.unwrap_or(1)));
        Ok(values.fold(0, |bits, value| bits | 1 << value))
    }

    fn step(&self, step: Piece<'_>) -> Result<u8, CronError> {
        let digits = !step.text.is_empty() && step.text.bytes().all(|byte| byte.is_ascii_digit());
        match step.text.parse::<u64>() {
            Ok(number) if digits && number > 0 => Ok(u8::try_from(number).unwrap_or(u8::MAX)),
            _ => Err(step.error(format!("the step of the {} must be a whole number from 1", self.name))),
        }
    }

    fn range(
        &self,
        item: Piece<'_>,
        first: Piece<'_>,
        last: Piece<'_>,
        step: Option<u8>,
    ) -> Result<(u8, u8), CronError> {
        let low = self.value(first)?;
        let ends_with_sunday = self.is_weekday() && last.text.eq_ignore_ascii_case("sun");
        let high = if ends_with_sunday && low > 0 { 7 } else { self.value(last)? };
        if low <= high {
            return Ok((low, high));
        }
        let halves = self.halves((low, first.text), (high, last.text), step.unwrap_or(1));
        let message =
            format!("the range `{}` of the {} runs backwards: write its two halves", item.text, self.name);
        Err(item.error(message).suggest(halves))
    }

    fn is_weekday(&self) -> bool {
        self.greatest == 7
    }

    /// A reversed range as the two ranges that it most probably means, in the author's spelling.
    fn halves(&self, first: (u8, &str), last: (u8, &str), step: u8) -> String {
        let named = first.1.bytes().all(|byte| byte.is_ascii_alphabetic());
        // Sunday is 0 and 7: a range that begins with 7 resumes with 1, any other ends its week with 6.
        let turn = if self.is_weekday() && first.0 < 7 { 6 } else { self.greatest };
        let period = if self.is_weekday() { 7 } else { self.greatest - self.least + 1 };
        let upper = self.half(first, (turn, &self.spelling(turn, named)), step);
        let beyond = (first.0..).step_by(usize::from(step)).find(|value| *value > turn);
        match beyond.map(|value| value - period).filter(|resumed| *resumed <= last.0) {
            Some(resumed) => {
                format!("{upper},{}", self.half((resumed, &self.spelling(resumed, named)), last, step))
            }
            None => upper,
        }
    }

    fn half(&self, first: (u8, &str), last: (u8, &str), step: u8) -> String {
        match (first.0 == last.0, step) {
            (true, _) => first.1.to_owned(),
            (false, 1) => format!("{}-{}", first.1, last.1),
            (false, _) => format!("{}-{}/{step}", first.1, last.1),
        }
    }

    /// How a value is written.
    fn spelling(&self, value: u8, named: bool) -> String {
        let name = self.names.get(usize::from(value.saturating_sub(self.least_named)));
        match name.filter(|_| named) {
            Some(name) => {
                let (initial, rest) = name.split_at(1);
                initial.to_ascii_uppercase() + rest
            }
            None => value.to_string(),
        }
    }

    /// A number or a name.
    fn value(&self, piece: Piece<'_>) -> Result<u8, CronError> {
        let text = piece.text;
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = text.parse::<u8>().ok().filter(|value| (self.least..=self.greatest).contains(value));
            return value.ok_or_else(|| self.out_of_range(piece));
        }
        let named =
            self.names.iter().zip(self.least_named..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, value)| value).ok_or_else(|| self.unknown(piece))
    }

    fn out_of_range(&self, piece: Piece<'_>) -> CronError {
        let Self { name, least, greatest, .. } = self;
        piece.error(format!("{name} {} is out of range: {least} to {greatest}", piece.text))
    }

    fn unknown(&self, piece: Piece<'_>) -> CronError {
        let text = piece.text;
        if text.is_empty() {
            return piece.error(format!("the {} lacks a value before or after a sign", self.name));
        }
        if text == "?" {
            return piece.error("`?` is not supported: write `*`").suggest("*");
        }
        if text.contains(['?', '#'])
            || matches!(text.trim_matches(|letter: char| letter.is_ascii_digit()), "L" | "W" | "LW")
        {
            let message =
                format!("`{text}` is not supported: a field holds numbers, names, ranges, lists and steps");
            return piece.error(message);
        }
        let long = self.names.iter().find(|name| text.len() > 3 && starts_with_name(text, name));
        let expected = match self.names {
            [first, .., last] => format!("{} to {} or {first} to {last}", self.least, self.greatest),
            _ => format!("{} to {}", self.least, self.greatest),
        };
        let error = piece.error(format!("`{text}` is no {}: {expected}", self.name));
        long.map_or(error.clone(), |name| error.suggest(*name))
    }
}

fn starts_with_name(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(name))
}
