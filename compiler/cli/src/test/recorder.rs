//! A charger that remembers what it was asked: the reference interpreter, so that branches can be seen.

use std::sync::{Arc, Mutex, PoisonError};

use aquarium_charging::{Charger, Trap};
use aquarium_ir::{Credits, Policy, Slot, interpreter};

/// Charges by the interpreter and keeps every slot.
pub struct Recorder {
    policy: Arc<Policy>,
    slots: Mutex<Vec<Slot>>,
}

impl Recorder {
    /// A charger of a policy.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self { policy, slots: Mutex::default() }
    }

    /// The slots that were charged since.
    pub fn take(&self) -> Vec<Slot> {
        std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Charger for Recorder {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(slots);
        interpreter::charge_batch(&self.policy, slots, charges);
    }
}
