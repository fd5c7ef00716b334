//! The users of a shard, and how far their records are folded.
//!
//! In memory are those that were used of late; the others are in the store, and are read when a record or a
//! question is about them.

mod ahead;
mod answers;
mod idle;
mod loading;
mod rounds;
mod sweep;
#[cfg(test)]
mod tests;
mod timing;
mod without_effect;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aquarium_charging::deployments::Span;
use aquarium_charging::record::Body;
use aquarium_charging::{Deployments, Record};
use aquarium_ir::Millis;
use aquarium_store::derived::{Derived, Fence, OutboxPlace, Owner};
use aquarium_store::{DerivedError, Needed, Page, Position, ReadError, partition_of};

use super::findings::Findings;
use super::gathering::{Gathered, OfUser};
use super::names::Names;
use super::reading::{self, Misread, Placed, Shared};
use super::slice::Slice;
use super::stored::Unusable;
use super::user::{Kept, Place};
use super::writing::{Pen, Round};
use super::{Setting, Unanswered};
use crate::cluster::Part;
use crate::timers::Timers;
use foldhash::quality::RandomState;
use idle::Idle;
use sweep::Sweep;
use without_effect::News;

/// Records that are read between two looks at what is asked: they take less than a slice.
const RECORDS_AT_ONCE: u32 = 256;

/// The users of a shard.
pub struct Users {
    number: usize,
    /// The leases under which they are written.
    fences: Vec<Fence>,
    pub(super) setting: Setting,
    cursor: Position,
    /// When the last record before that was received, as far as it was read.
    received: Millis,
    /// What is read beyond that, and is being folded.
    gathered: Gathered,
    /// What is left of the page that is being gathered.
    rest: Option<Page>,
    /// Records before this one that concern everybody are taken in.
    next_shared: Position,
    /// Where the partitions were folded to when they were read from the store; what is before is in it.
    partitions: BTreeMap<u16, Position>,
    users: HashMap<Box<str>, Kept, RandomState>,
    /// Users in memory with nothing to write, those first that were used longest ago; some are listed more than once.
    idle: VecDeque<Idle>,
    /// Lines of wallets that are not written.
    unwritten: usize,
    /// What the users in memory weigh, as far as it was looked at.
    weight: usize,
    names: Names,
    findings: Findings,
    /// Whether users may be in the store that are not in memory.
    any_stored: bool,
    /// Whether anything was announced before these users were read.
    any_announced: bool,
    timers: Timers,
    /// Users that are set aside, and how often they failed.
    failures: HashMap<Box<str>, u32>,
    pub(super) deployments: Deployments,
    broken: Option<String>,
    /// Users with something to write, and records that concern everybody, since the last round began.
    changed: Vec<Box<str>>,
    shared: Vec<(Position, Vec<u8>)>,
    /// Records that were folded since the last round began.
    records: usize,
    round: Option<Round>,
    pen: Pen,
    sweep: Sweep,
}

impl Users {
    /// The users of a part as the store has them.
    pub fn open(number: usize, part: &Part, setting: Setting) -> Self {
        let pen = Pen::new(setting.derived.clone(), setting.outbox.clone());
        let mut users = Self {
            number,
            fences: part.fences.clone(),
            cursor: Position::START,
            received: Millis(0),
            gathered: Gathered::default(),
            rest: None,
            next_shared: Position::START,
            partitions: BTreeMap::new(),
            users: HashMap::default(),
            idle: VecDeque::new(),
            unwritten: 0,
            weight: 0,
            names: Names::default(),
            findings: Findings::default(),
            any_stored: false,
            any_announced: false,
            timers: Timers::default(),
            failures: HashMap::new(),
            deployments: Deployments::new(),
            broken: None,
            changed: Vec::new(),
            shared: Vec::new(),
            records: 0,
            round: None,
            pen,
            sweep: Sweep::default(),
            setting,
        };
        if let Err(error) = users.read_cursors(&part.partitions) {
            users.break_off(error.to_string());
        }
        users
    }

    fn read_cursors(&mut self, partitions: &[u16]) -> Result<(), DerivedError> {
        let derived = self.setting.derived.clone();
        for partition in partitions {
            self.partitions.insert(*partition, derived.folded(*partition)?);
        }
        // Who charges nobody has nothing to catch up with.
        let end = *self.setting.feed.end().borrow();
        self.cursor = self.partitions.values().min().copied().unwrap_or(end);
        self.any_announced = !derived.outbox(OutboxPlace::default(), 1)?.is_empty();
        self.any_stored = self.partitions.values().any(|folded| *folded > Position::START);
        for partition in partitions {
            // A round that was never finished leaves users, and no place.
            self.any_stored = self.any_stored || !derived.users(*partition, None, 1)?.is_empty();
        }
        if self.any_stored {
            self.names = Names::with_stored(self.partitions.keys().copied());
            self.findings = self.stored_findings()?;
        }
        self.next_shared = self.cursor;
        self.gathered = Gathered::from(self.cursor);
        for (position, row) in derived.shared(self.cursor)? {
            if let Some(shared) = Shared::of_row(position, &row) {
                self.take_shared(&shared);
            }
        }
        Ok(())
    }

    /// Whether a user is one of those who are charged here.
    pub fn has_partition_of(&self, user: &str) -> bool {
        self.partitions.contains_key(&partition_of(user, self.setting.partitions))
    }

    /// The lease that was over when something was to be written under it.
    pub fn refused(&self) -> Option<Fence> {
        self.pen.refused
    }

    /// Drops everything without writing it. What is on its way is refused, or holds still.
    pub fn abandon(&mut self) {
        self.pen.leave();
    }

    /// Up to where the log is folded.
    pub fn cursor(&self) -> Position {
        self.cursor
    }

    /// Up to where the log was read.
    pub fn read_up_to(&self) -> Position {
        self.gathered.next.max(self.cursor)
    }

    /// Whether the first record that is not folded was looked at: it tells up to when all others were received.
    pub fn has_looked_ahead(&self) -> bool {
        self.gathered.first_received.is_some()
    }

    /// What was received up to this instant is charged; where that is everything before a place: now.
    pub(super) fn known(&self, end: Position) -> Millis {
        let behind = self.cursor < end;
        self.now_if(behind.then(|| self.gathered.first_received.unwrap_or(self.received)))
    }

    /// Of whom there was a record up to this instant is known by name; where that is everything before a place: now.
    pub(super) fn known_by_name(&self, end: Position) -> Millis {
        let behind = self.read_up_to() < end;
        self.now_if(behind.then(|| self.received.max(self.gathered.received)))
    }

    /// Folds the next records, where there are any before `end`. Says whether it did.
    pub fn fold_some(&mut self, end: Position) -> bool {
        if self.broken.is_some() || self.cursor >= end {
            return false;
        }
        if self.gathered.next < end && self.gathered.has_room() {
            match self.gather() {
                Ok(some) => return some && self.broken.is_none(),
                Err(error) => self.break_off(error.to_string()),
            }
        } else {
            self.fold_gathered(end);
        }
        self.broken.is_none()
    }

    /// Reads the next records. Says whether there were any.
    fn gather(&mut self) -> Result<bool, Misread> {
        let page = self.next_page().map_err(|error| Misread::Log(error.to_string()))?;
        if page.is_empty() {
            return Ok(false);
        }
        let (next, rest) = page.split_at(RECORDS_AT_ONCE);
        self.rest = Some(rest).filter(|rest| !rest.is_empty());
        let partitions = &self.partitions;
        let counts =
            |partition, place: Position| partitions.get(&partition).is_some_and(|folded| place >= *folded);
        let shared = self.gathered.add(reading::sort(&next, counts), next.next())?;
        self.take_all_shared(shared.into_iter());
        Ok(true)
    }

    fn next_page(&mut self) -> Result<Page, ReadError> {
        match self.rest.take() {
            Some(rest) => Ok(rest),
            None => {
                let own: Vec<u16> = self.partitions.keys().copied().collect();
                let wanted = || self.needed_here(&own);
                self.setting.feed.page_for(self.gathered.next, &Needed::OfPartitions(own.clone()), wanted)
            }
        }
    }

    /// What this shard needs of the log, and the others of this node: it is read for all of them at once.
    fn needed_here(&self, own: &[u16]) -> Needed {
        let mut partitions = self.setting.tenure.partitions();
        partitions.extend(own);
        partitions.sort_unstable();
        partitions.dedup();
        Needed::OfPartitions(partitions)
    }

    /// Folds what is gathered of some users; with the last of them the shard has come to where it was read.
    fn fold_gathered(&mut self, end: Position) {
        let (slice, next) = (Slice::begin(), self.gathered.next);
        let behind = (next < end).then_some(self.gathered.received);
        while let Some(OfUser { user, partition, records }) = self.gathered.take() {
            self.records = self.records.saturating_add(records.len());
            let now = self.now_if(behind);
            self.fold_user(Owner { partition, user: &user }, records, (next, now));
            if self.broken.is_some() || slice.is_over() {
                return;
            }
        }
        self.received = self.received.max(self.gathered.received);
        self.gathered = Gathered::from(next);
        self.cursor = next;
        self.pen.note();
    }

    /// Up to when everything is known: now, unless the log goes on beyond what is folded. What happened between would be
    /// announced as a correction if it were examined before.
    fn present(&self) -> Millis {
        let behind = self.cursor < *self.setting.feed.end().borrow();
        self.now_if(behind.then_some(self.received))
    }

    fn now_if(&self, behind: Option<Millis>) -> Millis {
        let now = self.setting.clock.now();
        behind.map_or(now, |received| received.min(now))
    }

    /// What cannot be read is never skipped: nothing more is folded.
    fn break_off(&mut self, why: String) {
        tracing::error!(shard = self.number, why, "records cannot be charged any more");
        self.broken = Some(why);
    }

    fn take_shared(&mut self, shared: &Shared) {
        match shared.read() {
            Ok(record) => self.fold_for_all(&record),
            Err(error) => self.break_off(error.to_string()),
        }
    }

    fn fold_for_all(&mut self, record: &Record<'_>) {
        if let Body::Deployment { module, from, to } = &record.body {
            let span = Span { from: *from, to: to.unwrap_or(Millis::MAX), received: record.received };
            self.deploy(module, span);
        }
    }

    /// Users notice by themselves, when they are next folded, that there is another version.
    fn deploy(&mut self, module: &str, span: Span) {
        let version = match self.setting.policies.version(module) {
            Ok(version) => version,
            Err(error) => return self.break_off(error.to_string()),
        };
        if let Err(error) = self.deployments.deploy(version, span) {
            tracing::warn!(module, %error, "a deployment has no effect");
        }
    }

    /// Folds records of a user that the log holds before a place, up to an instant.
    fn fold_user(&mut self, owner: Owner<'_>, records: Placed, (before, now): (Position, Millis)) {
        if let Err(error) = self.load(owner, true) {
            return self.break_off(error.to_string());
        }
        let Some(Kept { place: Place::Well(known), .. }) = self.users.get_mut(owner.user) else { return };
        let done = known.position;
        let mut records = records;
        records.retain(|(position, _)| *position >= done);
        if records.is_empty() {
            return;
        }
        let news = News::of(&self.findings, &records);
        known.take(records.into_iter().map(|(_, record)| record).collect(), before);
        self.mark_changed(owner.user);
        self.fold_up_to(owner, now, &news);
    }

    /// Folds what has happened to a user up to an instant, by all policies that are deployed. The user is in memory.
    fn bring_up_to(&mut self, owner: Owner<'_>, now: Millis) {
        self.fold_up_to(owner, now, &News::default());
    }

    /// The same, where the places of some records are known.
    fn fold_up_to(&mut self, owner: Owner<'_>, now: Millis, news: &News) {
        if let Err(error) = self.take_back_what_is_lacking(owner) {
            return self.break_off(error.to_string());
        }
        let deployments = &mut self.deployments;
        let Some(kept) = self.users.get_mut(owner.user) else { return };
        let Place::Well(known) = &kept.place else { return };
        if !known.ledger.is_due(now) {
            return;
        }
        let before = kept.place.unwritten();
        let Place::Well(known) = &mut kept.place else { return };
        match catch_unwind(AssertUnwindSafe(|| known.fold(deployments, now))) {
            // Its timer is set when it is written: a search for each record would be too many.
            Ok(changed) => {
                let new = kept.place.unwritten().saturating_sub(before);
                self.unwritten = self.unwritten.saturating_add(new);
                if changed {
                    self.mark_changed(owner.user);
                }
                self.note_findings(owner, news);
            }
            Err(_) => {
                self.set_aside(owner.user);
            }
        }
    }

    fn mark_changed(&mut self, user: &str) {
        let Some(kept) = self.users.get_mut(user) else { return };
        if !std::mem::replace(&mut kept.changed, true) {
            self.changed.push(Box::from(user));
        }
        self.pen.note();
    }

    fn set_aside(&mut self, user: &str) -> Unanswered {
        let why = "charging its records failed; they are safe in the log".to_owned();
        tracing::error!(user, "a user is set aside because charging its records failed");
        if let Some(kept) = self.users.get_mut(user) {
            kept.place = Place::Aside(why.clone());
        }
        self.findings.forget(user);
        self.mark_changed(user);
        self.note_failure(user);
        Unanswered::Aside(why)
    }

    /// Fails where nothing more can be folded.
    pub fn check(&self) -> Result<(), Unanswered> {
        self.broken.as_ref().map_or(Ok(()), |why| Err(Unanswered::Broken(why.clone())))
    }

    fn derived(&self) -> Arc<dyn Derived> {
        self.setting.derived.clone()
    }
}

impl From<Unusable> for Unanswered {
    fn from(why: Unusable) -> Self {
        Self::Broken(why.to_string())
    }
}

impl From<DerivedError> for Unanswered {
    fn from(why: DerivedError) -> Self {
        Self::Broken(why.to_string())
    }
}

impl From<Misread> for Unanswered {
    fn from(why: Misread) -> Self {
        Self::Broken(why.to_string())
    }
}
