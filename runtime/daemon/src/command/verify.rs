//! `aquariumd verify`: the log, folded from its beginning, against what is stored.

use std::io::Write;

use clap::Args;

use super::rebuild::{fold_all, progress};
use super::{Data, Failure};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;

/// Fold the log again from its beginning, and compare with what is stored.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    data: Data,
}

impl Verify {
    /// Compares, and fails where something differs.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let configuration = self.data.over(configuration);
        super::check_log(&configuration)?;
        let daemon = Daemon::start(configuration, Clock::system()).await?;
        let verified = match fold_all(&daemon).await {
            Ok(_) => {
                let bar = progress(0, "compared");
                let show = |done, all| {
                    bar.set_length(all);
                    bar.set_position(done);
                };
                let verified = daemon.verify(&show).await.map_err(Failure::from);
                bar.finish_and_clear();
                verified
            }
            Err(error) => Err(error),
        };
        daemon.stop().await;
        let verified = verified?;
        match verified.difference {
            None => Ok(writeln!(std::io::stdout(), "equal: {} users", verified.users)?),
            Some(difference) => {
                Err(format!("{difference}; `aquariumd rebuild users` folds everything anew").into())
            }
        }
    }
}
