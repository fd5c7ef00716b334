//! What holds for every expression.

use std::borrow::Cow;

use aquarium_grammar::expression::print::{Dialect, print};
use aquarium_ir::bounds::{Boundary, Bounds, Prover, Slope, Weights};
use aquarium_ir::slot::{Limits, unlimited, volume_of};
use num_rational::BigRational;
use num_traits::Signed as _;
use proptest::prelude::*;

use super::oracle::Oracle;
use super::random::Maker;
use super::*;

const POLICIES: [CostPolicy; 3] = [CostPolicy::Discrete, CostPolicy::Onoff, CostPolicy::Continuous];

fn setting(cost_policy: CostPolicy, is_tiered: bool) -> Setting {
    let setting = match cost_policy {
        CostPolicy::Discrete => Setting::discrete(),
        CostPolicy::Onoff => Setting::onoff(),
        CostPolicy::Continuous => Setting::continuous(),
    };
    if is_tiered { setting.tiered() } else { setting }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn dialects_agree_with_each_other_and_with_the_oracle(
        seed in any::<u64>(),
        depth in 0_u32..5,
        policy in 0_usize..3,
        is_tiered in any::<bool>(),
        (volume, total) in (0_u32..40_000, 0_u32..40_000),
    ) {
        let setting = setting(POLICIES[policy], is_tiered);
        let tree = Maker::new(seed, POLICIES[policy], is_tiered).charge(depth);
        let texts = [Dialect::Words, Dialect::Symbols, Dialect::Script].map(|dialect| print(&tree, dialect));
        let mut bodies = Vec::new();
        for text in &texts {
            let (syntax, findings) = read(text);
            prop_assert!(findings.is_empty(), "{text}: {findings:?}");
            let checked = setting.check(&syntax);
            let only_limits = |finding: &Diagnostic| matches!(finding.code, Code::TooWide | Code::ZeroDivisor);
            prop_assert!(checked.errors.iter().all(only_limits), "{text}: {:?}", checked.errors);
            let nodes = checked.compiles.then(|| setting.body(&syntax).nodes_at(&setting.price));
            bodies.push((syntax.digest(), nodes));
        }
        prop_assert_eq!(&bodies[0], &bodies[1], "{:?}", &texts);
        prop_assert_eq!(&bodies[0], &bodies[2], "{:?}", &texts);

        let eighths = |count: u32| format!("{}.{:03}", count / 8, count % 8 * 125);
        let (volume, total) = (eighths(volume), eighths(total));
        if let Some(nodes) = bodies.swap_remove(0).1 {
            let body = aquarium_ir::Expression { nodes, origins: Vec::new() };
            let charged = explain_expression(&body, &setting.slot(&volume, &total), 6).unwrap();
            let (price, tiers) = match &setting.price {
                Price::Flat(price) => (price.0.clone(), None),
                Price::Tiers(tiers) => (number("0").0, Some(tiers.clone())),
            };
            let expected = Oracle::new(POLICIES[policy], price, tiers, &volume, &total).charge(&tree);
            prop_assert_eq!(charged.evaluation.value, Rational(expected), "{} of {} after {}", &texts[1], volume, total);
        }
    }
}

proptest! {
    /// The proof at one price is scaled to others; nobody may see a difference.
    #[test]
    fn what_is_proven_at_one_price_is_what_would_be_proven_at_another(
        seed in any::<u64>(),
        depth in 0_u32..5,
        policy in 0_usize..3,
        prices in prop::collection::vec((-3_000_i64..3_000, 0_u32..14), 2..6),
    ) {
        let setting = setting(POLICIES[policy], false);
        let tree = Maker::new(seed, POLICIES[policy], false).charge(depth);
        let (syntax, _) = read(&print(&tree, Dialect::Symbols));
        let body = setting.body(&syntax);
        let mut prover = Prover::new(Cow::Borrowed(&body), Limits::of(&setting.resource), setting.precision);
        for (digits, places) in prices {
            let price = number(&format!("{digits}e-{places}"));
            let flat = Price::Flat(price.clone());
            let alone = Bounds::prove(&body.at(&flat), &setting.resource, setting.precision);
            if let Some(similar) = prover.similar(&price) {
                prop_assert!(alone.problems.is_empty());
                prop_assert_eq!(similar.bounds.monotone, alone.monotone);
                let credits = alone.credits.clone().unwrap();
                match similar.credits {
                    Some(scaled) => prop_assert_eq!(scaled, credits),
                    None => prop_assert!(credits.is_never_negative() && !credits.is_never_positive()),
                }
            }
            prop_assert_eq!(prover.at(&flat), alone);
        }
    }

    #[test]
    fn no_text_stops_the_check(words in prop::collection::vec(prop::sample::select(vec![
        "price", "{volume}", "total", "(", ")", "{", "}", "if", "then", "else", "end", "=>", "()", "=", ">", "return",
        "const", "x", ";", ",", "function", "+", "*", "/", "mod", "not", "and", "!", "5", "GB", "0", "?", ":", "min",
        "free", "round", "é",
    ]), 0..40)) {
        let (syntax, findings) = read(&words.join(" "));
        for setting in [Setting::discrete(), Setting::continuous().tiered()] {
            let checked = setting.check(&syntax);
            let told = !findings.is_empty() || !checked.errors.is_empty();
            prop_assert!(checked.compiles || told, "{}", syntax.source.text);
        }
    }
}

/// A slot of an amount, with its volume.
fn slot(cost_policy: CostPolicy, amount: u64, duration_millis: i64, total: u64) -> Slot {
    let amount = if cost_policy == CostPolicy::Onoff { I256::ZERO } else { I256::from(amount) };
    let volume = volume_of(cost_policy, amount, duration_millis);
    Slot { charge: ChargeId(0), volume, total: I256::from(total), amount, duration_millis }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_two_charges_of_an_amount_differ_by_more_than_their_slope(
        seed in any::<u64>(),
        depth in 0_u32..5,
        is_continuous in any::<bool>(),
        is_tiered in any::<bool>(),
        amount in 1_u64..1 << 40,
        (one, other) in (0_i64..40_000_000, 0_i64..40_000_000),
        (before_one, before_other) in (0_u64..1 << 50, 0_u64..1 << 50),
        (closer, closer_before) in (0_u32..26, 0_u32..50),
    ) {
        let cost_policy = if is_continuous { CostPolicy::Continuous } else { CostPolicy::Onoff };
        let setting = setting(cost_policy, is_tiered);
        let tree = Maker::new(seed, cost_policy, is_tiered).charge(depth);
        let (syntax, _) = read(&print(&tree, Dialect::Symbols));
        let body = setting.body(&syntax).at(&setting.price);
        let limits = Limits::of(&setting.resource);
        if let Some(slope) = Slope::within(&body, limits, setting.precision) {
            let other = one + (other - one) / (1 << closer);
            let apart = (before_other.cast_signed() - before_one.cast_signed()) / (1 << closer_before);
            let before_other = before_one.saturating_add_signed(apart);
            let one = slot(cost_policy, amount, one, before_one);
            let other = slot(cost_policy, amount, other, before_other);
            let charged = |slot: &Slot| explain_expression(&body, slot, setting.precision).unwrap().evaluation.credits;
            let differ = (charged(&one) - charged(&other)).to_rational().0.abs();
            let sum = |weights: &Weights, [volume, total, duration]: [I256; 3]| {
                let part = |weight: &Rational, raw: I256| &weight.0 * BigRational::from_integer(unlimited(raw));
                part(&weights.volume, volume) + part(&weights.total, total) + part(&weights.duration, duration)
            };
            let extent = |slot: &Slot| [slot.volume, slot.total, I256::from(slot.duration_millis)];
            let (one_extent, other_extent) = (extent(&one), extent(&other));
            let leaps = |boundary: &Boundary| {
                let side = |extent| sum(&boundary.weights, extent).cmp(&boundary.at.0);
                side(one_extent) != side(other_extent)
            };
            if slope.boundaries.iter().any(leaps) {
                return Ok(());
            }
            let apart = [0, 1, 2].map(|part| (one_extent[part] - other_extent[part]).abs());
            let most = sum(&slope.weights, apart) + &slope.rounding.0;
            prop_assert!(differ <= most, "{}: {one:?} {other:?}", &syntax.source.text);
        }
    }
}

#[test]
fn most_random_expressions_have_a_slope() {
    let has_slope = |seed: u64| {
        let tree = Maker::new(seed, CostPolicy::Continuous, false).charge(2);
        let setting = setting(CostPolicy::Continuous, false);
        let (syntax, _) = read(&print(&tree, Dialect::Symbols));
        let body = setting.body(&syntax).at(&setting.price);
        Slope::within(&body, Limits::of(&setting.resource), setting.precision).is_some()
    };
    let with_slope = (0..300).filter(|seed| has_slope(*seed)).count();
    assert!((200..300).contains(&with_slope), "{with_slope}");
}

#[test]
fn most_random_expressions_can_be_compiled() {
    let compiled = (0..300_u64).filter(|seed| {
        let cost_policy = POLICIES[(seed % 3) as usize];
        let tree = Maker::new(*seed, cost_policy, false).charge(4);
        setting(cost_policy, false).check(&read(&print(&tree, Dialect::Symbols)).0).compiles
    });
    assert!(compiled.count() > 200);
}

#[test]
fn long_and_deep_expressions_stay_within_the_stack() {
    let setting = Setting::discrete();
    let long = format!("price * (volume{})", " + volume".repeat(240));
    let deep = format!("price * {}volume{}", "abs(".repeat(95), ")".repeat(95));
    let negated = format!("price * volume{}", " * -volume / volume".repeat(80));
    for (text, compiles) in [(&long, true), (&deep, true), (&negated, false)] {
        assert_eq!(setting.check(&read(text).0).compiles, compiles, "{text}");
    }
}
