//! Instants: milliseconds since the Unix epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch, UTC, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Before every instant: the start of what has no start.
    pub const MIN: Self = Self(i64::MIN);
    /// After every instant: the end of what has no end.
    pub const MAX: Self = Self(i64::MAX);
    /// The epoch.
    pub const EPOCH: Self = Self(0);
    /// The first instant that is out of range: the start of the year 10000.
    pub const LIMIT: Self = Self(253_402_300_800_000);
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
