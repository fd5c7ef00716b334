//! Arithmetic on numbers of several limbs: sums, products, comparisons, signs.

use wasm_encoder::InstructionSink;

use super::assembler::{Assembler, Limb, Number};

impl Assembler {
    /// The number in exactly this many limbs: extended by its sign, or truncated.
    pub fn extend(&mut self, number: &Number, limbs: usize) -> Number {
        let mut extended = number.clone();
        extended.limbs.truncate(limbs);
        if extended.limbs.len() < limbs {
            let fill = if number.unsigned { Limb::ZERO } else { self.sign(number) };
            extended.limbs.resize(limbs, fill);
        }
        extended
    }

    /// All ones where the number is negative, else zero.
    pub fn sign(&mut self, number: &Number) -> Limb {
        match number.top() {
            _ if number.unsigned => Limb::ZERO,
            Limb::Constant(top) => Limb::Constant(top >> 63),
            top @ Limb::Local(_) => self.binary(top, Limb::Constant(63), |op| {
                op.i64_shr_s();
            }),
        }
    }

    /// The sum in this many limbs, modulo their range.
    pub fn add(&mut self, left: &Number, right: &Number, limbs: usize) -> Number {
        let (left, right) = (self.extend(left, limbs), self.extend(right, limbs));
        let unsigned = left.unsigned && right.unsigned;
        let limbs = match (left.limbs.as_slice(), right.limbs.as_slice()) {
            ([low, high], [other_low, other_high]) if self.has_wide() => {
                self.wide_pair([*low, *high, *other_low, *other_high], |op| {
                    op.i64_add128();
                })
            }
            (left, right) => self.add_chain(left, right),
        };
        Number { limbs, unsigned }
    }

    /// The difference in this many limbs, modulo their range; not known to be unsigned.
    pub fn subtract(&mut self, left: &Number, right: &Number, limbs: usize) -> Number {
        let (left, right) = (self.extend(left, limbs), self.extend(right, limbs));
        let limbs = match (left.limbs.as_slice(), right.limbs.as_slice()) {
            ([low, high], [other_low, other_high]) if self.has_wide() => {
                self.wide_pair([*low, *high, *other_low, *other_high], |op| {
                    op.i64_sub128();
                })
            }
            (left, right) => self.subtract_chain(left, right),
        };
        Number { limbs, unsigned: false }
    }

    fn has_wide(&self) -> bool {
        self.helpers.multiply_wide.is_none()
    }

    fn wide_pair(&mut self, operands: [Limb; 4], operation: fn(&mut InstructionSink<'_>)) -> Vec<Limb> {
        for limb in operands {
            self.push(limb);
        }
        operation(&mut self.op());
        let high = self.pop();
        vec![self.pop(), high]
    }

    fn add_chain(&mut self, left: &[Limb], right: &[Limb]) -> Vec<Limb> {
        let mut carry = Limb::ZERO;
        let mut sums = Vec::with_capacity(left.len());
        for (index, (one, other)) in left.iter().zip(right).enumerate() {
            let sum = self.sum(*one, *other);
            let total = self.sum(sum, carry);
            if index + 1 < left.len() {
                carry = self.carry_of(sum, *one, *other, total, carry);
            }
            sums.push(total);
        }
        sums
    }

    fn sum(&mut self, one: Limb, other: Limb) -> Limb {
        match (one, other) {
            (Limb::Constant(0), limb) | (limb, Limb::Constant(0)) => limb,
            (one, other) => self.binary(one, other, |op| {
                op.i64_add();
            }),
        }
    }

    /// The carry out of `one + other = sum`, then `sum + carry = total`: at most one of them wraps.
    fn carry_of(&mut self, sum: Limb, one: Limb, other: Limb, total: Limb, carry: Limb) -> Limb {
        let wraps = one != Limb::ZERO && other != Limb::ZERO;
        match (wraps, carry != Limb::ZERO) {
            (false, false) => return Limb::ZERO,
            (true, false) => self.carry(sum, other),
            (false, true) => self.carry(total, carry),
            (true, true) => {
                self.carry(sum, other);
                self.carry(total, carry);
                self.op().i32_or();
            }
        }
        self.condition_limb()
    }

    fn subtract_chain(&mut self, left: &[Limb], right: &[Limb]) -> Vec<Limb> {
        let mut borrow = Limb::ZERO;
        let mut differences = Vec::with_capacity(left.len());
        for (index, (one, other)) in left.iter().zip(right).enumerate() {
            let difference = self.difference(*one, *other);
            let total = self.difference(difference, borrow);
            if index + 1 < left.len() {
                self.carry(*one, *other);
                if borrow != Limb::ZERO {
                    self.carry(difference, borrow);
                    self.op().i32_or();
                }
                borrow = self.condition_limb();
            }
            differences.push(total);
        }
        differences
    }

    fn difference(&mut self, one: Limb, other: Limb) -> Limb {
        if other == Limb::ZERO {
            return one;
        }
        self.binary(one, other, |op| {
            op.i64_sub();
        })
    }

    /// The product in this many limbs, modulo their range.
    pub fn multiply(&mut self, left: &Number, right: &Number, limbs: usize) -> Number {
        let unsigned = left.unsigned && right.unsigned;
        if right.is_one() {
            return self.extend(left, limbs);
        }
        if left.is_one() {
            return self.extend(right, limbs);
        }
        if let ([one], [other], 2, false) = (left.limbs.as_slice(), right.limbs.as_slice(), limbs, unsigned)
            && self.has_wide()
        {
            self.push(*one);
            self.push(*other);
            self.op().i64_mul_wide_s();
            let high = self.pop();
            return Number { limbs: vec![self.pop(), high], unsigned };
        }
        let (left, right) = (self.extend(left, limbs), self.extend(right, limbs));
        Number { limbs: self.product(&left, &right, limbs), unsigned }
    }

    /// Row by row, each limb of the left side times the right side, added to what is there.
    fn product(&mut self, left: &Number, right: &Number, limbs: usize) -> Vec<Limb> {
        let mut result = vec![Limb::ZERO; limbs];
        for (row, limb) in left.limbs.iter().enumerate() {
            if *limb == Limb::ZERO {
                continue;
            }
            let mut carry = Limb::ZERO;
            for (column, place) in result.iter_mut().enumerate().skip(row) {
                let other = right.limb(column - row);
                (*place, carry) = self.accumulate(*limb, other, *place, carry, column + 1 == limbs);
            }
        }
        result
    }

    /// `limb * other + place + carry`: what stays and what is carried on. In the last column nothing is.
    fn accumulate(&mut self, limb: Limb, other: Limb, place: Limb, carry: Limb, last: bool) -> (Limb, Limb) {
        if last {
            let sum = self.sum(place, carry);
            if other == Limb::ZERO {
                return (sum, Limb::ZERO);
            }
            let low = self.binary(limb, other, |op| {
                op.i64_mul();
            });
            return (self.sum(low, sum), Limb::ZERO);
        }
        let mut wide = match other {
            Limb::Constant(0) => (place, Limb::ZERO),
            other => {
                let product = self.multiply_wide(limb, other);
                self.add_to_wide(product, place)
            }
        };
        if carry != Limb::ZERO {
            wide = self.add_to_wide(wide, carry);
        }
        wide
    }

    /// The number where `sign` is zero, minus the number where it is all ones.
    pub fn negate_where(&mut self, number: &Number, sign: Limb) -> Number {
        if sign == Limb::ZERO {
            return number.clone();
        }
        let flipped = number.limbs.iter().map(|limb| {
            self.binary(*limb, sign, |op| {
                op.i64_xor();
            })
        });
        let flipped = Number { limbs: flipped.collect(), unsigned: false };
        let signs = Number { limbs: vec![sign; number.limbs.len()], unsigned: false };
        self.subtract(&flipped, &signs, number.limbs.len())
    }

    /// The magnitude, and the sign that was taken off.
    pub fn magnitude(&mut self, number: &Number) -> (Number, Limb) {
        let sign = self.sign(number);
        let magnitude = self.negate_where(number, sign);
        (Number { unsigned: true, ..magnitude }, sign)
    }

    /// Pushes whether `left < right`; both have the same number of limbs. `signed` is about the top limb.
    pub fn less(&mut self, left: &Number, right: &Number, signed: bool) {
        let top = left.limbs.len() - 1;
        for (index, (one, other)) in left.limbs.iter().zip(&right.limbs).enumerate() {
            if index > 0 {
                self.push(*one);
                self.push(*other);
                self.op().i64_eq().i32_and();
            }
            self.push(*one);
            self.push(*other);
            let mut op = self.op();
            if signed && index == top {
                op.i64_lt_s()
            } else {
                op.i64_lt_u()
            };
            if index > 0 {
                self.op().i32_or();
            }
        }
    }

    /// Pushes whether both are equal; both have the same number of limbs.
    pub fn equal(&mut self, left: &Number, right: &Number) {
        for (index, (one, other)) in left.limbs.iter().zip(&right.limbs).enumerate() {
            self.push(*one);
            self.push(*other);
            self.op().i64_eq();
            if index > 0 {
                self.op().i32_and();
            }
        }
    }

    /// One number where the condition on the stack holds, else the other; both have the same number of limbs.
    pub fn select(&mut self, one: &Number, other: &Number) -> Number {
        let condition = self.condition();
        self.op().local_set(condition);
        let mut limbs = Vec::with_capacity(one.limbs.len());
        for (one, other) in one.limbs.iter().zip(&other.limbs) {
            self.push(*one);
            self.push(*other);
            self.op().local_get(condition).select();
            limbs.push(self.pop());
        }
        Number { limbs, unsigned: one.unsigned && other.unsigned }
    }

    /// The number, or zero where it is negative.
    pub fn at_least_zero(&mut self, number: &Number) -> Number {
        let sign = self.sign(number);
        if sign == Limb::ZERO {
            return number.clone();
        }
        let keep = self.binary(sign, Limb::Constant(-1), |op| {
            op.i64_xor();
        });
        let kept = number.limbs.iter().map(|limb| {
            self.binary(*limb, keep, |op| {
                op.i64_and();
            })
        });
        Number { limbs: kept.collect(), unsigned: true }
    }
}
