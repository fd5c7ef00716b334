//! `aquariumd policy`: which policies hold when.

use std::io::Write;
use std::path::{Path, PathBuf};

use aquarium_charging::Span;
use aquarium_ir::Millis;
use aquarium_ir::time::Zone;
use clap::{Args, Subcommand, ValueEnum};

use super::decision::{author, instant, offline};
use super::{Data, Failure};
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::deployment::{Listed, NewDeployment, Scheduled};
use crate::impact::{Difference, Impact};

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
    /// A name for lists; otherwise that of the policy.
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
        offline(self.data.over(configuration), async |daemon| match self.what {
            What::Deploy(deploy) => deploy.run(daemon).await,
            What::List => list(daemon).await,
        })
        .await
    }
}

impl Deploy {
    async fn run(self, daemon: &std::sync::Arc<Daemon>) -> Result<(), Failure> {
        let module = read(&self.module)?;
        let zone = daemon.policies.inspect(&module)?.policy.zone.clone();
        let order = self.order(module, &zone)?;
        let mut out = std::io::stdout();
        if self.dry_run {
            let planned = daemon.plan(&order).await?;
            let held = holds(planned.deployed.span, &zone);
            writeln!(out, "{} would hold {held}", short(&planned.deployed.module))?;
            let impact = daemon.clone().impact(planned).await?;
            return Ok(writeln!(out, "{}", words(&impact))?);
        }
        let deployed = daemon.deploy(&order).await?;
        let said = if deployed.new { "deployed" } else { "deployed before" };
        let held = holds(deployed.span, &zone);
        Ok(writeln!(out, "{said}: {}, module {}, holds {held}", deployed.id, short(&deployed.module))?)
    }

    fn order(&self, module: Vec<u8>, zone: &Zone) -> Result<NewDeployment, Failure> {
        let read = |flag: &str, text: &Option<String>| -> Result<Option<Millis>, Failure> {
            text.as_deref().map(|text| instant(flag, text, zone)).transpose()
        };
        Ok(NewDeployment {
            from: read("--from", &self.from)?,
            to: read("--to", &self.to)?,
            id: self.id.clone(),
            name: self.name.clone(),
            author: Some(author(self.author.as_deref())),
            scheduled: self.scheduled.map(|meant| match meant {
                Meant::Replace => Scheduled::Replace,
                Meant::Keep => Scheduled::Keep,
            }),
            module,
        })
    }
}

/// The bytes of a module.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let module = std::fs::read(path);
    Ok(module.map_err(|error| format!("the policy `{}` cannot be read: {error}", path.display()))?)
}

async fn list(daemon: &Daemon) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for listed in daemon.deployments().await? {
        let Listed { deployment, zone, title, in_force } = listed;
        let name = deployment.name.or(title).unwrap_or_default();
        let mark = if in_force { "*" } else { " " };
        let held = holds(deployment.span, &zone);
        writeln!(out, "{mark} {:<14} {} {held} {name}", deployment.id, short(&deployment.module))?;
    }
    Ok(())
}

/// Digits of a hash that tell modules apart for people.
const SHORT_HASH: usize = 12;

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}

fn holds(span: Span, zone: &Zone) -> String {
    let bound = |word: &str, instant: Millis| format!("{word} {}", zone.format(instant));
    let from = Some(span.from).filter(|from| *from > Millis::EPOCH).map(|from| bound("from", from));
    let to = Some(span.to).filter(|to| *to < Millis::LIMIT).map(|to| bound("to", to));
    let parts: Vec<String> = from.into_iter().chain(to).collect();
    if parts.is_empty() { "always".to_owned() } else { parts.join(" ") }
}

fn words(impact: &Impact) -> String {
    let Impact { users, users_affected, credits_less, credits_more, .. } = impact;
    let mut text = format!(
        "{users_affected} of {users} users are affected: balances fall by {credits_less} and rise by \
         {credits_more} credits in all"
    );
    for Difference { user_id, before, after } in &impact.largest {
        text.push_str(&format!("\n  {user_id}: {before} -> {after}"));
    }
    if impact.users_failed > 0 {
        text.push_str(&format!("\n{} users cannot be charged and were left out", impact.users_failed));
    }
    text
}
