//! How far the log goes. Whoever appends holds this row until its records are there.

use tokio_postgres::{GenericClient, Transaction};

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
    pub async fn open(client: &impl GenericClient, partitions: u16) -> Result<Self, Fault> {
        let insert = "INSERT INTO log_head (partitions, floor) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&i32::from(partitions), &i64::MIN]).await?;
        Self::read(client, "").await
    }

    /// The row, and nobody else gets it before the transaction ends.
    pub async fn lock(transaction: &Transaction<'_>) -> Result<Self, Fault> {
        Self::read(transaction, "FOR UPDATE").await
    }

    /// The row as it is.
    pub async fn look(client: &impl GenericClient) -> Result<Self, Fault> {
        Self::read(client, "").await
    }

    async fn read(client: &impl GenericClient, lock: &str) -> Result<Self, Fault> {
        let select =
            format!("SELECT partitions, records, groups, bytes, receipts, floor FROM log_head {lock}");
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
    pub async fn write(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        // Others hear of it once it is committed.
        let update = "UPDATE log_head SET records = $1, groups = $2, bytes = $3, receipts = $4, floor = $5 \
             RETURNING pg_notify('aquarium_' || md5(current_schema()), 'log ' || records)";
        let (records, groups, bytes) = (number(self.end.0), number(self.groups), number(self.bytes));
        let (receipts, floor) = self.receipts.parts();
        transaction.query(update, &[&records, &groups, &bytes, &receipts, &floor]).await?;
        Ok(())
    }

    /// How large the log is.
    pub fn statistics(&self) -> Statistics {
        Statistics { records: self.end.0, blocks: self.groups, segments: 0, bytes: self.bytes }
    }
}
