//! Answers about users, whether they are in memory or not.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::posting::{Cause, Finding as Found};
use aquarium_ir::Millis;
use aquarium_store::derived::Owner;
use aquarium_store::{Kind, partition_of};

use super::Users;
use crate::feed::Feed;
use crate::shard::queries::{Known, Look, Which};
use crate::shard::reading::read_stored;
use crate::shard::stored;
use crate::shard::user::{Kept, Place};
use crate::shard::{Finding, Row, Standing, Unanswered};

/// Users that are read from the store at once.
pub(super) const USERS_AT_ONCE: usize = 256;

impl Users {
    /// How a user stands.
    pub fn standing(&mut self, user: &str, at: Millis) -> Result<Option<Standing>, Unanswered> {
        let owner = self.owner(user);
        if !self.ready(owner)? {
            return Ok(None);
        }
        let derived = self.derived();
        let (users, deployments) = (&mut self.users, &mut self.deployments);
        let known = match users.get_mut(user).map(|kept| &mut kept.place) {
            Some(Place::Well(known)) => known,
            Some(Place::Aside(why)) => return Err(Unanswered::Aside(why.clone())),
            None => return Ok(None),
        };
        if known.ledger.at_is_elsewhere(at) {
            self.pen.wait();
        }
        let standing = catch_unwind(AssertUnwindSafe(|| {
            let view = stored::at(&*derived, owner, &known.ledger, deployments, at)?;
            Ok(view.map(|view| Standing::of(&view, deployments, user)))
        }));
        standing.unwrap_or_else(|_| {
            self.set_aside(user);
            Err(Unanswered::Aside("charging its records failed; they are safe in the log".to_owned()))
        })
    }

    /// Shows a user's whole ledger to `look`; what fails there harms nobody else.
    pub fn examine(&mut self, user: &str, look: Look) {
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let mut look = Some(look);
            let shown = self.show(user, &mut look);
            if let (Err(why), Some(look)) = (shown, look) {
                look(Err(why));
            }
        }));
        if looked.is_err() {
            tracing::error!(user, "a question about a user failed");
        }
    }

    fn show(&mut self, user: &str, look: &mut Option<Look>) -> Result<(), Unanswered> {
        let owner = self.owner(user);
        let there_is_one = self.ready(owner)?;
        let derived = self.derived();
        let (users, deployments) = (&mut self.users, &mut self.deployments);
        let known = match users.get(user).map(|kept| &kept.place) {
            Some(Place::Well(known)) if there_is_one => known,
            Some(Place::Aside(why)) => return Err(Unanswered::Aside(why.clone())),
            _ => {
                look.take().into_iter().for_each(|look| look(Ok(None)));
                return Ok(());
            }
        };
        if known.ledger.parts_elsewhere() == 0 {
            let known = Known { ledger: &known.ledger, deployments };
            look.take().into_iter().for_each(|look| look(Ok(Some(known))));
            return Ok(());
        }
        self.pen.wait();
        // What is taken back for a question does not stay in memory.
        let mut whole = known.ledger.clone();
        stored::take_back(&*derived, owner, &mut whole, |ledger| ledger.parts_elsewhere() == 0)?;
        let known = Known { ledger: &whole, deployments };
        look.take().into_iter().for_each(|look| look(Ok(Some(known))));
        Ok(())
    }

    /// How everybody stands; users that are set aside are left out.
    pub fn everybody(&mut self, at: Millis) -> Result<Vec<Row>, Unanswered> {
        let mut rows = Vec::new();
        let everybody = Which { limit: usize::MAX, ..Which::default() };
        for user in self.names(&everybody)? {
            let in_memory = self.users.contains_key(user.as_str());
            rows.extend(self.standing(&user, at).ok().flatten().map(Row::from));
            if !in_memory {
                self.let_go(&user);
            }
        }
        Ok(rows)
    }

    /// Users by id, in the order of its bytes.
    pub fn names(&self, which: &Which) -> Result<Vec<String>, Unanswered> {
        self.check()?;
        let is_meant = |name: &str| {
            which.after.as_deref().is_none_or(|after| name > after) && name.contains(&which.containing)
        };
        let mut first: BTreeSet<String> = BTreeSet::new();
        let mut take = |name: &str| {
            if is_meant(name) {
                first.insert(name.to_owned());
            }
            if first.len() > which.limit {
                first.pop_last();
            }
        };
        self.users.keys().for_each(|name| take(name));
        for partition in self.partitions.keys().copied() {
            self.stored_names(partition, which, &is_meant)?.iter().for_each(|name| take(name));
        }
        Ok(first.into_iter().collect())
    }

    /// As many of the users of a partition that are stored as are asked for.
    fn stored_names(
        &self,
        partition: u16,
        which: &Which,
        is_meant: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>, Unanswered> {
        let mut names = Vec::new();
        let mut last = which.after.clone();
        while names.len() < which.limit {
            let page = self.setting.derived.users(partition, last.as_deref(), USERS_AT_ONCE)?;
            let Some((user, _)) = page.last() else { break };
            last = Some(user.clone());
            names.extend(page.into_iter().map(|(user, _)| user).filter(|user| is_meant(user)));
        }
        Ok(names)
    }

    /// The events that have no effect.
    pub fn findings(&mut self) -> Result<Vec<Finding>, Unanswered> {
        self.check()?;
        while self.sweep_some()? {}
        if !self.write_all() {
            let why = self.pen.failure.clone().or_else(|| self.broken.clone());
            return Err(Unanswered::Broken(why.unwrap_or_default()));
        }
        let mut by_user: BTreeMap<(u16, String), Vec<Found>> = BTreeMap::new();
        for partition in self.partitions.keys().copied() {
            let mut last: Option<(String, u32)> = None;
            loop {
                let after = last.as_ref().map(|(user, number)| (user.as_str(), *number));
                let page = self.setting.derived.parts_with_findings(partition, after, USERS_AT_ONCE)?;
                if page.is_empty() {
                    break;
                }
                for (user, number) in &page {
                    let owner = Owner { partition, user };
                    let found = stored::findings(&*self.setting.derived, owner, *number)?;
                    by_user.entry((partition, user.clone())).or_default().extend(found);
                }
                last = page.into_iter().next_back();
            }
        }
        let mut findings = Vec::new();
        for ((_, user), found) in by_user {
            findings.extend(located(&self.setting.feed, &user, found)?);
        }
        Ok(findings)
    }

    pub(super) fn owner<'a>(&self, user: &'a str) -> Owner<'a> {
        Owner { partition: partition_of(user, self.setting.partitions), user }
    }

    /// Brings a user into memory and up to date; says whether there is one.
    pub(super) fn ready(&mut self, owner: Owner<'_>) -> Result<bool, Unanswered> {
        self.check()?;
        if !self.load(owner, false)? {
            return Ok(false);
        }
        self.bring_up_to_date(owner);
        self.check()?;
        Ok(true)
    }

    /// Lets go of a user that was read for a question and is as it is stored.
    pub(super) fn let_go(&mut self, user: &str) {
        if self.users.get(user).is_some_and(|kept: &Kept| !kept.changed) {
            self.users.remove(user);
        }
    }
}

/// Findings of a user with their places in the log, which are looked up: findings are few.
fn located(feed: &Feed, user: &str, found: Vec<Found>) -> Result<Vec<Finding>, Unanswered> {
    let mut missing: BTreeMap<(String, String), Found> = BTreeMap::new();
    for finding in found {
        if let Cause::Event { client, id } = &finding.cause {
            missing.insert((client.to_string(), id.to_string()), finding);
        }
    }
    let mut located = Vec::new();
    if missing.is_empty() {
        return Ok(located);
    }
    let records = feed.records_of(user).map_err(|error| Unanswered::Broken(error.to_string()))?;
    for stored in records.iter().filter(|stored| stored.kind == Kind::ResourceEvent) {
        let Ok(record) = read_stored(&stored.body, stored.received_millis) else { continue };
        if let Some(finding) = missing.remove(&(record.client.into_owned(), record.id.into_owned())) {
            let (position, message) = (stored.position, finding.message);
            located.push(Finding { position, user: user.to_owned(), reason: finding.reason, message });
        }
    }
    Ok(located)
}
