//! Opening log and derived state, wherever they are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_store::postgres::{LEASE_TIME, Leases, Server};
use aquarium_store::{
    Derived, DerivedError, EmbeddedLog, Log, OpenError, Options, PostgresDerived, PostgresError, PostgresLog,
    PostgresOptions,
};
use thiserror::Error;

use crate::config::{Configuration, PasswordPlace, Postgres, Store};
use crate::derived;
use crate::node::{Node, NodeError};

/// Why stores cannot be opened.
#[derive(Debug, Error)]
pub enum StoresError {
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// Derived state.
    #[error(transparent)]
    Derived(#[from] DerivedError),
    /// The server.
    #[error(transparent)]
    Server(#[from] PostgresError),
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The password.
    #[error("the password of the store cannot be read: {0}")]
    Password(String),
}

/// Log and derived state.
pub struct Stores {
    /// The log.
    pub log: Arc<dyn Log>,
    /// What was folded of it.
    pub derived: Arc<dyn Derived>,
    /// The server that keeps both, and who this is to it.
    pub shared: Option<Shared>,
}

/// A store that others can reach.
pub struct Shared {
    /// The server.
    pub server: Arc<Server>,
    _node: Node,
}

/// The directory of the log within the data directory.
pub fn log_directory(configuration: &Configuration) -> PathBuf {
    configuration.data.join("log")
}

/// Opens both, for whoever charges by them: nobody else does meanwhile.
pub fn open(configuration: &Configuration) -> Result<Stores, StoresError> {
    match &configuration.store {
        Store::Embedded => open_embedded(configuration),
        Store::Postgres(postgres) => open_shared(&configuration.data, postgres),
    }
}

fn open_embedded(configuration: &Configuration) -> Result<Stores, StoresError> {
    let log = EmbeddedLog::open(&log_directory(configuration), Options::default())?;
    if let Some(rest) = log.unfinished() {
        let (file, offset, bytes) = (&rest.file, rest.offset, rest.bytes);
        tracing::warn!(file, offset, bytes, "cut off the rest of a write that was never acknowledged");
    }
    let derived = derived::open(&derived::directory(configuration), log.partitions(), log.end())?;
    Ok(Stores { log: Arc::new(log), derived: Arc::new(derived), shared: None })
}

fn open_shared(data: &Path, postgres: &Postgres) -> Result<Stores, StoresError> {
    let node = Node::of(data)?;
    let server = Arc::new(connect(postgres)?);
    let log = PostgresLog::open(server.clone(), Options::default().partitions)?;
    let derived = open_derived(&server, &node, log.partitions())?;
    if let Some(folded) = derived::ahead_of(&derived, log.partitions(), log.end())? {
        tracing::error!(%folded, end = %log.end(), "derived state stands for more than the log has: it is rebuilt");
        derived.begin_again()?;
    }
    tracing::info!(store = server.place(), node = node.name(), "log and derived state are in PostgreSQL");
    let shared = Some(Shared { server, _node: node });
    Ok(Stores { log: Arc::new(log), derived: Arc::new(derived), shared })
}

/// Connects to the server of a store.
pub fn connect(postgres: &Postgres) -> Result<Server, StoresError> {
    let options = PostgresOptions {
        url: postgres.url.clone(),
        user: postgres.user.clone(),
        password: password(postgres)?,
        schema: postgres.schema.clone(),
        connections: postgres.connections,
    };
    Ok(Server::connect(&options)?)
}

/// Derived state under the leases of all partitions.
fn open_derived(server: &Arc<Server>, node: &Node, partitions: u16) -> Result<PostgresDerived, StoresError> {
    let leases = Leases::acquire(server, node.name(), partitions, LEASE_TIME)?;
    Ok(PostgresDerived::open(server.clone(), Some(leases))?)
}

fn password(postgres: &Postgres) -> Result<Option<String>, StoresError> {
    let place = PasswordPlace::of(postgres.password_file.as_ref(), postgres.password_variable.as_ref());
    place.map(|place| place.read()).transpose().map_err(StoresError::Password)
}

/// Drops what the log yields again of derived state; says what was kept, and what was put aside.
pub fn begin_again(
    configuration: &Configuration,
) -> Result<(aquarium_store::derived::Kept, Option<PathBuf>), StoresError> {
    let postgres = match &configuration.store {
        Store::Embedded => {
            let directory = derived::directory(configuration);
            let options = aquarium_store::DerivedOptions::default();
            return Ok(aquarium_store::derived::restart(&directory, options)?);
        }
        Store::Postgres(postgres) => postgres,
    };
    let node = Node::of(&configuration.data)?;
    let server = Arc::new(connect(postgres)?);
    let log = PostgresLog::open(server.clone(), Options::default().partitions)?;
    Ok((open_derived(&server, &node, log.partitions())?.begin_again()?, None))
}
