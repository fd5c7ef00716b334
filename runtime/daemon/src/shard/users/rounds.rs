//! Writing what changed, round by round.

use std::time::Duration;

use aquarium_ir::Millis;
use aquarium_store::derived::Batch;
use aquarium_store::partition_of;

use super::Users;
use crate::shard::slice::Slice;
use crate::shard::user::Kept;
use crate::shard::writing::{LINES_PER_ROUND, RECORDS_PER_ROUND, Round, USERS_PER_BATCH};

impl Users {
    /// Does some of the writing that is due. Says how long until there is more to do, nothing: at once; `None`: nothing
    /// to write.
    pub fn write_some(&mut self) -> Option<Duration> {
        let free = self.pen.is_free();
        if self.pen.failure.is_some() || self.broken.is_some() {
            return None;
        }
        if self.round.is_none() && !self.begin_round() {
            return self.pen.due_in();
        }
        let more = self.pack_some(Slice::begin());
        if free && !more {
            self.hand_over();
            return Some(Duration::ZERO);
        }
        // The writer does not call: it is looked at again soon.
        Some(if more { Duration::ZERO } else { Duration::from_millis(1) })
    }

    /// Whether so much waits to be written that nothing should be added that can wait.
    pub(super) fn is_behind_in_writing(&self) -> bool {
        self.pen.failure.is_none() && self.unwritten >= 2 * LINES_PER_ROUND
    }

    /// Waits until the store has everything of a user that is not in memory any more: one that is in no batch on its way
    /// waits for nobody.
    pub(super) fn wait_for_the_store(&mut self, user: &str) {
        let is_written = |kept: &Kept| kept.batch <= self.pen.written();
        if self.users.get(user).is_none_or(is_written) {
            return;
        }
        self.pen.wait();
        let packed = self.round.as_ref().is_some_and(|round| !round.batch.users.is_empty());
        if packed && self.pen.failure.is_none() {
            self.hand_over();
            self.pen.wait();
        }
    }

    /// Begins a round where one is due.
    pub(super) fn begin_round(&mut self) -> bool {
        let due = self.pen.due_in().is_some_and(|due| due.is_zero())
            || self.records >= RECORDS_PER_ROUND
            || self.unwritten >= LINES_PER_ROUND;
        if !due || self.pen.failure.is_some() || self.broken.is_some() {
            return false;
        }
        self.pen.begin();
        self.records = 0;
        self.round = Some(Round {
            users: std::mem::take(&mut self.changed),
            shared: std::mem::take(&mut self.shared),
            cursor: self.cursor,
            batch: Batch::default(),
            closing: false,
        });
        true
    }

    /// Packs users of the round for its next batch, until the slice is over. Says whether there are more.
    pub(super) fn pack_some(&mut self, slice: Slice) -> bool {
        let batch = self.pen.next();
        loop {
            let Some(round) = self.round.as_mut().filter(|round| round.batch.users.len() < USERS_PER_BATCH)
            else {
                return false;
            };
            let Some(user) = round.users.pop() else { return false };
            self.set_timer(&user, Millis::MIN);
            let partition = partition_of(&user, self.setting.partitions);
            let Some(kept) = self.users.get_mut(&user) else { continue };
            kept.changed = false;
            self.unwritten = self.unwritten.saturating_sub(kept.place.unwritten());
            let write = kept.place.write(partition, &user);
            if let Some(round) = &mut self.round {
                round.batch.users.push(write);
            }
            self.note_idle(&user, batch);
            if slice.is_over() {
                return true;
            }
        }
    }

    /// Hands the next batch of the round over; with the last users of it, how far everything is folded.
    fn hand_over(&mut self) {
        let Some(round) = &mut self.round else { return };
        if round.closing {
            self.round = None;
            self.pen.end();
            return;
        }
        let mut batch = std::mem::take(&mut round.batch);
        if round.users.is_empty() {
            round.closing = true;
            batch.shared = std::mem::take(&mut round.shared);
            let cursor = round.cursor;
            batch.folded =
                self.partitions.iter().map(|(partition, start)| (*partition, cursor.max(*start))).collect();
        }
        self.any_stored = true;
        batch.fences.clone_from(&self.fences);
        self.pen.write(batch);
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
            while self.pack_some(Slice::begin()) {}
            self.hand_over();
        }
    }
}
