//! The body of a charge: from the slot in memory to the rounded credits in memory.
//!
//! Each quantity is computed as the integer of which [`Bounds`] knows the scale and the greatest magnitude.
//! What has a single value is a constant, what is never reached is left out.

use std::collections::BTreeMap;

use aquarium_ir::bounds::{Bounds, Proven, Quantity, Width};
use aquarium_ir::credits::Credits;
use aquarium_ir::expression::{Expression, LocalId, Node, NodeId, Rounding, Variable};
use aquarium_ir::module::{RESULT_BYTES, SlotField};
use aquarium_ir::number::Rational;
use aquarium_ir::slot::{Limits, unlimited};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use wasm_encoder::{BlockType, Function};

use super::assembler::{Assembler, Helpers, Limb, Number};

/// The parameters of a charge function: where its slot is, and where its result goes.
pub(super) const SLOT: u32 = 0;
pub(super) const RESULT: u32 = 1;

/// What a `const` of the expression holds.
#[derive(Debug, Clone)]
pub(super) enum Binding {
    Quantity(Number),
    Truth(Limb),
}

/// A charge function in the making.
pub(super) struct Body<'a> {
    pub assembler: Assembler,
    pub expression: &'a Expression,
    pub bounds: &'a Bounds,
    pub limits: Limits,
    pub bindings: BTreeMap<LocalId, Binding>,
    fields: BTreeMap<SlotField, Number>,
}

/// The function of a proven expression.
pub(super) fn charge(
    expression: &Expression,
    bounds: &Bounds,
    limits: Limits,
    precision: u8,
    helpers: Helpers,
) -> Function {
    let assembler = Assembler::new(2, helpers);
    let (bindings, fields) = (BTreeMap::new(), BTreeMap::new());
    let mut body = Body { assembler, expression, bounds, limits, bindings, fields };
    body.load_fields();
    let credits = body.credits(precision);
    let credits = body.assembler.extend(&credits, RESULT_BYTES / 8);
    for (offset, limb) in (0_u64..).step_by(8).zip(credits.limbs) {
        body.assembler.store(RESULT, offset, limb);
    }
    body.assembler.finish()
}

impl Body<'_> {
    /// Loads each field of the slot that the expression reads, once.
    fn load_fields(&mut self) {
        for (id, node) in (0_u32..).map(NodeId).zip(&self.expression.nodes) {
            let constant =
                self.bounds.quantity(id).is_none_or(|quantity| quantity.interval.single().is_some());
            if constant {
                continue;
            }
            match node {
                Node::Variable { variable, .. } => self.load_field(*variable),
                Node::Tiered { .. } => {
                    self.load_field(Variable::Volume);
                    self.load_field(Variable::Total);
                }
                _ => {}
            }
        }
    }

    fn load_field(&mut self, variable: Variable) {
        let field = SlotField::of(variable);
        if self.fields.contains_key(&field) {
            return;
        }
        let limit = unlimited(match field {
            SlotField::Volume => self.limits.volume,
            SlotField::Total => self.limits.total,
            SlotField::Amount => self.limits.amount,
            SlotField::Duration => self.limits.duration_millis.into(),
        });
        let limbs = Width::of(&limit).map_or(4, Width::limbs);
        let offsets = (field.offset()..).step_by(8).take(limbs);
        let limbs = offsets.map(|offset| self.assembler.load(SLOT, offset)).collect();
        self.fields.insert(field, Number { limbs, unsigned: true });
    }

    /// A field of the slot.
    pub fn field(&self, variable: Variable) -> Number {
        let zero = || Number::constant(&BigInt::zero(), 1);
        self.fields.get(&SlotField::of(variable)).cloned().unwrap_or_else(zero)
    }

    /// The charge in counts of [`Credits`].
    fn credits(&mut self, precision: u8) -> Number {
        let zero = || Number::constant(&BigInt::zero(), 1);
        let Some(credits) = &self.bounds.credits else { return zero() };
        if let Some(credits) = credits.single() {
            let count = credits * Rational::power_of_ten(i32::from(Credits::PLACES)).0;
            return Number::constant(&count.to_integer(), 4);
        }
        let Some(root) = self.expression.root() else { return zero() };
        let Some(quantity) = self.bounds.quantity(root) else { return zero() };
        let limbs = self.bounds.credits_width.limbs();
        let value = self.quantity(root);
        let ratio = &quantity.scale.0 * Rational::power_of_ten(i32::from(precision)).0;
        let magnitude = quantity.count() * ratio.numer();
        let rounded = self.assembler.round_product(&value, &ratio, Rounding::HalfEven, &magnitude, limbs);
        let places = u32::from(Credits::PLACES.saturating_sub(precision));
        let power = Number::constant(&BigInt::from(10).pow(places), limbs);
        let unsigned = credits.is_never_negative();
        Number { unsigned, ..self.assembler.multiply(&rounded, &power, limbs) }
    }

    /// The value of a node at its own scale, in the limbs that its interval needs.
    pub fn quantity(&mut self, id: NodeId) -> Number {
        let bounds = self.bounds;
        let (Some(quantity), Some(node)) = (bounds.quantity(id), self.expression.node(id)) else {
            return Number::constant(&BigInt::zero(), 1);
        };
        let limbs = Width::of(&quantity.count()).map_or(4, Width::limbs);
        if let Some(value) = quantity.interval.single() {
            return Number::constant(&(value / &quantity.scale.0).to_integer(), limbs);
        }
        let unsigned = quantity.interval.is_never_negative();
        match node {
            Node::Variable { variable, .. } => self.field(*variable).first(limbs, unsigned),
            Node::Local(local) => match self.bindings.get(local) {
                Some(Binding::Quantity(value)) => value.first(limbs, unsigned),
                Some(Binding::Truth(_)) | None => Number::constant(&BigInt::zero(), limbs),
            },
            node => {
                let result = self.assembler.locals(limbs);
                let mark = self.assembler.mark();
                self.compute(node, quantity, &result);
                self.assembler.release(mark);
                Number::of_locals(&result, unsigned)
            }
        }
    }

    /// The value of a node as a multiple of `scale`, in this many limbs. Its own scale is a multiple of it.
    pub fn at(&mut self, id: NodeId, scale: &BigRational, limbs: usize) -> Number {
        let value = self.quantity(id);
        let own = self.bounds.quantity(id).map_or_else(|| scale.clone(), |quantity| quantity.scale.0.clone());
        let factor = if own == *scale { BigInt::one() } else { (own / scale).to_integer() };
        let factor = Number::constant(&factor, limbs);
        let scaled = self.assembler.multiply(&value, &factor, limbs);
        let scaled = self.assembler.extend(&scaled, limbs);
        Number { unsigned: value.unsigned, ..scaled }
    }

    /// Computes an operation into locals.
    fn compute(&mut self, node: &Node, quantity: &Quantity, result: &[u32]) {
        let value = match node {
            Node::If { condition, then, otherwise } => {
                return self.choice([*condition, *then, *otherwise], quantity, result);
            }
            Node::Let { local, value, body } => {
                self.bind(*local, *value);
                self.quantity(*body)
            }
            node => self.operation(node, quantity),
        };
        let value = self.assembler.extend(&value, result.len());
        self.assembler.assign(result, &value);
    }

    /// Evaluates what a `const` holds.
    pub fn bind(&mut self, local: LocalId, value: NodeId) {
        let truth = matches!(self.bounds.node(value).map(|bound| &bound.proven), Some(Proven::Truth { .. }));
        let binding = if truth {
            self.condition(value);
            Binding::Truth(self.assembler.condition_limb())
        } else {
            Binding::Quantity(self.quantity(value))
        };
        self.bindings.insert(local, binding);
    }

    fn choice(&mut self, [condition, then, otherwise]: [NodeId; 3], quantity: &Quantity, result: &[u32]) {
        let branch = |body: &mut Self, branch: NodeId| {
            let mark = body.assembler.mark();
            let value = body.at(branch, &quantity.scale.0, result.len());
            body.assembler.assign(result, &value);
            body.assembler.release(mark);
        };
        let reached = |id| self.bounds.node(id).is_some_and(|bound| bound.reached);
        match (reached(then), reached(otherwise)) {
            (_, false) => branch(self, then),
            (false, true) => branch(self, otherwise),
            (true, true) => {
                self.condition(condition);
                self.assembler.op().if_(BlockType::Empty);
                branch(self, then);
                self.assembler.op().else_();
                branch(self, otherwise);
                self.assembler.op().end();
            }
        }
    }

    fn operation(&mut self, node: &Node, quantity: &Quantity) -> Number {
        let (scale, limbs) = (&quantity.scale.0, quantity.width.limbs());
        match node {
            Node::Negate(operand) => self.negated(*operand, limbs),
            Node::DivideByConstant(dividend, divisor) if divisor.is_negative() => {
                self.negated(*dividend, limbs)
            }
            Node::DivideByConstant(dividend, _) => self.quantity(*dividend),
            Node::Absolute(operand) => {
                let operand = self.at(*operand, scale, limbs);
                self.assembler.magnitude(&operand).0
            }
            Node::Add(left, right) => {
                let (left, right) = (self.at(*left, scale, limbs), self.at(*right, scale, limbs));
                self.assembler.add(&left, &right, limbs)
            }
            Node::Subtract(left, right) => {
                let (left, right) = (self.at(*left, scale, limbs), self.at(*right, scale, limbs));
                self.assembler.subtract(&left, &right, limbs)
            }
            Node::Multiply(left, right) => {
                let (left, right) = (self.quantity(*left), self.quantity(*right));
                self.assembler.multiply(&left, &right, limbs)
            }
            Node::Minimum(left, right) => self.extreme(*left, *right, false, quantity),
            Node::Maximum(left, right) => self.extreme(*left, *right, true, quantity),
            Node::Round { value, rounding, step } => self.round(*value, *rounding, &step.0, limbs),
            Node::Divide { dividend, divisor, step } => self.divide([*dividend, *divisor], &step.0, limbs),
            Node::Remainder { dividend, divisor } => self.remainder(*dividend, *divisor, quantity),
            Node::Tiered { tiers, unit } => self.tiered(tiers, unit, quantity),
            // The rest are conditions, constants, and what `quantity` and `compute` have dealt with.
            _ => Number::constant(&BigInt::zero(), limbs),
        }
    }

    fn negated(&mut self, operand: NodeId, limbs: usize) -> Number {
        let operand = self.quantity(operand);
        self.assembler.subtract(&Number::constant(&BigInt::zero(), limbs), &operand, limbs)
    }

    fn extreme(&mut self, left: NodeId, right: NodeId, greatest: bool, quantity: &Quantity) -> Number {
        let (scale, limbs) = (&quantity.scale.0, quantity.width.limbs());
        let (left, right) = (self.at(left, scale, limbs), self.at(right, scale, limbs));
        self.assembler.less(&left, &right, true);
        if greatest { self.assembler.select(&right, &left) } else { self.assembler.select(&left, &right) }
    }

    fn round(&mut self, value: NodeId, rounding: Rounding, step: &BigRational, limbs: usize) -> Number {
        let Some(operand) = self.bounds.quantity(value) else {
            return Number::constant(&BigInt::zero(), limbs);
        };
        let ratio = &operand.scale.0 / step;
        let magnitude = operand.count() * ratio.numer();
        let number = self.quantity(value);
        self.assembler.round_product(&number, &ratio, rounding, &magnitude, limbs)
    }

    fn divide(&mut self, [dividend, divisor]: [NodeId; 2], step: &BigRational, limbs: usize) -> Number {
        let scale = |id| self.bounds.quantity(id).map(|quantity| quantity.scale.0.clone());
        let (Some(above), Some(below)) = (scale(dividend), scale(divisor)) else {
            return Number::constant(&BigInt::zero(), limbs);
        };
        let ratio = &above / (&below * step);
        let whole = BigRational::from_integer;
        let dividend = self.at(dividend, &(above / whole(ratio.numer().clone())), limbs);
        let divisor = self.at(divisor, &(below / whole(ratio.denom().clone())), limbs);
        self.assembler.divide_half_even(&dividend, &divisor, limbs)
    }

    fn remainder(&mut self, dividend: NodeId, divisor: NodeId, quantity: &Quantity) -> Number {
        let (scale, limbs) = (&quantity.scale.0, quantity.width.limbs());
        let greatest = self.bounds.quantity(dividend).map(|dividend| dividend.steps_of(scale));
        let constant = self.bounds.quantity(divisor).and_then(|divisor| divisor.interval.single().cloned());
        let number = self.at(dividend, scale, limbs);
        let (size, sign) = self.assembler.magnitude(&number);
        let division = match (constant, greatest) {
            (Some(constant), Some(greatest)) => {
                let divisor = (constant / scale).to_integer().abs();
                self.assembler.divide_by_constant(&size, &divisor, &greatest)
            }
            _ => {
                let divisor = self.at(divisor, scale, limbs);
                let (divisor, _) = self.assembler.magnitude(&divisor);
                self.assembler.divide(&size, &divisor)
            }
        };
        let rest = self.assembler.extend(&division.rest, limbs);
        self.assembler.negate_where(&rest, sign)
    }
}
