//! The log in PostgreSQL: a row for each record, places without gaps, any number of nodes that append.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::{Row, Transaction};

use super::copy::{Rows, count, number};
use super::error::Fault;
use super::head::Head;
use super::server::{Parameters, Server};
use super::standby::lasting;
use crate::embedded::format;
use crate::log::{AppendError, Log, OpenError, Page, ReadError, Statistics};
use crate::record::{Appended, Digest, Kind, NewRecord, OwnedRecord, Position, Record, partition_of};

/// The longest that an append waits for a server that cannot be used: whoever sent the records is told then.
const APPENDED_WITHIN: Duration = Duration::from_secs(5);
/// The longest that a reader waits.
const READ_WITHIN: Duration = Duration::from_secs(300);
/// The longest that whoever looks how far others have come waits for a server that cannot be used: somebody asks.
const LOOKED_WITHIN: Duration = Duration::from_secs(2);
/// Records of a page, at most.
const PAGE_RECORDS_MAX: i64 = 4_096;
/// A page ends after so many bytes.
const PAGE_BYTES_MAX: i64 = 4 << 20;
/// Columns of the log.
const FIELDS: i16 = 10;
/// The partition of what concerns all of them.
const EVERYWHERE: i32 = -1;

/// The log in a database.
pub struct PostgresLog {
    server: Arc<Server>,
    partitions: u16,
    /// As far as it is known here.
    head: Mutex<Head>,
}

/// Records as they were decided on, and what becomes of each.
struct Plan<'a> {
    head: Head,
    records: Vec<(Position, NewRecord<'a>)>,
    /// The records of this batch by their keys, and those that were there before.
    known: HashMap<Digest, Digest>,
    answers: Vec<Appended>,
}

impl PostgresLog {
    /// Opens the log of a database, or makes one.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn open(server: Arc<Server>, partitions: u16) -> Result<Self, OpenError> {
        let opened = server.commit(Duration::ZERO, async |client| {
            let transaction = lasting(client).await?;
            let head = Head::open(&*transaction, partitions).await?;
            transaction.commit().await?;
            Ok(head)
        });
        let head = opened.map_err(|fault| fault.opening(server.place()))?;
        Ok(Self { partitions: head.partitions, head: Mutex::new(head), server })
    }

    /// Looks how far others have brought the log.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn refresh(&self) -> Result<Position, ReadError> {
        let head = self.server.work(LOOKED_WITHIN, async |client| Head::look(&***client).await);
        self.note(head.map_err(|fault| fault.reading(self.server.place()))?);
        Ok(self.end())
    }

    fn note(&self, head: Head) {
        let mut known = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if head.end >= known.end {
            *known = head;
        }
    }

    /// The records that a statement selects.
    fn select(&self, statement: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, ReadError> {
        let rows = self.server.work(READ_WITHIN, async |client| {
            let statement = client.prepare_cached(statement).await?;
            Ok(client.query(&statement, parameters).await?)
        });
        rows.map_err(|fault| fault.reading(self.server.place()))
    }

    fn records(&self, statement: &str, parameters: Parameters<'_>) -> Result<Vec<OwnedRecord>, ReadError> {
        let rows = self.select(statement, parameters)?;
        let records = rows.iter().map(|row| {
            let position = Position(count(row.try_get(0)?));
            Ok(OwnedRecord::from(Record { position, previous: None, stored: stored(row)? }))
        });
        records.collect::<Result<_, Fault>>().map_err(|fault| fault.reading(self.server.place()))
    }
}

impl Log for PostgresLog {
    fn partitions(&self) -> u16 {
        self.partitions
    }

    fn append(&self, batch: &[NewRecord<'_>]) -> Result<Vec<Appended>, AppendError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        format::check_size(batch)?;
        let appended = self.server.commit(APPENDED_WITHIN, async |client| append(client, batch).await);
        let (head, answers) = appended.map_err(|fault| fault.appending(self.server.place()))?;
        self.note(head);
        Ok(answers)
    }

    fn end(&self) -> Position {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).end
    }

    fn read(&self, from: Position) -> Result<Page, ReadError> {
        if from >= self.end() {
            return Ok(Page::empty(from));
        }
        let select = "SELECT position, partition, user_id, kind, reason, received, key, content, note, body FROM \
             (SELECT *, sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS before \
              FROM log WHERE position >= $1 ORDER BY position LIMIT $2) AS page \
             WHERE before < $3 ORDER BY position";
        let rows = self.select(select, &[&number(from.0), &PAGE_RECORDS_MAX, &PAGE_BYTES_MAX])?;
        page(from, &rows).map_err(|fault| fault.reading(self.server.place()))
    }

    fn read_user_since(&self, user: &str, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        if user.is_empty() {
            return Ok(Vec::new());
        }
        let select = "SELECT position, partition, user_id, kind, reason, received, key, content, note, body \
             FROM log WHERE partition = $1 AND user_id = $2 AND position >= $3 ORDER BY position";
        let partition = i32::from(partition_of(user, self.partitions));
        self.records(select, &[&partition, &user.as_bytes(), &number(from.0)])
    }

    fn read_shared_since(&self, from: Position) -> Result<Vec<OwnedRecord>, ReadError> {
        let select = "SELECT position, partition, user_id, kind, reason, received, key, content, note, body \
             FROM log WHERE partition = $1 AND user_id = '' AND position >= $2 AND kind = $3 ORDER BY position";
        let (kind, _) = format::kind_numbers(Kind::Runtime);
        self.records(select, &[&EVERYWHERE, &number(from.0), &i16::from(kind)])
    }

    fn statistics(&self) -> Statistics {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).statistics()
    }
}

/// Appends in one transaction; what is there already is left alone.
async fn append(client: &mut Object, batch: &[NewRecord<'_>]) -> Result<(Head, Vec<Appended>), Fault> {
    let transaction = lasting(client).await?;
    let head = Head::lock(&transaction).await?;
    let before = head.end;
    let first = first_of_each(batch);
    let mut known = claim(&transaction, before, &first).await?;
    let refused = conflicts(batch, &known, &first);
    known.extend(claim(&transaction, before, &refused).await?);
    let mut plan = Plan { head, records: Vec::new(), known, answers: Vec::with_capacity(batch.len()) };
    batch.iter().for_each(|record| plan.decide(record));
    let Plan { mut head, records, answers, .. } = plan;
    if !records.is_empty() {
        rows(records).copy(&transaction, "log").await?;
        head.groups = head.groups.saturating_add(1);
        head.write(&transaction).await?;
    }
    transaction.commit().await?;
    Ok((head, answers))
}

/// The content that stands for each key.
fn first_of_each(batch: &[NewRecord<'_>]) -> HashMap<Digest, Digest> {
    let mut first = HashMap::with_capacity(batch.len());
    for record in batch {
        first.entry(record.key).or_insert(record.content);
    }
    first
}

/// The keys under which the records are refused that say something else than the ones before them.
fn conflicts(
    batch: &[NewRecord<'_>],
    known: &HashMap<Digest, Digest>,
    first: &HashMap<Digest, Digest>,
) -> HashMap<Digest, Digest> {
    let stands = |key: &Digest| known.get(key).or_else(|| first.get(key));
    let others = batch.iter().filter(|record| stands(&record.key) != Some(&record.content));
    let refused = others.map(|record| record.in_conflict().key);
    refused.filter(|key| !first.contains_key(key)).map(|key| (key, key)).collect()
}

/// Notes keys as those of records that are about to be appended; gives the ones that were there before, with what
/// they stand for.
async fn claim(
    transaction: &Transaction<'_>,
    before: Position,
    ids: &HashMap<Digest, Digest>,
) -> Result<HashMap<Digest, Digest>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // In the order of the index neighbours are found together.
    let mut sorted: Vec<(&Digest, &Digest)> = ids.iter().collect();
    sorted.sort_unstable();
    let mut staged = Rows::of(2);
    for (key, content) in sorted {
        staged.row().bytes(&key.0).bytes(&content.0);
    }
    let count = staged.count();
    transaction.batch_execute("DELETE FROM ids_staging").await?;
    staged.copy(transaction, "ids_staging").await?;
    let insert = "INSERT INTO log_ids (key, content, since) SELECT key, content, $1 FROM ids_staging \
                  ON CONFLICT DO NOTHING";
    if transaction.execute(insert, &[&number(before.0)]).await? == count {
        return Ok(HashMap::new());
    }
    let select =
        "SELECT ids.key, ids.content FROM ids_staging JOIN log_ids AS ids USING (key) WHERE since < $1";
    let rows = transaction.query(select, &[&number(before.0)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

impl<'a> Plan<'a> {
    fn decide(&mut self, record: &NewRecord<'a>) {
        let answer = match self.known.get(&record.key) {
            None => self.store(record),
            Some(content) if *content == record.content => Appended::Duplicate,
            Some(_) => {
                let refused = record.in_conflict();
                if !self.known.contains_key(&refused.key) {
                    self.store(&refused);
                }
                Appended::Conflict
            }
        };
        self.answers.push(answer);
    }

    fn store(&mut self, record: &NewRecord<'a>) -> Appended {
        let position = self.head.end;
        let received_millis = self.head.receipts.advance(record.partition, record.received_millis);
        self.records.push((position, NewRecord { received_millis, ..*record }));
        self.known.insert(record.key, record.content);
        self.head.end = position.next();
        self.head.bytes = self.head.bytes.saturating_add(record.text_bytes() as u64);
        Appended::Stored { position, received_millis }
    }
}

/// Records as rows, in the order of the table's key: what goes to one place in it comes together.
fn rows(mut records: Vec<(Position, NewRecord<'_>)>) -> Rows {
    records.sort_unstable_by_key(|(position, record)| (record.partition, record.user, *position));
    let mut rows = Rows::of(FIELDS);
    for (position, record) in records {
        let (kind, reason) = format::kind_numbers(record.kind);
        rows.row()
            .int4(record.partition.map_or(EVERYWHERE, i32::from))
            .bytes(record.user.as_bytes())
            .int8(number(position.0))
            .int2(i16::from(kind))
            .int2(i16::from(reason))
            .int8(record.received_millis)
            .bytes(&record.key.0)
            .bytes(&record.content.0)
            .bytes(record.note.as_bytes())
            .bytes(record.body);
    }
    rows
}

/// Rows as a page of consecutive records from a place on.
fn page(from: Position, rows: &[Row]) -> Result<Page, Fault> {
    let mut payload = Vec::new();
    let mut next = from;
    for row in rows {
        if Position(count(row.try_get(0)?)) != next {
            return Err(Fault::Damaged("a record of the log is missing"));
        }
        format::encode_record(&mut payload, &stored(row)?, None);
        next = next.next();
    }
    let length = u32::try_from(rows.len()).map_err(|_| Fault::Damaged("a page is too long"))?;
    Ok(Page::new(from, length, payload))
}

fn stored(row: &Row) -> Result<NewRecord<'_>, Fault> {
    let partition: i32 = row.try_get(1)?;
    let (kind, reason): (i16, i16) = (row.try_get(3)?, row.try_get(4)?);
    let byte = |number: i16| u8::try_from(number).unwrap_or(u8::MAX);
    Ok(NewRecord {
        kind: format::kind_of(byte(kind), byte(reason))
            .ok_or(Fault::Damaged("a record is of no known kind"))?,
        partition: u16::try_from(partition).ok(),
        user: text(row.try_get(2)?)?,
        received_millis: row.try_get(5)?,
        key: row.try_get(6)?,
        content: row.try_get(7)?,
        note: text(row.try_get(8)?)?,
        body: row.try_get(9)?,
    })
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(bytes).map_err(|_| Fault::Damaged("a text of a record is no UTF-8"))
}
