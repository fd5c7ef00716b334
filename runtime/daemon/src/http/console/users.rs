//! Looking for users.

use axum::extract::State;
use serde::Deserialize;

use super::{Shown, frame, html};
use crate::console::users::{self, Found};
use crate::http::Api;
use crate::http::parameters::Parameters;
use crate::http::peers::not_whole;
use crate::shard::queries::{Named, Standings, Which};

/// Users on a page: as many as can be looked over.
const USERS: usize = 50;

/// What a form of search says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    query: String,
    after: String,
}

/// Users whose id contains a text, with their balances.
pub async fn search(State(api): State<Api>, Parameters(search): Parameters<Search>) -> Shown {
    let Search { query, after } = search;
    let after = (!after.is_empty()).then_some(after);
    let which = Which { containing: query.clone(), after: after.clone(), limit: USERS + 1, whole: false };
    let Named { mut names, .. } = api.daemon.names(&which).await.map_err(not_whole)?;
    let more = names.len() > USERS;
    names.truncate(USERS);
    let next = names.last().filter(|_| more).cloned();
    let at = api.daemon.clock.now();
    let Standings { known, mut balances } = api.daemon.standings(&names, at).await.map_err(not_whole)?;
    let found = names.into_iter().map(|name| {
        let balance = balances.remove(&name);
        (name, balance)
    });
    let found = found.collect();
    html(users::page(&frame(&api.daemon), &Found { known, query, after, users: found, next }))
}
