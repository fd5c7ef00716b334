//! A loaded module: a policy and the code that charges by it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aquarium_charging::{Charger, Trap};
use aquarium_ir::credits::Credits;
use aquarium_ir::module::{BATCH_SLOTS_MAX, ModuleError};
use aquarium_ir::policy::Policy;
use aquarium_ir::slot::{Limits, Slot};
use wasmtime::{InstancePre, Linker};

use crate::instance::Instance;
use crate::validate::Refusal;

/// Why a module cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is not a compiled policy of this format, or damaged.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// It holds something that the compiler does not write.
    #[error("the module is refused: {0}")]
    Refused(#[from] Refusal),
    /// The policy in it contradicts itself.
    #[error("the policy in the module is not consistent: {0}")]
    Policy(String),
    /// The engine cannot run it.
    #[error("the WebAssembly engine cannot run the module: {0}")]
    Engine(String),
}

/// A module that has passed all checks. It charges from any thread; each call takes an instance of its own.
///
/// A call that does not end within seconds is stopped, and its caller unwound as by a panic: what depends on time and
/// load is nobody's charge.
pub struct LoadedModule {
    policy: Arc<Policy>,
    hash: String,
    /// What slots of each charge are proven for.
    limits: Vec<Limits>,
    code: InstancePre<()>,
    /// Instances that are not at work.
    idle: Mutex<Vec<Instance>>,
}

impl LoadedModule {
    pub(crate) fn new(module: wasmtime::Module, policy: Policy, hash: String) -> Result<Self, LoadError> {
        let engine_error = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let limits = limits(&policy)?;
        let code = Linker::new(module.engine()).instantiate_pre(&module).map_err(engine_error)?;
        let first = Instance::new(&code).map_err(engine_error)?;
        Ok(Self { policy: Arc::new(policy), hash, limits, code, idle: Mutex::new(vec![first]) })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The SHA-256 of the module, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    fn take(&self) -> wasmtime::Result<Instance> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Instance::new(&self.code), Ok)
    }

    fn give_back(&self, instance: Instance) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
    }

    fn check(&self, slot: &Slot) -> Result<(), Trap> {
        let limits = self.limits.get(slot.charge.index()).ok_or(Trap::UnknownCharge(slot.charge.0))?;
        limits.check(slot)
    }

    /// Charges slots that pass the check and do not trap; none of them where one does not. Whether it did.
    fn charge_all(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) -> bool {
        if slots.iter().any(|slot| self.check(slot).is_err()) {
            return false;
        }
        let charged = self.take().and_then(|mut instance| {
            instance.batch(slots, charges)?;
            self.give_back(instance);
            Ok(())
        });
        charged.inspect_err(unwind_where_stopped).is_ok()
    }

    fn run_alone(&self, slot: &Slot) -> Result<Credits, Trap> {
        let charged = self.take().and_then(|mut instance| {
            let credits = instance.single(slot)?;
            self.give_back(instance);
            Ok(credits)
        });
        charged.map_err(|error| {
            unwind_where_stopped(&error);
            Trap::Stopped(error.root_cause().to_string())
        })
    }
}

/// A call that the guard has stopped gives no result, not even that of a trap: wall time decides no charge. Whoever
/// charges is unwound to where it can be tried again.
#[expect(clippy::panic, reason = "a charge has no result that says `not now`: there is to be none at all")]
fn unwind_where_stopped(error: &wasmtime::Error) {
    if error.downcast_ref::<wasmtime::Trap>() == Some(&wasmtime::Trap::Interrupt) {
        std::panic::panic_any("a policy module took too long to charge and was stopped".to_owned());
    }
}

impl Charger for LoadedModule {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        for slots in slots.chunks(BATCH_SLOTS_MAX) {
            if !self.charge_all(slots, charges) {
                // One that is refused or traps takes nothing from the others.
                charges.extend(slots.iter().map(|slot| self.charge_one(slot)));
            }
        }
    }

    fn charge_one(&self, slot: &Slot) -> Result<Credits, Trap> {
        self.check(slot)?;
        self.run_alone(slot)
    }
}

/// The limits of each charge.
fn limits(policy: &Policy) -> Result<Vec<Limits>, LoadError> {
    let limits = policy.charges.iter().map(|charge| {
        let resource = policy.resources.get(charge.resource.index());
        let sound = policy.prices.get(charge.price.index()).is_some()
            && policy.expressions.get(charge.expression.index()).is_some();
        resource.filter(|_| sound).map(Limits::of)
    });
    let limits: Option<Vec<Limits>> = limits.collect();
    limits.ok_or_else(|| LoadError::Policy("a charge names something that is not there".into()))
}

impl fmt::Debug for LoadedModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedModule").field("hash", &self.hash).finish_non_exhaustive()
    }
}
