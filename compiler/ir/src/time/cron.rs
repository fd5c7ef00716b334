//! Five-field cron patterns, on the local clock.

use serde::{Deserialize, Serialize};

/// A cron pattern: which local minutes it names.
///
/// Only a lone `*` leaves a field unrestricted. When both day fields are restricted a day matches if
/// either does (POSIX).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cron {
    /// The text, its fields separated by single spaces.
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
