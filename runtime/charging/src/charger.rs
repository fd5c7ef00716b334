//! What turns charge slots into credits: the one thing that the fold asks of an engine.
//!
//! The compiled module runs behind this trait in the daemon and the tools, the reference interpreter
//! in tests and editors. The fold knows neither.

use aquarium_ir::credits::Credits;
use aquarium_ir::slot::Slot;

/// Why a charge gave no amount. A policy that compiled has total expressions: a trap is a defect,
/// and the fold turns it into an entry of 0 that carries this reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("{reason}")]
pub struct Trap {
    /// What went wrong, in words for an operator.
    pub reason: String,
}

impl Trap {
    /// A trap with this reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Charges slots of one policy version.
///
/// Amounts are rounded half-even to the policy's precision. A charge depends on its slot alone: no
/// state is carried from one slot to the next, so that slots may be charged in any grouping. An
/// engine whose instances change while they run keeps them behind interior mutability.
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
        charges.pop().unwrap_or_else(|| Err(Trap::new("the engine gave no result")))
    }
}
