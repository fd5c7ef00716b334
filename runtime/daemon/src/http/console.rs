//! The console over HTTP: which page is where, what is asked of the daemon for it, and the headers that pages have.
//!
//! Users are named in queries, not in paths: browsers shorten paths, and an id may be `..`.

mod about;
mod live;
mod operation;
mod users;

use aquarium_ir::Millis;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::Api;
use super::fault::Fault;
use super::parameters::{Segments, instant};
use crate::console::{Frame, Markup, assets};
use crate::daemon::Daemon;

/// What a page may load and do: files of this daemon, nothing written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Pages hold figures of users: nobody keeps them.
const PAGES: &str = "no-store";
/// Files have a version in their address: browsers may keep them for good.
const FILES: &str = "public, max-age=31536000, immutable";

/// A page, or why there is none.
pub type Shown = Result<Html<String>, Fault>;

/// All pages.
pub fn router(api: &Api) -> Router<Api> {
    Router::new()
        .route("/console", get(users::search))
        .route("/console/user", get(about::standing))
        .route("/console/user/wallet", get(about::wallet))
        .route("/console/user/bill", get(about::bill))
        .route("/console/user/charge", get(about::charge))
        .route("/console/user/trace", get(about::trace))
        .route("/console/policies", get(operation::policies))
        .route("/console/policies/changes", get(operation::changes))
        .route("/console/quarantine", get(operation::quarantine))
        .route("/console/quarantine/one", get(operation::one))
        .route("/console/components", get(live::page))
        .route("/console/components/live", get(live::stream))
        .route("/console/{*rest}", get(nothing))
        .layer(from_fn_with_state(api.clone(), pages))
        .route("/console/assets/{name}", get(asset))
        .layer(from_fn(headers))
}

async fn nothing() -> Shown {
    Err(Fault::not_found("there is no such page"))
}

/// A page as it is sent.
fn html(page: Markup) -> Shown {
    Ok(Html(page.into_string()))
}

/// What every page knows of the daemon.
fn frame(daemon: &Daemon) -> Frame {
    Frame { zone: daemon.policies.zone(), now: daemon.clock.now() }
}

/// Makes a page of a fault; a page is not kept.
async fn pages(State(api): State<Api>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let page = frame(&api.daemon).fault(fault.status().as_u16(), &fault.to_string());
        let kept = response.headers().clone();
        response = (fault.status(), Html(page.into_string())).into_response();
        let others = kept.into_iter().filter_map(|(name, value)| Some((name?, value)));
        for (name, value) in others.filter(|(name, _)| name.as_str() == "retry-after") {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(PAGES));
    response
}

/// What browsers are held to.
async fn headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn asset(Segments(name): Segments<String>) -> Response {
    let Some(asset) = assets::find(&name) else {
        return (StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    ([(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, FILES)], asset.content).into_response()
}

/// What a form says: an empty field says nothing.
fn given(field: &str) -> Option<String> {
    let field = field.trim();
    (!field.is_empty()).then(|| field.to_owned())
}

/// An instant of a form, within the time that there is.
fn instant_within(daemon: &Daemon, name: &str, field: &str) -> Result<Option<Millis>, Fault> {
    let at = instant(daemon, name, given(field).as_deref())?;
    match at {
        Some(at) if at <= Millis::EPOCH || at >= Millis::LIMIT => {
            Err(Fault::bad_request(format!("`{name}`: {at} is out of range: from 1970 to the year 9999")))
        }
        at => Ok(at),
    }
}
