//! The two parts of a wallet: what plans refill, and what was granted.

use aquarium_ir::credits::Credits;

/// The parts of a wallet. The balance is the sum of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wallet {
    /// What plans refill and charges use up first; may be below zero.
    pub plan: Credits,
    /// What was granted by hand.
    pub grants: Credits,
}

impl Wallet {
    /// The sum of both parts.
    #[must_use]
    pub fn balance(&self) -> Credits {
        self.plan + self.grants
    }

    /// Takes a charge: from the plan part down to 0, then from grants down to 0, the rest from the plan
    /// part. A negative charge goes to the plan part.
    pub fn charge(&mut self, credits: Credits) {
        let mut rest = credits;
        take(&mut self.plan, &mut rest);
        take(&mut self.grants, &mut rest);
        self.plan -= rest;
    }

    /// Gives a grant. A negative one takes from grants down to 0, the rest from the plan part.
    pub fn grant(&mut self, credits: Credits) {
        if !credits.is_negative() {
            self.grants += credits;
            return;
        }
        let mut rest = -credits;
        take(&mut self.grants, &mut rest);
        self.plan -= rest;
    }
}

/// Moves what `part` can give without falling below zero out of `rest`.
fn take(part: &mut Credits, rest: &mut Credits) {
    let taken = (*part).min(*rest).max(Credits::ZERO);
    *part -= taken;
    *rest -= taken;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(text: &str) -> Credits {
        text.parse().unwrap()
    }

    fn wallet(plan: &str, grants: &str) -> Wallet {
        Wallet { plan: credits(plan), grants: credits(grants) }
    }

    #[test]
    fn a_charge_takes_from_the_plan_then_from_grants_then_makes_the_plan_negative() {
        for (charge, plan, grants) in
            [("4", "6", "5"), ("12", "0", "3"), ("20", "-5", "0"), ("-3", "13", "5"), ("0", "10", "5")]
        {
            let mut changed = wallet("10", "5");
            changed.charge(credits(charge));
            assert_eq!(changed, wallet(plan, grants), "{charge}");
        }
        let mut negative = wallet("-2", "5");
        negative.charge(credits("1"));
        assert_eq!(negative, wallet("-2", "4"));
    }

    #[test]
    fn a_negative_grant_takes_from_grants_first() {
        for (grant, plan, grants) in [("4", "10", "9"), ("-4", "10", "1"), ("-7", "8", "0")] {
            let mut changed = wallet("10", "5");
            changed.grant(credits(grant));
            assert_eq!(changed, wallet(plan, grants), "{grant}");
        }
    }
}
