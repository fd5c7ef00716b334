//! Seeded policies as text, so that what the compiler makes of dialects, units, prices and tiers is compared too.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

use aquarium_compiler::{Severity, SourceFile, analyze};
use aquarium_ir::policy::Policy;

use super::expression::{Kind, Maker};
use crate::generator::Random;

/// What a text has of that is to be covered: its dialect, operators, conversions.
pub type Classes = BTreeSet<String>;

/// One resource with its price and its expression.
struct Written {
    resource: String,
    price: String,
    expression: String,
    classes: Classes,
}

const RESOURCES: usize = 60;

/// A policy that compiles, and the classes of its resources, as the policy counts them.
pub fn policy(random: &mut Random) -> (Policy, Vec<Classes>) {
    let precision = random.below(13);
    let mut all: Vec<Written> = (0..RESOURCES).map(|index| written(random, index)).collect();
    loop {
        let (text, places) = print(precision, &all);
        let file = SourceFile { path: "policy.aquarium".to_owned(), bytes: text.clone().into_bytes() };
        let analysis = analyze(vec![file]);
        if let Some(policy) = analysis.policy() {
            return (policy.clone(), all.into_iter().map(|written| written.classes).collect());
        }
        // What needs more than 256 bits or may divide by zero is refused, and left out.
        let errors = analysis.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let errors: Vec<usize> = errors.map(|found| found.primary.span.start as usize).collect();
        let is_sound = |places: &[Range<usize>; 3]| {
            !places.iter().any(|place| errors.iter().any(|error| place.contains(error)))
        };
        let mut sound = places.iter().map(is_sound);
        let before = all.len();
        all.retain(|_| sound.next().unwrap());
        assert!(all.len() < before, "{:#?}\n{text}", analysis.diagnostics);
    }
}

/// The text, and where it tells of each resource.
fn print(precision: u64, all: &[Written]) -> (String, Vec<[Range<usize>; 3]>) {
    let mut text = format!("aquariumpolicy:\n  precision: {precision}\n  resources:\n");
    let resources: Vec<_> =
        all.iter().map(|one| add(&mut text, format_args!("    - {}\n", one.resource))).collect();
    text.push_str("  pricelists:\n    - name: default\n");
    let prices: Vec<_> =
        all.iter().map(|one| add(&mut text, format_args!("      {}\n", one.price))).collect();
    text.push_str("  algorithms:\n    - name: default\n");
    let expressions = all.iter().map(|one| add(&mut text, format_args!("      {}\n", one.expression)));
    let expressions: Vec<_> = expressions.collect();
    text.push_str("  agreements:\n    - {name: default, pricelist: default, algorithm: default}\n");
    let places = resources.into_iter().zip(prices).zip(expressions);
    (text, places.map(|((resource, price), expression)| [resource, price, expression]).collect())
}

fn add(text: &mut String, part: std::fmt::Arguments<'_>) -> Range<usize> {
    let start = text.len();
    text.write_fmt(part).unwrap();
    start..text.len()
}

/// A unit of resources, with what is measured in it.
struct Unit {
    text: &'static str,
    cost_policy: &'static str,
    kind: Kind,
    /// Quantities that prices may be per, with the class of the conversion.
    per: &'static [(&'static str, &'static str)],
    /// Units that limits of tiers may be in.
    limits: &'static [&'static str],
}

const UNITS: &[Unit] = &[
    Unit {
        text: "MB",
        cost_policy: "discrete",
        kind: Kind::Data,
        per: DATA,
        limits: &["GB", "KiB", "MiB", "Gb"],
    },
    Unit { text: "GiB", cost_policy: "discrete", kind: Kind::Data, per: DATA, limits: &["GB", "MiB", "MB"] },
    Unit {
        text: "message",
        cost_policy: "discrete",
        kind: Kind::Own("message"),
        per: OWN,
        limits: &["messages"],
    },
    Unit { text: "hr", cost_policy: "onoff", kind: Kind::Time, per: TIME, limits: &["day", "min", "weeks"] },
    Unit { text: "min", cost_policy: "onoff", kind: Kind::Time, per: TIME, limits: &["hours", "s"] },
    Unit {
        text: "GB*hr",
        cost_policy: "continuous",
        kind: Kind::Held("GB", "hr"),
        per: HELD,
        limits: &["GB*day", "MB*hr"],
    },
    Unit {
        text: "MB/hr",
        cost_policy: "continuous",
        kind: Kind::Held("MB", "hr"),
        per: HELD,
        limits: &["GB/hr", "KiB*min"],
    },
    Unit {
        text: "GiB*day",
        cost_policy: "continuous",
        kind: Kind::Held("GiB", "day"),
        per: HELD,
        limits: &["GB*hr"],
    },
];

const DATA: &[(&str, &str)] = &[("GB", "decimal"), ("KB", "decimal"), ("MiB", "binary"), ("Mb", "bits")];
const OWN: &[(&str, &str)] = &[("messages", "plural"), ("message", "none"), ("1_000 messages", "plural")];
const TIME: &[(&str, &str)] = &[("day", "time"), ("10 min", "time"), ("s", "time")];
const HELD: &[(&str, &str)] = &[("GB*day", "compound"), ("MB*hr", "compound"), ("GiB*min", "compound")];

const MAXIMA: &[&str] = &["0.5", "1000", "1_000_000", "1e9", "1e12", "999999999999999999"];
const PRICES: &[&str] = &["1", "0.05", "20", "3", "0.000001", "-0.5", "1e6", "0.123456789012", "17.99"];

fn written(random: &mut Random, index: usize) -> Written {
    let unit = &UNITS[usize::try_from(random.below(UNITS.len() as u64)).unwrap()];
    let (name, max) = (format!("r{index:02}"), random.pick(MAXIMA));
    let (text, cost_policy) = (unit.text, unit.cost_policy);
    let mut classes = Classes::new();
    let has_tiers = random.one_in(3);
    let price = if has_tiers { tiers(random, unit, &mut classes) } else { flat(random, unit, &mut classes) };
    let mut maker = Maker::new(random, unit.kind, has_tiers, &mut classes);
    let expression = maker.text();
    Written {
        resource: format!("{{name: {name}, unit: {text}, costpolicy: {cost_policy}, max: {max}}}"),
        price: format!("{name}: {price}"),
        expression: format!("{name}: |\n        {expression}"),
        classes,
    }
}

fn flat(random: &mut Random, unit: &Unit, classes: &mut Classes) -> String {
    let number = random.pick(PRICES);
    if random.one_in(2) {
        return number.to_owned();
    }
    let (per, conversion) = random.pick(unit.per);
    classes.insert(format!("price converted: {conversion}"));
    classes.insert("price per another quantity".to_owned());
    format!("{number} per {per}")
}

fn tiers(random: &mut Random, unit: &Unit, classes: &mut Classes) -> String {
    let suffix = if random.one_in(2) {
        classes.insert("limit of a tier converted".to_owned());
        format!(" {}", random.pick(unit.limits))
    } else {
        String::new()
    };
    let mut text = "\n        tiers:".to_owned();
    let mut upto = 0;
    for _ in 0..1 + random.below(3) {
        upto += 1 + random.below(100);
        let price = flat(random, unit, classes);
        write!(text, "\n          - {{upto: {upto}{suffix}, price: {price}}}").unwrap();
    }
    let last = flat(random, unit, classes);
    write!(text, "\n          - {{price: {last}}}").unwrap();
    classes.insert("tiers written".to_owned());
    text
}
