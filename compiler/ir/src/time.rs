//! Time: cron patterns, zones, time frames, and timelines of what holds when.

pub mod cron;
pub mod frame;
pub mod timeline;
pub mod zone;

pub use cron::Cron;
pub use frame::{Frame, FrameId, Range};
pub use timeline::{Body, Layer, Timeline};
pub use zone::Zone;
