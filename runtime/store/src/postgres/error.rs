//! What is wrong with a server, in the operator's words.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use thiserror::Error;
use tokio_postgres::error::SqlState;
use tokio_rustls::rustls;

use crate::derived::{DerivedError, Fence};
use crate::log::{AppendError, OpenError, ReadError};

/// Why a store in PostgreSQL cannot be used.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// The address makes no sense.
    #[error("the address of the store is of no use: {0}; write it as `postgresql://user@host/database`")]
    Address(String),
    /// The server is there and refuses, or nobody is there.
    #[error("the store at {place} cannot be used: {what}")]
    Server {
        /// The server and the database.
        place: String,
        /// Why.
        what: String,
    },
    /// The server waits for a standby before it commits anything.
    #[error("the store at {place} cannot be used: {what}")]
    HeldBack {
        /// The server and the database.
        place: String,
        /// What can be done about it.
        what: String,
    },
    /// The tables were made by a newer program.
    #[error(
        "the tables at {place} have version {found}, this program needs version {known}{}",
        if found > known { ": a newer program was started on them; replace this one by it" } else { "" }
    )]
    Newer {
        /// The server and the database.
        place: String,
        /// Their version.
        found: i32,
        /// The newest version that is known.
        known: i32,
    },
    /// Another node charges by this store.
    #[error(
        "the store at {place} is in use: node `{holder}` charges by it, and is given up in {seconds} s unless it goes on; \
         stop it, or wait"
    )]
    Held {
        /// The server and the database.
        place: String,
        /// The other node.
        holder: String,
        /// How long its leases last.
        seconds: i64,
    },
}

/// What went wrong while something was done.
#[derive(Debug)]
pub enum Fault {
    Sql(tokio_postgres::Error),
    Pool(PoolError),
    /// The server did not answer in time.
    Late,
    /// The server waits for a standby before it commits anything.
    HeldBack {
        /// What it is configured to wait for.
        standbys: String,
    },
    /// The store is being closed.
    Closed,
    Newer {
        found: i32,
        known: i32,
    },
    Fenced {
        fence: Fence,
        current: u64,
    },
    /// A row holds what was never written.
    Damaged(&'static str),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Sql(error),
            PoolError::PostCreateHook(HookError::Backend(error)) => Self::Sql(error),
            error => Self::Pool(error),
        }
    }
}

impl Fault {
    fn sql(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it may go by itself: the same may work a moment later, on another connection.
    pub fn passes(&self) -> bool {
        match self {
            Self::Late | Self::HeldBack { .. } => true,
            Self::Pool(error) => matches!(error, PoolError::Timeout(_)),
            Self::Sql(error) => error.code().is_none_or(is_passing),
            Self::Closed | Self::Newer { .. } | Self::Fenced { .. } | Self::Damaged(_) => false,
        }
    }

    /// Whether a row was to be put where one of the same key is.
    pub fn is_of_known_key(&self) -> bool {
        self.sql().and_then(tokio_postgres::Error::code) == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether the server has no room.
    pub fn is_full(&self) -> bool {
        self.sql().and_then(tokio_postgres::Error::code) == Some(&SqlState::DISK_FULL)
    }

    /// In words, with what can be done about it.
    pub fn words(&self) -> String {
        match self {
            Self::Sql(error) => words(error),
            Self::Pool(PoolError::Timeout(TimeoutType::Wait)) => "all connections are in use".to_owned(),
            Self::Pool(PoolError::Timeout(_)) | Self::Late => "it does not answer in time".to_owned(),
            Self::Pool(error) => error.to_string(),
            Self::HeldBack { standbys } => format!(
                "it commits nothing while a standby is away that `synchronous_standby_names` (`{standbys}`) asks for; start \
                 the standby again, or take it out of that setting"
            ),
            Self::Closed => "the program ends".to_owned(),
            Self::Newer { found, known } => format!("its tables have version {found}, known is {known}"),
            Self::Fenced { fence, current } => {
                format!("partition {}: epoch {} is over, {current} holds", fence.partition, fence.epoch)
            }
            Self::Damaged(what) => (*what).to_owned(),
        }
    }

    /// As an error of opening.
    pub fn opening(self, place: &str) -> PostgresError {
        let place = place.to_owned();
        match self {
            Self::Newer { found, known } => PostgresError::Newer { place, found, known },
            Self::HeldBack { .. } => PostgresError::HeldBack { place, what: self.words() },
            other => PostgresError::Server { place, what: other.words() },
        }
    }

    /// As an error of derived state.
    pub fn derived(self, place: &str) -> DerivedError {
        match self {
            Self::Fenced { fence: Fence { partition, epoch }, current } => {
                DerivedError::Fenced { partition, epoch, current }
            }
            Self::Closed => DerivedError::Closed(place.to_owned()),
            other if other.is_full() => DerivedError::Full(io::Error::other(other.words())),
            other => DerivedError::Server { place: place.to_owned(), what: other.words() },
        }
    }

    /// As an error of appending.
    pub fn appending(self, place: &str) -> AppendError {
        let error = io::Error::other(format!("the store at {place}: {}", self.words()));
        if self.is_full() { AppendError::Full(error) } else { AppendError::Failed(error) }
    }

    /// As an error of reading the log.
    pub fn reading(self, place: &str) -> ReadError {
        ReadError::Io(io::Error::other(format!("the store at {place}: {}", self.words())))
    }
}

impl From<PostgresError> for OpenError {
    fn from(error: PostgresError) -> Self {
        Self::Server(error)
    }
}

impl From<PostgresError> for DerivedError {
    fn from(error: PostgresError) -> Self {
        match error {
            PostgresError::Server { place, what } | PostgresError::HeldBack { place, what } => {
                Self::Server { place, what }
            }
            other => Self::Server { place: "PostgreSQL".to_owned(), what: other.to_string() },
        }
    }
}

/// What the server says that may be otherwise a moment later.
fn is_passing(code: &SqlState) -> bool {
    // Class 08: the connection. Class 57P: the server ends or starts.
    let passing = [
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        // The server that was asked is a standby by now, or still.
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    code.code().starts_with("08") || code.code().starts_with("57P") || passing.contains(code)
}

/// Whether whoever answers is not known to be the server.
fn is_distrust(error: &tokio_postgres::Error) -> bool {
    let failed = error.source().and_then(|why| why.downcast_ref::<io::Error>());
    let why = failed.and_then(io::Error::get_ref).and_then(|why| why.downcast_ref::<rustls::Error>());
    matches!(why, Some(rustls::Error::InvalidCertificate(_)))
}

fn words(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        let remedy = if is_distrust(error) {
            "; name the PEM file of its authority by `store.authorities`; its certificate must be for the host in the address"
        } else {
            ""
        };
        return error.source().map_or_else(|| error.to_string(), |why| format!("{error}: {why}{remedy}"));
    };
    let remedy = match *said.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "; see `store.user`, `store.password_file` and the server's `pg_hba.conf`"
        }
        SqlState::INVALID_CATALOG_NAME => "; make it: `createdb`",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "; the user must be let make a schema in the database: `GRANT CREATE ON DATABASE`"
        }
        SqlState::DISK_FULL => "; make room on the server's disk",
        _ => "",
    };
    format!("{}{remedy}", said.message())
}
