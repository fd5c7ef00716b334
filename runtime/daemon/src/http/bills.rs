//! Bills: one, or those of all users as lines of JSON or as CSV.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Json, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::fault::{Fault, FaultBody, OfCharging, OfParameters};
use super::parameters::{Parameters, Segments, month};
use super::peers::{not_whole, unheard};
use super::users::{elsewhere, no_record_now, unanswered};
use crate::cluster::peers::Question;
use crate::shard::queries::{Known, Which as Users};
use crate::views::bills::{self, Bill, NoBill, Which};
use crate::views::shapes;

/// Users whose ids are asked for together.
const USERS_TOGETHER: usize = 1_000;
/// Bytes of bills that are sent together.
const PART_BYTES: usize = 64 << 10;
/// Parts that wait for their reader.
const PARTS_WAITING: usize = 4;

/// Which bill of a month.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OneBill {
    /// The final bill, which never changes, with adjustments of earlier months; there is one three days after
    /// the month. Else: the month as it is known now.
    #[serde(rename = "final", default)]
    #[param(rename = "final")]
    finished: bool,
    /// The form; not given: JSON.
    #[param(inline)]
    format: Option<OneFormat>,
}

/// A form of one bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OneFormat {
    /// The bill.
    Json,
    /// A row for each line, refill, grant and adjustment.
    Csv,
}

/// Which bills of a month, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AllBills {
    /// As for one bill.
    #[serde(rename = "final", default)]
    #[param(rename = "final")]
    finished: bool,
    /// The form; not given: CSV where `Accept` names it, else lines of JSON.
    #[param(inline)]
    format: Option<Format>,
}

/// A form of many bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A bill a line.
    Ndjson,
    /// A row for each line, refill, grant and adjustment.
    Csv,
}

/// A user's bill.
#[utoipa::path(
    get,
    path = "/user/{id}/bill/{year}/{month}",
    tag = "bills",
    params(
        ("id" = String, Path, description = "The user."),
        ("year" = u16, Path, description = "The year, from 1970.", minimum = 1970, maximum = 9999),
        ("month" = u8, Path, description = "The month, from 1.", minimum = 1, maximum = 12),
        OneBill,
    ),
    responses(
        (status = 200, content((shapes::Bill = "application/json"), (String = "text/csv"))),
        OfParameters,
        (status = 404, description = "Nothing was known of this user in that month.", body = FaultBody),
        (status = 409, description = "The month has not begun, or is not final yet.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn one(
    State(api): State<Api>,
    Segments((user, year, number)): Segments<(String, String, String)>,
    Parameters(query): Parameters<OneBill>,
) -> Result<Response, Fault> {
    let which = Which { month: month(&year, &number)?, finished: query.finished };
    let bill = bill(&api, &user, which).await?.ok_or_else(|| no_record_now(&user))?.map_err(no_bill)?;
    if query.format != Some(OneFormat::Csv) {
        return Ok(Json(bill).into_response());
    }
    let text = [Format::Csv.head()?, Format::Csv.write(&bill)?].concat();
    Ok(([(CONTENT_TYPE, Format::Csv.content_type())], text).into_response())
}

/// The bills of all users, by id.
///
/// As CSV a bill is a row for what was left before (`opening`), each `line`, `refill`, `grant` and
/// `adjustment`, and what is left (`closing`). An answer that cannot be finished is broken off.
#[utoipa::path(
    get,
    path = "/bills/{year}/{month}",
    tag = "bills",
    params(
        ("year" = u16, Path, description = "The year, from 1970.", minimum = 1970, maximum = 9999),
        ("month" = u8, Path, description = "The month, from 1.", minimum = 1, maximum = 12),
        AllBills,
    ),
    responses(
        (status = 200, content((String = "application/x-ndjson"), (String = "text/csv"))),
        OfParameters,
        (status = 409, description = "The month has not begun, or is not final yet.", body = FaultBody),
        OfCharging,
    ),
)]
pub async fn all(
    State(api): State<Api>,
    headers: HeaderMap,
    Segments((year, number)): Segments<(String, String)>,
    Parameters(query): Parameters<AllBills>,
) -> Result<Response, Fault> {
    let which = Which { month: month(&year, &number)?, finished: query.finished };
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let by_header = if accepted.contains("text/csv") { Format::Csv } else { Format::Ndjson };
    let format = query.format.unwrap_or(by_header);
    let month = (year, number);
    let mut run = Run { api, which, month, format, users: Vec::new(), part: format.head()? };
    // What is wrong with the month is wrong for everybody: it is told before anything is sent.
    run.next_users(None).await?;
    run.first().await?;
    let (out, body) = Channel::new(PARTS_WAITING);
    tokio::spawn(run.send(out));
    Ok(([(CONTENT_TYPE, format.content_type())], Body::new(body)).into_response())
}

/// The bill of a user; `None`: there is no such user.
pub async fn bill(api: &Api, user: &str, which: Which) -> Result<Option<Result<Bill, NoBill>>, Fault> {
    let copy = |Known { ledger, deployments }: Known<'_>| (ledger.clone(), deployments.clone());
    let copied = api.daemon.shards.examine(user, copy).await.map_err(unanswered)?;
    let Some((ledger, mut deployments)) = copied else { return Ok(None) };
    let now = api.daemon.clock.now();
    elsewhere(move || bills::bill(&ledger, &mut deployments, which, now)).await.map(Some)
}

fn no_bill(why: NoBill) -> Fault {
    match why {
        NoBill::Nothing(_) => Fault::not_found(why.to_string()),
        NoBill::Ahead(_) | NoBill::NotFinal(..) => Fault::conflict(why.to_string()),
    }
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn head(self) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Ndjson => Ok(Vec::new()),
            Self::Csv => csv_rows(&[bills::COLUMNS.map(str::to_owned)]),
        }
    }

    fn write(self, bill: &Bill) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Ndjson => {
                let mut line =
                    serde_json::to_vec(bill).map_err(|error| Fault::internal(error.to_string()))?;
                line.push(b'\n');
                Ok(line)
            }
            Self::Csv => csv_rows(&bills::rows(bill)),
        }
    }
}

fn csv_rows(rows: &[[String; bills::COLUMNS.len()]]) -> Result<Vec<u8>, Fault> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = rows.iter().try_for_each(|row| writer.write_record(row));
    written.map_err(|error| Fault::internal(error.to_string()))?;
    writer.into_inner().map_err(|error| Fault::internal(error.to_string()))
}

/// The bills of users who are charged here, as they are written; of those who have none there is none.
pub async fn written_here(
    api: &Api,
    users: &[String],
    (year, number): (&str, &str),
    finished: bool,
    csv: bool,
) -> Result<BTreeMap<String, String>, Fault> {
    let which = Which { month: month(year, number)?, finished };
    let format = if csv { Format::Csv } else { Format::Ndjson };
    let mut written = BTreeMap::new();
    for user in users {
        if let Some(bill) = bill_that_is(api, user, which).await? {
            // JSON and CSV of texts are text.
            written.insert(user.clone(), String::from_utf8_lossy(&format.write(&bill)?).into_owned());
        }
    }
    Ok(written)
}

/// The bill of a user, where something was known of the user in that month.
async fn bill_that_is(api: &Api, user: &str, which: Which) -> Result<Option<Bill>, Fault> {
    match bill(api, user, which).await? {
        Some(Ok(bill)) => Ok(Some(bill)),
        None | Some(Err(NoBill::Nothing(_))) => Ok(None),
        Some(Err(why)) => Err(no_bill(why)),
    }
}

/// The bills of all users on their way out.
struct Run {
    api: Api,
    which: Which,
    /// The month as it was asked for.
    month: (String, String),
    format: Format,
    /// Users whose bills come next, the first one last; those of other nodes with their bills.
    users: Vec<(String, Option<Vec<u8>>)>,
    part: Vec<u8>,
}

impl Run {
    async fn next_users(&mut self, after: Option<String>) -> Result<(), Fault> {
        let which = Users { after, limit: USERS_TOGETHER, whole: true, ..Users::default() };
        let users = self.api.daemon.names(&which).await.map_err(not_whole)?.names;
        let mut written = self.written_elsewhere(&users).await?;
        self.users = users
            .into_iter()
            .rev()
            .map(|user| {
                let bill = written.remove(&user).map(String::into_bytes);
                (user, bill)
            })
            .collect();
        Ok(())
    }

    /// The bills of those users whom other nodes charge; an empty one where there is none.
    async fn written_elsewhere(&self, users: &[String]) -> Result<BTreeMap<String, String>, Fault> {
        let mut written = BTreeMap::new();
        let Some(peers) = &self.api.daemon.peers else { return Ok(written) };
        for (node, users) in peers.by_holder(users).map_err(|why| unheard(&why))? {
            let Some(node) = node else { continue };
            written.extend(users.iter().map(|user| (user.clone(), String::new())));
            let (year, month) = self.month.clone();
            let (finished, csv) = (self.which.finished, self.format == Format::Csv);
            let question = Question::Bills { users, year, month, finished, csv };
            let answered = peers.ask(&node, &question).await.map_err(|why| unheard(&why))?;
            let there: Result<BTreeMap<String, String>, _> = serde_json::from_value(answered.answer);
            written.extend(there.map_err(|error| Fault::internal(error.to_string()))?);
        }
        Ok(written)
    }

    /// Writes the bill of the first user.
    async fn first(&mut self) -> Result<(), Fault> {
        match self.users.pop() {
            Some((user, bill)) => {
                self.write(&user, bill).await?;
                self.users.push((user, None));
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn write(&mut self, user: &str, there: Option<Vec<u8>>) -> Result<(), Fault> {
        match there {
            Some(written) => self.part.extend(written),
            None => {
                if let Some(bill) = bill_that_is(&self.api, user, self.which).await? {
                    self.part.extend(self.format.write(&bill)?);
                }
            }
        }
        Ok(())
    }

    /// Sends what is written and all that follows. A reader who is gone ends it.
    async fn send(mut self, mut out: Sender<Bytes, Fault>) {
        if let Err(fault) = self.write_all(&mut out).await {
            tracing::warn!(%fault, "bills are broken off");
            out.abort(fault);
        }
    }

    async fn write_all(&mut self, out: &mut Sender<Bytes, Fault>) -> Result<(), Fault> {
        // The first one is written already.
        let mut last = self.users.pop().map(|(user, _)| user);
        loop {
            while let Some((user, there)) = self.users.pop() {
                self.write(&user, there).await?;
                last = Some(user);
                if self.part.len() >= PART_BYTES && out.send_data(self.taken()).await.is_err() {
                    return Ok(());
                }
            }
            self.next_users(last.take()).await?;
            if self.users.is_empty() {
                // A reader who is gone has had enough.
                let _ = out.send_data(self.taken()).await;
                return Ok(());
            }
        }
    }

    fn taken(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.part))
    }
}
