//! What is stored of users, read where it is needed: images of users that are not in memory, parts of histories.
//!
//! Bytes that cannot be read are never charged on: the user is rebuilt from the log, which has everything.

use aquarium_charging::announcements::Announcements;
use aquarium_charging::ledger::{Part, View};
use aquarium_charging::packed::Unreadable;
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;
use aquarium_store::derived::{Derived, Owner};
use aquarium_store::{DerivedError, Position, ReadError};
use serde::Deserialize;
use thiserror::Error;

use super::reading::{Misread, read_stored};
use super::user::{Place, User};
use crate::feed::Feed;

/// Why stored state is of no use.
#[derive(Debug, Error)]
pub enum Unusable {
    /// What is stored of a user cannot be read.
    #[error("what is stored of user `{user}` cannot be read: {why}")]
    OfUser {
        /// The user.
        user: String,
        /// Why.
        why: Unreadable,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] DerivedError),
}

/// The user as it is stored; `None`: nothing is.
pub fn place(derived: &dyn Derived, owner: Owner<'_>) -> Result<Option<Place>, Unusable> {
    let Some(image) = derived.image(owner)? else { return Ok(None) };
    Place::read(owner.user, &image).map(Some).map_err(|why| of_user(owner, why))
}

/// What was announced of a user of whom nothing else is stored that can be used: up to now nothing is announced
/// again but a state that differs from the last one.
pub fn announced(derived: &dyn Derived, owner: Owner<'_>, now: Millis) -> Result<Announcements, Unusable> {
    #[derive(Deserialize)]
    struct Told {
        state: bool,
    }
    let Some(last) = derived.announced(owner)? else { return Ok(Announcements::new()) };
    let told: Told = serde_json::from_slice(&last.body).map_err(|_| of_user(owner, Unreadable::Damaged))?;
    Ok(Announcements::resumed(told.state, last.sequence, now))
}

/// Takes parts of the history back until there is enough: ever more of them at once.
pub fn take_back(
    derived: &dyn Derived,
    owner: Owner<'_>,
    ledger: &mut Ledger,
    enough: impl Fn(&Ledger) -> bool,
) -> Result<(), Unusable> {
    let mut wanted: u32 = 1;
    while !enough(ledger) {
        let end = ledger.parts_elsewhere();
        let begin = end.saturating_sub(wanted);
        let parts = parts(derived, owner, begin, end)?;
        if ledger.take_back(parts) == 0 && begin == 0 {
            // A history without a beginning is not one that was written.
            return Err(of_user(owner, Unreadable::Damaged));
        }
        wanted = wanted.saturating_mul(2);
    }
    Ok(())
}

/// The state at an instant, by parts of the history where the ledger in memory begins later.
pub fn at(
    derived: &dyn Derived,
    owner: Owner<'_>,
    ledger: &Ledger,
    deployments: &mut Deployments,
    at: Millis,
) -> Result<Option<View>, Unusable> {
    if !ledger.at_is_elsewhere(at) {
        return Ok(ledger.at(deployments, at));
    }
    let end = first_after(derived, owner, ledger.parts_elsewhere(), at)?;
    let mut begin = end;
    let mut back: u32 = 1;
    loop {
        begin = begin.saturating_sub(back);
        let parts = parts(derived, owner, begin, end)?;
        if let Some(view) = Ledger::at_in(&parts, deployments, at) {
            return Ok(Some(view));
        }
        if begin == 0 {
            return Err(of_user(owner, Unreadable::Damaged));
        }
        back = back.saturating_mul(2);
    }
}

/// The number of the first of the parts that begins after an instant.
fn first_after(derived: &dyn Derived, owner: Owner<'_>, count: u32, at: Millis) -> Result<u32, Unusable> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        let parts = parts(derived, owner, middle, middle.saturating_add(1))?;
        let begins_after = parts.iter().any(|part| part.reached().is_some_and(|reached| reached > at));
        if begins_after {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    Ok(low)
}

fn parts(derived: &dyn Derived, owner: Owner<'_>, begin: u32, end: u32) -> Result<Vec<Part>, Unusable> {
    let parts = derived.parts(owner, begin..end)?;
    if parts.len() != end.saturating_sub(begin) as usize {
        return Err(of_user(owner, Unreadable::Damaged));
    }
    parts.iter().map(|bytes| Part::read(bytes).map_err(|why| of_user(owner, why))).collect()
}

/// Findings of a part.
pub fn findings(
    derived: &dyn Derived,
    owner: Owner<'_>,
    number: u32,
) -> Result<Vec<aquarium_charging::posting::Finding>, Unusable> {
    let parts = parts(derived, owner, number, number.saturating_add(1))?;
    Ok(parts.iter().flat_map(|part| part.findings().iter().cloned()).collect())
}

fn of_user(owner: Owner<'_>, why: Unreadable) -> Unusable {
    Unusable::OfUser { user: owner.user.to_owned(), why }
}

/// The user by its records in the log before a place, nothing of it folded yet.
pub fn from_log(
    feed: &Feed,
    user: &str,
    announcements: Announcements,
    before: Position,
) -> Result<User, Misread> {
    let mut known = User::afresh(user, announcements);
    let mut records = Vec::new();
    for stored in feed.records_of(user).map_err(|error: ReadError| Misread::Log(error.to_string()))? {
        if stored.position < before && !matches!(stored.kind, aquarium_store::Kind::Quarantined(_)) {
            let record = read_stored(&stored.body, stored.received_millis);
            records.push(record.map_err(|why| Misread::record(stored.position, &why))?);
        }
    }
    known.take(records, before);
    Ok(known)
}
