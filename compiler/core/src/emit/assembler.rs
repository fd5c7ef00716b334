//! Instructions of one function: locals, limbs and the few primitives that differ with and without the
//! wide-arithmetic instructions.
//!
//! A number is a row of 64-bit *limbs* in two's complement, least significant first. Locals are handed
//! out like a stack: a node takes locals for its result, then works above them and gives the rest back.

use num_bigint::BigInt;
use num_traits::Signed;
use wasm_encoder::{Function, InstructionSink, MemArg, ValType};

/// 64 bits of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limb {
    /// Known when the module is built.
    Constant(i64),
    /// In a local of the function.
    Local(u32),
}

impl Limb {
    pub const ZERO: Self = Self::Constant(0);
}

/// A number in two's complement, least significant limb first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub limbs: Vec<Limb>,
    /// Whether it is known not to be negative, which makes the limbs above it zero.
    pub unsigned: bool,
}

impl Number {
    /// A constant in as many limbs as asked for, truncated.
    pub fn constant(value: &BigInt, limbs: usize) -> Self {
        let fill = if value.is_negative() { u8::MAX } else { 0 };
        let mut bytes = value.to_signed_bytes_le();
        bytes.resize(limbs * 8, fill);
        let (chunks, _) = bytes.as_chunks::<8>();
        let limbs = chunks.iter().map(|chunk| Limb::Constant(i64::from_le_bytes(*chunk))).collect();
        Self { limbs, unsigned: !value.is_negative() }
    }

    /// The limb at `index`, zero above the number. Only of numbers that are extended or unsigned.
    pub fn limb(&self, index: usize) -> Limb {
        self.limbs.get(index).copied().unwrap_or(Limb::ZERO)
    }

    /// Its first limbs. Of a number whose value is known to fit in them.
    pub fn first(&self, limbs: usize, unsigned: bool) -> Self {
        Self { limbs: self.limbs.iter().take(limbs).copied().collect(), unsigned }
    }

    /// A number in locals.
    pub fn of_locals(locals: &[u32], unsigned: bool) -> Self {
        Self { limbs: locals.iter().copied().map(Limb::Local).collect(), unsigned }
    }

    /// Whether it is the constant one.
    pub fn is_one(&self) -> bool {
        let mut limbs = self.limbs.iter();
        limbs.next() == Some(&Limb::Constant(1)) && limbs.all(|limb| *limb == Limb::ZERO)
    }

    /// The most significant limb, which has the sign.
    pub fn top(&self) -> Limb {
        self.limbs.last().copied().unwrap_or(Limb::ZERO)
    }
}

/// How many limbs hold every magnitude up to `greatest`, without a sign.
pub(super) fn limbs_of(greatest: &BigInt) -> usize {
    usize::try_from(greatest.bits().div_ceil(64)).unwrap_or(usize::MAX).max(1)
}

/// Functions of the module that others call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Helpers {
    /// 64 by 64 to 128 bits, where there are no wide-arithmetic instructions.
    pub multiply_wide: Option<u32>,
    /// Quotient and rest of 128 bits.
    pub divide_128: u32,
    /// Quotient and rest of 256 bits.
    pub divide_256: u32,
}

/// The instructions of one function.
pub(super) struct Assembler {
    code: Vec<u8>,
    parameters: u32,
    next: u32,
    most: u32,
    pub helpers: Helpers,
}

impl Assembler {
    /// A function with this many parameters. One 32-bit local for conditions follows them, then all others.
    pub fn new(parameters: u32, helpers: Helpers) -> Self {
        Self { code: Vec::new(), parameters, next: parameters + 1, most: parameters + 1, helpers }
    }

    /// The finished function.
    pub fn finish(mut self) -> Function {
        self.op().end();
        let mut function =
            Function::new([(1, ValType::I32), (self.most - self.parameters - 1, ValType::I64)]);
        function.raw(self.code);
        function
    }

    /// Where the next instruction goes.
    pub fn op(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// The local of conditions.
    pub fn condition(&self) -> u32 {
        self.parameters
    }

    /// A local for one limb.
    pub fn local(&mut self) -> u32 {
        let local = self.next;
        self.next += 1;
        self.most = self.most.max(self.next);
        local
    }

    /// Locals for a number.
    pub fn locals(&mut self, limbs: usize) -> Vec<u32> {
        (0..limbs).map(|_| self.local()).collect()
    }

    /// Remembers which locals are taken.
    pub fn mark(&self) -> u32 {
        self.next
    }

    /// Gives back the locals taken since `mark`.
    pub fn release(&mut self, mark: u32) {
        self.next = mark;
    }

    /// Pushes a limb.
    pub fn push(&mut self, limb: Limb) {
        match limb {
            Limb::Constant(value) => self.op().i64_const(value),
            Limb::Local(local) => self.op().local_get(local),
        };
    }

    /// Pops into a new local.
    pub fn pop(&mut self) -> Limb {
        let local = self.local();
        self.op().local_set(local);
        Limb::Local(local)
    }

    /// Sets locals to a number of as many limbs.
    pub fn assign(&mut self, locals: &[u32], number: &Number) {
        for (local, limb) in locals.iter().zip(&number.limbs) {
            if *limb != Limb::Local(*local) {
                self.push(*limb);
                self.op().local_set(*local);
            }
        }
    }

    /// Loads a limb from memory.
    pub fn load(&mut self, pointer: u32, offset: u64) -> Limb {
        self.op().local_get(pointer).i64_load(MemArg { offset, align: 3, memory_index: 0 });
        self.pop()
    }

    /// Stores a limb to memory.
    pub fn store(&mut self, pointer: u32, offset: u64, limb: Limb) {
        self.op().local_get(pointer);
        self.push(limb);
        self.op().i64_store(MemArg { offset, align: 3, memory_index: 0 });
    }

    /// An operation of two limbs.
    pub fn binary(&mut self, left: Limb, right: Limb, operation: fn(&mut InstructionSink<'_>)) -> Limb {
        self.push(left);
        self.push(right);
        operation(&mut self.op());
        self.pop()
    }

    /// Pops the condition on the stack and pushes it as 0 or 1 of 64 bits, into a new local.
    pub fn condition_limb(&mut self) -> Limb {
        self.op().i64_extend_i32_u();
        self.pop()
    }

    /// The unsigned product of two limbs: low and high half.
    pub fn multiply_wide(&mut self, left: Limb, right: Limb) -> (Limb, Limb) {
        match (left, right) {
            (Limb::Constant(1), limb) | (limb, Limb::Constant(1)) => return (limb, Limb::ZERO),
            _ => {}
        }
        self.push(left);
        self.push(right);
        match self.helpers.multiply_wide {
            Some(helper) => self.op().call(helper),
            None => self.op().i64_mul_wide_u(),
        };
        let high = self.pop();
        (self.pop(), high)
    }

    /// Adds a limb to a double limb; the sum is known to fit.
    pub fn add_to_wide(&mut self, (low, high): (Limb, Limb), limb: Limb) -> (Limb, Limb) {
        if limb == Limb::ZERO {
            return (low, high);
        }
        if self.helpers.multiply_wide.is_none() {
            for part in [low, high, limb, Limb::ZERO] {
                self.push(part);
            }
            self.op().i64_add128();
            let high = self.pop();
            return (self.pop(), high);
        }
        let sum = self.binary(low, limb, |op| {
            op.i64_add();
        });
        self.carry(sum, limb);
        let carry = self.condition_limb();
        let high = self.binary(high, carry, |op| {
            op.i64_add();
        });
        (sum, high)
    }

    /// Pushes whether `sum`, which `addend` went into, has wrapped.
    pub fn carry(&mut self, sum: Limb, addend: Limb) {
        self.push(sum);
        self.push(addend);
        self.op().i64_lt_u();
    }
}
