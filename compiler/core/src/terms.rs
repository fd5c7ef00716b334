//! What a compiled policy's agreement asks for a resource at an instant: a price and an expression.

use aquarium_ir::Millis;
use aquarium_ir::policy::{Agreement, Charge, ExpressionId, Policy, PriceId, ResourceId};
use aquarium_ir::time::Calendar;

/// A price and an expression; nothing is charged where one of them is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Terms {
    /// The price.
    pub price: Option<PriceId>,
    /// The expression.
    pub expression: Option<ExpressionId>,
}

impl Terms {
    /// What holds at an instant, and until when that is surely so.
    pub fn at(
        agreement: &Agreement,
        resource: ResourceId,
        calendar: &mut Calendar,
        at: Millis,
    ) -> (Self, Millis) {
        let mut until = Millis::MAX;
        let price = agreement.prices.get(resource.index()).and_then(|timeline| {
            let (given, price_until) = timeline.at(calendar, at);
            until = until.min(price_until);
            given.map(|given| given.value)
        });
        let expression = agreement.expressions.get(resource.index()).and_then(|timeline| {
            let (given, expression_until) = timeline.at(calendar, at);
            until = until.min(expression_until);
            given.map(|given| given.value)
        });
        (Self { price, expression }, until)
    }

    /// The same terms, but nothing at all where one of the two is missing: all that is uncovered is the same.
    #[must_use]
    pub fn or_uncovered(self) -> Self {
        match (self.price, self.expression) {
            (Some(_), Some(_)) => self,
            _ => Self { price: None, expression: None },
        }
    }

    /// The two compiled together; `None`: usage is uncovered.
    #[must_use]
    pub fn charge(self, policy: &Policy, resource: ResourceId) -> Option<&Charge> {
        let (price, expression) = self.price.zip(self.expression)?;
        policy.charges.iter().find(|charge| {
            charge.resource == resource && charge.price == price && charge.expression == expression
        })
    }
}
