//! What a month holds: charges summed per line, refills, grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::policy::Price;
use aquarium_ir::time::MonthSpan;
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
    /// What of some postings is the month's: slots and credits that begin in it.
    pub(super) fn of(deployments: &Deployments, postings: &Postings, month: MonthSpan) -> Self {
        let mut content = Self::default();
        let within = |at| at >= month.start && at < month.end;
        for entry in postings.entries.iter().filter(|entry| within(entry.slot.from)) {
            content.add(deployments, &entry.resource, entry.instance.as_ref(), &entry.slot);
        }
        let refills = postings.refills.iter().filter(|refill| within(refill.at)).cloned();
        (content.grants, content.refills) = refills.partition(|it| matches!(it.kind, RefillKind::Grant(_)));
        content
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
