//! The tables, version by version: forward only, each in a transaction of its own.

use tokio_postgres::{Client, GenericClient};

use super::error::Fault;

/// What is done for each version, the first one first. What was released is never changed.
const MIGRATIONS: [&str; 2] = [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Makes the schema and brings its tables to this program's version. Whoever comes at the same time waits.
pub async fn migrate(client: &mut Client, schema: &str) -> Result<(), Fault> {
    let name = quoted(schema);
    loop {
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock(hashtext($1))", &[&lock_name(schema)]).await?;
        transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {name}")).await?;
        let found = version(&transaction).await?;
        let migration = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found));
        match migration {
            None if found > known() => return Err(Fault::Newer { found, known: known() }),
            None => return Ok(()),
            Some(migration) => {
                transaction.batch_execute(migration).await?;
                transaction.execute("UPDATE schema_version SET version = $1", &[&(found + 1)]).await?;
                transaction.commit().await?;
            }
        }
    }
}

/// Refuses tables of another version than this program's.
pub async fn check(client: &Client) -> Result<(), Fault> {
    let found = client.query_one("SELECT version FROM schema_version", &[]).await?.try_get(0)?;
    match found == known() {
        true => Ok(()),
        false => Err(Fault::Newer { found, known: known() }),
    }
}

fn known() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

async fn version(client: &impl GenericClient) -> Result<i32, Fault> {
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version \
             (single boolean PRIMARY KEY DEFAULT true CHECK (single), version int4 NOT NULL); \
             INSERT INTO schema_version (version) VALUES (0) ON CONFLICT DO NOTHING",
        )
        .await?;
    Ok(client.query_one("SELECT version FROM schema_version", &[]).await?.try_get(0)?)
}

/// The lock of a schema is none of any other program's.
fn lock_name(schema: &str) -> String {
    format!("aquarium {schema}")
}

/// A name as SQL has it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
