//! Why an event stands in quarantine.

use std::fmt;

/// A reason of quarantine, as it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The bytes are no JSON text.
    NotJson,
    /// A field that its kind of message must have is not there.
    MissingField,
    /// A field holds what it may not hold.
    BadType,
    /// `eventVersion` is not one that is known.
    BadVersion,
    /// Only the runtime itself writes as the client `aquarium`.
    ReservedClient,
    /// The id was used before, with other content.
    Conflict,
    /// The event is too old or lies too far ahead of its receipt.
    ImplausibleTime,
    /// The version in force does not define the resource.
    UnknownResource,
    /// The version in force does not allow the value.
    BadValue,
    /// The slot would pass the limit of the month's total.
    Limit,
    /// The charge trapped.
    Trap,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotJson,
        Self::MissingField,
        Self::BadType,
        Self::BadVersion,
        Self::ReservedClient,
        Self::Conflict,
        Self::ImplausibleTime,
        Self::UnknownResource,
        Self::BadValue,
        Self::Limit,
        Self::Trap,
    ];

    /// The reason with a published word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The published word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::MissingField => "missing-field",
            Self::BadType => "bad-type",
            Self::BadVersion => "bad-version",
            Self::ReservedClient => "reserved-client",
            Self::Conflict => "conflict",
            Self::ImplausibleTime => "implausible-time",
            Self::UnknownResource => "unknown-resource",
            Self::BadValue => "bad-value",
            Self::Limit => "limit",
            Self::Trap => "trap",
        }
    }

    /// Where it is found: `ingest` (the bytes alone decide) or `fold` (policy and history decide).
    #[must_use]
    pub const fn stage(self) -> &'static str {
        match self {
            Self::NotJson
            | Self::MissingField
            | Self::BadType
            | Self::BadVersion
            | Self::ReservedClient
            | Self::Conflict
            | Self::ImplausibleTime => "ingest",
            Self::UnknownResource | Self::BadValue | Self::Limit | Self::Trap => "fold",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
