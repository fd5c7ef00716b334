//! Connections to a server: a pool of them, made again when they break, for threads that wait.
//!
//! Everything here is safe to do twice, so that whatever breaks in the midst is simply done again: records are known
//! by their ids, announcements by their sequence, all else is put in the place of what was there.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod,
};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::watch;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, Socket};

use super::address::{self, CONNECTING_MAX};
use super::error::{Fault, PostgresError};
use super::migrations;
use super::standby::{HeldBack, WAITING_FOR_NO_STANDBY};
use super::tls::{Privacy, Private};

/// A server of an earlier version is refused: it is no longer looked after by its makers.
const VERSION_MIN: i32 = 130_000;
/// A statement that takes longer is broken off by the server.
const STATEMENT_MILLIS_MAX: u32 = 30_000;
/// A statement that waits longer for others' locks is broken off.
const LOCK_MILLIS_MAX: u32 = 15_000;
/// A server that is asked and says nothing for so long is given up: some statements, each in its time.
const WORK_MAX: Duration = Duration::from_secs(120);
/// The first wait before something is done again; each later one is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest wait before something is done again.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Threads that pass on what servers say: they compute nothing.
const THREADS: usize = 1;

/// What a statement is told.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How to reach a server, and where in it the tables are.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgresql://user@host/database`, or `host=... dbname=...`; several hosts are tried in turn.
    pub url: String,
    /// As whom to connect; over the one in the address.
    pub user: Option<String>,
    /// The password; over the one in the address.
    pub password: Option<String>,
    /// A PEM file of the authorities that vouch for the server where the address asks for TLS; `None`: those of the system.
    pub authorities: Option<PathBuf>,
    /// The schema of the tables.
    pub schema: String,
    /// Connections, at most.
    pub connections: usize,
    /// What connections are called on the server: another name for each process.
    pub application: String,
    /// Whether the tables are brought to this program's version; else they are looked at as they are.
    pub migrates: bool,
}

/// How connections are made.
#[derive(Clone)]
pub(super) struct Way {
    config: Config,
    privacy: Privacy,
    settings: String,
}

/// A server.
pub struct Server {
    runtime: Option<Runtime>,
    handle: Handle,
    pool: Pool,
    way: Way,
    application: String,
    place: String,
    closed: watch::Sender<bool>,
    trouble: Mutex<Option<String>>,
    /// What commits wait for, while they do.
    pub(super) held_back: HeldBack,
}

impl Server {
    /// Connects, and brings the tables to this program's version.
    ///
    /// # Errors
    /// Where there is no server, where it refuses, and where its tables are newer than this program.
    pub fn connect(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let way = Way::of(options)?;
        let place = address::place(&way.config);
        let failed = |error: &dyn std::error::Error| PostgresError::Server {
            place: place.clone(),
            what: error.to_string(),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("postgresql")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let pool = pool(way.clone(), options).map_err(|error| failed(&error))?;
        let server = Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            pool,
            application: options.application.clone(),
            way,
            place: place.clone(),
            closed: watch::Sender::new(false),
            trouble: Mutex::default(),
            held_back: HeldBack::default(),
        };
        let opened = server.wait(prepare(&server.way, options));
        opened.map_err(|fault| fault.opening(&place))?;
        Ok(server)
    }

    /// The server and the database.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What keeps it from being used, while somebody waits for it.
    pub fn trouble(&self) -> Option<String> {
        let known = || self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.held_back.fault().map(|fault| fault.words()).or_else(known)
    }

    /// Nobody waits any longer for a server that does not answer.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    pub(super) async fn closing(&self) {
        // The sender is this server's own.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// A connection that is not of the pool, as it comes.
    pub(super) async fn connection(&self) -> Result<(Client, Connection<Socket, Private>), Fault> {
        self.way.connect().await
    }

    /// What every connection is told first.
    pub(super) fn settings(&self) -> &str {
        &self.way.settings
    }

    /// How connections are made.
    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// What its connections are called.
    pub(super) fn application(&self) -> &str {
        &self.application
    }

    /// A connection that is not of the pool, on which nobody waits longer for locks than a time, nor holds any for longer
    /// without a word.
    pub(super) async fn dedicated(&self, locked_max: Duration) -> Result<Client, Fault> {
        self.way.dedicated(locked_max).await
    }

    /// Waits for something, for a time.
    pub(super) fn wait_at_most<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        self.wait(async { tokio::time::timeout(patience, work).await.unwrap_or(Err(Fault::Late)) })
    }

    /// Does something that is safe to do twice, again and again for a time while the server cannot be used.
    pub(super) fn work<T>(
        &self,
        patience: Duration,
        work: impl AsyncFn(&ClientWrapper) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.again_and_again(patience, async |_| once(&self.pool, &work).await)
    }

    /// The same for something that is to last. Where that is held back for so long nobody waits for it, and nothing is
    /// begun that would be.
    pub(super) fn commit<T>(
        &self,
        patience: Duration,
        work: impl AsyncFn(&ClientWrapper) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.again_and_again(patience, async |left| {
            self.let_through(left).await?;
            tokio::select! {
                done = once(&self.pool, &work) => done,
                fault = self.held_back(left) => Err(fault),
            }
        })
    }

    /// Does something that is told how long it may take, until that is over.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time says how long to wait for a server, and nothing else"
    )]
    fn again_and_again<T>(
        &self,
        patience: Duration,
        attempt: impl AsyncFn(Duration) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let begun = Instant::now();
        let mut wait = RETRY_FIRST;
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            let fault = match self.wait(in_time(attempt(left))) {
                Ok(done) => {
                    self.note(None);
                    return Ok(done);
                }
                Err(fault) if !fault.passes() || begun.elapsed() >= patience => return Err(fault),
                Err(fault) => fault,
            };
            self.note(Some(fault.words()));
            if self.wait(self.closes_within(wait)) {
                return Err(Fault::Closed);
            }
            wait = wait.saturating_mul(2).min(RETRY_MAX);
        }
    }

    async fn closes_within(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.closing()).await.is_ok()
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Waits for something, on a thread of whatever kind: connections are served by threads of their own.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let wait = || {
            let _reactor = self.handle.enter();
            futures_executor::block_on(tokio::task::unconstrained(work))
        };
        // A thread that has tasks of others hands them on.
        match Handle::try_current().map(|current| current.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn once<T>(pool: &Pool, work: &impl AsyncFn(&ClientWrapper) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut borrowed = Borrowed { client: Some(pool.get().await?), done: false };
    let Some(client) = &borrowed.client else { return Err(Fault::Closed) };
    let worked = work(client).await;
    borrowed.done = true;
    worked
}

/// A connection of the pool. One on which something is left undone is not given back: whoever used it next would wait
/// for that first.
struct Borrowed {
    client: Option<Object>,
    done: bool,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|_| !self.done) {
            drop(Object::take(client));
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(WORK_MAX, work).await.unwrap_or(Err(Fault::Late))
}

/// Connects for the first time.
async fn prepare(way: &Way, options: &PostgresOptions) -> Result<(), Fault> {
    let connecting = tokio::time::timeout(CONNECTING_MAX, way.connect());
    let (mut client, connection) = connecting.await.map_err(|_| Fault::Late)??;
    let connection = tokio::spawn(connection);
    let version: i32 =
        client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await?.try_get(0)?;
    if version < VERSION_MIN {
        return Err(Fault::Damaged("it is older than PostgreSQL 13, which this program needs"));
    }
    client.batch_execute(&way.settings).await?;
    if options.migrates {
        migrations::migrate(&mut client, &options.schema).await?;
    } else {
        migrations::check(&client).await?;
    }
    drop(client);
    // It ends with the client.
    let _ = connection.await;
    Ok(())
}

impl Way {
    fn of(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let config = address::config(options)?;
        let privacy = match config.get_ssl_mode() {
            SslMode::Require => {
                Privacy::by(options.authorities.as_deref()).map_err(|what| PostgresError::Server {
                    place: address::place(&config),
                    what: format!("whom to trust is not known: {what}"),
                })?
            }
            _ => Privacy::default(),
        };
        Ok(Self { config, privacy, settings: settings(&options.schema) })
    }

    async fn connect(&self) -> Result<(Client, Connection<Socket, Private>), Fault> {
        Ok(self.config.connect(self.privacy.clone()).await?)
    }

    /// As [`Server::dedicated`].
    pub(super) async fn dedicated(&self, locked_max: Duration) -> Result<Client, Fault> {
        let (client, connection) = self.connect().await?;
        // It ends with the client.
        tokio::spawn(connection);
        let millis = locked_max.as_millis().max(1);
        let settings = format!(
            "{} SET lock_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis};",
            self.settings
        );
        client.batch_execute(&settings).await?;
        Ok(client)
    }
}

fn pool(way: Way, options: &PostgresOptions) -> Result<Pool, deadpool_postgres::BuildError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let settings = way.settings + WAITING_FOR_NO_STANDBY;
    let prepare = Hook::async_fn(move |client: &mut ClientWrapper, _| {
        let settings = settings.clone();
        Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
    });
    Pool::builder(Manager::from_config(way.config, way.privacy, recycling))
        .max_size(options.connections.max(1))
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .wait_timeout(Some(WORK_MAX))
        .create_timeout(Some(CONNECTING_MAX))
        .post_create(prepare)
        .build()
}

/// What holds for every connection.
fn settings(schema: &str) -> String {
    format!(
        "SET search_path = {}; SET statement_timeout = {STATEMENT_MILLIS_MAX}; \
         SET lock_timeout = {LOCK_MILLIS_MAX}; SET idle_in_transaction_session_timeout = {STATEMENT_MILLIS_MAX}; \
         SET client_min_messages = warning; ",
        migrations::quoted(schema)
    )
}
