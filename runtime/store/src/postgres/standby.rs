//! Commits that are held back because a synchronous standby is away.
//!
//! PostgreSQL then lets whoever commits wait, for as long as it takes, and says nothing. So whoever waits for long looks
//! from beside, over another connection, what for. What is held back is on the primary's disk: it is committed when a
//! standby is there again, whether somebody still waits for it or not. Until then its connection is taken on the server:
//! while anything is known to be held back nothing more is begun that would be.
//!
//! So that nothing waits that need not, connections wait for no standby, and what is to last says so.

use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::Client;

use super::error::Fault;
use super::server::{Server, Way};

/// What is committed is on the server's own disk, and no standby is waited for.
pub const WAITING_FOR_NO_STANDBY: &str = "SET synchronous_commit = local; ";

/// A transaction whose commit is where the server is configured to have it.
const BEGIN_LASTING: &str = "BEGIN; SET LOCAL synchronous_commit TO DEFAULT";
/// A commit that takes longer is looked at; without a standby one takes some milliseconds.
const LOOKED_AFTER: Duration = Duration::from_secs(2);
/// What waits for a standby for longer is held back: one that is there takes some milliseconds.
const HELD_BACK_AFTER: Duration = Duration::from_millis(250);
/// The time between two looks.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// The longest that a look may take.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// The standbys that commits wait for, while they do.
#[derive(Default, Clone)]
pub struct HeldBack(watch::Sender<Option<String>>);

impl HeldBack {
    /// What keeps commits back, if anything does.
    pub fn fault(&self) -> Option<Fault> {
        self.0.borrow().clone().map(|standbys| Fault::HeldBack { standbys })
    }

    /// Waits until nothing is held back any more.
    async fn released(&self) {
        // The sender is this value's own.
        let _ = self.0.subscribe().wait_for(Option::is_none).await;
    }

    /// Notes what is waited for; says whether that is new.
    fn note(&self, standbys: &str) -> bool {
        self.0.send_replace(Some(standbys.to_owned())).is_none()
    }

    /// Looks until nothing is held back any more.
    async fn watch(self, way: Way) {
        loop {
            tokio::time::sleep(LOOKED_EVERY).await;
            match look(&way).await {
                Some(standbys) => self.note(&standbys),
                None => break,
            };
        }
        self.0.send_replace(None);
    }
}

impl Server {
    /// Waits, for a time, until nothing is held back that is known to be.
    pub(super) async fn let_through(&self, patience: Duration) -> Result<(), Fault> {
        let Some(fault) = self.held_back.fault() else { return Ok(()) };
        tokio::select! {
            () = self.held_back.released() => Ok(()),
            () = tokio::time::sleep(patience) => Err(fault),
            () = self.closing() => Err(fault),
        }
    }

    /// Waits until something has been held back for as long as somebody is ready to wait, or until the store is closed;
    /// where nothing is held back, for ever. Meanwhile it is said why whoever asks waits.
    pub(super) async fn held_back(&self, patience: Duration) -> Fault {
        tokio::time::sleep(LOOKED_AFTER).await;
        let mut waited = LOOKED_AFTER;
        loop {
            if let Some(fault) = self.look_for_standbys().await
                && (waited >= patience || self.is_closed())
            {
                return fault;
            }
            tokio::time::sleep(LOOKED_EVERY).await;
            waited = waited.saturating_add(LOOKED_EVERY);
        }
    }

    /// What holds commits back, if anything does. It is known from then on, until it is over.
    pub(super) async fn look_for_standbys(&self) -> Option<Fault> {
        let standbys = look(self.way()).await?;
        if self.held_back.note(&standbys) {
            self.handle().spawn(self.held_back.clone().watch(self.way().clone()));
        }
        Some(Fault::HeldBack { standbys })
    }
}

/// Does something in a transaction that lasts: what it commits is where the server is configured to have it.
pub async fn lasting<T>(client: &Client, work: impl AsyncFnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    transacted(client, BEGIN_LASTING, work).await
}

/// Does something in a transaction that waits for no standby, as connections do.
pub async fn passing<T>(client: &Client, work: impl AsyncFnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    transacted(client, "BEGIN", work).await
}

async fn transacted<T>(
    client: &Client,
    begin: &str,
    work: impl AsyncFnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    client.batch_execute(begin).await?;
    let worked = work().await;
    match &worked {
        Ok(_) => client.batch_execute("COMMIT").await?,
        // Where not even this can be said the connection is gone, and the transaction with it.
        Err(_) => drop(client.batch_execute("ROLLBACK").await),
    }
    worked
}

/// The standbys that something is held back for.
async fn look(way: &Way) -> Option<String> {
    let look = async { missing(&way.dedicated(LOOK_MAX).await?).await };
    // A server that does not answer now is no reason.
    tokio::time::timeout(LOOK_MAX, look).await.ok()?.ok()?
}

async fn missing(client: &Client) -> Result<Option<String>, Fault> {
    let select = "SELECT current_setting('synchronous_standby_names') FROM pg_stat_activity \
         WHERE wait_event = 'SyncRep' AND datname = current_database() \
         AND state_change < clock_timestamp() - $1 * interval '1 s' LIMIT 1";
    let row = client.query_opt(select, &[&HELD_BACK_AFTER.as_secs_f64()]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
