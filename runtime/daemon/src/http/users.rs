//! Questions about a user.

use std::sync::Arc;

use aquarium_ir::Millis;
use aquarium_ir::time::WrittenInstant;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Json;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::daemon::Daemon;
use crate::shard::{Standing, Unanswered};

/// The parameters of a question about an instant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instant {
    at: Option<String>,
}

/// The answer to the oldest question of all.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    user_id: String,
    balance: String,
}

/// The state with what only an answer needs.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    standing: Standing,
    /// Whether the instant lies ahead.
    projected: bool,
}

type UserPath = Result<Path<String>, PathRejection>;
type InstantQuery = Result<Query<Instant>, QueryRejection>;

/// `GET /user/{id}/balance`
pub async fn balance(
    State(daemon): State<Arc<Daemon>>,
    user: UserPath,
    query: InstantQuery,
) -> Result<Json<Balance>, Fault> {
    let standing = standing(&daemon, user, query).await?;
    Ok(Json(Balance { user_id: standing.user_id, balance: standing.balance.to_string() }))
}

/// `GET /user/{id}/state`
pub async fn state(
    State(daemon): State<Arc<Daemon>>,
    user: UserPath,
    query: InstantQuery,
) -> Result<Json<Answer>, Fault> {
    let standing = standing(&daemon, user, query).await?;
    let projected = standing.at > daemon.clock.now();
    Ok(Json(Answer { standing, projected }))
}

async fn standing(daemon: &Daemon, user: UserPath, query: InstantQuery) -> Result<Standing, Fault> {
    let Path(user) = user.map_err(|_| Fault::bad_request("the user's id in the path is not UTF-8"))?;
    let Query(query) = query.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let at = instant(daemon, query.at.as_deref())?;
    let standing = daemon.shards.standing(&user, at).await.map_err(unanswered)?;
    standing.ok_or_else(|| Fault::not_found(format!("there is no record of user `{user}` at or before {at}")))
}

fn instant(daemon: &Daemon, text: Option<&str>) -> Result<Millis, Fault> {
    let Some(text) = text else { return Ok(daemon.clock.now()) };
    let written = WrittenInstant::read(text, &daemon.policies.zone());
    written.map(|written| written.instant).map_err(|error| Fault::bad_request(format!("`at`: {error}")))
}

/// The fault for a question without an answer.
pub fn unanswered(why: Unanswered) -> Fault {
    match why {
        Unanswered::Late => Fault::timeout(),
        Unanswered::Aside(_) => Fault::internal(why.to_string()),
        Unanswered::Broken(_) | Unanswered::Stopping => Fault::unavailable(why.to_string()),
    }
}
