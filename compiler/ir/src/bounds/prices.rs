//! One expression at many flat prices: proven once for all prices of a sign, where the price enters it as a
//! plain factor.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

use super::homogeneous::powers_of_price;
use super::{Bounds, Interval, NodeBound, Proven, Quantity, exact, rounded};
use crate::expression::{Expression, Node, NodeId};
use crate::number::Rational;
use crate::policy::{Body, Price};
use crate::slot::Limits;

/// Proves one body at price after price.
#[derive(Debug)]
pub struct Prover<'a> {
    body: Cow<'a, Body>,
    limits: Limits,
    precision: u8,
    /// The power of the flat price in each node, where the price is a plain factor.
    powers: Option<Vec<u32>>,
    /// Prices that equal another number of the expression, so that more may be proven at them.
    equal: Vec<Rational>,
    /// What was proven at a price above and at one below zero.
    proofs: [Option<Proof>; 2],
}

/// What was proven at a price, as it is scaled to others of its sign.
#[derive(Debug)]
struct Proof {
    price: Rational,
    bounds: Bounds,
}

/// What holds at a price because it holds at another one.
#[derive(Debug)]
pub struct Similar<'p> {
    /// What was proven at the other price; all but sizes holds here too.
    pub bounds: &'p Bounds,
    /// The rounded charge; `None` where it is plain to see that it is never negative and not always zero.
    pub credits: Option<Interval>,
}

impl<'a> Prover<'a> {
    /// Nothing is proven yet.
    #[must_use]
    pub fn new(body: Cow<'a, Body>, limits: Limits, precision: u8) -> Self {
        let powers = powers_of_price(&body.expression, &body.prices);
        let equal = equal_prices(&body);
        Self { body, limits, precision, powers, equal, proofs: [None, None] }
    }

    /// What is proven.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// What was proven.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body.into_owned()
    }

    /// What is proven at a price.
    pub fn at(&mut self, price: &Price) -> Bounds {
        if let Price::Flat(flat) = price
            && let Some(bounds) = self.scaled(flat)
        {
            return bounds;
        }
        let expression = Expression { nodes: self.body.nodes_at(price), origins: Vec::new() };
        let bounds = Bounds::within(&expression, self.limits, self.precision);
        if let Price::Flat(flat) = price {
            self.keep(flat, &bounds);
        }
        bounds
    }

    /// What is known at a price without proving anything anew; `None` where that does not do.
    #[must_use]
    pub fn similar(&self, price: &Rational) -> Option<Similar<'_>> {
        let (proof, powers) = self.proof(price)?;
        let power = powers.last().copied()?;
        if self.is_plain(proof, price, power) {
            return Some(Similar { bounds: &proof.bounds, credits: None });
        }
        let factor = power_of(&(&price.0 / &proof.price.0), power);
        let (root, exact) = root(&proof.bounds)?;
        let scale = exact::product(&exact.scale.0, &factor);
        let rounded = rounded(root, &exact.interval.scaled(&factor), &scale, self.precision);
        let is_sound = rounded.problems.is_empty();
        is_sound.then_some(Similar { bounds: &proof.bounds, credits: Some(rounded.credits) })
    }

    /// The proof at a price of the same sign, where the price is nothing but a factor.
    fn proof(&self, price: &Rational) -> Option<(&Proof, &[u32])> {
        let proof = self.proofs.get(usize::from(price.is_negative()))?.as_ref()?;
        (self.is_apart(price)).then_some((proof, self.powers.as_deref()?))
    }

    fn keep(&mut self, price: &Rational, bounds: &Bounds) {
        let is_kept = self.powers.is_some() && bounds.problems.is_empty() && self.is_apart(price);
        if let Some(place) = self.proofs.get_mut(usize::from(price.is_negative())).filter(|_| is_kept) {
            place.get_or_insert_with(|| Proof { price: price.clone(), bounds: bounds.clone() });
        }
    }

    /// Whether the price is other than zero and than every other number of the expression: equal numbers
    /// are known to be equal, which may prove more.
    fn is_apart(&self, price: &Rational) -> bool {
        !price.is_zero() && !self.equal.contains(price)
    }

    /// All that was proven, each size at the new price; `None` where there is a problem with the charge.
    fn scaled(&self, price: &Rational) -> Option<Bounds> {
        let (proof, powers) = self.proof(price)?;
        let ratio = &price.0 / &proof.price.0;
        let factors: Vec<BigRational> =
            (0..=powers.iter().copied().max()?).map(|power| power_of(&ratio, power)).collect();
        let nodes = proof.bounds.nodes.iter().zip(powers).map(|(node, power)| match *power {
            0 => node.clone(),
            power => factors.get(power as usize).map_or_else(|| node.clone(), |factor| node.times(factor)),
        });
        let mut bounds = Bounds { nodes: nodes.collect(), ..proof.bounds.clone() };
        let (root, exact) = root(&bounds)?;
        let rounded = rounded(root, &exact.interval, &exact.scale.0, self.precision);
        bounds.credits = Some(rounded.credits);
        bounds.credits_width = rounded.width;
        rounded.problems.is_empty().then_some(bounds)
    }

    /// Whether the number of bits alone tells that the charge is never negative, can be a whole credit, and is
    /// far from the limits. `false` tells nothing.
    fn is_plain(&self, proof: &Proof, price: &Rational, power: u32) -> bool {
        /// Bits of 10¹², the finest precision and the places of credits.
        const PLACES: i64 = 40;
        const CREDITS_MAX: i64 = 128;
        const OPERAND_MAX: i64 = 240;
        let Some((_, exact)) = root(&proof.bounds) else { return false };
        let (least, greatest) = (&exact.interval.least, &exact.interval.greatest.0);
        if least.is_negative() || !greatest.is_positive() {
            return false;
        }
        let power = i64::from(power);
        let (price_above, price_below) = (bits(price.0.numer()), bits(price.0.denom()));
        let (known_above, known_below) = (bits(proof.price.0.numer()), bits(proof.price.0.denom()));
        // A number of n bits lies from 2^(n-1) to 2^n, so each quotient is known to a factor of four.
        let ratio = price_above + known_below - price_below - known_above;
        let charge = bits(greatest.numer()) - bits(greatest.denom());
        let (scale_above, scale_below) = (bits(exact.scale.0.numer()), bits(exact.scale.0.denom()));
        let steps = charge + scale_below - scale_above + 3;
        let numerator = scale_above + power * (price_above + known_below) + PLACES;
        charge - 1 + power * (ratio - 2) >= 0
            && charge + 1 + power * (ratio + 2) + PLACES <= CREDITS_MAX
            && steps.max(1) + numerator <= OPERAND_MAX
    }
}

fn bits(integer: &BigInt) -> i64 {
    i64::try_from(integer.bits()).unwrap_or(i64::MAX >> 8)
}

fn root(bounds: &Bounds) -> Option<(NodeId, &Quantity)> {
    let root = NodeId(u32::try_from(bounds.nodes.len().checked_sub(1)?).ok()?);
    Some((root, bounds.quantity(root)?))
}

fn power_of(ratio: &BigRational, power: u32) -> BigRational {
    (0..power).fold(BigRational::one(), |factor, _| exact::product(&factor, ratio))
}

/// The flat prices at which a number of the price equals another number of the expression.
fn equal_prices(body: &Body) -> Vec<Rational> {
    let number = |id: &NodeId| match body.expression.node(*id) {
        Some(Node::Number(number)) if !number.is_zero() => Some(number),
        _ => None,
    };
    let Some(unit) = body.prices.first().and_then(number) else { return Vec::new() };
    let others = (0_u32..).map(NodeId).zip(&body.expression.nodes).filter_map(|(id, node)| match node {
        Node::Number(other) if !body.prices.contains(&id) => Some(Rational(&other.0 / &unit.0)),
        _ => None,
    });
    others.collect()
}

impl NodeBound {
    /// The same of values that are `factor` times as large; it is positive.
    fn times(&self, factor: &BigRational) -> Self {
        let Proven::Quantity(quantity) = &self.proven else { return self.clone() };
        let quantity = Quantity {
            interval: quantity.interval.scaled(factor),
            scale: Rational(exact::product(&quantity.scale.0, factor)),
            width: quantity.width,
        };
        Self { reached: self.reached, proven: Proven::Quantity(quantity) }
    }
}
