//! How long a shard works before it looks at what it is asked.

use std::time::{Duration, Instant};

/// The time of a slice: questions wait no longer for whatever else a shard does.
const SLICE: Duration = Duration::from_micros(500);

/// A slice of time that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Slice(Instant);

impl Slice {
    /// Begins one.
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether it is over. What is done goes on where it was with the next one.
    pub fn is_over(self) -> bool {
        self.0.elapsed() >= SLICE
    }
}
