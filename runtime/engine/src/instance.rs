//! One instance of a module: its memory and its exports.

use aquarium_ir::credits::Credits;
use aquarium_ir::module::{
    BATCH_EXPORT, BATCH_SLOTS_MAX, CHARGE_EXPORT, MEMORY_EXPORT, RESULT_BYTES, RESULTS_OFFSET, SLOT_BYTES,
    put_slot, result_of,
};
use aquarium_ir::slot::{Slot, Trap};
use wasmtime::{InstancePre, Memory, Store, TypedFunc};

use crate::engine::TICKS_MAX;

/// An instance. After an error it is thrown away: its state is not relied on.
pub(crate) struct Instance {
    store: Store<()>,
    memory: Memory,
    single: TypedFunc<(u32, u32), ()>,
    batch: TypedFunc<(u32, u32, u32), ()>,
}

const RESULTS: u32 = RESULTS_OFFSET as u32;

impl Instance {
    pub fn new(module: &InstancePre<()>) -> wasmtime::Result<Self> {
        let mut store = Store::new(module.module().engine(), ());
        store.epoch_deadline_trap();
        store.set_epoch_deadline(TICKS_MAX);
        let instance = module.instantiate(&mut store)?;
        let memory = instance
            .get_memory(&mut store, MEMORY_EXPORT)
            .ok_or_else(|| wasmtime::Error::msg("the module exports no memory"))?;
        let single = instance.get_typed_func(&mut store, CHARGE_EXPORT)?;
        let batch = instance.get_typed_func(&mut store, BATCH_EXPORT)?;
        Ok(Self { store, memory, single, batch })
    }

    /// Charges a row of at most [`BATCH_SLOTS_MAX`] slots, and appends a result for each; appends none after an error.
    pub fn batch(
        &mut self,
        slots: &[Slot],
        results: &mut Vec<Result<Credits, Trap>>,
    ) -> wasmtime::Result<()> {
        let (places, _) = self.memory.data_mut(&mut self.store).as_chunks_mut::<SLOT_BYTES>();
        let places = places.get_mut(..slots.len()).filter(|places| places.len() <= BATCH_SLOTS_MAX);
        places.ok_or_else(no_room)?.iter_mut().zip(slots).for_each(|(place, slot)| put_slot(slot, place));
        self.store.set_epoch_deadline(TICKS_MAX);
        self.batch.call(&mut self.store, (0, RESULTS, slots.len() as u32))?;
        let charged = self.memory.data(&self.store).get(RESULTS_OFFSET..).unwrap_or_default();
        let (charged, _) = charged.as_chunks::<RESULT_BYTES>();
        let charged = charged.get(..slots.len()).ok_or_else(no_room)?;
        results.extend(charged.iter().map(|bytes| Ok(Credits(result_of(*bytes)))));
        Ok(())
    }

    /// Charges one slot.
    pub fn single(&mut self, slot: &Slot) -> wasmtime::Result<Credits> {
        put_slot(slot, self.memory.data_mut(&mut self.store).first_chunk_mut().ok_or_else(no_room)?);
        self.store.set_epoch_deadline(TICKS_MAX);
        self.single.call(&mut self.store, (0, RESULTS))?;
        let charged =
            self.memory.data(&self.store).get(RESULTS_OFFSET..).and_then(|bytes| bytes.first_chunk());
        charged.map(|bytes| Credits(result_of(*bytes))).ok_or_else(no_room)
    }
}

/// Nothing is charged by what is left in a memory that is too small.
fn no_room() -> wasmtime::Error {
    wasmtime::Error::msg("the module's memory has no room for the slots or their results")
}
