//! What has no effect, and why.

use axum::extract::State;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, OfCharging, OfParameters};
use super::parameters::{PAGE_MAX, Parameters, cursor, limit};
use super::peers::not_whole;
use super::users::unanswered;
use crate::daemon::Daemon;
use crate::shard::Finding;
use crate::views::quarantine::Quarantined;

/// Places of the list that one question looks at, at most: it then says where to go on.
const LOOKED_AT_MAX: usize = 10 * PAGE_MAX;

/// Which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only for this reason.
    reason: Option<String>,
    /// Only refused on arrival (`ingest`) or without effect under the policy in force (`fold`).
    #[param(inline)]
    stage: Option<Stage>,
    /// Only of this user.
    user: Option<String>,
    /// Only from this client.
    client: Option<String>,
    /// What follows the page of which this is the `next`.
    after: Option<String>,
    /// The most on a page.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<usize>,
}

/// Where something came to have no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// On arrival.
    Ingest,
    /// Under the policy in force.
    Fold,
}

/// A page of what has no effect.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinePage {
    /// In the order in which it arrived.
    quarantined: Vec<Quarantined>,
    /// The `after` of the next page; `null` on the last one.
    next: Option<String>,
}

/// What has no effect, and why.
///
/// In the order in which it arrived. A page may be shorter than its limit, or empty, and still have a `next`.
#[utoipa::path(
    get,
    path = "/quarantine",
    tag = "quarantine",
    params(Filter),
    responses(
        (status = 200, body = QuarantinePage),
        OfParameters,
        OfCharging,
    ),
)]
pub async fn list(
    State(api): State<Api>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<QuarantinePage>, Fault> {
    let findings = api.daemon.findings().await.map_err(not_whole)?;
    let (quarantined, next) = listed(&api.daemon, &findings, &filter).await?;
    Ok(Json(QuarantinePage { quarantined, next }))
}

/// What is listed of what is meant, and the `after` of the next page.
pub async fn listed(
    daemon: &Daemon,
    findings: &[Finding],
    filter: &Filter,
) -> Result<(Vec<Quarantined>, Option<String>), Fault> {
    let limit = limit(filter.limit)?;
    let mut after = cursor(filter.after.as_deref())?;
    let (mut quarantined, mut looked_at) = (Vec::new(), 0);
    loop {
        let wanted = limit.saturating_sub(quarantined.len());
        let (page, next) = page(daemon, findings, filter, after, wanted).await?;
        looked_at += page.looked_at;
        quarantined.extend(page.found);
        after = next;
        if after.is_none() || quarantined.len() >= limit || looked_at >= LOOKED_AT_MAX {
            return Ok((quarantined, after.map(|next| next.to_string())));
        }
    }
}

/// A part of the list that was looked at.
struct Found {
    looked_at: usize,
    found: Vec<Quarantined>,
}

async fn page(
    daemon: &Daemon,
    findings: &[Finding],
    filter: &Filter,
    after: Option<u64>,
    limit: usize,
) -> Result<(Found, Option<u64>), Fault> {
    let (refused, next) = daemon.quarantined(findings, after, limit).await.map_err(unanswered)?;
    let looked_at = refused.len();
    let found = refused.into_iter().map(Quarantined::of).filter(|one| filter.wants(one)).collect();
    Ok((Found { looked_at, found }, next.map(|next| next.0)))
}

impl Filter {
    /// A page of what has no effect for a reason, or for any.
    pub fn of_reason(reason: Option<String>, after: Option<String>, limit: usize) -> Self {
        Self { reason, after, limit: Some(limit), ..Self::default() }
    }

    fn wants(&self, one: &Quarantined) -> bool {
        let same = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == given)
        };
        let stage = match self.stage {
            None => true,
            Some(Stage::Ingest) => one.stage == "ingest",
            Some(Stage::Fold) => one.stage == "fold",
        };
        stage
            && same(&self.reason, Some(one.reason.as_str()))
            && same(&self.user, one.user.as_deref())
            && same(&self.client, one.client.as_deref())
    }
}
