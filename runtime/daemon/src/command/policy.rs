//! `aquariumd policy`: which policies hold when.
#![expect(clippy::indexing_slicing, reason = "a member that an answer lacks is null")]

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;
use clap::{Args, Subcommand, ValueEnum};
use hyper::Method;
use serde_json::Value;

use super::site::{MODULE, Site, author, escaped, instant, on_data, zone_of};
use super::{Data, Failure};
use crate::config::Configuration;
use crate::deployment::FIRST_INSTANT;

/// Digits of a hash that tell modules apart for people.
const SHORT_HASH: usize = 12;

/// Deploy policies, and see which hold when.
#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Deploy a compiled policy.
    Deploy(Deploy),
    /// List what was deployed, the oldest first.
    List,
}

#[derive(Debug, Args)]
struct Deploy {
    /// The compiled policy.
    #[arg(value_name = "POLICY.wasm")]
    module: PathBuf,
    /// The first instant at which it holds; otherwise now. A date or date-time is local to the policy's zone.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// The instant at which it holds no more; otherwise it holds without end.
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// Which is meant where a version is scheduled for later: this one, or the scheduled one.
    #[arg(long, value_name = "WHICH")]
    scheduled: Option<Meant>,
    /// A name for lists; otherwise that of the file.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// By whom; otherwise the name of the user who runs the command.
    #[arg(long, value_name = "NAME", env = "AQUARIUM_AUTHOR")]
    author: Option<String>,
    /// What makes it the same deployment when the command is repeated; otherwise each is one of its own.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Say how many users and credits are affected, and deploy nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Meant {
    /// The new version: the scheduled one never comes into force.
    Replace,
    /// The scheduled version: the new one holds until then.
    Keep,
}

impl Policy {
    /// Does what is asked.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        match self.what {
            What::Deploy(deploy) => {
                let module = read(&deploy.module)?;
                let query = deploy.query(&zone_of(&module)?)?;
                on_data(self.data.over(configuration), async |site| deploy.run(site, module, &query).await)
                    .await
            }
            What::List => on_data(self.data.over(configuration), list).await,
        }
    }
}

impl Deploy {
    async fn run(&self, site: &Site, module: Vec<u8>, query: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout();
        if self.dry_run {
            let path = format!("/policies/simulate?{query}");
            let impact = site.order(Method::POST, &path, MODULE, None, module).await?;
            return Ok(writeln!(out, "{}", impact_words(&impact)?)?);
        }
        let stem = self.module.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = self.name.clone().or(stem).unwrap_or_default();
        let path = format!("/policies/{}?{query}", escaped(&name));
        let deployed = site.order(Method::PUT, &path, MODULE, self.id.as_deref(), module).await?;
        let said = if deployed["new"] == true { "deployed" } else { "deployed before" };
        let (id, hash) = (word(&deployed, "id"), short(word(&deployed, "module")));
        Ok(writeln!(out, "{said}: {id}, module {hash}, holds {}", holds(&deployed))?)
    }

    /// When it is to hold, and who says so.
    fn query(&self, zone: &Zone) -> Result<String, Failure> {
        let mut query = format!("author={}", escaped(&author(self.author.as_deref())));
        for (flag, name, text) in [("--from", "from", &self.from), ("--to", "to", &self.to)] {
            if let Some(text) = text {
                write!(query, "&{name}={}", instant(flag, text, zone)?)?;
            }
        }
        match self.scheduled {
            Some(Meant::Replace) => query.push_str("&scheduled=replace"),
            Some(Meant::Keep) => query.push_str("&scheduled=keep"),
            None => {}
        }
        Ok(query)
    }
}

/// The bytes of a module.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let module = std::fs::read(path);
    Ok(module.map_err(|error| format!("the policy `{}` cannot be read: {error}", path.display()))?)
}

async fn list(site: &Site) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for listed in site.get("/policies").await?.as_array().into_iter().flatten() {
        let mark = if listed["inForce"] == true { "*" } else { " " };
        let name = listed["name"].as_str().or(listed["title"].as_str()).unwrap_or_default();
        let (id, hash) = (word(listed, "id"), short(word(listed, "module")));
        writeln!(out, "{mark} {id:<14} {hash} {} {name}", holds(listed))?;
    }
    Ok(())
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}

/// When a deployment holds, in words.
fn holds(deployment: &Value) -> String {
    let bound = |name: &str| {
        let instant = deployment[name].as_i64().map(Millis);
        let instant = instant.filter(|instant| *instant > FIRST_INSTANT && *instant < Millis::LIMIT);
        instant.map(|instant| format!("{name} {}", Zone::utc().format(instant)))
    };
    let bounds: Vec<String> = ["from", "to"].into_iter().filter_map(bound).collect();
    if bounds.is_empty() { "always".to_owned() } else { bounds.join(" ") }
}

fn impact_words(impact: &Value) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        "{} of {} users are affected: balances fall by {} and rise by {} credits in all",
        impact["usersAffected"],
        impact["users"],
        word(impact, "creditsLess"),
        word(impact, "creditsMore")
    );
    for user in impact["largest"].as_array().into_iter().flatten() {
        let (user, before, after) = (word(user, "userId"), word(user, "before"), word(user, "after"));
        write!(text, "\n  {user}: {before} -> {after}")?;
    }
    if let Some(failed @ 1..) = impact["usersFailed"].as_u64() {
        write!(text, "\n{failed} users cannot be charged and were left out")?;
    }
    Ok(text)
}
