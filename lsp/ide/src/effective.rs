//! What an agreement asks at an instant: price and expression of every resource, the way to them, and the
//! week around.

use aquarium_compiler::FileSpan;
use aquarium_compiler::chain::{Chain, Tracer};
use aquarium_compiler::terms::Terms;
use aquarium_ir::Millis;
use aquarium_ir::policy::{Agreement, Policy, Resource, ResourceId};
use aquarium_ir::time::Calendar;
use aquarium_ir::time::week::Week;
use aquarium_ir::words;

use crate::Snapshot;

/// What an agreement asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Its name.
    pub agreement: String,
    /// The zone of its clock.
    pub zone: String,
    /// The instant.
    pub at: Millis,
    /// For each resource, in the order of their names.
    pub resources: Vec<Asked>,
}

/// What an agreement asks for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The resource.
    pub resource: String,
    /// At the instant.
    pub now: Wording,
    /// How it comes to the price, a line a link.
    pub price_chain: Vec<(String, FileSpan)>,
    /// How it comes to the expression.
    pub expression_chain: Vec<(String, FileSpan)>,
    /// What holds in the week of the instant, each once.
    pub values: Vec<Wording>,
    /// The days of the week: for each hour that the clock shows, the numbers of the values that hold in it.
    pub days: Vec<Day>,
}

/// A price and an expression in words; `None`: there is none, usage is not covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// The price.
    pub price: Option<String>,
    /// The expression.
    pub expression: Option<String>,
}

/// A day of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: String,
    /// The 24 hours of a clock; none holds in one that the clock skips.
    pub hours: Vec<Vec<usize>>,
}

/// What an agreement asks at an instant; `None` while the policy has errors, or no such agreement.
#[must_use]
pub fn effective(snapshot: &Snapshot, agreement: &str, at: Millis) -> Option<Effective> {
    let analysis = snapshot.analysis();
    let policy = analysis.policy()?;
    let (_, compiled) = policy.agreement(agreement)?;
    let mut asker = Asker {
        policy,
        compiled,
        tracer: Tracer::new(&analysis.items, &analysis.zone),
        calendar: Calendar::of(policy),
        at,
    };
    let resources = (0..).map(ResourceId).zip(&policy.resources);
    Some(Effective {
        agreement: agreement.to_owned(),
        zone: policy.zone.name().to_owned(),
        at,
        resources: resources.map(|(id, resource)| asker.ask(snapshot, id, resource)).collect(),
    })
}

/// Everything that is needed to ask about one resource after the other.
struct Asker<'a> {
    policy: &'a Policy,
    compiled: &'a Agreement,
    tracer: Tracer<'a>,
    calendar: Calendar,
    at: Millis,
}

impl Asker<'_> {
    fn ask(&mut self, snapshot: &Snapshot, id: ResourceId, resource: &Resource) -> Asked {
        let (agreement, calendar, at) = (self.compiled, &mut self.calendar, self.at);
        let (terms, _) = Terms::at(agreement, id, calendar, at);
        let week = Week::of(&self.policy.zone, at, |at| Terms::at(agreement, id, calendar, at));
        let price = self.tracer.price(&agreement.name, &resource.name, at);
        let expression = self.tracer.expression(&agreement.name, &resource.name, at);
        let distinct = week.distinct();
        Asked {
            resource: resource.name.clone(),
            now: self.wording(terms, resource),
            price_chain: self.links(snapshot, &price),
            expression_chain: self.links(snapshot, &expression),
            values: distinct.iter().map(|terms| self.wording(**terms, resource)).collect(),
            days: days(&week, &distinct),
        }
    }

    fn wording(&self, terms: Terms, resource: &Resource) -> Wording {
        let price = terms.price.and_then(|id| self.policy.prices.get(id.index()));
        let expression = terms.expression.and_then(|id| self.policy.expressions.get(id.index()));
        Wording {
            price: price.map(|price| words::price(price, &resource.unit)),
            expression: expression.map(|expression| words::expression(&expression.text)),
        }
    }

    fn links(&self, snapshot: &Snapshot, chain: &Chain) -> Vec<(String, FileSpan)> {
        let items = &snapshot.analysis().items;
        let words = |link: &aquarium_compiler::chain::Link| link.words(items, &self.policy.zone, self.at);
        chain.links.iter().map(|link| (words(link), link.span)).collect()
    }
}

fn days(week: &Week<Terms>, distinct: &[&Terms]) -> Vec<Day> {
    let number = |terms: &Terms| distinct.iter().position(|other| *other == terms);
    let hours = |day: &aquarium_ir::time::week::Day| {
        let stretches = day.hours.iter().map(|hour| week.within(*hour));
        stretches.map(|within| within.iter().filter_map(|stretch| number(&stretch.value)).collect()).collect()
    };
    week.days.iter().map(|day| Day { date: day.date.to_string(), hours: hours(day) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    pub(crate) const POLICY: &str = "aquariumpolicy:
  timezone: Europe/Athens
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
  algorithms:
    - {name: all, '*': price * volume}
  pricelists:
    - {name: base, vmtime: 1}
    - name: nights
      extends: base
      effective: {repeat: [{start: \"30 22 * * *\", end: \"00 06 * * *\"}]}
      vmtime: 0.5
  agreements:
    - {name: default, algorithm: all, pricelist: nights}
  roles: {'*': default}
";

    /// 2011-10-31T00:00+02:00 in Athens, a Monday.
    const MONDAY: Millis = Millis(1_320_012_000_000);

    fn asked(at: Millis) -> Asked {
        let (snapshot, _, _) = at_cursor(&format!("{POLICY}$0"));
        effective(&snapshot, "default", at).unwrap().resources.remove(0)
    }

    #[test]
    fn the_price_at_an_instant_has_its_chain() {
        let price = |hours: i64| asked(Millis(MONDAY.0 + hours * 3_600_000)).now.price;
        assert_eq!(price(3).as_deref(), Some("0.5 per hr"));
        assert_eq!(price(12).as_deref(), Some("1 per hr"));
        let chain = asked(Millis(MONDAY.0 + 12 * 3_600_000)).price_chain;
        assert!(chain.iter().any(|(words, _)| words.contains("what it extends stands in")), "{chain:?}");
        assert!(chain.last().is_some_and(|(words, _)| words == "gives vmtime"), "{chain:?}");
    }

    #[test]
    fn the_week_tells_which_price_holds_in_which_hour() {
        let asked = asked(MONDAY);
        let prices: Vec<_> = asked.values.iter().filter_map(|value| value.price.as_deref()).collect();
        assert_eq!(prices, ["0.5 per hr", "1 per hr"]);
        assert_eq!(asked.days.len(), 7);
        let monday = &asked.days[0];
        assert_eq!(monday.date, "2011-10-31");
        assert_eq!(
            (&monday.hours[3], &monday.hours[12], &monday.hours[22]),
            (&vec![0], &vec![1], &vec![1, 0])
        );
    }

    #[test]
    fn a_broken_policy_asks_nothing() {
        let (snapshot, _, _) = at_cursor(&format!("{POLICY}  nonsense: 1\n$0"));
        assert_eq!(effective(&snapshot, "default", MONDAY), None);
    }
}
