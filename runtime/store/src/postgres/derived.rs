//! Derived state in PostgreSQL.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

use super::copy::{count, number};
use super::error::{Fault, PostgresError};
use super::leases;
use super::server::{Parameters, Server};
use super::standby::lasting;
use super::writing;
use crate::derived::{
    Announcement, Batch, Derived, DerivedError, Fence, Kept, OutboxItem, OutboxPlace, Owner,
};
use crate::record::Position;

/// The longest that anybody waits for a server that cannot be used. What is written waits here, and what arrives goes
/// on to wait in queues: a server may be away for as long as it takes to start another one.
const WORKED_WITHIN: Duration = Duration::from_secs(300);

/// Derived state in a database.
pub struct PostgresDerived {
    server: Arc<Server>,
    outbox_end: AtomicU64,
}

impl PostgresDerived {
    /// Derived state that nobody else writes, or that is written under the fences of batches.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn open(server: Arc<Server>) -> Result<Self, PostgresError> {
        let place = server.work(Duration::ZERO, async |client| {
            let row = client.query_one("SELECT place FROM outbox_head", &[]).await?;
            Ok(count(row.try_get(0)?))
        });
        let place = place.map_err(|fault| fault.opening(server.place()))?;
        Ok(Self { server, outbox_end: AtomicU64::new(place) })
    }

    /// Looks how far others have brought the outbox.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn refresh(&self) -> Result<OutboxPlace, DerivedError> {
        let place = self.server.work(Duration::ZERO, async |client| {
            let row = client.query_one("SELECT place FROM outbox_head", &[]).await?;
            Ok(count(row.try_get(0)?))
        });
        let place = place.map_err(|fault| fault.derived(self.server.place()))?;
        Ok(OutboxPlace(self.outbox_end.fetch_max(place, Ordering::Relaxed).max(place)))
    }

    /// Drops what the log yields again, under leases; what was told to others is kept.
    ///
    /// # Errors
    /// Where the server cannot be used, and where a lease is over.
    pub fn begin_again(&self, fences: &[Fence]) -> Result<Kept, DerivedError> {
        self.commit(async |client| {
            lasting(client, async || {
                leases::compare(client, fences).await?;
                Ok(client.batch_execute("TRUNCATE users, parts, lines, folded, shared").await?)
            })
            .await
        })?;
        Ok(Kept { announcements: self.outbox_end.load(Ordering::Relaxed), lost: None })
    }

    fn work<T>(&self, work: impl AsyncFn(&ClientWrapper) -> Result<T, Fault>) -> Result<T, DerivedError> {
        self.server.work(WORKED_WITHIN, work).map_err(|fault| fault.derived(self.server.place()))
    }

    fn commit<T>(&self, work: impl AsyncFn(&ClientWrapper) -> Result<T, Fault>) -> Result<T, DerivedError> {
        self.server.commit(WORKED_WITHIN, work).map_err(|fault| fault.derived(self.server.place()))
    }

    /// The rows that a statement selects, each read by `read`.
    fn select<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl Fn(&Row) -> Result<T, Fault>,
    ) -> Result<Vec<T>, DerivedError> {
        self.work(async |client| {
            let statement = client.prepare_cached(statement).await?;
            client.query(&statement, parameters).await?.iter().map(&read).collect()
        })
    }

    /// The one row that a statement selects, where there is one.
    fn select_one<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl Fn(&Row) -> Result<T, Fault>,
    ) -> Result<Option<T>, DerivedError> {
        Ok(self.select(statement, parameters, read)?.pop())
    }
}

impl Derived for PostgresDerived {
    fn write(&self, batch: &Batch) -> Result<OutboxPlace, DerivedError> {
        let end = self.commit(async |client| writing::write(client, batch).await)?;
        let end = end.map_or(0, |end| end.0);
        Ok(OutboxPlace(self.outbox_end.fetch_max(end, Ordering::Relaxed).max(end)))
    }

    fn sync(&self) -> Result<(), DerivedError> {
        // A commit that waits for the disk takes everything along that was committed before.
        self.commit(async |client| {
            let touch = "UPDATE outbox_head SET place = place";
            lasting(client, async || Ok(client.batch_execute(touch).await?)).await
        })
    }

    fn image(&self, owner: Owner<'_>) -> Result<Option<Vec<u8>>, DerivedError> {
        let select = "SELECT image FROM users WHERE partition = $1 AND user_id = $2";
        self.select_one(select, &[&i32::from(owner.partition), &owner.user.as_bytes()], |row| {
            Ok(row.try_get(0)?)
        })
    }

    fn users(
        &self,
        partition: u16,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, DerivedError> {
        let select = match after {
            Some(_) => {
                "SELECT user_id, image FROM users WHERE partition = $1 AND user_id > $2 ORDER BY user_id LIMIT $3"
            }
            None => {
                "SELECT user_id, image FROM users WHERE partition = $1 AND user_id >= $2 ORDER BY user_id LIMIT $3"
            }
        };
        let after = after.unwrap_or_default().as_bytes();
        self.select(select, &[&i32::from(partition), &after, &at_most(limit)], |row| {
            Ok((user(row, 0)?, row.try_get(1)?))
        })
    }

    fn parts(&self, owner: Owner<'_>, numbers: Range<u32>) -> Result<Vec<Vec<u8>>, DerivedError> {
        let select = "SELECT bytes FROM parts WHERE partition = $1 AND user_id = $2 AND number >= $3 AND number < $4 \
             ORDER BY number";
        let (first, end) = (i64::from(numbers.start), i64::from(numbers.end));
        self.select(select, &[&i32::from(owner.partition), &owner.user.as_bytes(), &first, &end], |row| {
            Ok(row.try_get(0)?)
        })
    }

    fn parts_with_findings(
        &self,
        partition: u16,
        after: Option<(&str, u32)>,
        limit: usize,
    ) -> Result<Vec<(String, u32)>, DerivedError> {
        let select = "SELECT user_id, number FROM parts \
             WHERE findings AND partition = $1 AND (user_id, number) > ($2, $3) ORDER BY user_id, number LIMIT $4";
        let (after, last) = after.map_or(("", -1), |(user, number)| (user, i64::from(number)));
        self.select(select, &[&i32::from(partition), &after.as_bytes(), &last, &at_most(limit)], |row| {
            let number: i64 = row.try_get(1)?;
            Ok((user(row, 0)?, u32::try_from(number).map_err(|_| Fault::Damaged("a part has no number"))?))
        })
    }

    fn lines(&self, owner: Owner<'_>, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, DerivedError> {
        let select = "SELECT first, block FROM lines WHERE partition = $1 AND user_id = $2 AND first >= coalesce( \
             (SELECT max(first) FROM lines WHERE partition = $1 AND user_id = $2 AND first <= $3), 0) \
             ORDER BY first LIMIT $4";
        let (partition, user) = (i32::from(owner.partition), owner.user.as_bytes());
        self.select(select, &[&partition, &user, &number(from), &at_most(limit)], |row| {
            Ok((count(row.try_get(0)?), row.try_get(1)?))
        })
    }

    fn folded(&self, partition: u16) -> Result<Position, DerivedError> {
        let select = "SELECT position FROM folded WHERE partition = $1";
        let found = self.select_one(select, &[&i32::from(partition)], |row| Ok(count(row.try_get(0)?)))?;
        Ok(found.map_or(Position::START, Position))
    }

    fn shared(&self, before: Position) -> Result<Vec<(Position, Vec<u8>)>, DerivedError> {
        let select = "SELECT position, record FROM shared WHERE position < $1 ORDER BY position";
        self.select(select, &[&number(before.0)], |row| {
            Ok((Position(count(row.try_get(0)?)), row.try_get(1)?))
        })
    }

    fn outbox(&self, after: OutboxPlace, limit: usize) -> Result<Vec<OutboxItem>, DerivedError> {
        let select = "SELECT place, partition, user_id, sequence, body FROM outbox WHERE place > $1 \
             ORDER BY place LIMIT $2";
        self.select(select, &[&number(after.0), &at_most(limit)], |row| {
            let partition: i32 = row.try_get(1)?;
            Ok(OutboxItem {
                place: OutboxPlace(count(row.try_get(0)?)),
                partition: u16::try_from(partition)
                    .map_err(|_| Fault::Damaged("an announcement has no partition"))?,
                user: user(row, 2)?,
                announcement: Announcement { sequence: count(row.try_get(3)?), body: row.try_get(4)? },
            })
        })
    }

    fn announced(&self, owner: Owner<'_>) -> Result<Option<Announcement>, DerivedError> {
        let select = "SELECT sequence, body FROM announced WHERE partition = $1 AND user_id = $2";
        self.select_one(select, &[&i32::from(owner.partition), &owner.user.as_bytes()], |row| {
            Ok(Announcement { sequence: count(row.try_get(0)?), body: row.try_get(1)? })
        })
    }

    fn published(&self, publisher: &str) -> Result<OutboxPlace, DerivedError> {
        let select = "SELECT place FROM published WHERE publisher = $1";
        let found = self.select_one(select, &[&publisher.as_bytes()], |row| Ok(count(row.try_get(0)?)))?;
        Ok(OutboxPlace(found.unwrap_or_default()))
    }

    fn epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        self.work(async |client| leases::epoch(client, partition).await)
    }

    fn begin_epoch(&self, partition: u16) -> Result<u64, DerivedError> {
        self.commit(async |client| {
            lasting(client, async || leases::begin_epoch(client, partition).await).await
        })
    }

    fn copy_to(&self, _: &Path) -> Result<u64, DerivedError> {
        let what = "it is copied by PostgreSQL's own tools: `pg_dump`, `pg_basebackup`".to_owned();
        Err(DerivedError::Server { place: self.server.place().to_owned(), what })
    }

    fn bytes(&self) -> Result<u64, DerivedError> {
        let select = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 FROM pg_class \
             WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT LIKE 'log%'";
        Ok(self.select_one(select, &[], |row| Ok(count(row.try_get(0)?)))?.unwrap_or_default())
    }
}

fn user(row: &Row, column: usize) -> Result<String, Fault> {
    String::from_utf8(row.try_get(column)?).map_err(|_| Fault::Damaged("a user's id is no UTF-8"))
}

fn at_most(limit: usize) -> i64 {
    number(limit as u64)
}
