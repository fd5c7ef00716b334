//! Conditions: 0 or 1 on the stack, the right side of `and` and `or` only where it is needed.

use aquarium_ir::bounds::{NodeBound, Proven, common_scale};
use aquarium_ir::expression::{Comparison, Node, NodeId};
use wasm_encoder::{BlockType, ValType};

use super::assembler::Limb;
use super::body::{Binding, Body};

const TRUTH: BlockType = BlockType::Result(ValType::I32);

impl Body<'_> {
    /// Pushes whether a condition holds.
    pub fn condition(&mut self, id: NodeId) {
        let mark = self.assembler.mark();
        let always = match self.bounds.node(id) {
            Some(NodeBound { reached: true, proven: Proven::Truth { always, width } }) => {
                always.ok_or(width.limbs())
            }
            _ => Ok(false),
        };
        match always {
            Ok(truth) => {
                self.assembler.op().i32_const(i32::from(truth));
            }
            Err(limbs) => self.undecided(id, limbs),
        }
        self.assembler.release(mark);
    }

    fn undecided(&mut self, id: NodeId, limbs: usize) {
        match self.expression.node(id) {
            Some(Node::Compare { comparison, left, right }) => {
                self.compare(*comparison, *left, *right, limbs)
            }
            Some(Node::Not(operand)) => {
                self.condition(*operand);
                self.assembler.op().i32_eqz();
            }
            Some(Node::And(left, right)) => {
                self.condition(*left);
                self.assembler.op().if_(TRUTH);
                self.condition(*right);
                self.assembler.op().else_().i32_const(0).end();
            }
            Some(Node::Or(left, right)) => {
                self.condition(*left);
                self.assembler.op().if_(TRUTH).i32_const(1).else_();
                self.condition(*right);
                self.assembler.op().end();
            }
            Some(Node::If { condition, then, otherwise }) => {
                self.choice_of_conditions([*condition, *then, *otherwise])
            }
            Some(Node::Let { local, value, body }) => {
                self.bind(*local, *value);
                self.condition(*body);
            }
            Some(Node::Local(local)) => {
                let limb = match self.bindings.get(local) {
                    Some(Binding::Truth(limb)) => *limb,
                    Some(Binding::Quantity(_)) | None => Limb::ZERO,
                };
                self.assembler.push(limb);
                self.assembler.op().i32_wrap_i64();
            }
            _ => {
                self.assembler.op().i32_const(0);
            }
        }
    }

    fn choice_of_conditions(&mut self, [condition, then, otherwise]: [NodeId; 3]) {
        let reached = |id| self.bounds.node(id).is_some_and(|bound| bound.reached);
        match (reached(then), reached(otherwise)) {
            (_, false) => self.condition(then),
            (false, true) => self.condition(otherwise),
            (true, true) => {
                self.condition(condition);
                self.assembler.op().if_(TRUTH);
                self.condition(then);
                self.assembler.op().else_();
                self.condition(otherwise);
                self.assembler.op().end();
            }
        }
    }

    fn compare(&mut self, comparison: Comparison, left: NodeId, right: NodeId, limbs: usize) {
        let (Some(one), Some(other)) = (self.bounds.quantity(left), self.bounds.quantity(right)) else {
            self.assembler.op().i32_const(0);
            return;
        };
        let scale = common_scale((&one.interval, &one.scale.0), (&other.interval, &other.scale.0));
        let (left, right) = (self.at(left, &scale, limbs), self.at(right, &scale, limbs));
        let (swapped, opposite) = match comparison {
            Comparison::Less => (false, false),
            Comparison::GreaterOrEqual => (false, true),
            Comparison::Greater => (true, false),
            Comparison::LessOrEqual => (true, true),
            Comparison::Equal | Comparison::NotEqual => {
                self.assembler.equal(&left, &right);
                if comparison == Comparison::NotEqual {
                    self.assembler.op().i32_eqz();
                }
                return;
            }
        };
        let (low, high) = if swapped { (&right, &left) } else { (&left, &right) };
        self.assembler.less(low, high, true);
        if opposite {
            self.assembler.op().i32_eqz();
        }
    }
}
