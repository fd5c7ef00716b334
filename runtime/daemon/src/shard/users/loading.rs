//! Users into memory: from the store, and from the log where the store has nothing that can be used.

use aquarium_charging::announcements::Announcements;
use aquarium_store::Position;
use aquarium_store::derived::Owner;
use thiserror::Error;

use super::Users;
use crate::shard::reading::Misread;
use crate::shard::stored::{self, Unusable};
use crate::shard::user::{Kept, Place, User};

/// Why a user cannot be had.
#[derive(Debug, Error)]
pub(super) enum Unloaded {
    #[error(transparent)]
    Store(#[from] Unusable),
    #[error(transparent)]
    Log(#[from] Misread),
}

impl From<Unloaded> for crate::shard::Unanswered {
    fn from(why: Unloaded) -> Self {
        Self::Broken(why.to_string())
    }
}

impl Users {
    /// Brings a user into memory; with `make` also one of whom nothing is known. Says whether it is there.
    pub(super) fn load(&mut self, owner: Owner<'_>, make: bool) -> Result<bool, Unloaded> {
        if let Some(kept) = self.users.get_mut(owner.user) {
            kept.used = true;
            return Ok(true);
        }
        let stored = if self.any_stored { self.stored_place(owner)? } else { None };
        let place = match stored {
            Some(place) => place,
            None if make => {
                self.names.add(owner.user);
                Place::Well(Box::new(User::new(owner.user, self.announced(owner)?)))
            }
            None => return Ok(false),
        };
        // One that was set aside is tried again: the program that failed may have been another.
        let retried = matches!(place, Place::Aside(_));
        self.keep(owner.user, place);
        if retried {
            self.rebuild_user(owner)?;
        }
        Ok(true)
    }

    fn stored_place(&self, owner: Owner<'_>) -> Result<Option<Place>, Unloaded> {
        match stored::place(&*self.derived(), owner) {
            Ok(place) => Ok(place),
            Err(error @ Unusable::OfUser { .. }) => {
                tracing::error!(user = owner.user, %error, "the user is rebuilt from the log");
                let announced = self.announced(owner)?;
                let known = stored::from_log(&self.setting.feed, owner.user, announced, self.cursor)?;
                Ok(Some(Place::Well(Box::new(known))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What was announced of a user of whom nothing else is known.
    fn announced(&self, owner: Owner<'_>) -> Result<Announcements, Unloaded> {
        if !self.any_announced {
            return Ok(Announcements::new());
        }
        self.announced_in_store(owner)
    }

    fn announced_in_store(&self, owner: Owner<'_>) -> Result<Announcements, Unloaded> {
        Ok(stored::announced(&*self.setting.derived, owner, self.setting.clock.now())?)
    }

    fn keep(&mut self, user: &str, place: Place) {
        self.users.insert(Box::from(user), Kept { place, changed: false, used: false, weight: 0, batch: 0 });
        self.note_idle(user, 0);
    }

    /// Replaces a user by what the log holds of it.
    pub(super) fn rebuild_user(&mut self, owner: Owner<'_>) -> Result<(), Unloaded> {
        let (position, (announcements, news)) = match self.users.get(owner.user).map(|kept| &kept.place) {
            Some(Place::Well(known)) => (known.position, known.announced()),
            _ => {
                // The last announcements may be on their way to the store.
                self.wait_for_the_store(owner.user);
                (self.cursor, (self.announced_in_store(owner)?, Vec::new()))
            }
        };
        let before: Position = position.max(self.cursor);
        let known = stored::from_log(&self.setting.feed, owner.user, announcements.clone(), before)?;
        let known = known.with_announced((announcements, news));
        if let Some(kept) = self.users.get_mut(owner.user) {
            kept.place = Place::Well(Box::new(known));
        }
        self.mark_changed(owner.user);
        Ok(())
    }

    /// Takes back what the next fold of a user in memory needs of its history.
    pub(super) fn take_back_what_is_lacking(&mut self, owner: Owner<'_>) -> Result<(), Unloaded> {
        let Some(Kept { place: Place::Well(known), .. }) = self.users.get_mut(owner.user) else {
            return Ok(());
        };
        if let Some(from) = known.ledger.outdated_from(&self.deployments) {
            known.ledger.refold_from(from);
        }
        if !known.ledger.lacks() {
            return Ok(());
        }
        // Parts may be on their way to the store.
        self.wait_for_the_store(owner.user);
        let Some(Kept { place: Place::Well(known), .. }) = self.users.get_mut(owner.user) else {
            return Ok(());
        };
        let taken =
            stored::take_back(&*self.setting.derived, owner, &mut known.ledger, |ledger| !ledger.lacks());
        match taken {
            Err(error @ Unusable::OfUser { .. }) => {
                tracing::error!(user = owner.user, %error, "the user is rebuilt from the log");
                self.rebuild_user(owner)
            }
            taken => Ok(taken?),
        }
    }
}
