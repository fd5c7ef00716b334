//! Looking for users.

use axum::extract::State;
use serde::Deserialize;

use super::{Shown, frame, html};
use crate::console::users::{self, Found};
use crate::http::Api;
use crate::http::parameters::Parameters;
use crate::http::users::unanswered;
use crate::shard::queries::Which;

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
    let which = Which { containing: query.clone(), after: after.clone(), limit: USERS + 1 };
    let mut names = api.daemon.shards.names(&which).await.map_err(unanswered)?;
    let more = names.len() > USERS;
    names.truncate(USERS);
    let next = names.last().filter(|_| more).cloned();
    let at = api.daemon.clock.now();
    let asked: Vec<_> = names
        .into_iter()
        .map(|name| {
            let daemon = api.daemon.clone();
            // All at once: each would otherwise wait for what is being charged meanwhile.
            tokio::spawn(async move {
                let row = daemon.shards.standing(&name, at).await;
                (name, row.ok().flatten().map(|row| row.balance))
            })
        })
        .collect();
    let mut found = Vec::new();
    for one in asked {
        found.extend(one.await.ok());
    }
    html(users::page(&frame(&api.daemon), &Found { query, after, users: found, next }))
}
