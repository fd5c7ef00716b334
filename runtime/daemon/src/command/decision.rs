//! What all commands have in common that write records: who decided why, and where the record goes.

use std::sync::Arc;

use aquarium_ir::Millis;
use aquarium_ir::time::{WrittenInstant, Zone};
use clap::Args;

use super::Failure;
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;

/// Who decided, why, and from when on it holds.
#[derive(Debug, Args)]
pub struct By {
    /// Why; it is kept in the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// By whom; otherwise the name of the user who runs the command.
    #[arg(long, value_name = "NAME", env = "AQUARIUM_AUTHOR")]
    author: Option<String>,
    /// What makes it the same decision when the command is repeated; otherwise each is one of its own.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// From when on it holds; otherwise from now on. A date or date-time is local to the policy's zone.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
}

impl By {
    /// The id of the record.
    pub fn id(&self, now: Millis) -> String {
        self.id.clone().unwrap_or_else(|| format!("command-{now}-{}", std::process::id()))
    }

    /// Who decided.
    pub fn author(&self) -> String {
        author(self.author.as_deref())
    }

    /// From when on it holds.
    pub fn instant(&self, zone: &Zone) -> Result<Option<Millis>, Failure> {
        self.from.as_deref().map(|text| instant("--from", text, zone)).transpose()
    }
}

/// Who decided: as given, or whoever runs the command.
pub fn author(given: Option<&str>) -> String {
    let named = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    given.map(str::to_owned).or_else(named).unwrap_or_else(|| "command line".to_owned())
}

/// An instant of the command line.
pub fn instant(flag: &str, text: &str, zone: &Zone) -> Result<Millis, Failure> {
    let written = WrittenInstant::read(text, zone);
    Ok(written.map(|written| written.instant).map_err(|error| format!("`{flag}`: {error}"))?)
}

/// Runs something on a data directory that no daemon serves.
pub async fn offline<T>(
    configuration: Configuration,
    task: impl AsyncFnOnce(&Arc<Daemon>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let daemon = Daemon::start(configuration, Clock::system()).await?;
    let done = task(&daemon).await;
    daemon.stop().await;
    done
}
