//! When the frames of a policy hold, instant by instant.
//!
//! A [`Calendar`] answers for one policy and remembers what it has expanded, so that questions about
//! instants near each other cost a table lookup. What it remembers never changes an answer.

mod expansion;

use super::civil::Month;
use super::frame::{Frame, FrameId};
use super::zone::Zone;
use crate::instant::Millis;
use crate::policy::Policy;
use expansion::Expansion;

/// An answer, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Whether the frame has the instant.
    pub inside: bool,
    /// The answer is the same up to here, exclusive; [`Millis::MAX`]: for good.
    pub until: Millis,
}

/// A billing month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSpan {
    /// Which.
    pub month: Month,
    /// Its first instant.
    pub start: Millis,
    /// The first instant of the next.
    pub end: Millis,
}

/// The frames of a policy in its zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: Zone,
    frames: Vec<Expansion>,
    month: MonthSpan,
}

impl Calendar {
    /// The calendar of these frames; a [`FrameId`] is an index of them.
    #[must_use]
    pub fn new(zone: Zone, frames: &[Frame]) -> Self {
        let month = month_span(&zone, Millis::EPOCH);
        let frames = frames.iter().map(|frame| Expansion::new(frame, &zone)).collect();
        Self { zone, frames, month }
    }

    /// The calendar of a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self::new(policy.zone.clone(), &policy.frames)
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether a frame has an instant, and until when that stays so. A frame that is not among the
    /// calendar's has no instant.
    pub fn membership(&mut self, frame: FrameId, instant: Millis) -> Membership {
        let expansion = usize::try_from(frame.0).ok().and_then(|index| self.frames.get_mut(index));
        expansion.map_or(Membership { inside: false, until: Millis::MAX }, |expansion| {
            expansion.membership(&self.zone, instant)
        })
    }

    /// How many intervals of a frame are remembered.
    #[must_use]
    pub fn remembered(&self, frame: FrameId) -> usize {
        let expansion = usize::try_from(frame.0).ok().and_then(|index| self.frames.get(index));
        expansion.map_or(0, Expansion::remembered)
    }

    /// The month that has an instant.
    pub fn month(&mut self, instant: Millis) -> MonthSpan {
        if instant < self.month.start || instant >= self.month.end {
            self.month = month_span(&self.zone, instant);
        }
        self.month
    }
}

fn month_span(zone: &Zone, instant: Millis) -> MonthSpan {
    let month = zone.month(instant);
    MonthSpan { month, start: zone.month_start(month), end: zone.month_start(month.next()) }
}
