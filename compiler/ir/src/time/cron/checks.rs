//! What the checks of a policy ask of a pattern.

use std::ops::Range;

use super::Cron;
use super::parse::Piece;
use crate::time::civil::Month;

/// A field of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CronField {
    /// The first.
    Minute,
    /// The second.
    Hour,
    /// The third.
    Day,
    /// The fourth.
    Month,
    /// The fifth.
    Weekday,
}

impl CronField {
    /// What an author calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "day of the week",
        }
    }
}

/// The bytes of each field in the text of a pattern.
#[must_use]
pub fn field_spans(text: &str) -> Vec<Range<usize>> {
    Piece::new(text).fields().map(Piece::span).collect()
}

impl Cron {
    /// The text of a field.
    #[must_use]
    pub fn field(&self, field: CronField) -> &str {
        self.text.split(' ').nth(field as usize).unwrap_or_default()
    }

    /// The minute or the hour, where that is `*` or `*/n`: too often for the times at which something
    /// starts, ends or is granted.
    #[must_use]
    pub fn open_time_field(&self) -> Option<CronField> {
        let open = |field: &CronField| self.field(*field).split(',').any(|item| item.starts_with('*'));
        [CronField::Minute, CronField::Hour].into_iter().find(open)
    }

    /// Whether both day fields are restricted, so that a day matches if either does.
    #[must_use]
    pub fn either_day_matches(&self) -> bool {
        self.days_restricted && self.weekdays_restricted
    }

    /// The lone day of the month 2 to 23 of a pattern at 00:00, where an hour was probably meant.
    #[must_use]
    pub fn hour_as_day(&self) -> Option<u8> {
        let lone = self.field(CronField::Day).parse::<u8>().ok();
        lone.filter(|day| self.minutes == 1 && self.hours == 1 && (2..=23).contains(day))
    }

    /// Whether no day of any year is named, as in `0 0 30 2 *`.
    #[must_use]
    pub fn never_occurs(&self) -> bool {
        let year_with_leap_day = 2000;
        let mut months = (1..=12).map(|month| Month { year: year_with_leap_day, month });
        self.minutes == 0 || self.hours == 0 || months.all(|month| self.days_of(month) == 0)
    }
}
