//! What is noted of events without effect while users are folded, and read of what is stored of them.

use std::collections::HashMap;

use aquarium_charging::posting::Finding;
use aquarium_store::derived::Owner;
use aquarium_store::{DerivedError, Kind, Position, ReadError};
use foldhash::quality::RandomState;

use super::Users;
use crate::feed::Feed;
use crate::shard::Unanswered;
use crate::shard::findings::{Findings, Locate};
use crate::shard::reading::{Placed, read_stored};
use crate::shard::slice::Slice;
use crate::shard::stored::{self, Unusable};
use crate::shard::user::Place;

/// Parts with findings whose numbers are read from the store at once.
const PARTS_AT_ONCE: usize = 10_000;

/// Records that are about to be folded, by the keys of their events.
#[derive(Debug, Default)]
pub(super) struct News(Vec<(u64, Position)>);

impl News {
    /// Where records of a user are in the log.
    pub fn of(findings: &Findings, records: &Placed) -> Self {
        let key = |record: &aquarium_charging::Record<'_>| findings.key(&record.client, &record.id);
        let mut news: Vec<_> = records.iter().map(|(position, record)| (key(record), *position)).collect();
        news.sort_unstable();
        Self(news)
    }

    fn place(&self, key: u64) -> Option<Position> {
        let found = self.0.binary_search_by_key(&key, |(of, _)| *of).ok()?;
        self.0.get(found).map(|(_, position)| *position)
    }
}

/// The places of a user's events: those that are being folded are at hand, all others are looked up together.
struct Places<'a> {
    feed: &'a Feed,
    user: &'a str,
    news: &'a News,
    all: Option<HashMap<(String, String), Position, RandomState>>,
}

impl Locate for Places<'_> {
    type Error = ReadError;

    fn locate(&mut self, key: u64, client: &str, id: &str) -> Result<Option<Position>, ReadError> {
        if let Some(position) = self.news.place(key) {
            return Ok(Some(position));
        }
        let all = match self.all.take() {
            Some(all) => all,
            None => places_of(self.feed, self.user)?,
        };
        let place = all.get(&(client.to_owned(), id.to_owned())).copied();
        self.all = Some(all);
        Ok(place)
    }
}

/// The places of all events of a user.
fn places_of(feed: &Feed, user: &str) -> Result<HashMap<(String, String), Position, RandomState>, ReadError> {
    let mut places = HashMap::default();
    for stored in feed.records_of(user)?.iter().filter(|stored| stored.kind == Kind::ResourceEvent) {
        let Ok(record) = read_stored(&stored.body, stored.received_millis) else { continue };
        places.insert((record.client.into_owned(), record.id.into_owned()), stored.position);
    }
    Ok(places)
}

impl Users {
    /// Which parts with findings are stored. Nothing may have been folded before.
    pub(super) fn stored_findings(&self) -> Result<Findings, DerivedError> {
        let mut all: Vec<(String, u32)> = Vec::new();
        for partition in self.partitions.keys().copied() {
            let mut last: Option<(String, u32)> = None;
            loop {
                let after = last.as_ref().map(|(user, number)| (user.as_str(), *number));
                let page = self.setting.derived.parts_with_findings(partition, after, PARTS_AT_ONCE)?;
                let Some(of_page) = page.last() else { break };
                last = Some(of_page.clone());
                all.extend(page);
            }
        }
        Ok(Findings::with_stored(all.into_iter()))
    }

    /// Notes what a fold has found of a user's events.
    pub(super) fn note_findings(&mut self, owner: Owner<'_>, news: &News) {
        let Some(Place::Well(known)) = self.users.get(owner.user).map(|kept| &kept.place) else { return };
        let (next, unsaved) = known.ledger.unsaved_findings();
        let mut places = Places { feed: &self.setting.feed, user: owner.user, news, all: None };
        if let Err(error) = self.findings.note(owner.user, next, unsaved, &mut places) {
            self.break_off(error.to_string());
        }
    }

    /// Whether all events without effect are known that are stored.
    pub fn findings_are_read(&self) -> bool {
        self.findings.is_whole()
    }

    /// Reads some of what is stored of events without effect. Says whether it did something.
    pub(super) fn read_some_findings(&mut self) -> Result<bool, Unanswered> {
        let slice = Slice::begin();
        let mut done = false;
        while let Some((user, numbers)) = self.findings.next_to_read()
            && !slice.is_over()
        {
            self.read_findings(&user, &numbers)?;
            done = true;
        }
        Ok(done)
    }

    fn read_findings(&mut self, user: &str, numbers: &[u32]) -> Result<(), Unanswered> {
        let owner = self.owner(user);
        let mut found: Vec<(u32, Finding)> = Vec::new();
        for number in numbers {
            match stored::findings(&*self.setting.derived, owner, *number) {
                Ok(of_part) => found.extend(of_part.into_iter().map(|finding| (*number, finding))),
                Err(error @ Unusable::OfUser { .. }) => {
                    self.findings.forget(user);
                    self.ready(owner)?;
                    return self.repair(owner, &error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let news = News::default();
        let mut places = Places { feed: &self.setting.feed, user, news: &news, all: None };
        let taken = self.findings.take_read(user, &found, &mut places);
        taken.map_err(|error| Unanswered::Broken(error.to_string()))
    }
}
