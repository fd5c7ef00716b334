//! `aquariumd quarantine`: what has no effect, and what is to become of it.
#![expect(clippy::indexing_slicing, reason = "a member that an answer lacks is null")]

use std::io::Write;

use aquarium_charging::Reason;
use aquarium_store::record::REFUSALS;
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::site::{JSON, Site, author, escaped, on_data};
use super::{Data, Failure};
use crate::config::Configuration;

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
        on_data(configuration, async |site| match self.what {
            What::List => list(site).await,
            What::Redrive(which) => which.decide(site, "redrive").await,
            What::Discard(which) => which.decide(site, "discard").await,
        })
        .await
    }
}

async fn list(site: &Site) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut after = String::new();
    loop {
        let page = site.get(&format!("/quarantine?limit={PAGE}{after}")).await?;
        for listed in page["quarantined"].as_array().into_iter().flatten() {
            writeln!(out, "{}", line(listed))?;
        }
        let Some(next) = page["next"].as_str() else { return Ok(()) };
        after = format!("&after={}", escaped(next));
    }
}

fn line(listed: &Value) -> String {
    let word = |name: &str| listed[name].as_str().unwrap_or_default();
    let event = listed["event"].as_str().map_or_else(|| listed["event"].to_string(), str::to_owned);
    let event: String = event.chars().take(SHOWN_CHARACTERS).collect::<String>().escape_debug().to_string();
    let (stage, reason, message) = (word("stage"), word("reason"), word("message"));
    format!("{:<8} {stage:<7} {reason}: {message}: {event}", listed["position"].to_string())
}

impl Which {
    async fn decide(&self, site: &Site, verb: &str) -> Result<(), Failure> {
        let grounds = json!({ "reason": self.reason, "author": author(self.author.as_deref()) });
        let grounds = grounds.to_string().into_bytes();
        match self.place {
            Some(place) => {
                let path = format!("/quarantine/{place}/{verb}");
                let answer = site.order(Method::POST, &path, JSON, None, grounds).await?;
                Ok(writeln!(std::io::stdout(), "{place}: {}", words(verb, &answer["result"]))?)
            }
            None => self.decide_all(site, verb, grounds).await,
        }
    }

    async fn decide_all(&self, site: &Site, verb: &str, grounds: Vec<u8>) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let reason = self.for_reason.map(|reason| format!("&reason={reason}")).unwrap_or_default();
        let (mut handled, mut left, mut after) = (0, 0, String::new());
        loop {
            let path = format!("/quarantine/{verb}?limit={PAGE}{reason}{after}");
            let answer = site.order(Method::POST, &path, JSON, None, grounds.clone()).await?;
            handled += answer["handled"].as_array().map_or(0, Vec::len);
            for refused in answer["refused"].as_array().into_iter().flatten() {
                left += 1;
                writeln!(
                    out,
                    "{}: {}",
                    refused["position"],
                    refused["message"].as_str().unwrap_or_default()
                )?;
            }
            let Some(next) = answer["next"].as_str() else { break };
            after = format!("&after={}", escaped(next));
        }
        Ok(writeln!(out, "{handled} {}, {left} left as they are", past(verb))?)
    }
}

fn past(verb: &str) -> &'static str {
    if verb == "redrive" { "redriven" } else { "discarded" }
}

fn words(verb: &str, result: &Value) -> String {
    match result.as_str() {
        Some("duplicate") => "redriven; the event was there already".to_owned(),
        Some("redriven") => "redriven before".to_owned(),
        _ => past(verb).to_owned(),
    }
}
