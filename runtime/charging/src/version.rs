//! One policy version: what was compiled, what charges by it, and tables that make asking it cheap.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aquarium_ir::bounds::Bounds;
use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{
    AgreementId, ChargeId, ExpressionId, Given, Monotone, Price, PriceId, Resource, ResourceId,
};
use aquarium_ir::slot::{Limits, Slot, Trap, wide};
use aquarium_ir::time::Calendar;
use aquarium_ir::{Policy, interpreter};
use ethnum::I256;

use crate::charger::Charger;
use crate::pace::{Slopes, Steepness};

/// A policy version that can be deployed.
#[derive(Clone)]
pub struct Version {
    /// What was compiled.
    pub policy: Arc<Policy>,
    /// The hash of the module; entries name it.
    pub module: Arc<str>,
    /// What charges its slots.
    pub charger: Arc<dyn Charger>,
    pub(crate) calendar: Calendar,
    resources: Vec<Known>,
    agreements: Vec<Arc<str>>,
    charges: BTreeMap<(ResourceId, PriceId, ExpressionId), ChargeId>,
    slopes: Slopes,
}

/// What is worked out once about a resource.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its name.
    pub name: Arc<str>,
    /// The largest magnitude of an event's value and of an amount, in 10⁻⁹.
    pub max: i128,
    /// What its slots may hold.
    pub limits: Limits,
}

impl Known {
    fn of(resource: &Resource) -> Self {
        let max = wide(&resource.max.0.floor().to_integer()).unwrap_or(I256::MAX);
        let max = i128::try_from(max).unwrap_or(i128::MAX);
        Self { name: Arc::from(resource.name.as_str()), max, limits: Limits::of(resource) }
    }
}

/// The terms of a resource under an agreement at an instant: what it costs and how that is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The price.
    pub price: PriceId,
    /// The expression.
    pub expression: ExpressionId,
    /// The two compiled together; missing only in a module that is not what the compiler emits.
    pub charge: Option<ChargeId>,
    /// Whether what a slot costs depends on the month's total before it.
    pub uses_total: bool,
}

/// The terms with the items that give them.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    /// The price list, or the agreement's own price.
    pub price: Option<&'a Given<PriceId>>,
    /// The algorithm, or the agreement's own expression.
    pub expression: Option<&'a Given<ExpressionId>>,
    /// Up to here, exclusive, the same items hold.
    pub until: Millis,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("name", &self.policy.name)
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

impl Version {
    /// The version of a compiled policy. `module` is the hash of the module, in hexadecimal digits.
    #[must_use]
    pub fn new(policy: Arc<Policy>, module: &str, charger: Arc<dyn Charger>) -> Self {
        let charges = policy
            .charges
            .iter()
            .zip(0..)
            .map(|(charge, index)| ((charge.resource, charge.price, charge.expression), ChargeId(index)));
        Self {
            calendar: Calendar::of(&policy),
            resources: policy.resources.iter().map(Known::of).collect(),
            agreements: policy
                .agreements
                .iter()
                .map(|agreement| Arc::from(agreement.name.as_str()))
                .collect(),
            charges: charges.collect(),
            slopes: Slopes::unknown(policy.charges.len()),
            module: Arc::from(module),
            charger,
            policy,
        }
    }

    /// A resource by its name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<(ResourceId, &Resource, &Known)> {
        let (id, resource) = self.policy.resource(name)?;
        Some((id, resource, self.resources.get(id.index())?))
    }

    /// What the slots of a resource may hold.
    #[must_use]
    pub fn limits(&self, resource: ResourceId) -> Option<&Limits> {
        self.resources.get(resource.index()).map(|known| &known.limits)
    }

    /// Whether what is proven of the charges of a resource holds for an amount. One that came under an earlier version may
    /// be more than the `max` of this one.
    pub(crate) fn is_proven(&self, resource: ResourceId, amount: i128) -> bool {
        self.limits(resource).is_none_or(|limits| I256::from(amount) <= limits.amount)
    }

    /// How a charge moves as a slot of an amount grows longer. For an amount of which the module says nothing it is proven
    /// anew.
    pub(crate) fn monotone(&self, charge: ChargeId, amount: i128) -> Monotone {
        let Some(charge) = self.policy.charges.get(charge.index()) else { return Monotone::Unknown };
        if self.is_proven(charge.resource, amount) {
            return charge.monotone;
        }
        let limits = self.limits(charge.resource).map(|limits| limits.with_amount(I256::from(amount)));
        let expression = self.policy.charged(charge);
        let bounds = limits
            .zip(expression)
            .map(|(limits, expression)| Bounds::within(&expression, limits, self.policy.precision));
        bounds.filter(Bounds::is_total).map_or(Monotone::Unknown, |bounds| bounds.monotone)
    }

    /// How much a charge of an amount can change as time goes on; `None`: it may leap anywhere, or nothing is proven of such
    /// an amount.
    pub(crate) fn steepness(&self, charge: ChargeId, amount: i128) -> Option<&Steepness> {
        let resource = self.policy.charges.get(charge.index())?.resource;
        if self.is_proven(resource, amount) { self.slopes.of(self, charge) } else { None }
    }

    /// Charges a slot for which the compiled code is not proven: in exact rationals, which are slow and have no
    /// limits.
    pub(crate) fn charge_unproven(&self, slot: &Slot) -> Result<Credits, Trap> {
        Ok(interpreter::explain_unlimited(&self.policy, slot)?.evaluation.credits)
    }

    /// The agreement that an assignment, else a role, names: its name, and the agreement itself where
    /// the version has it.
    #[must_use]
    pub fn agreement(
        &self,
        role: Option<&str>,
        assigned: Option<&Arc<str>>,
    ) -> (Option<Arc<str>>, Option<AgreementId>) {
        if let Some(name) = assigned {
            return (Some(Arc::clone(name)), self.policy.agreement(name).map(|(id, _)| id));
        }
        let id = self.policy.agreement_of_role(role);
        (id.and_then(|id| self.agreements.get(id.index()).map(Arc::clone)), id)
    }

    /// The terms of a resource under an agreement; `None`: uncovered.
    pub fn terms(
        &mut self,
        agreement: AgreementId,
        resource: ResourceId,
        at: Millis,
    ) -> (Option<Terms>, Millis) {
        let charges = &self.charges;
        let items = items(&self.policy, &mut self.calendar, agreement, resource, at);
        let terms = items.price.zip(items.expression).map(|(price, expression)| Terms {
            price: price.value,
            expression: expression.value,
            charge: charges.get(&(resource, price.value, expression.value)).copied(),
            uses_total: uses_total(&self.policy, price.value, expression.value),
        });
        (terms, items.until)
    }

    /// The items that give a resource its price and expression under an agreement.
    pub fn items(&mut self, agreement: AgreementId, resource: ResourceId, at: Millis) -> Items<'_> {
        items(&self.policy, &mut self.calendar, agreement, resource, at)
    }
}

fn uses_total(policy: &Policy, price: PriceId, expression: ExpressionId) -> bool {
    let tiered = matches!(policy.prices.get(price.index()), Some(Price::Tiers(_)));
    tiered || policy.expressions.get(expression.index()).is_some_and(|expression| expression.reads_total)
}

fn items<'a>(
    policy: &'a Policy,
    calendar: &mut Calendar,
    agreement: AgreementId,
    resource: ResourceId,
    at: Millis,
) -> Items<'a> {
    let agreement = policy.agreements.get(agreement.index());
    let prices = agreement.and_then(|agreement| agreement.prices.get(resource.index()));
    let expressions = agreement.and_then(|agreement| agreement.expressions.get(resource.index()));
    let (price, price_until) = prices.map_or((None, Millis::MAX), |prices| prices.at(calendar, at));
    let (expression, until) = expressions.map_or((None, Millis::MAX), |all| all.at(calendar, at));
    Items { price, expression, until: until.min(price_until) }
}
