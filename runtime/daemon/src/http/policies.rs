//! Policies: what was deployed, deploying another, and what that would change.

use aquarium_ir::Millis;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::admin::record_fault;
use super::body::{Reader, check_declared};
use super::events::essence;
use super::fault::{Fault, FaultBody, OfCharging, OfStoring};
use super::parameters::{Parameters, Segments, instant};
use super::users::unanswered;
use crate::deployment::{DeployError, Listed, NewDeployment, Planned, Scheduled};
use crate::impact::Impact;
use crate::policies::PolicyError;

/// Bytes of a module, at most: ten thousand functions have less than two million.
const MODULE_BYTES_MAX: usize = 16 << 20;

/// A policy that was deployed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The id of the deployment.
    id: String,
    /// The name under which it was deployed.
    name: Option<String>,
    /// The name that the policy gives itself.
    title: Option<String>,
    /// The hash of its module.
    module: String,
    /// By whom it was deployed.
    author: Option<String>,
    /// From when on it was asked to hold.
    from: i64,
    /// Until when; `null`: without end.
    to: Option<i64>,
    /// When it was deployed.
    received_millis: i64,
    /// Whether it is in force now.
    in_force: bool,
}

/// How a policy is to be deployed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// From when on it holds; not given: now. One of the past charges anew what happened since.
    from: Option<String>,
    /// Until when it holds; not given: without end.
    to: Option<String>,
    /// Which is meant where a version is scheduled for later; not given: then it is refused.
    #[param(inline)]
    scheduled: Option<Meant>,
    /// By whom.
    author: Option<String>,
}

/// Which of two versions is meant.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Meant {
    /// The new one: the scheduled one never comes into force.
    Replace,
    /// The scheduled one: the new one holds until then.
    Keep,
}

/// A deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deployment {
    /// Its id.
    id: String,
    /// The hash of the module.
    module: String,
    /// From when on it holds.
    from: i64,
    /// Until when; `null`: without end.
    to: Option<i64>,
    /// Whether anything was stored: not where the same was asked for before.
    new: bool,
}

/// Everything that was deployed, the oldest first.
#[utoipa::path(
    get,
    path = "/policies",
    tag = "policies",
    responses(
        (status = 200, body = Vec<Policy>),
        (status = 503, description = "A module cannot be read.", body = FaultBody),
    ),
)]
pub async fn list(State(api): State<Api>) -> Result<Json<Vec<Policy>>, Fault> {
    let listed = api.daemon.deployments().await.map_err(deploy_fault)?;
    Ok(Json(listed.into_iter().map(Policy::of).collect()))
}

/// Deploy a policy.
///
/// The body is the module that `aquariumc compile` writes. With an `Idempotency-Key` a repeated request is the
/// same deployment.
#[utoipa::path(
    put,
    path = "/policies/{name}",
    tag = "policies",
    params(
        ("name" = String, Path, description = "A name for people."),
        When,
        ("Idempotency-Key" = Option<String>, Header, description = "The id of the deployment.", max_length = 128),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 200, body = Deployment),
        (status = 400, description = "This is no module, or a parameter is wrong.", body = FaultBody),
        (status = 409, description = "It contradicts what was deployed before.", body = FaultBody),
        (status = 413, description = "The module is too large.", body = FaultBody),
        (status = 415, description = "Another content type.", body = FaultBody),
        OfStoring,
    ),
)]
pub async fn deploy(
    State(api): State<Api>,
    Segments(name): Segments<String>,
    Parameters(when): Parameters<When>,
    request: Request,
) -> Result<Json<Deployment>, Fault> {
    let id = idempotency_key(request.headers())?;
    let order = NewDeployment { id, name: Some(name), ..order(&api, when, request).await? };
    let deployed = api.daemon.deploy(&order).await.map_err(deploy_fault)?;
    Ok(Json(Deployment {
        id: deployed.id,
        module: deployed.module,
        from: deployed.span.from.0,
        to: end(deployed.span.to),
        new: deployed.new,
    }))
}

/// What deploying a policy would change in the balances of now. It changes nothing.
#[utoipa::path(
    post,
    path = "/policies/simulate",
    tag = "policies",
    params(When),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 200, body = Impact),
        (status = 400, description = "This is no module, or a parameter is wrong.", body = FaultBody),
        (status = 409, description = "It contradicts what was deployed before.", body = FaultBody),
        (status = 413, description = "The module is too large.", body = FaultBody),
        (status = 415, description = "Another content type.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn simulate(
    State(api): State<Api>,
    Parameters(when): Parameters<When>,
    request: Request,
) -> Result<Json<Impact>, Fault> {
    let order = order(&api, when, request).await?;
    let planned: Planned = api.daemon.plan(&order).await.map_err(deploy_fault)?;
    api.daemon.clone().impact(planned).await.map(Json).map_err(unanswered)
}

async fn order(api: &Api, when: When, request: Request) -> Result<NewDeployment, Fault> {
    if essence(request.headers()) != "application/wasm" {
        return Err(Fault::bad_media_type("send `Content-Type: application/wasm`"));
    }
    check_declared(request.headers(), MODULE_BYTES_MAX)?;
    let reader = Reader::new(request.into_body(), api.pause(), api.bodies.clone());
    let (module, _room) = reader.whole(MODULE_BYTES_MAX).await?;
    Ok(NewDeployment {
        module,
        author: when.author,
        from: instant(&api.daemon, "from", when.from.as_deref())?,
        to: instant(&api.daemon, "to", when.to.as_deref())?,
        scheduled: when.scheduled.map(|meant| match meant {
            Meant::Replace => Scheduled::Replace,
            Meant::Keep => Scheduled::Keep,
        }),
        ..NewDeployment::default()
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(key) = headers.get(super::admin::IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().map_err(|_| Fault::bad_request("the `Idempotency-Key` is not visible ASCII"))?;
    Ok(Some(key.to_owned()))
}

fn end(to: Millis) -> Option<i64> {
    (to < Millis::MAX).then_some(to.0)
}

impl Policy {
    fn of(listed: Listed) -> Self {
        let deployment = listed.deployment;
        Self {
            id: deployment.id,
            name: deployment.name,
            title: listed.title,
            module: deployment.module,
            author: deployment.author,
            from: deployment.span.from.0,
            to: end(deployment.span.to),
            received_millis: deployment.span.received.0,
            in_force: listed.in_force,
        }
    }
}

/// The fault for a policy that is not deployed, or cannot be read.
pub fn deploy_fault(error: DeployError) -> Fault {
    match error {
        DeployError::Policy(PolicyError::Unusable { .. }) => Fault::bad_request(error.to_string()),
        DeployError::Policy(_) | DeployError::Shared(_) => Fault::unavailable(error.to_string()),
        DeployError::Refused(_) => Fault::conflict(error.to_string()),
        DeployError::Record(error) => record_fault(error),
    }
}
