//! What a deployment would change: the balances under the versions with and without it, side by side.
//!
//! It reads the log and touches nothing: users are folded anew, some partitions at a time, so that what is
//! held in memory has a limit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aquarium_charging::input::{self, Source};
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::{Credits, Millis};
use aquarium_store::{Kind, Position, ReadError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::daemon::Daemon;
use crate::deployment::Planned;
use crate::feed::Feed;
use crate::shard::Unanswered;
use crate::threads;

/// Records that are held in memory at once, about: some hundreds of megabytes.
const RECORDS_AT_ONCE: u64 = 500_000;
/// Users that are named.
const NAMED_MAX: usize = 20;

/// What a deployment would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// The instant whose balances are compared.
    #[schema(value_type = i64)]
    pub at: Millis,
    /// Users with records.
    pub users: u64,
    /// Those whose balance would differ.
    pub users_affected: u64,
    /// By how much balances would fall, all together.
    #[schema(value_type = String)]
    pub credits_less: Credits,
    /// By how much balances would rise, all together.
    #[schema(value_type = String)]
    pub credits_more: Credits,
    /// Users that could not be folded.
    pub users_failed: u64,
    /// Those with the largest differences.
    pub largest: Vec<Difference>,
}

/// What a deployment would change for a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The user.
    pub user_id: String,
    /// The balance without the deployment.
    #[schema(value_type = String)]
    pub before: Credits,
    /// The balance with it.
    #[schema(value_type = String)]
    pub after: Credits,
}

impl Daemon {
    /// What a planned deployment would change in the balances of now.
    pub async fn impact(self: Arc<Self>, planned: Planned) -> Result<Impact, Unanswered> {
        let (end, at) = (self.log.end(), self.clock.now());
        let compared = threads::giving_way(move || {
            let Planned { before, after, .. } = planned;
            let mut impact = Impact::none(at);
            let comparison = Comparison { feed: self.feed(), partitions: self.log.partitions(), end, at };
            comparison.run(before, after, &mut |user, outcome| impact.count(user, outcome))?;
            impact.keep_largest();
            Ok(impact)
        });
        let broken = |error: ReadError| Unanswered::Broken(error.to_string());
        compared.await.map_err(|error| Unanswered::Broken(error.to_string()))?.map_err(broken)
    }
}

impl Impact {
    fn none(at: Millis) -> Self {
        Self {
            at,
            users: 0,
            users_affected: 0,
            credits_less: Credits::ZERO,
            credits_more: Credits::ZERO,
            users_failed: 0,
            largest: Vec::new(),
        }
    }

    fn count(&mut self, user: &str, outcome: Option<Balances>) {
        self.users += 1;
        let Some((before, after)) = outcome else {
            self.users_failed += 1;
            return;
        };
        if before == after {
            return;
        }
        self.users_affected += 1;
        if after < before {
            self.credits_less += before - after;
        } else {
            self.credits_more += after - before;
        }
        self.largest.push(Difference { user_id: user.to_owned(), before, after });
        if self.largest.len() > NAMED_MAX {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        self.largest.sort_by(|one, other| {
            other.size().cmp(&one.size()).then_with(|| one.user_id.cmp(&other.user_id))
        });
        self.largest.truncate(NAMED_MAX);
    }
}

impl Difference {
    fn size(&self) -> Credits {
        (self.after - self.before).max(self.before - self.after)
    }
}

/// The balances of a user without the deployment and with it.
type Balances = (Credits, Credits);

/// A comparison of what users come to under two lists of versions.
struct Comparison<'a> {
    feed: &'a Feed,
    partitions: u16,
    end: Position,
    at: Millis,
}

impl Comparison<'_> {
    /// Gives `each` user the two balances; `None` where folding fails.
    fn run(
        &self,
        mut before: Deployments,
        mut after: Deployments,
        each: &mut dyn FnMut(&str, Option<Balances>),
    ) -> Result<(), ReadError> {
        let passes = self.end.0.div_ceil(RECORDS_AT_ONCE).clamp(1, u64::from(self.partitions.max(1)));
        for pass in 0..passes {
            for (user, records) in self.records(pass, passes)? {
                let balances = || balances(&user, records, &mut before, &mut after, self.at);
                each(&user, catch_unwind(AssertUnwindSafe(balances)).ok());
            }
        }
        Ok(())
    }

    /// The records of the users of some partitions.
    fn records(&self, pass: u64, passes: u64) -> Result<BTreeMap<Box<str>, Vec<Record<'static>>>, ReadError> {
        let mut users: BTreeMap<Box<str>, Vec<Record<'static>>> = BTreeMap::new();
        let mut next = Position::START;
        while next < self.end {
            let page = self.feed.page(next)?;
            if page.is_empty() {
                break;
            }
            for record in page.records() {
                let stored = &record.stored;
                let own = stored.partition.is_some_and(|partition| u64::from(partition) % passes == pass);
                if !own || stored.user.is_empty() || matches!(stored.kind, Kind::Quarantined(_)) {
                    continue;
                }
                let received = Millis(stored.received_millis);
                let source =
                    Source { received, keeps_received: false, writes_records: true, plausible: None };
                // What was read once can be read again; shards tell where it cannot.
                let Ok(message) = input::read(stored.body, &source) else { continue };
                users.entry(Box::from(stored.user)).or_default().push(message.record.into_owned());
            }
            next = page.next();
        }
        Ok(users)
    }
}

fn balances(
    user: &str,
    mut records: Vec<Record<'static>>,
    before: &mut Deployments,
    after: &mut Deployments,
    at: Millis,
) -> Balances {
    let mut ledger = Ledger::new(user);
    records.sort_by(Record::order);
    records.into_iter().for_each(|record| ledger.append(record));
    let balance = |deployments: &mut Deployments| {
        ledger.at(deployments, at).map_or(Credits::ZERO, |view| view.balance())
    };
    (balance(before), balance(after))
}
