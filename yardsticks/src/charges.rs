//! Charges alone: the same slots by the compiled module, by native code, by the reference interpreter and by
//! interpreters of other languages; in batches, and one by one.

use std::hint::black_box;
use std::sync::Arc;

use aquarium_charging::{Charger, Interpreter};
use aquarium_ir::slot::Slot;
use ethnum::I256;

use crate::Failure;
use crate::chargers::{Cel, Native, QuickJs, Rhai};
use crate::measure::{Figure, processor_rounds};
use crate::policy::{charge_of, module, resources_of_charges};

/// As many as a module is given at once.
const BATCH: usize = 1_024;
/// Slots of a round: some milliseconds of the slowest, so that a clock's tick does not count.
const SLOTS: usize = 64 * BATCH;
const SLOTS_OF_INTERPRETER: usize = 8 * BATCH;
/// At most so many times native code.
const OF_NATIVE_MAX: f64 = 1.5;

struct Candidate {
    name: &'static str,
    charger: Box<dyn Charger>,
    slots: usize,
    /// How many times faster the module should be.
    times_faster: Option<f64>,
}

pub fn measure(rounds: usize) -> Result<(), Failure> {
    let module = module()?;
    let numbers = resources_of_charges(module.policy())?;
    let slots = slots(&numbers)?;
    let interpreter = Interpreter(Arc::clone(module.policy()));
    let candidate = |name, charger, times_faster| Candidate { name, charger, slots: SLOTS, times_faster };
    let wasm = candidate("module", Box::new(module), None);
    let others = [
        Candidate {
            slots: SLOTS_OF_INTERPRETER,
            ..candidate("reference interpreter", Box::new(interpreter), None)
        },
        candidate("rquickjs", Box::new(QuickJs(numbers.clone())), Some(7.0)),
        candidate("rhai", Box::new(Rhai::new(numbers.clone())?), Some(25.0)),
        candidate("CEL", Box::new(Cel::new(numbers.clone())?), Some(25.0)),
    ];
    let native = candidate("native", Box::new(Native(numbers)), None);
    others.iter().chain([&native]).try_for_each(|other| agree(&wasm, other, &slots))?;
    for (way, in_batches) in [("in batches of 1,024", true), ("one by one", false)] {
        let bare = format!("native, {way}");
        Figure::new(&bare, "ns", nanos(&native, &slots, in_batches, rounds)).tell()?;
        let ours = format!("module, {way}");
        let figure = Figure::new(&ours, "ns", nanos(&wasm, &slots, in_batches, rounds));
        Figure { beside: Some(&bare), part_at_most: Some(OF_NATIVE_MAX), ..figure }.tell()?;
        for other in &others {
            let name = format!("{}, {way}", other.name);
            let figure = Figure::new(&name, "ns", nanos(other, &slots, in_batches, rounds));
            Figure { beside: Some(&ours), part_at_least: other.times_faster, ..figure }.tell()?;
        }
    }
    Ok(())
}

/// Slots of the continuous resource: from a second to a day, of up to 100 GB.
fn slots(numbers: &[usize]) -> Result<Vec<Slot>, Failure> {
    let charge = charge_of(numbers, 2)?;
    let mut state = 88_172_645_463_325_252_u64;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let slot = |_| {
        let (amount, duration) = (draw(100_000) * 10_000_000, 1_000 + draw(86_400_000));
        let volume = I256::from(u128::from(amount) * u128::from(duration));
        let (amount, duration_millis) = (I256::from(amount), duration as i64);
        Slot { charge, volume, total: I256::ZERO, amount, duration_millis }
    };
    Ok((0..SLOTS).map(slot).collect())
}

/// Whether both charge the same: to the last digit by integers, to a millionth by floating point.
fn agree(ours: &Candidate, other: &Candidate, slots: &[Slot]) -> Result<(), Failure> {
    let few = slots.get(..BATCH).unwrap_or_default();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    ours.charger.charge(few, &mut left);
    other.charger.charge(few, &mut right);
    let is_exact = other.times_faster.is_none();
    let near = |left: &Result<_, _>, right: &Result<_, _>| match (left, right) {
        (Ok(aquarium_ir::Credits(left)), Ok(aquarium_ir::Credits(right))) => {
            left == right || (!is_exact && (*left - *right).abs() <= I256::from(1_000_000_u32))
        }
        _ => false,
    };
    if left.len() == few.len() && right.len() == few.len() && left.iter().zip(&right).all(|(l, r)| near(l, r))
    {
        return Ok(());
    }
    Err(format!("{} and {} do not charge the same", ours.name, other.name).into())
}

/// Nanoseconds of a charge, for each round.
fn nanos(candidate: &Candidate, slots: &[Slot], in_batches: bool, rounds: usize) -> Vec<f64> {
    let slots = slots.get(..candidate.slots).unwrap_or_default();
    let mut charges = Vec::with_capacity(BATCH);
    let seconds = processor_rounds(rounds, || {
        if in_batches {
            for batch in slots.chunks(BATCH) {
                charges.clear();
                candidate.charger.charge(black_box(batch), &mut charges);
                black_box(&charges);
            }
        } else {
            slots.iter().for_each(|slot| {
                let _ = black_box(candidate.charger.charge_one(black_box(slot)));
            });
        }
    });
    seconds.iter().map(|seconds| seconds * 1e9 / slots.len() as f64).collect()
}
