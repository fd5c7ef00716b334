//! `aquariumd grant`, `threshold` and `assign`: decisions about a user.

use std::io::Write;

use aquarium_ir::Credits;
use clap::Args;

use super::decision::{By, offline};
use super::{Data, Failure};
use crate::administration::{Decision, Order, Recorded};
use crate::config::Configuration;

/// What takes a setting of the user's own back.
const NONE: &str = "none";

/// Give a user credits, or take them.
#[derive(Debug, Args)]
pub struct Grant {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    by: By,
    /// The user.
    user: String,
    /// How many; negative to take them.
    #[arg(allow_negative_numbers = true)]
    credits: Credits,
}

/// Set the threshold of a user.
#[derive(Debug, Args)]
pub struct Threshold {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    by: By,
    /// The user.
    user: String,
    /// The amount of credits, or `none`: that of the agreement again.
    #[arg(allow_negative_numbers = true, value_parser = amount)]
    value: Amount,
}

/// Give a user an agreement, whatever the role.
#[derive(Debug, Args)]
pub struct Assign {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    by: By,
    /// The user.
    user: String,
    /// The agreement, or `none`: that of the role again.
    agreement: String,
}

#[derive(Debug, Clone, Copy)]
struct Amount(Option<Credits>);

fn amount(text: &str) -> Result<Amount, String> {
    if text == NONE {
        return Ok(Amount(None));
    }
    let read = text.parse().map_err(|error| format!("{error}; give an amount or `none`"));
    read.map(|credits| Amount(Some(credits)))
}

impl Grant {
    /// Records it.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        order(self.data.over(configuration), &self.by, self.user, Decision::Grant(self.credits)).await
    }
}

impl Threshold {
    /// Records it.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        order(self.data.over(configuration), &self.by, self.user, Decision::Threshold(self.value.0)).await
    }
}

impl Assign {
    /// Records it.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let agreement = (self.agreement != NONE).then_some(self.agreement);
        order(self.data.over(configuration), &self.by, self.user, Decision::Assign(agreement)).await
    }
}

async fn order(
    configuration: Configuration,
    by: &By,
    user: String,
    decision: Decision,
) -> Result<(), Failure> {
    offline(configuration, async |daemon| {
        let zone = daemon.zone().await?;
        let order = Order {
            id: by.id(daemon.clock.now()),
            user,
            occurred: by.instant(&zone)?,
            decision,
            reason: by.reason.clone(),
            author: by.author(),
        };
        let said = match daemon.order(&order).await? {
            Recorded::Stored => "recorded",
            Recorded::Duplicate => "recorded before",
        };
        Ok(writeln!(std::io::stdout(), "{said}: {}", order.id)?)
    })
    .await
}
