//! How much there is room for: agreements times resources times time frames is more than any file.

use std::borrow::Borrow;
use std::cell::Cell;

use aquarium_ir::time::{Body, Timeline};

use crate::diagnostic::{Code, Diagnostic};
use crate::items::Items;

/// How many layers all timelines have together, about: some hundred megabytes. A hundred resources under ten
/// thousand agreements have two million.
const LAYERS_MAX: usize = 4_000_000;

/// What is left of it.
#[derive(Debug)]
pub struct Room(Cell<usize>);

impl Room {
    pub fn new() -> Self {
        Self(Cell::new(LAYERS_MAX))
    }

    pub fn is_full(&self) -> bool {
        self.0.get() == 0
    }

    /// The timeline, for which room is taken.
    pub fn taken<T, L: Borrow<Timeline<T>>>(&self, timeline: L) -> L {
        // One that is empty has a place all the same.
        self.0.set(self.0.get().saturating_sub(1 + layers(timeline.borrow())));
        timeline
    }

    /// The error where there was not enough.
    pub fn finding(&self, items: &Items) -> Option<Diagnostic> {
        let message = format!(
            "all agreements together give more than {LAYERS_MAX} prices and expressions, counted by resource and time frame"
        );
        let finding = || Diagnostic::new(Code::OverLimit, items.root(), message);
        self.is_full().then(finding).map(|finding| {
            finding
                .help("make several policies of it, or leave out agreements and resources that nobody uses")
        })
    }
}

fn layers<T>(timeline: &Timeline<T>) -> usize {
    let inner = |body: &Body<T>| match body {
        Body::Value(_) => 0,
        Body::Timeline(inner) => layers(inner),
    };
    timeline.0.iter().map(|layer| 1 + inner(&layer.body)).sum()
}
