//! The events without effect of a shard's users, in the order of the log: a page of them is told without looking through
//! what is stored.
//!
//! Each finding is noted with the part of its user's history that has it, as it is saved or will be: what a roll-back
//! takes back is taken off the list by the numbers of its parts. Parts that were stored before the shard began are known
//! by their numbers first, and read some at a time.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::ops::Bound;
use std::sync::Arc;

use aquarium_charging::Reason;
use aquarium_charging::posting::{Cause, Finding as Found};
use aquarium_store::Position;
use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use super::Finding;

/// Which events without effect are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichFindings {
    /// Those from this place of the log on.
    pub from: u64,
    /// Only for this reason, by its published word; `None`: for any.
    pub reason: Option<String>,
    /// Findings at most.
    pub limit: usize,
}

/// What is listed.
#[derive(Debug, Default)]
pub struct Findings {
    /// Of each user by part, in the order of its history.
    users: HashMap<Arc<str>, Vec<Item>, RandomState>,
    listed: BTreeMap<Reason, BTreeMap<Position, Listed>>,
    /// Stored parts with findings that are yet to be read, by user.
    unread: BTreeMap<Box<str>, Vec<u32>>,
    /// How events are told apart.
    keys: RandomState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    part: u32,
    /// Of the event, among those of its user.
    key: u64,
    position: Position,
    reason: Reason,
    message: Arc<str>,
}

#[derive(Debug, Clone)]
struct Listed {
    user: Arc<str>,
    message: Arc<str>,
}

/// What finds an event in the log, by its key, its client and its id.
pub trait Locate {
    /// Why the log cannot be read.
    type Error;

    /// The place of an event; `None`: it is not there.
    ///
    /// # Errors
    /// Where the log cannot be read.
    fn locate(&mut self, key: u64, client: &str, id: &str) -> Result<Option<Position>, Self::Error>;
}

impl Findings {
    /// Parts with findings that are stored, and yet to be read.
    pub fn with_stored(parts: impl Iterator<Item = (String, u32)>) -> Self {
        let mut findings = Self::default();
        for (user, number) in parts {
            findings.unread.entry(user.into_boxed_str()).or_default().push(number);
        }
        findings
    }

    /// The key of an event among those of its user.
    pub fn key(&self, client: &str, id: &str) -> u64 {
        self.keys.hash_one((client, id))
    }

    /// Whether everything that is stored was read.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// A user with parts that are to be read.
    pub fn next_to_read(&self) -> Option<(Box<str>, Vec<u32>)> {
        self.unread.first_key_value().map(|(user, numbers)| (user.clone(), numbers.clone()))
    }

    /// Takes in the findings of a user's stored parts that were to be read.
    pub fn take_read<L: Locate>(
        &mut self,
        user: &str,
        found: &[(u32, Found)],
        places: &mut L,
    ) -> Result<(), L::Error> {
        let found: Vec<(u32, &Found)> = found.iter().map(|(part, found)| (*part, found)).collect();
        let read = self.items(&found, &[], places)?;
        self.unread.remove(user);
        let (name, mut items) = self.take(user);
        self.list(&name, &read);
        items.extend(read);
        // Those of a part are in their order already.
        items.sort_by_key(|item| item.part);
        self.keep(name, items);
        Ok(())
    }

    /// Notes the findings of a user from the part with the number `next` on, in place of those that were noted.
    pub fn note<'f, L: Locate>(
        &mut self,
        user: &str,
        next: u32,
        unsaved: impl Iterator<Item = (u32, &'f Found)>,
        places: &mut L,
    ) -> Result<(), L::Error> {
        if let Some(numbers) = self.unread.get_mut(user) {
            numbers.retain(|number| *number < next);
            if numbers.is_empty() {
                self.unread.remove(user);
            }
        }
        let unsaved: Vec<(u32, &Found)> = unsaved.collect();
        if unsaved.is_empty() && !self.users.contains_key(user) {
            return Ok(());
        }
        let (name, mut items) = self.take(user);
        let noted = items.split_off(items.partition_point(|item| item.part < next));
        let same = noted.iter().zip(&unsaved).take_while(|(item, found)| self.is_of(item, found)).count();
        let (stay, gone) = noted.split_at_checked(same).unwrap_or_default();
        items.extend_from_slice(stay);
        gone.iter().for_each(|item| self.unlist(item));
        let new = self.items(unsaved.get(same..).unwrap_or_default(), gone, places);
        if let Ok(new) = &new {
            self.list(&name, new);
            items.extend_from_slice(new);
        }
        self.keep(name, items);
        new.map(|_| ())
    }

    /// Takes a user off the list.
    pub fn forget(&mut self, user: &str) {
        self.unread.remove(user);
        let (_, items) = self.take(user);
        items.iter().for_each(|item| self.unlist(item));
    }

    /// Those that are meant, in the order of the log.
    pub fn find(&self, which: &WhichFindings) -> Vec<Finding> {
        let meant = |reason: &Reason| which.reason.as_ref().is_none_or(|word| reason.as_str() == word);
        let from = (Bound::Included(Position(which.from)), Bound::Unbounded);
        let mut found = Vec::new();
        for (reason, listed) in self.listed.iter().filter(|(reason, _)| meant(reason)) {
            found.extend(listed.range(from).take(which.limit).map(|(position, listed)| Finding {
                position: *position,
                user: listed.user.to_string(),
                reason: *reason,
                message: listed.message.to_string(),
            }));
        }
        found.sort_by_key(|finding| finding.position);
        found.truncate(which.limit);
        found
    }

    /// How many there are, by reason.
    pub fn counts(&self) -> BTreeMap<Reason, u64> {
        self.listed.iter().map(|(reason, listed)| (*reason, listed.len() as u64)).collect()
    }

    /// Findings with their places: those of events, the last one of each.
    fn items<L: Locate>(
        &self,
        found: &[(u32, &Found)],
        known: &[Item],
        places: &mut L,
    ) -> Result<Vec<Item>, L::Error> {
        let known: HashMap<u64, Position, RandomState> =
            known.iter().map(|item| (item.key, item.position)).collect();
        let mut items: Vec<Item> = Vec::new();
        for (part, Found { cause, reason, message, .. }) in found {
            let Cause::Event { client, id } = cause else { continue };
            let key = self.key(client, id);
            let place = match known.get(&key) {
                Some(place) => Some(*place),
                None => places.locate(key, client, id)?,
            };
            let Some(position) = place else { continue };
            items.pop_if(|last| last.position == position);
            let message = Arc::from(message.as_str());
            items.push(Item { part: *part, key, position, reason: *reason, message });
        }
        Ok(items)
    }

    fn is_of(&self, item: &Item, (part, found): &(u32, &Found)) -> bool {
        let Cause::Event { client, id } = &found.cause else { return false };
        item.part == *part
            && item.reason == found.reason
            && item.key == self.key(client, id)
            && *item.message == *found.message
    }

    fn take(&mut self, user: &str) -> (Arc<str>, Vec<Item>) {
        self.users.remove_entry(user).unwrap_or_else(|| (Arc::from(user), Vec::new()))
    }

    fn keep(&mut self, user: Arc<str>, items: Vec<Item>) {
        if !items.is_empty() {
            self.users.insert(user, items);
        }
    }

    fn list(&mut self, user: &Arc<str>, items: &[Item]) {
        for Item { position, reason, message, .. } in items {
            let listed = Listed { user: user.clone(), message: message.clone() };
            self.listed.entry(*reason).or_default().insert(*position, listed);
        }
    }

    fn unlist(&mut self, item: &Item) {
        if let Some(listed) = self.listed.get_mut(&item.reason) {
            listed.remove(&item.position);
        }
    }
}
