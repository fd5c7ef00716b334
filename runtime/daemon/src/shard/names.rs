//! The users of a shard by name: in order, and found by any part of their ids.
//!
//! Names stand one after the other in a few sorted runs of bytes, so that a million of them take little more than their
//! bytes, and a search is a walk over memory. A run is no longer than the one before it: new names are merged into
//! longer and longer runs, each name a few times.

use std::collections::BTreeSet;

use memchr::memmem::Finder;

use super::queries::Which;

/// Names that are not in a run yet.
const FRESH_MAX: usize = 4_096;
/// Stands after each name: no byte of a text is this one.
const END: u8 = 0xff;

/// The names.
#[derive(Debug, Default)]
pub struct Names {
    /// Each longer than all after it.
    runs: Vec<Run>,
    fresh: BTreeSet<Box<str>>,
    /// Partitions whose stored users are yet to be listed, and the last user of the last one that is.
    unlisted: Vec<u16>,
    last: Option<String>,
}

/// Sorted names, each followed by its end.
#[derive(Debug, Default)]
struct Run(Vec<u8>);

impl Names {
    /// The names of users that are stored in partitions are listed as well, some at a time.
    pub fn with_stored(partitions: impl Iterator<Item = u16>) -> Self {
        Self { unlisted: partitions.collect(), ..Self::default() }
    }

    /// Which stored users are to be listed next: those of a partition, after a name.
    pub fn next_to_list(&self) -> Option<(u16, Option<String>)> {
        self.unlisted.last().map(|partition| (*partition, self.last.clone()))
    }

    /// Takes in the next stored users; none: those of the partition are all there.
    pub fn list(&mut self, users: impl Iterator<Item = String>) {
        let mut last = None;
        for user in users {
            self.add(&user);
            last = Some(user);
        }
        if last.is_none() {
            self.unlisted.pop();
        }
        self.last = last;
    }

    /// Adds a name. One that is there already stays there once.
    pub fn add(&mut self, name: &str) {
        self.fresh.insert(Box::from(name));
        if self.fresh.len() < FRESH_MAX {
            return;
        }
        let mut run = Run::of(std::mem::take(&mut self.fresh).iter().map(|name| &**name));
        while let Some(before) = self.runs.pop_if(|before| before.0.len() < run.0.len().saturating_mul(2)) {
            run = Run::of(merged(before.names(b""), run.names(b"")));
        }
        self.runs.push(run);
    }

    /// The first names that are meant, in the order of their bytes.
    pub fn find(&self, which: &Which) -> Vec<String> {
        let after = which.after.as_deref();
        let finder = Finder::new(which.containing.as_bytes());
        let fresh =
            self.fresh.iter().map(|name| &**name).filter(|name| after.is_none_or(|after| *name > after));
        let fresh = fresh.filter(|name| finder.find(name.as_bytes()).is_some());
        let mut found: Vec<String> = fresh.take(which.limit).map(str::to_owned).collect();
        for run in &self.runs {
            found.extend(run.find(after, &finder).take(which.limit).map(str::to_owned));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(which.limit);
        found
    }
}

impl Run {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut bytes = Vec::new();
        for name in names {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(END);
        }
        bytes.shrink_to_fit();
        Self(bytes)
    }

    /// The names from a place on: the one that begins there, or, within a name, the one after it.
    fn names(&self, from: &[u8]) -> impl Iterator<Item = &str> {
        let start = self.place_after(from);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.split(|byte| *byte == END)
            .filter(|name| !name.is_empty())
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// Where the first name begins that is greater than a text; an empty text: the first of all.
    fn place_after(&self, text: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.0.len());
        // All names before `low` are too small, none from `high` on is; both are places where names begin.
        while low < high && !text.is_empty() {
            let (begin, end) = self.around(low + (high - low) / 2);
            if self.0.get(begin..end).is_some_and(|name| name > text) {
                high = begin;
            } else {
                low = end.saturating_add(1);
            }
        }
        low
    }

    /// The name that a place is in.
    fn around(&self, place: usize) -> (usize, usize) {
        let (before, rest) = self.0.split_at_checked(place).unwrap_or((&self.0, &[]));
        let begin = memchr::memrchr(END, before).map_or(0, |end| end.saturating_add(1));
        let end = memchr::memchr(END, rest).map_or(self.0.len(), |end| place.saturating_add(end));
        (begin, end)
    }

    /// The names after one that hold what is looked for.
    fn find<'a>(&'a self, after: Option<&str>, finder: &'a Finder<'_>) -> impl Iterator<Item = &'a str> {
        let mut at = self.place_after(after.unwrap_or_default().as_bytes());
        std::iter::from_fn(move || {
            let found = finder.find(self.0.get(at..)?)?;
            let (begin, end) = self.around(at.saturating_add(found));
            at = end.saturating_add(1);
            str::from_utf8(self.0.get(begin..end)?).ok().filter(|name| !name.is_empty())
        })
    }
}

/// Two sorted sequences as one; what is in both is there once.
fn merged<'a>(
    one: impl Iterator<Item = &'a str>,
    other: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = &'a str> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(left), Some(right)) if left == right => {
            other.next();
            one.next()
        }
        (Some(left), Some(right)) if left > right => other.next(),
        (None, _) => other.next(),
        _ => one.next(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_found_as_a_look_at_each_of_them_finds_them(
            few in prop::collection::vec("[a-cä]{1,4}", 0..40),
            many in 0_usize..20_000,
            containing in "[a-cä0-9]{0,2}",
            after in prop::option::of("[a-cu]{0,3}[0-9]{0,3}"),
            limit in 1_usize..30,
        ) {
            let mut names = Names::default();
            let mut all = BTreeSet::new();
            for name in few.into_iter().chain((0..many).map(|number| format!("u{}", number * 7_919 % 20_011))) {
                names.add(&name);
                all.insert(name);
            }
            let meant = |name: &&String| {
                name.contains(&containing) && after.as_ref().is_none_or(|after| *name > after)
            };
            let expected: Vec<String> = all.iter().filter(meant).take(limit).cloned().collect();
            prop_assert_eq!(names.find(&Which { containing, after, limit, whole: false }), expected);
        }
    }

    #[test]
    fn names_that_come_again_and_again_stand_there_once() {
        let mut names = Names::default();
        for round in 0..5 {
            for number in 0..FRESH_MAX + round {
                names.add(&format!("{number:05}"));
            }
        }
        let which = Which { limit: usize::MAX, ..Which::default() };
        assert_eq!(names.find(&which).len(), FRESH_MAX + 4);
    }
}
