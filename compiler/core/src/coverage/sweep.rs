//! When a set of timelines gives something: covered and missing stretches of time.

use std::collections::BTreeSet;

use aquarium_ir::Millis;
use aquarium_ir::time::{Body, Calendar, Frame, FrameId, Timeline};

/// Frames that repeat are followed this far beyond the last boundary that they name: after 28 years
/// weekdays fall on the same dates again.
pub const YEARS: i64 = 28;
const YEARS_MILLIS: i64 = (YEARS * 365 + YEARS / 4) * 86_400_000;
/// A limit on the work for one timeline: an interval a day for 180 years.
const STEPS_MAX: usize = 1 << 17;

/// What is known about the time that has to be covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Coverage {
    /// Whether anything has to be covered at all.
    pub required: bool,
    /// The first covered instant; `None`: nothing is ever covered.
    pub first: Option<Millis>,
    /// Missing time before it.
    pub late: bool,
    /// Where time begins to be missing for good.
    pub ends: Option<Millis>,
    /// The first missing stretch between covered ones.
    pub gap: Option<(Millis, Millis)>,
    /// How many such stretches there are.
    pub gaps: usize,
    /// The distance of the first two of them.
    pub period_millis: Option<i64>,
    /// Up to where it was looked; `None`: for good.
    pub horizon: Option<Millis>,
}

/// Whether the timeline gives something at every instant, as far as its form tells without a calendar.
pub fn is_total<V>(timeline: &Timeline<V>) -> bool {
    let total_body = |body: &Body<V>| match body {
        Body::Value(_) => true,
        Body::Timeline(inner) => is_total(inner),
    };
    timeline.0.last().is_some_and(|layer| layer.frame.is_none())
        && timeline.0.iter().all(|layer| total_body(&layer.body))
}

/// All frames that the timeline asks.
pub fn frames<V>(timeline: &Timeline<V>, into: &mut Vec<FrameId>) {
    for layer in &timeline.0 {
        into.extend(layer.frame);
        if let Body::Timeline(inner) = &layer.body {
            frames(inner, into);
        }
    }
}

/// Follows the timelines together through the time in which `required` holds (`None`: always).
pub fn sweep<V>(
    timelines: &[&Timeline<V>],
    required: Option<FrameId>,
    all_frames: &[Frame],
    calendar: &mut Calendar,
) -> Coverage {
    let mut asked: Vec<FrameId> = required.into_iter().collect();
    timelines.iter().for_each(|timeline| frames(timeline, &mut asked));
    let asked: Vec<&Frame> = asked.iter().filter_map(|id| all_frames.get(id.0 as usize)).collect();
    let last_named = last_boundary(&asked);
    let horizon = asked
        .iter()
        .any(|frame| !frame.repeat.is_empty())
        .then(|| Millis(last_named.0.saturating_add(YEARS_MILLIS)));
    let mut walk = Walk::default();
    let mut instant = Millis::EPOCH;
    for _ in 0..STEPS_MAX {
        let (state, until) = state(timelines, required, calendar, instant);
        let until = until.min(horizon.unwrap_or(Millis::MAX));
        walk.step(state, instant, until);
        if until == Millis::MAX || horizon.is_some_and(|horizon| until >= horizon) {
            return walk.finish(last_named, horizon);
        }
        instant = until;
    }
    walk.finish(last_named, Some(instant))
}

/// The values of two timelines that hold at the same instant, where `required` holds too.
pub fn met<V: Ord + Copy>(
    first: &Timeline<V>,
    second: &Timeline<V>,
    required: Option<FrameId>,
    all_frames: &[Frame],
    calendar: &mut Calendar,
) -> BTreeSet<(V, V)> {
    let mut asked: Vec<FrameId> = required.into_iter().collect();
    frames(first, &mut asked);
    frames(second, &mut asked);
    let asked: Vec<&Frame> = asked.iter().filter_map(|id| all_frames.get(id.0 as usize)).collect();
    let end = Millis(last_boundary(&asked).0.saturating_add(YEARS_MILLIS));
    let mut met = BTreeSet::new();
    let mut instant = Millis::EPOCH;
    for _ in 0..STEPS_MAX {
        let (one, one_until) = first.at(calendar, instant);
        let (other, other_until) = second.at(calendar, instant);
        let need = required.map(|frame| calendar.membership(frame, instant));
        if need.is_none_or(|need| need.inside) {
            met.extend(one.copied().zip(other.copied()));
        }
        instant = one_until.min(other_until).min(need.map_or(Millis::MAX, |need| need.until));
        if instant >= end {
            break;
        }
    }
    met
}

/// The last instant that a frame names.
fn last_boundary(frames: &[&Frame]) -> Millis {
    let ends = frames.iter().flat_map(|frame| {
        let cuts = frame.except.iter().flat_map(|(from, to)| [*from, *to]);
        [frame.from, frame.to].into_iter().chain(cuts)
    });
    let named = ends.filter(|end| *end != Millis::MIN && *end != Millis::MAX);
    named.max().unwrap_or(Millis::EPOCH).max(Millis::EPOCH)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Covered,
    Missing,
    NotRequired,
}

fn state<V>(
    timelines: &[&Timeline<V>],
    required: Option<FrameId>,
    calendar: &mut Calendar,
    instant: Millis,
) -> (State, Millis) {
    let mut until = Millis::MAX;
    if let Some(frame) = required {
        let member = calendar.membership(frame, instant);
        until = member.until;
        if !member.inside {
            return (State::NotRequired, until);
        }
    }
    let mut covered = true;
    for timeline in timelines {
        let (value, value_until) = timeline.at(calendar, instant);
        covered &= value.is_some();
        until = until.min(value_until);
    }
    (if covered { State::Covered } else { State::Missing }, until)
}

/// What was met so far.
#[derive(Default)]
struct Walk {
    coverage: Coverage,
    /// The stretch that is missing now, and those before it since something was covered last.
    missing: Vec<(Millis, Millis)>,
    last_gap: Option<Millis>,
}

impl Walk {
    fn step(&mut self, state: State, from: Millis, to: Millis) {
        self.coverage.required |= state != State::NotRequired;
        match state {
            State::NotRequired => {}
            State::Missing => match self.missing.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => self.missing.push((from, to)),
            },
            State::Covered => self.cover(from),
        }
    }

    fn cover(&mut self, from: Millis) {
        let missing = std::mem::take(&mut self.missing);
        if self.coverage.first.is_none() {
            self.coverage.first = Some(from);
            self.coverage.late = !missing.is_empty();
            return;
        }
        for gap in missing {
            self.coverage.gaps += 1;
            self.coverage.gap.get_or_insert(gap);
            if self.coverage.gaps == 2 {
                self.coverage.period_millis = self.last_gap.map(|last| gap.0.0 - last.0);
            }
            self.last_gap = Some(gap.0);
        }
    }

    /// Time that is missing at the end is missing for good where it begins before the last boundary
    /// named; later it is only the stretch that the horizon cuts.
    fn finish(mut self, last_named: Millis, horizon: Option<Millis>) -> Coverage {
        let start = self.missing.first().map(|missing| missing.0);
        self.coverage.ends = start.filter(|start| horizon.is_none() || *start <= last_named);
        self.coverage.horizon = horizon;
        self.coverage
    }
}
