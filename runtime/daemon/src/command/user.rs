//! `aquariumd grant`, `threshold` and `assign`: decisions about a user.
#![expect(clippy::indexing_slicing, reason = "a member that an answer lacks is null")]

use std::io::Write;

use aquarium_ir::Credits;
use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::site::{By, JSON, escaped, on_data};
use super::{Data, Failure};
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
        let decision = Decision { method: Method::POST, what: "grants", field: "credits" };
        let credits = json!(self.credits.to_string());
        decision.order(self.data.over(configuration), &self.by, &self.user, credits).await
    }
}

impl Threshold {
    /// Records it.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let decision = Decision { method: Method::PUT, what: "threshold", field: "value" };
        let value = json!(self.value.0.map(|value| value.to_string()));
        decision.order(self.data.over(configuration), &self.by, &self.user, value).await
    }
}

impl Assign {
    /// Records it.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let decision = Decision { method: Method::PUT, what: "agreement", field: "agreement" };
        let agreement = json!((self.agreement != NONE).then_some(self.agreement));
        decision.order(self.data.over(configuration), &self.by, &self.user, agreement).await
    }
}

/// How a decision is told.
struct Decision {
    method: Method,
    what: &'static str,
    field: &'static str,
}

impl Decision {
    async fn order(
        self,
        configuration: Configuration,
        by: &By,
        user: &str,
        value: Value,
    ) -> Result<(), Failure> {
        on_data(configuration, async |site| {
            let mut order = json!({ "reason": by.reason, "author": by.author() });
            order[self.field] = value;
            if let Some(occurred) = by.instant(site).await? {
                order["occurredMillis"] = json!(occurred);
            }
            let (id, path) = (by.id(), format!("/user/{}/{}", escaped(user), self.what));
            let body = order.to_string().into_bytes();
            let answer = site.order(self.method, &path, JSON, Some(&id), body).await?;
            let said = if answer["result"] == "duplicate" { "recorded before" } else { "recorded" };
            Ok(writeln!(std::io::stdout(), "{said}: {id}")?)
        })
        .await
    }
}
