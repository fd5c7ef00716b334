//! Writing what changed, round by round, and letting go of users that nobody asks about.

use std::time::Duration;

use aquarium_ir::Millis;
use aquarium_store::derived::Batch;
use aquarium_store::partition_of;

use super::Users;
use crate::shard::writing::{RECORDS_PER_ROUND, Round, USERS_PER_BATCH};

/// Users that a shard keeps in memory although nothing happens to them: some hundred megabytes at most.
const IDLE_USERS_MAX: usize = 100_000;

impl Users {
    /// Does some of the writing that is due. Says how long until there is more to do; `None`: nothing to write.
    pub fn write_some(&mut self) -> Option<Duration> {
        if self.round.is_none() && !self.begin_round() {
            return self.pen.due_in();
        }
        if self.pen.is_free() {
            self.write_a_batch();
        }
        // The writer does not call: it is looked at again soon.
        self.pen.failure.is_none().then_some(Duration::from_millis(1))
    }

    /// Begins a round where one is due.
    fn begin_round(&mut self) -> bool {
        let due = self.pen.due_in().is_some_and(|due| due.is_zero()) || self.records >= RECORDS_PER_ROUND;
        if !due || self.pen.failure.is_some() || self.broken.is_some() {
            return false;
        }
        self.pen.begin();
        self.records = 0;
        self.round = Some(Round {
            users: std::mem::take(&mut self.changed),
            shared: std::mem::take(&mut self.shared),
            cursor: self.cursor,
            closing: false,
        });
        true
    }

    /// Writes the next users of the round; with the last of them, how far everything is folded.
    fn write_a_batch(&mut self) {
        let Some(round) = &mut self.round else { return };
        if round.closing {
            self.round = None;
            self.end_round();
            return;
        }
        let mut batch = Batch::default();
        let rest = round.users.len().saturating_sub(USERS_PER_BATCH);
        let users = round.users.split_off(rest);
        users.iter().for_each(|user| self.set_timer(user, Millis::MIN));
        let Some(round) = &mut self.round else { return };
        for user in users {
            let Some(kept) = self.users.get_mut(&user) else { continue };
            kept.changed = false;
            batch.users.push(kept.place.write(partition_of(&user, self.setting.partitions), &user));
        }
        if round.users.is_empty() {
            round.closing = true;
            batch.shared = std::mem::take(&mut round.shared);
            let cursor = round.cursor;
            batch.folded =
                self.partitions.iter().map(|(partition, start)| (*partition, cursor.max(*start))).collect();
        }
        self.any_stored = true;
        self.pen.write(batch);
    }

    /// Lets go of users that were not used of late, where there are many. Nothing is on its way.
    fn end_round(&mut self) {
        self.rounds += 1;
        if self.users.len() > IDLE_USERS_MAX {
            let recent = self.rounds.saturating_sub(1);
            self.users.retain(|_, kept| kept.changed || kept.used >= recent);
        }
    }

    /// Writes everything that is folded, and waits until it is written. Says whether it is.
    pub fn write_all(&mut self) -> bool {
        loop {
            self.pen.wait();
            if self.pen.failure.is_some() || self.broken.is_some() {
                return false;
            }
            if self.round.is_none() {
                if self.changed.is_empty() && self.shared.is_empty() && self.pen.due_in().is_none() {
                    return true;
                }
                self.records = RECORDS_PER_ROUND;
                self.begin_round();
            }
            self.write_a_batch();
        }
    }
}
