//! `aquariumd rebuild`: a view is dropped and made anew from the log.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use aquarium_store::Position;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Data, Failure};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::stores;

/// How often the progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Fold the log again from its beginning, and replace what is stored of that.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// What is made anew.
    #[arg(value_name = "VIEW")]
    view: View,
    #[command(flatten)]
    data: Data,
}

/// A view over the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum View {
    /// States, histories, entries and findings of all users. What was announced stays announced.
    Users,
}

impl Rebuild {
    /// Makes the view anew.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let View::Users = self.view;
        let configuration = self.data.over(configuration);
        super::check_log(&configuration)?;
        let (kept, aside) = stores::begin_again(&configuration)?;
        let daemon = Daemon::start(configuration, Clock::system()).await?;
        let folded = fold_all(&daemon).await;
        daemon.stop().await;
        let mut out = std::io::stdout();
        writeln!(out, "folded {} records, kept {} announcements", folded?, kept.announcements)?;
        if let (Some(lost), Some(aside)) = (kept.lost, aside) {
            let line = format!("announcements that could not be read are in `{}`: {lost}", aside.display());
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// Waits until everything in the log is folded, with progress on a terminal.
pub(super) async fn fold_all(daemon: &Arc<Daemon>) -> Result<Position, Failure> {
    let end = daemon.log.end();
    let bar = progress(end.0, "folded");
    loop {
        let folded = daemon.shards.folded()?;
        if folded >= end {
            break;
        }
        bar.set_position(folded.0);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    daemon.registry.reached(end).await;
    bar.finish_and_clear();
    Ok(end)
}

/// A bar with rate and time left; it is drawn on a terminal only.
pub(super) fn progress(length: u64, what: &str) -> ProgressBar {
    let template = format!("{{bar:30}} {{percent:>3}} % {what}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
