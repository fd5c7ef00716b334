//! A pattern in words, for people who do not read cron.

use super::Cron;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// With more times a day than this the words speak of minutes and hours.
const TIMES_MAX: u32 = 6;

impl Cron {
    /// The pattern in words: `at 12:00 on Monday`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.time_words(), self.day_words())
    }

    fn time_words(&self) -> String {
        if self.minutes.count_ones() * self.hours.count_ones() > TIMES_MAX {
            return format!("{} of {}", self.minute_words(), self.hour_words());
        }
        let hours = bits(u64::from(self.hours));
        let times =
            hours.flat_map(|hour| bits(self.minutes).map(move |minute| format!("{hour:02}:{minute:02}")));
        format!("at {}", listed(times.collect()))
    }

    fn minute_words(&self) -> String {
        if self.minutes.count_ones() == 60 {
            return "at every minute".to_owned();
        }
        format!("at minute {}", listed(runs(self.minutes, |minute| minute.to_string())))
    }

    fn hour_words(&self) -> String {
        if self.hours.count_ones() == 24 {
            return "every hour".to_owned();
        }
        format!("hour {}", listed(runs(u64::from(self.hours), |hour| hour.to_string())))
    }

    fn day_words(&self) -> String {
        let months = listed(runs(u64::from(self.months), |month| name(&MONTHS, month.wrapping_sub(1))));
        let all_months = self.months.count_ones() == 12;
        let days = listed(runs(u64::from(self.days), |day| day.to_string()));
        let weekdays = self.weekday_words();
        match (self.days_restricted, self.weekdays_restricted, all_months) {
            (false, false, true) => "every day".to_owned(),
            (false, false, false) => format!("every day in {months}"),
            (false, true, true) => format!("on {weekdays}"),
            (false, true, false) => format!("on {weekdays} in {months}"),
            (true, false, true) => format!("on day {days} of the month"),
            (true, false, false) => format!("on day {days} of {months}"),
            (true, true, true) => format!("on day {days} of the month and also on {weekdays}"),
            (true, true, false) => format!("on day {days} of {months} and also on {weekdays} in {months}"),
        }
    }

    /// The days of the week, from Monday on.
    fn weekday_words(&self) -> String {
        let from_monday = u64::from(self.weekdays & 0x7e) | u64::from(self.weekdays & 1) << 7;
        listed(runs(from_monday, |day| name(&WEEKDAYS, day % 7)))
    }
}

fn name(names: &[&str], index: u32) -> String {
    names.get(index as usize).copied().unwrap_or_default().to_owned()
}

/// The numbers of the bits that are set.
fn bits(bits: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS).filter(move |bit| bits >> bit & 1 == 1)
}

/// The bits that are set, three or more in a row as `first to last`.
fn runs(mut rest: u64, word: impl Fn(u32) -> String) -> Vec<String> {
    let mut words = Vec::new();
    while rest != 0 {
        let first = rest.trailing_zeros();
        let length = (rest >> first).trailing_ones();
        let last = first + length - 1;
        match length {
            1 => words.push(word(first)),
            2 => words.extend([word(first), word(last)]),
            _ => words.push(format!("{} to {}", word(first), word(last))),
        }
        rest &= !(u64::MAX >> (63 - last));
    }
    words
}

/// `a`, `a and b`, `a, b and c`.
fn listed(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}
