//! `aquariumd quarantine`: what has no effect, and what is to become of it.

use std::io::Write;

use aquarium_charging::Reason;
use aquarium_store::Position;
use aquarium_store::record::REFUSALS;
use clap::{Args, Subcommand};

use super::decision::{author, offline};
use super::{Data, Failure};
use crate::administration::quarantined::{Handled, HandledAll, Selection, Verdict};
use crate::config::Configuration;
use crate::daemon::{Daemon, Refused};
use crate::ingest::Outcome;
use crate::quarantine::Fate;

/// Events that are listed or decided about at once.
const PAGE: usize = 1_000;
/// Characters of an event that the list shows.
const SHOWN_CHARACTERS: usize = 100;

/// See what has no effect, and decide what is to become of it.
#[derive(Debug, Args)]
pub struct Quarantine {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what has no effect.
    List,
    /// Read refused input again, by today's checks and whatever its time.
    Redrive(Which),
    /// Give refused input up; it stays in the log.
    Discard(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// Its number in the list.
    #[arg(value_name = "NUMBER", required_unless_present_any = ["all", "for_reason"])]
    place: Option<u64>,
    /// All that is refused.
    #[arg(long, conflicts_with = "place")]
    all: bool,
    /// All that is refused for this: not-json, missing-field, bad-type, ...
    #[arg(long, value_name = "REFUSAL", conflicts_with = "place", value_parser = refusal)]
    for_reason: Option<Reason>,
    /// Why; it is kept in the log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// By whom; otherwise the name of the user who runs the command.
    #[arg(long, value_name = "NAME", env = "AQUARIUM_AUTHOR")]
    author: Option<String>,
}

fn refusal(text: &str) -> Result<Reason, String> {
    let known = REFUSALS.map(Reason::as_str).join(", ");
    let found = REFUSALS.into_iter().find(|reason| reason.as_str() == text);
    found.ok_or_else(|| format!("no such refusal; there are {known}"))
}

impl Quarantine {
    /// Does what is asked.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let configuration = self.data.over(configuration);
        offline(configuration, async |daemon| match self.what {
            What::List => list(daemon).await,
            What::Redrive(which) => decide(daemon, &which, Fate::Redriven).await,
            What::Discard(which) => decide(daemon, &which, Fate::Discarded).await,
        })
        .await
    }
}

async fn list(daemon: &Daemon) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut after = None;
    loop {
        let (refused, next) = daemon.quarantined(after, PAGE).await?;
        for refused in &refused {
            writeln!(out, "{}", line(refused))?;
        }
        let Some(next) = next else { return Ok(()) };
        after = Some(next.0);
    }
}

fn line(refused: &Refused) -> String {
    let text = String::from_utf8_lossy(&refused.record.body);
    let text: String = text.chars().take(SHOWN_CHARACTERS).collect::<String>().escape_debug().to_string();
    let Refused { record, reason, message, .. } = refused;
    format!("{:<8} {:<7} {reason}: {message}: {text}", record.position.0, reason.stage())
}

async fn decide(daemon: &Daemon, which: &Which, fate: Fate) -> Result<(), Failure> {
    let verdict = Verdict { fate, reason: which.reason.clone(), author: author(which.author.as_deref()) };
    let mut out = std::io::stdout().lock();
    if let Some(place) = which.place {
        let handled = daemon.handle(Position(place), &verdict).await?;
        return Ok(writeln!(out, "{place}: {}", words(handled))?);
    }
    let mut selection = Selection { reason: which.for_reason, from: Position::START, limit: PAGE };
    let (mut handled, mut left) = (0_usize, 0_usize);
    loop {
        let HandledAll { handled: done, refused, next } = daemon.handle_all(selection, &verdict).await?;
        handled += done.len();
        left += refused.len();
        for (place, error) in refused {
            writeln!(out, "{place}: {error}")?;
        }
        let Some(next) = next else { break };
        selection.from = next;
    }
    writeln!(out, "{handled} {}, {left} left as they are", past(fate))?;
    Ok(())
}

fn past(fate: Fate) -> &'static str {
    match fate {
        Fate::Redriven => "redriven",
        Fate::Discarded => "discarded",
    }
}

fn words(handled: Handled) -> String {
    match handled {
        Handled::Redriven(Outcome::Duplicate) => "redriven; the event was there already".to_owned(),
        Handled::Redriven(_) => "redriven".to_owned(),
        Handled::Discarded => "discarded".to_owned(),
        Handled::Already(fate) => format!("{} before", past(fate)),
    }
}
