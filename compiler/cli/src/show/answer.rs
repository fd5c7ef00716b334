//! What is shown, before it is written: for each resource the chains, the terms, and the week.

use aquarium_compiler::Analysis;
use aquarium_compiler::chain::{Chain, Tracer};
use aquarium_compiler::items;
use aquarium_compiler::terms::Terms;
use aquarium_ir::policy::{Agreement, Charge, Policy, Resource, ResourceId};
use aquarium_ir::time::Calendar;
use aquarium_ir::time::week::Week;
use aquarium_ir::words;
use aquarium_ir::{Bounds, Millis};

use crate::report::Places;

/// What an agreement asks at an instant.
pub struct Answer<'a> {
    /// The policy's items and where they are written.
    pub analysis: &'a Analysis,
    /// The compiled policy.
    pub policy: &'a Policy,
    /// The agreement as it is written.
    pub agreement: &'a items::Agreement,
    /// The instant.
    pub at: Millis,
    /// The resources that are asked for, by name.
    pub resources: Vec<Shown<'a>>,
    /// Whether they were named one by one.
    pub named: bool,
    /// The paths and lines of what is written.
    pub places: Places<'a>,
}

/// What is shown of a resource.
pub struct Shown<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// How the agreement comes to its price.
    pub price: Chain,
    /// How it comes to its expression.
    pub expression: Chain,
    /// Both at the instant.
    pub terms: Terms,
    /// Both in the week of the instant.
    pub week: Week<Terms>,
    /// The two compiled together; `None`: uncovered.
    pub charge: Option<&'a Charge>,
}

impl<'a> Answer<'a> {
    /// The answer for the wanted resources, all where none is named; `None` where the policy has no such agreement.
    pub fn new(
        analysis: &'a Analysis,
        policy: &'a Policy,
        agreement: &str,
        wanted: &[&str],
        at: Millis,
        places: Places<'a>,
    ) -> Option<Self> {
        let (_, compiled) = policy.agreement(agreement)?;
        let mut asker = Asker {
            policy,
            compiled,
            tracer: Tracer::new(&analysis.items, &analysis.zone),
            calendar: Calendar::of(policy),
            at,
        };
        let is_wanted = |resource: &&Resource| wanted.is_empty() || wanted.contains(&resource.name.as_str());
        let ids = (0..).map(ResourceId);
        let resources = ids.zip(&policy.resources).filter(|(_, resource)| is_wanted(resource));
        Some(Self {
            analysis,
            policy,
            agreement: analysis.items.agreements.get(agreement)?,
            at,
            resources: resources.map(|(id, resource)| asker.ask(id, resource)).collect(),
            named: !wanted.is_empty(),
            places,
        })
    }
}

/// Everything that is needed to ask about one resource after the other.
struct Asker<'a> {
    policy: &'a Policy,
    compiled: &'a Agreement,
    tracer: Tracer<'a>,
    calendar: Calendar,
    at: Millis,
}

impl<'a> Asker<'a> {
    fn ask(&mut self, id: ResourceId, resource: &'a Resource) -> Shown<'a> {
        let (at, agreement, calendar) = (self.at, self.compiled, &mut self.calendar);
        let (terms, _) = Terms::at(agreement, id, calendar, at);
        Shown {
            resource,
            price: self.tracer.price(&agreement.name, &resource.name, at),
            expression: self.tracer.expression(&agreement.name, &resource.name, at),
            terms,
            week: Week::of(&self.policy.zone, at, |at| {
                let (terms, until) = Terms::at(agreement, id, calendar, at);
                (terms.or_uncovered(), until)
            }),
            charge: terms.charge(self.policy, id),
        }
    }
}

impl Shown<'_> {
    /// What was proven of the charge, a line a node; nothing where it is uncovered.
    pub fn bounds(&self, policy: &Policy) -> Vec<String> {
        let charged = self.charge.and_then(|charge| policy.charged(charge));
        let Some(expression) = charged else { return Vec::new() };
        let bounds = Bounds::prove(&expression, self.resource, policy.precision);
        bounds.rows(&expression).iter().map(ToString::to_string).collect()
    }
}

impl Answer<'_> {
    /// The file and line of a place.
    pub fn place(&self, span: aquarium_compiler::FileSpan) -> String {
        let start = self.places.start(span);
        format!("{}:{}", start.path, start.line)
    }

    /// The price and the expression of some terms in words.
    pub fn words(&self, terms: Terms, resource: &Resource) -> (Option<String>, Option<String>) {
        let price = terms.price.and_then(|id| self.policy.prices.get(id.index()));
        let expression = terms.expression.and_then(|id| self.policy.expressions.get(id.index()));
        (
            price.map(|price| words::price(price, &resource.unit)),
            expression.map(|expression| words::expression(&expression.text)),
        )
    }
}
