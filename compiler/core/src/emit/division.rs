//! Division without loops.
//!
//! By a constant `b`, of a magnitude `n` of `L` limbs: with `m = ⌊2^(64L) / b⌋` the upper half of `n · m` is
//! `⌊n / b⌋` or one less, because `n / b − n · m / 2^(64L) < n / 2^(64L) < 1`; one comparison with the rest
//! puts it right. (The method is that of Granlund and Montgomery, "Division by invariant integers using
//! multiplication", 1994.) By a divisor that is not constant: the machine's own division where both fit in
//! 64 bits, else a helper function that shifts and subtracts, bit by bit.

use aquarium_ir::expression::Rounding;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::assembler::{Assembler, Limb, Number, limbs_of};

/// Quotient and rest of two magnitudes.
pub(super) struct Division {
    pub quotient: Number,
    pub rest: Number,
}

impl Assembler {
    /// `number · ratio`, rounded to an integer, in this many limbs. `magnitude` bounds the number times the
    /// numerator of the ratio, and fits in the limbs with its sign.
    pub fn round_product(
        &mut self,
        number: &Number,
        ratio: &BigRational,
        rounding: Rounding,
        magnitude: &BigInt,
        limbs: usize,
    ) -> Number {
        let numerator = Number::constant(ratio.numer(), limbs);
        let product = self.multiply(number, &numerator, limbs);
        if ratio.denom().is_one() {
            return product;
        }
        let (size, sign) = self.magnitude(&product);
        let division = self.divide_by_constant(&size, ratio.denom(), magnitude);
        let up = self.rounds_up_constant(&division, ratio.denom(), rounding, sign);
        self.rounded(&division.quotient, up, sign, limbs)
    }

    /// A magnitude one up where `up` is one, with its sign.
    fn rounded(&mut self, quotient: &Number, up: Limb, sign: Limb, limbs: usize) -> Number {
        let up = Number { limbs: vec![up], unsigned: true };
        let size = self.add(quotient, &up, limbs);
        let unsigned = sign == Limb::ZERO;
        Number { unsigned, ..self.negate_where(&size, sign) }
    }

    /// Quotient and rest of a magnitude up to `greatest` by a positive constant.
    pub fn divide_by_constant(&mut self, number: &Number, divisor: &BigInt, greatest: &BigInt) -> Division {
        let number = self.extend(number, limbs_of(greatest).max(limbs_of(divisor)));
        let limbs = number.limbs.len();
        if divisor.is_one() {
            return Division { rest: Number::constant(&BigInt::zero(), 1), quotient: number };
        }
        if limbs == 1 {
            return self.divide_word(&number, &Number::constant(divisor, 1));
        }
        let inverse = (BigInt::one() << (64 * limbs)) / divisor;
        let inverse = unsigned_constant(&inverse);
        let product = self.multiply(&number, &inverse, limbs + inverse.limbs.len());
        let above = product.limbs.into_iter().skip(limbs).collect();
        let estimate = Number { limbs: above, unsigned: true };
        self.corrected(&number, &estimate, divisor, greatest)
    }

    /// The quotient is the estimate or one more.
    fn corrected(
        &mut self,
        number: &Number,
        estimate: &Number,
        divisor: &BigInt,
        greatest: &BigInt,
    ) -> Division {
        let limbs = number.limbs.len();
        let divisor_number = self.extend(&unsigned_constant(divisor), limbs);
        let back = self.multiply(estimate, &divisor_number, limbs);
        let rest = self.subtract(number, &back, limbs);
        self.less(&rest, &divisor_number, false);
        self.op().i32_eqz();
        let short = self.condition_limb();
        let more = self.binary(Limb::ZERO, short, |op| {
            op.i64_sub();
        });
        let taken = divisor_number.limbs.iter().map(|limb| {
            self.binary(*limb, more, |op| {
                op.i64_and();
            })
        });
        let taken = Number { limbs: taken.collect(), unsigned: true };
        let rest = self.subtract(&rest, &taken, limbs);
        let short = Number { limbs: vec![short], unsigned: true };
        let quotient = self.add(estimate, &short, limbs_of(&(greatest / divisor)));
        let rest = self.extend(&Number { unsigned: true, ..rest }, limbs_of(divisor));
        Division { quotient: Number { unsigned: true, ..quotient }, rest }
    }

    /// By the machine's own division.
    fn divide_word(&mut self, number: &Number, divisor: &Number) -> Division {
        let (one, other) = (number.limb(0), divisor.limb(0));
        let quotient = self.binary(one, other, |op| {
            op.i64_div_u();
        });
        let back = self.binary(quotient, other, |op| {
            op.i64_mul();
        });
        let rest = self.binary(one, back, |op| {
            op.i64_sub();
        });
        let single = |limb| Number { limbs: vec![limb], unsigned: true };
        Division { quotient: single(quotient), rest: single(rest) }
    }

    /// Quotient and rest of two magnitudes of the same number of limbs: 1, 2 or 4.
    pub fn divide(&mut self, number: &Number, divisor: &Number) -> Division {
        let limbs = number.limbs.len();
        if limbs == 1 {
            return self.divide_word(number, divisor);
        }
        for limb in number.limbs.iter().chain(&divisor.limbs) {
            self.push(*limb);
        }
        let helper = if limbs == 2 { self.helpers.divide_128 } else { self.helpers.divide_256 };
        self.op().call(helper);
        let mut popped: Vec<Limb> = (0..2 * limbs).map(|_| self.pop()).collect();
        popped.reverse();
        let rest = popped.split_off(limbs);
        Division {
            quotient: Number { limbs: popped, unsigned: true },
            rest: Number { limbs: rest, unsigned: true },
        }
    }

    /// The quotient of two signed numbers, rounded half-even, in this many limbs (1, 2 or 4).
    pub fn divide_half_even(&mut self, number: &Number, divisor: &Number, limbs: usize) -> Number {
        let (number, divisor) = (self.extend(number, limbs), self.extend(divisor, limbs));
        let (number, sign) = self.magnitude(&number);
        let (divisor, divisor_sign) = self.magnitude(&divisor);
        let sign = match (sign, divisor_sign) {
            (sign, Limb::Constant(0)) | (Limb::Constant(0), sign) => sign,
            (sign, other) => self.binary(sign, other, |op| {
                op.i64_xor();
            }),
        };
        let division = self.divide(&number, &divisor);
        let to_next = self.subtract(&divisor, &division.rest, limbs);
        self.less(&to_next, &division.rest, false);
        self.equal(&to_next, &division.rest);
        self.odd(&division.quotient);
        self.op().i32_and().i32_or();
        let up = self.condition_limb();
        self.rounded(&division.quotient, up, sign, limbs)
    }

    /// Pushes whether a number is odd.
    fn odd(&mut self, number: &Number) {
        self.push(number.limb(0));
        self.op().i64_const(1).i64_and().i32_wrap_i64();
    }

    /// One where a magnitude divided by a constant rounds up, else zero.
    fn rounds_up_constant(
        &mut self,
        division: &Division,
        divisor: &BigInt,
        rounding: Rounding,
        sign: Limb,
    ) -> Limb {
        let rest = &division.rest;
        match rounding {
            Rounding::Floor | Rounding::Ceiling => {
                let zero = Number::constant(&BigInt::zero(), rest.limbs.len());
                self.equal(rest, &zero);
                self.op().i32_eqz();
                self.push(sign);
                self.op().i64_eqz();
                if rounding == Rounding::Floor {
                    self.op().i32_eqz();
                }
                self.op().i32_and();
            }
            Rounding::HalfAwayFromZero => {
                let half =
                    self.extend(&unsigned_constant(&divisor.div_ceil(&BigInt::from(2))), rest.limbs.len());
                self.less(rest, &half, false);
                self.op().i32_eqz();
            }
            Rounding::HalfEven => {
                let half = self.extend(&unsigned_constant(&(divisor / 2)), rest.limbs.len());
                self.less(&half, rest, false);
                if divisor.is_even() {
                    self.equal(&half, rest);
                    self.odd(&division.quotient);
                    self.op().i32_and().i32_or();
                }
            }
        }
        self.condition_limb()
    }
}

/// A positive constant in as few limbs as hold its magnitude.
fn unsigned_constant(value: &BigInt) -> Number {
    Number { unsigned: true, ..Number::constant(value, limbs_of(value)) }
}
