//! A batch of derived state, as one transaction.
//!
//! Rows take the place of those that were there, some thousands at once, as arrays of their columns: a statement for each
//! row would wait for the server each time, and a table of the connection's own, into which they are copied first, is work
//! for the server besides.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::ClientWrapper;

use super::copy::{Rows, count, number};
use super::error::Fault;
use super::hints::{Hint, tell};
use super::leases;
use super::server::Parameters;
use super::standby::lasting;
use crate::derived::{Announcement, Batch, OutboxPlace, Owner, UserWrite};

/// Tables of what the log yields again of users.
const OF_USERS: [&str; 3] = ["users", "parts", "lines"];
/// Bytes after which another statement begins: a message to the server has a gigabyte at most.
const BYTES_AT_ONCE: usize = 64 << 20;

/// Writes a batch; gives the outbox's end where it moved.
pub async fn write(client: &ClientWrapper, batch: &Batch) -> Result<Option<OutboxPlace>, Fault> {
    // All of it lasts, though the log yields most of it again: whoever wrote it goes on by what is written, with cursors
    // first of all, and a server that loses its last moments may be another one by then.
    let end = lasting(client, async || {
        leases::compare(client, &batch.fences).await?;
        for users in each_once(&batch.users) {
            write_users(client, users).await?;
        }
        let end = announce(client, &batch.users).await?;
        write_cursors(client, batch).await?;
        Ok(end)
    })
    .await?;
    if let Some(end) = end {
        tell(client, Hint::Outbox(end.0)).await;
    }
    Ok(end)
}

/// Parts of a list in which nobody is twice: a statement puts each row in its place once. None has many more bytes than a
/// statement may well have.
fn each_once(mut users: &[UserWrite]) -> impl Iterator<Item = &[UserWrite]> {
    std::iter::from_fn(move || {
        let (mut seen, mut bytes) = (HashSet::new(), 0_usize);
        let ends = users.iter().position(|user| {
            let is_full = bytes >= BYTES_AT_ONCE;
            bytes = bytes.saturating_add(user.bytes());
            is_full || !seen.insert((user.partition, user.user.as_str()))
        });
        let (first, rest) = users.split_at_checked(ends.unwrap_or(users.len()))?;
        users = rest;
        (!first.is_empty()).then_some(first)
    })
}

async fn write_users(client: &ClientWrapper, users: &[UserWrite]) -> Result<(), Fault> {
    remove_afresh(client, users).await?;
    remove_parts(client, users).await?;
    // In the order of the tables' keys neighbours are found together.
    let mut sorted: Vec<&UserWrite> = users.iter().collect();
    sorted.sort_unstable_by_key(|user| (user.partition, user.user.as_bytes()));
    put_images(client, &sorted).await?;
    put_parts(client, &sorted).await?;
    put_lines(client, &sorted).await
}

async fn put_images(client: &ClientWrapper, users: &[&UserWrite]) -> Result<(), Fault> {
    let owners: Vec<Owner<'_>> = users.iter().map(|user| user.owner()).collect();
    let (partitions, ids) = columns(&owners);
    let images: Vec<&[u8]> = users.iter().map(|user| &*user.image).collect();
    let put = "INSERT INTO users SELECT * FROM unnest($1::int4[], $2::bytea[], $3::bytea[]) \
         ON CONFLICT (partition, user_id) DO UPDATE SET image = excluded.image";
    execute(client, put, &[&partitions, &ids, &images]).await
}

async fn put_parts(client: &ClientWrapper, users: &[&UserWrite]) -> Result<(), Fault> {
    let (mut owners, mut numbers, mut findings, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for user in users {
        for (part, number) in user.parts.iter().zip(i64::from(user.first_part)..) {
            owners.push(user.owner());
            numbers.push(number);
            findings.push(part.findings);
            bytes.push(&*part.bytes);
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let (partitions, ids) = columns(&owners);
    let put = "INSERT INTO parts SELECT * FROM unnest($1::int4[], $2::bytea[], $3::int8[], $4::boolean[], $5::bytea[]) \
         ON CONFLICT (partition, user_id, number) DO UPDATE SET findings = excluded.findings, bytes = excluded.bytes";
    execute(client, put, &[&partitions, &ids, &numbers, &findings, &bytes]).await
}

async fn put_lines(client: &ClientWrapper, users: &[&UserWrite]) -> Result<(), Fault> {
    let (mut owners, mut firsts, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for user in users {
        if let Some((first, block)) = &user.lines {
            owners.push(user.owner());
            firsts.push(number(*first));
            blocks.push(&**block);
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let (partitions, ids) = columns(&owners);
    let put = "INSERT INTO lines SELECT * FROM unnest($1::int4[], $2::bytea[], $3::int8[], $4::bytea[]) \
         ON CONFLICT (partition, user_id, first) DO UPDATE SET block = excluded.block";
    execute(client, put, &[&partitions, &ids, &firsts, &blocks]).await
}

/// Executes a statement that is executed often.
async fn execute(client: &ClientWrapper, statement: &str, parameters: Parameters<'_>) -> Result<(), Fault> {
    let statement = client.prepare_cached(statement).await?;
    client.execute(&statement, parameters).await?;
    Ok(())
}

async fn remove_afresh(client: &ClientWrapper, users: &[UserWrite]) -> Result<(), Fault> {
    let afresh: Vec<Owner<'_>> = users.iter().filter(|user| user.afresh).map(UserWrite::owner).collect();
    if afresh.is_empty() {
        return Ok(());
    }
    let (partitions, ids) = columns(&afresh);
    for table in OF_USERS {
        let delete = format!(
            "DELETE FROM {table} AS gone USING unnest($1::int4[], $2::bytea[]) AS owner (partition, user_id) \
             WHERE gone.partition = owner.partition AND gone.user_id = owner.user_id"
        );
        client.execute(&delete, &[&partitions, &ids]).await?;
    }
    Ok(())
}

/// Removes the parts that no others take the place of.
async fn remove_parts(client: &ClientWrapper, users: &[UserWrite]) -> Result<(), Fault> {
    let end = |user: &UserWrite| i64::from(user.first_part) + number(user.parts.len() as u64);
    let shorter: Vec<&UserWrite> =
        users.iter().filter(|user| end(user) < i64::from(user.parts_before)).collect();
    if shorter.is_empty() {
        return Ok(());
    }
    let owners: Vec<Owner<'_>> = shorter.iter().map(|user| user.owner()).collect();
    let (partitions, ids) = columns(&owners);
    let ends: Vec<i64> = shorter.iter().map(|user| end(user)).collect();
    let before: Vec<i64> = shorter.iter().map(|user| i64::from(user.parts_before)).collect();
    let delete = "DELETE FROM parts AS gone \
         USING unnest($1::int4[], $2::bytea[], $3::int8[], $4::int8[]) AS owner (partition, user_id, first, before) \
         WHERE gone.partition = owner.partition AND gone.user_id = owner.user_id \
         AND gone.number >= owner.first AND gone.number < owner.before";
    client.execute(delete, &[&partitions, &ids, &ends, &before]).await?;
    Ok(())
}

/// Adds announcements to the outbox, each once, and moves its end.
async fn announce(client: &ClientWrapper, users: &[UserWrite]) -> Result<Option<OutboxPlace>, Fault> {
    let announcing: Vec<&UserWrite> = users.iter().filter(|user| !user.announcements.is_empty()).collect();
    if announcing.is_empty() {
        return Ok(None);
    }
    let row = client.query_one("SELECT place FROM outbox_head FOR UPDATE", &[]).await?;
    let mut end = OutboxPlace(count(row.try_get(0)?));
    let owners: Vec<Owner<'_>> = announcing.iter().map(|user| user.owner()).collect();
    let mut last = last_announced(client, &owners).await?;
    let mut items = Rows::of(5);
    let mut told: HashMap<Owner<'_>, &Announcement> = HashMap::new();
    for user in announcing {
        for announcement in &user.announcements {
            let known = last.get(&user.owner()).copied();
            if known.is_some_and(|known| announcement.sequence <= known) {
                continue;
            }
            last.insert(user.owner(), announcement.sequence);
            told.insert(user.owner(), announcement);
            end = OutboxPlace(end.0.saturating_add(1));
            items
                .row()
                .int8(number(end.0))
                .int4(i32::from(user.partition))
                .bytes(user.user.as_bytes())
                .int8(number(announcement.sequence))
                .bytes(&announcement.body);
        }
    }
    if items.count() > 0 {
        items.copy(client, "outbox").await?;
        client.execute("UPDATE outbox_head SET place = $1", &[&number(end.0)]).await?;
        remember(client, &told).await?;
    }
    Ok(Some(end))
}

async fn last_announced<'a>(
    client: &ClientWrapper,
    owners: &[Owner<'a>],
) -> Result<HashMap<Owner<'a>, u64>, Fault> {
    let (partitions, ids) = columns(owners);
    let select = "SELECT owner.place, announced.sequence \
         FROM unnest($1::int4[], $2::bytea[]) WITH ORDINALITY AS owner (partition, user_id, place) \
         JOIN announced USING (partition, user_id)";
    let rows = client.query(select, &[&partitions, &ids]).await?;
    let mut last = HashMap::new();
    for row in rows {
        let place: i64 = row.try_get(0)?;
        let owner = usize::try_from(place).ok().and_then(|place| owners.get(place.checked_sub(1)?));
        if let Some(owner) = owner {
            last.insert(*owner, count(row.try_get(1)?));
        }
    }
    Ok(last)
}

async fn remember(client: &ClientWrapper, told: &HashMap<Owner<'_>, &Announcement>) -> Result<(), Fault> {
    let owners: Vec<Owner<'_>> = told.keys().copied().collect();
    let (partitions, ids) = columns(&owners);
    let sequences: Vec<i64> = told.values().map(|announcement| number(announcement.sequence)).collect();
    let bodies: Vec<&[u8]> = told.values().map(|announcement| announcement.body.as_slice()).collect();
    let upsert = "INSERT INTO announced (partition, user_id, sequence, body) \
         SELECT * FROM unnest($1::int4[], $2::bytea[], $3::int8[], $4::bytea[]) \
         ON CONFLICT (partition, user_id) DO UPDATE SET sequence = excluded.sequence, body = excluded.body";
    client.execute(upsert, &[&partitions, &ids, &sequences, &bodies]).await?;
    Ok(())
}

async fn write_cursors(client: &ClientWrapper, batch: &Batch) -> Result<(), Fault> {
    for (position, record) in &batch.shared {
        let put = "INSERT INTO shared VALUES ($1, $2) ON CONFLICT (position) DO UPDATE SET record = excluded.record";
        client.execute(put, &[&number(position.0), record]).await?;
    }
    if !batch.folded.is_empty() {
        let partitions: Vec<i32> = batch.folded.iter().map(|(partition, _)| i32::from(*partition)).collect();
        let positions: Vec<i64> = batch.folded.iter().map(|(_, position)| number(position.0)).collect();
        let put = "INSERT INTO folded SELECT * FROM unnest($1::int4[], $2::int8[]) \
             ON CONFLICT (partition) DO UPDATE SET position = excluded.position";
        client.execute(put, &[&partitions, &positions]).await?;
    }
    for (publisher, place) in &batch.published {
        let put = "INSERT INTO published VALUES ($1, $2) ON CONFLICT (publisher) DO UPDATE SET place = excluded.place";
        client.execute(put, &[&publisher.as_bytes(), &number(place.0)]).await?;
    }
    Ok(())
}

fn columns<'a>(owners: &[Owner<'a>]) -> (Vec<i32>, Vec<&'a [u8]>) {
    owners.iter().map(|owner| (i32::from(owner.partition), owner.user.as_bytes())).unzip()
}
