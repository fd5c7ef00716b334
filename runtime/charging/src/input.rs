//! From bytes to records: what the bytes of a message alone decide.
//!
//! A message is a resource event, a user event, or (from sources that may write them) one of the
//! runtime's own records. What depends on policy or history is not decided here but in the fold.

mod digest;
mod fields;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use ethnum::I256;

use self::fields::{Fields, Name};
use crate::decimal::Digits;
use crate::reason::Reason;
use crate::record::{Body, Handling, RESERVED_CLIENT, Record, Usage, UserEvent};

/// Bytes of an `id`, at most: a digest in any usual spelling has room twice.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a `clientID` or `userID`, at most.
pub const NAME_BYTES_MAX: usize = 256;
/// Default of `event_age_max`: 400 days.
pub const EVENT_AGE_MAX_MILLIS: i64 = 400 * 86_400_000;
/// Default of `event_ahead_max`: 1 day.
pub const EVENT_AHEAD_MAX_MILLIS: i64 = 86_400_000;

/// Why a message does not enter the log as a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// The published reason.
    pub reason: Reason,
    /// What is wrong, in words for whoever sent it.
    pub message: String,
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    fn bad(name: Name, what: &str) -> Self {
        Self::new(Reason::BadType, format!("`{}` {what}", name.text()))
    }

    fn missing(name: Name) -> Self {
        Self::new(Reason::MissingField, format!("`{}` is missing", name.text()))
    }
}

/// How far an event may lie from its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plausible {
    /// Milliseconds before receipt, at most.
    pub age_max: i64,
    /// Milliseconds after receipt, at most.
    pub ahead_max: i64,
}

impl Default for Plausible {
    fn default() -> Self {
        Self { age_max: EVENT_AGE_MAX_MILLIS, ahead_max: EVENT_AHEAD_MAX_MILLIS }
    }
}

/// What is known about a message besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// When it was received.
    pub received: Millis,
    /// Whether a `receivedMillis` in the message stands (`simulate`, `log import`).
    pub keeps_received: bool,
    /// Whether it may be one of the runtime's own records (event files, log exports).
    pub writes_records: bool,
    /// The check of its time; `None` for imports.
    pub plausible: Option<Plausible>,
}

/// A record, and what of its message only its identity and content need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The record.
    pub record: Record<'a>,
    details: &'a str,
    occurred_given: bool,
    pub(crate) received_given: bool,
}

impl Message<'_> {
    /// A digest of the identity (kind, client, user, id): messages that share it are one event.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        let record = &self.record;
        digest::key(record.body.kind(), &record.client, &record.user, &record.id)
    }

    /// A digest of the content: messages of one identity that share it are duplicates, others conflict.
    #[must_use]
    pub fn content(&self) -> [u8; 16] {
        digest::content(self)
    }

    /// Whether the message's own `receivedMillis` stands.
    #[must_use]
    pub fn received_given(&self) -> bool {
        self.received_given
    }
}

/// The digest of an identity that is known by its parts.
#[must_use]
pub fn key_of(kind: &str, client: &str, user: &str, id: &str) -> [u8; 16] {
    digest::key(kind, client, user, id)
}

/// The digest by which decisions about refused input name it.
#[must_use]
pub fn refused_key(bytes: &[u8]) -> [u8; 16] {
    digest::refused(bytes)
}

/// Reads one message.
///
/// # Errors
/// The refusal, where the bytes alone decide that this is no event.
pub fn read<'a>(bytes: &'a [u8], source: &Source) -> Result<Message<'a>, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Refusal::new(Reason::NotJson, format!("not UTF-8: {error}")))?;
    read_text(text, source)
}

/// Reads one message from text that is known to be UTF-8.
///
/// # Errors
/// As [`read`].
pub fn read_text<'a>(text: &'a str, source: &Source) -> Result<Message<'a>, Refusal> {
    let fields = Fields::read(text)?;
    refuse_reserved(&fields, source)?;
    let received = received(&fields, source);
    let kind = Kind::of(&fields)?;
    kind.require(&fields)?;
    let body = kind.body(&fields, received.unwrap_or(source.received))?;
    let given = instant(&fields, Name::OccurredMillis)?;
    if given.is_none() && kind.is_event() {
        return Err(Refusal::bad(Name::OccurredMillis, "is not an integer"));
    }
    let record = Record {
        id: fields.limited(Name::Id, ID_BYTES_MAX)?,
        client: fields.limited(Name::ClientId, NAME_BYTES_MAX)?,
        user: kind.user(&fields)?,
        occurred: given.unwrap_or_else(|| default_instant(&body, received.unwrap_or(source.received))),
        received: received.unwrap_or(source.received),
        body,
    };
    source.plausible.map_or(Ok(()), |window| window.check(&record))?;
    Ok(Message {
        details: fields.given(Name::Details).unwrap_or("{}"),
        occurred_given: given.is_some(),
        received_given: received.is_some(),
        record,
    })
}

/// Only the runtime writes records of its own, and only it writes as `aquarium`.
fn refuse_reserved(fields: &Fields<'_>, source: &Source) -> Result<(), Refusal> {
    let own_record = fields.given(Name::RecordType).is_some();
    let reserved = fields.given(Name::ClientId).and_then(fields::string);
    let reserved = reserved.is_some_and(|client| client == RESERVED_CLIENT);
    let refusal = |message: &str| Err(Refusal::new(Reason::ReservedClient, message));
    match (own_record, reserved) {
        (true, _) if !source.writes_records => refusal("this source may not write records of the runtime"),
        (true, false) if fields.given(Name::ClientId).is_some() => {
            refusal("records of the runtime have the `clientID` `aquarium`")
        }
        (false, true) => refusal("the `clientID` `aquarium` is reserved"),
        _ => Ok(()),
    }
}

/// The message's own receipt time, where it stands.
fn received(fields: &Fields<'_>, source: &Source) -> Option<Millis> {
    let given = source.keeps_received.then(|| fields.integer(Name::ReceivedMillis)).transpose();
    given.ok().flatten().flatten().map(Millis).filter(in_range)
}

fn instant(fields: &Fields<'_>, name: Name) -> Result<Option<Millis>, Refusal> {
    let instant = fields.integer(name)?.map(Millis);
    if instant.is_none_or(|instant| in_range(&instant)) {
        return Ok(instant);
    }
    Err(Refusal::bad(name, &format!("is not between 1 and {}", Millis::LIMIT.0 - 1)))
}

fn in_range(instant: &Millis) -> bool {
    *instant > Millis::EPOCH && *instant < Millis::LIMIT
}

/// When a record of the runtime that does not say so happened.
fn default_instant(body: &Body<'_>, received: Millis) -> Millis {
    match body {
        Body::Deployment { from, .. } => *from,
        Body::Tick { instant, .. } => *instant,
        _ => received,
    }
}

impl Plausible {
    fn check(&self, record: &Record<'_>) -> Result<(), Refusal> {
        if self.has(record.occurred.0, record.received) {
            return Ok(());
        }
        let occurred = record.occurred.0;
        let seconds = occurred.checked_mul(1000).is_some_and(|millis| self.has(millis, record.received));
        let hint = if seconds { "; it fits when read as seconds: milliseconds are wanted" } else { "" };
        let text = format!("`occurredMillis` {occurred} is too far from the time of receipt{hint}");
        Err(Refusal::new(Reason::ImplausibleTime, text))
    }

    fn has(&self, occurred: i64, received: Millis) -> bool {
        let ahead = occurred.saturating_sub(received.0);
        ahead <= self.ahead_max && ahead.saturating_neg() <= self.age_max
    }
}

/// What kind of message the fields make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Resource,
    User,
    Grant,
    Threshold,
    Assign,
    Deployment,
    Tick,
    Redrive,
    Discard,
}

impl Kind {
    fn of(fields: &Fields<'_>) -> Result<Self, Refusal> {
        if fields.given(Name::RecordType).is_some() {
            return Self::of_record(&fields.string(Name::RecordType)?);
        }
        if fields.given(Name::Resource).is_some() {
            return Ok(Self::Resource);
        }
        let neither = "neither `resource` nor `eventType` is given";
        let user = fields.given(Name::EventType).is_some();
        if user { Ok(Self::User) } else { Err(Refusal::new(Reason::MissingField, neither)) }
    }

    fn of_record(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "grant" => Self::Grant,
            "threshold" => Self::Threshold,
            "assign" => Self::Assign,
            "deployment" => Self::Deployment,
            "tick" => Self::Tick,
            "redrive" => Self::Redrive,
            "discard" => Self::Discard,
            _ => return Err(Refusal::bad(Name::RecordType, "is not a kind of record")),
        })
    }

    /// Whether it comes from a service: then it says itself when it happened.
    fn is_event(self) -> bool {
        matches!(self, Self::Resource | Self::User)
    }

    /// A message that lacks a field is told so before anything else about its fields.
    fn require(self, fields: &Fields<'_>) -> Result<(), Refusal> {
        use Name::{Agreement, ClientId, Credits, Details, Event, EventType, EventVersion, Id, InstanceId};
        use Name::{Instant, IsActive, Module, OccurredMillis, Partition, Role, UserId, Value};
        let names: &[Name] = match self {
            Self::Resource => {
                &[Id, OccurredMillis, ClientId, UserId, InstanceId, Value, EventVersion, Details]
            }
            Self::User => &[Id, OccurredMillis, ClientId, UserId, IsActive, Role, EventVersion, Details],
            Self::Grant => &[Id, ClientId, UserId, Credits],
            Self::Threshold => &[Id, ClientId, UserId, Value],
            Self::Assign => &[Id, ClientId, UserId, Agreement],
            Self::Deployment => &[Id, ClientId, Module],
            Self::Tick => &[Id, ClientId, Partition, Instant],
            Self::Redrive | Self::Discard => &[Id, ClientId, Event],
        };
        names
            .iter()
            .chain(matches!(self, Self::User).then_some(&EventType))
            .try_for_each(|name| fields.required(*name).map(|_| ()))
    }

    fn user<'a>(self, fields: &Fields<'a>) -> Result<Cow<'a, str>, Refusal> {
        match self {
            Self::Deployment | Self::Tick | Self::Redrive | Self::Discard => Ok(Cow::Borrowed("")),
            _ => fields.limited(Name::UserId, NAME_BYTES_MAX),
        }
    }

    fn body<'a>(self, fields: &Fields<'a>, received: Millis) -> Result<Body<'a>, Refusal> {
        Ok(match self {
            Self::Resource => Body::Resource(usage(fields)?),
            Self::User => Body::User(user_event(fields)?),
            Self::Grant => Body::Grant {
                credits: credits(fields, Name::Credits)?,
                reason: fields.string_or_empty(Name::Reason)?,
                author: fields.string_or_empty(Name::Author)?,
            },
            Self::Threshold => Body::Threshold(nullable(fields, Name::Value, credits)?),
            Self::Assign => Body::Assign(nullable(fields, Name::Agreement, Fields::string)?),
            Self::Deployment => Body::Deployment {
                module: fields.string(Name::Module)?,
                from: instant(fields, Name::From)?.unwrap_or(received),
                to: instant(fields, Name::To)?,
            },
            Self::Tick => tick(fields)?,
            Self::Redrive => Body::Redrive(handling(fields)?),
            Self::Discard => Body::Discard(handling(fields)?),
        })
    }
}

fn usage<'a>(fields: &Fields<'a>) -> Result<Usage<'a>, Refusal> {
    version(fields, &["1.0"])?;
    details(fields)?;
    Ok(Usage {
        resource: fields.string(Name::Resource)?,
        instance: fields.identifier(Name::InstanceId)?,
        value: fields.decimal(Name::Value, Digits::VALUE)?,
    })
}

fn user_event<'a>(fields: &Fields<'a>) -> Result<UserEvent<'a>, Refusal> {
    version(fields, &["1", "1.0"])?;
    details(fields)?;
    let is_active = match fields.required(Name::IsActive)? {
        "true" | "\"true\"" => true,
        "false" | "\"false\"" => false,
        _ => return Err(Refusal::bad(Name::IsActive, "is neither true nor false")),
    };
    let suspended = match &*fields.string(Name::EventType)? {
        "ACTIVE" => false,
        "SUSPENDED" => true,
        _ => return Err(Refusal::bad(Name::EventType, "is neither `ACTIVE` nor `SUSPENDED`")),
    };
    Ok(UserEvent { is_active, suspended, role: fields.string(Name::Role)? })
}

fn version(fields: &Fields<'_>, known: &[&str]) -> Result<(), Refusal> {
    let version = fields.string(Name::EventVersion)?;
    if known.contains(&&*version) {
        return Ok(());
    }
    Err(Refusal::new(Reason::BadVersion, format!("`eventVersion` is not {}", known.join(" or "))))
}

fn details(fields: &Fields<'_>) -> Result<(), Refusal> {
    let map = fields.required(Name::Details)?.starts_with('{');
    if map { Ok(()) } else { Err(Refusal::bad(Name::Details, "is not a map")) }
}

fn credits(fields: &Fields<'_>, name: Name) -> Result<Credits, Refusal> {
    fields.decimal(name, Digits::CREDITS).map(|count| Credits(I256::from(count)))
}

fn nullable<'a, T>(
    fields: &Fields<'a>,
    name: Name,
    read: impl Fn(&Fields<'a>, Name) -> Result<T, Refusal>,
) -> Result<Option<T>, Refusal> {
    if fields.required(name)? == "null" { Ok(None) } else { read(fields, name).map(Some) }
}

fn tick(fields: &Fields<'_>) -> Result<Body<'static>, Refusal> {
    let partition = fields.integer(Name::Partition)?.and_then(|partition| u32::try_from(partition).ok());
    Ok(Body::Tick {
        partition: partition.ok_or_else(|| Refusal::bad(Name::Partition, "is not a partition"))?,
        instant: instant(fields, Name::Instant)?
            .ok_or_else(|| Refusal::bad(Name::Instant, "is not an instant"))?,
    })
}

fn handling<'a>(fields: &Fields<'a>) -> Result<Handling<'a>, Refusal> {
    Ok(Handling {
        event: Cow::Borrowed(fields.required(Name::Event)?),
        reason: fields.string_or_empty(Name::Reason)?,
        author: fields.string_or_empty(Name::Author)?,
    })
}
