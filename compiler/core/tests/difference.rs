//! A difference in meaning is told if and only if some instant is charged otherwise.

#![allow(clippy::disallowed_methods, reason = "the test reads the policies of the corpus and the examples")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use aquarium_compiler::terms::Terms;
use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::difference::{Difference, Presence};
use aquarium_ir::policy::{Policy, ResourceId};
use aquarium_ir::time::Calendar;
use aquarium_ir::{Millis, Rational, Slot, interpreter};
use ethnum::I256;
use proptest::prelude::*;

fn compile(files: &[(&str, &str)]) -> Policy {
    let files = files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() });
    let analysis = analyze(files.collect());
    let errors: Vec<_> = analysis.diagnostics.iter().map(|found| &found.message).collect();
    analysis.policy().cloned().unwrap_or_else(|| panic!("{errors:?}"))
}

fn policies() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("examples/quickstart/policy.aquarium.yaml")];
    for entry in root.join("tests/corpus/valid").read_dir().unwrap() {
        found.push(entry.unwrap().path());
    }
    found
}

#[test]
fn layout_file_names_and_names_of_lists_have_no_meaning() {
    let mut compared = 0;
    for path in policies() {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some(formatted) = aquarium_grammar::format::format(&aquarium_grammar::parse(&text)) else {
            continue;
        };
        let analysis = analyze(vec![SourceFile { path: "a".to_owned(), bytes: text.clone().into_bytes() }]);
        let Some(policy) = analysis.into_policy() else { continue };
        let commented = format!("# moved down\n\n{formatted}");
        let other = compile(&[("elsewhere/b", &commented)]);
        assert_eq!(Difference::between(&policy, &other), Difference::default(), "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 4, "only {compared} policies were compared");
    let old = compile(&[("p", &policy(&Variant::default()))]);
    let new = compile(&[("p", &policy(&Variant::default()).replace("weekly", "cheap"))]);
    assert!(Difference::between(&old, &new).is_empty());
}

/// What is varied in a policy.
#[derive(Debug, Clone, PartialEq)]
struct Variant {
    price: u8,
    cheap: u8,
    from_month: u8,
    starts: (u8, u8),
    ends: (u8, u8),
    extra: Option<u8>,
    factor: u8,
}

impl Default for Variant {
    fn default() -> Self {
        Self { price: 5, cheap: 3, from_month: 2, starts: (1, 8), ends: (5, 20), extra: None, factor: 1 }
    }
}

fn policy(variant: &Variant) -> String {
    let Variant { price, cheap, from_month, starts, ends, extra, factor } = variant;
    let laid_over = extra.map(|extra| {
        format!("\n        vmtime: 0.0{extra}\n        effective: {{from: 2011-04-01, to: 2011-05-01}}")
    });
    format!(
        "aquariumpolicy:
  timezone: Europe/Athens
  constants:
    factor: {factor}
  resources:
    - {{name: vmtime, unit: hr, costpolicy: onoff}}
  algorithms:
    - name: default
      vmtime: price * volume * factor
  pricelists:
    - name: default
      vmtime: 0.0{price}
    - name: weekly
      extends: default
      vmtime: 0.0{cheap}
      effective:
        from: 2011-0{from_month}-01
        repeat:
          - every: {{start: '0 {} * * {}', end: '0 {} * * {}'}}
  agreements:
    - name: default
      algorithm: default
      pricelist: weekly{}
",
        starts.1,
        starts.0,
        ends.1,
        ends.0,
        laid_over.unwrap_or_default(),
    )
}

const HOUR: i64 = 3_600_000;
/// Two days before the first instant at which a variant's prices may begin: what holds before is looked at too.
const FIRST: i64 = 1_293_832_800_000 - 48 * HOUR;

/// The charge of an hour at every hour of a year and two months; all that varies here varies by the hour.
fn charges(policy: &Policy) -> Vec<Option<Rational>> {
    let mut calendar = Calendar::of(policy);
    let (_, agreement) = policy.agreement("default").unwrap();
    let mut known = std::collections::BTreeMap::new();
    let charge = |at: i64| {
        let (terms, _) = Terms::at(agreement, ResourceId(0), &mut calendar, Millis(at));
        known.entry(terms).or_insert_with(|| charge_of_an_hour(policy, terms)).clone()
    };
    (0..430 * 24).map(|number| FIRST + number * HOUR).map(charge).collect()
}

fn charge_of_an_hour(policy: &Policy, terms: Terms) -> Option<Rational> {
    let wanted = terms.charge(policy, ResourceId(0))?;
    let index = policy.charges.iter().position(|charge| std::ptr::eq(charge, wanted)).unwrap();
    let slot = Slot {
        charge: aquarium_ir::policy::ChargeId(u32::try_from(index).unwrap()),
        volume: I256::from(3_600_000),
        total: I256::ZERO,
        amount: I256::ZERO,
        duration_millis: 3_600_000,
    };
    Some(interpreter::evaluate(policy, &slot).unwrap().value)
}

fn variant() -> impl Strategy<Value = Variant> {
    let day_and_hour = || (1..6_u8, 0..24_u8);
    (1..4_u8, 1..4_u8, 1..4_u8, day_and_hour(), day_and_hour(), proptest::option::of(1..4_u8), 1..3_u8)
        .prop_map(|(price, cheap, from_month, starts, ends, extra, factor)| Variant {
            price,
            cheap,
            from_month,
            starts,
            ends,
            extra,
            factor,
        })
}

/// A variant and one that differs from it in few things, or in none.
fn pair() -> impl Strategy<Value = (Variant, Variant)> {
    (variant(), variant(), 0..8_u8).prop_map(|(one, other, what)| {
        let mut changed = one.clone();
        match what {
            0 => changed.price = other.price,
            1 => changed.cheap = other.cheap,
            2 => changed.from_month = other.from_month,
            3 => changed.starts.1 = other.starts.1,
            4 => changed.ends = other.ends,
            5 => changed.extra = other.extra,
            6 => changed.factor = other.factor,
            _ => changed = other,
        }
        (one, changed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_difference_is_told_if_and_only_if_some_charge_differs((one, other) in pair()) {
        let (old, new) = (compile(&[("p", &policy(&one))]), compile(&[("p", &policy(&other))]));
        let difference = Difference::between(&old, &new);
        let (before, after) = (charges(&old), charges(&new));
        let differs = before != after;
        // Prices that both are multiplied to one charge are two changes all the same.
        let same_terms = one.factor == other.factor;
        if same_terms || differs {
            prop_assert_eq!(!difference.is_empty(), differs, "{:?}", difference);
        }
        // Every sampled hour lies within a change if and only if it is charged otherwise.
        let changes = difference.agreements.iter().flat_map(|agreement| agreement.terms.values().flatten());
        let stretches: Vec<_> = changes.flat_map(|change| change.when.stretches.clone()).collect();
        for (number, (before, after)) in before.iter().zip(&after).enumerate() {
            let at = Millis(FIRST + i64::try_from(number).unwrap() * HOUR);
            let told = stretches.iter().any(|stretch| stretch.start <= at && at < stretch.end);
            if same_terms || before != after {
                prop_assert_eq!(told, before != after, "{:?} at {}", difference, at);
            }
        }
    }
}

fn words(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (compile(&[("p", old)]), compile(&[("p", new)]));
    let difference = Difference::between(&old, &new);
    let changes = difference.agreements.iter().flat_map(|agreement| agreement.terms.values().flatten());
    changes.map(|change| change.when.words(&new.zone)).collect()
}

#[test]
fn time_is_told_as_always_as_spans_or_as_a_weekly_habit() {
    let base = Variant::default();
    let text = |variant: Variant| policy(&variant);
    assert_eq!(
        words(&text(base.clone()), &text(Variant { ends: (5, 22), ..base.clone() })),
        ["every week Fri 20:00 to 22:00, from 2011-02-04T20:00:00+02:00 on"]
    );
    assert_eq!(
        words(&text(base.clone()), &text(Variant { cheap: 4, ..base.clone() })),
        ["every week Mon 08:00 to Fri 20:00, from 2011-02-01T00:00:00+02:00 on"]
    );
    let laid_over = words(&text(base.clone()), &text(Variant { extra: Some(3), ..base.clone() }));
    assert_eq!(laid_over.len(), 1);
    assert!(
        laid_over[0].starts_with("every week Fri 20:00 to Mon 08:00, from 2011-04-01T20:00"),
        "{laid_over:?}"
    );
    let flat = |price: &str| {
        format!(
            "aquariumpolicy:\n  resources:\n    - {{name: x, unit: req, costpolicy: discrete}}\n  algorithms:\n    - {{name: default, x: price * volume}}\n  pricelists:\n    - {{name: default, x: {price}}}\n  agreements:\n    - {{name: default, algorithm: default, pricelist: default}}\n"
        )
    };
    assert_eq!(words(&flat("1"), &flat("2")), ["always"]);
    assert_eq!(words(&flat("1"), &flat("1.0")), Vec::<String>::new());
}

#[test]
fn a_constant_a_role_a_plan_and_what_is_added_are_told() {
    let base = policy(&Variant::default());
    let old = compile(&[("p", &base)]);
    let constant = compile(&[("p", &policy(&Variant { factor: 2, ..Variant::default() }))]);
    assert_eq!(Difference::between(&old, &constant).agreements[0].terms["vmtime"].len(), 2);
    let more = base
        .replace(
            "    - {name: vmtime",
            "    - {name: io, unit: req, costpolicy: discrete}\n    - {name: vmtime",
        )
        .replace("      vmtime: price", "      io: price * volume\n      vmtime: price")
        .replacen("      vmtime: 0.0", "      io: 1\n      vmtime: 0.0", 1)
        + "    - {name: other, extends: default}\n  roles: {staff: other}\n";
    let difference = Difference::between(&old, &compile(&[("p", &more)]));
    assert_eq!(difference.resources[0].presence, Presence::Added);
    assert_eq!(
        (difference.roles[0].role.as_str(), difference.roles[0].new.as_deref()),
        ("staff", Some("other"))
    );
    let presences: Vec<_> =
        difference.agreements.iter().map(|change| (change.names[0].as_str(), change.presence)).collect();
    assert_eq!(presences, [("default", Presence::Changed), ("other", Presence::Added)]);
    let zone = compile(&[("p", &base.replace("Europe/Athens", "Europe/Paris"))]);
    let difference = Difference::between(&old, &zone);
    assert_eq!(difference.settings[0].key, "timezone");
    assert!(!difference.agreements[0].terms["vmtime"].is_empty());
}
