//! Seeded slots within the limits of their resources: at and around every bound and every turn.

use aquarium_ir::expression::{Expression, Node};
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{ChargeId, CostPolicy, Resource};
use aquarium_ir::slot::{Limits, Slot, wide};
use ethnum::I256;

use super::Random;

/// Raw integers at which a body may turn: limits of tiers, and its numbers in the raw units of its variables.
pub fn points(body: &Expression) -> Vec<I256> {
    const POINTS_MAX: usize = 64;
    let numbers = body
        .nodes
        .iter()
        .filter_map(|node| if let Node::Number(number) = node { Some(number) } else { None });
    let numbers: Vec<&Rational> = numbers.collect();
    let mut points = Vec::new();
    for node in &body.nodes {
        match node {
            Node::Variable { factor, .. } if !factor.is_zero() => {
                points.extend(numbers.iter().map(|number| &number.0 / &factor.0));
            }
            Node::Tiered { tiers, unit } => {
                points.extend(tiers.iter().filter_map(|tier| Some(&tier.upto.as_ref()?.0 * &unit.0)));
            }
            _ => {}
        }
    }
    points.truncate(POINTS_MAX);
    points.iter().filter_map(|point| wide(&point.to_integer())).collect()
}

/// A raw integer up to `limit`: at or beside a point, at an end, at an edge of a limb, or of a random length.
fn raw(random: &mut Random, limit: I256, points: &[I256]) -> I256 {
    if !points.is_empty() && random.one_in(3) {
        let around = I256::from(random.below(3)) - I256::ONE;
        return random.pick(points).saturating_add(around).clamp(I256::ZERO, limit);
    }
    let bits = u32::try_from(random.below(u64::from(256 - limit.leading_zeros()) + 1)).unwrap();
    let edge = I256::ONE << bits.min(254);
    let any =
        (I256::from(random.next()) << 128) | (I256::from(random.next()) << 64) | I256::from(random.next());
    let value = match random.below(8) {
        0 => I256::ZERO,
        1 => I256::ONE,
        2 => limit,
        3 => limit - I256::ONE,
        4 => edge - I256::ONE,
        5 => edge,
        6 => I256::from(random.below(1 << 40)),
        _ => any & (edge - I256::ONE),
    };
    value.clamp(I256::ZERO, limit)
}

/// A slot within the limits of its resource.
pub fn slot(random: &mut Random, charge: ChargeId, resource: &Resource, points: &[I256]) -> Slot {
    let limits = Limits::of(resource);
    let amount = raw(random, limits.amount, points);
    let duration = raw(random, I256::from(limits.duration_millis), points);
    complete(random, &limits, (charge, points), amount, duration)
}

/// The slot of an amount and a length, with some total before it.
fn complete(
    random: &mut Random,
    limits: &Limits,
    (charge, points): (ChargeId, &[I256]),
    amount: I256,
    duration: I256,
) -> Slot {
    let (volume, amount) = match limits.cost_policy {
        CostPolicy::Discrete => (amount, amount),
        CostPolicy::Onoff => (duration, I256::ZERO),
        CostPolicy::Continuous => (amount * duration, amount),
    };
    if volume > limits.total {
        let half = |value: I256| value / 2;
        return complete(random, limits, (charge, points), half(amount), half(duration));
    }
    // Sometimes the slot ends at a point.
    let ends: Vec<I256> = points.iter().map(|point| point.saturating_sub(volume)).collect();
    let points = if random.one_in(2) { &ends } else { points };
    let total = raw(random, limits.total - volume, points);
    Slot { charge, volume, total, amount, duration_millis: duration.as_i64() }
}

/// The same slot with another length, if there is one within the limits.
pub fn of_another_length(random: &mut Random, slot: &Slot, resource: &Resource, points: &[I256]) -> Slot {
    let limits = Limits::of(resource);
    let duration = raw(random, I256::from(limits.duration_millis), points);
    let volume = match limits.cost_policy {
        CostPolicy::Discrete => slot.volume,
        CostPolicy::Onoff => duration,
        CostPolicy::Continuous => slot.amount * duration,
    };
    let other = Slot { volume, duration_millis: duration.as_i64(), ..*slot };
    if limits.check(&other).is_ok() { other } else { *slot }
}
