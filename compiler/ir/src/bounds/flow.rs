//! Interval analysis: which values each node can take, given the conditions under which it is reached.

use num_rational::BigRational;
use num_traits::Zero;

use super::interval::Interval;
use super::place::Place;
use super::shape::Shape;
use super::{Problem, Reason};
use crate::expression::{Expression, Node, NodeId, Rounding, Variable};
use crate::number::Rational;
use crate::policy::Tier;
use crate::slot::Limits;

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// No slot reaches it.
    Unreached,
    /// A condition, and its value where it always has the same.
    Truth(Option<bool>),
    /// A quantity.
    Within(Interval),
}

/// The analysis of one expression.
pub(super) struct Flow<'a> {
    pub limits: Limits,
    pub expression: &'a Expression,
    pub shape: &'a Shape,
    pub known: Vec<Known>,
    pub problems: Vec<Problem>,
}

impl<'a> Flow<'a> {
    /// Analyses a well-formed expression over all slots within `limits`.
    pub fn run(expression: &'a Expression, shape: &'a Shape, limits: Limits) -> Self {
        let known = vec![Known::Unreached; expression.nodes.len()];
        let mut flow = Self { limits, expression, shape, known, problems: Vec::new() };
        if let Some(root) = expression.root() {
            flow.visit(root, &Place::anywhere(limits));
        }
        flow
    }

    pub fn known(&self, id: NodeId) -> &Known {
        self.known.get(id.0 as usize).unwrap_or(&Known::Unreached)
    }

    /// The values of a quantity.
    pub fn within(&self, id: NodeId) -> Option<&Interval> {
        match self.known(id) {
            Known::Within(interval) => Some(interval),
            Known::Truth(_) | Known::Unreached => None,
        }
    }

    fn visit(&mut self, id: NodeId, place: &Place) -> Known {
        let Some(node) = self.expression.node(id) else { return Known::Unreached };
        let computed = self.compute(id, node, place);
        let class = self.shape.class(id);
        let known = match computed {
            Known::Within(interval) => {
                let seen = place.within.get(&class).and_then(|fact| fact.intersection(&interval));
                let interval = seen.unwrap_or(interval);
                Known::Within(interval.multiples(&self.shape.scale(id)).unwrap_or(interval))
            }
            Known::Truth(None) => Known::Truth(place.truths.get(&class).copied()),
            other => other,
        };
        if let Some(slot) = self.known.get_mut(id.0 as usize) {
            *slot = known.clone();
        }
        known
    }

    fn interval(&mut self, id: NodeId, place: &Place) -> Interval {
        match self.visit(id, place) {
            Known::Within(interval) => interval,
            Known::Unreached | Known::Truth(_) => Interval::point(BigRational::zero()),
        }
    }

    fn truth(&mut self, id: NodeId, place: &Place) -> Option<bool> {
        match self.visit(id, place) {
            Known::Truth(truth) => truth,
            Known::Unreached | Known::Within(_) => None,
        }
    }

    fn compute(&mut self, id: NodeId, node: &Node, place: &Place) -> Known {
        match node {
            Node::Compare { comparison, left, right } => {
                let (left, right) = (self.interval(*left, place), self.interval(*right, place));
                Known::Truth(left.compared(*comparison, &right))
            }
            Node::Not(operand) => Known::Truth(self.truth(*operand, place).map(|truth| !truth)),
            Node::And(left, right) => self.junction(*left, *right, true, place),
            Node::Or(left, right) => self.junction(*left, *right, false, place),
            Node::If { condition, then, otherwise } => self.choice(*condition, *then, *otherwise, place),
            Node::Let { value, body, .. } => {
                self.visit(*value, place);
                self.visit(*body, place)
            }
            Node::Local(local) => {
                self.shape.locals.get(local).map_or(Known::Unreached, |value| self.known(*value).clone())
            }
            node => Known::Within(self.quantity(id, node, place)),
        }
    }

    /// `and` goes on where the left side holds (`on` is true), `or` where it does not.
    fn junction(&mut self, left: NodeId, right: NodeId, on: bool, place: &Place) -> Known {
        let first = self.truth(left, place);
        let mut further = place.clone();
        if first == Some(!on) || !self.assume(left, on, &mut further) {
            return Known::Truth(Some(!on));
        }
        let second = self.truth(right, &further);
        Known::Truth(match (first, second) {
            (_, Some(second)) if second != on => Some(!on),
            (Some(_), second) => second,
            (None, _) => None,
        })
    }

    fn choice(&mut self, condition: NodeId, then: NodeId, otherwise: NodeId, place: &Place) -> Known {
        let truth = self.truth(condition, place);
        let mut taken = Vec::with_capacity(2);
        for (branch, when) in [(then, true), (otherwise, false)] {
            let mut inside = place.clone();
            if truth != Some(!when) && self.assume(condition, when, &mut inside) {
                taken.push(self.visit(branch, &inside));
            }
        }
        taken.into_iter().reduce(join).unwrap_or(Known::Unreached)
    }

    fn quantity(&mut self, id: NodeId, node: &Node, place: &Place) -> Interval {
        let operands: Vec<NodeId> = node.operands().collect();
        let intervals: Vec<Interval> =
            operands.iter().map(|operand| self.interval(*operand, place)).collect();
        match (node, intervals.as_slice()) {
            (Node::Number(number), _) => Interval::point(number.0.clone()),
            (Node::Variable { variable, factor }, _) => place.raw(*variable).scaled(&factor.0),
            (Node::Negate(_), [operand]) => operand.negated(),
            (Node::Absolute(_), [operand]) => operand.absolute(),
            (Node::Add(..), [left, right]) => left.plus(right),
            (Node::Subtract(..), [left, right]) => left.minus(right),
            (Node::Multiply(one, other), [left, right]) => {
                let square = self.shape.class(*one) == self.shape.class(*other);
                if square { left.absolute().times(&left.absolute()) } else { left.times(right) }
            }
            (Node::DivideByConstant(_, divisor), [dividend]) => dividend.scaled(&divisor.0.recip()),
            (Node::Divide { divisor, step, .. }, [left, right]) => {
                let nearest = self.divisor(id, *divisor, right, place);
                left.divided_by(right, &nearest).rounded(Rounding::HalfEven, &step.0)
            }
            (Node::Remainder { divisor, .. }, [left, right]) => {
                self.divisor(id, *divisor, right, place);
                remainder(left, right)
            }
            (Node::Minimum(..), [left, right]) => left.minimum(right),
            (Node::Maximum(..), [left, right]) => left.maximum(right),
            (Node::Round { rounding, step, .. }, [value]) => value.rounded(*rounding, &step.0),
            (Node::Tiered { tiers, unit }, _) => tiered(tiers, unit, place),
            _ => Interval::point(BigRational::zero()),
        }
    }

    /// The least magnitude of a divisor; a problem where it may be zero.
    fn divisor(&mut self, id: NodeId, divisor: NodeId, interval: &Interval, place: &Place) -> BigRational {
        if interval.holds_zero() && !place.not_zero.contains(&self.shape.class(divisor)) {
            self.problems.push(Problem { node: id, reason: Reason::DivisorMayBeZero { divisor } });
        }
        self.shape.scale(divisor)
    }
}

fn join(one: Known, other: Known) -> Known {
    match (one, other) {
        (Known::Within(one), Known::Within(other)) => Known::Within(one.hull(other)),
        (Known::Truth(one), Known::Truth(other)) => Known::Truth(one.filter(|_| one == other)),
        (one, _) => one,
    }
}

/// Smaller than the divisor, not larger than the dividend, with the sign of the dividend.
fn remainder(dividend: &Interval, divisor: &Interval) -> Interval {
    let size = divisor.magnitude();
    let around = Interval::between(-size.clone(), size);
    let zero = Interval::point(BigRational::zero());
    let side = dividend.clone().hull(zero.clone());
    side.intersection(&around).unwrap_or(zero)
}

/// The volume at the least and at the greatest of the prices that the total can reach.
fn tiered(tiers: &[Tier], unit: &Rational, place: &Place) -> Interval {
    let from = &place.raw(Variable::Total).least.0 / &unit.0;
    let to = place.total_after().greatest.0 / &unit.0;
    let mut start = BigRational::zero();
    let mut prices: Option<Interval> = None;
    for tier in tiers {
        let ends_before = tier.upto.as_ref().is_some_and(|upto| upto.0 < from);
        if !ends_before && start <= to {
            let price = Interval::point(tier.price.0.clone());
            prices = Some(prices.map_or(price.clone(), |prices| prices.hull(price)));
        }
        start = tier.upto.as_ref().map_or(start, |upto| upto.0.clone());
    }
    let zero = Interval::point(BigRational::zero());
    prices.map_or(zero, |prices| prices.times(&place.raw(Variable::Volume).scaled(&unit.0.recip())))
}
