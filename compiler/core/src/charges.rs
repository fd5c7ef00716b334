//! Every price that can meet an expression: read, typed and proven, each combination once.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::policy::{Price, Resource, Span};
use aquarium_ir::time::{Body, Calendar, Timeline};

use crate::coverage::sweep::met;
use crate::diagnostic::{Diagnostic, FileSpan, SourceText};
use crate::expression::{ChargeContext, Checked, ExpressionSyntax, Template, check_charge, flow_diagnostics};
use crate::items::{self, EntryId, EntryValue, Items};
use crate::price::{Constants, read_constant, resolve_price};
use crate::resolve::Resolution;
use crate::unit::{ResourceUnit, read_resource_unit};

/// What the policy's entries mean once units and constants are known.
#[derive(Debug, Default)]
pub struct Meanings {
    /// The unit of every resource whose unit can be read.
    pub units: BTreeMap<String, ResourceUnit>,
    /// The constants that can be read.
    pub constants: Constants,
    /// The price of every price entry that can be read.
    pub prices: BTreeMap<EntryId, Price>,
    /// The digest of every expression entry that can be read.
    pub digests: BTreeMap<EntryId, String>,
}

/// Reads units, constants and prices.
pub fn meanings(items: &Items, findings: &mut Vec<Diagnostic>) -> Meanings {
    let mut meanings = Meanings { constants: constants(items, findings), ..Meanings::default() };
    for (name, resource) in &items.resources {
        meanings.units.extend(unit(resource, findings).map(|unit| (name.clone(), unit)));
    }
    for (entry, id) in items.entries.iter().zip((0..).map(EntryId)) {
        match &entry.value {
            EntryValue::Price(syntax) => {
                let Some(unit) = meanings.units.get(&entry.key.value) else { continue };
                let (price, problems) = resolve_price(syntax, unit, &meanings.constants);
                findings.extend(problems);
                meanings.prices.extend(price.map(|price| (id, price)));
            }
            EntryValue::Expression(syntax) if !syntax.is_broken() => {
                meanings.digests.insert(id, syntax.digest());
            }
            _ => {}
        }
    }
    meanings
}

fn constants(items: &Items, findings: &mut Vec<Diagnostic>) -> Constants {
    let mut constants = Constants::new();
    for (name, constant) in &items.constants {
        match read_constant(&constant.value.value) {
            Ok(quantity) => {
                constants.insert(name.clone(), quantity);
            }
            Err(finding) => {
                let source = SourceText::plain(&constant.value.value, constant.value.span);
                findings.push(finding.into_diagnostic(&source));
            }
        }
    }
    constants
}

fn unit(resource: &items::Resource, findings: &mut Vec<Diagnostic>) -> Option<ResourceUnit> {
    let (text, cost_policy) = (resource.unit.as_ref()?, resource.cost_policy.as_ref()?);
    let (unit, problems) = read_resource_unit(&text.value, cost_policy.value);
    let source = SourceText::plain(&text.value, text.span);
    findings.extend(problems.into_iter().map(|problem| problem.into_diagnostic(&source)));
    unit
}

/// A resource, the entry that gives a price, the entry that gives an expression.
type Pair<'a> = (&'a str, EntryId, EntryId);
/// What a check depends on: the resource, the price, and the expression's text.
type Subject<'a> = (&'a str, &'a Price, &'a str);

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

/// The charges that can be compiled, by resource, price and digest of the expression.
pub type Charges<'a> = BTreeMap<(&'a str, &'a Price, &'a str), Checked>;

/// Types and proves every combination that an agreement can bring together.
pub fn charges<'a>(
    setting: &Setting<'a>,
    calendar: &mut Calendar,
    findings: &mut Vec<Diagnostic>,
) -> Charges<'a> {
    let pairs = pairs(setting);
    let mut checks: BTreeMap<Subject<'a>, Checked> = BTreeMap::new();
    let mut templates: BTreeMap<(&str, &str, Option<&Price>), Template<'_>> = BTreeMap::new();
    for pair in &pairs {
        let Some((subject, syntax)) = subject(setting, *pair) else { continue };
        let (resource, price, text) = subject;
        if checks.contains_key(&subject) {
            continue;
        }
        let Some(context) = context(setting, resource, price) else { continue };
        // A tiered price is part of what is typed.
        let tiers = matches!(price, Price::Tiers(_)).then_some(price);
        let template =
            templates.entry((resource, text, tiers)).or_insert_with(|| Template::new(syntax, context));
        checks.insert(subject, template.check(price));
    }
    report_errors(setting, &pairs, &checks, calendar, findings);
    report_flow(setting, &pairs, &checks, findings);
    by_digest(setting, &pairs, checks)
}

/// The expression of an entry that was read.
fn syntax_of(items: &Items, id: EntryId) -> Option<&ExpressionSyntax> {
    match &items.entry(id)?.value {
        EntryValue::Expression(syntax) if !syntax.is_broken() => Some(syntax),
        _ => None,
    }
}

fn subject<'a>(
    setting: &Setting<'a>,
    (resource, price, expression): Pair<'a>,
) -> Option<(Subject<'a>, &'a ExpressionSyntax)> {
    let syntax = syntax_of(setting.items, expression)?;
    Some(((resource, setting.meanings.prices.get(&price)?, syntax.source.text.as_str()), syntax))
}

/// What an expression is checked for.
fn context<'s>(setting: &'s Setting<'_>, resource: &str, price: &'s Price) -> Option<ChargeContext<'s>> {
    Some(ChargeContext {
        resource: setting.resources.get(resource)?,
        unit: setting.meanings.units.get(resource)?,
        price,
        constants: &setting.meanings.constants,
        precision: setting.precision,
        span: setting.span,
    })
}

/// Every price beside every expression that an agreement gives for a resource.
fn pairs<'a>(setting: &Setting<'a>) -> BTreeSet<Pair<'a>> {
    let mut pairs = BTreeSet::new();
    for agreement in setting.resolution.agreements.values() {
        for (resource, prices) in &agreement.prices {
            let Some(expressions) = agreement.expressions.get(resource) else { continue };
            let expressions = values(expressions);
            for price in values(prices) {
                pairs.extend(expressions.iter().map(|expression| (resource.as_str(), price, *expression)));
            }
        }
    }
    pairs
}

/// The entries of a timeline.
fn values(timeline: &Timeline<EntryId>) -> BTreeSet<EntryId> {
    let mut values = BTreeSet::new();
    let mut open = vec![timeline];
    while let Some(timeline) = open.pop() {
        for layer in &timeline.0 {
            match &layer.body {
                Body::Value(entry) => {
                    values.insert(*entry);
                }
                Body::Timeline(inner) => open.push(inner),
            }
        }
    }
    values
}

/// Errors of combinations that meet at some instant.
fn report_errors<'a>(
    setting: &Setting<'a>,
    pairs: &BTreeSet<Pair<'a>>,
    checks: &BTreeMap<Subject<'a>, Checked>,
    calendar: &mut Calendar,
    findings: &mut Vec<Diagnostic>,
) {
    let is_wrong = |pair: &&Pair<'a>| {
        let checked = subject(setting, **pair).and_then(|(subject, _)| checks.get(&subject));
        checked.is_some_and(|checked| !checked.errors.is_empty())
    };
    let wrong: BTreeSet<Pair<'a>> = pairs.iter().filter(is_wrong).copied().collect();
    if wrong.is_empty() {
        return;
    }
    let meeting = meeting(setting, &wrong, calendar);
    for pair in wrong.intersection(&meeting) {
        let Some((subject, syntax)) = subject(setting, *pair) else { continue };
        // The same text may stand elsewhere: its errors are told where this one is.
        let context = context(setting, subject.0, subject.1);
        findings.extend(context.into_iter().flat_map(|context| check_charge(syntax, &context).errors));
    }
}

/// The pairs that meet at some instant, among those of resources that have a wrong one.
fn meeting<'a>(
    setting: &Setting<'a>,
    wrong: &BTreeSet<Pair<'a>>,
    calendar: &mut Calendar,
) -> BTreeSet<Pair<'a>> {
    let resources: BTreeSet<&str> = wrong.iter().map(|(resource, ..)| *resource).collect();
    let required = setting.items.effective.as_ref().and_then(|effective| effective.frame);
    let mut meeting = BTreeSet::new();
    for agreement in setting.resolution.agreements.values() {
        for resource in &resources {
            let timelines = (agreement.prices.get(*resource), agreement.expressions.get(*resource));
            let (Some(prices), Some(expressions)) = timelines else { continue };
            let pairs = met(prices, expressions, required, &setting.items.frames, calendar);
            meeting.extend(pairs.into_iter().map(|(price, expression)| (*resource, price, expression)));
        }
    }
    meeting
}

fn report_flow<'a>(
    setting: &Setting<'a>,
    pairs: &BTreeSet<Pair<'a>>,
    checks: &BTreeMap<Subject<'a>, Checked>,
    findings: &mut Vec<Diagnostic>,
) {
    let mut by_entry: BTreeMap<EntryId, BTreeSet<Subject<'a>>> = BTreeMap::new();
    for pair in pairs {
        if let Some((subject, _)) = subject(setting, *pair) {
            by_entry.entry(pair.2).or_default().insert(subject);
        }
    }
    for (entry, subjects) in by_entry {
        let Some(syntax) = syntax_of(setting.items, entry) else { continue };
        let checked: Vec<&Checked> = subjects.iter().filter_map(|subject| checks.get(subject)).collect();
        findings.extend(flow_diagnostics(syntax, checked));
    }
}

/// One charge for all texts of one abstract syntax: that of the first.
fn by_digest<'a>(
    setting: &Setting<'a>,
    pairs: &BTreeSet<Pair<'a>>,
    mut checks: BTreeMap<Subject<'a>, Checked>,
) -> Charges<'a> {
    let mut charges = Charges::new();
    for pair in pairs {
        let Some((subject, _)) = subject(setting, *pair) else { continue };
        let Some(digest) = setting.meanings.digests.get(&pair.2) else { continue };
        if let Some(checked) = checks.remove(&subject).filter(|checked| checked.body.is_some()) {
            charges.entry((subject.0, subject.1, digest.as_str())).or_insert(checked);
        }
    }
    charges
}
