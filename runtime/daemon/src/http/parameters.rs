//! What paths and queries say, read strictly: what is wrong is a fault that names it.

use aquarium_ir::Millis;
use aquarium_ir::time::{Month, WrittenInstant};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::IntoParams;

use super::events::essence;
use super::fault::Fault;
use crate::daemon::Daemon;

/// Items on a page, unless asked otherwise.
const PAGE: usize = 1_000;
/// Items on a page, at most.
pub const PAGE_MAX: usize = 10_000;

/// The parameters of a query: none that is not known, none twice.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let given = parts.uri.query().unwrap_or_default();
        if percent_encoding::percent_decode_str(given).decode_utf8().is_err() {
            return Err(Fault::bad_request("the query is not UTF-8"));
        }
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(read)| Self(read)).map_err(|rejection| Fault::bad_request(rejection.body_text()))
    }
}

/// The parts of a path that vary.
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(read)| Self(read)).map_err(|rejection| Fault::bad_request(rejection.body_text()))
    }
}

/// A body of JSON that is a question or an order: none of its fields is unknown.
pub fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Fault> {
    if essence(headers) != "application/json" {
        return Err(Fault::bad_media_type("send `Content-Type: application/json`"));
    }
    let wrong = |error: &dyn std::fmt::Display| Fault::bad_request(format!("the body: {error}"));
    let read = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) if !fields.values().any(is_list_of_lists) => Ok(read),
        _ => Err(wrong(&"a list stands where an object belongs")),
    }
}

/// Fields may be read from a list too, in their order; nobody is to rely on that. No body has lists of lists.
fn is_list_of_lists(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_array))
}

/// At which instant, and by what was known when.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AtKnown {
    /// The instant: milliseconds since 1970, or a date or date-time, local to the policy's zone where it names
    /// none. Not given: now. One that lies ahead is a projection.
    pub at: Option<String>,
    /// By the records that were received up to this instant. Not given: by all. It does not lie ahead.
    pub known: Option<String>,
}

/// Two instants, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The state at this instant.
    pub at: Millis,
    /// By what was received up to this one.
    pub known: Millis,
    /// The daemon's time.
    pub now: Millis,
}

impl AtKnown {
    /// The instants that are meant.
    pub fn read(&self, daemon: &Daemon) -> Result<Asked, Fault> {
        let now = daemon.clock.now();
        let at = instant(daemon, "at", self.at.as_deref())?.unwrap_or(now);
        let known = instant(daemon, "known", self.known.as_deref())?.unwrap_or(now);
        if known > now {
            return Err(Fault::bad_request(format!("`known`: {known} lies ahead; it is {now}")));
        }
        Ok(Asked { at, known, now })
    }
}

/// A span of time.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Not before this instant.
    pub from: Option<String>,
    /// Before this instant.
    pub to: Option<String>,
    /// What follows the page of which this is the `next`.
    pub after: Option<String>,
    /// The most on a page.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    pub limit: Option<usize>,
}

/// A part of a list that is ordered in time, read.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Not before this instant.
    pub from: Millis,
    /// Before this instant.
    pub to: Millis,
    /// Items that were on earlier pages.
    pub skip: usize,
    /// Items at most.
    pub limit: usize,
}

impl Part {
    /// The page that is meant.
    pub fn read(&self, daemon: &Daemon) -> Result<Page, Fault> {
        Ok(Page {
            from: instant(daemon, "from", self.from.as_deref())?.unwrap_or(Millis::MIN),
            to: instant(daemon, "to", self.to.as_deref())?.unwrap_or(Millis::MAX),
            skip: cursor(self.after.as_deref())?.unwrap_or(0),
            limit: limit(self.limit)?,
        })
    }
}

/// How many items a page may have.
pub fn limit(given: Option<usize>) -> Result<usize, Fault> {
    match given.unwrap_or(PAGE) {
        limit if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        _ => Err(Fault::bad_request(format!("`limit` is from 1 to {PAGE_MAX}"))),
    }
}

/// A cursor that is a number.
pub fn cursor<T: std::str::FromStr>(given: Option<&str>) -> Result<Option<T>, Fault> {
    let read =
        |text: &str| text.parse().map_err(|_| Fault::bad_request("`after` is not the `next` of a page"));
    given.map(read).transpose()
}

/// An instant as people write it.
pub fn instant(daemon: &Daemon, name: &str, given: Option<&str>) -> Result<Option<Millis>, Fault> {
    let Some(text) = given else { return Ok(None) };
    let written = WrittenInstant::read(text, &daemon.policies.zone());
    let wrong = |error: &dyn std::fmt::Display| Fault::bad_request(format!("`{name}`: {error}"));
    written.map(|written| Some(written.instant)).map_err(|error| wrong(&error))
}

/// A billing month.
pub fn month(year: &str, month: &str) -> Result<Month, Fault> {
    let year = year.parse().ok().filter(|year| (1970..=9999).contains(year));
    let month = month.parse().ok().filter(|month| (1..=12).contains(month));
    let month = year.zip(month).map(|(year, month)| Month { year, month });
    month.ok_or_else(|| Fault::bad_request("a month is a year from 1970 to 9999 and a number from 1 to 12"))
}
