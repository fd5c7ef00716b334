//! Instants as people write and read them: milliseconds, ISO 8601 dates and date-times.

use num_traits::ToPrimitive;

use super::civil::{DAY, Date, HOUR, MINUTE};
use super::zone::Zone;
use crate::instant::Millis;
use crate::number::Rational;

/// Numbers of milliseconds from here to [`SECONDS_GREATEST`] are most probably seconds: as seconds they
/// are dates from 1973 to 5138, as milliseconds a few days or months after the epoch.
const SECONDS_LEAST: u64 = 100_000_000;
/// See [`SECONDS_LEAST`].
const SECONDS_GREATEST: u64 = 100_000_000_000;

/// No instant needs a longer text; a number of megabytes is not worth reading.
const LENGTH_MAX: usize = 64;

/// An instant that a text names, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenInstant {
    /// The instant.
    pub instant: Millis,
    /// How it is written.
    pub form: InstantForm,
}

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstantForm {
    /// As a number of milliseconds since the epoch.
    Millis,
    /// As a date: the local midnight at which that day begins.
    Date,
    /// As a date and a time on the local clock.
    Local,
    /// As a date and a time with their offset from UTC.
    Offset,
}

/// Why a text names no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// Of another form.
    #[error(
        "`{0}` is no instant: write milliseconds since the epoch, `2011-12-30` or `2011-12-30T10:00:00+02:00`"
    )]
    NoInstant(String),
    /// A field that no calendar or clock shows.
    #[error("`{text}` is no instant: there is no {field} {value}")]
    NoSuch {
        /// The text.
        text: String,
        /// Which field.
        field: &'static str,
        /// As written.
        value: String,
    },
    /// Beyond milliseconds.
    #[error("`{0}` is finer than a millisecond")]
    TooFine(String),
    /// Before the year 1 or after the year 9999.
    #[error("`{0}` is out of range: instants are in the years 1 to 9999")]
    OutOfRange(String),
}

impl WrittenInstant {
    /// Reads milliseconds since the epoch, or an ISO 8601 date or date-time; without an offset it is
    /// local in the zone (of a time shown twice the first, a skipped one is moved forward by the gap).
    ///
    /// # Errors
    ///
    /// Where the text is neither, or names a day or a time that does not exist.
    pub fn read(text: &str, zone: &Zone) -> Result<Self, InstantError> {
        if text.len() > LENGTH_MAX {
            return Err(InstantError::NoInstant(text.to_owned()));
        }
        let read = match number(text) {
            Some(millis) => Ok(Self { instant: Millis(millis?), form: InstantForm::Millis }),
            None => Scanner { text, rest: text.as_bytes() }.instant(zone),
        }?;
        let least = Date { year: 1, month: 1, day: 1 }.midnight().0 - DAY;
        let in_range = (least..=Millis::LIMIT.0 + DAY).contains(&read.instant.0);
        if in_range { Ok(read) } else { Err(InstantError::OutOfRange(text.to_owned())) }
    }

    /// The instant that is meant where a number of seconds stands for milliseconds, if that is
    /// probable.
    #[must_use]
    pub fn read_as_seconds(self) -> Option<Millis> {
        let probable = (SECONDS_LEAST..=SECONDS_GREATEST).contains(&self.instant.0.unsigned_abs());
        (probable && self.form == InstantForm::Millis).then(|| Millis(self.instant.0 * 1_000))
    }
}

/// A number of milliseconds; `None` where the text is no number.
fn number(text: &str) -> Option<Result<i64, InstantError>> {
    let number: Rational = without_separators(text)?.parse().ok()?;
    if !number.0.is_integer() {
        return Some(Err(InstantError::TooFine(text.to_owned())));
    }
    let millis = number.0.to_integer().to_i64();
    Some(millis.ok_or_else(|| InstantError::OutOfRange(text.to_owned())))
}

/// A number without its `_`, each of which stands between two digits.
fn without_separators(text: &str) -> Option<String> {
    let digit_at = |place: Option<usize>| {
        place.and_then(|place| text.as_bytes().get(place)).is_some_and(u8::is_ascii_digit)
    };
    let mut separators = text.match_indices('_');
    let between_digits = |place: usize| digit_at(place.checked_sub(1)) && digit_at(Some(place + 1));
    separators.all(|(place, _)| between_digits(place)).then(|| text.replace('_', ""))
}

/// A text and what is left to read of it.
struct Scanner<'a> {
    text: &'a str,
    rest: &'a [u8],
}

impl Scanner<'_> {
    fn instant(mut self, zone: &Zone) -> Result<WrittenInstant, InstantError> {
        let date = self.date()?;
        if self.rest.is_empty() {
            let instant = zone.instant(date.midnight());
            return Ok(WrittenInstant { instant, form: InstantForm::Date });
        }
        if !(self.takes(b'T') || self.takes(b't') || self.takes(b' ')) {
            return Err(self.no_instant());
        }
        let local = date.midnight().plus(self.time()?);
        let read = match self.offset()? {
            Some(offset) => WrittenInstant { instant: Millis(local.0 - offset), form: InstantForm::Offset },
            None => WrittenInstant { instant: zone.instant(local), form: InstantForm::Local },
        };
        if self.rest.is_empty() { Ok(read) } else { Err(self.no_instant()) }
    }

    fn date(&mut self) -> Result<Date, InstantError> {
        let year = self.digits(4)?;
        self.expect(b'-')?;
        let month = self.digits(2)?;
        self.expect(b'-')?;
        let day = self.digits(2)?;
        let small = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
        let date = Date::new(i32::try_from(year).unwrap_or(0), small(month), small(day));
        match date {
            Some(date) if year > 0 => Ok(date),
            _ if year == 0 => Err(InstantError::OutOfRange(self.text.to_owned())),
            _ if !(1..=12).contains(&month) => Err(self.no_such("month", format!("{month:02}"))),
            _ => Err(self.no_such("day", format!("{year:04}-{month:02}-{day:02}"))),
        }
    }

    /// Milliseconds since midnight.
    fn time(&mut self) -> Result<i64, InstantError> {
        let hours = self.field("hour", 23)?;
        self.expect(b':')?;
        let minutes = self.field("minute", 59)?;
        let seconds = if self.takes(b':') { self.field("second", 59)? } else { 0 };
        let millis = if self.takes(b'.') || self.takes(b',') { self.fraction()? } else { 0 };
        Ok(hours * HOUR + minutes * MINUTE + seconds * 1_000 + millis)
    }

    /// Milliseconds from the digits after the point.
    fn fraction(&mut self) -> Result<i64, InstantError> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let finer = self.rest.iter().take(count).skip(3).any(|digit| *digit != b'0');
        if finer {
            return Err(InstantError::TooFine(self.text.to_owned()));
        }
        let millis = self.digits(count.clamp(1, 3))?;
        self.rest = self.rest.get(count.saturating_sub(3)..).unwrap_or_default();
        Ok(match count {
            1 => millis * 100,
            2 => millis * 10,
            _ => millis,
        })
    }

    /// `Z`, `+02`, `+02:00` or `+0200`, in milliseconds; `None` where the text ends.
    fn offset(&mut self) -> Result<Option<i64>, InstantError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.takes(b'Z') || self.takes(b'z') {
            return Ok(Some(0));
        }
        let sign = if self.takes(b'-') { -1 } else { 1 };
        if sign > 0 {
            self.expect(b'+')?;
        }
        let hours = self.field("offset hour", 23)?;
        let minutes =
            if self.takes(b':') || !self.rest.is_empty() { self.field("offset minute", 59)? } else { 0 };
        Ok(Some(sign * (hours * HOUR + minutes * MINUTE)))
    }

    /// Two digits up to `greatest`.
    fn field(&mut self, field: &'static str, greatest: i64) -> Result<i64, InstantError> {
        let value = self.digits(2)?;
        if value > greatest { Err(self.no_such(field, format!("{value:02}"))) } else { Ok(value) }
    }

    /// The number that the next `count` digits are.
    fn digits(&mut self, count: usize) -> Result<i64, InstantError> {
        let (digits, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.no_instant())?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(self.no_instant());
        }
        self.rest = rest;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn takes(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, byte: u8) -> Result<(), InstantError> {
        if self.takes(byte) { Ok(()) } else { Err(self.no_instant()) }
    }

    fn no_instant(&self) -> InstantError {
        InstantError::NoInstant(self.text.to_owned())
    }

    fn no_such(&self, field: &'static str, value: String) -> InstantError {
        InstantError::NoSuch { text: self.text.to_owned(), field, value }
    }
}

impl Zone {
    /// An instant for people: `2011-12-30T10:00:00+02:00`, with milliseconds where they are not zero.
    #[must_use]
    pub fn format(&self, instant: Millis) -> String {
        let local = self.local(instant);
        let time = local.time_of_day();
        let (hours, minutes, seconds) = (time / HOUR, time / MINUTE % 60, time / 1_000 % 60);
        let fraction = if time % 1_000 == 0 { String::new() } else { format!(".{:03}", time % 1_000) };
        let offset = format_offset(self.offset(instant));
        format!("{}T{hours:02}:{minutes:02}:{seconds:02}{fraction}{offset}", local.date())
    }
}

/// `Z`, `+02:00`; with seconds where there are any, as in local mean times.
fn format_offset(offset: i64) -> String {
    let (sign, length) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let (hours, minutes, seconds) = (length / HOUR, length / MINUTE % 60, length / 1_000 % 60);
    match (length, seconds) {
        (0, _) => "Z".to_owned(),
        (_, 0) => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::tests::zone;

    #[test]
    fn texts_are_read_in_the_zone() {
        let athens = zone("Europe/Athens");
        for (text, printed) in [
            ("1293703200000", "2010-12-30T12:00:00+02:00"),
            ("1_293_703_200_000", "2010-12-30T12:00:00+02:00"),
            ("1.2937032e12", "2010-12-30T12:00:00+02:00"),
            ("-1", "1970-01-01T01:59:59.999+02:00"),
            ("2011-12-30", "2011-12-30T00:00:00+02:00"),
            ("2011-12-30T10:00", "2011-12-30T10:00:00+02:00"),
            ("2011-12-30 10:00:07.5", "2011-12-30T10:00:07.500+02:00"),
            ("2011-12-30T10:00:07.123000", "2011-12-30T10:00:07.123+02:00"),
            ("2011-12-30T10:00:00+02:00", "2011-12-30T10:00:00+02:00"),
            ("2011-12-30T10:00:00Z", "2011-12-30T12:00:00+02:00"),
            ("2011-12-30T10:00-0330", "2011-12-30T15:30:00+02:00"),
            ("2011-12-30T10:00+05", "2011-12-30T07:00:00+02:00"),
            ("2012-03-25T03:30", "2012-03-25T04:30:00+03:00"),
            ("2012-10-28T03:30", "2012-10-28T03:30:00+03:00"),
            ("0001-01-01T00:00", "0001-01-01T00:00:00+01:34:52"),
        ] {
            let read = WrittenInstant::read(text, &athens).unwrap();
            assert_eq!(athens.format(read.instant), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let errors: Vec<_> = [
            "",
            "-",
            "soon",
            "1e",
            "1__0",
            "_1",
            "1.5",
            "1e30",
            "99999999999999999999",
            "2011",
            "2011-1-1",
            "2011-13-01",
            "2011-02-29",
            "0000-01-01",
            "2011-12-30T",
            "2011-12-30T10",
            "2011-12-30T24:00",
            "2011-12-30T10:60",
            "2011-12-30T10:00:60",
            "2011-12-30T10:00:00.",
            "2011-12-30T10:00:00.0001",
            "2011-12-30T10:00:00+24:00",
            "2011-12-30T10:00:00+02:",
            "2011-12-30T10:00:00 UTC",
            "2011-12-30T10:00:00+02:00[Europe/Athens]",
            "２０１１-12-30",
        ]
        .into_iter()
        .map(|text| match WrittenInstant::read(text, &Zone::utc()) {
            Ok(read) => format!("{text} => {}", read.instant),
            Err(error) => error.to_string(),
        })
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn a_number_that_is_probably_seconds_is_pointed_out() {
        let seconds = |text| WrittenInstant::read(text, &Zone::utc()).unwrap().read_as_seconds();
        assert_eq!(seconds("1293703200"), Some(Millis(1_293_703_200_000)));
        assert_eq!(seconds("99999999"), None);
        assert_eq!(seconds("1293703200000"), None);
        assert_eq!(seconds("1970-02-01"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(millis in -62_135_596_800_000..Millis::LIMIT.0, index in 0..4_usize) {
            let zone = zone(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"][index]);
            let text = zone.format(Millis(millis));
            // Local mean times have seconds in their offset, which no date-time can write.
            prop_assume!(zone.offset(Millis(millis)) % MINUTE == 0);
            let read = WrittenInstant::read(&text, &Zone::utc()).unwrap();
            prop_assert_eq!(read, WrittenInstant { instant: Millis(millis), form: InstantForm::Offset });
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9TZ:+. e_-]{0,30}|.*") {
            let _ = WrittenInstant::read(&text, &Zone::utc());
        }
    }
}
