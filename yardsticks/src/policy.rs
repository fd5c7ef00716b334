//! The policy of the charges and of the fold, and what its charges come to in plain integers.

use std::sync::Arc;

use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use aquarium_engine::{Engine, EngineOptions, LoadedModule};
use aquarium_ir::Policy;
use aquarium_ir::policy::{Charge, ChargeId};

use crate::Failure;

const TEXT: &str = "\
aquariumpolicy:
  resources:
    - {name: bandwidth, unit: MB, costpolicy: discrete}
    - {name: vmtime, unit: hr, costpolicy: onoff, complex: true}
    - {name: diskspace, unit: MB*hr, costpolicy: continuous}
  algorithms:
    - {name: default, '*': price * volume}
  pricelists:
    - {name: default, bandwidth: 0.01, vmtime: 0.05, diskspace: 0.0001}
  agreements:
    - {name: default, algorithm: default, pricelist: default}
";

/// A resource as interpreters see it: what a raw volume counts of the unit, and the price of one.
#[derive(Debug, Clone, Copy)]
pub struct Priced {
    pub name: &'static str,
    pub raw_per_unit: f64,
    pub price: f64,
}

/// In the order of the policy.
pub const RESOURCES: [Priced; 3] = [
    Priced { name: "bandwidth", raw_per_unit: 1e9, price: 0.01 },
    Priced { name: "vmtime", raw_per_unit: 3.6e6, price: 0.05 },
    Priced { name: "diskspace", raw_per_unit: 3.6e15, price: 0.0001 },
];

/// The policy, compiled and loaded.
pub fn module() -> Result<LoadedModule, Failure> {
    let file = SourceFile { path: "bench.aquarium".to_owned(), bytes: TEXT.as_bytes().to_vec() };
    let policy = analyze(vec![file]).into_policy().ok_or("the policy does not compile")?;
    let bytes = emit(&policy, EmitOptions { wide_arithmetic: true, ..EmitOptions::default() })?;
    Ok(Engine::new(&EngineOptions::default())?.load(&bytes)?)
}

/// The number of the resource that each charge is for.
pub fn resources_of_charges(policy: &Arc<Policy>) -> Result<Vec<usize>, Failure> {
    let number = |charge: &Charge| {
        let name = policy.resources.get(charge.resource.index()).map(|resource| resource.name.as_str())?;
        RESOURCES.iter().position(|priced| priced.name == name)
    };
    let numbers: Option<Vec<usize>> = policy.charges.iter().map(number).collect();
    numbers.ok_or_else(|| "a charge is for no resource of the policy".into())
}

/// The charge of a resource.
pub fn charge_of(numbers: &[usize], resource: usize) -> Result<ChargeId, Failure> {
    let place = numbers.iter().position(|number| *number == resource).ok_or("a resource has no charge")?;
    Ok(ChargeId(u32::try_from(place)?))
}
