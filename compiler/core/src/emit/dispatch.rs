//! The exports: from a slot's charge to its function, and the loop over a row of slots.

use aquarium_ir::module::{RESULT_BYTES, SLOT_BYTES};
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg};

/// Charges one slot: `(slot, result)`.
pub(super) fn single(charges: &[u32]) -> Function {
    let mut function = Function::new([]);
    call_charge(&mut function.instructions(), charges);
    function.instructions().end();
    function
}

/// Charges a row of slots: `(slots, results, count)`.
pub(super) fn batch(charges: &[u32]) -> Function {
    const SLOT: u32 = 0;
    const RESULT: u32 = 1;
    const COUNT: u32 = 2;
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(COUNT).i32_eqz().br_if(1);
    call_charge(&mut code, charges);
    code.local_get(SLOT).i32_const(bytes(SLOT_BYTES)).i32_add().local_set(SLOT);
    code.local_get(RESULT).i32_const(bytes(RESULT_BYTES)).i32_add().local_set(RESULT);
    code.local_get(COUNT).i32_const(1).i32_sub().local_set(COUNT);
    code.br(0).end().end().end();
    function
}

fn bytes(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// Calls the function of the charge that the slot at local 0 names, with locals 0 and 1; stops where there is
/// no such charge.
fn call_charge(code: &mut InstructionSink<'_>, charges: &[u32]) {
    let mut distinct = charges.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // One block a function, innermost first, inside one for what is unknown and one to leave by.
    let count = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
    code.block(BlockType::Empty).block(BlockType::Empty);
    distinct.iter().for_each(|_| {
        code.block(BlockType::Empty);
    });
    code.local_get(0).i32_load(MemArg { offset: 0, align: 2, memory_index: 0 });
    let targets = charges.iter().map(|charge| {
        distinct.binary_search(charge).ok().and_then(|place| u32::try_from(place).ok()).unwrap_or(count)
    });
    code.br_table(targets.collect::<Vec<_>>(), count);
    for (place, function) in (0..).zip(&distinct) {
        code.end().local_get(0).local_get(1).call(*function);
        code.br(count - place);
    }
    code.end().unreachable().end();
}
