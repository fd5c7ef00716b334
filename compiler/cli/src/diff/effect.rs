//! The money effect: recorded events charged by both policies, and the difference per user.

use std::collections::BTreeMap;

use aquarium_charging::simulate::{Options, Report, UserReport, simulate};
use aquarium_charging::{Deployments, Version};
use aquarium_ir::{Credits, Millis};

use crate::events::EventFile;

/// What the events come to under both policies.
pub struct Effect {
    /// The instant up to which they were charged.
    pub at: Millis,
    /// Per user, by id.
    pub users: BTreeMap<String, Pair>,
    /// The sum of all users.
    pub total: Pair,
    /// How many messages had no effect.
    pub without_effect: (usize, usize),
}

/// Figures under the old and the new policy.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair {
    /// Under the old one.
    pub old: Figures,
    /// Under the new one.
    pub new: Figures,
}

/// What a user, or all of them, come to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// What is charged, open intervals included.
    pub charged: Credits,
    /// Refills, initial credits and grants.
    pub refilled: Credits,
    /// What is left.
    pub balance: Credits,
}

impl Figures {
    fn of(user: &UserReport) -> Self {
        Self { charged: user.charged + user.accrued, refilled: user.refilled, balance: user.balance }
    }

    fn add(&mut self, other: Self) {
        self.charged += other.charged;
        self.refilled += other.refilled;
        self.balance += other.balance;
    }
}

impl Pair {
    /// How much more is charged.
    pub fn charged(&self) -> Credits {
        self.new.charged - self.old.charged
    }

    /// How much more is left.
    pub fn balance(&self) -> Credits {
        self.new.balance - self.old.balance
    }
}

impl Effect {
    /// The users for whom anything changes, those whose balance changes most first.
    pub fn changed(&self) -> Vec<(&str, &Pair)> {
        let size = |pair: &Pair| {
            let balance = pair.balance();
            if balance.is_negative() { -balance } else { balance }
        };
        let mut changed: Vec<(&str, &Pair)> = self
            .users
            .iter()
            .filter(|(_, pair)| pair.old != pair.new)
            .map(|(id, pair)| (id.as_str(), pair))
            .collect();
        changed.sort_by(|left, right| size(right.1).cmp(&size(left.1)).then(left.0.cmp(right.0)));
        changed
    }
}

/// Charges the events by both policies, one on a thread of its own.
pub fn replay(old: Version, new: Version, files: &[EventFile], at: Option<Millis>) -> Result<Effect, String> {
    let charge = |version: Version| {
        let options = Options { at, summary: true, ..Options::default() };
        simulate(&Deployments::single(version), files.iter().flat_map(EventFile::lines), &options)
    };
    let (old, new) = std::thread::scope(|scope| {
        let old = scope.spawn(|| charge(old));
        let new = charge(new);
        (old.join(), new)
    });
    let old = old.map_err(|_| "the replay of the old policy stopped".to_owned())?;
    Ok(compare(&old, &new))
}

fn compare(old: &Report, new: &Report) -> Effect {
    let mut users: BTreeMap<String, Pair> = BTreeMap::new();
    for (id, user) in &old.users {
        users.entry(id.clone()).or_default().old = Figures::of(user);
    }
    for (id, user) in &new.users {
        users.entry(id.clone()).or_default().new = Figures::of(user);
    }
    let mut total = Pair::default();
    for pair in users.values() {
        total.old.add(pair.old);
        total.new.add(pair.new);
    }
    Effect { at: new.at, users, total, without_effect: (old.quarantined.len(), new.quarantined.len()) }
}
