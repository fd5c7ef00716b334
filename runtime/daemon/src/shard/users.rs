//! The users of a shard, and how far their records are folded.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::deployments::Span;
use aquarium_charging::input::{self, Source};
use aquarium_charging::record::Body;
use aquarium_charging::{Deployments, Record};
use aquarium_ir::Millis;
use aquarium_store::{Kind, Page, Position};

use super::user::{Kept, User};
use super::{Finding, Row, Setting, Standing, Unanswered};

/// The users of a shard.
pub struct Users {
    number: usize,
    of: usize,
    setting: Setting,
    cursor: Position,
    users: HashMap<Box<str>, Place>,
    deployments: Deployments,
    broken: Option<String>,
}

/// What there is of a user.
enum Place {
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
        let mut by_user: BTreeMap<&str, Vec<Kept>> = BTreeMap::new();
        for record in page.records() {
            let own = record
                .stored
                .partition
                .is_none_or(|partition| usize::from(partition) % self.of == self.number);
            if !own || matches!(record.stored.kind, Kind::Quarantined(_)) {
                continue;
            }
            let Some(kept) = self.read(&record) else { return };
            if record.stored.user.is_empty() {
                self.fold_for_all(&kept.record);
            } else {
                by_user.entry(record.stored.user).or_default().push(kept);
            }
        }
        for (user, records) in by_user {
            self.fold_user(user, records);
        }
        self.cursor = page.next();
    }

    /// The record that the log holds as bytes; what was read once can be read again.
    fn read(&mut self, record: &aquarium_store::Record<'_>) -> Option<Kept> {
        let source = Source {
            received: Millis(record.stored.received_millis),
            keeps_received: false,
            writes_records: true,
            plausible: None,
        };
        match input::read(record.stored.body, &source) {
            Ok(message) => Some(Kept { position: record.position, record: message.record.into_owned() }),
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
            Ok(_) => self.users.values_mut().for_each(Place::forget),
            Err(error) => tracing::warn!(module, %error, "a deployment has no effect"),
        }
    }

    fn fold_user(&mut self, user: &str, records: Vec<Kept>) {
        let now = self.setting.clock.now();
        let deployments = &mut self.deployments;
        let place = self.users.entry(Box::from(user)).or_insert_with(Place::new);
        if let Place::Well(known) = place {
            known.take(records);
            let folded = catch_unwind(AssertUnwindSafe(|| known.fold(deployments, now)));
            if folded.is_err() {
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
        let standing = catch_unwind(AssertUnwindSafe(|| known.standing(deployments, user, at)));
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
        let well = self.users.iter().filter_map(|(user, place)| match place {
            Place::Well(known) => Some((user, known)),
            Place::Aside(_) => None,
        });
        Ok(well.flat_map(|(user, known)| known.findings(user)).collect())
    }

    fn check(&self) -> Result<(), Unanswered> {
        self.broken.as_ref().map_or(Ok(()), |why| Err(Unanswered::Broken(why.clone())))
    }
}

impl Place {
    fn new() -> Self {
        Self::Well(Box::default())
    }

    /// Folds from nothing next time.
    fn forget(&mut self) {
        if let Self::Well(known) = self {
            known.forget();
        }
    }

    fn set_aside(&mut self, user: &str) -> Unanswered {
        let why = "charging its records failed; they are safe in the log".to_owned();
        tracing::error!(user, "a user is set aside because charging its records failed");
        *self = Self::Aside(why.clone());
        Unanswered::Aside(why)
    }
}
