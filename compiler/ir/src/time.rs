//! Time: cron patterns, zones, time frames, and timelines of what holds when.
//!
//! In reading order: the calendar as arithmetic ([`civil`]), zones ([`zone`]), patterns on the local
//! clock ([`cron`]), instants as texts ([`iso`]), sets of instants ([`frame`], [`interval`]), and what holds when
//! ([`timeline`], asked through a [`Calendar`] that remembers what it expanded, and [`week`]s as people look at them).
//! Nothing here reads a clock or the zone data of the machine.

mod base64;
pub mod calendar;
pub mod civil;
pub mod cron;
pub mod frame;
pub mod interval;
pub mod iso;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod week;
pub mod zone;

pub use calendar::{Calendar, Membership, MonthSpan};
pub use civil::{Date, Local, Month};
pub use cron::{Cron, CronError};
pub use frame::{Extent, Frame, FrameId, Range};
pub use interval::Interval;
pub use iso::{InstantError, InstantForm, WrittenInstant};
pub use timeline::{Body, Layer, Segment, Timeline, merged};
pub use zone::{Zone, ZoneError};
