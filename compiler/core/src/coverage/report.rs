//! What is said about missing prices and expressions.

use std::collections::BTreeMap;

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;

use super::Verdict;
use super::sweep::{Coverage, YEARS};
use crate::diagnostic::{Code, Diagnostic, Edit, FileSpan, Fix};
use crate::findings::Findings;
use crate::items::{Agreement, Class, Effective, Items, List};
use crate::resolve::{Resolution, Resolved};

const DAY: i64 = 86_400_000;

pub struct Report<'a> {
    items: &'a Items,
    zone: &'a Zone,
    /// Agreement, resource, what is missing: in the order of agreements.
    never: Vec<(&'a str, &'a str, Verdict)>,
    /// Resources whose coverage is the same, by agreement.
    partly: BTreeMap<(&'a str, Coverage), Vec<&'a str>>,
    /// The first agreements that extend one, by its name.
    heirs: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Report<'a> {
    pub fn new(items: &'a Items, resolution: &'a Resolution, zone: &'a Zone) -> Self {
        Self { items, zone, never: Vec::new(), partly: BTreeMap::new(), heirs: heirs(resolution) }
    }

    pub fn add(&mut self, name: &'a str, _agreement: &Resolved, resource: &'a str, verdict: Verdict) {
        match verdict {
            Verdict::Covered => {}
            Verdict::Partly(coverage) => self.partly.entry((name, coverage)).or_default().push(resource),
            Verdict::NoPrice | Verdict::NoExpression | Verdict::Neither | Verdict::NeverBoth => {
                self.never.push((name, resource, verdict));
            }
        }
    }

    pub fn finish(&self, findings: &mut Findings) {
        for missing in self.never.chunk_by(|one, other| one.0 == other.0) {
            let (told, others) = missing.split_at(missing.len().min(NEVER_MAX));
            let each =
                told.iter().filter_map(|(name, resource, verdict)| self.never(name, resource, *verdict));
            findings.extend(each);
            findings.extend(self.others(others));
        }
        let whole = self.whole();
        for ((name, coverage), resources) in &self.partly {
            let Some(agreement) = self.items.agreements.get(*name) else { continue };
            // Time that is missing at an end too is of no interest beside a gap, most often part of it.
            findings.extend(
                self.gap(agreement, coverage, resources)
                    .or_else(|| self.edge(agreement, coverage, resources, whole)),
            );
        }
    }

    fn never(&self, name: &str, resource: &str, verdict: Verdict) -> Option<Diagnostic> {
        let agreement = self.items.agreements.get(name)?;
        let (what, class) = match verdict {
            Verdict::NoPrice => ("no price", Class::Pricelist),
            Verdict::NoExpression => ("no expression", Class::Algorithm),
            Verdict::Neither => ("neither price nor expression", Class::Pricelist),
            Verdict::NeverBoth => ("never a price and an expression at the same time", Class::Pricelist),
            Verdict::Covered | Verdict::Partly(_) => return None,
        };
        let message = format!("agreement `{name}` has {what} for resource `{resource}`");
        let chain = self.chain(agreement, class);
        let place = self.named_in(agreement, class).unwrap_or(agreement.name.span);
        let mut finding = Diagnostic::new(Code::NotCovered, place, message)
            .at(format!("nothing here gives `{resource}`"))
            .note(format!("searched: {}", route(&chain)));
        if let Some(declared) = self.items.resources.get(resource) {
            finding = finding.label(declared.name.span, format!("`{resource}` is declared here"));
        }
        if let Some(last) = chain.last().and_then(|link| link.list) {
            finding = finding.label(last.name.span, "the last item that was searched");
        }
        Some(self.inherited(finding, name).help(help(class, resource, &chain)))
    }

    /// One finding on all further resources that an agreement does not cover.
    fn others(&self, missing: &[(&str, &str, Verdict)]) -> Option<Diagnostic> {
        let agreement = self.items.agreements.get(missing.first()?.0)?;
        let names: Vec<&str> = missing.iter().map(|(_, resource, _)| *resource).collect();
        let message =
            format!("under agreement `{}` {} never covered either", agreement.name.value, listed(&names));
        let finding = Diagnostic::new(Code::NotCovered, agreement.name.span, message);
        Some(finding.help("give each a price and an expression"))
    }

    /// Names the agreements that inherit what is missing, so that they need no findings of their own.
    fn inherited(&self, finding: Diagnostic, name: &str) -> Diagnostic {
        let heirs = self.heirs.get(name).map(Vec::as_slice).unwrap_or_default();
        let heirs: Vec<String> = heirs.iter().map(|heir| format!("`{heir}`")).collect();
        match heirs.len() {
            0 => finding,
            1..=HEIRS_MAX => finding.note(format!("extended by {}", heirs.join(", "))),
            _ => finding.note(format!("extended by more than {HEIRS_MAX} agreements")),
        }
    }

    fn gap(&self, agreement: &Agreement, coverage: &Coverage, resources: &[&str]) -> Option<Diagnostic> {
        let (from, to) = coverage.gap?;
        let name = &agreement.name.value;
        let (from, to) = (self.zone.format(from), self.zone.format(to));
        let message =
            format!("under agreement `{name}` {} not covered from {from} to {to}", listed(resources));
        let place = self.named_in(agreement, Class::Pricelist).unwrap_or(agreement.name.span);
        let finding = Diagnostic::new(Code::CoverageGap, place, message)
            .at("no price or no expression in that time")
            .note(recurrence(coverage))
            .help("let the item that ends extend one that holds then, or write `# aquarium: allow(coverage-gap)`");
        let finding = self.with_chain(finding, agreement);
        Some(self.inherited(finding, name))
    }

    fn edge(
        &self,
        agreement: &Agreement,
        coverage: &Coverage,
        resources: &[&str],
        whole: (Option<Millis>, Option<Millis>),
    ) -> Option<Diagnostic> {
        let late = coverage
            .first
            .filter(|_| coverage.late)
            .map(|first| format!("before {}", self.zone.format(first)));
        let ends = coverage.ends.map(|ends| format!("from {} on", self.zone.format(ends)));
        let when = [late, ends].into_iter().flatten().collect::<Vec<_>>();
        if when.is_empty() {
            return None;
        }
        let (name, when) = (&agreement.name.value, when.join(" and "));
        let message = format!("under agreement `{name}` {} not covered {when}", listed(resources));
        let place = self.named_in(agreement, Class::Pricelist).unwrap_or(agreement.name.span);
        let finding =
            Diagnostic::new(Code::CoverageEdge, place, message).at("no price or no expression in that time");
        Some(self.with_fix(self.with_chain(finding, agreement), whole))
    }

    /// The time in which everything is covered that is covered at some time.
    fn whole(&self) -> (Option<Millis>, Option<Millis>) {
        let coverages = || self.partly.keys().map(|(_, coverage)| coverage);
        let from = coverages().filter(|coverage| coverage.late).filter_map(|coverage| coverage.first).max();
        let to = coverages().filter_map(|coverage| coverage.ends).min();
        (from, to)
    }

    fn with_fix(&self, finding: Diagnostic, (from, to): (Option<Millis>, Option<Millis>)) -> Diagnostic {
        let finding = finding.help("give the policy the `effective` in which it is complete");
        match (self.items.head, &self.items.effective) {
            (_, Some(effective)) => {
                let edits = [
                    self.end("from", from, effective.from, effective),
                    self.end("to", to, effective.to, effective),
                ];
                let edits: Vec<Edit> = edits.into_iter().flatten().collect();
                let title = "narrow `effective` of the policy".to_owned();
                Diagnostic { fix: (!edits.is_empty()).then_some(Fix { title, edits }), ..finding }
            }
            (Some(head), None) => {
                let indent = " ".repeat(head.first.indent);
                let line = |key: &str, at: Option<Millis>| {
                    at.map(|at| format!("{indent}  {key}: {}\n", self.zone.format(at))).unwrap_or_default()
                };
                let text = format!("effective:\n{}{}{indent}", line("from", from), line("to", to));
                finding.fix("write `effective` on the policy", head.first.at, text)
            }
            (None, None) => finding,
        }
    }

    /// Writes an end of the policy's `effective`: in place of the one that is given, else before its first key.
    fn end(
        &self,
        key: &str,
        at: Option<Millis>,
        given: Option<FileSpan>,
        effective: &Effective,
    ) -> Option<Edit> {
        let text = self.zone.format(at?);
        match (given, effective.first) {
            (Some(span), _) => Some(Edit { span, text }),
            (None, Some(first)) => {
                let indent = " ".repeat(first.indent);
                Some(Edit { span: first.at, text: format!("{key}: {text}\n{indent}") })
            }
            (None, None) => None,
        }
    }

    fn with_chain(&self, mut finding: Diagnostic, agreement: &Agreement) -> Diagnostic {
        for class in [Class::Pricelist, Class::Algorithm] {
            for link in self.chain(agreement, class) {
                if let Some(effective) = link.list.and_then(|list| list.effective.as_ref()) {
                    finding = finding.label(effective.key, format!("{} holds only then", link.name));
                }
            }
        }
        match &agreement.effective {
            Some(effective) => finding.label(effective.key, "the agreement holds only then"),
            None => finding,
        }
    }

    /// The name of the agreement's part, where it names one itself.
    fn named_in(&self, agreement: &Agreement, class: Class) -> Option<FileSpan> {
        let part = agreement.parts.get(&class)?;
        Some(part.base.as_ref().map_or(part.key, |base| base.span))
    }

    /// Everything that was searched for a field of an agreement, in order.
    fn chain(&self, agreement: &'a Agreement, class: Class) -> Vec<Link<'a>> {
        let mut links = Vec::new();
        let mut next = Some(agreement);
        while let Some(agreement) = next.filter(|_| links.len() < LINKS_MAX) {
            links.push(Link { name: format!("agreement `{}`", agreement.name.value), list: None });
            if let Some(base) = agreement.parts.get(&class).and_then(|part| part.base.as_ref()) {
                self.add_lists(class, &base.value, &mut links);
                return links;
            }
            next = agreement.extends.as_ref().and_then(|parent| self.items.agreements.get(&parent.value));
        }
        links
    }

    fn add_lists(&self, class: Class, first: &str, links: &mut Vec<Link<'a>>) {
        let mut next = self.items.lists(class).get(first);
        while let Some(list) = next.filter(|_| links.len() < LINKS_MAX) {
            links.push(Link { name: format!("{} `{}`", class.noun(), list.name.value), list: Some(list) });
            let parent = list.extends.as_ref().map(|parent| parent.value.as_str());
            next = parent.and_then(|parent| self.items.lists(class).get(parent));
        }
    }
}

/// Longer chains are cut in messages.
const LINKS_MAX: usize = 20;
const HEIRS_MAX: usize = 8;
/// How many resources that an agreement never covers have a finding of their own.
const NEVER_MAX: usize = 20;

/// The first agreements that extend one, at any distance, and one more where there are more.
fn heirs(resolution: &Resolution) -> BTreeMap<&str, Vec<&str>> {
    let mut heirs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (heir, agreement) in &resolution.agreements {
        for ancestor in &agreement.ancestors {
            let known = heirs.entry(ancestor).or_default();
            if known.len() <= HEIRS_MAX {
                known.push(heir);
            }
        }
    }
    heirs
}

struct Link<'a> {
    name: String,
    list: Option<&'a List>,
}

fn route(chain: &[Link<'_>]) -> String {
    chain.iter().map(|link| link.name.as_str()).collect::<Vec<_>>().join(" -> ")
}

fn help(class: Class, resource: &str, chain: &[Link<'_>]) -> String {
    let thing = if class == Class::Algorithm { "an expression" } else { "a price" };
    let place = chain.iter().rev().find(|link| link.list.is_some()).or(chain.first());
    let place = place.map_or_else(String::new, |link| format!(" to {}", link.name));
    format!("add {thing} for `{resource}`{place}")
}

fn listed(resources: &[&str]) -> String {
    const SHOWN_MAX: usize = 6;
    let shown: Vec<String> = resources.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    match resources.len() {
        1 => format!("{} is", shown.join("")),
        2..=SHOWN_MAX => format!("{} are", shown.join(", ")),
        many => format!("{} and {} more are", shown.join(", "), many - SHOWN_MAX),
    }
}

fn recurrence(coverage: &Coverage) -> String {
    let period = match coverage.period_millis {
        Some(period) if period / DAY == 7 || (period + DAY / 12) / DAY == 7 => " about every week",
        Some(period) if (period + DAY / 12) / DAY == 1 => " about every day",
        _ => "",
    };
    let often = match coverage.gaps {
        1 => "this happens once".to_owned(),
        gaps => format!("this recurs{period}, {gaps} times"),
    };
    match coverage.horizon {
        Some(_) => format!("{often} in the time up to {YEARS} years after the last boundary named"),
        None => often,
    }
}
