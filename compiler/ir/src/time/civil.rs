//! The proleptic Gregorian calendar as plain integer arithmetic: days, months, and the local clock.
//!
//! It knows no zone: a [`Local`] is what a clock on the wall shows, whether or not it ever shows it.

use std::fmt;

/// Milliseconds of a minute.
pub const MINUTE: i64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of a day without a clock change.
pub const DAY: i64 = 24 * HOUR;
/// Milliseconds after which the calendar repeats, weekdays included: 400 years.
pub const CYCLE: i64 = 146_097 * DAY;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year; 0 is the year before 1.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day, where the calendar has it.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        valid.then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01.
    ///
    /// Counted in years that begin with March, so that the leap day is a year's last (Howard Hinnant,
    /// "chrono-compatible low-level date algorithms").
    #[must_use]
    pub fn day_number(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day with that number of days since 1970-01-01.
    #[must_use]
    pub fn from_day_number(number: i64) -> Self {
        let shifted = number.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year: narrow(year), month: narrow(month), day: narrow(day) }
    }

    /// The day of the week, 0 (Sunday) to 6.
    #[must_use]
    pub fn weekday(self) -> u8 {
        narrow((self.day_number() + 4).rem_euclid(7))
    }

    /// The local midnight at which the day begins.
    #[must_use]
    pub fn midnight(self) -> Local {
        Local(self.day_number().saturating_mul(DAY))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// `value` in a smaller type; the largest where it does not fit.
fn narrow<T: TryFrom<i64> + num_traits::Bounded>(value: i64) -> T {
    T::try_from(value).unwrap_or_else(|_| T::max_value())
}

/// The number of days of a month.
#[must_use]
pub fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
}

impl Month {
    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month >= 12 {
            Self { year: self.year.saturating_add(1), month: 1 }
        } else {
            Self { month: self.month + 1, ..self }
        }
    }

    /// The month before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        if self.month <= 1 {
            Self { year: self.year.saturating_sub(1), month: 12 }
        } else {
            Self { month: self.month - 1, ..self }
        }
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        Date { year: self.year, month: self.month, day: 1 }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A time on the local clock: milliseconds since 1970-01-01T00:00 as the clock on the wall shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local(pub i64);

impl Local {
    /// The day that the clock shows.
    #[must_use]
    pub fn date(self) -> Date {
        Date::from_day_number(self.0.div_euclid(DAY))
    }

    /// Milliseconds since the midnight that the clock shows.
    #[must_use]
    pub fn time_of_day(self) -> i64 {
        self.0.rem_euclid(DAY)
    }

    /// The time so many milliseconds later on the same clock.
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Local {
    /// `2011-12-30T10:00`, with seconds and milliseconds where they are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time_of_day();
        write!(f, "{}T{:02}:{:02}", self.date(), time / HOUR, time / MINUTE % 60)?;
        let (seconds, millis) = (time / 1_000 % 60, time % 1_000);
        if seconds != 0 || millis != 0 {
            write!(f, ":{seconds:02}")?;
        }
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        Ok(())
    }
}
