//! CloudEvents: an envelope around an event becomes the event itself.
//!
//! | attribute | field |
//! |---|---|
//! | `id` | `id` |
//! | `source` | `clientID` |
//! | `subject` | `userID` |
//! | `time` (RFC 3339) | `occurredMillis`; what is finer than a millisecond is cut off |
//! | `data`, an object | all other fields |
//!
//! The event is what the log keeps; an envelope that makes no event is kept as it came. The other
//! attributes name the envelope, not what happened, and are left behind.

use std::borrow::Cow;
use std::fmt;

use aquarium_charging::Reason;
use aquarium_charging::input::Refusal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The version of the specification that is read.
const SPECIFICATION: &str = "1.0";
/// Fields of an event that the envelope gives, in all their spellings: `data` cannot give them too.
const GIVEN_BY_ENVELOPE: [&str; 7] =
    ["id", "clientID", "clientId", "userID", "userId", "occurredMillis", "occuredMillis"];

/// The event in an envelope.
pub fn event(envelope: &str) -> Result<String, Refusal> {
    let members: Members<'_> = serde_json::from_str(envelope).map_err(|error| {
        let reason = if error.is_data() { Reason::BadType } else { Reason::NotJson };
        refusal(reason, format!("not a CloudEvent: {error}"))
    })?;
    let version = members.string("specversion")?;
    if version.as_deref() != Some(SPECIFICATION) {
        return Err(refusal(Reason::BadVersion, format!("`specversion` is not {SPECIFICATION}")));
    }
    if members.raw("data_base64").is_some() {
        return Err(refusal(Reason::BadType, "`data_base64` is not read: send `data`"));
    }
    let mut event = String::with_capacity(envelope.len());
    for (attribute, field) in [("id", "id"), ("source", "clientID"), ("subject", "userID")] {
        if let Some(text) = members.string(attribute)? {
            push(&mut event, field, &quoted(&text));
        }
    }
    if let Some(time) = members.string("time")? {
        push(&mut event, "occurredMillis", &millis(&time)?.to_string());
    }
    push_data(&mut event, &members)?;
    if event.is_empty() {
        event.push('{');
    }
    event.push('}');
    Ok(event)
}

fn push_data(event: &mut String, envelope: &Members<'_>) -> Result<(), Refusal> {
    let data = envelope.raw("data").ok_or_else(|| refusal(Reason::MissingField, "`data` is missing"))?;
    let data: Members<'_> =
        serde_json::from_str(data).map_err(|_| refusal(Reason::BadType, "`data` is not an object"))?;
    for (name, value) in &data.0 {
        if !GIVEN_BY_ENVELOPE.contains(&&**name) {
            push(event, name, value.get());
        }
    }
    Ok(())
}

/// Adds a field to an object that is being written.
fn push(object: &mut String, name: &str, value: &str) {
    object.push(if object.is_empty() { '{' } else { ',' });
    object.push_str(&quoted(name));
    object.push(':');
    object.push_str(value);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn millis(time: &str) -> Result<i64, Refusal> {
    let instant: Result<jiff::Timestamp, _> = time.parse();
    let instant = instant.map_err(|_| refusal(Reason::BadType, "`time` is no date-time of RFC 3339"))?;
    Ok(instant.as_millisecond())
}

fn refusal(reason: Reason, message: impl Into<String>) -> Refusal {
    Refusal { reason, message: message.into() }
}

/// The members of an object, in order, values as their texts.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }

    /// The text of an attribute that must be a string where it is there.
    fn string(&self, name: &str) -> Result<Option<String>, Refusal> {
        let read = |raw| {
            serde_json::from_str::<String>(raw)
                .map_err(|_| refusal(Reason::BadType, format!("`{name}` is not a string")))
        };
        self.raw(name).map(read).transpose()
    }
}

impl<'a> Deserialize<'a> for Members<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'a> Visitor<'a> for MembersVisitor {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Members<'a>, M::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            members.push((Cow::Owned(name), value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_becomes_the_event_within() {
        let envelope = r#"{"specversion":"1.0","type":"usage","id":"e\"1","source":"cyclades","subject":"1040",
            "time":"2026-11-22T06:00:00.1239+01:00",
            "data":{"resource":"vmtime","instanceID":"vm","value":1.50,"id":"other","userId":"x","details":{}}}"#;
        let expected = r#"{"id":"e\"1","clientID":"cyclades","userID":"1040","occurredMillis":1795323600123,"resource":"vmtime","instanceID":"vm","value":1.50,"details":{}}"#;
        assert_eq!(event(envelope).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_missing_in_the_event_and_what_is_no_envelope_is_refused() {
        assert_eq!(event(r#"{"specversion":"1.0","data":{}}"#).unwrap(), "{}");
        assert_eq!(event(r#"{"specversion":"1.0","id":"a","data":{}}"#).unwrap(), r#"{"id":"a"}"#);
        for (envelope, reason) in [
            ("nonsense", Reason::NotJson),
            ("[]", Reason::BadType),
            ("{}", Reason::BadVersion),
            (r#"{"specversion":"0.3","data":{}}"#, Reason::BadVersion),
            (r#"{"specversion":1.0,"data":{}}"#, Reason::BadType),
            (r#"{"specversion":"1.0","id":7,"data":{}}"#, Reason::BadType),
            (r#"{"specversion":"1.0","id":"a","time":"yesterday","data":{}}"#, Reason::BadType),
            (r#"{"specversion":"1.0","id":"a","time":"2026-11-22T06:00:00","data":{}}"#, Reason::BadType),
            (r#"{"specversion":"1.0","id":"a","data":[]}"#, Reason::BadType),
            (r#"{"specversion":"1.0","id":"a"}"#, Reason::MissingField),
            (r#"{"specversion":"1.0","id":"a","data_base64":"e30="}"#, Reason::BadType),
        ] {
            assert_eq!(event(envelope).unwrap_err().reason, reason, "{envelope}");
        }
    }
}
