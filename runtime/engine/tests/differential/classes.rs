//! What the pairs of expression and slot cover.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::bounds::{Bounds, Proven, Width};
use aquarium_ir::expression::{Node, NodeId};
use aquarium_ir::interpreter::{Explanation, Value};
use aquarium_ir::policy::{Policy, Tier};
use aquarium_ir::slot::{Slot, unlimited};
use num_rational::BigRational;
use num_traits::Signed;

/// How many pairs belong to each class.
#[derive(Default)]
pub struct Classes {
    pub pairs: u64,
    counts: BTreeMap<String, u64>,
}

impl Classes {
    /// Counts a pair; `text`: the classes of the expression's text.
    pub fn add(
        &mut self,
        policy: &Policy,
        slot: &Slot,
        bounds: &Bounds,
        explanation: &Explanation,
        text: &BTreeSet<String>,
    ) {
        self.pairs += 1;
        let mut found = of_slot(policy, slot, bounds, explanation);
        found.extend(text.iter().cloned());
        for class in found {
            *self.counts.entry(class).or_default() += 1;
        }
    }

    /// Prints all counts; fails where an expected class has less than a hundredth of the pairs.
    pub fn report(&self) {
        println!("{} pairs of expression and slot", self.pairs);
        for (class, count) in &self.counts {
            println!("{count:>8}  {class}");
        }
        let is_rare = |class: &String| self.counts.get(class).copied().unwrap_or(0) * 100 < self.pairs;
        let rare: Vec<String> = expected().into_iter().filter(is_rare).collect();
        assert!(rare.is_empty(), "less than 1 % of the pairs: {rare:#?}");
    }
}

fn expected() -> Vec<String> {
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
        "at the edge of 256 bits",
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
    kinds.chain(details.into_iter().chain(TEXTS.iter().copied()).map(String::from)).collect()
}

fn of_slot(policy: &Policy, slot: &Slot, bounds: &Bounds, explanation: &Explanation) -> BTreeSet<String> {
    let charge = &policy.charges[slot.charge.index()];
    let resource = &policy.resources[charge.resource.index()];
    let mut found = BTreeSet::from([format!("cost policy {}", name(&resource.cost_policy))]);
    for (id, node) in (0..).map(NodeId).zip(&policy.body(charge).unwrap().expression.nodes) {
        if explanation.values[id.0 as usize].is_some() {
            found.extend(node_classes(node, bounds, id));
            found.extend(edge_class(bounds, explanation, id));
            found.extend(tier_classes(node, slot));
        }
    }
    let limits = aquarium_ir::Limits::of(resource);
    if slot.amount == limits.amount || slot.total + slot.volume == limits.total {
        found.insert("slot at a limit".into());
    }
    let evaluation = &explanation.evaluation;
    if evaluation.credits.to_rational() != evaluation.value {
        found.insert("charge rounded".into());
    }
    if evaluation.credits.is_negative() {
        found.insert("charge negative".into());
    }
    if evaluation.credits.0.unsigned_abs() > ethnum::U256::from(u64::MAX) {
        found.insert("charge above 64 bits".into());
    }
    found.insert(format!("monotone {}", name(&bounds.monotone)));
    found
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

/// Whether the integer of a node is within two bits of what 64, 128 or 256 bits hold, sign apart.
fn edge_class(bounds: &Bounds, explanation: &Explanation, id: NodeId) -> Option<String> {
    let Some(Value::Quantity(value)) = &explanation.values[id.0 as usize] else { return None };
    let count = (&value.0 / &bounds.quantity(id)?.scale.0).to_integer().abs();
    let bits = count.bits();
    [64, 128, 256]
        .into_iter()
        .find(|edge| (*edge - 2..=*edge).contains(&bits))
        .map(|edge| format!("at the edge of {edge} bits"))
}

/// Where a slot lies among the tiers.
fn tier_classes(node: &Node, slot: &Slot) -> Vec<String> {
    let Node::Tiered { tiers, unit } = node else { return Vec::new() };
    let limits: Vec<BigRational> =
        tiers.iter().filter_map(|tier: &Tier| Some(&tier.upto.as_ref()?.0 * &unit.0)).collect();
    if limits.is_empty() {
        return Vec::new();
    }
    let raw = BigRational::from_integer;
    let (before, after) = (raw(unlimited(slot.total)), raw(unlimited(slot.total) + unlimited(slot.volume)));
    let below = |place: &BigRational| limits.iter().filter(|limit| *limit <= place).count();
    let mut classes = vec![match (below(&before), below(&after)) {
        (before, after) if before != after => "tier crossed",
        (0, _) => "tier: within the first",
        (before, _) if before == limits.len() => "tier: within the last",
        _ => "tier: within another",
    }];
    if limits.iter().any(|limit| *limit == before || *limit == after) {
        classes.push("tier: at a limit");
    }
    classes.into_iter().map(String::from).collect()
}

/// What expressions have that were written as text.
const TEXTS: &[&str] = &[
    "dialect words",
    "dialect symbols",
    "dialect function",
    "dialect arrow",
    "operator plus",
    "operator minus",
    "operator times",
    "operator divided by",
    "operator mod",
    "operator negate",
    "operator gt",
    "operator ge",
    "operator lt",
    "operator le",
    "operator eq",
    "operator ne",
    "operator and",
    "operator or",
    "operator not",
    "operator conditional",
    "operator const",
    "operator min",
    "operator max",
    "operator abs",
    "operator floor",
    "operator ceil",
    "operator round",
    "operator clamp",
    "divisor not constant",
    "literal converted: decimal",
    "literal converted: binary",
    "literal converted: bits",
    "literal converted: plural",
    "literal converted: time",
    "literal converted: compound",
    "price converted: decimal",
    "price converted: binary",
    "price converted: bits",
    "price converted: plural",
    "price converted: time",
    "price converted: compound",
    "limit of a tier converted",
    "tiers written",
    "tier crossed",
    "tier: within the first",
    "tier: within another",
    "tier: within the last",
    "tier: at a limit",
];
