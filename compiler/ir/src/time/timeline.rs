//! Timelines: what holds when, as layers of time frames.

use serde::{Deserialize, Serialize};

use super::frame::FrameId;

/// Layers, first match first: at an instant the first layer whose frame has it decides, and decides
/// alone (a gap in its body is a gap, no later layer stands in).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline<T>(pub Vec<Layer<T>>);

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Layer<T> {
    /// When it holds; `None`: always.
    pub frame: Option<FrameId>,
    /// What holds then.
    pub body: Body<T>,
}

/// What a layer holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body<T> {
    /// A value.
    Value(T),
    /// A timeline of its own.
    Timeline(Timeline<T>),
}
