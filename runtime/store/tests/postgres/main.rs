//! The stores in PostgreSQL do what every store must do, and what a server that is shared and that breaks asks for.
//!
//! They are by themselves: a process that starts others may hand them the locks of embedded stores for a moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "tests start servers")]

mod derived;
#[path = "../suites/derived.rs"]
mod derived_suite;
mod log;
#[path = "../suites/log.rs"]
mod log_suite;
#[path = "../suites/model.rs"]
mod model;
#[path = "../servers/mod.rs"]
mod servers;
mod speed;

use std::path::Path;
use std::sync::Arc;

use aquarium_store::postgres::Server;
use aquarium_store::{Derived, PostgresDerived, PostgresOptions};
use servers::postgres::{Postgres, postgres};

/// As the suites open it.
fn open(directory: &Path) -> Box<dyn Derived> {
    Box::new(PostgresDerived::open(server(directory)).unwrap())
}

/// How a directory's schema is reached: each test has its own.
fn options(postgres: &Postgres, directory: &Path) -> PostgresOptions {
    PostgresOptions {
        url: postgres.url(),
        user: None,
        password: None,
        authorities: None,
        schema: directory.file_name().unwrap().to_str().unwrap().to_owned(),
        connections: 4,
        application: "aquarium-test".to_owned(),
        migrates: true,
    }
}

/// A server with a schema for a directory.
pub fn server(directory: &Path) -> Arc<Server> {
    Arc::new(Server::connect(&options(postgres(), directory)).unwrap())
}
