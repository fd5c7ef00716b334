//! The fields of a JSON object that mean something, each as its raw text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Refusal;
use crate::decimal::{Digits, scaled};
use crate::reason::Reason;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal $(| $older:literal)*),* $(,)?) => {
        /// A field that is read; older spellings in use are the same field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Name { $($(#[$doc])* $name),* }

        impl Name {
            const COUNT: usize = [$($text),*].len();

            /// The field as it is written today.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            fn of(text: &str) -> Option<Self> {
                match text { $($text $(| $older)* => Some(Self::$name),)* _ => None }
            }
        }
    };
}

names! {
    Id = "id",
    OccurredMillis = "occurredMillis" | "occuredMillis",
    ReceivedMillis = "receivedMillis",
    ClientId = "clientID" | "clientId",
    UserId = "userID" | "userId",
    Resource = "resource",
    InstanceId = "instanceID" | "instance-id",
    Value = "value",
    IsActive = "isActive",
    Role = "role",
    EventType = "eventType",
    EventVersion = "eventVersion",
    Details = "details",
    RecordType = "recordType",
    Credits = "credits",
    Reason = "reason",
    Author = "author",
    Agreement = "agreement",
    Module = "module",
    From = "from",
    To = "to",
    Partition = "partition",
    Instant = "instant",
    Event = "event",
}

/// The raw texts of the fields of one message.
#[derive(Debug)]
pub struct Fields<'a> {
    texts: [Option<&'a str>; Name::COUNT],
    twice: Option<Name>,
}

impl<'a> Fields<'a> {
    /// Reads the object; only its outermost syntax is looked into.
    pub fn read(text: &'a str) -> Result<Self, Refusal> {
        let fields: Self = serde_json::from_str(text).map_err(|error| {
            // What is no object may break further on: then it is no JSON either.
            let json = error.is_data() && serde_json::from_str::<IgnoredAny>(text).is_ok();
            let reason = if json { Reason::BadType } else { Reason::NotJson };
            Refusal::new(reason, format!("not a JSON object: {error}"))
        })?;
        match fields.twice {
            Some(name) => Err(Refusal::bad(name, "is given twice")),
            None => Ok(fields),
        }
    }

    /// The raw text of a field, `null` included.
    pub fn given(&self, name: Name) -> Option<&'a str> {
        self.texts.get(name as usize).copied().flatten()
    }

    /// The raw text of a field that must be there.
    pub fn required(&self, name: Name) -> Result<&'a str, Refusal> {
        self.given(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The text of a field that must be a string.
    pub fn string(&self, name: Name) -> Result<Cow<'a, str>, Refusal> {
        string(self.required(name)?).ok_or_else(|| Refusal::bad(name, "is not a string"))
    }

    /// The text of a field that may be missing or `null`, else must be a string.
    pub fn string_or_empty(&self, name: Name) -> Result<Cow<'a, str>, Refusal> {
        match self.given(name) {
            None | Some("null") => Ok(Cow::Borrowed("")),
            Some(_) => self.string(name),
        }
    }

    /// An identifier: a string, or a number that stands for its own text.
    pub fn identifier(&self, name: Name) -> Result<Cow<'a, str>, Refusal> {
        let raw = self.required(name)?;
        let number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if number { Ok(Cow::Borrowed(raw)) } else { self.string(name) }
    }

    /// An identifier of 1 to `bytes_max` bytes.
    pub fn limited(&self, name: Name, bytes_max: usize) -> Result<Cow<'a, str>, Refusal> {
        let text = self.identifier(name)?;
        match text.len() {
            0 => Err(Refusal::bad(name, "is empty")),
            length if length > bytes_max => {
                Err(Refusal::bad(name, &format!("has {length} bytes; at most {bytes_max} are allowed")))
            }
            _ => Ok(text),
        }
    }

    /// An integer, where the field is there and is one.
    pub fn integer(&self, name: Name) -> Result<Option<i64>, Refusal> {
        let Some(raw) = self.given(name).filter(|raw| *raw != "null") else { return Ok(None) };
        raw.parse().map(Some).map_err(|_| Refusal::bad(name, "is not an integer"))
    }

    /// An exact decimal, as a count of ten to the power of minus `digits.places`.
    pub fn decimal(&self, name: Name, digits: Digits) -> Result<i128, Refusal> {
        let raw = self.required(name)?;
        let number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if !number {
            return Err(Refusal::bad(name, "is not a number"));
        }
        scaled(raw, digits).ok_or_else(|| {
            let Digits { whole, places } = digits;
            let limits = format!("has more than {whole} digits before or {places} after the point");
            Refusal::bad(name, &limits)
        })
    }
}

/// The text of a JSON string, borrowed where it holds no escapes.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

impl<'a> Deserialize<'a> for Fields<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'a> Visitor<'a> for FieldsVisitor {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Fields<'a>, M::Error> {
        let mut fields = Fields { texts: [None; Name::COUNT], twice: None };
        while let Some(Key(name)) = map.next_key()? {
            let Some(name) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = map.next_value::<&RawValue>()?.get();
            if let Some(place) = fields.texts.get_mut(name as usize)
                && place.replace(text).is_some()
            {
                fields.twice = Some(name);
            }
        }
        Ok(fields)
    }
}

struct Key(Option<Name>);

impl<'a> Deserialize<'a> for Key {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, text: &str) -> Result<Key, E> {
        Ok(Key(Name::of(text)))
    }
}
