//! Hints of what others did, by LISTEN and NOTIFY. They come at once, or not at all: whoever needs to know looks, too.
//!
//! A hint is a transaction of its own, after the one that it tells of: whoever tells holds a lock of the whole server's
//! until its commit is over, and that may wait for a standby that is away.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::copy::count;
use super::error::Fault;
use super::server::Server;
use super::tls::Private;

/// The wait before a connection that broke is made again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The longest that a hint waits for hints of others, in milliseconds.
const TOLD_MILLIS_MAX: u32 = 100;

/// What others are told.
#[derive(Debug, Clone, Copy)]
pub enum Hint {
    /// The log has come to here.
    Log(u64),
    /// The outbox has come to here.
    Outbox(u64),
    /// Something changed among nodes and leases.
    Nodes,
}

/// Has others look at once, if that can be done at once. Nothing of it is to last.
pub async fn tell(client: &Client, hint: Hint) {
    let said = match hint {
        Hint::Log(end) => format!("log {end}"),
        Hint::Outbox(end) => format!("outbox {end}"),
        Hint::Nodes => "nodes".to_owned(),
    };
    let tell = format!(
        "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = {TOLD_MILLIS_MAX}; \
         SELECT pg_notify('aquarium_' || md5(current_schema()), '{said}'); COMMIT"
    );
    if client.batch_execute(&tell).await.is_err() {
        // They look by themselves, too. A transaction that has failed ends here.
        drop(client.batch_execute("ROLLBACK").await);
    }
}

/// What others did, as far as it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// The log has come to here.
    pub log: u64,
    /// The outbox has come to here.
    pub outbox: u64,
    /// So often something changed among nodes and leases.
    pub nodes: u64,
}

/// Hears until this is dropped.
pub struct Hints {
    heard: watch::Receiver<Heard>,
    hearing: tokio::task::JoinHandle<()>,
}

impl Hints {
    /// Begins to listen.
    pub fn listen(server: &Arc<Server>) -> Self {
        let (teller, heard) = watch::channel(Heard::default());
        let server_of_task = server.clone();
        let hearing = server.handle().spawn(async move {
            loop {
                // Whatever ends it, another connection is made.
                let ended = listen(&server_of_task, &teller).await;
                drop(ended);
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        });
        Self { heard, hearing }
    }

    /// What is heard, and when there is more.
    pub fn heard(&self) -> watch::Receiver<Heard> {
        self.heard.clone()
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

async fn listen(server: &Server, teller: &watch::Sender<Heard>) -> Result<(), Fault> {
    let (client, connection) = server.connection().await?;
    let hear = hear(connection, teller.clone());
    let ask = async {
        client.batch_execute(server.settings()).await?;
        let channel = client.query_one("SELECT 'aquarium_' || md5(current_schema())", &[]).await?;
        let channel: String = channel.try_get(0)?;
        client.batch_execute(&format!("LISTEN \"{channel}\"")).await?;
        // Something may have happened before.
        teller.send_modify(|heard| heard.nodes = heard.nodes.wrapping_add(1));
        std::future::pending::<Result<(), Fault>>().await
    };
    tokio::select! {
        heard = hear => heard,
        asked = ask => asked,
    }
}

async fn hear(
    mut connection: Connection<Socket, Private>,
    teller: watch::Sender<Heard>,
) -> Result<(), Fault> {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message? {
            teller.send_modify(|heard| heard.take(notification.payload()));
        }
    }
    Ok(())
}

impl Heard {
    fn take(&mut self, said: &str) {
        let (what, place) = said.split_once(' ').unwrap_or((said, ""));
        let place = place.parse().map_or(0, count);
        match what {
            "log" => self.log = self.log.max(place),
            "outbox" => self.outbox = self.outbox.max(place),
            "nodes" => self.nodes = self.nodes.wrapping_add(1),
            // A newer program may have more to say.
            _ => {}
        }
    }
}
