//! The log in PostgreSQL: a row for each record, places without gaps, any number of nodes that append.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

use super::copy::{Rows, count, number};
use super::error::Fault;
use super::head::Head;
use super::hints::{Hint, tell};
use super::reading::{EVERYWHERE, Stretch, stored};
use super::recent::Recent;
use super::server::{Parameters, Server};
use super::standby::lasting;
use crate::embedded::format;
use crate::log::{AppendError, Log, Needed, OpenError, Page, ReadError, Statistics};
use crate::record::{Appended, Digest, Kind, NewRecord, OwnedRecord, Position, Record, partition_of};

/// The longest that an append waits for a server that cannot be used: whoever sent the records is told then.
const APPENDED_WITHIN: Duration = Duration::from_secs(5);
/// The longest that a reader waits.
const READ_WITHIN: Duration = Duration::from_secs(300);
/// The longest that whoever looks how far others have come waits for a server that cannot be used: somebody asks.
const LOOKED_WITHIN: Duration = Duration::from_secs(2);
/// Columns of the log.
const FIELDS: i16 = 10;

/// The log in a database.
pub struct PostgresLog {
    server: Arc<Server>,
    partitions: u16,
    /// As far as it is known here.
    head: Mutex<Head>,
    /// What was appended here.
    recent: Mutex<Recent>,
    /// Whether of the last batch nothing was there already.
    was_new: AtomicBool,
}

/// How ids are claimed.
#[derive(Clone, Copy)]
enum Claiming {
    /// As if none of them were known, by COPY; where one is, nothing is claimed.
    AllNew,
    /// Those that are not known, at twice the cost.
    Unknown,
}

/// What was appended, once it is there.
struct Group {
    head: Head,
    answers: Vec<Appended>,
    /// What is new of it.
    page: Option<Page>,
}

/// What becomes of a record, but for its place.
enum Decided<'a> {
    New(NewRecord<'a>),
    Duplicate,
    /// With the record under which it is kept, unless that is there already.
    Conflict(Option<NewRecord<'a>>),
}

impl Decided<'_> {
    fn is_new(&self) -> bool {
        matches!(self, Self::New(_) | Self::Conflict(Some(_)))
    }
}

impl PostgresLog {
    /// Opens the log of a database, or makes one.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn open(server: Arc<Server>, partitions: u16) -> Result<Self, OpenError> {
        let opened = server.commit(Duration::ZERO, async |client| {
            lasting(client, async || Head::open(client, partitions).await).await
        });
        let head = opened.map_err(|fault| fault.opening(server.place()))?;
        Ok(Self {
            partitions: head.partitions,
            head: Mutex::new(head),
            recent: Mutex::default(),
            was_new: AtomicBool::new(true),
            server,
        })
    }

    /// Looks how far others have brought the log.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn refresh(&self) -> Result<Position, ReadError> {
        let head = self.server.work(LOOKED_WITHIN, async |client| Head::look(client).await);
        self.note(head.map_err(|fault| fault.reading(self.server.place()))?);
        Ok(self.end())
    }

    fn note(&self, head: Head) {
        let mut known = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if head.end >= known.end {
            *known = head;
        }
    }

    /// Appends what is new. What comes twice mostly comes with more of its kind: as long as something does, it is asked for.
    async fn append_by(&self, client: &ClientWrapper, batch: &[NewRecord<'_>]) -> Result<Group, Fault> {
        if self.was_new.load(Ordering::Relaxed) {
            match append(client, batch, Claiming::AllNew).await {
                Err(fault) if fault.is_of_known_key() => {}
                appended => return appended,
            }
        }
        let group = append(client, batch, Claiming::Unknown).await?;
        let is_stored = |answer: &Appended| matches!(answer, Appended::Stored { .. });
        self.was_new.store(group.answers.iter().all(is_stored), Ordering::Relaxed);
        Ok(group)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
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
        let appended =
            self.server.commit(APPENDED_WITHIN, async |client| self.append_by(client, batch).await);
        let Group { head, answers, page } = appended.map_err(|fault| fault.appending(self.server.place()))?;
        // Whoever sees the log's end finds the page.
        page.into_iter().for_each(|page| self.recent().keep(page));
        self.note(head);
        Ok(answers)
    }

    fn end(&self) -> Position {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).end
    }

    fn read(&self, from: Position) -> Result<Page, ReadError> {
        self.read_needed(from, &Needed::Everything)
    }

    fn read_needed(&self, from: Position, needed: &Needed) -> Result<Page, ReadError> {
        let end = self.end();
        let kept = {
            let recent = self.recent();
            recent.page(from).ok_or_else(|| recent.next(from).map_or(end, |next| next.min(end)))
        };
        let end = match kept {
            Ok(page) => return Ok(page),
            Err(end) => end,
        };
        let Some(stretch) = Stretch::from(from, end, needed, self.partitions) else {
            return Ok(Page::empty(from));
        };
        let page = self.server.work(READ_WITHIN, async |client| stretch.read(client).await);
        page.map_err(|fault| fault.reading(self.server.place()))
    }

    fn read_at(&self, places: &[Position]) -> Result<Vec<OwnedRecord>, ReadError> {
        let select = "SELECT position, partition, user_id, kind, reason, received, key, content, note, body \
             FROM log WHERE position = ANY($1) ORDER BY position";
        let places: Vec<i64> = places.iter().map(|place| number(place.0)).collect();
        self.records(select, &[&places])
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
async fn append(client: &ClientWrapper, batch: &[NewRecord<'_>], claiming: Claiming) -> Result<Group, Fault> {
    let (head, answers, records) = lasting(client, async || {
        // Others may have the head while ids are claimed, which costs as much as the records themselves. Whoever has the head
        // waits for nobody.
        let decided = decide(batch, claim_all(client, batch, claiming).await?);
        let is_new = decided.iter().any(Decided::is_new);
        let mut head = if is_new { Head::lock(client).await? } else { Head::look(client).await? };
        let (records, answers) = place(decided, &mut head);
        if is_new {
            rows(&records).copy(client, "log").await?;
            head.groups = head.groups.saturating_add(1);
            head.write(client).await?;
        }
        Ok((head, answers, records))
    })
    .await?;
    if !records.is_empty() {
        tell(client, Hint::Log(head.end.0)).await;
    }
    Ok(Group { head, answers, page: page(&records) })
}

/// Notes the keys of a batch as those of records that are about to be appended, and those under which some are refused;
/// gives the ones that were there before, with what they stand for.
async fn claim_all(
    client: &ClientWrapper,
    batch: &[NewRecord<'_>],
    claiming: Claiming,
) -> Result<HashMap<Digest, Digest>, Fault> {
    // Earlier versions wrote how long the log was, which is never negative.
    let claim_number = -fastrand::i64(1..i64::MAX);
    let mut first = first_of_each(batch);
    let mut known = HashMap::new();
    if let Claiming::AllNew = claiming {
        first.extend(conflicts(batch, &known, &first));
        copy_all(client, claim_number, &first).await?;
        return Ok(known);
    }
    known.extend(claim(client, claim_number, &first).await?);
    let refused = conflicts(batch, &known, &first);
    if !refused.is_empty() {
        known.extend(claim(client, claim_number, &refused).await?);
    }
    Ok(known)
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

/// In the order of the index neighbours are found together, and of two who claim the same nobody waits for the other one who
/// waits for it.
fn in_order(ids: &HashMap<Digest, Digest>) -> Vec<(&Digest, &Digest)> {
    let mut sorted: Vec<(&Digest, &Digest)> = ids.iter().collect();
    sorted.sort_unstable();
    sorted
}

/// Notes keys under the number of a claim; fails where one of them is there.
async fn copy_all(
    client: &ClientWrapper,
    claim_number: i64,
    ids: &HashMap<Digest, Digest>,
) -> Result<(), Fault> {
    let mut rows = Rows::of(3);
    for (key, content) in in_order(ids) {
        rows.row().bytes(&key.0).bytes(&content.0).int8(claim_number);
    }
    rows.copy(client, "log_ids").await
}

/// Notes keys under the number of a claim, unless they are there; gives those that are there under another one.
async fn claim(
    client: &ClientWrapper,
    claim_number: i64,
    ids: &HashMap<Digest, Digest>,
) -> Result<HashMap<Digest, Digest>, Fault> {
    let (keys, contents): (Vec<&Digest>, Vec<&Digest>) = in_order(ids).into_iter().unzip();
    let insert = "INSERT INTO log_ids (key, content, since) \
                  SELECT key, content, $3 FROM unnest($1::uuid[], $2::uuid[]) AS ids (key, content) ON CONFLICT DO NOTHING";
    let insert = client.prepare_cached(insert).await?;
    if client.execute(&insert, &[&keys, &contents, &claim_number]).await? == keys.len() as u64 {
        return Ok(HashMap::new());
    }
    let select = "SELECT key, ids.content FROM unnest($1::uuid[]) AS claimed (key) JOIN log_ids AS ids USING (key) \
         WHERE since <> $2";
    let rows = client.query(select, &[&keys, &claim_number]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// What becomes of each record of a batch, where some keys are known already and stand for something.
fn decide<'a>(batch: &[NewRecord<'a>], mut known: HashMap<Digest, Digest>) -> Vec<Decided<'a>> {
    let decide = |record: &NewRecord<'a>| match known.get(&record.key) {
        None => {
            known.insert(record.key, record.content);
            Decided::New(*record)
        }
        Some(content) if *content == record.content => Decided::Duplicate,
        Some(_) => {
            let refused = record.in_conflict();
            let is_new = known.insert(refused.key, refused.content).is_none();
            Decided::Conflict(is_new.then_some(refused))
        }
    };
    batch.iter().map(decide).collect()
}

/// Gives what is new its places from the head on, and times of receipt; says what became of each record.
fn place<'a>(decided: Vec<Decided<'a>>, head: &mut Head) -> (Vec<(Position, NewRecord<'a>)>, Vec<Appended>) {
    let (mut records, mut answers) = (Vec::with_capacity(decided.len()), Vec::with_capacity(decided.len()));
    let mut store = |record: NewRecord<'a>| {
        let position = head.end;
        let received_millis = head.receipts.advance(record.partition, record.received_millis);
        head.end = position.next();
        head.bytes = head.bytes.saturating_add(record.text_bytes() as u64);
        records.push((position, NewRecord { received_millis, ..record }));
        Appended::Stored { position, received_millis }
    };
    for decided in decided {
        answers.push(match decided {
            Decided::New(record) => store(record),
            Decided::Duplicate => Appended::Duplicate,
            Decided::Conflict(refused) => {
                refused.map(&mut store);
                Appended::Conflict
            }
        });
    }
    (records, answers)
}

/// Records as rows, in the order of the table's key: what goes to one place in it comes together.
fn rows(records: &[(Position, NewRecord<'_>)]) -> Rows {
    let mut sorted: Vec<_> = records.iter().collect();
    sorted.sort_unstable_by_key(|(position, record)| (record.partition, record.user, *position));
    let mut rows = Rows::of(FIELDS);
    for (position, record) in sorted {
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

/// Records as those read them who follow the log; none where there are none.
fn page(records: &[(Position, NewRecord<'_>)]) -> Option<Page> {
    let (first, _) = records.first()?;
    let mut payload = Vec::new();
    for (_, record) in records {
        format::encode_record(&mut payload, record, None);
    }
    Some(Page::new(*first, u32::try_from(records.len()).ok()?, payload))
}
