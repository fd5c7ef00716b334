//! What a month holds: charges summed per line, refills, grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::policy::Price;
use aquarium_ir::time::Month;
use ethnum::I256;

use crate::charging::{Charged, Outcome};
use crate::deployments::Deployments;
use crate::posting::{Postings, Refill, RefillKind};

/// What makes entries one line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub resource: Arc<str>,
    pub instance: Option<Arc<str>>,
    pub agreement: Option<Arc<str>>,
    /// `None`: uncovered.
    pub price: Option<Price>,
}

/// The sums of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub volume: I256,
    pub credits: Credits,
    pub entries: usize,
}

/// What a month holds, as one fold sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Content {
    pub lines: BTreeMap<LineKey, Sums>,
    pub refills: Vec<Refill>,
    pub grants: Vec<Refill>,
}

impl Content {
    /// What of some postings is each month's: slots and credits that begin in it.
    pub(super) fn of_months(deployments: &mut Deployments, postings: &Postings) -> BTreeMap<Month, Self> {
        let mut months: BTreeMap<Month, Self> = BTreeMap::new();
        for entry in &postings.entries {
            let month = deployments.month(entry.slot.from).month;
            let content = months.entry(month).or_default();
            content.add(deployments, &entry.resource, entry.instance.as_ref(), &entry.slot);
        }
        for refill in &postings.refills {
            let content = months.entry(deployments.month(refill.at).month).or_default();
            let grant = matches!(refill.kind, RefillKind::Grant(_));
            if grant { &mut content.grants } else { &mut content.refills }.push(refill.clone());
        }
        months
    }

    /// Adds a slot to its line.
    pub(super) fn add(
        &mut self,
        deployments: &Deployments,
        resource: &Arc<str>,
        instance: Option<&Arc<str>>,
        slot: &Charged,
    ) {
        let key = LineKey {
            resource: Arc::clone(resource),
            instance: instance.cloned(),
            agreement: slot.rate.agreement.clone(),
            price: price(deployments, slot),
        };
        let sums = self.lines.entry(key).or_default();
        if slot.outcome != Outcome::Limit {
            sums.volume = sums.volume.saturating_add(slot.volume);
        }
        sums.credits += slot.credits;
        sums.entries += 1;
    }

    /// What the month adds to the balance.
    pub(super) fn net(&self) -> Credits {
        let charged: Credits = self.lines.values().map(|sums| sums.credits).sum();
        self.refilled() + self.granted() - charged
    }

    pub(super) fn refilled(&self) -> Credits {
        self.refills.iter().map(|refill| refill.credits).sum()
    }

    pub(super) fn granted(&self) -> Credits {
        self.grants.iter().map(|refill| refill.credits).sum()
    }
}

fn price(deployments: &Deployments, slot: &Charged) -> Option<Price> {
    let version = deployments.version(slot.rate.version)?;
    version.policy.prices.get(slot.rate.terms?.price.index()).cloned()
}
