//! Every price that can meet an expression: typed and proven, each combination once.
//!
//! Prices and texts are numbered first: a policy has many more combinations than prices and expressions, and
//! an expression is typed once for all its flat prices.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use aquarium_ir::policy::{Body, Monotone, Price, Resource, Span};
use aquarium_ir::slot::Limits;
use aquarium_ir::time::{self, Calendar, Layer, Timeline};

use crate::coverage::sweep::met;
use crate::diagnostic::{Code, Diagnostic, FileSpan};
use crate::expression::{ChargeContext, Checked, ExpressionSyntax, Template, check_charge, flow_diagnostics};
use crate::findings::Findings;
use crate::items::{EntryId, EntryValue, Items};
use crate::meanings::Meanings;
use crate::resolve::Resolution;

/// Everything that a check needs beside what is checked.
pub struct Setting<'a> {
    /// The items.
    pub items: &'a Items,
    /// What agreements give.
    pub resolution: &'a Resolution,
    /// What entries mean.
    pub meanings: &'a Meanings,
    /// The resources as they will be compiled, by name.
    pub resources: &'a BTreeMap<String, Resource>,
    /// Decimal places of a wallet entry.
    pub precision: u8,
    /// Where a place of a file is in the compiled policy.
    pub span: &'a dyn Fn(FileSpan) -> Span,
}

/// What can be compiled.
#[derive(Debug, Default)]
pub struct Charges {
    /// Expressions, typed for a resource and a kind of price.
    pub bodies: Vec<Body>,
    /// Each combination.
    pub charges: Vec<Combination>,
}

/// A price that meets an expression.
#[derive(Debug, Clone, Copy)]
pub struct Combination {
    /// What is charged: its place in the order of names.
    pub resource: usize,
    /// An entry that gives the price.
    pub price: EntryId,
    /// An entry that gives the expression.
    pub expression: EntryId,
    /// An index of [`Charges::bodies`].
    pub body: usize,
    /// How the charge moves as the slot grows longer.
    pub monotone: Monotone,
}

/// A resource (its place in the order of names), the entry that gives a price, the entry that gives an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    resource: usize,
    price: EntryId,
    expression: EntryId,
}

/// What a check depends on: the resource, the expression's text, the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    resource: usize,
    text: usize,
    price: usize,
}

/// What came of a check.
struct Done {
    subject: Subject,
    checked: Checked,
    /// An index of [`Charges::bodies`].
    body: usize,
}

/// Types and proves every combination that an agreement can bring together.
pub fn charges(setting: &Setting<'_>, calendar: &mut Calendar, findings: &mut Findings) -> Charges {
    let numbers = Numbers::new(setting);
    let pairs = pairs(setting).unwrap_or_else(|| {
        findings.push(too_many(setting));
        Vec::new()
    });
    let limits = numbers.resources.iter().map(|name| setting.resources.get(*name).map(Limits::of)).collect();
    let mut checks = Checks { setting, numbers: &numbers, limits, done: Vec::new(), bodies: Vec::new() };
    checks.run(&pairs);
    checks.report_errors(&pairs, calendar, findings);
    checks.report_flow(&pairs, findings);
    Charges { charges: checks.combinations(&pairs), bodies: checks.bodies }
}

/// Distinct texts, numbered in the order of entries (prices have the numbers of their meanings).
struct Numbers<'a> {
    resources: Vec<&'a str>,
    expressions: Vec<&'a ExpressionSyntax>,
    /// By entry: the number of the price or text that it gives.
    of_entry: Vec<Option<usize>>,
}

impl<'a> Numbers<'a> {
    fn new(setting: &Setting<'a>) -> Self {
        let resources = setting.items.resources.keys().map(String::as_str).collect();
        let (mut expressions, mut of_entry) = (Vec::new(), Vec::new());
        let mut text_numbers = HashMap::new();
        for (entry, id) in setting.items.entries.iter().zip((0..).map(EntryId)) {
            of_entry.push(match &entry.value {
                EntryValue::Price(_) => setting.meanings.price_number(id),
                EntryValue::Expression(syntax) if !syntax.is_broken() => {
                    let text = syntax.source.text.as_ref();
                    Some(number(&mut text_numbers, text, syntax, &mut expressions))
                }
                _ => None,
            });
        }
        Self { resources, expressions, of_entry }
    }

    fn subject(&self, pair: Pair) -> Option<Subject> {
        let number = |entry: EntryId| self.of_entry.get(entry.0).copied().flatten();
        let (text, price) = (number(pair.expression)?, number(pair.price)?);
        Some(Subject { resource: pair.resource, text, price })
    }
}

/// The number of `key`, which stands for `value`.
fn number<K: Hash + Eq, V>(numbers: &mut HashMap<K, usize>, key: K, value: V, values: &mut Vec<V>) -> usize {
    *numbers.entry(key).or_insert_with(|| {
        values.push(value);
        values.len() - 1
    })
}

/// How many prices and expressions may meet, each pair counted once: a second's or two's work.
const PAIRS_MAX: usize = 500_000;

fn too_many(setting: &Setting<'_>) -> Diagnostic {
    let message = format!("more than {PAIRS_MAX} different pairs of a price and an expression can meet");
    let finding = Diagnostic::new(Code::OverLimit, setting.items.root(), message);
    finding.help("make several policies of it, or let more agreements share price lists and algorithms")
}

/// Every price beside every expression that an agreement gives for a resource, in order; `None` of too many.
fn pairs(setting: &Setting<'_>) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    // Where those that are there twice are taken out.
    let mut full = 2 * PAIRS_MAX;
    let (mut prices, mut expressions) = (Vec::new(), Vec::new());
    for agreement in setting.resolution.agreements.values() {
        // Both have the resources in the order of names, as far as there was room.
        let given = agreement.prices.values().zip(agreement.expressions.values());
        for (resource, (price_line, expression_line)) in given.enumerate() {
            values(price_line, &mut prices);
            values(expression_line, &mut expressions);
            for price in &prices {
                let pair = |expression: &EntryId| Pair { resource, price: *price, expression: *expression };
                pairs.extend(expressions.iter().map(pair));
                if pairs.len() > full {
                    once(&mut pairs);
                    full = pairs.len() + PAIRS_MAX;
                    if pairs.len() > PAIRS_MAX {
                        return None;
                    }
                }
            }
        }
    }
    once(&mut pairs);
    (pairs.len() <= PAIRS_MAX).then_some(pairs)
}

/// In order, each once.
fn once<T: Ord>(values: &mut Vec<T>) {
    values.sort_unstable();
    values.dedup();
}

/// Replaces `found` by the entries of a timeline, each once.
fn values(timeline: &Timeline<EntryId>, found: &mut Vec<EntryId>) {
    found.clear();
    if let [Layer { body: time::Body::Value(entry), .. }] = timeline.0.as_slice() {
        found.push(*entry);
        return;
    }
    let mut open = vec![timeline];
    while let Some(timeline) = open.pop() {
        for layer in &timeline.0 {
            match &layer.body {
                time::Body::Value(entry) => found.push(*entry),
                time::Body::Timeline(inner) => open.push(inner),
            }
        }
    }
    once(found);
}

/// The checks of all combinations.
struct Checks<'s, 'a> {
    setting: &'s Setting<'a>,
    numbers: &'s Numbers<'a>,
    /// By resource.
    limits: Vec<Option<Limits>>,
    /// By subject.
    done: Vec<Done>,
    bodies: Vec<Body>,
}

impl<'a> Checks<'_, 'a> {
    fn run(&mut self, pairs: &[Pair]) {
        let mut subjects: Vec<Subject> =
            pairs.iter().filter_map(|pair| self.numbers.subject(*pair)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        for group in subjects.chunk_by(|one, other| (one.resource, one.text) == (other.resource, other.text))
        {
            self.group(group);
        }
    }

    /// Checks one expression for one resource at each of its prices.
    fn group(&mut self, subjects: &[Subject]) {
        let mut flat: Option<(usize, Template<'_>)> = None;
        for subject in subjects {
            let Some((syntax, context)) = self.task(*subject) else { continue };
            // A tiered price is part of what is typed.
            let (body, checked) = if matches!(context.price, Price::Tiers(_)) {
                let mut template = Template::new(syntax, &context);
                let checked = template.check(context.price);
                (self.add(template.into_body()), checked)
            } else {
                let (body, template) =
                    flat.get_or_insert_with(|| (self.add(Body::default()), Template::new(syntax, &context)));
                (*body, template.check(context.price))
            };
            self.done.push(Done { subject: *subject, checked, body });
        }
        if let Some((body, template)) = flat
            && let Some(place) = self.bodies.get_mut(body)
        {
            *place = template.into_body();
        }
    }

    fn add(&mut self, body: Body) -> usize {
        self.bodies.push(body);
        self.bodies.len() - 1
    }

    /// What is checked, and for what.
    fn task(&self, subject: Subject) -> Option<(&'a ExpressionSyntax, ChargeContext<'a>)> {
        let (setting, resource) = (self.setting, *self.numbers.resources.get(subject.resource)?);
        let context = ChargeContext {
            resource: setting.resources.get(resource)?,
            limits: (*self.limits.get(subject.resource)?)?,
            unit: setting.meanings.units.get(resource)?,
            price: setting.meanings.prices.get(subject.price)?,
            constants: &setting.meanings.constants,
            precision: setting.precision,
            span: setting.span,
        };
        Some((self.numbers.expressions.get(subject.text)?, context))
    }

    fn done(&self, pair: Pair) -> Option<&Done> {
        let subject = self.numbers.subject(pair)?;
        let place = self.done.binary_search_by(|done| done.subject.cmp(&subject)).ok()?;
        self.done.get(place)
    }

    /// The expression that an entry gives.
    fn syntax(&self, entry: EntryId) -> Option<&'a ExpressionSyntax> {
        match &self.setting.items.entry(entry)?.value {
            EntryValue::Expression(syntax) => Some(syntax),
            _ => None,
        }
    }

    /// Errors of combinations that meet at some instant.
    fn report_errors(&self, pairs: &[Pair], calendar: &mut Calendar, findings: &mut Findings) {
        let is_wrong = |pair: &&Pair| self.done(**pair).is_some_and(|done| !done.checked.errors.is_empty());
        let mut wrong: Vec<Pair> = pairs.iter().filter(is_wrong).copied().collect();
        if wrong.is_empty() {
            return;
        }
        let meeting = self.meeting(&wrong, calendar);
        wrong.retain(|pair| meeting.binary_search(pair).is_ok());
        for pair in wrong {
            let task = self.done(pair).and_then(|done| self.task(done.subject));
            // The same text may stand elsewhere: its errors are told where this one is.
            if let (Some((_, context)), Some(syntax)) = (task, self.syntax(pair.expression)) {
                findings.extend(check_charge(syntax, &context).errors);
            }
        }
    }

    /// The pairs that meet at some instant, among those of resources that have a wrong one; in order.
    fn meeting(&self, wrong: &[Pair], calendar: &mut Calendar) -> Vec<Pair> {
        let mut resources: Vec<usize> = wrong.iter().map(|pair| pair.resource).collect();
        resources.dedup();
        let required = self.setting.items.effective.as_ref().and_then(|effective| effective.frame);
        let mut meeting = Vec::new();
        for agreement in self.setting.resolution.agreements.values() {
            for resource in &resources {
                let Some(name) = self.numbers.resources.get(*resource) else { continue };
                let timelines = agreement.prices.get(*name).zip(agreement.expressions.get(*name));
                let Some((prices, expressions)) = timelines else { continue };
                let met = met(prices, expressions, required, &self.setting.items.frames, calendar);
                let pair = |(price, expression)| Pair { resource: *resource, price, expression };
                meeting.extend(met.into_iter().map(pair));
            }
        }
        meeting.sort_unstable();
        meeting.dedup();
        meeting
    }

    fn report_flow(&self, pairs: &[Pair], findings: &mut Findings) {
        let with_subject = |pair: &Pair| Some((pair.expression, self.numbers.subject(*pair)?, *pair));
        let mut by_entry: Vec<(EntryId, Subject, Pair)> = pairs.iter().filter_map(with_subject).collect();
        by_entry.sort_unstable();
        by_entry.dedup_by_key(|(entry, subject, _)| (*entry, *subject));
        for group in by_entry.chunk_by(|one, other| one.0 == other.0) {
            let Some(syntax) = group.first().and_then(|(entry, ..)| self.syntax(*entry)) else { continue };
            let done = group.iter().filter_map(|(_, _, pair)| self.done(*pair));
            findings.extend(flow_diagnostics(syntax, done.map(|done| &done.checked)));
        }
    }

    fn combinations(&self, pairs: &[Pair]) -> Vec<Combination> {
        let compiled = pairs.iter().filter_map(|pair| {
            let done = self.done(*pair).filter(|done| done.checked.compiles)?;
            Some(Combination {
                resource: pair.resource,
                price: pair.price,
                expression: pair.expression,
                body: done.body,
                monotone: done.checked.monotone,
            })
        });
        compiled.collect()
    }
}
