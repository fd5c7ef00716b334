//! The users of a shard, and how far their records are folded.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::deployments::Span;
use aquarium_charging::input::{self, Refusal, Source};
use aquarium_charging::record::Body;
use aquarium_charging::{Deployments, Record};
use aquarium_ir::Millis;
use aquarium_store::{Kind, Page, Position};

use super::user::User;
use super::{Finding, Row, Setting, Standing, Unanswered};
use crate::feed::Feed;

/// The users of a shard.
pub struct Users {
    number: usize,
    of: usize,
    pub(super) setting: Setting,
    cursor: Position,
    pub(super) users: HashMap<Box<str>, Place>,
    pub(super) deployments: Deployments,
    broken: Option<String>,
}

/// What there is of a user.
pub(super) enum Place {
    Well(Box<User>),
    /// Folding failed, for this reason; the records are in the log.
    Aside(String),
}

impl Users {
    /// No users: nothing of the log is folded yet.
    pub fn new(number: usize, of: usize, setting: Setting) -> Self {
        Self {
            number,
            of,
            setting,
            cursor: Position::START,
            users: HashMap::new(),
            deployments: Deployments::new(),
            broken: None,
        }
    }

    /// Up to where the log is folded.
    pub fn cursor(&self) -> Position {
        self.cursor
    }

    /// Folds the next page, where there is one before `end`. Says whether it did.
    pub fn fold_a_page(&mut self, end: Position) -> bool {
        if self.broken.is_some() || self.cursor >= end {
            return false;
        }
        match self.setting.feed.page(self.cursor) {
            Ok(page) if page.is_empty() => false,
            Ok(page) => {
                self.fold(&page);
                self.broken.is_none()
            }
            Err(error) => {
                self.break_off(error.to_string());
                false
            }
        }
    }

    /// What cannot be read is never skipped: nothing more is folded.
    fn break_off(&mut self, why: String) {
        tracing::error!(shard = self.number, why, "records cannot be charged any more");
        self.broken = Some(why);
    }

    fn fold(&mut self, page: &Page) {
        let mut by_user: BTreeMap<&str, Vec<Record<'static>>> = BTreeMap::new();
        for record in page.records() {
            let own = record
                .stored
                .partition
                .is_none_or(|partition| usize::from(partition) % self.of == self.number);
            if !own || matches!(record.stored.kind, Kind::Quarantined(_)) {
                continue;
            }
            let Some(read) = self.read(&record) else { return };
            if record.stored.user.is_empty() {
                self.fold_for_all(&read);
            } else {
                by_user.entry(record.stored.user).or_default().push(read);
            }
        }
        for (user, records) in by_user {
            self.fold_user(user, records);
        }
        self.cursor = page.next();
    }

    /// The record that the log holds as bytes; what was read once can be read again.
    fn read(&mut self, record: &aquarium_store::Record<'_>) -> Option<Record<'static>> {
        match read_stored(record.stored.body, record.stored.received_millis) {
            Ok(record) => Some(record),
            Err(refusal) => {
                self.break_off(format!("record {} of the log: {refusal}", record.position));
                None
            }
        }
    }

    fn fold_for_all(&mut self, record: &Record<'_>) {
        if let Body::Deployment { module, from, to } = &record.body {
            let span = Span { from: *from, to: to.unwrap_or(Millis::MAX), received: record.received };
            self.deploy(module, span);
        }
    }

    fn deploy(&mut self, module: &str, span: Span) {
        let version = match self.setting.policies.version(module) {
            Ok(version) => version,
            Err(error) => return self.break_off(error.to_string()),
        };
        match self.deployments.deploy(version, span) {
            Ok(_) => self.users.values_mut().for_each(Place::refold),
            Err(error) => tracing::warn!(module, %error, "a deployment has no effect"),
        }
    }

    fn fold_user(&mut self, user: &str, records: Vec<Record<'static>>) {
        let now = self.setting.clock.now();
        let deployments = &mut self.deployments;
        let place = self.users.entry(Box::from(user)).or_insert_with(|| Place::new(user));
        if let Place::Well(known) = place {
            let taken = catch_unwind(AssertUnwindSafe(|| known.take(records, deployments, now)));
            if taken.is_err() {
                place.set_aside(user);
            }
        }
    }

    /// How a user stands.
    pub fn standing(&mut self, user: &str, at: Millis) -> Result<Option<Standing>, Unanswered> {
        self.check()?;
        let deployments = &mut self.deployments;
        let Some(place) = self.users.get_mut(user) else { return Ok(None) };
        let known = match place {
            Place::Well(known) => known,
            Place::Aside(why) => return Err(Unanswered::Aside(why.clone())),
        };
        let standing = catch_unwind(AssertUnwindSafe(|| known.standing(deployments, at)));
        standing.map_err(|_| place.set_aside(user))
    }

    /// How everybody stands; users that are set aside are left out.
    pub fn everybody(&mut self, at: Millis) -> Result<Vec<Row>, Unanswered> {
        self.check()?;
        let names: Vec<Box<str>> = self.users.keys().cloned().collect();
        let standing = |user: Box<str>| self.standing(&user, at).ok().flatten();
        Ok(names.into_iter().filter_map(standing).map(Row::from).collect())
    }

    /// The events that have no effect.
    pub fn findings(&mut self) -> Result<Vec<Finding>, Unanswered> {
        self.check()?;
        let now = self.setting.clock.now();
        let mut findings = Vec::new();
        for (user, place) in &mut self.users {
            let deployments = &mut self.deployments;
            let Place::Well(known) = place else { continue };
            if catch_unwind(AssertUnwindSafe(|| known.fold(deployments, now))).is_err() {
                place.set_aside(user);
                continue;
            }
            findings.extend(located(&self.setting.feed, user, known)?);
        }
        Ok(findings)
    }

    pub(super) fn check(&self) -> Result<(), Unanswered> {
        self.broken.as_ref().map_or(Ok(()), |why| Err(Unanswered::Broken(why.clone())))
    }
}

impl Place {
    fn new(user: &str) -> Self {
        Self::Well(Box::new(User::new(user)))
    }

    fn refold(&mut self) {
        if let Self::Well(known) = self {
            known.refold();
        }
    }

    fn set_aside(&mut self, user: &str) -> Unanswered {
        let why = "charging its records failed; they are safe in the log".to_owned();
        tracing::error!(user, "a user is set aside because charging its records failed");
        *self = Self::Aside(why.clone());
        Unanswered::Aside(why)
    }
}

/// The record that the log holds as these bytes.
fn read_stored(body: &[u8], received_millis: i64) -> Result<Record<'static>, Refusal> {
    let received = Millis(received_millis);
    let source = Source { received, keeps_received: false, writes_records: true, plausible: None };
    input::read(body, &source).map(|message| message.record.into_owned())
}

/// The findings of a user with their places in the log, which are looked up: findings are few.
fn located(feed: &Feed, user: &str, known: &User) -> Result<Vec<Finding>, Unanswered> {
    let mut missing: BTreeMap<(String, String), &aquarium_charging::posting::Finding> =
        known.findings().map(|(finding, client, id)| ((client.to_owned(), id.to_owned()), finding)).collect();
    let mut found = Vec::new();
    if missing.is_empty() {
        return Ok(found);
    }
    let records = feed.records_of(user).map_err(|error| Unanswered::Broken(error.to_string()))?;
    for stored in records.iter().filter(|stored| stored.kind == Kind::ResourceEvent) {
        let Ok(record) = read_stored(&stored.body, stored.received_millis) else { continue };
        if let Some(finding) = missing.remove(&(record.client.into_owned(), record.id.into_owned())) {
            let (position, message) = (stored.position, finding.message.clone());
            found.push(Finding { position, user: user.to_owned(), reason: finding.reason, message });
        }
    }
    Ok(found)
}
