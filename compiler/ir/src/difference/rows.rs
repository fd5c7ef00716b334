//! Differences as rows: what changes, when, from what, to what, and where each is written. Whoever shows a difference
//! shows these.

use super::{AgreementChange, Change, Difference, Plan, Presence, ResourceChange, Setting, Terms, When};
use crate::policy::{Mode, Policy, Span};
use crate::time::{Calendar, Zone};
use crate::words;
use crate::{Millis, Rational};

/// Rows on one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about: `agreement research`.
    pub title: String,
    /// The agreements that it is about; none: it is about the policy, a resource, or roles.
    pub agreements: Vec<String>,
    /// What changes, in the order in which it is told.
    pub rows: Vec<Row>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What changes: a resource, a key.
    pub what: String,
    /// The resource whose price or expression changes.
    pub resource: Option<String>,
    /// The time in which it does; empty: at every instant, as it does not depend on time.
    pub when: String,
    /// The same as instants.
    pub time: Option<When>,
    /// What held; empty: there was nothing.
    pub old: String,
    /// What holds.
    pub new: String,
    /// Where the old one is written.
    pub old_source: Option<String>,
    /// Where the new one is written.
    pub new_source: Option<String>,
}

impl Row {
    fn plain(what: impl Into<String>, old: impl Into<String>, new: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            resource: None,
            when: String::new(),
            time: None,
            old: old.into(),
            new: new.into(),
            old_source: None,
            new_source: None,
        }
    }

    fn at(self, when: &When, zone: &Zone) -> Self {
        Self { when: when.words(zone), time: Some(when.clone()), ..self }
    }
}

/// All changes.
pub fn sections(difference: &Difference, old: &Policy, new: &Policy) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut policy: Vec<Row> = difference.settings.iter().map(setting).collect();
    let valid = |valid: bool| if valid { "valid" } else { "not valid" };
    policy.extend(difference.validity.iter().map(|change| {
        Row::plain("effective", valid(change.old), valid(change.new)).at(&change.when, &new.zone)
    }));
    add(&mut sections, "policy".to_owned(), policy);
    for resource in &difference.resources {
        add(&mut sections, format!("resource {}", resource.name), resource_rows(resource, old, new));
    }
    let roles = difference.roles.iter().map(|role| {
        let agreement = |name: &Option<String>| name.clone().unwrap_or_else(|| "no agreement".to_owned());
        Row::plain(role.role.clone(), agreement(&role.old), agreement(&role.new))
    });
    add(&mut sections, "roles".to_owned(), roles.collect());
    let mut sides = Sides { old: Side::new(old), new: Side::new(new) };
    for change in &difference.agreements {
        let plural = if change.names.len() == 1 { "" } else { "s" };
        let presence = match change.presence {
            Presence::Changed => "",
            Presence::Added => " (new)",
            Presence::Removed => " (removed)",
        };
        let title = format!("agreement{plural} {}{presence}", change.names.join(", "));
        let agreements = change.names.clone();
        sections.push(Section { title, agreements, rows: sides.agreement(change) });
    }
    sections
}

fn add(sections: &mut Vec<Section>, title: String, rows: Vec<Row>) {
    if !rows.is_empty() {
        sections.push(Section { title, agreements: Vec::new(), rows });
    }
}

fn setting(setting: &Setting) -> Row {
    Row::plain(setting.key, setting.old.clone(), setting.new.clone())
}

fn resource_rows(change: &ResourceChange, old: &Policy, new: &Policy) -> Vec<Row> {
    let words = |policy: &Policy| {
        let resource = policy.resource(&change.name).map(|(_, resource)| resource);
        resource.map_or_else(String::new, |resource| {
            format!("{}, unit {}", format!("{:?}", resource.cost_policy).to_lowercase(), resource.unit)
        })
    };
    match change.presence {
        Presence::Changed => change.settings.iter().map(setting).collect(),
        Presence::Added | Presence::Removed => vec![Row::plain("declared", words(old), words(new))],
    }
}

/// One of the two policies, with what is needed to ask it for items.
struct Side<'a> {
    policy: &'a Policy,
    calendar: Calendar,
}

struct Sides<'a> {
    old: Side<'a>,
    new: Side<'a>,
}

impl Sides<'_> {
    fn agreement(&mut self, change: &AgreementChange) -> Vec<Row> {
        let zone = self.new.policy.zone.clone();
        let name = change.names.first().map_or("", String::as_str);
        let mut rows = Vec::new();
        for (resource, changes) in &change.terms {
            rows.extend(changes.iter().map(|change| self.terms(name, resource, change, &zone)));
        }
        rows.extend(change.plan.iter().map(|change| plan(change, &zone)));
        let number = |number: &Option<Rational>| number.as_ref().map(ToString::to_string).unwrap_or_default();
        rows.extend(change.threshold.iter().map(|change| {
            Row::plain("threshold", number(&change.old), number(&change.new)).at(&change.when, &zone)
        }));
        if rows.is_empty() {
            rows.push(Row::plain("defined", "", "charges nothing"));
        }
        rows
    }

    fn terms(&mut self, agreement: &str, resource: &str, change: &Change<Option<Terms>>, zone: &Zone) -> Row {
        let from = change.when.from().unwrap_or(Millis::EPOCH);
        let asked = (self.old.asked(change.old), self.new.asked(change.new));
        let told = told(&asked.0, &asked.1);
        let words = |side: &Side<'_>, asked: &Asked| side.words(resource, asked, told);
        let (old, new) = (words(&self.old, &asked.0), words(&self.new, &asked.1));
        let sources = (
            self.old.source(agreement, resource, from, told),
            self.new.source(agreement, resource, from, told),
        );
        let changed = if old == new { " (a constant or unit that it uses is another)" } else { "" };
        let row = Row {
            resource: Some(resource.to_owned()),
            old_source: change.old.and(sources.0),
            new_source: change.new.and(sources.1),
            ..Row::plain(resource, old, format!("{new}{changed}"))
        };
        row.at(&change.when, zone)
    }
}

/// A price and the text and digest of an expression.
type Asked = Option<(crate::policy::Price, String, String)>;

/// Which of price and expression are worth telling.
#[derive(Clone, Copy)]
struct Told {
    price: bool,
    expression: bool,
}

/// What differs; both where one side is uncovered or nothing differs by name.
fn told(old: &Asked, new: &Asked) -> Told {
    match (old, new) {
        (Some(old), Some(new)) if old.0 != new.0 && old.2 == new.2 => Told { price: true, expression: false },
        (Some(old), Some(new)) if old.0 == new.0 => Told { price: false, expression: true },
        _ => Told { price: true, expression: true },
    }
}

impl<'a> Side<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self { policy, calendar: Calendar::of(policy) }
    }

    fn asked(&self, terms: Option<Terms>) -> Asked {
        let terms = terms?;
        let price = self.policy.prices.get(terms.price.index())?;
        let expression = self.policy.expressions.get(terms.expression.index())?;
        Some((price.clone(), words::expression(&expression.text), expression.digest.clone()))
    }

    fn words(&self, resource: &str, asked: &Asked, told: Told) -> String {
        let Some((price, expression, _)) = asked else { return "uncovered".to_owned() };
        let unit = self.policy.resource(resource).map_or("", |(_, resource)| resource.unit.as_str());
        let price = words::price(price, unit);
        match told {
            Told { price: true, expression: false } => price,
            Told { price: false, expression: true } => expression.clone(),
            _ => format!("{price}, charged {expression}"),
        }
    }

    /// The item that gives what is told, and its place.
    fn source(&mut self, agreement: &str, resource: &str, at: Millis, told: Told) -> Option<String> {
        let (_, agreement) = self.policy.agreement(agreement)?;
        let (id, _) = self.policy.resource(resource)?;
        let price = agreement.prices.get(id.index())?.at(&mut self.calendar, at).0;
        let price = price.map(|given| (given.item.clone(), given.span));
        let expression = agreement.expressions.get(id.index())?.at(&mut self.calendar, at).0;
        let expression = expression.map(|given| (given.item.clone(), given.span));
        let (item, span) = if told.price { price.or(expression) } else { expression }?;
        Some(format!("{item}, {}", self.place(span)))
    }

    fn place(&self, span: Span) -> String {
        let path = self.policy.sources.get(span.source.index()).map_or("", |source| source.path.as_str());
        format!("{path}:{}", span.line)
    }
}

fn plan(change: &Change<Option<Plan>>, zone: &Zone) -> Row {
    let words = |plan: &Option<Plan>| plan.as_ref().map_or_else(|| "no refills".to_owned(), plan_in_words);
    Row::plain("credit plan", words(&change.old), words(&change.new)).at(&change.when, zone)
}

fn plan_in_words(plan: &Plan) -> String {
    let does = match plan.mode {
        Mode::Add => "adds",
        Mode::Reset => "resets to",
    };
    let when = plan.at.parse::<crate::time::Cron>().map_or_else(|_| plan.at.clone(), |cron| cron.words());
    let initial = if plan.initial.is_zero() { String::new() } else { format!(", {} at first", plan.initial) };
    format!("{does} {} {when}{initial}", plan.credits)
}
