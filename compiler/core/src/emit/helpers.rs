//! Functions that charges call: the wide product where the machine has no instruction for it, and division
//! by a divisor that is not constant.

use wasm_encoder::{BlockType, Function};

use super::assembler::{Assembler, Helpers, Limb, Number};

/// A function of the module before it is written.
pub(super) struct Helper {
    pub name: String,
    pub parameters: usize,
    pub results: usize,
    pub function: Function,
}

/// All helpers in the order of their indices, and where charges find them.
pub(super) fn helpers(wide_arithmetic: bool) -> (Vec<Helper>, Helpers) {
    let mut list = Vec::new();
    let mut indices = Helpers::default();
    if !wide_arithmetic {
        indices.multiply_wide = Some(0);
        list.push(multiply_wide());
    }
    indices.divide_128 = divider(2, indices, &mut list);
    indices.divide_256 = divider(4, indices, &mut list);
    (list, indices)
}

fn index_of_next(list: &[Helper]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// 64 by 64 to 128 bits by four products of halves.
fn multiply_wide() -> Helper {
    let mut assembler = Assembler::new(2, Helpers::default());
    let (left, right) = (Limb::Local(0), Limb::Local(1));
    let mut low_half = |limb| {
        assembler.binary(limb, Limb::Constant(0xffff_ffff), |op| {
            op.i64_and();
        })
    };
    let (left_low, right_low) = (low_half(left), low_half(right));
    let (left_high, right_high) = (assembler.high_half(left), assembler.high_half(right));
    let low = assembler.product_of_halves(left_low, right_low);
    let middle = assembler.product_of_halves(left_low, right_high);
    let other_middle = assembler.product_of_halves(left_high, right_low);
    let high = assembler.product_of_halves(left_high, right_high);
    // The middle products and the carry of the low one: below 2^34.
    for part in [middle, other_middle] {
        assembler.push(part);
        assembler.op().i64_const(0xffff_ffff).i64_and();
    }
    assembler.op().i64_add();
    let carried = assembler.high_half(low);
    assembler.push(carried);
    assembler.op().i64_add();
    let sum = assembler.pop();
    assembler.push(low);
    assembler.op().i64_const(0xffff_ffff).i64_and();
    assembler.push(sum);
    assembler.op().i64_const(32).i64_shl().i64_or();
    let (sum, middle) = (assembler.high_half(sum), assembler.high_half(middle));
    let other_middle = assembler.high_half(other_middle);
    for part in [high, sum, middle, other_middle] {
        assembler.push(part);
    }
    assembler.op().i64_add().i64_add().i64_add();
    Helper { name: "multiply_wide".into(), parameters: 2, results: 2, function: assembler.finish() }
}

impl Assembler {
    fn high_half(&mut self, limb: Limb) -> Limb {
        self.binary(limb, Limb::Constant(32), |op| {
            op.i64_shr_u();
        })
    }

    fn product_of_halves(&mut self, one: Limb, other: Limb) -> Limb {
        self.binary(one, other, |op| {
            op.i64_mul();
        })
    }
}

/// Division of magnitudes of this many limbs: `(number, divisor) -> (quotient, rest)`. Steps of one bit are
/// doubled to steps of 64 bits, each twice a call of the one before: no loop, no recursion.
fn divider(limbs: usize, indices: Helpers, list: &mut Vec<Helper>) -> u32 {
    let bits = limbs * 64;
    let mut step = index_of_next(list);
    list.push(Helper {
        name: format!("divide_{bits}_step_1"),
        parameters: 3 * limbs,
        results: 2 * limbs,
        function: step_of_one_bit(limbs, indices),
    });
    for size in [2, 4, 8, 16, 32, 64] {
        let doubled = index_of_next(list);
        list.push(Helper {
            name: format!("divide_{bits}_step_{size}"),
            parameters: 3 * limbs,
            results: 2 * limbs,
            function: twice(step, limbs, indices),
        });
        step = doubled;
    }
    let index = index_of_next(list);
    list.push(Helper {
        name: format!("divide_{bits}"),
        parameters: 2 * limbs,
        results: 2 * limbs,
        function: divide(step, limbs, indices),
    });
    index
}

/// The parameters from `first` on, as a number.
fn parameters(first: usize, limbs: usize) -> Number {
    let locals = (first..first + limbs).map(|local| u32::try_from(local).unwrap_or(u32::MAX));
    Number::of_locals(&locals.collect::<Vec<_>>(), true)
}

fn push_all(assembler: &mut Assembler, numbers: &[&Number]) {
    for limb in numbers.iter().flat_map(|number| &number.limbs) {
        assembler.push(*limb);
    }
}

fn function(parameters: usize, indices: Helpers) -> Assembler {
    Assembler::new(u32::try_from(parameters).unwrap_or(u32::MAX), indices)
}

/// `(number, rest, divisor) -> (number, rest)`: moves the top bit of the number into the rest; where the divisor
/// fits in it, takes it off and notes a one at the bottom of the number.
fn step_of_one_bit(limbs: usize, indices: Helpers) -> Function {
    let mut assembler = function(3 * limbs, indices);
    let (number, rest) = (parameters(0, limbs), parameters(limbs, limbs));
    let divisor = parameters(2 * limbs, limbs);
    let rest = assembler.shifted(&rest, number.top());
    let number = assembler.shifted(&number, Limb::ZERO);
    assembler.less(&rest, &divisor, false);
    assembler.op().i32_eqz();
    let fits = assembler.condition_limb();
    let all = assembler.binary(Limb::ZERO, fits, |op| {
        op.i64_sub();
    });
    let taken = divisor.limbs.iter().map(|limb| {
        assembler.binary(*limb, all, |op| {
            op.i64_and();
        })
    });
    let taken = Number { limbs: taken.collect(), unsigned: true };
    let rest = assembler.subtract(&rest, &taken, limbs);
    let bottom = assembler.binary(number.limb(0), fits, |op| {
        op.i64_or();
    });
    assembler.push(bottom);
    for limb in number.limbs.iter().skip(1) {
        assembler.push(*limb);
    }
    push_all(&mut assembler, &[&rest]);
    assembler.finish()
}

impl Assembler {
    /// A number one bit up, the top bit of `below` moving in.
    fn shifted(&mut self, number: &Number, below: Limb) -> Number {
        let mut below = below;
        let mut limbs = Vec::with_capacity(number.limbs.len());
        for limb in &number.limbs {
            self.push(*limb);
            self.op().i64_const(1).i64_shl();
            self.push(below);
            self.op().i64_const(63).i64_shr_u().i64_or();
            limbs.push(self.pop());
            below = *limb;
        }
        Number { limbs, unsigned: true }
    }
}

/// A step function, applied twice.
fn twice(step: u32, limbs: usize, indices: Helpers) -> Function {
    let mut assembler = function(3 * limbs, indices);
    let divisor = parameters(2 * limbs, limbs);
    push_all(&mut assembler, &[&parameters(0, limbs), &parameters(limbs, limbs), &divisor]);
    assembler.op().call(step);
    push_all(&mut assembler, &[&divisor]);
    assembler.op().call(step);
    assembler.finish()
}

/// `(number, divisor) -> (quotient, rest)`: 64 bits at a time, limbs that are zero at the top are skipped, and
/// the machine divides where both fit in 64 bits.
fn divide(step: u32, limbs: usize, indices: Helpers) -> Function {
    let mut assembler = function(2 * limbs, indices);
    let (number, divisor) = (parameters(0, limbs), parameters(limbs, limbs));
    let rest: Vec<u32> = assembler.locals(limbs);
    let places: Vec<u32> = (0_u32..).take(limbs).collect();
    for limb in number.limbs.iter().chain(&divisor.limbs).enumerate().filter(|(at, _)| at % limbs > 0) {
        assembler.push(*limb.1);
    }
    for _ in 1..2 * (limbs - 1) {
        assembler.op().i64_or();
    }
    assembler.op().i64_eqz().if_(BlockType::Empty);
    let division = assembler.divide(&number.first(1, true), &divisor.first(1, true));
    push_results(&mut assembler, limbs, division.quotient.limb(0), division.rest.limb(0));
    assembler.op().return_().end();
    for _ in 0..limbs {
        skip_or_step(&mut assembler, step, &places, &rest, &divisor);
    }
    push_all(&mut assembler, &[&number, &Number::of_locals(&rest, true)]);
    assembler.finish()
}

fn push_results(assembler: &mut Assembler, limbs: usize, quotient: Limb, rest: Limb) {
    for limb in [quotient, rest] {
        assembler.push(limb);
        (1..limbs).for_each(|_| assembler.push(Limb::ZERO));
    }
}

/// Moves the number up by 64 bits: by copying where the top limb and the rest are zero, else by steps.
fn skip_or_step(assembler: &mut Assembler, step: u32, number: &[u32], rest: &[u32], divisor: &Number) {
    let (number_now, rest_now) = (Number::of_locals(number, true), Number::of_locals(rest, true));
    assembler.push(number_now.top());
    for limb in &rest_now.limbs {
        assembler.push(*limb);
        assembler.op().i64_or();
    }
    assembler.op().i64_eqz().if_(BlockType::Empty);
    for (above, below) in number.iter().zip(number.iter().skip(1)).rev() {
        assembler.op().local_get(*above).local_set(*below);
    }
    if let Some(bottom) = number.first() {
        assembler.op().i64_const(0).local_set(*bottom);
    }
    assembler.op().else_();
    push_all(assembler, &[&number_now, &rest_now, divisor]);
    assembler.op().call(step);
    for local in number.iter().chain(rest).rev() {
        assembler.op().local_set(*local);
    }
    assembler.op().end();
}
