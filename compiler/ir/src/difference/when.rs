//! The time in which something differs, and that time in words: always, once, or week by week.

use std::collections::BTreeMap;

use crate::Millis;
use crate::time::civil::{DAY, HOUR, MINUTE};
use crate::time::{Interval, Zone};

const WEEK: i64 = 7 * DAY;
/// The epoch was a Thursday: weeks are counted from the Monday before it.
const MONDAY: i64 = 3 * DAY;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Nothing is followed more than 28 years beyond the last instant that is named: what still recurs in the latter
/// half of them recurs for ever.
const RECURS: i64 = 14 * 365 * DAY;
/// So many stretches at most are listed one by one.
const LISTED_MAX: usize = 3;
/// What is said of a habit of every day of the week.
const DAILY: &str = "daily";
/// What does not recur this often is no habit.
const WEEKS_MIN: usize = 3;

/// The time in which something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// In order, none touching another; the first may begin at the epoch because nothing is looked at before.
    pub stretches: Vec<Interval>,
    /// Where it was looked no farther, because what repeats goes on for ever; [`Millis::MAX`]: nothing repeats.
    pub horizon: Millis,
}

/// A stretch on the local clock, as a place in the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Habit {
    start: i64,
    length: i64,
}

impl When {
    /// The first instant.
    #[must_use]
    pub fn from(&self) -> Option<Millis> {
        self.stretches.first().map(|first| first.start)
    }

    /// The instant after the last; `None`: it has no end, as far as was looked.
    #[must_use]
    pub fn to(&self) -> Option<Millis> {
        let end = self.stretches.last()?.end;
        let ends = end != Millis::MAX && end.0 < self.horizon.0.saturating_sub(RECURS);
        ends.then_some(end)
    }

    /// The time in words, on the clock of a zone.
    #[must_use]
    pub fn words(&self, zone: &Zone) -> String {
        match self.stretches.as_slice() {
            [] => "never".to_owned(),
            stretches if stretches.len() <= LISTED_MAX => {
                let words: Vec<String> = stretches.iter().map(|one| self.stretch(*one, zone)).collect();
                words.join("; ")
            }
            stretches => match self.weekly(zone) {
                Some(weekly) => self.between_ends(&weekly, zone),
                None => self.scattered(stretches, zone),
            },
        }
    }

    /// A habit with the stretches before and after it, where these are too long to be part of it.
    fn between_ends(&self, weekly: &str, zone: &Zone) -> String {
        let long = |stretch: &&Interval| stretch.end.0.saturating_sub(stretch.start.0) > WEEK;
        let told = |stretch: Option<&Interval>| stretch.filter(long).map(|one| self.stretch(*one, zone));
        let (before, after) = (told(self.stretches.first()), told(self.stretches.last()));
        let words = before.into_iter().chain([weekly.to_owned()]).chain(after);
        words.collect::<Vec<_>>().join("; ")
    }

    fn stretch(&self, stretch: Interval, zone: &Zone) -> String {
        let begins = stretch.start > Millis::EPOCH;
        let ends = stretch.end < self.horizon;
        match (begins, ends) {
            (false, false) => "always".to_owned(),
            (false, true) => format!("until {}", zone.format(stretch.end)),
            (true, false) => format!("from {} on", zone.format(stretch.start)),
            (true, true) => {
                format!("from {} until {}", zone.format(stretch.start), zone.format(stretch.end))
            }
        }
    }

    /// The whole span: nothing where it has neither beginning nor end.
    fn span(&self, zone: &Zone) -> String {
        let from =
            self.from().filter(|from| from.0 > WEEK).map(|from| format!(", from {}", zone.format(from)));
        let to = self.to().map(|to| format!(" until {}", zone.format(to)));
        let on = if from.is_some() && to.is_none() { " on" } else { "" };
        let comma = if from.is_none() && to.is_some() { "," } else { "" };
        format!("{}{on}{comma}{}", from.unwrap_or_default(), to.unwrap_or_default())
    }

    /// `every week Mon 12:00 to Fri 14:00`, where that is what it is: every stretch but those at the two ends
    /// is one of a few that recur.
    fn weekly(&self, zone: &Zone) -> Option<String> {
        let mut habits: BTreeMap<Habit, Vec<i64>> = BTreeMap::new();
        let inner = self.stretches.get(1..self.stretches.len().saturating_sub(1))?;
        for stretch in inner {
            let (start, end) = (zone.local(stretch.start).0, zone.local(stretch.end).0);
            let week = (start + MONDAY).div_euclid(WEEK);
            let habit = Habit { start: (start + MONDAY).rem_euclid(WEEK), length: end - start };
            habits.entry(habit).or_default().push(week);
        }
        let usual = inner.len() / 20;
        let rare: usize = habits.values().filter(|weeks| weeks.len() < WEEKS_MIN).map(Vec::len).sum();
        habits.retain(|_, weeks| weeks.len() >= WEEKS_MIN);
        if habits.is_empty() || habits.len() > WEEKDAYS.len() * 2 || rare > usual {
            return None;
        }
        let broken = habits
            .values()
            .any(|weeks| weeks.windows(2).any(|pair| matches!(pair, [one, next] if next - one != 1)));
        let words = habits_in_words(habits.keys().copied().collect());
        let every = match (broken || rare > 0, words.starts_with(DAILY)) {
            (false, true) => "",
            (false, false) => "every week ",
            (true, true) => "mostly ",
            (true, false) => "most weeks ",
        };
        Some(format!("{every}{words}{}", self.span(zone)))
    }

    fn scattered(&self, stretches: &[Interval], zone: &Zone) -> String {
        let first = stretches.first().map(|first| self.stretch(*first, zone)).unwrap_or_default();
        let open = if self.to().is_none() { ", and so on" } else { "" };
        let last = stretches.last().filter(|_| self.to().is_some());
        let last = last.map(|last| format!(", last {}", self.stretch(*last, zone))).unwrap_or_default();
        format!("{} times: first {first}{last}{open}", stretches.len())
    }
}

/// The habits, those of several weekdays at the same time together.
fn habits_in_words(habits: Vec<Habit>) -> String {
    let mut by_time: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
    for habit in habits {
        by_time.entry((habit.start % DAY, habit.length)).or_default().push(habit.start / DAY);
    }
    let mut words: Vec<(i64, String)> = by_time
        .into_iter()
        .map(|((time, length), days)| {
            (days.first().copied().unwrap_or(0), habit_in_words(time, length, &days))
        })
        .collect();
    words.sort();
    let words: Vec<String> = words.into_iter().map(|(_, words)| words).collect();
    words.join(", ")
}

fn habit_in_words(time: i64, length: i64, days: &[i64]) -> String {
    let end = time + length;
    let days_on = end.div_euclid(DAY);
    let later = |day: i64| if days_on == 0 { String::new() } else { format!("{} ", weekday(day + days_on)) };
    match days {
        [day] => format!("{} {} to {}{}", weekday(*day), clock(time), later(*day), clock(end)),
        days => {
            let next = if days_on == 0 { "" } else { " of the next day" };
            let next = if days_on > 1 { format!(" {days_on} days later") } else { next.to_owned() };
            format!("{} {} to {}{next}", runs(days), clock(time), clock(end))
        }
    }
}

/// `daily`, `Mon to Fri`, `Mon, Wed`.
fn runs(days: &[i64]) -> String {
    let is_run = days.windows(2).all(|pair| matches!(pair, [one, next] if next - one == 1));
    match days {
        [_, _, _, _, _, _, _] => DAILY.to_owned(),
        [first, _, .., last] if is_run => format!("{} to {}", weekday(*first), weekday(*last)),
        days => days.iter().map(|day| weekday(*day)).collect::<Vec<_>>().join(", "),
    }
}

fn weekday(day: i64) -> &'static str {
    usize::try_from(day.rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or_default()
}

fn clock(time: i64) -> String {
    let time = time.rem_euclid(DAY);
    format!("{:02}:{:02}", time / HOUR, time % HOUR / MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_and_after_a_habit_is_told() {
        let year = 52 * WEEK;
        // Every Thursday morning of a year, the time before it, and that from two years later on.
        let mut stretches = vec![Interval { start: Millis(0), end: Millis(year) }];
        let mornings = (1..52).map(|week| year + week * WEEK);
        stretches.extend(
            mornings
                .map(|start| Interval { start: Millis(start + 8 * HOUR), end: Millis(start + 12 * HOUR) }),
        );
        let weekly = "every week Thu 08:00 to 12:00";
        let habit = When { stretches: stretches.clone(), horizon: Millis(40 * year) };
        let until = " until 1971-12-23T12:00:00Z";
        assert_eq!(habit.words(&Zone::utc()), format!("until 1970-12-31T00:00:00Z; {weekly},{until}"));
        stretches.push(Interval { start: Millis(3 * year), end: Millis::MAX });
        let all = When { stretches, horizon: Millis(40 * year) };
        let from = "from 1972-12-28T00:00:00Z on";
        assert_eq!(all.words(&Zone::utc()), format!("until 1970-12-31T00:00:00Z; {weekly}; {from}"));
    }
}
