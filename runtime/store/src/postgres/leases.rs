//! Leases: who charges a partition. A row with an epoch and a holder; how long it lasts is in the holder's own row
//! ([`super::members`]), which is renewed for all leases at once.
//!
//! The lease says who should write; the epoch sees to it that nobody else does: it is compared in the transaction of
//! every write. A holder that slept past its lease finds another epoch there and writes nothing.

use tokio_postgres::{Client, Row};

use super::copy::{count, number};
use super::error::Fault;
use crate::derived::Fence;

/// A partition's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: u16,
    /// The epoch.
    pub epoch: u64,
    /// The node that holds it, or held it when it ended; `None`: it was given back.
    pub holder: Option<String>,
}

/// Compares epochs with those that hold, which stay until the transaction ends.
pub async fn compare(client: &Client, fences: &[Fence]) -> Result<(), Fault> {
    if fences.is_empty() {
        return Ok(());
    }
    let (partitions, _) = columns(fences);
    let hold = "SELECT partition, epoch FROM leases WHERE partition = ANY($1) ORDER BY partition FOR SHARE";
    let rows = client.query(hold, &[&partitions]).await?;
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

/// All leases, as they are.
pub async fn all(client: &Client) -> Result<Vec<Lease>, Fault> {
    let select = "SELECT partition, epoch, holder FROM leases ORDER BY partition";
    let rows = client.query(select, &[]).await?;
    let lease = |row: &Row| {
        let Fence { partition, epoch } = fence(row)?;
        Ok(Lease { partition, epoch, holder: row.try_get(2)? })
    };
    rows.iter().map(lease).collect()
}

/// Makes the rows of partitions that have none.
pub async fn prepare(client: &Client, partitions: u16) -> Result<(), Fault> {
    // Of those that are there nothing is asked: somebody may be about to take them.
    let insert = "INSERT INTO leases (partition, epoch) SELECT partition, 0 FROM generate_series(0, $1 - 1) AS partition \
         WHERE partition NOT IN (SELECT partition FROM leases) ON CONFLICT DO NOTHING";
    client.execute(insert, &[&i32::from(partitions)]).await?;
    Ok(())
}

/// Takes those of the partitions that nobody has: they were given back, or their holder has ended.
pub async fn take(client: &Client, holder: &str, partitions: &[u16]) -> Result<Vec<Fence>, Fault> {
    // In one order, so that two who take at the same time do not wait for each other.
    let take = "WITH free AS (SELECT partition FROM leases WHERE partition = ANY($2) AND (holder IS NULL OR NOT EXISTS \
         (SELECT FROM nodes WHERE name = holder AND expires > '-infinity')) ORDER BY partition FOR UPDATE) \
         UPDATE leases SET epoch = epoch + 1, holder = $1 FROM free WHERE leases.partition = free.partition \
         RETURNING leases.partition, leases.epoch";
    let partitions: Vec<i32> = partitions.iter().map(|partition| i32::from(*partition)).collect();
    client.query(take, &[&holder, &partitions]).await?.iter().map(fence).collect()
}

/// Gives leases back that are still this holder's.
pub async fn give_back(client: &Client, holder: &str, fences: &[Fence]) -> Result<(), Fault> {
    let give = "UPDATE leases SET holder = NULL FROM unnest($2::int4[], $3::int8[]) AS mine (partition, epoch) \
         WHERE leases.partition = mine.partition AND leases.epoch = mine.epoch AND leases.holder = $1";
    let (partitions, epochs) = columns(fences);
    client.execute(give, &[&holder, &partitions, &epochs]).await?;
    Ok(())
}

/// Gives all leases of a holder back.
pub async fn give_all_back(client: &Client, holder: &str) -> Result<(), Fault> {
    client.execute("UPDATE leases SET holder = NULL WHERE holder = $1", &[&holder]).await?;
    Ok(())
}

/// Notes that nobody holds the leases of a holder that is not there any more. They are free before that.
pub async fn forget(client: &Client, holder: &str) -> Result<(), Fault> {
    // It may be there again by now, in another life.
    let forget = "UPDATE leases SET holder = NULL \
         WHERE holder = $1 AND NOT EXISTS (SELECT FROM nodes WHERE name = $1)";
    client.execute(forget, &[&holder]).await?;
    Ok(())
}

/// The epoch of a partition.
pub async fn epoch(client: &Client, partition: u16) -> Result<u64, Fault> {
    let select = "SELECT epoch FROM leases WHERE partition = $1";
    let row = client.query_opt(select, &[&i32::from(partition)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map_or(0, count))
}

/// Begins another epoch of a partition, which nobody holds.
pub async fn begin_epoch(client: &Client, partition: u16) -> Result<u64, Fault> {
    let begin = "INSERT INTO leases AS held (partition, epoch) VALUES ($1, 1) \
         ON CONFLICT (partition) DO UPDATE SET epoch = held.epoch + 1, holder = NULL RETURNING epoch";
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
