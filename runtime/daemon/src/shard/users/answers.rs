//! Answers about users, whether they are in memory or not.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::ledger::View;
use aquarium_charging::posting::{Cause, Finding as Found};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;
use aquarium_store::derived::{Derived, Owner};
use aquarium_store::{Kind, partition_of};

use super::Users;
use crate::feed::Feed;
use crate::shard::queries::{Known, Look, LookAt, Seen, Which};
use crate::shard::reading::read_stored;
use crate::shard::stored::{self, Unusable};
use crate::shard::user::Place;
use crate::shard::{Digested, Finding, Row, Unanswered};

/// Users that are read from the store at once.
pub(super) const USERS_AT_ONCE: usize = 256;

impl Users {
    /// A user's state at an instant.
    pub fn view(&mut self, user: &str, at: Millis) -> Result<Option<View>, Unanswered> {
        let owner = self.owner(user);
        let view = |stored: &dyn Derived, ledger: &Ledger, deployments: &mut Deployments| {
            stored::at(stored, owner, ledger, deployments, at)
        };
        self.look(owner, |ledger| ledger.at_is_elsewhere(at), view).map(Option::flatten)
    }

    /// How a user stands.
    pub fn standing(&mut self, user: &str, at: Millis) -> Result<Option<Row>, Unanswered> {
        Ok(self.view(user, at)?.map(|view| Row::of(user.to_owned(), &view)))
    }

    /// Shows a user's state to whoever asked; what fails there harms nobody.
    pub fn see(&mut self, user: &str, at: Millis, look: LookAt) {
        let view = self.view(user, at);
        let deployments = &mut self.deployments;
        let seen = view.map(|view| view.map(|view| Seen { view, deployments }));
        if catch_unwind(AssertUnwindSafe(|| look(seen))).is_err() {
            tracing::error!(user, "a question about a user failed");
        }
    }

    /// A digest of what a user's records come to up to an instant.
    pub fn digest(&mut self, user: &str, at: Millis) -> Result<Option<Digested>, Unanswered> {
        self.examine(user, |ledger, deployments| Digested::of(ledger.clone(), deployments, at))
    }

    /// Shows a user's whole ledger to whoever asked; what fails there harms nobody.
    pub fn show(&mut self, user: &str, look: Look) {
        let look = Cell::new(Some(look));
        let shown = self.examine(user, |ledger, deployments| {
            let Some(look) = look.take() else { return };
            let known = Known { ledger, deployments };
            if catch_unwind(AssertUnwindSafe(|| look(Ok(Some(known))))).is_err() {
                tracing::error!(user, "a question about a user failed");
            }
        });
        if let Some(look) = look.take() {
            // It has seen nothing, since there is nothing or it cannot be read.
            look(shown.map(|_| None));
        }
    }

    /// What `look` makes of a user's whole ledger; `None` where there is no record of the user.
    pub fn examine<T>(
        &mut self,
        user: &str,
        look: impl Fn(&Ledger, &mut Deployments) -> T,
    ) -> Result<Option<T>, Unanswered> {
        let owner = self.owner(user);
        let examine = |stored: &dyn Derived, ledger: &Ledger, deployments: &mut Deployments| {
            if ledger.parts_elsewhere() == 0 {
                return Ok(look(ledger, deployments));
            }
            // What is taken back for a question does not stay in memory.
            let mut whole = ledger.clone();
            stored::take_back(stored, owner, &mut whole, |ledger| ledger.parts_elsewhere() == 0)?;
            Ok(look(&whole, deployments))
        };
        self.look(owner, |ledger| ledger.parts_elsewhere() > 0, examine)
    }

    /// What `look` makes of a user; `None` where there is none. `reads` says whether it takes parts from the store.
    /// Where they cannot be read the user is rebuilt, and looked at again.
    fn look<T>(
        &mut self,
        owner: Owner<'_>,
        reads: impl Fn(&Ledger) -> bool,
        look: impl Fn(&dyn Derived, &Ledger, &mut Deployments) -> Result<T, Unusable>,
    ) -> Result<Option<T>, Unanswered> {
        if !self.ready(owner)? {
            return Ok(None);
        }
        let stored = self.derived();
        loop {
            let lacking = match self.users.get(owner.user).map(|kept| &kept.place) {
                Some(Place::Well(known)) => reads(&known.ledger),
                Some(Place::Aside(_)) | None => false,
            };
            if lacking {
                self.wait_for_the_store();
            }
            let known = match self.users.get_mut(owner.user).map(|kept| &mut kept.place) {
                Some(Place::Well(known)) => known,
                Some(Place::Aside(why)) => return Err(Unanswered::Aside(why.clone())),
                None => return Ok(None),
            };
            let deployments = &mut self.deployments;
            match catch_unwind(AssertUnwindSafe(|| look(&*stored, &known.ledger, deployments))) {
                Ok(Ok(seen)) => return Ok(Some(seen)),
                // A user that was just rebuilt has everything in memory, so this happens once.
                Ok(Err(error @ Unusable::OfUser { .. })) => self.repair(owner, &error)?,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(self.set_aside(owner.user)),
            }
        }
    }

    /// Rebuilds a user of whom something cannot be read.
    fn repair(&mut self, owner: Owner<'_>, why: &Unusable) -> Result<(), Unanswered> {
        tracing::error!(user = owner.user, %why, "the user is rebuilt from the log");
        self.rebuild_user(owner)?;
        self.bring_up_to(owner, self.setting.clock.now());
        self.check()
    }

    /// How everybody stands; users that are set aside are left out.
    pub fn everybody(&mut self, at: Millis) -> Result<Vec<Row>, Unanswered> {
        let mut rows = Vec::new();
        let everybody = Which { limit: usize::MAX, ..Which::default() };
        for user in self.names(&everybody)? {
            let in_memory = self.users.contains_key(user.as_str());
            rows.extend(self.standing(&user, at).ok().flatten());
            if !in_memory {
                self.let_go(&user);
            }
        }
        Ok(rows)
    }

    /// Users by id, in the order of its bytes.
    pub fn names(&mut self, which: &Which) -> Result<Vec<String>, Unanswered> {
        self.check()?;
        while self.list_some_names()? {}
        Ok(self.names.find(which))
    }

    /// Goes on listing the users that are in the store, where some are not listed yet. Says whether it did something.
    pub fn list_names_when_idle(&mut self) -> bool {
        if self.setting.feed.is_stopped() || self.broken.is_some() {
            return false;
        }
        self.list_some_names().unwrap_or_else(|error| {
            self.break_off(error.to_string());
            false
        })
    }

    /// Lists some of the users that are in the store. Says whether there may be more.
    pub(super) fn list_some_names(&mut self) -> Result<bool, Unanswered> {
        let Some((partition, last)) = self.names.next_to_list() else { return Ok(false) };
        let page = self.setting.derived.users(partition, last.as_deref(), USERS_AT_ONCE)?;
        self.names.list(page.into_iter().map(|(user, _)| user));
        Ok(true)
    }

    /// The events that have no effect.
    pub fn findings(&mut self) -> Result<Vec<Finding>, Unanswered> {
        self.check()?;
        while self.sweep_some()? {}
        if !self.write_all() {
            let why = self.pen.failure.clone().or_else(|| self.broken.clone());
            return Err(Unanswered::Broken(why.unwrap_or_default()));
        }
        let mut by_user: BTreeMap<String, Vec<Found>> = BTreeMap::new();
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
                    by_user.entry(user.clone()).or_default().extend(found);
                }
                last = page.into_iter().next_back();
            }
        }
        let mut findings = Vec::new();
        for (user, found) in by_user {
            findings.extend(located(&self.setting.feed, &user, found)?);
        }
        Ok(findings)
    }

    pub(super) fn owner<'a>(&self, user: &'a str) -> Owner<'a> {
        Owner { partition: partition_of(user, self.setting.partitions), user }
    }

    /// Brings a user into memory and up to now; says whether there is one.
    pub(super) fn ready(&mut self, owner: Owner<'_>) -> Result<bool, Unanswered> {
        self.ready_up_to(owner, self.setting.clock.now())
    }

    /// Brings a user into memory and up to an instant; says whether there is one.
    pub(super) fn ready_up_to(&mut self, owner: Owner<'_>, now: Millis) -> Result<bool, Unanswered> {
        self.check()?;
        if !self.load(owner, false)? {
            return Ok(false);
        }
        self.bring_up_to(owner, now);
        self.check()?;
        Ok(true)
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
