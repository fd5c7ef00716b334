//! `aquariumd ready`: asks the daemon that serves the data whether it takes events.
//!
//! For health checks where nothing else can ask, as in an image that holds no shell. It never opens the data itself.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;

use super::site::ask_running;
use super::{Data, Failure};
use crate::config::Configuration;

/// A daemon that works says so at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the daemon that serves the data whether it takes events, for health checks.
#[derive(Debug, Args)]
pub struct Ready {
    #[command(flatten)]
    data: Data,
}

impl Ready {
    /// Fails where no daemon serves the data, or the one that does takes no events.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        ask_running(&self.data.over(configuration), "/readyz", PATIENCE).await?;
        writeln!(std::io::stdout(), "ready")?;
        Ok(())
    }
}
