//! Where everything stands: the source section, by which a wallet entry is traced to a line.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use aquarium_ir::policy::{Given, Policy, Source, Span};
use aquarium_ir::time::Timeline;
use aquarium_ir::time::timeline::Body;
use serde::Serialize;

use crate::SourceFile;

/// The version of the section.
const FORMAT: u32 = 1;

/// The content of the section.
#[derive(Debug, Serialize)]
pub(super) struct Spans<'a> {
    format: u32,
    sources: Vec<SourceText<'a>>,
    /// Where items, and what they give, stand; by item.
    items: BTreeMap<Cow<'a, str>, Vec<Span>>,
    /// By body.
    bodies: Vec<BodySpans>,
}

/// A file, and what stands in it.
#[derive(Debug, Serialize)]
struct SourceText<'a> {
    #[serde(flatten)]
    source: &'a Source,
    /// Left out where the text was not at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
}

/// Where an expression stands that is typed for a resource.
#[derive(Debug, Serialize)]
struct BodySpans {
    /// By node.
    nodes: Vec<Span>,
}

/// The spans of a policy, and the texts of its files where they are at hand.
pub(super) fn spans<'a>(policy: &'a Policy, files: &'a [SourceFile]) -> Spans<'a> {
    let bodies = policy
        .bodies
        .iter()
        .map(|body| BodySpans { nodes: body.expression.origins.iter().map(|origin| origin.span).collect() });
    let text = |source: &Source| {
        let file = files.iter().find(|file| file.path == source.path)?;
        Some(String::from_utf8_lossy(&file.bytes))
    };
    let sources = policy.sources.iter().map(|source| SourceText { source, text: text(source) }).collect();
    Spans { format: FORMAT, sources, items: items(policy), bodies: bodies.collect() }
}

fn items(policy: &Policy) -> BTreeMap<Cow<'_, str>, Vec<Span>> {
    let mut places = Places::default();
    for resource in &policy.resources {
        places.add(format!("resource {}", resource.name).into(), resource.span);
    }
    for agreement in &policy.agreements {
        places.add(format!("agreement {}", agreement.name).into(), agreement.span);
        agreement.prices.iter().for_each(|timeline| places.given(timeline));
        agreement.expressions.iter().for_each(|timeline| places.given(timeline));
        places.given(&agreement.plan.credits);
        places.given(&agreement.plan.initial);
    }
    for spans in places.items.values_mut() {
        spans.sort();
        spans.dedup();
    }
    places.items
}

/// Where items stand.
#[derive(Default)]
struct Places<'a> {
    items: BTreeMap<Cow<'a, str>, Vec<Span>>,
    /// The timelines that were looked through: agreements share them.
    seen: HashSet<*const ()>,
}

impl<'a> Places<'a> {
    fn add(&mut self, item: Cow<'a, str>, span: Span) {
        self.items.entry(item).or_default().push(span);
    }

    /// Adds every value of a timeline, whatever holds when.
    fn given<T>(&mut self, timeline: &'a Timeline<Given<T>>) {
        if !self.seen.insert(std::ptr::from_ref(timeline).cast()) {
            return;
        }
        let mut open = vec![timeline];
        while let Some(timeline) = open.pop() {
            for layer in &timeline.0 {
                match &layer.body {
                    Body::Value(value) => self.add(Cow::Borrowed(&value.item), value.span),
                    Body::Timeline(inner) => open.push(inner),
                }
            }
        }
    }
}
