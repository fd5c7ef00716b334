//! Time frames: `effective`.

use serde::{Deserialize, Serialize};

use super::cron::Cron;
use crate::instant::Millis;

/// An index of [`Policy::frames`](crate::policy::Policy::frames). Equal frames have one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameId(pub u32);

/// A set of instants: `[from, to)`, cut to the ranges of `repeat` (where there are any), less `except`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// The first instant; `Millis::MIN` where not given.
    pub from: Millis,
    /// The instant after the last; `Millis::MAX` where not given.
    pub to: Millis,
    /// Ranges that repeat; empty: no cut.
    pub repeat: Vec<Range>,
    /// What is cut out: half-open intervals.
    pub except: Vec<(Millis, Millis)>,
}

/// From each start to the first end after it, on the local clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Range {
    /// The starts.
    pub start: Cron,
    /// The ends.
    pub end: Cron,
}
