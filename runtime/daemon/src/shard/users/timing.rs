//! What is to be done though no record has come: thresholds that are crossed, month ends, users that were set aside.
//!
//! Each user has one timer, a lower bound of when there is something to do. When it is due the user is folded up to
//! now, month ends and refills are posted, and the timer is set anew.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_ir::Millis;
use aquarium_store::derived::Owner;

use super::Users;
use super::loading::Unloaded;
use super::without_effect::News;
use crate::shard::slice::Slice;
use crate::shard::user::Place;

/// When a user that was set aside is first tried again; the time doubles up to [`RETRY_MAX_MILLIS`].
const RETRY_FIRST_MILLIS: i64 = 1_000;
/// The longest time after which a user that was set aside is tried again.
const RETRY_MAX_MILLIS: i64 = 3_600_000;

impl Users {
    /// When the first user is to be looked at.
    pub fn next_timer(&self) -> Option<Millis> {
        self.timers.next().filter(|_| self.broken.is_none())
    }

    /// Users that are set aside.
    pub fn aside(&self) -> usize {
        self.failures.len()
    }

    /// Looks at some of the users whose timers are due. Says whether there may be more.
    pub fn look_again(&mut self) -> bool {
        if self.setting.feed.is_stopped() {
            return false;
        }
        let now = self.present();
        let slice = Slice::begin();
        while !slice.is_over() {
            if self.broken.is_some() {
                return false;
            }
            if self.is_behind_in_writing() {
                return self.timers.next().is_some_and(|next| next <= now);
            }
            let Some(user) = self.timers.take_due(now) else { return false };
            let in_memory = self.users.contains_key(&*user);
            if let Err(error) = self.look_at(self.owner(&user), now) {
                self.break_off(error.to_string());
                return false;
            }
            if !in_memory {
                self.let_go(&user);
            }
        }
        true
    }

    fn look_at(&mut self, owner: Owner<'_>, now: Millis) -> Result<(), Unloaded> {
        if !self.load(owner, false)? {
            return Ok(());
        }
        if matches!(self.users.get(owner.user).map(|kept| &kept.place), Some(Place::Aside(_))) {
            tracing::info!(user = owner.user, "a user that was set aside is tried again");
            self.rebuild_user(owner)?;
        }
        self.take_back_what_is_lacking(owner)?;
        let (users, deployments) = (&mut self.users, &mut self.deployments);
        let Some(Place::Well(known)) = users.get_mut(owner.user).map(|kept| &mut kept.place) else {
            return Ok(());
        };
        let before = known.unwritten();
        match catch_unwind(AssertUnwindSafe(|| known.sweep(deployments, now))) {
            Ok(changed) => {
                let new = known.unwritten().saturating_sub(before);
                self.unwritten = self.unwritten.saturating_add(new);
                self.failures.remove(owner.user);
                if changed {
                    self.mark_changed(owner.user);
                }
                self.note_findings(owner, &News::default());
                // What is due now was done now.
                self.set_timer(owner.user, Millis(now.0.saturating_add(1)));
            }
            Err(_) => {
                self.set_aside(owner.user);
            }
        }
        Ok(())
    }

    /// Sets the timer of a user as it is now, to no instant before one.
    pub(super) fn set_timer(&mut self, user: &str, not_before: Millis) {
        let (users, deployments) = (&mut self.users, &mut self.deployments);
        let Some(Place::Well(known)) = users.get_mut(user).map(|kept| &mut kept.place) else { return };
        match catch_unwind(AssertUnwindSafe(|| known.due(deployments))) {
            Ok(due) => self.timers.set(user, due.map(|due| due.max(not_before))),
            Err(_) => {
                self.set_aside(user);
            }
        }
    }

    /// Notes that a user could not be folded: it is tried again after a while.
    pub(super) fn note_failure(&mut self, user: &str) {
        let failures = self.failures.entry(Box::from(user)).or_insert(0);
        let wait = RETRY_FIRST_MILLIS.checked_shl(*failures).unwrap_or(RETRY_MAX_MILLIS);
        *failures = failures.saturating_add(1).min(LARGEST_SHIFT);
        let wait = wait.min(RETRY_MAX_MILLIS);
        let due = Millis(self.setting.clock.now().0.saturating_add(wait));
        self.timers.set(user, Some(due));
    }
}

/// Doubling beyond this leads past the longest time.
const LARGEST_SHIFT: u32 = 16;
