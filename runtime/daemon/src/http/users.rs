//! Questions about users.

use aquarium_charging::explain::Derivation;
use aquarium_charging::view::EntryView;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, FaultBody, OfCharging, OfParameters, WithBody};
use super::parameters::{Asked, AtKnown, Parameters, Part, Segments, json, limit};
use super::peers::not_whole;
use crate::shard::Unanswered;
use crate::shard::queries::{Known, Named, Seen, Which};
use crate::views::authorize::{Authorization, DURATION_MILLIS_MAX, Plan};
use crate::views::shapes;
use crate::views::state::{Snapshot, UserState};
use crate::views::wallet::Filter;
use crate::views::{has_record, trace, wallet};

/// The answer to the oldest question of all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// The user.
    user_id: String,
    /// What is left, in credits.
    balance: String,
}

/// What is left.
#[utoipa::path(
    get,
    path = "/user/{id}/balance",
    tag = "users",
    params(("id" = String, Path, description = "The user."), AtKnown),
    responses(
        (status = 200, body = Balance),
        OfParameters,
        (status = 404, description = "There is no record of this user up to that instant.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn balance(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    Parameters(query): Parameters<AtKnown>,
) -> Result<Json<Balance>, Fault> {
    let asked = query.read(&api.daemon)?;
    let balance = if query.known.is_none() {
        let row = api.daemon.shards.standing(&user, asked.at).await.map_err(unanswered)?;
        row.map(|row| row.balance)
    } else {
        snapshot(&api, &user, &query, asked).await?.map(|snapshot| snapshot.view.balance())
    };
    let balance = balance.ok_or_else(|| no_record(&user, &asked))?.to_string();
    Ok(Json(Balance { user_id: user, balance }))
}

/// How a user stands.
///
/// What is left, posted and accrued; threshold, burn rate and when credits will be exhausted; role,
/// agreement, instances, and the month's totals.
#[utoipa::path(
    get,
    path = "/user/{id}/state",
    tag = "users",
    params(("id" = String, Path, description = "The user."), AtKnown),
    responses(
        (status = 200, body = UserState),
        OfParameters,
        (status = 404, description = "There is no record of this user up to that instant.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn state(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    Parameters(query): Parameters<AtKnown>,
) -> Result<Json<UserState>, Fault> {
    let asked = query.read(&api.daemon)?;
    let snapshot = snapshot(&api, &user, &query, asked).await?.ok_or_else(|| no_record(&user, &asked))?;
    let rerating = api.daemon.shards.is_rerating();
    elsewhere(move || snapshot.into_state(&user, asked.known, asked.now, rerating)).await.map(Json)
}

async fn snapshot(api: &Api, user: &str, query: &AtKnown, asked: Asked) -> Result<Option<Snapshot>, Fault> {
    let shards = &api.daemon.shards;
    if query.known.is_none() {
        let take = |Seen { view, deployments }: Seen<'_>| Snapshot { view, deployments: deployments.clone() };
        return shards.see(user, asked.at, take).await.map_err(unanswered);
    }
    let take = move |Known { ledger, deployments }: Known<'_>| {
        Snapshot::known(ledger, deployments, asked.at, asked.known)
    };
    Ok(shards.examine(user, take).await.map_err(unanswered)?.flatten())
}

/// Entries of a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletPage {
    /// The entries, as they were posted.
    #[schema(value_type = Vec<shapes::Entry>)]
    entries: Vec<EntryView>,
    /// The `after` of the next page; `null` on the last one.
    next: Option<String>,
}

/// A user's wallet entries.
///
/// `from` and `to` are about where an entry's time begins: the entries of a month make up its bill.
#[utoipa::path(
    get,
    path = "/user/{id}/wallet",
    tag = "users",
    params(("id" = String, Path, description = "The user."), Part),
    responses(
        (status = 200, body = WalletPage),
        OfParameters,
        (status = 404, description = "There is no record of this user.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn wallet(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<WalletPage>, Fault> {
    let page = part.read(&api.daemon)?;
    let which = wallet::Which { from: page.from, to: page.to, skip: page.skip, limit: page.limit };
    let now = api.daemon.clock.now();
    let look = move |Known { ledger, deployments }: Known<'_>| {
        has_record(ledger).then(|| wallet::entries(ledger, deployments, now, &which, &Filter::default()))
    };
    let found = api.daemon.shards.examine(&user, look).await.map_err(unanswered)?.flatten();
    let (entries, next) = found.ok_or_else(|| no_record_now(&user))?;
    Ok(Json(WalletPage { entries, next: next.map(|next| next.to_string()) }))
}

/// Why an entry is what it is.
///
/// Its event, interval, price, expression and source lines, and every step of the arithmetic.
#[utoipa::path(
    get,
    path = "/user/{id}/entry/{entry}",
    tag = "users",
    params(
        ("id" = String, Path, description = "The user."),
        ("entry" = String, Path, description = "The entry's id."),
    ),
    responses(
        (status = 200, body = shapes::Derivation),
        (status = 400, description = "The path is not UTF-8.", body = FaultBody),
        (status = 404, description = "There is no such entry.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn entry(
    State(api): State<Api>,
    Segments((user, entry)): Segments<(String, String)>,
) -> Result<Json<Derivation>, Fault> {
    let now = api.daemon.clock.now();
    let id = entry.clone();
    let look = move |Known { ledger, deployments }: Known<'_>| wallet::entry(ledger, deployments, now, &id);
    let found = api.daemon.shards.examine(&user, look).await.map_err(unanswered)?.flatten();
    let absent = || Fault::not_found(format!("user `{user}` has no entry `{entry}`"));
    found.map(Json).ok_or_else(absent)
}

/// A part of a trace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trace {
    /// What happened, in order.
    steps: Vec<trace::Step>,
    /// The `after` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Event by event: what was, what was posted, what is then.
#[utoipa::path(
    get,
    path = "/user/{id}/trace",
    tag = "users",
    params(("id" = String, Path, description = "The user."), Part),
    responses(
        (status = 200, body = Trace),
        OfParameters,
        (status = 404, description = "There is no record of this user.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn trace(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Trace>, Fault> {
    let page = part.read(&api.daemon)?;
    let which = wallet::Which { from: page.from, to: page.to, skip: page.skip, limit: page.limit };
    let now = api.daemon.clock.now();
    let copy = |Known { ledger, deployments }: Known<'_>| {
        has_record(ledger).then(|| (ledger.clone(), deployments.clone()))
    };
    let copied = api.daemon.shards.examine(&user, copy).await.map_err(unanswered)?.flatten();
    let (ledger, mut deployments) = copied.ok_or_else(|| no_record_now(&user))?;
    let (steps, next) = elsewhere(move || trace::trace(&ledger, &mut deployments, now, &which)).await?;
    Ok(Json(Trace { steps, next: next.map(|next| next.to_string()) }))
}

/// Would the credit last?
///
/// For an amount of a resource from now on, for some time. It reserves nothing.
#[utoipa::path(
    post,
    path = "/user/{id}/authorize",
    tag = "users",
    params(("id" = String, Path, description = "The user.")),
    request_body = Plan,
    responses(
        (status = 200, body = Authorization),
        (status = 400, description = "The policy in force does not allow it.", body = FaultBody),
        (status = 404, description = "There is no record of this user.", body = FaultBody),
        WithBody,
        OfCharging,
    ),
)]
pub async fn authorize(
    State(api): State<Api>,
    Segments(user): Segments<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Authorization>, Fault> {
    let plan: Plan = json(&headers, &body)?;
    if !plan.is_in_range() {
        return Err(Fault::bad_request(format!("`durationMillis` is from 0 to {DURATION_MILLIS_MAX}")));
    }
    let now = api.daemon.clock.now();
    let asked = Asked { at: now, known: now, now };
    let snapshot = snapshot(&api, &user, &AtKnown::default(), asked).await?;
    let snapshot = snapshot.ok_or_else(|| no_record_now(&user))?;
    let authorized = elsewhere(move || plan.authorize(&user, snapshot)).await?;
    authorized.map(Json).map_err(|refusal| Fault::bad_request(refusal.to_string()))
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Users whose id contains this.
    #[serde(default)]
    query: String,
    /// What follows the page of which this is the `next`.
    after: Option<String>,
    /// The most on a page.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<usize>,
}

/// Users, by id.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// Who was named in what was received up to this instant is there: now, unless more comes in than is read at once.
    known: i64,
    /// The ids, in the order of their bytes.
    users: Vec<String>,
    /// The `after` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Users of whom there is a record.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    params(Search),
    responses(
        (status = 200, body = UserPage),
        OfParameters,
        OfCharging,
    ),
)]
pub async fn search(
    State(api): State<Api>,
    Parameters(search): Parameters<Search>,
) -> Result<Json<UserPage>, Fault> {
    let limit = limit(search.limit)?;
    let which = Which {
        containing: search.query,
        after: search.after,
        limit: limit.saturating_add(1),
        ..Which::default()
    };
    let Named { known, names: mut users } = api.daemon.names(&which).await.map_err(not_whole)?;
    let more = users.len() > limit;
    users.truncate(limit);
    let next = users.last().filter(|_| more).cloned();
    Ok(Json(UserPage { known: known.0, users, next }))
}

/// Runs what takes long on a thread that may take its time.
pub async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Fault::internal("the daemon made a mistake; its log says more"))
}

/// The fault for a question without an answer.
pub fn unanswered(why: Unanswered) -> Fault {
    match why {
        Unanswered::Late => Fault::timeout(),
        Unanswered::Aside(_) => Fault::internal(why.to_string()),
        Unanswered::Moving => Fault::moving(why.to_string()),
        Unanswered::Broken(_) | Unanswered::Stopping => Fault::unavailable(why.to_string()),
    }
}

/// The fault for somebody of whom there is no record up to then.
pub fn no_record(user: &str, asked: &Asked) -> Fault {
    Fault::not_found(format!("there is no record of user `{user}` at or before {}", asked.at))
}

/// The fault for somebody who is not known.
pub fn no_record_now(user: &str) -> Fault {
    Fault::not_found(format!("there is no record of user `{user}`"))
}
