//! The interpreter, the module with wide arithmetic and the module without it agree on every slot, and every
//! value is within what was proven of it.
//!
//! Half of the expressions are made of nodes at random, half are written as text and compiled.
//! `AQUARIUM_PAIRS` sets the number of pairs of expression and slot, `AQUARIUM_SEED` where they begin.

#![allow(clippy::disallowed_methods, reason = "options of the test come from the environment")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod classes;
mod expression;
#[path = "../generator/mod.rs"]
mod generator;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use aquarium_charging::Charger;
use aquarium_compiler::{EmitOptions, emit};
use aquarium_engine::{Engine, EngineOptions, LoadedModule};
use aquarium_ir::bounds::{Bounds, Proven};
use aquarium_ir::expression::Expression;
use aquarium_ir::interpreter::{Explanation, Value, explain};
use aquarium_ir::policy::{Charge, ChargeId, Monotone, Policy, ResourceId};
use aquarium_ir::slot::Slot;

use self::classes::Classes;
use self::generator::{Random, expression, of_another_length, points, policy, resource, slot};

const CHARGES_PER_POLICY: usize = 60;
const SLOTS_PER_CHARGE: usize = 40;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn load(engine: &Engine, policy: &Policy, wide_arithmetic: bool) -> LoadedModule {
    engine.load(&emit(policy, EmitOptions { wide_arithmetic, ..EmitOptions::default() }).unwrap()).unwrap()
}

#[test]
fn interpreter_and_both_kinds_of_module_agree() {
    let pairs = setting("AQUARIUM_PAIRS", 100_000);
    let mut random = Random::new(setting("AQUARIUM_SEED", 1));
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let mut classes = Classes::default();
    while classes.pairs < pairs {
        let made = generated(&mut random);
        compare(&engine, &mut random, made, &mut classes);
        let made = written::policy(&mut random);
        compare(&engine, &mut random, made, &mut classes);
    }
    classes.report();
}

/// Generated charges of every kind of node and width.
fn generated(random: &mut Random) -> (Policy, Vec<BTreeSet<String>>) {
    let precision = u8::try_from(random.below(13)).unwrap();
    let resources: Vec<_> = (0..8).map(|index| resource(random, index)).collect();
    let mut bodies = Vec::new();
    for index in 0..CHARGES_PER_POLICY {
        let place = index % resources.len();
        let body = expression(random, &resources[place], precision);
        bodies.push((ResourceId(u32::try_from(place).unwrap()), body));
    }
    (policy(precision, resources, bodies), vec![BTreeSet::new(); 8])
}

/// Charges every slot in all three ways. `texts`: the classes of each resource's text.
fn compare(
    engine: &Engine,
    random: &mut Random,
    (policy, texts): (Policy, Vec<BTreeSet<String>>),
    classes: &mut Classes,
) {
    let proofs: Vec<Bounds> = policy.charges.iter().map(|charge| prove(&policy, charge)).collect();
    let slots = slots(random, &policy);
    let (wide, plain) = (load(engine, &policy, true), load(engine, &policy, false));
    let (mut of_wide, mut of_plain) = (Vec::new(), Vec::new());
    wide.charge(&slots, &mut of_wide);
    plain.charge(&slots, &mut of_plain);
    for (index, slot) in slots.iter().enumerate() {
        let charge = &policy.charges[slot.charge.index()];
        let (proof, resource) = (&proofs[slot.charge.index()], &policy.resources[charge.resource.index()]);
        let context = || {
            let text = &policy.expressions[charge.expression.index()].text;
            let nodes = &policy.charged(charge).unwrap().nodes;
            format!("{slot:?}\n{text}\n{nodes:?}\nprecision {}, {resource:?}", policy.precision)
        };
        let explanation = explain(&policy, slot).unwrap_or_else(|trap| panic!("{trap}: {}", context()));
        let expected = Ok(explanation.evaluation.credits);
        assert_eq!(of_wide[index], expected, "with wide arithmetic: {}", context());
        assert_eq!(of_plain[index], expected, "without wide arithmetic: {}", context());
        check_bounds(&policy.charged(charge).unwrap(), proof, &explanation, &context);
        classes.add(&policy, slot, proof, &explanation, &texts[charge.resource.index()]);
    }
    check_directions(&slots, &of_wide, &proofs);
}

fn prove(policy: &Policy, charge: &Charge) -> Bounds {
    Bounds::prove(
        &policy.charged(charge).unwrap(),
        &policy.resources[charge.resource.index()],
        policy.precision,
    )
}

/// Slots of each charge; every second one is the one before with another length.
fn slots(random: &mut Random, policy: &Policy) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (id, charge) in (0..).map(ChargeId).zip(&policy.charges) {
        let resource = &policy.resources[charge.resource.index()];
        let points = points(&policy.charged(charge).unwrap());
        for _ in 0..SLOTS_PER_CHARGE / 2 {
            let slot = slot(random, id, resource, &points);
            slots.extend([slot, of_another_length(random, &slot, resource, &points)]);
        }
    }
    slots
}

/// The values of all nodes are within what was proven.
fn check_bounds(body: &Expression, bounds: &Bounds, explanation: &Explanation, context: &dyn Fn() -> String) {
    for (value, (bound, id)) in explanation.values.iter().zip(bounds.nodes.iter().zip(0_u32..)) {
        let Some(value) = value else { continue };
        assert!(bound.reached, "node {id} is evaluated: {}", context());
        match (value, &bound.proven) {
            (Value::Truth(truth), Proven::Truth { always, .. }) => {
                assert!(always.is_none_or(|always| always == *truth), "node {id}: {}", context());
            }
            (Value::Quantity(value), Proven::Quantity(quantity)) => {
                let within = *value >= quantity.interval.least && *value <= quantity.interval.greatest;
                assert!(within, "node {id} is {value}, not {}: {}", quantity.interval, context());
                assert!((&value.0 / &quantity.scale.0).is_integer(), "node {id} is {value}: {}", context());
            }
            _ => panic!("node {id} has another type: {}", context()),
        }
    }
    assert_eq!(body.nodes.len(), bounds.nodes.len());
}

/// Slots that differ in length alone are charged in the order that was proven.
fn check_directions(
    slots: &[Slot],
    charges: &[Result<aquarium_ir::Credits, aquarium_ir::Trap>],
    proofs: &[Bounds],
) {
    let mut groups: BTreeMap<(u32, String, String), Vec<(i64, aquarium_ir::Credits)>> = BTreeMap::new();
    for (slot, credits) in slots.iter().zip(charges) {
        let key = (slot.charge.0, slot.amount.to_string(), slot.total.to_string());
        groups.entry(key).or_default().push((slot.duration_millis, credits.clone().unwrap()));
    }
    for ((charge, ..), mut group) in groups {
        group.sort();
        let ordered = |holds: fn(&aquarium_ir::Credits, &aquarium_ir::Credits) -> bool| {
            group.windows(2).all(|pair| pair[0].0 == pair[1].0 || holds(&pair[0].1, &pair[1].1))
        };
        let holds = match proofs[charge as usize].monotone {
            Monotone::Rising => ordered(|before, after| before <= after),
            Monotone::Falling => ordered(|before, after| before >= after),
            Monotone::Constant => ordered(|before, after| before == after),
            Monotone::Unknown => true,
        };
        assert!(holds, "charge {charge}: {group:?}");
    }
}
