//! Graduated tiers: the integral of the price from the total to the total plus the volume.
//!
//! The price is a staircase. With `d` the height of the step at `s`, the integral is the sum over all steps of
//! `d · (max(0, to − s) − max(0, from − s))`, which needs no search for the tier that the total is in.

use aquarium_ir::bounds::{Quantity, limit_scale};
use aquarium_ir::expression::Variable;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::Tier;
use aquarium_ir::slot::unlimited;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::assembler::Number;
use super::body::Body;

/// Where the price changes, in steps of the limits' scale, and by how much, in steps of the result's.
struct Stair {
    start: BigInt,
    height: BigInt,
}

impl Body<'_> {
    /// The integral, at the scale of `quantity`.
    pub fn tiered(&mut self, tiers: &[Tier], unit: &Rational, quantity: &Quantity) -> Number {
        let limbs = quantity.width.limbs();
        let scale = limit_scale(tiers, unit);
        let factor = Number::constant(&scale.recip().to_integer(), limbs);
        let total = self.field(Variable::Total);
        let from = self.assembler.multiply(&total, &factor, limbs);
        let volume = self.field(Variable::Volume);
        let length = self.assembler.multiply(&volume, &factor, limbs);
        let to = self.assembler.add(&from, &length, limbs);
        let greatest = BigRational::from_integer(unlimited(self.limits.total)) / &scale;
        let locals = self.assembler.locals(limbs);
        self.assembler.assign(&locals, &Number::constant(&BigInt::zero(), limbs));
        let sum = Number::of_locals(&locals, false);
        for stair in stairs(tiers, unit, &scale, &quantity.scale.0) {
            if stair.height.is_zero() || BigRational::from_integer(stair.start.clone()) >= greatest {
                continue;
            }
            let mark = self.assembler.mark();
            let above = self.above([&from, &to, &length], &stair.start, limbs);
            let part = self.assembler.multiply(&above, &Number::constant(&stair.height, limbs), limbs);
            let total = self.assembler.add(&sum, &part, limbs);
            self.assembler.assign(&locals, &total);
            self.assembler.release(mark);
        }
        sum
    }

    /// How much of the length lies above `start`.
    fn above(&mut self, [from, to, length]: [&Number; 3], start: &BigInt, limbs: usize) -> Number {
        if start.is_zero() {
            return length.clone();
        }
        let start = Number::constant(start, limbs);
        let to = self.assembler.subtract(to, &start, limbs);
        let to = self.assembler.at_least_zero(&to);
        let from = self.assembler.subtract(from, &start, limbs);
        let from = self.assembler.at_least_zero(&from);
        let above = self.assembler.subtract(&to, &from, limbs);
        Number { unsigned: true, ..above }
    }
}

fn stairs(tiers: &[Tier], unit: &Rational, scale: &BigRational, result: &BigRational) -> Vec<Stair> {
    let mut price = BigRational::zero();
    let mut start = BigRational::zero();
    let mut stairs = Vec::with_capacity(tiers.len());
    for tier in tiers {
        let height = (&tier.price.0 - &price) * scale / (&unit.0 * result);
        stairs.push(Stair { start: (&start / scale).to_integer(), height: height.to_integer() });
        price = tier.price.0.clone();
        start = tier.upto.as_ref().map_or(start, |upto| &upto.0 * &unit.0);
    }
    stairs
}
