//! Events, one after the other: who, what, when, and how it arrives.
//!
//! What is switched is switched in turns, and what is held never falls below zero: an event that has no effect would
//! be cheaper than those that are meant.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Size;

/// How a resource is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    Discrete,
    Onoff,
    Continuous,
}

/// A resource of the policy.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    pub name: &'static str,
    pub cost: Cost,
    /// Of a user, where the policy allows several.
    pub instances: u32,
}

/// What is drawn.
pub struct Mix {
    pub resources: Vec<Resource>,
    /// Events that are about the first user.
    pub hot_percent: u32,
    /// Events that arrive thousands of others later.
    pub late_permille: u32,
    /// Events that arrive twice.
    pub twice_permille: u32,
    /// Each user uses each resource once, and leaves it open.
    pub opens_once: bool,
}

/// How many other events a late one or a copy waits for, at most.
const DELAY_MAX: u64 = 50_000;

/// The events of a workload.
pub struct Events {
    resources: Vec<Resource>,
    mix: Mix,
    size: Size,
    begins: i64,
    count: u64,
    next: u64,
    random: ChaCha8Rng,
    /// What each (user, resource, instance) is at: switched on, or how much is held.
    states: HashMap<(u64, usize, u32), i64>,
    /// What arrives after so many events.
    delayed: BTreeMap<(u64, u64), (u64, Vec<u8>)>,
}

impl Events {
    pub(super) fn new(mix: &Mix, size: Size, begins: i64) -> Self {
        let count = if mix.opens_once { size.users * mix.resources.len() as u64 } else { size.events };
        Self {
            resources: mix.resources.clone(),
            mix: Mix { resources: Vec::new(), ..*mix },
            size,
            begins,
            count,
            next: 0,
            random: ChaCha8Rng::seed_from_u64(size.seed),
            states: HashMap::new(),
            delayed: BTreeMap::new(),
        }
    }

    /// Lines by who sends them: each of so many senders has users of its own, and their events in order.
    pub fn by_sender(self, senders: usize) -> Vec<Vec<u8>> {
        let mut bodies = vec![Vec::new(); senders];
        let count = u64::try_from(senders).unwrap_or(1);
        for (user, line) in self {
            if let Some(body) = usize::try_from(user % count).ok().and_then(|sender| bodies.get_mut(sender)) {
                body.extend_from_slice(&line);
            }
        }
        bodies
    }

    fn permille(&mut self, share: u32) -> bool {
        share > 0 && self.random.random_range(0..1_000) < share
    }

    fn draw(&mut self, number: u64) -> (u64, Vec<u8>) {
        let kinds = self.resources.len() as u64;
        let (user, kind) = if self.mix.opens_once {
            (number / kinds, number % kinds)
        } else if self.random.random_range(0..100) < self.mix.hot_percent {
            (0, self.random.random_range(0..kinds))
        } else {
            (self.random.random_range(0..self.size.users), self.random.random_range(0..kinds))
        };
        let kind = usize::try_from(kind).unwrap_or_default();
        (user, self.line(number, user, kind))
    }

    fn line(&mut self, number: u64, user: u64, kind: usize) -> Vec<u8> {
        let Some(resource) = self.resources.get(kind).copied() else { return Vec::new() };
        let instance = self.random.random_range(0..resource.instances);
        let value = self.value(resource.cost, (user, kind, instance));
        let span = u64::try_from(self.size.ends - self.begins).unwrap_or(1);
        // Less than the machine's hour of 2^63 milliseconds: the product is of 128 bits.
        let after = u128::from(span) * u128::from(number) / u128::from(self.count.max(1));
        let at = self.begins + i64::try_from(after).unwrap_or_default();
        let id: [u64; 2] = [self.random.random(), self.random.random()];
        let mut line = Vec::with_capacity(280);
        // Writing to memory does not fail.
        let _ = writeln!(
            line,
            r#"{{"id":"{:016x}{:016x}{:08x}","occurredMillis":{at},"clientID":"cyclades","userID":"{}","resource":"{}","instanceID":"{}-{instance}","eventVersion":"1.0","value":{value},"details":{{}}}}"#,
            id[0],
            id[1],
            number as u32,
            user_name(user),
            resource.name,
            resource.name
        );
        line
    }

    /// The value of the next event of an instance, as text.
    fn value(&mut self, cost: Cost, instance: (u64, usize, u32)) -> String {
        let amount = self.random.random_range(1..20_000);
        if cost == Cost::Discrete {
            return format!("{}.{:02}", amount / 100, amount % 100);
        }
        let state = self.states.entry(instance).or_default();
        if cost == Cost::Onoff {
            *state = 1 - *state;
            return state.to_string();
        }
        let change = if amount % 3 == 0 && *state > 0 { -(amount % *state) } else { amount };
        *state += change;
        let sign = if change < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", change.abs() / 100, change.abs() % 100)
    }

    fn delay(&mut self, number: u64, event: (u64, Vec<u8>)) {
        let due = number + self.random.random_range(1..=DELAY_MAX.min(self.count / 2 + 1));
        self.delayed.insert((due, number), event);
    }

    /// The next one that has waited long enough; at the end, whichever is left.
    fn due(&mut self) -> Option<(u64, Vec<u8>)> {
        let first = self.delayed.first_entry()?;
        (self.next >= self.count || first.key().0 <= self.next).then(|| first.remove())
    }
}

impl Iterator for Events {
    type Item = (u64, Vec<u8>);

    /// The user's number, and the line.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.due() {
                return Some(event);
            }
            if self.next >= self.count {
                return None;
            }
            let number = self.next;
            self.next += 1;
            let event = self.draw(number);
            if self.permille(self.mix.twice_permille) {
                self.delay(number, event.clone());
            } else if self.permille(self.mix.late_permille) {
                self.delay(number, event);
                continue;
            }
            return Some(event);
        }
    }
}

/// The id of a user.
pub fn user_name(number: u64) -> String {
    format!("user-{number}")
}
