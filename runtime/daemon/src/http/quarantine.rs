//! What has no effect, and why.

use aquarium_ir::Millis;
use aquarium_store::Position;
use axum::extract::State;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, OfCharging, OfParameters};
use super::parameters::{PAGE_MAX, Parameters, cursor, limit};
use super::peers::not_whole;
use crate::daemon::Daemon;
use crate::daemon::quarantined::WhichRefused;
use crate::views::quarantine::Quarantined;

/// Places of the list that one question looks at, at most: it then says where to go on.
const LOOKED_AT_MAX: usize = 10 * PAGE_MAX;
/// Places that are looked at together, at least, where only some of what is listed is meant: everybody is asked each time.
const LOOKED_AT_ONCE: usize = 1_000;

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

impl Stage {
    /// How reasons name it.
    fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Fold => "fold",
        }
    }
}

/// A page of what has no effect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinePage {
    /// What was received up to this instant was looked at, and charged: now, unless more comes in than is charged at
    /// once.
    known: i64,
    /// Whether users are being charged again because of a deployment: what is listed of some may be by the policy before.
    rerating: bool,
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
    let page = listed(&api.daemon, &filter).await?;
    Ok(Json(page))
}

/// What is listed of what is meant.
pub async fn listed(daemon: &Daemon, filter: &Filter) -> Result<QuarantinePage, Fault> {
    let limit = limit(filter.limit)?;
    let looked_at_once = if filter.is_of_some() { limit.max(LOOKED_AT_ONCE) } else { limit };
    let mut which = WhichRefused {
        after: cursor(filter.after.as_deref())?.map(Position),
        reason: filter.reason.clone(),
        stage: filter.stage.map(Stage::word),
        limit: looked_at_once,
    };
    let (mut quarantined, mut looked_at, mut known) = (Vec::new(), 0, Millis::MAX);
    loop {
        let part = daemon.quarantined(&which).await.map_err(not_whole)?;
        known = known.min(part.known);
        looked_at += part.refused.len();
        let meant = part.refused.into_iter().map(Quarantined::of).filter(|one| filter.wants(one));
        quarantined.extend(meant);
        which.after = part.next;
        // What is beyond the page is on the next one.
        if quarantined.len() > limit {
            quarantined.truncate(limit);
            which.after = quarantined.last().map(|last| Position(last.position));
        }
        if which.after.is_none() || quarantined.len() >= limit || looked_at >= LOOKED_AT_MAX {
            let next = which.after.map(|next| next.to_string());
            let rerating = daemon.shards.is_rerating();
            return Ok(QuarantinePage { known: known.0, rerating, quarantined, next });
        }
    }
}

impl Filter {
    /// Whether what is listed has to be looked at to know whether it is meant.
    fn is_of_some(&self) -> bool {
        self.user.is_some() || self.client.is_some()
    }

    fn wants(&self, one: &Quarantined) -> bool {
        let same = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == given)
        };
        same(&self.user, one.user.as_deref()) && same(&self.client, one.client.as_deref())
    }
}
