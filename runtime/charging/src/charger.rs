//! What turns charge slots into credits: the one thing that the fold asks of an engine.
//!
//! The compiled module runs behind this trait in the daemon and the tools, the reference interpreter
//! in tests and editors. The fold knows neither.

use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::interpreter;
use aquarium_ir::policy::Policy;
use aquarium_ir::slot::Slot;

pub use aquarium_ir::slot::Trap;

/// Charges slots of one policy version.
///
/// Amounts are rounded half-even to the policy's precision. A charge depends on its slot alone: no
/// state is carried from one slot to the next, so that slots may be charged in any grouping. An
/// engine whose instances change while they run keeps them behind interior mutability.
///
/// A policy that compiled has total expressions: a trap is a defect, and the fold turns it into an
/// entry of 0 that carries its reason.
pub trait Charger: Send + Sync {
    /// Appends one result for each slot to `charges`, in the order of `slots`.
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>);

    /// The charge of a single slot.
    ///
    /// # Errors
    /// The trap, should the charge have trapped.
    fn charge_one(&self, slot: &Slot) -> Result<Credits, Trap> {
        let mut charges = Vec::with_capacity(1);
        self.charge(std::slice::from_ref(slot), &mut charges);
        charges.pop().unwrap_or_else(|| Err(Trap::Stopped("the engine gave no result".to_owned())))
    }
}

/// The reference interpreter as a charger: slow, exact, and without an engine.
#[derive(Debug, Clone)]
pub struct Interpreter(pub Arc<Policy>);

impl Charger for Interpreter {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        interpreter::charge_batch(&self.0, slots, charges);
    }
}
