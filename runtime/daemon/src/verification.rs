//! The digest check: users folded anew from the log, compared with what the shards have.
//!
//! The log is read from its beginning, some partitions at a time, so that what is held in memory has a limit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::{Credits, Millis};
use aquarium_store::Position;
use thiserror::Error;

use crate::daemon::Daemon;
use crate::shard::reading::{self, Misread};
use crate::shard::{Digested, Unanswered};

/// Records that are held in memory at once, about: some hundreds of megabytes.
const RECORDS_AT_ONCE: u64 = 500_000;

/// What a comparison came to.
#[derive(Debug, Default)]
pub struct Verified {
    /// Users that were compared.
    pub users: u64,
    /// The first one that differs.
    pub difference: Option<Difference>,
}

/// A user that is not what its records in the log come to.
#[derive(Debug, Error)]
#[error("user `{user}` differs: the log comes to a balance of {expected}, stored is {found}")]
pub struct Difference {
    /// The user.
    pub user: String,
    /// The balance by the log.
    pub expected: Credits,
    /// What the shard has.
    pub found: String,
}

/// The users of some partitions, with their records.
type Folded = BTreeMap<Box<str>, Vec<(Position, Record<'static>)>>;

impl Daemon {
    /// Compares every user with what its records come to; ends at the first difference. Nothing may arrive
    /// meanwhile. `progress` is told how
    /// many records of how many were read.
    pub async fn verify(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Verified, Unanswered> {
        let end = self.log.end();
        // Where the machine's clock was set back, users were folded up to what was then.
        let mut at = self.clock.now();
        let mut deployments = self.versions();
        let partitions = u64::from(self.log.partitions()).max(1);
        let passes = end.0.div_ceil(RECORDS_AT_ONCE).clamp(1, partitions);
        let mut verified = Verified::default();
        for pass in 0..passes {
            let counts = |partition: u16| u64::from(partition) % passes == pass;
            let read = |done: u64| progress(pass * end.0 + done, passes * end.0);
            let users = self.records(end, &counts, &read, &mut at).map_err(Unanswered::from)?;
            for (user, records) in users {
                verified.users += 1;
                verified.difference = self.compare(&user, records, &mut deployments, at).await?;
                if verified.difference.is_some() {
                    return Ok(verified);
                }
            }
        }
        Ok(verified)
    }

    fn records(
        &self,
        end: Position,
        counts: &dyn Fn(u16) -> bool,
        read: &dyn Fn(u64),
        latest: &mut Millis,
    ) -> Result<Folded, Misread> {
        let mut users = Folded::new();
        let mut next = Position::START;
        while next < end {
            let page = self.feed().page(next).map_err(|error| Misread::Log(error.to_string()))?;
            if page.is_empty() {
                break;
            }
            let received = page.records().map(|record| Millis(record.stored.received_millis)).max();
            *latest = received.map_or(*latest, |received| received.max(*latest));
            for (user, _, record) in reading::sort(&page, |partition, _| counts(partition))?.users {
                users.entry(Box::from(user)).or_default().push(record);
            }
            next = page.next();
            read(next.0);
        }
        Ok(users)
    }

    /// How a user differs from what its records come to.
    async fn compare(
        &self,
        user: &str,
        records: Vec<(Position, Record<'static>)>,
        deployments: &mut Deployments,
        at: Millis,
    ) -> Result<Option<Difference>, Unanswered> {
        let found = match self.shards.digest(user, at).await {
            Ok(found) => found,
            // It differs from nothing: its records are not charged, and that is told.
            Err(Unanswered::Aside(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let expected = catch_unwind(AssertUnwindSafe(|| fold(user, records, deployments, at))).ok();
        let same = match (&expected, &found) {
            (Some(expected), Some(found)) => expected.digest == found.digest,
            _ => false,
        };
        Ok((!same).then(|| Difference::of(user, expected.as_ref(), found.as_ref())))
    }
}

fn fold(
    user: &str,
    records: Vec<(Position, Record<'static>)>,
    deployments: &mut Deployments,
    at: Millis,
) -> Digested {
    let mut ledger = Ledger::new(user);
    records.into_iter().for_each(|(_, record)| ledger.append(record));
    Digested::of(ledger, deployments, at)
}

impl Difference {
    fn of(user: &str, expected: Option<&Digested>, found: Option<&Digested>) -> Self {
        let balance = |digested: Option<&Digested>| digested.map_or(Credits::ZERO, |it| it.balance);
        let found = found.map_or_else(|| "nothing".to_owned(), |found| found.balance.to_string());
        Self { user: user.to_owned(), expected: balance(expected), found }
    }
}
