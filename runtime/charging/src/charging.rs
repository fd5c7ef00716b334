//! From pieces of usage to charged slots: volumes, totals, limits, and the calls of the charger.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::slot::{Slot, volume_of};
use ethnum::I256;

use crate::charger::Trap;
use crate::deployments::Deployments;
use crate::rate::{Piece, Rate};
use crate::version::Version;

/// A slot and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last; that of the event for `discrete`.
    pub to: Millis,
    /// What held at its start.
    pub rate: Rate,
    /// The value or the amount held, in 10⁻⁹; 0 for `onoff`.
    pub amount: i128,
    /// The raw volume.
    pub volume: I256,
    /// The raw total of the month before the slot, where tiers or the expression use it: what does not matter
    /// to an entry is no part of it.
    pub total_before: Option<I256>,
    /// What it costs.
    pub credits: Credits,
    /// How that came about.
    pub outcome: Outcome,
}

/// How a slot came to its credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By the expression.
    Charged,
    /// There is no price or no expression: 0.
    Uncovered,
    /// The month's total would pass its limit: 0, and not counted.
    Limit,
    /// The charge trapped, which is a defect: 0.
    Trap(Trap),
}

/// What is used during the pieces.
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// The name of the resource.
    pub resource: &'a str,
    /// How it becomes volume.
    pub cost_policy: CostPolicy,
    /// The value or the amount held, in 10⁻⁹.
    pub amount: i128,
}

impl Usage<'_> {
    pub(crate) fn volume(&self, duration_millis: i64) -> I256 {
        volume_of(self.cost_policy, I256::from(self.amount), duration_millis)
    }

    /// The amount that expressions see.
    pub(crate) fn amount_in_slot(&self) -> i128 {
        if self.cost_policy == CostPolicy::Onoff { 0 } else { self.amount }
    }
}

/// Charges the slots of one interval or event in order of time. `total` is the month's total and grows.
pub fn charge(
    deployments: &Deployments,
    usage: Usage<'_>,
    pieces: Vec<Piece>,
    total: &mut I256,
) -> Vec<Charged> {
    let mut slots: Vec<Charged> =
        pieces.into_iter().map(|piece| count(deployments, usage, piece, total)).collect();
    for run in slots.chunk_by_mut(|left, right| left.rate.version == right.rate.version) {
        charge_run(deployments, run);
    }
    slots
}

/// Charges one slot, without lists.
pub(crate) fn charge_slot(
    deployments: &Deployments,
    usage: Usage<'_>,
    slot: Piece,
    total: &mut I256,
) -> Charged {
    let mut slot = count(deployments, usage, slot, total);
    if let Some(version) = deployments.version(slot.rate.version) {
        charge_alone(version, &mut slot);
    }
    slot
}

/// A slot with its volume counted in the total, not yet charged.
fn count(deployments: &Deployments, usage: Usage<'_>, piece: Piece, total: &mut I256) -> Charged {
    let Piece { from, to, rate } = piece;
    let volume = usage.volume(to.0.saturating_sub(from.0));
    let total_before = rate.terms.filter(|terms| terms.uses_total).map(|_| *total);
    let outcome = if passes_total(deployments, usage.resource, &rate, volume, *total) {
        Outcome::Limit
    } else {
        *total = total.saturating_add(volume);
        if rate.terms.is_some() { Outcome::Charged } else { Outcome::Uncovered }
    };
    let amount = usage.amount_in_slot();
    Charged { from, to, rate, amount, volume, total_before, credits: Credits::ZERO, outcome }
}

/// Whether the total would pass its limit.
fn passes_total(deployments: &Deployments, resource: &str, rate: &Rate, volume: I256, total: I256) -> bool {
    let max = total_max(deployments, resource, rate);
    max.is_some_and(|max| total.saturating_add(volume) > max)
}

/// The limit of a resource's total; `None` where the version lacks the resource.
pub(crate) fn total_max(deployments: &Deployments, resource: &str, rate: &Rate) -> Option<I256> {
    let version = deployments.version(rate.version)?;
    let id = rate.resource_id.or_else(|| Some(version.resource(resource)?.0));
    version.limits(id?).map(|limits| limits.total)
}

/// Charges slots of one version in one call.
fn charge_run(deployments: &Deployments, run: &mut [Charged]) {
    let Some(version) = run.first().and_then(|slot| deployments.version(slot.rate.version)) else { return };
    if let [slot] = run {
        return charge_alone(version, slot);
    }
    let mut chargeable: Vec<&mut Charged> = Vec::with_capacity(run.len());
    for slot in run.iter_mut().filter(|slot| slot.outcome == Outcome::Charged) {
        if is_proven(version, slot) {
            chargeable.push(slot);
        } else {
            charge_alone(version, slot);
        }
    }
    let slots: Vec<Slot> = chargeable.iter().map(|slot| slot.input()).collect();
    let mut results = Vec::with_capacity(slots.len());
    version.charger.charge(&slots, &mut results);
    let missing = || Err(Trap::Stopped("the engine gave no result".to_owned()));
    let results = results.into_iter().chain(std::iter::repeat_with(missing));
    for (slot, result) in chargeable.iter_mut().zip(results) {
        slot.settle(result);
    }
}

/// Charges a slot by itself: most events bring one.
fn charge_alone(version: &Version, slot: &mut Charged) {
    if slot.outcome == Outcome::Charged {
        let input = slot.input();
        let proven = is_proven(version, slot);
        slot.settle(if proven {
            version.charger.charge_one(&input)
        } else {
            version.charge_unproven(&input)
        });
    }
}

/// Whether the version's charges are proven for the amount. One that came under an earlier version may be more than
/// the `max` of this one.
fn is_proven(version: &Version, slot: &Charged) -> bool {
    slot.rate.resource_id.is_none_or(|resource| version.is_proven(resource, slot.amount))
}

impl Charged {
    /// The slot as the charger sees it. A module that lacks the charge traps on it.
    #[must_use]
    pub fn input(&self) -> Slot {
        let charge = self.rate.terms.and_then(|terms| terms.charge);
        Slot {
            charge: charge.unwrap_or(aquarium_ir::policy::ChargeId(u32::MAX)),
            volume: self.volume,
            total: self.total_before.unwrap_or(I256::ZERO),
            amount: I256::from(self.amount),
            duration_millis: self.to.0.saturating_sub(self.from.0),
        }
    }

    fn settle(&mut self, result: Result<Credits, Trap>) {
        match result {
            Ok(credits) => self.credits = credits,
            Err(trap) => self.outcome = Outcome::Trap(trap),
        }
    }

    /// Whether it leaves no entry: nothing was used and nothing is charged.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.volume == I256::ZERO && self.credits.is_zero()
    }
}
