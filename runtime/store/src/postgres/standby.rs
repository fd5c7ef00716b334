//! Commits that are held back because a synchronous standby is away.
//!
//! PostgreSQL then lets whoever commits wait, for as long as it takes, and says nothing. So whoever waits for long looks
//! from beside, over another connection, what for. What is held back is on the primary's disk: it is committed when a
//! standby is there again, whether somebody still waits for it or not.
//!
//! So that nothing waits that need not, connections wait for no standby, and what is to last says so: even a connection
//! that begins or ends would wait, for its own temporary tables.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Client;

use super::error::Fault;
use super::server::Server;

/// What is committed is on the server's own disk, and no standby is waited for.
pub const WAITING_FOR_NO_STANDBY: &str = "SET synchronous_commit = local; ";
/// What this transaction commits is where the server is configured to have it.
pub const WAITING_FOR_STANDBYS: &str = "SET LOCAL synchronous_commit TO DEFAULT";

/// A commit that takes longer is looked at; without a standby one takes some milliseconds.
const LOOKED_AFTER: Duration = Duration::from_secs(2);
/// The time between two looks.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// The longest that a look may take.
const LOOK_MAX: Duration = Duration::from_secs(2);

impl Server {
    /// Waits until something has been held back for as long as somebody is ready to wait, or until the store is closed;
    /// where nothing is held back, for ever. Meanwhile it is said why whoever asks waits.
    pub(super) async fn held_back(&self, patience: Duration) -> Fault {
        tokio::time::sleep(LOOKED_AFTER).await;
        let mut waited = LOOKED_AFTER;
        loop {
            if let Some(fault) = self.look_for_standbys(LOOKED_EVERY).await {
                self.note_held_back(Some(fault.words()));
                if waited >= patience || self.is_closed() {
                    return fault;
                }
            }
            tokio::time::sleep(LOOKED_EVERY).await;
            waited = waited.saturating_add(LOOKED_EVERY);
        }
    }

    /// What holds commits back for longer than a time, if anything does.
    pub(super) async fn look_for_standbys(&self, longer_than: Duration) -> Option<Fault> {
        let look = async { missing(&self.dedicated(LOOK_MAX).await?, longer_than).await };
        // A server that does not answer now is no reason.
        tokio::time::timeout(LOOK_MAX, look).await.ok()?.ok()?
    }
}

/// Begins a transaction that lasts: what it commits is where the server is configured to have it.
pub async fn lasting(client: &mut Object) -> Result<Transaction<'_>, Fault> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(WAITING_FOR_STANDBYS).await?;
    Ok(transaction)
}

async fn missing(client: &Client, longer_than: Duration) -> Result<Option<Fault>, Fault> {
    let select = "SELECT current_setting('synchronous_standby_names') FROM pg_stat_activity \
         WHERE wait_event = 'SyncRep' AND datname = current_database() \
         AND state_change < clock_timestamp() - $1 * interval '1 s' LIMIT 1";
    let row = client.query_opt(select, &[&longer_than.as_secs_f64()]).await?;
    row.map(|row| Ok(Fault::HeldBack { standbys: row.try_get(0)? })).transpose()
}
