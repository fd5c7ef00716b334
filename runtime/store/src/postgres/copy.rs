//! Rows for `COPY ... FROM STDIN (FORMAT binary)`, the fastest way into a table.
//!
//! The format is that of PostgreSQL's manual, COPY, "Binary Format".

use std::pin::pin;

use bytes::{BufMut as _, Bytes, BytesMut};
use deadpool_postgres::ClientWrapper;
use futures_util::SinkExt as _;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::error::Fault;
use crate::record::Digest;

/// Signature, no flags, no extension.
const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What follows the last row.
const TRAILER: i16 = -1;

/// Rows, one field after the other.
pub struct Rows {
    bytes: BytesMut,
    fields: i16,
    count: u64,
}

impl Rows {
    /// No rows yet, of so many fields each.
    pub fn of(fields: i16) -> Self {
        let mut bytes = BytesMut::new();
        bytes.put_slice(&HEADER);
        Self { bytes, fields, count: 0 }
    }

    /// Begins a row.
    pub fn row(&mut self) -> &mut Self {
        self.count += 1;
        self.bytes.put_i16(self.fields);
        self
    }

    /// A field of bytes, a text, or a digest as `uuid`.
    pub fn bytes(&mut self, field: &[u8]) -> &mut Self {
        self.bytes.put_i32(i32::try_from(field.len()).unwrap_or(i32::MAX));
        self.bytes.put_slice(field);
        self
    }

    /// A field of type `int2`.
    pub fn int2(&mut self, field: i16) -> &mut Self {
        self.bytes(&field.to_be_bytes())
    }

    /// A field of type `int4`.
    pub fn int4(&mut self, field: i32) -> &mut Self {
        self.bytes(&field.to_be_bytes())
    }

    /// A field of type `int8`.
    pub fn int8(&mut self, field: i64) -> &mut Self {
        self.bytes(&field.to_be_bytes())
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Copies them into a table, by a statement.
    pub async fn copy(mut self, client: &ClientWrapper, into: &str) -> Result<(), Fault> {
        self.bytes.put_i16(TRAILER);
        let statement = client.prepare_cached(&format!("COPY {into} FROM STDIN (FORMAT binary)")).await?;
        let mut sink = pin!(client.copy_in::<_, Bytes>(&statement).await?);
        sink.send(self.bytes.freeze()).await?;
        sink.finish().await?;
        Ok(())
    }
}

impl<'a> FromSql<'a> for Digest {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(wanted: &Type) -> bool {
        *wanted == Type::UUID
    }
}

impl ToSql for Digest {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(wanted: &Type) -> bool {
        *wanted == Type::UUID
    }

    to_sql_checked!();
}

/// A number as PostgreSQL has it: nothing that is counted comes near the limit.
pub fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the server's.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
