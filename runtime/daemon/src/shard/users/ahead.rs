//! One user ahead of all others: a question about a user waits for that user's records alone.
//!
//! Records of one user are independent of those of others, so whoever is asked about is folded up to the log's end at
//! once, from wherever the shard is. The shard passes over these records when it comes to them: a user knows up to
//! where it is folded. What concerns everybody comes first, as it does within a page.

use aquarium_store::derived::Owner;
use aquarium_store::{Kind, OwnedRecord, Position};

use super::Users;
use crate::shard::Unanswered;
use crate::shard::reading::{Misread, Shared, read_stored};
use crate::shard::user::Place;

impl Users {
    /// Folds what the log holds of a user before a place, where the shard has not come to it yet.
    pub fn fold_ahead(&mut self, user: &str, until: Position) -> Result<(), Unanswered> {
        let owner = self.owner(user);
        let from = self.folded_up_to(owner);
        if from >= until || self.broken.is_some() {
            return self.check();
        }
        let unread = |error: aquarium_store::ReadError| Unanswered::Broken(error.to_string());
        let records = self.setting.feed.records_since(user, from).map_err(unread)?;
        let Some(last) = records.last() else { return Ok(()) };
        let before = last.position.next().max(until);
        let shared = self.setting.feed.shared_since(self.next_shared).map_err(unread)?;
        self.take_all_shared(shared.into_iter().map(Shared::from));
        let read = records.iter().filter(|stored| !matches!(stored.kind, Kind::Quarantined(_))).map(placed);
        let records = read.collect::<Result<Vec<_>, Misread>>()?;
        self.records = self.records.saturating_add(records.len());
        self.fold_user(owner, records, (before, self.setting.clock.now()));
        self.check()
    }

    /// Up to where a user is surely folded.
    fn folded_up_to(&self, owner: Owner<'_>) -> Position {
        let stored = self.partitions.get(&owner.partition).copied().unwrap_or_default();
        let own = match self.users.get(owner.user).map(|kept| &kept.place) {
            Some(Place::Well(known)) => known.position,
            Some(Place::Aside(_)) | None => Position::START,
        };
        self.cursor.max(stored).max(own)
    }

    /// Takes in, each once, records that concern everybody.
    pub(super) fn take_all_shared(&mut self, records: impl Iterator<Item = Shared>) {
        for shared in records {
            if shared.position < self.next_shared {
                continue;
            }
            self.next_shared = shared.position.next();
            self.shared.push(shared.row());
            self.take_shared(&shared);
        }
    }
}

fn placed(stored: &OwnedRecord) -> Result<(Position, aquarium_charging::Record<'static>), Misread> {
    let record = read_stored(&stored.body, stored.received_millis);
    record.map(|record| (stored.position, record)).map_err(|why| Misread::record(stored.position, &why))
}
