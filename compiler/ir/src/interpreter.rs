//! The reference interpreter: what an expression means, in exact rationals.
//!
//! Slow and obvious on purpose. The WebAssembly back end is compared with it over generated programs,
//! explanations of a charge come from it, and tools that have no engine charge with it. It must not
//! know how a module computes: no widths, no scales, no bounds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::credits::Credits;
use crate::expression::{Comparison, Expression, LocalId, Node, NodeId, Rounding, Variable};
use crate::number::Rational;
use crate::policy::{Charge, Policy, Tier};
use crate::slot::{Limits, Slot, Trap, unlimited};

/// What a slot costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The exact value of the expression, in credits.
    pub value: Rational,
    /// That value rounded once, half-even, to the policy's precision.
    pub credits: Credits,
}

/// An evaluation and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The result.
    pub evaluation: Evaluation,
    /// The value of each node in base units, as long as the nodes; `None` where it was not needed.
    pub values: Vec<Option<Value>>,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a quantity, in base units.
    Quantity(Rational),
    /// Of a condition.
    Truth(bool),
}

/// Charges one slot.
///
/// # Errors
/// Where the slot is beyond the limits of its resource, or the policy is not one that the compiler accepts.
pub fn evaluate(policy: &Policy, slot: &Slot) -> Result<Evaluation, Trap> {
    explain(policy, slot).map(|explanation| explanation.evaluation)
}

/// Charges one slot and keeps every intermediate value.
///
/// # Errors
/// As [`evaluate`].
pub fn explain(policy: &Policy, slot: &Slot) -> Result<Explanation, Trap> {
    let charge = charge_of(policy, slot)?;
    if let Some(resource) = policy.resources.get(charge.resource.index()) {
        Limits::of(resource).check(slot)?;
    }
    explain_unlimited(policy, slot)
}

/// The same of a slot that may lie beyond the limits of its resource, for which the compiled code is not proven.
///
/// # Errors
/// Where it divides by zero or is not well formed.
pub fn explain_unlimited(policy: &Policy, slot: &Slot) -> Result<Explanation, Trap> {
    let charge = charge_of(policy, slot)?;
    let (body, price) = (policy.body(charge), policy.prices.get(charge.price.index()));
    let (body, price) = body.zip(price).ok_or(Trap::Malformed(0))?;
    let expression = Expression { nodes: body.nodes_at(price), origins: Vec::new() };
    explain_expression(&expression, slot, policy.precision)
}

/// Charges each slot by itself; one result a slot, appended in their order.
pub fn charge_batch(policy: &Policy, slots: &[Slot], results: &mut Vec<Result<Credits, Trap>>) {
    results.extend(slots.iter().map(|slot| evaluate(policy, slot).map(|evaluation| evaluation.credits)));
}

/// Evaluates an expression by itself, limits unchecked.
///
/// # Errors
/// Where it divides by zero or is not well formed.
pub fn explain_expression(expression: &Expression, slot: &Slot, precision: u8) -> Result<Explanation, Trap> {
    let root = expression.root().ok_or(Trap::Malformed(0))?;
    let mut run = Run { expression, slot, locals: BTreeMap::new(), values: Vec::new(), depth: 0 };
    run.values.resize(expression.nodes.len(), None);
    let value = run.quantity(root)?;
    let credits = Credits::round(&Rational(value.clone()), precision);
    Ok(Explanation { evaluation: Evaluation { value: Rational(value), credits }, values: run.values })
}

fn charge_of<'a>(policy: &'a Policy, slot: &Slot) -> Result<&'a Charge, Trap> {
    policy.charges.get(slot.charge.index()).ok_or(Trap::UnknownCharge(slot.charge.0))
}

struct Run<'a> {
    expression: &'a Expression,
    slot: &'a Slot,
    locals: BTreeMap<LocalId, Value>,
    values: Vec<Option<Value>>,
    depth: u32,
}

impl Run<'_> {
    fn quantity(&mut self, id: NodeId) -> Result<BigRational, Trap> {
        match self.value(id)? {
            Value::Quantity(value) => Ok(value.0),
            Value::Truth(_) => Err(Trap::Malformed(id.0)),
        }
    }

    fn truth(&mut self, id: NodeId) -> Result<bool, Trap> {
        match self.value(id)? {
            Value::Truth(truth) => Ok(truth),
            Value::Quantity(_) => Err(Trap::Malformed(id.0)),
        }
    }

    fn value(&mut self, id: NodeId) -> Result<Value, Trap> {
        let expression = self.expression;
        let node = expression.node(id).ok_or(Trap::Malformed(id.0))?;
        if self.depth >= Expression::DEPTH_MAX {
            return Err(Trap::Malformed(id.0));
        }
        self.depth += 1;
        let value = match self.condition(node)? {
            Some(truth) => Value::Truth(truth),
            None => match node {
                Node::Let { local, value, body } => {
                    let value = self.value(*value)?;
                    self.locals.insert(*local, value);
                    self.value(*body)?
                }
                Node::If { condition, then, otherwise } => {
                    let chosen = if self.truth(*condition)? { then } else { otherwise };
                    self.value(*chosen)?
                }
                Node::Local(local) => self.locals.get(local).cloned().ok_or(Trap::Malformed(id.0))?,
                node => Value::Quantity(Rational(self.arithmetic(id, node)?)),
            },
        };
        self.depth -= 1;
        if let Some(place) = usize::try_from(id.0).ok().and_then(|index| self.values.get_mut(index)) {
            *place = Some(value.clone());
        }
        Ok(value)
    }

    /// The truth of a node that is a condition by its kind.
    fn condition(&mut self, node: &Node) -> Result<Option<bool>, Trap> {
        Ok(Some(match node {
            Node::Compare { comparison, left, right } => {
                let (left, right) = (self.quantity(*left)?, self.quantity(*right)?);
                comparison.holds(left.cmp(&right))
            }
            Node::And(left, right) => self.truth(*left)? && self.truth(*right)?,
            Node::Or(left, right) => self.truth(*left)? || self.truth(*right)?,
            Node::Not(operand) => !self.truth(*operand)?,
            _ => return Ok(None),
        }))
    }

    fn arithmetic(&mut self, id: NodeId, node: &Node) -> Result<BigRational, Trap> {
        Ok(match node {
            Node::Number(number) => number.0.clone(),
            Node::Variable { variable, factor } => raw(self.slot, *variable) * &factor.0,
            Node::Negate(operand) => -self.quantity(*operand)?,
            Node::Absolute(operand) => self.quantity(*operand)?.abs(),
            Node::Add(left, right) => self.quantity(*left)? + self.quantity(*right)?,
            Node::Subtract(left, right) => self.quantity(*left)? - self.quantity(*right)?,
            Node::Multiply(left, right) => self.quantity(*left)? * self.quantity(*right)?,
            Node::Minimum(left, right) => self.quantity(*left)?.min(self.quantity(*right)?),
            Node::Maximum(left, right) => self.quantity(*left)?.max(self.quantity(*right)?),
            Node::DivideByConstant(dividend, divisor) => {
                quotient(id, self.quantity(*dividend)?, divisor.0.clone())?
            }
            Node::Divide { dividend, divisor, step } => {
                let quotient = quotient(id, self.quantity(*dividend)?, self.quantity(*divisor)?)?;
                to_multiple(id, quotient, Rounding::HalfEven, step)?
            }
            Node::Remainder { dividend, divisor } => {
                let (dividend, divisor) = (self.quantity(*dividend)?, self.quantity(*divisor)?);
                let times = quotient(id, dividend.clone(), divisor.clone())?.trunc();
                dividend - divisor * times
            }
            Node::Round { value, rounding, step } => {
                to_multiple(id, self.quantity(*value)?, *rounding, step)?
            }
            Node::Tiered { tiers, unit } => integral(id, tiers, unit, self.slot)?,
            Node::Local(_)
            | Node::Let { .. }
            | Node::If { .. }
            | Node::Compare { .. }
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_) => return Err(Trap::Malformed(id.0)),
        })
    }
}

impl Comparison {
    /// Whether the comparison holds when the left side relates to the right side like this.
    #[must_use]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
        }
    }
}

/// A slot's raw integer.
fn raw(slot: &Slot, variable: Variable) -> BigRational {
    BigRational::from_integer(match variable {
        Variable::Volume => unlimited(slot.volume),
        Variable::Total => unlimited(slot.total),
        Variable::Value | Variable::Amount => unlimited(slot.amount),
        Variable::Duration => BigInt::from(slot.duration_millis),
    })
}

fn quotient(id: NodeId, dividend: BigRational, divisor: BigRational) -> Result<BigRational, Trap> {
    if divisor.is_zero() { Err(Trap::DivisionByZero(id.0)) } else { Ok(dividend / divisor) }
}

/// `value` rounded to a multiple of `step`.
fn to_multiple(
    id: NodeId,
    value: BigRational,
    rounding: Rounding,
    step: &Rational,
) -> Result<BigRational, Trap> {
    let steps = quotient(id, value, step.0.clone())?;
    Ok(BigRational::from_integer(rounding.round(&steps)) * &step.0)
}

impl Rounding {
    /// The integer that `value` is rounded to.
    #[must_use]
    pub fn round(self, value: &BigRational) -> BigInt {
        match self {
            Self::Floor => value.floor().to_integer(),
            Self::Ceiling => value.ceil().to_integer(),
            Self::HalfAwayFromZero => {
                let half = BigRational::new(BigInt::one(), BigInt::from(2));
                let magnitude = (value.abs() + half).floor().to_integer();
                if value.is_negative() { -magnitude } else { magnitude }
            }
            Self::HalfEven => Rational(value.clone()).round_half_even(),
        }
    }
}

/// The volume of each tier that lies between `total` and `total + volume`, times the tier's price.
fn integral(id: NodeId, tiers: &[Tier], unit: &Rational, slot: &Slot) -> Result<BigRational, Trap> {
    let total = raw(slot, Variable::Total);
    let from = quotient(id, total.clone(), unit.0.clone())?;
    let to = quotient(id, total + raw(slot, Variable::Volume), unit.0.clone())?;
    let mut sum = BigRational::zero();
    let mut start = BigRational::zero();
    for tier in tiers {
        let end = tier.upto.as_ref().map_or_else(|| to.clone(), |upto| upto.0.clone());
        let within = to.clone().min(end.clone()) - from.clone().max(start);
        if within.is_positive() {
            sum += within * &tier.price.0;
        }
        start = end;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use ethnum::I256;

    use super::*;
    use crate::policy::ChargeId;

    fn slot(total: i64, volume: i64) -> Slot {
        let [total, volume] = [total, volume].map(I256::from);
        Slot { charge: ChargeId(0), volume, total, amount: volume, duration_millis: 0 }
    }

    fn number(text: &str) -> Rational {
        text.parse().unwrap()
    }

    fn value(nodes: Vec<Node>, slot: &Slot) -> Result<String, Trap> {
        let expression = Expression { nodes, origins: Vec::new() };
        explain_expression(&expression, slot, 6).map(|explanation| explanation.evaluation.value.to_string())
    }

    #[test]
    fn tiers_are_an_integral_from_the_total_on() {
        let tier = |upto: Option<&str>, price| Tier { upto: upto.map(number), price: number(price) };
        let tiers = vec![tier(Some("10"), "0"), tier(Some("100"), "0.05"), tier(None, "0.02")];
        for (total, volume, credits) in [
            (0, 1000, "0"),
            (500, 1000, "0.25"),
            (0, 20_000, "6.5"),
            (9900, 200, "0.07"),
            (50_000, 100, "0.02"),
        ] {
            let tiered = Node::Tiered { tiers: tiers.clone(), unit: number("100") };
            assert_eq!(value(vec![tiered], &slot(total, volume)).unwrap(), credits, "{total}+{volume}");
        }
    }

    #[test]
    fn the_remainder_has_the_sign_of_the_dividend() {
        for (dividend, divisor, rest) in
            [("7", "3", "1"), ("-7", "3", "-1"), ("7", "-3", "1"), ("0.5", "0.3", "0.2")]
        {
            let nodes = vec![
                Node::Number(number(dividend)),
                Node::Number(number(divisor)),
                Node::Remainder { dividend: NodeId(0), divisor: NodeId(1) },
            ];
            assert_eq!(value(nodes, &slot(0, 0)).unwrap(), rest);
        }
    }

    #[test]
    fn only_the_branch_that_is_taken_is_evaluated() {
        let variable = |variable| Node::Variable { variable, factor: Rational::one() };
        let nodes = vec![
            variable(Variable::Total),
            Node::Number(Rational::zero()),
            Node::Compare { comparison: Comparison::Greater, left: NodeId(0), right: NodeId(1) },
            variable(Variable::Volume),
            variable(Variable::Total),
            Node::Divide { dividend: NodeId(3), divisor: NodeId(4), step: number("0.01") },
            Node::Number(number("-1")),
            Node::If { condition: NodeId(2), then: NodeId(5), otherwise: NodeId(6) },
        ];
        assert_eq!(value(nodes.clone(), &slot(0, 5)).unwrap(), "-1");
        assert_eq!(value(nodes.clone(), &slot(3, 5)).unwrap(), "1.67");
        let explanation =
            explain_expression(&Expression { nodes, origins: Vec::new() }, &slot(0, 5), 6).unwrap();
        assert_eq!(explanation.values[5], None);
        assert_eq!(explanation.values[2], Some(Value::Truth(false)));
    }

    #[test]
    fn a_malformed_expression_is_an_error_and_no_overflow() {
        let forward = vec![Node::Negate(NodeId(0))];
        assert!(value(forward, &slot(0, 0)).is_err());
        let mut deep = vec![Node::Number(Rational::one())];
        deep.extend((0..100_000).map(|below| Node::Negate(NodeId(below))));
        assert!(matches!(value(deep, &slot(0, 0)), Err(Trap::Malformed(_))));
    }
}
