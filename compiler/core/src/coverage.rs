//! Whether every agreement prices every declared resource at every instant.

mod report;
pub mod sweep;

use std::collections::BTreeMap;

use aquarium_ir::time::{Body, Calendar, FrameId, Timeline, Zone};

use crate::findings::Findings;
use crate::items::{EntryId, Items};
use crate::resolve::{Resolution, Resolved};
use report::Report;
pub use sweep::Coverage;
use sweep::{is_total, sweep};

/// Reports what is missing for good, between, before and after covered instants.
pub fn check(items: &Items, resolution: &Resolution, zone: &Zone, findings: &mut Findings) {
    let mut checker = Checker {
        items,
        calendar: Calendar::new(zone.clone(), &items.frames),
        remembered: 0,
        required: items.effective.as_ref().and_then(|effective| effective.frame),
        known: BTreeMap::new(),
    };
    let mut report = Report::new(items, resolution, zone);
    for (name, agreement) in
        resolution.agreements.iter().filter(|(_, agreement)| agreement.sound && agreement.complete)
    {
        let parent = agreement.ancestors.first().and_then(|parent| resolution.agreements.get(parent));
        for resource in items.resources.keys() {
            let pair = timelines(agreement, resource);
            if parent.is_none_or(|parent| timelines(parent, resource) != pair) {
                report.add(name, agreement, resource, checker.verdict(pair));
            }
        }
    }
    report.finish(findings);
}

/// Price and expression of a resource.
type Pair<'a> = (Option<&'a Timeline<EntryId>>, Option<&'a Timeline<EntryId>>);

fn timelines<'a>(agreement: &'a Resolved, resource: &str) -> Pair<'a> {
    (
        agreement.prices.get(resource).map(AsRef::as_ref),
        agreement.expressions.get(resource).map(AsRef::as_ref),
    )
}

/// What can be said about one resource under one agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has a price and an expression whenever it needs them.
    Covered,
    /// There is never a price.
    NoPrice,
    /// There is never an expression.
    NoExpression,
    /// There is never a price nor an expression.
    Neither,
    /// There are prices and expressions, never at one instant.
    NeverBoth,
    /// Some time is missing.
    Partly(Coverage),
}

/// Timelines without their values: coverage depends on nothing else.
type Shape = Timeline<()>;

/// How many intervals of frames are remembered: some ten megabytes. A policy may have thousands of frames, each followed
/// over decades.
const REMEMBERED_MAX: usize = 1 << 20;

struct Checker<'a> {
    items: &'a Items,
    calendar: Calendar,
    /// How many intervals the calendar has about.
    remembered: usize,
    required: Option<FrameId>,
    known: BTreeMap<(Shape, Shape), Verdict>,
}

impl Checker<'_> {
    fn verdict(&mut self, (price, expression): Pair<'_>) -> Verdict {
        let empty = Timeline::default();
        let (price, expression) = (price.unwrap_or(&empty), expression.unwrap_or(&empty));
        if is_total(price) && is_total(expression) {
            return Verdict::Covered;
        }
        let shapes = (price.map(&|_| ()), expression.map(&|_| ()));
        if let Some(known) = self.known.get(&shapes) {
            return *known;
        }
        let verdict = self.work_out(&shapes.0, &shapes.1);
        self.forget(&[&shapes.0, &shapes.1]);
        self.known.insert(shapes, verdict);
        verdict
    }

    fn work_out(&mut self, price: &Shape, expression: &Shape) -> Verdict {
        let both = self.sweep(&[price, expression]);
        if !both.required {
            return Verdict::Covered;
        }
        if both.first.is_some() {
            let whole = !both.late && both.ends.is_none() && both.gap.is_none();
            return if whole { Verdict::Covered } else { Verdict::Partly(both) };
        }
        let given = [price, expression].map(|shape| self.sweep(&[shape]).first.is_some());
        match given {
            [false, false] => Verdict::Neither,
            [false, true] => Verdict::NoPrice,
            [true, false] => Verdict::NoExpression,
            [true, true] => Verdict::NeverBoth,
        }
    }

    /// Begins a new calendar where the one that is there has grown too large by these shapes.
    fn forget(&mut self, shapes: &[&Shape]) {
        let mut open: Vec<&Shape> = shapes.to_vec();
        while let Some(shape) = open.pop() {
            for layer in &shape.0 {
                self.remembered += layer.frame.map_or(0, |frame| self.calendar.remembered(frame));
                if let Body::Timeline(inner) = &layer.body {
                    open.push(inner);
                }
            }
        }
        if self.remembered > REMEMBERED_MAX {
            self.calendar = Calendar::new(self.calendar.zone().clone(), &self.items.frames);
            self.remembered = 0;
        }
    }

    fn sweep(&mut self, shapes: &[&Shape]) -> Coverage {
        sweep(shapes, self.required, &self.items.frames, &mut self.calendar)
    }
}
