//! One instance of a module: its memory and its exports.

use aquarium_ir::credits::Credits;
use aquarium_ir::module::{
    BATCH_EXPORT, BATCH_SLOTS_MAX, CHARGE_EXPORT, MEMORY_EXPORT, RESULT_BYTES, RESULTS_OFFSET, SLOT_BYTES,
    result_of, slot_bytes,
};
use aquarium_ir::slot::Slot;
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

    /// Charges a row of at most [`BATCH_SLOTS_MAX`] slots and appends a result for each.
    pub fn batch<'a>(
        &mut self,
        slots: impl Iterator<Item = &'a Slot>,
        credits: &mut Vec<Credits>,
    ) -> wasmtime::Result<()> {
        let mut count = 0;
        let (places, _) = self.memory.data_mut(&mut self.store).as_chunks_mut::<SLOT_BYTES>();
        for (place, slot) in places.iter_mut().take(BATCH_SLOTS_MAX).zip(slots) {
            *place = slot_bytes(slot);
            count += 1;
        }
        self.store.set_epoch_deadline(TICKS_MAX);
        self.batch.call(&mut self.store, (0, RESULTS, count))?;
        let results = self.memory.data(&self.store).get(RESULTS_OFFSET..).unwrap_or_default();
        let (results, _) = results.as_chunks::<RESULT_BYTES>();
        credits.extend(results.iter().take(count as usize).map(|result| Credits(result_of(*result))));
        Ok(())
    }

    /// Charges one slot.
    pub fn single(&mut self, slot: &Slot) -> wasmtime::Result<Credits> {
        self.memory.write(&mut self.store, 0, &slot_bytes(slot))?;
        self.store.set_epoch_deadline(TICKS_MAX);
        self.single.call(&mut self.store, (0, RESULTS))?;
        let mut result = [0; RESULT_BYTES];
        self.memory.read(&self.store, RESULTS_OFFSET, &mut result)?;
        Ok(Credits(result_of(result)))
    }
}
