//! After a deployment, and after a start: every user folded by the policies that are deployed, and its timer set, some
//! at a time, when there is nothing else to do.

use aquarium_ir::Millis;

use super::Users;
use crate::shard::Unanswered;
use crate::shard::slice::Slice;

/// Stored users that are gone through in one go.
const SWEPT_AT_ONCE: usize = 32;

/// How far the users of a shard are gone through.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// For how many deployed versions.
    versions: usize,
    /// Users in memory that are yet to be looked at.
    in_memory: Vec<Box<str>>,
    /// Partitions that are yet to be looked at, and the last user of the first of them that was.
    partitions: Vec<u16>,
    last: Option<String>,
}

impl Users {
    /// Whether users are folded again because of a deployment.
    pub fn is_sweeping(&self) -> bool {
        self.sweep.versions != self.deployments.versions().count()
            || !self.sweep.in_memory.is_empty()
            || !self.sweep.partitions.is_empty()
    }

    /// Goes on with the sweep where there is one. Says whether it did something.
    pub fn sweep_when_idle(&mut self) -> bool {
        if self.setting.feed.is_stopped() || !self.is_sweeping() || self.broken.is_some() {
            return false;
        }
        if self.is_behind_in_writing() {
            return false;
        }
        self.sweep_some().unwrap_or_else(|error| {
            self.break_off(error.to_string());
            false
        })
    }

    /// Brings some users up to date. Says whether there may be more.
    pub(super) fn sweep_some(&mut self) -> Result<bool, Unanswered> {
        let versions = self.deployments.versions().count();
        if self.sweep.versions != versions {
            let in_memory = self.users.keys().cloned().collect();
            let partitions =
                if self.any_stored { self.partitions.keys().copied().collect() } else { Vec::new() };
            self.sweep = Sweep { versions, in_memory, partitions, last: None };
        }
        let slice = Slice::begin();
        while let Some(user) = self.sweep.in_memory.pop() {
            self.ready_up_to(self.owner(&user), self.present())?;
            self.set_timer(&user, Millis::MIN);
            if slice.is_over() {
                return Ok(true);
            }
        }
        let Some(partition) = self.sweep.partitions.last().copied() else { return Ok(false) };
        let page = self.setting.derived.users(partition, self.sweep.last.as_deref(), SWEPT_AT_ONCE)?;
        self.sweep.last = page.last().map(|(user, _)| user.clone());
        if page.is_empty() {
            self.sweep.partitions.pop();
        }
        for (user, _) in page {
            let in_memory = self.users.contains_key(&*user);
            self.ready_up_to(self.owner(&user), self.present())?;
            self.set_timer(&user, Millis::MIN);
            if !in_memory {
                self.let_go(&user);
            }
        }
        Ok(true)
    }
}
