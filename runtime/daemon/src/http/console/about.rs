//! Pages about one user.

use aquarium_charging::view::{CauseView, EntryView};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;
use aquarium_ir::time::Month;
use aquarium_store::OwnedRecord;
use axum::extract::State;
use serde::Deserialize;

use super::{Shown, frame, given, html, instant_within};
use crate::console::{bill, charge, trace as trace_page, user, wallet as wallet_page};
use crate::daemon::Daemon;
use crate::http::Api;
use crate::http::bills::bill as bill_of;
use crate::http::fault::Fault;
use crate::http::parameters::{AtKnown, Parameters, cursor, month as read_month};
use crate::http::users::{elsewhere, no_record, no_record_now, unanswered};
use crate::shard::queries::Known;
use crate::views::bills::Which as WhichBill;
use crate::views::charge::charge as why;
use crate::views::month::{Which as WhichMonth, month};
use crate::views::state::Snapshot;
use crate::views::wallet::{Filter, Which};
use crate::views::{has_record, names, trace as traces, wallet as wallets};

/// Entries on a page: it stays well below 200 KB.
const ENTRIES: usize = 100;
/// Steps of a trace on a page.
const STEPS: usize = 20;
/// Names of a user that are told: the last ones.
const NAMES: usize = 50;

/// A user, at an instant, as known at another.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct At {
    id: String,
    at: String,
    known: String,
}

/// How a user stands.
pub async fn standing(State(api): State<Api>, Parameters(at): Parameters<At>) -> Shown {
    let daemon = &api.daemon;
    instant_within(daemon, "at", &at.at)?;
    instant_within(daemon, "known", &at.known)?;
    let asked = AtKnown { at: given(&at.at), known: given(&at.known) }.read(daemon)?;
    let (ledger, deployments) = copy(daemon, &at.id).await?;
    let rerating = daemon.shards.is_rerating();
    let user = at.id.clone();
    let which = WhichMonth { at: asked.at, known: asked.known, now: asked.now };
    let written = user::Asked { at: at.at.trim().to_owned(), known: at.known.trim().to_owned() };
    let work = move || {
        let mut snapshot = Snapshot::known(&ledger, &deployments, which.at, which.known)?;
        let costs = snapshot.running_costs();
        let mut known = deployments.known(which.known);
        Some(user::Standing {
            state: snapshot.into_state(&user, which.known, which.now, rerating),
            costs,
            month: month(&ledger, &deployments, &which),
            names: names::history(&ledger, &mut known, which.at, which.known, NAMES),
            asked: written,
        })
    };
    let standing = elsewhere(work).await?.ok_or_else(|| no_record(&at.id, &asked))?;
    html(user::page(&frame(daemon), &standing))
}

/// A user's ledger and the policies, to be worked on elsewhere.
async fn copy(daemon: &Daemon, user: &str) -> Result<(Ledger, Deployments), Fault> {
    let copy = |Known { ledger, deployments }: Known<'_>| {
        has_record(ledger).then(|| (ledger.clone(), deployments.clone()))
    };
    let copied = daemon.shards.examine(user, copy).await.map_err(unanswered)?.flatten();
    copied.ok_or_else(|| no_record_now(user))
}

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entries {
    id: String,
    resource: String,
    instance: String,
    agreement: String,
    month: String,
    after: String,
}

/// A user's entries.
pub async fn wallet(State(api): State<Api>, Parameters(asked): Parameters<Entries>) -> Shown {
    let daemon = &api.daemon;
    let month = given(&asked.month).map(|month| month_of(&month)).transpose()?;
    let skip = cursor(given(&asked.after).as_deref())?.unwrap_or(0);
    let filter = Filter {
        resource: given(&asked.resource),
        instance: given(&asked.instance),
        agreement: given(&asked.agreement),
    };
    let (ledger, mut deployments) = copy(daemon, &asked.id).await?;
    let now = daemon.clock.now();
    let work = move || {
        let span = month.map(|month| deployments.span_of(month));
        let (from, to) = span.map_or((Millis::MIN, Millis::MAX), |span| (span.start, span.end));
        let which = Which { from, to, skip, limit: ENTRIES };
        let sum = wallets::sum(&ledger, &mut deployments, now, &which, &filter);
        (wallets::entries(&ledger, &mut deployments, now, &which, &filter), sum)
    };
    let ((entries, next), sum) = elsewhere(work).await?;
    let Entries { id: user, resource, instance, agreement, month, after } = asked;
    let asked = wallet_page::Asked { resource, instance, agreement, month, after };
    html(wallet_page::page(&frame(daemon), &wallet_page::Page { user, asked, entries, sum, next }))
}

/// A month as people write it: `2011-12`.
fn month_of(text: &str) -> Result<Month, Fault> {
    let (year, month) = text.split_once('-').unwrap_or((text, ""));
    read_month(year, month)
}

/// Which bill.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bill {
    id: String,
    month: String,
    #[serde(rename = "final")]
    finished: String,
}

/// A user's bill.
pub async fn bill(State(api): State<Api>, Parameters(asked): Parameters<Bill>) -> Shown {
    let daemon = &api.daemon;
    let month = match given(&asked.month) {
        Some(month) => month_of(&month)?,
        None => daemon.policies.zone().month(daemon.clock.now()),
    };
    let finished = asked.finished == "true";
    let bill = bill_of(&api, &asked.id, WhichBill { month, finished }).await?;
    let bill = bill.ok_or_else(|| no_record_now(&asked.id))?.map_err(|why| why.to_string());
    html(bill::page(&frame(daemon), &bill::Asked { user: asked.id, month, finished, bill }))
}

/// Which charge.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Charge {
    id: String,
    entry: String,
}

/// Why a charge is what it is.
pub async fn charge(State(api): State<Api>, Parameters(asked): Parameters<Charge>) -> Shown {
    let daemon = api.daemon.clone();
    let Charge { id: user, entry } = asked;
    let (ledger, mut deployments) = copy(&daemon, &user).await?;
    let now = daemon.clock.now();
    let id = entry.clone();
    let found = elsewhere(move || why(&ledger, &mut deployments, now, &id)).await?;
    let absent = || Fault::not_found(format!("user `{user}` has no entry `{entry}`"));
    let charge = found.ok_or_else(absent)?;
    let cause = charge.derivation.entry.cause.clone();
    let (log, of) = (daemon.clone(), user.clone());
    let event = elsewhere(move || event_of(&log, &of, &cause)).await??;
    let event = event.map(|record| String::from_utf8_lossy(&record.body).into_owned());
    let (policies, view) = (daemon.clone(), charge.derivation.entry.clone());
    let excerpts = elsewhere(move || excerpts_of(&policies, &view)).await?;
    html(charge::page(&frame(&daemon), &charge::Why { user, charge, event, excerpts }))
}

/// Where price and expression stand in the policy, each line once; none where the module has no texts.
fn excerpts_of(daemon: &Daemon, entry: &EntryView) -> Vec<charge::Excerpt> {
    let Some(module) = &entry.module else { return Vec::new() };
    let mut places: Vec<&str> =
        [&entry.source, &entry.algorithm_source].into_iter().flatten().map(String::as_str).collect();
    places.dedup();
    let excerpt = |place: &str| {
        let (path, _) = place.rsplit_once(':')?;
        match daemon.policies.source(module, path) {
            Ok(text) => charge::Excerpt::of(place, &text?),
            Err(error) => {
                tracing::warn!(%error, "the lines of a policy cannot be shown");
                None
            }
        }
    };
    places.into_iter().filter_map(excerpt).collect()
}

/// The event that posted an entry, as the log has it.
fn event_of(daemon: &Daemon, user: &str, cause: &CauseView) -> Result<Option<OwnedRecord>, Fault> {
    let CauseView::Event { client, id } = cause else { return Ok(None) };
    daemon.event(user, client, id).map_err(unanswered)
}

/// Which part of a trace.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trace {
    id: String,
    from: String,
    to: String,
    after: String,
}

/// A user's life, event by event.
pub async fn trace(State(api): State<Api>, Parameters(asked): Parameters<Trace>) -> Shown {
    let daemon = &api.daemon;
    let which = Which {
        from: instant_within(daemon, "from", &asked.from)?.unwrap_or(Millis::MIN),
        to: instant_within(daemon, "to", &asked.to)?.unwrap_or(Millis::MAX),
        skip: cursor(given(&asked.after).as_deref())?.unwrap_or(0),
        limit: STEPS,
    };
    let (ledger, mut deployments) = copy(daemon, &asked.id).await?;
    let now = daemon.clock.now();
    let (steps, next) = elsewhere(move || traces::trace(&ledger, &mut deployments, now, &which)).await?;
    let Trace { id: user, from, to, after } = asked;
    let asked = trace_page::Asked { from, to, after };
    html(trace_page::page(&frame(daemon), &trace_page::Page { user, asked, steps, next }))
}
