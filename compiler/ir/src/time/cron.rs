//! Five-field cron patterns, on the local clock.

mod checks;
mod occurrences;
mod parse;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};

use super::civil::{DAY, Date, HOUR, Local, MINUTE, Month, days_in_month};

pub use checks::{CronField, field_spans};
pub use occurrences::Occurrences;
pub use parse::CronError;

/// Months within which a day that ever occurs occurs: eight years around a century without leap day.
const MONTHS_OF_SEARCH: u32 = 8 * 12 + 1;

/// A cron pattern: which local minutes it names.
///
/// Only a lone `*` leaves a field unrestricted. When both day fields are restricted a day matches if
/// either does (POSIX).
///
/// ```
/// use aquarium_ir::Millis;
/// use aquarium_ir::time::{Cron, Zone};
///
/// let cron: Cron = "00 12 * * Mon".parse()?;
/// assert_eq!(cron.words(), "at 12:00 on Monday");
/// let next = cron.next_instant(&Zone::utc(), Millis::EPOCH);
/// assert_eq!(next.map(|instant| Zone::utc().format(instant)).as_deref(), Some("1970-01-05T12:00:00Z"));
///
/// let error = "00 22-6 * * *".parse::<Cron>().unwrap_err();
/// assert_eq!((error.span, error.suggestion.as_deref()), (3..7, Some("22-23,0-6")));
/// # Ok::<(), aquarium_ir::time::CronError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Written")]
pub struct Cron {
    /// The text, its fields separated by single spaces. What is read from a module follows from it alone.
    pub text: String,
    /// Minutes 0 to 59, one bit each.
    pub minutes: u64,
    /// Hours 0 to 23, one bit each.
    pub hours: u32,
    /// Days of the month 1 to 31, one bit each.
    pub days: u32,
    /// Months 1 to 12, one bit each.
    pub months: u16,
    /// Days of the week 0 (Sunday) to 6, one bit each.
    pub weekdays: u8,
    /// Whether the day of the month is restricted.
    pub days_restricted: bool,
    /// Whether the day of the week is restricted.
    pub weekdays_restricted: bool,
}

impl Cron {
    /// The first time on the local clock at or after `local` that the pattern names, whether or not
    /// the clock of any zone shows it.
    #[must_use]
    pub fn at_or_after(&self, local: Local) -> Option<Local> {
        let minute_of_day = (local.time_of_day() + MINUTE - 1) / MINUTE;
        let date = local.date();
        if self.names_day(date)
            && let Some(minute) = self.minute_at_or_after(minute_of_day)
        {
            return Some(date.midnight().plus(minute * MINUTE));
        }
        let day = self.day_at_or_after(Date::from_day_number(date.day_number() + 1))?;
        Some(day.midnight().plus(self.minute_at_or_after(0)? * MINUTE))
    }

    /// The last time on the local clock at or before `local` that the pattern names.
    #[must_use]
    pub fn at_or_before(&self, local: Local) -> Option<Local> {
        let date = local.date();
        if self.names_day(date)
            && let Some(minute) = self.minute_at_or_before(local.time_of_day() / MINUTE)
        {
            return Some(date.midnight().plus(minute * MINUTE));
        }
        let day = self.day_at_or_before(Date::from_day_number(date.day_number() - 1))?;
        Some(day.midnight().plus(self.minute_at_or_before(DAY / MINUTE - 1)? * MINUTE))
    }

    /// Whether the pattern names a time on that day.
    #[must_use]
    pub fn names_day(&self, date: Date) -> bool {
        has(self.days_of(Month { year: date.year, month: date.month }), date.day)
    }

    /// How many times a day is named, if it is.
    pub(in crate::time) fn times_a_day(&self) -> i64 {
        i64::from(self.minutes.count_ones()) * i64::from(self.hours.count_ones())
    }

    /// The days of a month that the pattern names, one bit each from bit 1.
    pub(in crate::time) fn days_of(&self, month: Month) -> u32 {
        if !has(u32::from(self.months), month.month) {
            return 0;
        }
        let exist = up_to(days_in_month(month.year, month.month)) & !1;
        let named = match (self.days_restricted, self.weekdays_restricted) {
            (true, true) => self.days | self.weekdays_of(month),
            (true, false) => self.days,
            (false, true) => self.weekdays_of(month),
            (false, false) => u32::MAX,
        };
        named & exist
    }

    /// The days of a month that fall on a named day of the week, one bit each from bit 1.
    fn weekdays_of(&self, month: Month) -> u32 {
        let six_weeks = u64::from(self.weekdays & 0x7f) * 0x8_1020_4081;
        // Bit 0 of `six_weeks` is a Sunday: the first of the month is to come to bit 1.
        u32::try_from((six_weeks >> month.first_day().weekday() << 1) & u64::from(u32::MAX)).unwrap_or(0)
    }

    fn day_at_or_after(&self, date: Date) -> Option<Date> {
        let mut month = Month { year: date.year, month: date.month };
        let mut days = self.days_of(month) & !(up_to(date.day) >> 1);
        for _ in 0..=MONTHS_OF_SEARCH {
            if days != 0 {
                return Some(Date { day: low_bit(u64::from(days)), ..month.first_day() });
            }
            month = month.next();
            days = self.days_of(month);
        }
        None
    }

    fn day_at_or_before(&self, date: Date) -> Option<Date> {
        let mut month = Month { year: date.year, month: date.month };
        let mut days = self.days_of(month) & up_to(date.day);
        for _ in 0..=MONTHS_OF_SEARCH {
            if days != 0 {
                return Some(Date { day: high_bit(u64::from(days)), ..month.first_day() });
            }
            month = month.previous();
            days = self.days_of(month);
        }
        None
    }

    /// The first named minute of a day at or after `minute`.
    fn minute_at_or_after(&self, minute: i64) -> Option<i64> {
        let (hour, minute) = (u8::try_from(minute / 60).ok()?, u8::try_from(minute % 60).ok()?);
        let later_minutes = self.minutes >> minute << minute;
        if hour < 24 && self.hours >> hour & 1 == 1 && later_minutes != 0 {
            return Some(minute_of_day(hour, low_bit(later_minutes)));
        }
        let later_hours = u64::from(self.hours) & !u64::from(up_to(hour));
        (later_hours != 0 && self.minutes != 0)
            .then(|| minute_of_day(low_bit(later_hours), low_bit(self.minutes)))
    }

    /// The last named minute of a day at or before `minute`.
    fn minute_at_or_before(&self, minute: i64) -> Option<i64> {
        let (hour, minute) = (u8::try_from(minute / 60).ok()?, u8::try_from(minute % 60).ok()?);
        let earlier_minutes = self.minutes & ((2_u64 << minute) - 1);
        if self.hours >> hour & 1 == 1 && earlier_minutes != 0 {
            return Some(minute_of_day(hour, high_bit(earlier_minutes)));
        }
        let earlier_hours = u64::from(self.hours & (up_to(hour) >> 1));
        (earlier_hours != 0 && self.minutes != 0)
            .then(|| minute_of_day(high_bit(earlier_hours), high_bit(self.minutes)))
    }
}

/// What counts of a pattern in JSON.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Written {
    text: String,
}

impl TryFrom<Written> for Cron {
    type Error = CronError;

    fn try_from(written: Written) -> Result<Self, CronError> {
        written.text.parse()
    }
}

fn minute_of_day(hour: u8, minute: u8) -> i64 {
    (i64::from(hour) * HOUR + i64::from(minute) * MINUTE) / MINUTE
}

/// The bits 0 to `bit`, which is at most 31.
fn up_to(bit: u8) -> u32 {
    u32::MAX >> (31 - u32::from(bit.min(31)))
}

fn has(bits: u32, bit: u8) -> bool {
    bits.checked_shr(u32::from(bit)).is_some_and(|bits| bits & 1 == 1)
}

fn low_bit(bits: u64) -> u8 {
    u8::try_from(bits.trailing_zeros()).unwrap_or(u8::MAX)
}

fn high_bit(bits: u64) -> u8 {
    u8::try_from(bits.checked_ilog2().unwrap_or(0)).unwrap_or(u8::MAX)
}
