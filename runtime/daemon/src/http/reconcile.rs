//! `POST /reconcile`: what a service knows to be live, against what is open here.

use std::collections::BTreeSet;

use aquarium_ir::Millis;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, FaultBody, WithBody};
use super::parameters::{Parameters, json};
use super::peers::not_whole;
use super::users::unanswered;
use crate::clients::Clients;
use crate::cluster::peers::Question;
use crate::ingest::{Answer, Layout};
use crate::shard::queries::{Known, Which};
use crate::views::reconcile::{Comparison, Inventory, OpenHere};

/// Users that are asked for together.
const USERS_TOGETHER: usize = 10_000;

/// Whether to write the events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Write the events that bring this side in line; `apply` alone means `true`.
    #[param(schema_with = flag, required = false)]
    apply: Option<String>,
}

/// A parameter that stands alone or with a value.
fn flag() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["", "true", "false"])).build()
}

/// How the two sides differ, and what was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciled {
    #[serde(flatten)]
    comparison: Comparison,
    /// What became of the events that were written; `null`: none were asked for.
    applied: Option<Vec<Answer>>,
}

/// Compare what is live with what is open here.
///
/// `apply` writes the events that bring this side in line, as the service's own: they are as good as any
/// others, and the same comparison gives the same events.
#[utoipa::path(
    post,
    path = "/reconcile",
    tag = "events",
    params(Apply),
    request_body = Inventory,
    responses(
        (status = 200, body = Reconciled),
        (status = 400, description = "The body or a parameter is wrong.", body = FaultBody),
        (status = 403, description = "This sender may not speak for that client.", body = FaultBody),
        WithBody,
        (status = 429, description = "Too many requests wait.", body = FaultBody),
        (status = 500, description = "It took too long, or a defect.", body = FaultBody),
        (status = 503, description = "Nothing can be charged or stored now.", body = FaultBody),
    ),
)]
pub async fn post(
    State(api): State<Api>,
    Extension(clients): Extension<Clients>,
    Parameters(query): Parameters<Apply>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Reconciled>, Fault> {
    let apply = match query.apply.as_deref() {
        None | Some("false") => false,
        Some("" | "true") => true,
        Some(_) => return Err(Fault::bad_request("`apply` is `true` or `false`")),
    };
    let inventory: Inventory = json(&headers, &body)?;
    if !clients.may_send(&inventory.client) {
        return Err(Fault::forbidden(format!("this sender may not speak for `{}`", inventory.client)));
    }
    let comparison = compare(&api, inventory.clone()).await?;
    let applied = if apply { Some(write(&api, clients, &inventory, &comparison).await?) } else { None };
    Ok(Json(Reconciled { comparison, applied }))
}

async fn compare(api: &Api, inventory: Inventory) -> Result<Comparison, Fault> {
    let now = api.daemon.clock.now();
    let at = inventory.at.unwrap_or(now);
    if at > now {
        return Err(Fault::bad_request(format!("`at`: {at} lies ahead; it is {now}")));
    }
    if let Some(fault) = inventory.fault() {
        return Err(Fault::bad_request(fault));
    }
    let partitions = api.daemon.tenure.partitions();
    let mut open = open_here(api, at, &inventory.resources).await?;
    let question = || Question::Open { at, resources: inventory.resources.clone() };
    for there in api.daemon.others(&partitions, question).await.map_err(not_whole)? {
        open.add_list(there);
    }
    Ok(open.compare(at, &inventory.live))
}

/// What is open of the users who are charged here.
pub async fn open_here(api: &Api, at: Millis, resources: &BTreeSet<String>) -> Result<OpenHere, Fault> {
    let mut here = OpenHere::default();
    let mut which = Which { limit: USERS_TOGETHER, whole: true, ..Which::default() };
    loop {
        let users = api.daemon.shards.names(&which).await.map_err(unanswered)?.names;
        let Some(last) = users.last() else { return Ok(here) };
        which.after = Some(last.clone());
        for user in &users {
            let (resources, mut so_far) = (resources.clone(), std::mem::take(&mut here));
            let look = move |Known { ledger, deployments }: Known<'_>| {
                so_far.add(ledger, deployments, at, &resources);
                so_far
            };
            let looked = api.daemon.shards.examine(user, look).await.map_err(unanswered)?;
            here = looked.ok_or_else(|| Fault::internal("a user is gone"))?;
        }
    }
}

async fn write(
    api: &Api,
    clients: Clients,
    inventory: &Inventory,
    comparison: &Comparison,
) -> Result<Vec<Answer>, Fault> {
    let events = comparison.events(&inventory.client);
    let batch = api.daemon.read_live(events, Layout::Lines, &|message| clients.check(message));
    api.daemon.ingest.offer(batch).await.map_err(|error| super::events::ingest_fault(&error))
}
