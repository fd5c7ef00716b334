//! Pages about what concerns everybody: policies and quarantine.

use std::sync::Arc;

use aquarium_charging::{Deployments, Reason};
use aquarium_ir::Millis;
use aquarium_ir::policy::Policy;
use aquarium_store::Position;
use axum::extract::State;
use serde::Deserialize;

use super::{Shown, frame, given, html, instant_within};
use crate::console::changes::{self as changes_page, Changed};
use crate::console::policies::{self, ChosenWeek, Deployed};
use crate::console::quarantine::{self, One, Page};
use crate::daemon::Daemon;
use crate::daemon::quarantined::{PartOfRefused, WhichRefused};
use crate::deployment::Listed;
use crate::http::Api;
use crate::http::fault::Fault;
use crate::http::parameters::{Parameters, cursor};
use crate::http::peers::not_whole;
use crate::http::policies::deploy_fault;
use crate::http::users::elsewhere;
use crate::views::policies::{changes as changes_of, held_at, in_force, week};
use crate::views::quarantine::Quarantined;

/// Pieces of refused input on a page.
const LISTED: usize = 100;
/// What the picture of versions shows before the first and after the last, where time has no end: a day.
const MARGIN_MILLIS: i64 = 86_400_000;

/// Which week of which policy.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choice {
    deployment: String,
    module: String,
    agreement: String,
    resource: String,
    at: String,
}

/// What was deployed, and a week.
pub async fn policies(State(api): State<Api>, Parameters(choice): Parameters<Choice>) -> Shown {
    let daemon = api.daemon.clone();
    let at = instant_within(&daemon, "at", &choice.at)?.unwrap_or(daemon.clock.now());
    let listed = daemon.deployments().await.map_err(deploy_fault)?;
    let frame = frame(&daemon);
    let now = frame.now;
    let work = move || {
        let span = span(&listed, now);
        let held = in_force(&mut daemon.versions(), span.0, span.1);
        let week = chosen(&daemon, &listed, choice, at)?;
        Ok::<_, Fault>(Deployed { listed, held, span, week })
    };
    html(policies::page(&frame, &elsewhere(work).await??))
}

/// From when to when versions are drawn.
fn span(listed: &[Listed], now: Millis) -> (Millis, Millis) {
    let spans = || listed.iter().map(|listed| &listed.deployment.span);
    let begins = spans().map(|span| if span.from <= Millis(1) { span.received } else { span.from });
    let first = begins.clone().min().unwrap_or(now).min(now);
    let ends = spans().map(|span| span.to).filter(|to| *to < Millis::LIMIT);
    let last = begins.chain(ends).max().unwrap_or(now).max(now);
    (Millis(first.0.saturating_sub(MARGIN_MILLIS)), Millis(last.0.saturating_add(MARGIN_MILLIS)))
}

/// The week that was chosen; of what was not chosen, the first.
fn chosen(
    daemon: &Daemon,
    listed: &[Listed],
    choice: Choice,
    at: Millis,
) -> Result<Option<ChosenWeek>, Fault> {
    let meant = |one: &&Listed| {
        let deployment = &one.deployment;
        if !choice.deployment.is_empty() {
            return deployment.id == choice.deployment;
        }
        choice.module.is_empty() && one.in_force || deployment.module == choice.module
    };
    let by_default = || listed.last().filter(|_| choice.deployment.is_empty() && choice.module.is_empty());
    let Some(one) = listed.iter().rev().find(meant).or_else(by_default) else {
        return if listed.is_empty() {
            Ok(None)
        } else {
            Err(Fault::not_found("there is no such deployment"))
        };
    };
    let policy = policy(daemon, one)?;
    let first = |name: Option<&String>| name.cloned().unwrap_or_default();
    let standard = policy.agreement_of_role(None).and_then(|id| policy.agreements.get(id.index()));
    let standard = standard.or(policy.agreements.first());
    let agreement = given(&choice.agreement).unwrap_or_else(|| first(standard.map(|it| &it.name)));
    let resource =
        given(&choice.resource).unwrap_or_else(|| first(policy.resources.first().map(|it| &it.name)));
    let found = policy.agreement(&agreement).zip(policy.resource(&resource));
    let week = found.map(|((_, agreement), (resource, _))| week(&policy, agreement, resource.index(), at));
    let deployment = one.deployment.id.clone();
    Ok(Some(ChosenWeek { deployment, agreement, resource, at: choice.at, week, policy: policy.clone() }))
}

fn policy(daemon: &Daemon, listed: &Listed) -> Result<Arc<Policy>, Fault> {
    let version = daemon.policies.version(&listed.deployment.module);
    version.map(|version| version.policy).map_err(|error| Fault::unavailable(error.to_string()))
}

/// Which deployment.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deployment {
    deployment: String,
}

/// What a deployment changed.
pub async fn changes(State(api): State<Api>, Parameters(asked): Parameters<Deployment>) -> Shown {
    let daemon = api.daemon.clone();
    let mut all = daemon.deployments().await.map_err(deploy_fault)?;
    while all.last().is_some_and(|last| last.deployment.id != asked.deployment) {
        all.pop();
    }
    let listed = all.pop().ok_or_else(|| Fault::not_found("there is no such deployment"))?;
    let frame = frame(&daemon);
    let work = move || changed(&daemon, all, listed);
    html(changes_page::page(&frame, &elsewhere(work).await??))
}

/// What a deployment changed of the one that held where it begins to, of all that there were before.
fn changed(daemon: &Daemon, mut before: Vec<Listed>, listed: Listed) -> Result<Changed, Fault> {
    let span = listed.deployment.span;
    let at = if span.from <= Millis(1) { span.received } else { span.from };
    let mut versions = Deployments::new();
    for one in &before {
        let version = daemon.policies.version(&one.deployment.module);
        let version = version.map_err(|error| Fault::unavailable(error.to_string()))?;
        // One that was refused then is refused again, and changed nothing.
        let _ = versions.deploy(version, one.deployment.span);
    }
    let last = before.len().checked_sub(1);
    let place = held_at(versions, at).or(last).filter(|place| *place < before.len());
    let before = place.map(|place| before.swap_remove(place));
    let changes = match &before {
        Some(before) => Some(changes_of(&*policy(daemon, before)?, &*policy(daemon, &listed)?, span)),
        None => None,
    };
    Ok(Changed { listed, before, changes, at })
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Part {
    reason: String,
    after: String,
}

/// What has no effect.
pub async fn quarantine(State(api): State<Api>, Parameters(part): Parameters<Part>) -> Shown {
    let daemon = &api.daemon;
    if let Some(reason) = given(&part.reason)
        && Reason::named(&reason).is_none()
    {
        return Err(Fault::bad_request(format!("there is no reason `{reason}`")));
    }
    let which = WhichRefused {
        after: cursor(given(&part.after).as_deref())?.map(Position),
        reason: given(&part.reason),
        stage: None,
        limit: LISTED,
    };
    let PartOfRefused { known, refused, next, counts } =
        daemon.quarantined(&which).await.map_err(not_whole)?;
    let listed = refused.into_iter().map(Quarantined::of).collect();
    let next = next.map(|next| next.to_string());
    let rerating = daemon.shards.is_rerating();
    let Part { reason, after } = part;
    let counts = Reason::ALL.map(|reason| (reason, counts.get(&reason).copied().unwrap_or_default()));
    let page = Page { known, rerating, counts: counts.to_vec(), reason, after, listed, next };
    html(quarantine::page(&frame(daemon), &page))
}

/// Which piece of refused input.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Place {
    position: String,
}

/// One, with its bytes.
pub async fn one(State(api): State<Api>, Parameters(place): Parameters<Place>) -> Shown {
    let wrong = || Fault::bad_request("`position` is a place in the log");
    let position =
        cursor::<u64>(given(&place.position).as_deref()).map_err(|_| wrong())?.ok_or_else(wrong)?;
    let which =
        WhichRefused { after: position.checked_sub(1).map(Position), limit: 1, ..WhichRefused::default() };
    let PartOfRefused { refused, .. } = api.daemon.quarantined(&which).await.map_err(not_whole)?;
    let here = refused.into_iter().find(|refused| refused.record.position == Position(position));
    let absent = || Fault::not_found(format!("nothing is listed at place {position}"));
    let refused = here.ok_or_else(absent)?;
    let bytes = refused.record.body.to_vec();
    let one = One { listed: Quarantined::of(refused), bytes };
    html(quarantine::one(&frame(&api.daemon), &one))
}
