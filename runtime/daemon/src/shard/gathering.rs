//! Records that were read of the log and are yet to be folded, by user.
//!
//! A shard that is behind gathers much before it folds: a user's records are then folded together, whichever of them
//! came late. One that is not behind folds what there is.

use std::collections::HashMap;
use std::collections::VecDeque;

use aquarium_ir::Millis;
use aquarium_store::Position;
use foldhash::quality::RandomState;

use super::reading::{Misread, Placed, Shared, Sorted};

/// Records that are gathered at most, at half a kilobyte or so each.
const RECORDS_MAX: usize = 32_768;

/// The records of a user.
#[derive(Debug)]
pub struct OfUser {
    /// The user.
    pub user: Box<str>,
    /// Its partition.
    pub partition: u16,
    /// The records, in the order of the log.
    pub records: Placed,
}

/// What is gathered.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order in which users first appear, so that nothing depends on a hash.
    users: VecDeque<OfUser>,
    places: HashMap<Box<str>, usize, RandomState>,
    records: usize,
    /// Whether users were taken out: nothing is gathered then until all of them are.
    is_taken_from: bool,
    /// Up to where the log is gathered.
    pub next: Position,
    /// When the first record was received that is gathered, whomever it concerns.
    pub first_received: Option<Millis>,
    /// When the last record before that was received.
    pub received: Millis,
}

impl Gathered {
    /// Nothing, from a place of the log on.
    pub fn from(next: Position) -> Self {
        Self { next, ..Self::default() }
    }

    /// Whether there is room for more, and nobody was taken out yet.
    pub fn has_room(&self) -> bool {
        !self.is_taken_from && self.records < RECORDS_MAX
    }

    /// Adds the records of users on a page that ends at `next`; gives those that concern everybody.
    pub fn add(
        &mut self,
        sorted: Result<Sorted<'_>, Misread>,
        next: Position,
    ) -> Result<Vec<Shared>, Misread> {
        let Sorted { users, shared, first_received, received } = sorted?;
        self.first_received = self.first_received.or(first_received);
        self.received = self.received.max(received);
        for (user, partition, record) in users {
            self.records = self.records.saturating_add(1);
            let place = match self.places.get(user) {
                Some(place) => *place,
                None => {
                    let place = self.users.len();
                    self.places.insert(Box::from(user), place);
                    self.users.push_back(OfUser { user: Box::from(user), partition, records: Vec::new() });
                    place
                }
            };
            if let Some(of_user) = self.users.get_mut(place) {
                of_user.records.push(record);
            }
        }
        self.next = next;
        Ok(shared)
    }

    /// The users of whom records wait.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().map(|of_user| &*of_user.user)
    }

    /// The next user whose records are to be folded.
    pub fn take(&mut self) -> Option<OfUser> {
        self.is_taken_from = true;
        self.places.clear();
        self.users.pop_front()
    }
}
