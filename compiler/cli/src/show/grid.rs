//! A week as a grid of letters: one an hour of the local clock, with notes on what changes within an hour.
//!
//! Three layouts, by the width that there is: days below each other with three columns an hour, the same with
//! one column an hour, and (on the narrowest terminals) hours below each other.

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;
use aquarium_ir::time::civil::{HOUR, MINUTE};
use aquarium_ir::time::week::{Day, Hour, Week};

/// Three columns an hour, and the day before them.
const WIDE: usize = 7 + 3 * 24;
/// One column an hour.
const MEDIUM: usize = 7 + 24;
/// What an hour shows in which the value changes, where there is one column for it.
const MIXED: char = '/';
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// A week and the letters of its values.
pub struct Grid<'a, V> {
    /// The week.
    pub week: &'a Week<V>,
    /// The letter of each value of [`Week::distinct`], in that order.
    pub letters: Vec<char>,
    /// The instant that is marked.
    pub at: Millis,
    /// The zone of the clock.
    pub zone: &'a Zone,
}

impl<V: PartialEq> Grid<'_, V> {
    /// The lines of the grid, then a note for each change within an hour.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = match width {
            WIDE.. => self.by_day(3),
            MEDIUM.. => self.by_day(1),
            _ => self.by_hour(),
        };
        lines.extend(self.notes());
        lines
    }

    /// The day of the week and the local time of an instant.
    fn moment(&self, at: Millis) -> (&'static str, String) {
        let text = self.zone.format(at);
        let time = text.split_once('T').map_or("", |(_, time)| time);
        let weekday = WEEKDAYS.get(usize::from(self.zone.local(at).date().weekday())).unwrap_or(&"");
        // Seconds are told where there are any.
        let time = [":00Z", ":00+", ":00-"].iter().fold(time.to_owned(), |time, seconds| {
            time.replacen(seconds, seconds.trim_start_matches(":00"), 1)
        });
        (weekday, time)
    }

    fn by_day(&self, columns: usize) -> Vec<String> {
        let hours = (0..24).map(|hour| match columns {
            3 => format!("{hour:>2} "),
            _ if hour % 6 == 0 => format!("{hour:<6}"),
            _ => String::new(),
        });
        let mut lines = vec![format!("       {}", hours.collect::<String>()).trim_end().to_owned()];
        for day in &self.week.days {
            let cells = day.hours.iter().map(|hour| match columns {
                3 => self.wide(*hour),
                _ => self.narrow(*hour).to_string(),
            });
            lines.push(format!("{} {}", label(day), cells.collect::<String>()).trim_end().to_owned());
        }
        lines
    }

    fn by_hour(&self) -> Vec<String> {
        let initials = self.week.days.iter().map(|day| format!(" {}", initial(day)));
        let mut lines = vec![format!("  {}", initials.collect::<String>())];
        for hour in 0..24 {
            let cells = self.week.days.iter().filter_map(|day| day.hours.get(hour));
            let cells: String = cells.map(|cell| format!(" {}", self.narrow(*cell))).collect();
            lines.push(format!("{hour:02}{cells}").trim_end().to_owned());
        }
        lines
    }

    fn wide(&self, hour: Hour) -> String {
        let marked = hour.contains(self.at);
        match self.letters_of(hour).as_slice() {
            [] => "   ".to_owned(),
            [letter] if marked => format!("[{letter}]"),
            [letter] => format!(" {letter} "),
            [first, second] => format!("{first}{MIXED}{second}"),
            [first, ..] => format!("{first}{MIXED}{MIXED}"),
        }
    }

    fn narrow(&self, hour: Hour) -> char {
        match self.letters_of(hour).as_slice() {
            [] => ' ',
            [letter] => *letter,
            _ => MIXED,
        }
    }

    fn letters_of(&self, hour: Hour) -> Vec<char> {
        self.week.within(hour).iter().map(|stretch| self.letter(&stretch.value)).collect()
    }

    /// The letter of a value of the week.
    pub fn letter(&self, value: &V) -> char {
        let place = self.week.distinct().iter().position(|known| *known == value);
        place.and_then(|place| self.letters.get(place)).copied().unwrap_or('?')
    }

    /// Changes that fall within an hour, and hours that the clock skips or shows twice.
    fn notes(&self) -> Vec<String> {
        let starts = |at: Millis| {
            let mut hours = self.week.days.iter().flat_map(|day| &day.hours);
            at == self.week.from || hours.any(|hour| hour.from == at && !hour.is_skipped())
        };
        let changes = self.week.stretches.iter().filter(|stretch| !starts(stretch.from));
        // Changes at the same time of several days are told together.
        let mut told: Vec<(String, Vec<&str>)> = Vec::new();
        for stretch in changes {
            let (weekday, time) = self.moment(stretch.from);
            let says = format!("{time}: {} begins", self.letter(&stretch.value));
            match told.iter_mut().find(|(known, _)| *known == says) {
                Some((_, weekdays)) => weekdays.push(weekday),
                None => told.push((says, vec![weekday])),
            }
        }
        let changes = told.into_iter().map(|(says, weekdays)| format!("{} {says}", weekdays.join(" ")));
        let days = self.week.days.iter();
        let clock =
            days.flat_map(|day| day.hours.iter().zip(0_u8..).map(move |(hour, shown)| (day, hour, shown)));
        let clock = clock.filter_map(|(day, hour, shown)| {
            let says = match hour.to.0.saturating_sub(hour.from.0) {
                HOUR => return None,
                0 => "does not exist: the clock is set forward".to_owned(),
                longer if longer > HOUR => format!("lasts {} min: the clock is set back", longer / MINUTE),
                shorter => format!("lasts {} min: the clock is set forward", shorter / MINUTE),
            };
            Some(format!("{} {shown:02}:00 {says}", label(day)))
        });
        changes.chain(clock).collect()
    }
}

/// `Mon 07`, the day of the month with it.
fn label(day: &Day) -> String {
    let weekday = WEEKDAYS.get(usize::from(day.date.weekday())).unwrap_or(&"");
    format!("{weekday} {:02}", day.date.day)
}

fn initial(day: &Day) -> char {
    WEEKDAYS.get(usize::from(day.date.weekday())).and_then(|name| name.chars().next()).unwrap_or(' ')
}

/// Letters for values in the order in which they appear; what has no price or expression is `-`.
pub fn letters<V>(values: &[&V], is_covered: impl Fn(&V) -> bool) -> Vec<char> {
    let mut letters = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(std::iter::repeat('?'));
    let letter = |value: &&V| if is_covered(value) { letters.next().unwrap_or('?') } else { '-' };
    values.iter().map(letter).collect()
}
