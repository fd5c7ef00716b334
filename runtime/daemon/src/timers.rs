//! Timers: when users are to be looked at again though nothing has come of them.
//!
//! A timer is a lower bound: it may be too early, never too late. Setting one anew replaces the old one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aquarium_ir::Millis;
use foldhash::quality::RandomState;

/// One timer for each user that has one.
#[derive(Debug, Default)]
pub struct Timers {
    by_time: BTreeSet<(Millis, Arc<str>)>,
    by_user: HashMap<Arc<str>, Millis, RandomState>,
}

impl Timers {
    /// Sets or removes the timer of a user.
    pub fn set(&mut self, user: &str, due: Option<Millis>) {
        let Some(due) = due else { return self.remove(user) };
        let Some((known, before)) = self.by_user.get_key_value(user) else {
            let user: Arc<str> = Arc::from(user);
            self.by_user.insert(Arc::clone(&user), due);
            self.by_time.insert((due, user));
            return;
        };
        if *before == due {
            return;
        }
        let of_user = (*before, Arc::clone(known));
        self.by_time.remove(&of_user);
        let (_, user) = of_user;
        if let Some(before) = self.by_user.get_mut(&user) {
            *before = due;
        }
        self.by_time.insert((due, user));
    }

    fn remove(&mut self, user: &str) {
        if let Some((user, before)) = self.by_user.remove_entry(user) {
            self.by_time.remove(&(before, user));
        }
    }

    /// The user whose timer is due first, at or before an instant; its timer is gone then.
    pub fn take_due(&mut self, now: Millis) -> Option<Arc<str>> {
        let (due, _) = self.by_time.first().filter(|(due, _)| *due <= now)?;
        tracing::trace!(%due, "a timer is due");
        let (_, user) = self.by_time.pop_first()?;
        self.by_user.remove(&user);
        Some(user)
    }

    /// When the first timer is due.
    pub fn next(&self) -> Option<Millis> {
        self.by_time.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_timer_and_it_is_due_in_its_turn() {
        let mut timers = Timers::default();
        for (user, due) in [("a", 5), ("b", 3), ("c", 9), ("a", 2), ("c", 4)] {
            timers.set(user, Some(Millis(due)));
        }
        timers.set("b", None);
        assert_eq!(timers.next(), Some(Millis(2)));
        assert_eq!(timers.take_due(Millis(1)), None);
        let due: Vec<_> = std::iter::from_fn(|| timers.take_due(Millis(4))).collect();
        assert_eq!(due, [Arc::from("a"), Arc::from("c")]);
        assert_eq!((timers.next(), timers.by_user.len()), (None, 0));
    }
}
