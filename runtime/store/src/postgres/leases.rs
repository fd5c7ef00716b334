//! Leases: who charges a partition. A row with an epoch, a holder and the end of the lease by the server's clock.
//!
//! The lease says who should write; the epoch sees to it that nobody else does: it is compared in the transaction of
//! every write. A holder that slept past its lease finds another epoch there and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::task::JoinHandle;
use tokio_postgres::{GenericClient, Row, Transaction};

use super::copy::{count, number};
use super::error::{Fault, PostgresError};
use super::server::Server;
use crate::derived::Fence;

/// How long a lease lasts unless its holder goes on: longer than a pause of a busy machine.
pub const LEASE_TIME: Duration = Duration::from_secs(15);
/// Leases are renewed so many times before they would end.
const RENEWALS: u32 = 3;
/// The longest that giving leases back may take when a program ends: they end by themselves.
const RELEASED_WITHIN: Duration = Duration::from_secs(2);

/// Leases that are held, and renewed until this is dropped.
pub struct Leases {
    server: Arc<Server>,
    holder: String,
    /// By partition.
    held: Vec<Fence>,
    renewing: JoinHandle<()>,
}

impl Leases {
    /// Takes the leases of all partitions: what this holder had before, what nobody has, what has ended.
    ///
    /// # Errors
    /// Where another one holds some of them, and where the server cannot be used.
    pub fn acquire(
        server: &Arc<Server>,
        holder: &str,
        partitions: u16,
        time: Duration,
    ) -> Result<Self, PostgresError> {
        let taken = server.work(Duration::ZERO, async |client| take(client, holder, partitions, time).await);
        match taken.map_err(|fault| fault.opening(server.place()))? {
            Ok(held) => {
                let fences = (held.clone(), holder.to_owned());
                let renewing = server.handle().spawn(renew_for_ever(server.pool().clone(), fences, time));
                Ok(Self { server: server.clone(), holder: holder.to_owned(), held, renewing })
            }
            Err(Other { partition, holder, seconds }) => {
                Err(PostgresError::Held { place: server.place().to_owned(), holder, partition, seconds })
            }
        }
    }

    /// All of them.
    pub(super) fn fences(&self) -> &[Fence] {
        &self.held
    }

    /// The lease of a partition.
    pub(super) fn fence(&self, partition: u16) -> Option<Fence> {
        self.held.get(usize::from(partition)).copied()
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        self.renewing.abort();
        let release = self.server.work(Duration::ZERO, async |client| {
            let release = async { client.execute(RELEASE, &[&self.holder]).await };
            Ok(tokio::time::timeout(RELEASED_WITHIN, release).await.map_err(|_| Fault::Late)??)
        });
        // Where the server cannot be used they end by themselves.
        drop(release);
    }
}

const RELEASE: &str = "UPDATE leases SET expires = '-infinity', holder = NULL WHERE holder = $1";

/// Who has a lease that is wanted.
struct Other {
    partition: i32,
    holder: String,
    seconds: i64,
}

async fn take(
    client: &mut Object,
    holder: &str,
    partitions: u16,
    time: Duration,
) -> Result<Result<Vec<Fence>, Other>, Fault> {
    let transaction = client.transaction().await?;
    let take = "INSERT INTO leases AS held (partition, epoch, holder, expires) \
         SELECT partition, 1, $2, clock_timestamp() + $3 * interval '1 ms' \
         FROM generate_series(0, $1 - 1) AS partition ORDER BY partition \
         ON CONFLICT (partition) DO UPDATE SET epoch = held.epoch + 1, holder = $2, expires = excluded.expires \
         WHERE held.holder IS NULL OR held.holder = $2 OR held.expires < clock_timestamp() \
         RETURNING partition, epoch";
    let rows = transaction.query(take, &[&i32::from(partitions), &holder, &millis(time)]).await?;
    let mut held = rows.iter().map(fence).collect::<Result<Vec<_>, _>>()?;
    if held.len() == usize::from(partitions) {
        held.sort_unstable_by_key(|fence| fence.partition);
        transaction.commit().await?;
        return Ok(Ok(held));
    }
    transaction.rollback().await?;
    let other = "SELECT partition, holder, \
         greatest(0, ceil(extract(epoch FROM expires - clock_timestamp())))::int8 FROM leases \
         WHERE holder <> $1 AND expires >= clock_timestamp() ORDER BY partition LIMIT 1";
    // It may have been given back meanwhile: then the next attempt gets it.
    let row = client.query_opt(other, &[&holder]).await?.ok_or(Fault::Late)?;
    Ok(Err(Other { partition: row.try_get(0)?, holder: row.try_get(1)?, seconds: row.try_get(2)? }))
}

/// Renews until the task is ended. What was lost is noticed by whoever writes.
async fn renew_for_ever(pool: Pool, (held, holder): (Vec<Fence>, String), time: Duration) {
    let mut due = tokio::time::interval(time / RENEWALS);
    loop {
        due.tick().await;
        // A server that cannot be used is asked again.
        let renewed = renew(&pool, &held, &holder, time).await;
        drop(renewed);
    }
}

async fn renew(pool: &Pool, held: &[Fence], holder: &str, time: Duration) -> Result<(), Fault> {
    let renew = "UPDATE leases SET expires = clock_timestamp() + $3 * interval '1 ms' \
         FROM unnest($1::int4[], $2::int8[]) AS mine (partition, epoch) \
         WHERE leases.partition = mine.partition AND leases.epoch = mine.epoch AND leases.holder = $4";
    let (partitions, epochs) = columns(held);
    let client = pool.get().await?;
    client.execute(renew, &[&partitions, &epochs, &millis(time), &holder]).await?;
    Ok(())
}

/// Compares epochs with those that hold, which stay until the transaction ends.
pub async fn compare(transaction: &Transaction<'_>, fences: &[Fence]) -> Result<(), Fault> {
    if fences.is_empty() {
        return Ok(());
    }
    let (partitions, _) = columns(fences);
    let hold = "SELECT partition, epoch FROM leases WHERE partition = ANY($1) ORDER BY partition FOR SHARE";
    let rows = transaction.query(hold, &[&partitions]).await?;
    let held = rows.iter().map(fence).collect::<Result<Vec<_>, _>>()?;
    for expected in fences {
        let found = held.iter().find(|held| held.partition == expected.partition);
        let current = found.map_or(0, |held| held.epoch);
        if current != expected.epoch || found.is_none() {
            return Err(Fault::Fenced { fence: *expected, current });
        }
    }
    Ok(())
}

/// The epoch of a partition.
pub async fn epoch(client: &impl GenericClient, partition: u16) -> Result<u64, Fault> {
    let select = "SELECT epoch FROM leases WHERE partition = $1";
    let row = client.query_opt(select, &[&i32::from(partition)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map_or(0, count))
}

/// Begins another epoch of a partition, which nobody holds.
pub async fn begin_epoch(client: &impl GenericClient, partition: u16) -> Result<u64, Fault> {
    let begin = "INSERT INTO leases AS held (partition, epoch) VALUES ($1, 1) \
         ON CONFLICT (partition) DO UPDATE SET epoch = held.epoch + 1, holder = NULL, expires = '-infinity' \
         RETURNING epoch";
    Ok(count(client.query_one(begin, &[&i32::from(partition)]).await?.try_get(0)?))
}

fn fence(row: &Row) -> Result<Fence, Fault> {
    let partition: i32 = row.try_get(0)?;
    let partition = u16::try_from(partition).map_err(|_| Fault::Damaged("a lease is of no partition"))?;
    Ok(Fence { partition, epoch: count(row.try_get(1)?) })
}

fn columns(fences: &[Fence]) -> (Vec<i32>, Vec<i64>) {
    fences.iter().map(|fence| (i32::from(fence.partition), number(fence.epoch))).unzip()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
