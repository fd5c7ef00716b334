//! Policies among nodes: the compiled ones that were deployed, for every node; and that one is deployed at a time.

use std::time::Duration;

use tokio_postgres::Client;

use super::error::{Fault, PostgresError};
use super::server::Server;
use super::standby::lasting;

/// The longest that anybody waits for a module where the server cannot be used.
const WITHIN: Duration = Duration::from_secs(30);

/// What nobody else does meanwhile, on any node.
pub struct Exclusive {
    /// The lock ends with the connection.
    _line: Client,
}

impl Server {
    /// Waits until nobody else deploys, and keeps others from it until the answer is dropped.
    ///
    /// # Errors
    /// Where the server cannot be used, and where it takes too long.
    pub fn deploying(&self) -> Result<Exclusive, PostgresError> {
        let locked = self.wait_at_most(WITHIN, async {
            let line = self.dedicated(WITHIN).await?;
            let lock = "SELECT pg_advisory_lock(hashtext('aquarium deploys ' || current_schema()))";
            line.execute(lock, &[]).await?;
            Ok(Exclusive { _line: line })
        });
        locked.map_err(|fault| fault.opening(self.place()))
    }

    /// Keeps a module under its hash.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn keep_module(&self, hash: &str, module: &[u8]) -> Result<(), PostgresError> {
        let kept = self.commit(WITHIN, async |client| {
            let insert = "INSERT INTO modules VALUES ($1, $2) ON CONFLICT DO NOTHING";
            lasting(client, async || client.execute(insert, &[&hash, &module]).await.map_err(Fault::from))
                .await
        });
        kept.map(drop).map_err(|fault| fault.opening(self.place()))
    }

    /// The module of a hash, where it is kept.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn module(&self, hash: &str) -> Result<Option<Vec<u8>>, PostgresError> {
        let found = self.work(WITHIN, async |client| {
            let row = client.query_opt("SELECT module FROM modules WHERE hash = $1", &[&hash]).await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        });
        found.map_err(|fault| fault.opening(self.place()))
    }
}
