//! Which users stay in memory: as many as weigh no more than the shard may hold, those that were used last.
//!
//! A user with something to write stays. One that is written can be read again, and goes when others need its room: the
//! longest unused first, by second chance. What users weigh is looked at when they are read and when they are written.

use super::Users;
use crate::shard::slice::Slice;
use crate::shard::user::Kept;

/// What the users of a shard may weigh, in bytes or so: some ten thousand users that something happens to.
const WEIGHT_MAX: usize = 48 << 20;
/// A user that may go.
#[derive(Debug)]
pub(super) struct Idle {
    user: Box<str>,
    /// The batch that must be written before.
    batch: u64,
}

impl Users {
    /// Notes that a user is as the store will have it once a batch is written.
    pub(super) fn note_idle(&mut self, user: &str, batch: u64) {
        let Some(kept) = self.users.get_mut(user) else { return };
        let weight = kept.place.weight().saturating_add(user.len());
        self.weight = self.weight.saturating_add(weight).saturating_sub(kept.weight);
        kept.weight = weight;
        kept.batch = batch;
        self.idle.push_back(Idle { user: Box::from(user), batch });
    }

    /// Lets some users go where all of them weigh too much. Says whether more of them can go.
    pub fn make_room(&mut self) -> bool {
        let (slice, written) = (Slice::begin(), self.pen.written());
        if self.pen.failure.is_some() {
            // The store has not what it was given: what is in memory is all there is.
            return false;
        }
        while !slice.is_over() {
            if self.weight <= WEIGHT_MAX || self.idle.front().is_none_or(|first| first.batch > written) {
                return false;
            }
            let Some(Idle { user, batch }) = self.idle.pop_front() else { return false };
            // One that has changed is listed again when it is packed; one that was packed since is listed with that batch.
            let is_stored = |kept: &&mut Kept| !kept.changed && kept.batch <= written;
            let Some(kept) = self.users.get_mut(&user).filter(is_stored) else { continue };
            if std::mem::take(&mut kept.used) {
                self.idle.push_back(Idle { user, batch });
            } else {
                self.forget(&user);
            }
        }
        true
    }

    /// Lets go of a user that was read for a question and is as it is stored.
    pub(super) fn let_go(&mut self, user: &str) {
        if self.users.get(user).is_some_and(|kept: &Kept| !kept.changed) {
            self.forget(user);
        }
    }

    fn forget(&mut self, user: &str) {
        if let Some(kept) = self.users.remove(user) {
            self.weight = self.weight.saturating_sub(kept.weight);
        }
    }
}
