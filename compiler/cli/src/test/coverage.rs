//! What tests reach of a policy: prices, tiers, expressions, branches of expressions, time frames.
//!
//! Everything that can be reached stands in the list from the beginning, with no hits; running tests only counts.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::view::EntryView;
use aquarium_compiler::chain::{Chain, Step, Tracer};
use aquarium_compiler::items::{Effective, EntryId, EntryValue};
use aquarium_compiler::price::PriceSyntax;
use aquarium_compiler::{Analysis, FileId, FileSpan};
use aquarium_ir::expression::{Expression, Node};
use aquarium_ir::policy::{Policy, Span};
use aquarium_ir::time::{Body, FrameId, Timeline};
use aquarium_ir::{NodeId, Rational, Slot, interpreter};

/// A charge slot is followed through so many changes of its items at most: one a minute for a week.
const STEPS_MAX: usize = 10_080;

/// What kind of thing is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A price.
    Price,
    /// A tier of a price.
    Tier,
    /// An expression.
    Expression,
    /// A branch of a conditional.
    Branch,
    /// A time frame, inside or outside.
    Frame,
}

impl Subject {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Price, Self::Tier, Self::Expression, Self::Branch, Self::Frame];

    /// The word for several.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Price => "prices",
            Self::Tier => "tiers",
            Self::Expression => "expressions",
            Self::Branch => "branches",
            Self::Frame => "time frames",
        }
    }
}

/// Where something stands, and which of several things there it is. In the order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The place.
    pub span: FileSpan,
    /// What it is.
    pub subject: Subject,
    /// The first branch or the second, inside or outside.
    pub arm: u8,
}

/// Something that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// What it is called.
    pub label: String,
    /// How often it was reached.
    pub hits: u64,
}

/// Everything that can be reached of a policy.
#[derive(Default)]
pub struct Coverage {
    points: BTreeMap<Place, Point>,
}

impl Coverage {
    /// Everything of a policy, not reached yet.
    pub fn of(analysis: &Analysis, policy: &Policy) -> Self {
        let mut coverage = Self::default();
        let used = Used::of(analysis);
        for entry in &used.entries {
            coverage.add_entry(analysis, *entry);
        }
        coverage.add_frames(analysis, &used.frames);
        for body in &policy.bodies {
            coverage.add_branches(&body.expression);
        }
        coverage
    }

    /// All points, in the order of the text.
    pub fn points(&self) -> impl Iterator<Item = (&Place, &Point)> {
        self.points.iter()
    }

    /// How many of a kind are reached, and how many there are.
    pub fn count(&self, subject: Subject) -> (usize, usize) {
        let of_kind = || self.points.iter().filter(|(place, _)| place.subject == subject);
        (of_kind().filter(|(_, point)| point.hits > 0).count(), of_kind().count())
    }

    fn add(&mut self, span: FileSpan, subject: Subject, arm: u8, label: String) {
        self.points.entry(Place { span, subject, arm }).or_insert(Point { label, hits: 0 });
    }

    fn hit(&mut self, span: FileSpan, subject: Subject, arm: u8) {
        if let Some(point) = self.points.get_mut(&Place { span, subject, arm }) {
            point.hits = point.hits.saturating_add(1);
        }
    }

    fn add_entry(&mut self, analysis: &Analysis, id: EntryId) {
        let Some(entry) = analysis.items.entry(id) else { return };
        let label = format!("{}: {}", entry.giver, entry.key.value);
        match &entry.value {
            EntryValue::Price(PriceSyntax::Tiers { tiers, .. }) => {
                for (tier, number) in tiers.iter().zip(1..) {
                    self.add(tier.span, Subject::Tier, 0, format!("{label}, tier {number}"));
                }
                self.add(entry.span, Subject::Price, 0, label);
            }
            EntryValue::Price(PriceSyntax::Flat(_)) => self.add(entry.span, Subject::Price, 0, label),
            EntryValue::Expression(_) => self.add(entry.span, Subject::Expression, 0, label),
            _ => {}
        }
    }

    fn add_frames(&mut self, analysis: &Analysis, used: &BTreeSet<FrameId>) {
        let items = &analysis.items;
        let lists = [&items.pricelists, &items.algorithms].into_iter().flat_map(|lists| lists.values());
        let mut effectives: Vec<(String, &Effective)> = Vec::new();
        effectives.extend(lists.filter_map(|list| Some((list.name.value.clone(), list.effective.as_ref()?))));
        for agreement in items.agreements.values() {
            let name = &agreement.name.value;
            effectives.extend(agreement.effective.as_ref().map(|effective| (name.clone(), effective)));
            let parts = agreement.parts.values().filter_map(|part| part.effective.as_ref());
            effectives.extend(parts.map(|effective| (format!("{name}, overrides"), effective)));
        }
        for (name, effective) in effectives {
            if effective.frame.is_some_and(|frame| used.contains(&frame)) {
                self.add(effective.span, Subject::Frame, 0, format!("{name}: inside its time frame"));
                self.add(effective.span, Subject::Frame, 1, format!("{name}: outside its time frame"));
            }
        }
    }

    fn add_branches(&mut self, body: &Expression) {
        for node in &body.nodes {
            let Some(arms) = arms(body, node) else { continue };
            for (span, arm) in arms {
                self.add(
                    span,
                    Subject::Branch,
                    arm,
                    BRANCHES.get(usize::from(arm)).copied().unwrap_or("").to_owned(),
                );
            }
        }
    }

    /// Notes the items that gave price and expression of an entry, instant by instant.
    pub fn note_entry(&mut self, analysis: &Analysis, entry: &EntryView) {
        let Some(agreement) = &entry.agreement else { return };
        let mut tracer = Tracer::new(&analysis.items, &analysis.zone);
        let mut at = entry.from;
        for _ in 0..STEPS_MAX {
            let price = tracer.price(agreement, &entry.resource, at);
            let expression = tracer.expression(agreement, &entry.resource, at);
            let until = price.until.min(expression.until);
            self.note_tiers(analysis, &price, entry);
            self.note_chain(analysis, &price, Subject::Price);
            self.note_chain(analysis, &expression, Subject::Expression);
            at = until;
            if at >= entry.to {
                break;
            }
        }
    }

    fn note_chain(&mut self, analysis: &Analysis, chain: &Chain, subject: Subject) {
        for link in &chain.links {
            let (Step::Agreement { standing, .. }
            | Step::List { standing, .. }
            | Step::LaidOver { standing, .. }) = &link.step
            else {
                continue;
            };
            if let Some((_, span)) = standing.frame {
                self.hit(span, Subject::Frame, u8::from(!standing.holds));
            }
        }
        if let Some(entry) = chain.entry.and_then(|id| analysis.items.entry(id)) {
            self.hit(entry.span, subject, 0);
        }
    }

    /// Notes the tiers between the month's total before and after.
    fn note_tiers(&mut self, analysis: &Analysis, chain: &Chain, view: &EntryView) {
        let entry = chain.entry.and_then(|id| analysis.items.entry(id));
        let Some(EntryValue::Price(PriceSyntax::Tiers { tiers: written, .. })) =
            entry.map(|entry| &entry.value)
        else {
            return;
        };
        let before = view.total_before.as_ref().and_then(|total| total.parse::<Rational>().ok());
        let (Some(from), Ok(volume)) = (before, view.volume.parse::<Rational>()) else { return };
        let to = Rational(&from.0 + volume.0);
        let mut start = Rational::zero();
        for (tier, written) in view.tiers.iter().flatten().zip(written) {
            let end = tier.upto.clone();
            if start < to && end.as_ref().is_none_or(|end| from < *end) {
                self.hit(written.span, Subject::Tier, 0);
            }
            start = end.unwrap_or_else(Rational::zero);
        }
    }

    /// Notes which branches the charge of a slot takes.
    pub fn note_slot(&mut self, policy: &Policy, slot: &Slot) {
        let charge = policy.charges.get(slot.charge.index());
        let body = charge.and_then(|charge| policy.body(charge)).map(|body| &body.expression);
        let (Some(body), Ok(explanation)) = (body, interpreter::explain(policy, slot)) else { return };
        let was_needed = |node: NodeId| explanation.values.get(node.0 as usize).is_some_and(Option::is_some);
        for node in &body.nodes {
            let (Node::If { then, otherwise, .. }, Some(arms)) = (node, arms(body, node)) else { continue };
            for ((span, arm), node) in arms.into_iter().zip([then, otherwise]) {
                if was_needed(*node) {
                    self.hit(span, Subject::Branch, arm);
                }
            }
        }
    }
}

/// What the arms of a conditional are called.
const BRANCHES: [&str; 2] = ["where the condition holds", "where the condition does not hold"];

/// The places of the two arms of a conditional. An arm may stand for the whole of another conditional.
fn arms(body: &Expression, node: &Node) -> Option<[(FileSpan, u8); 2]> {
    let Node::If { then, otherwise, .. } = node else { return None };
    let place = |node: NodeId| {
        let Span { source, start, end, .. } = body.origins.get(node.0 as usize)?.span;
        Some(FileSpan { file: FileId(source.0), start, end })
    };
    Some([(place(*then)?, 0), (place(*otherwise)?, 1)])
}

/// The entries and frames that some agreement gives.
#[derive(Default)]
struct Used {
    entries: BTreeSet<EntryId>,
    frames: BTreeSet<FrameId>,
}

impl Used {
    fn of(analysis: &Analysis) -> Self {
        let mut used = Self::default();
        for agreement in analysis.resolution.agreements.values() {
            for timeline in agreement.prices.values().chain(agreement.expressions.values()) {
                used.add(timeline);
            }
        }
        used
    }

    fn add(&mut self, timeline: &Timeline<EntryId>) {
        for layer in &timeline.0 {
            self.frames.extend(layer.frame);
            match &layer.body {
                Body::Value(entry) => _ = self.entries.insert(*entry),
                Body::Timeline(inner) => self.add(inner),
            }
        }
    }
}
