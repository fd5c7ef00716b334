//! What `show` tells for an instant is what `simulate` charges at it: price, item and place.

#![allow(clippy::disallowed_methods, reason = "the test reads the policies of the corpus and the examples")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use aquarium_charging::simulate::{Entries, Line, Options, simulate};
use aquarium_charging::view::EntryView;
use aquarium_charging::{Deployments, Interpreter, Version};
use aquarium_compiler::chain::{Step, Tracer};
use aquarium_compiler::{Analysis, LineIndex, SourceFile, analyze};
use aquarium_ir::policy::{CostPolicy, Price};
use aquarium_ir::{Millis, Policy};
use proptest::prelude::*;

/// The policies, each compiled.
fn policies() -> Vec<(Analysis, Arc<Policy>)> {
    let root = support::root();
    let quickstart = std::fs::read(root.join("examples/quickstart/policy.aquarium.yaml")).unwrap();
    let mut texts = vec![quickstart, support::ATHENS.as_bytes().to_vec()];
    for name in ["overrides", "tiers", "guide", "layouts", "dialects"] {
        texts.push(std::fs::read(root.join(format!("tests/corpus/valid/{name}.aquarium"))).unwrap());
    }
    let compiled = texts.into_iter().filter_map(|bytes| {
        let analysis = analyze(vec![SourceFile { path: "p".to_owned(), bytes }]);
        let policy = Arc::new(analysis.policy()?.clone());
        Some((analysis, policy))
    });
    compiled.collect()
}

/// The entry of a user with the agreement who uses the resource for a millisecond, or once, at an instant.
fn charged(
    policy: &Arc<Policy>,
    agreement: &str,
    resource: &str,
    cost: CostPolicy,
    at: i64,
) -> Option<EntryView> {
    let assign = format!(
        r#"{{"recordType":"assign","id":"a","clientID":"aquarium","userID":"u","agreement":"{agreement}","occurredMillis":1}}"#
    );
    let usage = |id: &str, at: i64, value: i64| {
        format!(
            r#"{{"id":"{id}","occurredMillis":{at},"clientID":"c","userID":"u","resource":"{resource}","instanceID":"1","value":{value},"eventVersion":"1.0","details":{{}}}}"#
        )
    };
    let mut lines = vec![assign, usage("x", at, 1)];
    match cost {
        CostPolicy::Discrete => {}
        CostPolicy::Onoff => lines.push(usage("y", at + 1, 0)),
        CostPolicy::Continuous => lines.push(usage("y", at + 1, -1)),
    }
    let version = Version::new(Arc::clone(policy), "m", Arc::new(Interpreter(Arc::clone(policy))));
    let lines =
        lines.iter().zip(1..).map(|(line, number)| Line { file: "f", number, bytes: line.as_bytes() });
    let report = simulate(&Deployments::single(version), lines, &Options::default());
    assert!(report.quarantined.is_empty(), "{:?}", report.quarantined);
    match report.users.into_values().next()?.entries {
        Entries::List(entries) => entries.into_iter().next(),
        Entries::Count(_) => None,
    }
}

/// Price and place as the chain tells them.
fn shown(
    analysis: &Analysis,
    policy: &Policy,
    agreement: &str,
    resource: &str,
    at: i64,
) -> Option<(Price, String, String)> {
    let mut tracer = Tracer::new(&analysis.items, &analysis.zone);
    tracer.expression(agreement, resource, Millis(at)).entry?;
    let chain = tracer.price(agreement, resource, Millis(at));
    let entry = analysis.items.entry(chain.entry?)?;
    assert!(matches!(chain.links.last().unwrap().step, Step::Gives(_)));
    let price = analysis.meanings.price(chain.entry?)?.clone();
    let line = analysis.files.first().map(|file| LineIndex::new(&file.bytes).line(entry.span.start) + 1)?;
    assert!(policy.prices.contains(&price));
    Some((price, entry.giver.to_string(), format!("p:{line}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// From 2010 to 2013, and some instants far from it.
    #[test]
    fn the_price_that_is_shown_is_the_price_that_is_charged(
        at in prop_oneof![9 => 1_262_304_000_000..1_356_998_400_000_i64, 1 => 2..4_000_000_000_000_i64]
    ) {
        for (analysis, policy) in policies() {
            for agreement in &policy.agreements {
                for resource in &policy.resources {
                    let (name, resource, cost) = (&agreement.name, &resource.name, resource.cost_policy);
                    let shown = shown(&analysis, &policy, name, resource, at);
                    let entry = charged(&policy, name, resource, cost, at);
                    let charged = entry.filter(|entry| !entry.uncovered).map(|entry| {
                        let price = entry.price.map(Price::Flat).or(entry.tiers.map(Price::Tiers)).unwrap();
                        (price, entry.item.unwrap(), entry.source.unwrap())
                    });
                    prop_assert_eq!(&shown, &charged, "{} {} at {}", name, resource, at);
                }
            }
        }
    }
}
