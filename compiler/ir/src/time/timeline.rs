//! Timelines: what holds when, as layers of time frames.

use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, Membership};
use super::frame::FrameId;
use crate::instant::Millis;

/// Layers, first match first: at an instant the first layer whose frame has it decides, and decides
/// alone (a gap in its body is a gap, no later layer stands in).
///
/// ```
/// use aquarium_ir::Millis;
/// use aquarium_ir::time::{Body, Calendar, Frame, FrameId, Layer, Timeline, Zone};
///
/// let second = Frame { from: Millis(1_000), to: Millis(2_000), repeat: vec![], except: vec![] };
/// let mut calendar = Calendar::new(Zone::utc(), &[second]);
/// let timeline = Timeline(vec![
///     Layer { frame: Some(FrameId(0)), body: Body::Value("cheap") },
///     Layer { frame: None, body: Body::Value("dear") },
/// ]);
/// assert_eq!(timeline.at(&mut calendar, Millis(500)), (Some(&"dear"), Millis(1_000)));
/// assert_eq!(timeline.at(&mut calendar, Millis(1_000)), (Some(&"cheap"), Millis(2_000)));
/// assert_eq!(timeline.at(&mut calendar, Millis(2_000)), (Some(&"dear"), Millis::MAX));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Timeline<T>(pub Vec<Layer<T>>);

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer<T> {
    /// When it holds; `None`: always.
    pub frame: Option<FrameId>,
    /// What holds then.
    pub body: Body<T>,
}

/// What a layer holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Body<T> {
    /// A value.
    Value(T),
    /// A timeline of its own.
    Timeline(Timeline<T>),
}

/// A stretch of time on which a timeline says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<T> {
    /// Its first instant.
    pub from: Millis,
    /// The instant after its last.
    pub to: Millis,
    /// What holds; `None`: nothing.
    pub value: Option<T>,
}

impl<T> Timeline<T> {
    /// A timeline that says the same for ever.
    #[must_use]
    pub fn always(value: T) -> Self {
        Self(vec![Layer { frame: None, body: Body::Value(value) }])
    }

    /// The same timeline of other values.
    #[must_use]
    pub fn map<U>(&self, value: &impl Fn(&T) -> U) -> Timeline<U> {
        let layers = self.0.iter().map(|layer| {
            let body = match &layer.body {
                Body::Value(given) => Body::Value(value(given)),
                Body::Timeline(inner) => Body::Timeline(inner.map(value)),
            };
            Layer { frame: layer.frame, body }
        });
        Timeline(layers.collect())
    }

    /// The same timeline of other values; `None` where one of them has none.
    pub fn try_map<U>(self, value: &mut impl FnMut(T) -> Option<U>) -> Option<Timeline<U>> {
        // Exactly as many layers as there are: policies have many timelines of one.
        let mut layers = Vec::with_capacity(self.0.len());
        for layer in self.0 {
            let body = match layer.body {
                Body::Value(given) => Body::Value(value(given)?),
                Body::Timeline(inner) => Body::Timeline(inner.try_map(value)?),
            };
            layers.push(Layer { frame: layer.frame, body });
        }
        Some(Timeline(layers))
    }

    /// What holds at an instant, and the first later instant at which something else may hold
    /// ([`Millis::MAX`]: never).
    pub fn at(&self, calendar: &mut Calendar, instant: Millis) -> (Option<&T>, Millis) {
        let mut until = Millis::MAX;
        let mut layers = self.0.iter();
        while let Some(layer) = layers.next() {
            let always = Membership { inside: true, until: Millis::MAX };
            let membership = layer.frame.map_or(always, |frame| calendar.membership(frame, instant));
            until = until.min(membership.until);
            match &layer.body {
                _ if !membership.inside => {}
                Body::Value(value) => return (Some(value), until),
                Body::Timeline(inner) => layers = inner.0.iter(),
            }
        }
        (None, until)
    }

    /// What holds on `[from, to)`, stretch by stretch. Neighbours may say the same: see [`merged`].
    pub fn segments<'a>(&'a self, calendar: &'a mut Calendar, from: Millis, to: Millis) -> Segments<'a, T> {
        Segments { timeline: self, calendar, from, to }
    }
}

/// See [`Timeline::segments`].
#[derive(Debug)]
pub struct Segments<'a, T> {
    timeline: &'a Timeline<T>,
    calendar: &'a mut Calendar,
    from: Millis,
    to: Millis,
}

impl<'a, T> Iterator for Segments<'a, T> {
    type Item = Segment<&'a T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.from >= self.to {
            return None;
        }
        let (value, until) = self.timeline.at(self.calendar, self.from);
        let segment = Segment { from: self.from, to: until.min(self.to), value };
        self.from = segment.to;
        Some(segment)
    }
}

/// Joins neighbouring segments whose values are the same in the eyes of the caller.
pub fn merged<T>(
    segments: impl Iterator<Item = Segment<T>>,
    same: impl Fn(&Option<T>, &Option<T>) -> bool,
) -> impl Iterator<Item = Segment<T>> {
    let mut segments = segments.peekable();
    std::iter::from_fn(move || {
        let mut segment = segments.next()?;
        while let Some(next) =
            segments.next_if(|next| next.from == segment.to && same(&segment.value, &next.value))
        {
            segment.to = next.to;
        }
        Some(segment)
    })
}
