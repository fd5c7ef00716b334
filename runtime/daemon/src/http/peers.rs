//! Nodes among themselves: what is asked of one and is another's to answer.
//!
//! A question about a user goes, as it is, to the node that charges that user, once: a node passes on nothing that
//! another one passed to it. Nodes show each other a secret; without one they may ask each other what everybody may.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, TRANSFER_ENCODING};
use axum::http::{Extensions, HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use axum::{Extension, Router};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;

use super::fault::Fault;
use super::users::unanswered;
use super::{Api, SMALL_BODY_BYTES_MAX, bills, reconcile};
use crate::client::{Call, Reply};
use crate::cluster::peers::{Answered, FROM, FoundThere, Peers, Question, SECRET, Unheard};
use crate::daemon::everywhere::NotWhole;

/// What is asked about one user; the rest of what is below `/user/` are records, which any node stores.
const ABOUT_USERS: [&str; 7] = ["balance", "state", "wallet", "entry", "trace", "authorize", "bill"];
/// Pages about one user.
const PAGES_ABOUT_USERS: &str = "/console/user";
/// Bytes of a question about many users, at most: a thousand ids and what is between them.
pub const QUESTION_BYTES_MAX: usize = 1 << 20;

/// Another node asks.
#[derive(Clone, Copy)]
pub struct FromNode;

/// The routes for other nodes, and for whom they are open.
#[derive(Clone)]
pub struct Entrance {
    routes: Router,
    secret: Option<Arc<str>>,
    /// Whether those who ask need a token.
    guarded: bool,
}

impl Entrance {
    /// An entrance to routes. Without a secret they must be such as everybody may use.
    pub fn to(routes: Router, secret: Option<&str>, guarded: bool) -> Self {
        Self { routes, secret: secret.map(Arc::from), guarded }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let Some(secret) = &self.secret else {
            let why =
                "nodes ask each other nothing here: `cluster.secret_file` is missing in the configuration";
            return if self.guarded { Err(Fault::forbidden(why)) } else { Ok(()) };
        };
        let shown = headers.get(SECRET).map(HeaderValue::as_bytes).unwrap_or_default();
        // Who can measure how long digests are compared learns nothing about the secret.
        match Sha256::digest(shown) == Sha256::digest(secret.as_bytes()) {
            true => Ok(()),
            false => Err(Fault::forbidden("this is not the secret of the nodes: see `cluster.secret_file`")),
        }
    }
}

/// Lets other nodes in; everybody else goes on.
pub async fn enter(State(entrance): State<Entrance>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(FROM) {
        return next.run(request).await;
    }
    if let Err(fault) = entrance.check(request.headers()) {
        return fault.into_response();
    }
    let (mut head, body) = request.into_parts();
    // What is known of it was found for other routes.
    head.extensions = Extensions::new();
    head.extensions.insert(FromNode);
    match entrance.routes.oneshot(Request::from_parts(head, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Passes a question about a user on to the node that charges that user; any other one goes to its handler.
pub async fn pass_on(api: &Api, request: Request, next: Next) -> Response {
    let Some(peers) = &api.daemon.peers else { return next.run(request).await };
    match user_of(request.uri()) {
        Some(user) if !peers.is_here(&user) => {
            if request.extensions().get::<FromNode>().is_some() {
                return unheard(&Unheard::Moving).into_response();
            }
            passed_on(api, peers, &user, request).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

/// The user that a question is about.
fn user_of(uri: &Uri) -> Option<String> {
    let path = uri.path();
    if path == PAGES_ABOUT_USERS
        || path.strip_prefix(PAGES_ABOUT_USERS).is_some_and(|rest| rest.starts_with('/'))
    {
        let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
        let (_, id) = pairs.into_iter().find(|(name, _)| *name == "id")?;
        return decoded(&id.replace('+', " "));
    }
    let mut segments = path.strip_prefix("/user/")?.split('/');
    let user = segments.next()?;
    segments.next().filter(|what| ABOUT_USERS.contains(what))?;
    decoded(user)
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

async fn passed_on(api: &Api, peers: &Peers, user: &str, request: Request) -> Result<Response, Fault> {
    let node = peers.holder(user).map_err(|why| unheard(&why))?;
    let (head, body) = request.into_parts();
    let body = to_bytes(body, SMALL_BODY_BYTES_MAX).await;
    let body = body.map_err(|_| Fault::too_large(SMALL_BODY_BYTES_MAX))?;
    let content_type = head.headers.get(CONTENT_TYPE).cloned();
    let accepted = head.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let call = Call {
        method: head.method,
        content_type: content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
        headers: accepted.map(|accept| (ACCEPT, accept.to_owned())).into_iter().collect(),
        body: body.to_vec(),
        patience: std::time::Duration::from_millis(api.daemon.configuration.http.request_millis_max),
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    peers.pass_on(&node, path, call).await.map(as_it_came).map_err(|why| unheard(&why))
}

/// An answer as the other node gave it, but for what concerns the connection.
fn as_it_came(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        axum::http::StatusCode::from_u16(reply.status).unwrap_or(axum::http::StatusCode::BAD_GATEWAY);
    for (name, value) in &reply.headers {
        if ![CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Answers another node about many users.
pub async fn answer(
    State(api): State<Api>,
    asked: Option<Extension<FromNode>>,
    body: Bytes,
) -> Result<Json<Answered>, Fault> {
    if asked.is_none() {
        return Err(Fault::not_found("there is nothing at this path"));
    }
    let question: Question =
        serde_json::from_slice(&body).map_err(|error| Fault::bad_request(format!("the body: {error}")))?;
    let partitions = api.daemon.tenure.partitions();
    let answer = of(&api, question).await?;
    if api.daemon.tenure.partitions() != partitions {
        return Err(unheard(&Unheard::Moving));
    }
    Ok(Json(Answered { partitions, answer }))
}

async fn of(api: &Api, question: Question) -> Result<Value, Fault> {
    let daemon = &api.daemon;
    let answer = match question {
        Question::Names(which) => {
            serde_json::to_value(daemon.shards.names(&which).await.map_err(unanswered)?)
        }
        Question::Findings(which) => {
            let found = daemon.shards.without_effect(&which).await.map_err(unanswered)?;
            serde_json::to_value(FoundThere::from(found))
        }
        Question::Balances { users, at } => {
            serde_json::to_value(daemon.shards.standings(&users, at).await.map_err(unanswered)?)
        }
        Question::Bills { users, year, month, finished, csv } => {
            serde_json::to_value(bills::written_here(api, &users, (&year, &month), finished, csv).await?)
        }
        Question::Open { at, resources } => {
            serde_json::to_value(reconcile::open_here(api, at, &resources).await?.into_list())
        }
    };
    answer.map_err(|error| Fault::internal(error.to_string()))
}

/// The fault for a question that another node does not answer.
pub fn unheard(why: &Unheard) -> Fault {
    match why {
        Unheard::Refused { status: 409, said, .. } => Fault::conflict(said.clone()),
        _ => Fault::moving(why.to_string()),
    }
}

/// The fault for a list that is not whole.
pub fn not_whole(why: NotWhole) -> Fault {
    match why {
        NotWhole::Here(why) => unanswered(why),
        NotWhole::There(why) => unheard(&why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_users_are_told_from_others() {
        for (uri, user) in [
            ("/user/a%2Fb/balance?at=1", Some("a/b")),
            ("/user/a/bill/2011/12", Some("a")),
            ("/user/a/entry/b", Some("a")),
            ("/console/user?at=&id=a+%C3%A9", Some("a é")),
            ("/console/user/wallet?id=x&month=", Some("x")),
            ("/user/a/grants", None),
            ("/user/a", None),
            ("/user/%ff/balance", None),
            ("/console/users?id=x", None),
            ("/console/user", None),
            ("/users?query=a", None),
        ] {
            assert_eq!(user_of(&uri.parse().unwrap()).as_deref(), user, "{uri}");
        }
    }
}
