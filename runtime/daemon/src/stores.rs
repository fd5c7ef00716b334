//! Opening log and derived state, wherever they are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_store::derived::Kept;
use aquarium_store::postgres::{Hints, Joining, Member, Server};
use aquarium_store::{
    Derived, DerivedError, EmbeddedLog, Log, OpenError, Options, Position, PostgresDerived, PostgresError,
    PostgresLog, PostgresOptions,
};
use thiserror::Error;

use crate::cluster::{Neighbourhood, Setting, Tenure};
use crate::config::{Cluster, Configuration, PasswordPlace, Postgres, Store};
use crate::derived;
use crate::node::{Node, NodeError};
use crate::policies::Library;

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
    /// The log.
    pub log: Arc<PostgresLog>,
    /// What was folded of it.
    pub derived: Arc<PostgresDerived>,
    /// What is heard of others.
    pub hints: Hints,
    node: Node,
}

/// Whether others may charge by the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// They may not: whoever is there keeps this one out.
    Alone,
    /// Alone where nobody is there; else beside those who are: nothing is charged here then.
    Beside,
    /// They may, and reach this one at an address.
    Among(String),
}

/// The directory of the log within the data directory.
pub fn log_directory(configuration: &Configuration) -> PathBuf {
    configuration.data.join("log")
}

/// Opens both, for whoever charges by them: nobody else does meanwhile.
pub fn open(configuration: &Configuration) -> Result<Stores, StoresError> {
    match &configuration.store {
        Store::Embedded => open_embedded(configuration),
        Store::Postgres(postgres) => open_shared(&configuration.data, postgres, &configuration.cluster),
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

fn open_shared(data: &Path, postgres: &Postgres, cluster: &Cluster) -> Result<Stores, StoresError> {
    let node = Node::of(data)?;
    let server = Arc::new(connect(postgres)?);
    let log = Arc::new(PostgresLog::open(server.clone(), Options::default().partitions)?);
    let derived = Arc::new(PostgresDerived::open(server.clone())?);
    if let Some((folded, end)) = ahead_of(&log, &derived)? {
        tracing::error!(%folded, %end, "derived state stands for more than the log has: it is rebuilt");
        drop_alone(&server, node.name(), cluster, &log, &derived)?;
    }
    tracing::info!(store = server.place(), node = node.name(), "log and derived state are in PostgreSQL");
    let hints = Hints::listen(&server);
    let shared = Shared { server, log: log.clone(), derived: derived.clone(), hints, node };
    Ok(Stores { log, derived, shared: Some(shared) })
}

/// Whether a partition is folded to where the log, as it is after that, does not reach.
fn ahead_of(
    log: &PostgresLog,
    derived: &PostgresDerived,
) -> Result<Option<(Position, Position)>, StoresError> {
    let mut folded = Position::START;
    for partition in 0..log.partitions() {
        folded = folded.max(derived.folded(partition)?);
    }
    let end = log.refresh().map_err(OpenError::from)?;
    Ok((folded > end).then_some((folded, end)))
}

/// Drops what the log yields again, while nobody else charges by the store.
fn drop_alone(
    server: &Arc<Server>,
    name: &str,
    cluster: &Cluster,
    log: &PostgresLog,
    derived: &PostgresDerived,
) -> Result<Kept, StoresError> {
    let joining = joining(name, cluster, &Presence::Alone, log.partitions());
    let member = Member::join(server, joining)?;
    let everything: Vec<u16> = (0..log.partitions()).collect();
    let fences = member.take(&everything)?;
    let kept = derived.begin_again(&fences)?;
    member.leave()?;
    Ok(kept)
}

fn joining(name: &str, cluster: &Cluster, presence: &Presence, partitions: u16) -> Joining {
    let address = match presence {
        Presence::Alone | Presence::Beside => String::new(),
        Presence::Among(address) => address.clone(),
    };
    Joining {
        name: name.to_owned(),
        address,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        alone: !matches!(presence, Presence::Among(_)),
        lease: cluster.lease(),
        partitions,
    }
}

impl Shared {
    /// Joins the others, and takes what nobody has; `None`: it is beside them.
    pub fn join(
        &self,
        cluster: &Cluster,
        presence: &Presence,
        tenure: &Tenure,
    ) -> Result<Option<Neighbourhood>, StoresError> {
        let partitions = self.log.partitions();
        let joining = joining(self.node.name(), cluster, presence, partitions);
        let setting = Setting {
            name: joining.name.clone(),
            alone: joining.alone,
            partitions,
            lease: joining.lease,
            tenure: tenure.clone(),
            heard: self.hints.heard(),
        };
        match Member::join(&self.server, joining) {
            Err(PostgresError::Held { holder, .. }) if *presence == Presence::Beside => {
                tracing::info!(holder, "other nodes charge by this store");
                Ok(None)
            }
            member => Ok(Some(Neighbourhood::enter(member?, setting)?)),
        }
    }
}

impl Library for Server {
    fn keep(&self, hash: &str, module: &[u8]) -> Result<(), String> {
        self.keep_module(hash, module).map_err(|error| error.to_string())
    }

    fn find(&self, hash: &str) -> Result<Option<Vec<u8>>, String> {
        self.module(hash).map_err(|error| error.to_string())
    }
}

/// Connects to the server of a store, and brings its tables to this program's version.
pub fn connect(postgres: &Postgres) -> Result<Server, StoresError> {
    Ok(Server::connect(&options(postgres, true)?)?)
}

/// Connects to the server of a store to look at it.
pub fn look_at(postgres: &Postgres) -> Result<Server, StoresError> {
    Ok(Server::connect(&options(postgres, false)?)?)
}

fn options(postgres: &Postgres, migrates: bool) -> Result<PostgresOptions, StoresError> {
    Ok(PostgresOptions {
        url: postgres.url.clone(),
        user: postgres.user.clone(),
        password: password(postgres)?,
        authorities: postgres.authorities.clone(),
        schema: postgres.schema.clone(),
        connections: postgres.connections,
        // No other process is called so.
        application: format!("aquariumd-{:016x}", fastrand::u64(..)),
        migrates,
    })
}

fn password(postgres: &Postgres) -> Result<Option<String>, StoresError> {
    let place = PasswordPlace::of(postgres.password_file.as_ref(), postgres.password_variable.as_ref());
    place.map(|place| place.read()).transpose().map_err(StoresError::Password)
}

/// Drops what the log yields again of derived state; says what was kept, and what was put aside.
pub fn begin_again(configuration: &Configuration) -> Result<(Kept, Option<PathBuf>), StoresError> {
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
    let derived = PostgresDerived::open(server.clone())?;
    Ok((drop_alone(&server, node.name(), &configuration.cluster, &log, &derived)?, None))
}
