//! All records of a log, wherever it is kept, while a daemon may write to it.

use std::sync::Arc;

use aquarium_store::embedded::read_all;
use aquarium_store::{Log as _, Options, Position, PostgresLog, Record};

use super::super::Failure;
use crate::config::{Configuration, Postgres, Store};
use crate::stores::{connect, log_directory};

/// Shows every record, in order.
pub fn each_record(configuration: &Configuration, visit: &mut dyn FnMut(Record<'_>)) -> Result<(), Failure> {
    match &configuration.store {
        Store::Embedded => {
            read_all(&log_directory(configuration), visit)?;
            Ok(())
        }
        Store::Postgres(postgres) => each_on_server(postgres, visit),
    }
}

/// Shows every record of a log on a server.
pub fn each_on_server(postgres: &Postgres, visit: &mut dyn FnMut(Record<'_>)) -> Result<(), Failure> {
    let log = PostgresLog::open(Arc::new(connect(postgres)?), Options::default().partitions)?;
    let mut next = Position::START;
    loop {
        let page = log.read(next)?;
        if page.is_empty() {
            return Ok(());
        }
        page.records().for_each(&mut *visit);
        next = page.next();
    }
}
