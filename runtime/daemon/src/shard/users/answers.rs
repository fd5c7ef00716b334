//! Answers about users, whether they are in memory or not.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::ledger::View;
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;
use aquarium_store::derived::{Derived, Owner};
use aquarium_store::{Position, partition_of};

use super::Users;
use crate::shard::findings::WhichFindings;
use crate::shard::queries::{Known, Look, LookAt, Named, Seen, Standings, Which, WithoutEffect};
use crate::shard::stored::{self, Unusable};
use crate::shard::user::Place;
use crate::shard::waiting::Lists;
use crate::shard::{Digested, Row, Unanswered};

/// Users that are read from the store at once.
pub(super) const USERS_AT_ONCE: usize = 256;

impl Users {
    /// Whether a user's state at an instant can be told by what is in memory, as it is. `end` is where the log ended when
    /// it was asked.
    pub fn has_at_hand(&self, user: &str, at: Millis, end: Position) -> bool {
        let Some(Place::Well(known)) = self.users.get(user).map(|kept| &kept.place) else { return false };
        let ledger = &known.ledger;
        let is_current = ledger.outdated_from(&self.deployments).is_none()
            && !ledger.lacks()
            && !ledger.is_due(self.setting.clock.now());
        self.check().is_ok() && self.cursor >= end && is_current && !ledger.at_is_elsewhere(at)
    }

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
                self.wait_for_the_store(owner.user);
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
    pub(super) fn repair(&mut self, owner: Owner<'_>, why: &Unusable) -> Result<(), Unanswered> {
        tracing::error!(user = owner.user, %why, "the user is rebuilt from the log");
        self.rebuild_user(owner)?;
        self.bring_up_to(owner, self.setting.clock.now());
        self.check()
    }

    /// How everybody stands; users that are set aside are left out.
    pub fn everybody(&mut self, at: Millis) -> Result<Vec<Row>, Unanswered> {
        let mut rows = Vec::new();
        let everybody = Which { limit: usize::MAX, ..Which::default() };
        while self.list_some_names()? {}
        for user in self.names(&everybody, self.cursor)?.names {
            let in_memory = self.users.contains_key(user.as_str());
            rows.extend(self.standing(&user, at).ok().flatten());
            if !in_memory {
                self.let_go(&user);
            }
        }
        Ok(rows)
    }

    /// Users by id, in the order of its bytes: those who are charged, and those of whom more was read. `end` is where the
    /// log ended when it was asked.
    pub fn names(&self, which: &Which, end: Position) -> Result<Named, Unanswered> {
        self.check()?;
        let mut names = self.names.find(which);
        names.extend(self.gathered.users().filter(|user| which.means(user)).map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        names.truncate(which.limit);
        Ok(Named { known: self.known_by_name(end), names })
    }

    /// Whether everybody is listed by name.
    pub fn names_are_listed(&self) -> bool {
        self.names.next_to_list().is_none()
    }

    /// Goes on with lists of what is in the store, for whoever waits for them. Says whether it did something.
    pub fn list_for(&mut self, lists: Lists) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let listed = match lists {
            Lists::Names => self.list_some_names(),
            Lists::Findings => self.read_some_findings(),
        };
        listed.unwrap_or_else(|error| {
            self.break_off(error.to_string());
            false
        })
    }

    /// Goes on with them for whoever may ask. Says whether it did something.
    pub fn list_when_idle(&mut self) -> bool {
        !self.setting.feed.is_stopped() && Lists::ALL.into_iter().any(|lists| self.list_for(lists))
    }

    /// Lists some of the users that are in the store. Says whether there may be more.
    pub(super) fn list_some_names(&mut self) -> Result<bool, Unanswered> {
        let Some((partition, last)) = self.names.next_to_list() else { return Ok(false) };
        let page = self.setting.derived.users(partition, last.as_deref(), USERS_AT_ONCE)?;
        self.names.list(page.into_iter().map(|(user, _)| user));
        Ok(true)
    }

    /// The events that have no effect, as far as their users are charged; `end` is where the log ended when it was asked.
    pub fn without_effect(&self, which: &WhichFindings, end: Position) -> Result<WithoutEffect, Unanswered> {
        self.check()?;
        let (findings, counts) = (self.findings.find(which), self.findings.counts());
        Ok(WithoutEffect { known: self.known(end), findings, counts })
    }

    /// The balances of users, as far as they are charged; of those of whom nothing is known there is none. `end` is where
    /// the log ended when it was asked.
    pub fn standings(
        &mut self,
        users: &[String],
        at: Millis,
        end: Position,
    ) -> Result<Standings, Unanswered> {
        let mut balances = BTreeMap::new();
        for user in users {
            if self.has_partition_of(user)
                && let Ok(Some(row)) = self.standing(user, at)
            {
                balances.insert(user.clone(), row.balance);
            }
        }
        self.check()?;
        Ok(Standings { known: self.known(end), balances })
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
