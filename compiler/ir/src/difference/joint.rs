//! Two policies with one table of time frames, so that equal timelines are seen to be equal without a calendar.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::policy::{Agreement, Charge, ExpressionId, Given, Mode, Policy, Price, PriceId, ResourceId};
use crate::time::frame::horizon;
use crate::time::{Body, Calendar, Frame, FrameId, Layer, Timeline};
use crate::{Millis, Node, Rational};

use super::sweep::sweep;
use super::{Change, Plan, Terms};

/// One of the two policies.
pub struct Side<'a> {
    /// The policy.
    pub policy: &'a Policy,
    calendar: Calendar,
    charges: BTreeMap<(ResourceId, PriceId, ExpressionId), &'a Charge>,
}

impl<'a> Side<'a> {
    fn new(policy: &'a Policy) -> Self {
        let charges = policy.charges.iter();
        let charges = charges.map(|charge| ((charge.resource, charge.price, charge.expression), charge));
        Self { policy, calendar: Calendar::of(policy), charges: charges.collect() }
    }

    fn frames<T>(&self, timeline: &Timeline<T>, into: &mut Vec<&'a Frame>) {
        for layer in &timeline.0 {
            into.extend(layer.frame.and_then(|id| self.policy.frames.get(id.0 as usize)));
            if let Body::Timeline(inner) = &layer.body {
                self.frames(inner, into);
            }
        }
    }

    /// A timeline that can be compared with one of another policy: frames and values themselves.
    fn canonical<T, V>(&self, timeline: &Timeline<T>, value: &impl Fn(&T) -> V) -> Canonical<'a, V> {
        let layer = |layer: &Layer<T>| {
            let frame = layer.frame.and_then(|FrameId(id)| self.policy.frames.get(id as usize));
            let body = match &layer.body {
                Body::Value(given) => CanonicalBody::Value(value(given)),
                Body::Timeline(inner) => CanonicalBody::Timeline(self.canonical(inner, value)),
            };
            (frame, body)
        };
        Canonical(timeline.0.iter().map(layer).collect())
    }
}

/// See [`Side::canonical`].
#[derive(PartialEq)]
struct Canonical<'a, V>(Vec<(Option<&'a Frame>, CanonicalBody<'a, V>)>);

#[derive(PartialEq)]
enum CanonicalBody<'a, V> {
    Value(V),
    Timeline(Canonical<'a, V>),
}

/// Both policies.
pub struct Joint<'a> {
    /// The old one.
    pub old: Side<'a>,
    /// The new one.
    pub new: Side<'a>,
    /// Resources of which some price and expression compute something else than before.
    computed_anew: BTreeSet<&'a str>,
}

impl<'a> Joint<'a> {
    /// Both policies side by side.
    pub fn new(old: &'a Policy, new: &'a Policy) -> Self {
        Self { old: Side::new(old), new: Side::new(new), computed_anew: computed_anew(old, new) }
    }

    /// When the policies themselves are valid.
    pub fn validity(&mut self) -> Vec<Change<bool>> {
        let (old, new) = (self.old.policy.effective, self.new.policy.effective);
        let frames = [(&self.old, old), (&self.new, new)];
        let frames = frames.into_iter().filter_map(|(side, id)| side.policy.frames.get(id?.0 as usize));
        let horizon = self.horizon(frames.collect());
        let at = |calendar: &mut Calendar, frame: Option<FrameId>, at| match frame {
            None => (true, Millis::MAX),
            Some(frame) => {
                let membership = calendar.membership(frame, at);
                (membership.inside, membership.until)
            }
        };
        let Self { old: before, new: after, .. } = self;
        sweep(
            |instant| at(&mut before.calendar, old, instant),
            |instant| at(&mut after.calendar, new, instant),
            |before, after| before == after,
            horizon,
        )
    }

    /// Changes of a resource's price and expression under an agreement.
    pub fn terms(
        &mut self,
        old: Option<&Agreement>,
        new: Option<&Agreement>,
        resource: &str,
    ) -> Vec<Change<Option<Terms>>> {
        let before = TermsOf::new(&self.old, old, resource);
        let after = TermsOf::new(&self.new, new, resource);
        // With the same timelines on the same clock no instant needs to be looked at.
        let computes_the_same = self.same_clock() && !self.computed_anew.contains(resource);
        if computes_the_same && before.has_the_timelines_of(&self.old, &after, &self.new) {
            return Vec::new();
        }
        let mut frames = Vec::new();
        before.frames(&self.old, &mut frames);
        after.frames(&self.new, &mut frames);
        let horizon = self.horizon(frames);
        let Self { old: old_side, new: new_side, .. } = self;
        let (old_charges, new_charges) = (&old_side.charges, &new_side.charges);
        let charge_of = |of: &TermsOf<'_>, charges: &BTreeMap<_, &'a Charge>, terms: &Terms| {
            charges.get(&(of.resource?, terms.price, terms.expression)).copied()
        };
        let (old_policy, new_policy) = (old_side.policy, new_side.policy);
        let same = |one: &Option<Terms>, other: &Option<Terms>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                let charges = (charge_of(&before, old_charges, one), charge_of(&after, new_charges, other));
                same_terms((old_policy, one), (new_policy, other), charges)
            }
            _ => false,
        };
        sweep(
            |at| before.at(&mut old_side.calendar, at),
            |at| after.at(&mut new_side.calendar, at),
            same,
            horizon,
        )
    }

    /// Changes of an agreement's credit plan.
    pub fn plan(&mut self, old: Option<&Agreement>, new: Option<&Agreement>) -> Vec<Change<Option<Plan>>> {
        let mut frames = Vec::new();
        for (side, agreement) in [(&self.old, old), (&self.new, new)] {
            let Some(agreement) = agreement else { continue };
            side.frames(&agreement.plan.credits, &mut frames);
            side.frames(&agreement.plan.at, &mut frames);
            side.frames(&agreement.plan.mode, &mut frames);
            side.frames(&agreement.plan.initial, &mut frames);
        }
        let horizon = self.horizon(frames);
        let Self { old: before, new: after, .. } = self;
        sweep(
            |at| plan_at(old, &mut before.calendar, at),
            |at| plan_at(new, &mut after.calendar, at),
            same_plan,
            horizon,
        )
    }

    /// Changes of an agreement's threshold.
    pub fn threshold(
        &mut self,
        old: Option<&Agreement>,
        new: Option<&Agreement>,
    ) -> Vec<Change<Option<Rational>>> {
        let mut frames = Vec::new();
        old.into_iter().for_each(|it| self.old.frames(&it.threshold, &mut frames));
        new.into_iter().for_each(|it| self.new.frames(&it.threshold, &mut frames));
        let horizon = self.horizon(frames);
        let at = |agreement: Option<&Agreement>, calendar: &mut Calendar, at| match agreement {
            None => (None, Millis::MAX),
            Some(agreement) => {
                let (given, until) = agreement.threshold.at(calendar, at);
                (Some(given.cloned().unwrap_or_else(Rational::zero)), until)
            }
        };
        let Self { old: before, new: after, .. } = self;
        sweep(
            |instant| at(old, &mut before.calendar, instant),
            |instant| at(new, &mut after.calendar, instant),
            |before, after| before == after,
            horizon,
        )
    }

    fn same_clock(&self) -> bool {
        self.old.policy.zone == self.new.policy.zone
    }

    /// How far the frames have to be followed; without one that repeats, to their ends.
    fn horizon(&self, frames: Vec<&Frame>) -> Millis {
        let repeats = frames.iter().any(|frame| !frame.repeat.is_empty());
        if repeats { horizon(&self.new.policy.zone, frames) } else { Millis::MAX }
    }
}

/// What charges compute, by resource, price and digest of the expression.
type Computed<'a> = BTreeMap<(&'a str, &'a Price, &'a str), &'a [Node]>;

fn computed(policy: &Policy) -> Computed<'_> {
    let charges = policy.charges.iter().filter_map(|charge| {
        let resource = policy.resources.get(charge.resource.index())?.name.as_str();
        let price = policy.prices.get(charge.price.index())?;
        let digest = policy.expressions.get(charge.expression.index())?.digest.as_str();
        let body = policy.body(charge)?;
        Some(((resource, price, digest), body.expression.nodes.as_slice()))
    });
    charges.collect()
}

fn computed_anew<'a>(old: &'a Policy, new: &'a Policy) -> BTreeSet<&'a str> {
    let before = computed(old);
    let differs = |(key, nodes): &(&(&'a str, &'a Price, &'a str), &&'a [Node])| {
        before.get(*key).is_some_and(|before| before != *nodes)
    };
    computed(new).iter().filter(differs).map(|((resource, ..), _)| *resource).collect()
}

/// The timelines of a resource under an agreement of one policy.
struct TermsOf<'t> {
    resource: Option<ResourceId>,
    prices: Option<&'t Timeline<Given<PriceId>>>,
    expressions: Option<&'t Timeline<Given<ExpressionId>>>,
}

impl<'t> TermsOf<'t> {
    fn new(side: &Side<'_>, agreement: Option<&'t Agreement>, resource: &str) -> Self {
        let resource = side.policy.resource(resource).map(|(id, _)| id);
        let index = resource.map(ResourceId::index);
        Self {
            resource,
            prices: agreement.zip(index).and_then(|(it, index)| it.prices.get(index)).map(Arc::as_ref),
            expressions: agreement
                .zip(index)
                .and_then(|(it, index)| it.expressions.get(index))
                .map(Arc::as_ref),
        }
    }

    fn at(&self, calendar: &mut Calendar, at: Millis) -> (Option<Terms>, Millis) {
        let (Some(prices), Some(expressions)) = (self.prices, self.expressions) else {
            return (None, Millis::MAX);
        };
        let (price, price_until) = prices.at(calendar, at);
        let (expression, until) = expressions.at(calendar, at);
        let both = price.zip(expression);
        let terms = both.map(|(price, it)| Terms { price: price.value, expression: it.value });
        (terms, until.min(price_until))
    }

    fn frames<'a>(&self, side: &Side<'a>, into: &mut Vec<&'a Frame>) {
        self.prices.into_iter().for_each(|timeline| side.frames(timeline, into));
        self.expressions.into_iter().for_each(|timeline| side.frames(timeline, into));
    }

    /// Whether both have the same timelines of the same prices and expressions.
    fn has_the_timelines_of(&self, side: &Side<'_>, other: &TermsOf<'_>, other_side: &Side<'_>) -> bool {
        self.plain_prices(side) == other.plain_prices(other_side)
            && self.plain_expressions(side) == other.plain_expressions(other_side)
    }

    fn plain_prices<'a>(&self, side: &Side<'a>) -> Option<Canonical<'a, Option<&'a Price>>> {
        let prices = &side.policy.prices;
        Some(side.canonical(self.prices?, &|given: &Given<PriceId>| prices.get(given.value.index())))
    }

    fn plain_expressions<'a>(&self, side: &Side<'a>) -> Option<Canonical<'a, Option<&'a str>>> {
        let expressions = &side.policy.expressions;
        let digest = |given: &Given<ExpressionId>| {
            expressions.get(given.value.index()).map(|source| source.digest.as_str())
        };
        Some(side.canonical(self.expressions?, &digest))
    }
}

/// Whether two terms ask the same: equal prices, equal expressions, equal operations.
fn same_terms(
    (old, one): (&Policy, &Terms),
    (new, other): (&Policy, &Terms),
    charges: (Option<&Charge>, Option<&Charge>),
) -> bool {
    let before = old.expressions.get(one.expression.index()).map(|source| &source.digest);
    let after = new.expressions.get(other.expression.index()).map(|source| &source.digest);
    old.prices.get(one.price.index()) == new.prices.get(other.price.index())
        && before == after
        && charges.0.and_then(|charge| old.body(charge)).map(operations)
            == charges.1.and_then(|charge| new.body(charge)).map(operations)
}

/// The operations of a body; its price stands beside it.
fn operations(body: &crate::policy::Body) -> &[Node] {
    &body.expression.nodes
}

/// The plan in force, where credits and a time are given.
fn plan_at(agreement: Option<&Agreement>, calendar: &mut Calendar, at: Millis) -> (Option<Plan>, Millis) {
    let Some(plan) = agreement.map(|agreement| &agreement.plan) else { return (None, Millis::MAX) };
    let (credits, credits_until) = plan.credits.at(calendar, at);
    let (fires, fires_until) = plan.at.at(calendar, at);
    let (mode, mode_until) = plan.mode.at(calendar, at);
    let (initial, initial_until) = plan.initial.at(calendar, at);
    let until = credits_until.min(fires_until).min(mode_until).min(initial_until);
    let in_force = credits.zip(fires).map(|(credits, fires)| Plan {
        credits: credits.value.clone(),
        at: fires.text.clone(),
        mode: mode.copied().unwrap_or(Mode::Add),
        initial: initial.map_or_else(Rational::zero, |given| given.value.clone()),
    });
    (in_force, until)
}

/// Whether two plans do the same; patterns that name the same minutes are the same.
fn same_plan(old: &Option<Plan>, new: &Option<Plan>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            let rest = |plan: &Plan| (plan.credits.clone(), plan.mode, plan.initial.clone());
            rest(old) == rest(new) && same_pattern(&old.at, &new.at)
        }
        (old, new) => old == new,
    }
}

fn same_pattern(old: &str, new: &str) -> bool {
    use crate::time::Cron;
    let minutes = |text: &str| text.parse::<Cron>().ok().map(|cron| Cron { text: String::new(), ..cron });
    minutes(old) == minutes(new)
}
