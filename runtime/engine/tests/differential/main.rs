//! The interpreter, the module with wide arithmetic and the module without it agree on every slot, and every
//! value is within what was proven of it.
//!
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

mod generator;

use std::collections::BTreeMap;

use aquarium_charging::Charger;
use aquarium_compiler::{EmitOptions, emit};
use aquarium_engine::{Engine, EngineOptions, LoadedModule};
use aquarium_ir::bounds::{Bounds, Proven, Width};
use aquarium_ir::expression::{Expression, Node, NodeId};
use aquarium_ir::interpreter::{Explanation, Value, explain};
use aquarium_ir::policy::{ChargeId, Monotone, Policy, ResourceId};
use aquarium_ir::slot::Slot;
use num_traits::Signed;

use self::generator::{Random, expression, of_another_length, policy, resource, slot};

const CHARGES_PER_POLICY: usize = 60;
const SLOTS_PER_CHARGE: usize = 40;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// How many pairs belong to each class.
#[derive(Default)]
struct Classes {
    pairs: u64,
    counts: BTreeMap<String, u64>,
}

impl Classes {
    fn count(&mut self, class: impl Into<String>) {
        *self.counts.entry(class.into()).or_default() += 1;
    }
}

fn load(engine: &Engine, policy: &Policy, wide_arithmetic: bool) -> LoadedModule {
    engine.load(&emit(policy, EmitOptions { wide_arithmetic }).unwrap()).unwrap()
}

#[test]
fn interpreter_and_both_kinds_of_module_agree() {
    let pairs = setting("AQUARIUM_PAIRS", 24_000);
    let mut random = Random::new(setting("AQUARIUM_SEED", 1));
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let mut classes = Classes::default();
    while classes.pairs < pairs {
        round(&engine, &mut random, &mut classes);
    }
    println!("{} pairs of expression and slot", classes.pairs);
    for (class, count) in &classes.counts {
        println!("{count:>8}  {class}");
    }
    for class in expected_classes() {
        let count = classes.counts.get(&class).copied().unwrap_or(0);
        assert!(count * 100 >= classes.pairs, "class `{class}` has {count} of {} pairs", classes.pairs);
    }
}

fn expected_classes() -> Vec<String> {
    let nodes = [
        "number",
        "variable",
        "local",
        "let",
        "negate",
        "absolute",
        "add",
        "subtract",
        "multiply",
        "divide_by_constant",
        "divide",
        "remainder",
        "minimum",
        "maximum",
        "round",
        "tiered",
        "compare",
        "and",
        "or",
        "not",
        "if",
    ];
    let kinds = nodes.iter().map(|node| format!("node {node}"));
    let details = [
        "compare greater",
        "compare greater_or_equal",
        "compare less",
        "compare less_or_equal",
        "compare equal",
        "compare not_equal",
        "round floor",
        "round ceiling",
        "round half_away_from_zero",
        "round half_even",
        "cost policy continuous",
        "cost policy discrete",
        "cost policy onoff",
        "width of 64 bits",
        "width of 128 bits",
        "width of 256 bits",
        "at the edge of 64 bits",
        "at the edge of 128 bits",
        "divisor not constant, 64 bits",
        "divisor not constant, 128 bits",
        "divisor not constant, 256 bits",
        "slot at a limit",
        "charge rounded",
        "charge negative",
        "charge above 64 bits",
        "monotone rising",
        "monotone falling",
    ];
    kinds.chain(details.into_iter().map(String::from)).collect()
}

fn round(engine: &Engine, random: &mut Random, classes: &mut Classes) {
    let precision = u8::try_from(random.below(13)).unwrap();
    let resources: Vec<_> = (0..8).map(|index| resource(random, index)).collect();
    let mut bodies = Vec::new();
    let mut proofs = Vec::new();
    for index in 0..CHARGES_PER_POLICY {
        let place = index % resources.len();
        let (body, bounds) = expression(random, &resources[place], precision);
        bodies.push((ResourceId(u32::try_from(place).unwrap()), body));
        proofs.push(bounds);
    }
    let policy = policy(precision, resources, bodies);
    let slots = slots(random, &policy);
    let (wide, plain) = (load(engine, &policy, true), load(engine, &policy, false));
    let (mut of_wide, mut of_plain) = (Vec::new(), Vec::new());
    wide.charge(&slots, &mut of_wide);
    plain.charge(&slots, &mut of_plain);
    for (index, slot) in slots.iter().enumerate() {
        let charge = slot.charge.index();
        let body = &policy.charges[charge].body;
        let context = || {
            format!(
                "{slot:?}\n{:?}\nprecision {precision}, {:?}",
                body.nodes,
                policy.resources[policy.charges[charge].resource.index()]
            )
        };
        let explanation = explain(&policy, slot).unwrap_or_else(|trap| panic!("{trap}: {}", context()));
        let expected = Ok(explanation.evaluation.credits);
        assert_eq!(of_wide[index], expected, "with wide arithmetic: {}", context());
        assert_eq!(of_plain[index], expected, "without wide arithmetic: {}", context());
        check_bounds(body, &proofs[charge], &explanation, &context);
        classify(&policy, slot, &proofs[charge], &explanation, classes);
    }
    check_directions(&slots, &of_wide, &proofs);
}

/// Slots of each charge; every second one is the one before with another length.
fn slots(random: &mut Random, policy: &Policy) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (id, charge) in (0..).map(ChargeId).zip(&policy.charges) {
        let resource = &policy.resources[charge.resource.index()];
        for _ in 0..SLOTS_PER_CHARGE / 2 {
            let slot = slot(random, id, resource);
            slots.extend([slot, of_another_length(random, &slot, resource)]);
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

fn classify(policy: &Policy, slot: &Slot, bounds: &Bounds, explanation: &Explanation, classes: &mut Classes) {
    classes.pairs += 1;
    let charge = &policy.charges[slot.charge.index()];
    let resource = &policy.resources[charge.resource.index()];
    let mut found: Vec<String> = vec![format!("cost policy {}", name(&resource.cost_policy))];
    for (id, node) in (0..).map(NodeId).zip(&charge.body.nodes) {
        if explanation.values[id.0 as usize].is_some() {
            found.extend(node_classes(node, bounds, id));
            found.extend(edge_class(bounds, explanation, id));
        }
    }
    let limits = aquarium_ir::Limits::of(resource);
    if slot.amount == limits.amount || slot.total + slot.volume == limits.total {
        found.push("slot at a limit".into());
    }
    let evaluation = &explanation.evaluation;
    if evaluation.credits.to_rational() != evaluation.value {
        found.push("charge rounded".into());
    }
    if evaluation.credits.is_negative() {
        found.push("charge negative".into());
    }
    if evaluation.credits.0.unsigned_abs() > ethnum::U256::from(u64::MAX) {
        found.push("charge above 64 bits".into());
    }
    found.push(format!("monotone {}", name(&bounds.monotone)));
    found.sort();
    found.dedup();
    found.into_iter().for_each(|class| classes.count(class));
}

/// The name that a value has in the JSON of the policy.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        serde_json::Value::Object(object) => object.into_iter().next().unwrap().0,
        value => value.as_str().unwrap().to_owned(),
    }
}

fn node_classes(node: &Node, bounds: &Bounds, id: NodeId) -> Vec<String> {
    let mut classes = vec![format!("node {}", name(node))];
    let width = match &bounds.node(id).unwrap().proven {
        Proven::Truth { width, .. } => *width,
        Proven::Quantity(quantity) => quantity.width,
    };
    classes.push(format!("width of {width}"));
    match node {
        Node::Compare { comparison, .. } => classes.push(format!("compare {}", name(comparison))),
        Node::Round { rounding, .. } => classes.push(format!("round {}", name(rounding))),
        Node::Divide { divisor, .. } | Node::Remainder { divisor, .. } => {
            let variable =
                bounds.quantity(*divisor).is_some_and(|divisor| divisor.interval.single().is_none());
            if variable && width >= Width::Bits64 {
                classes.push(format!("divisor not constant, {width}"));
            }
        }
        _ => {}
    }
    classes
}

/// Whether the integer of a node is within one bit of 64 or 128 bits, sign apart.
fn edge_class(bounds: &Bounds, explanation: &Explanation, id: NodeId) -> Option<String> {
    let Some(Value::Quantity(value)) = &explanation.values[id.0 as usize] else { return None };
    let count = (&value.0 / &bounds.quantity(id)?.scale.0).to_integer().abs();
    let bits = count.bits();
    [64, 128, 192]
        .into_iter()
        .find(|edge| (*edge - 2..=*edge).contains(&bits))
        .map(|edge| format!("at the edge of {edge} bits"))
}
