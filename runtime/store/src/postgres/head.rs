//! How far the log goes. Whoever appends holds this row until its records are there.

use deadpool_postgres::ClientWrapper;

use super::copy::{count, number};
use super::error::Fault;
use crate::embedded::Receipts;
use crate::log::Statistics;
use crate::record::Position;

/// How far the log goes.
#[derive(Clone)]
pub struct Head {
    /// The number of partitions.
    pub partitions: u16,
    /// The place after the last record.
    pub end: Position,
    /// Group commits.
    pub groups: u64,
    /// Bytes of texts.
    pub bytes: u64,
    /// How far receipt has come.
    pub receipts: Receipts,
}

impl Head {
    /// The row; made where there is none yet.
    pub async fn open(client: &ClientWrapper, partitions: u16) -> Result<Self, Fault> {
        // Where it is there nothing is inserted: even a conflict would wait for whoever appends.
        let insert = "INSERT INTO log_head (partitions, floor) SELECT $1::int4, $2::int8 \
             WHERE NOT EXISTS (SELECT FROM log_head) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&i32::from(partitions), &i64::MIN]).await?;
        Self::read(client, "").await
    }

    /// The row, and nobody else gets it before the transaction ends.
    pub async fn lock(client: &ClientWrapper) -> Result<Self, Fault> {
        Self::read(client, "FOR UPDATE").await
    }

    /// The row as it is.
    pub async fn look(client: &ClientWrapper) -> Result<Self, Fault> {
        Self::read(client, "").await
    }

    async fn read(client: &ClientWrapper, lock: &str) -> Result<Self, Fault> {
        let select =
            format!("SELECT partitions, records, groups, bytes, receipts, floor FROM log_head {lock}");
        let select = client.prepare_cached(&select).await?;
        let row = client.query_one(&select, &[]).await?;
        let partitions: i32 = row.try_get(0)?;
        Ok(Self {
            partitions: u16::try_from(partitions)
                .map_err(|_| Fault::Damaged("the number of partitions is none"))?,
            end: Position(count(row.try_get(1)?)),
            groups: count(row.try_get(2)?),
            bytes: count(row.try_get(3)?),
            receipts: Receipts::of(row.try_get(4)?, row.try_get(5)?),
        })
    }

    /// Writes the row.
    pub async fn write(&self, client: &ClientWrapper) -> Result<(), Fault> {
        let update = "UPDATE log_head SET records = $1, groups = $2, bytes = $3, receipts = $4, floor = $5";
        let update = client.prepare_cached(update).await?;
        let (records, groups, bytes) = (number(self.end.0), number(self.groups), number(self.bytes));
        let (receipts, floor) = self.receipts.parts();
        client.execute(&update, &[&records, &groups, &bytes, &receipts, &floor]).await?;
        Ok(())
    }

    /// How large the log is.
    pub fn statistics(&self) -> Statistics {
        Statistics { records: self.end.0, blocks: self.groups, segments: 0, bytes: self.bytes }
    }
}
