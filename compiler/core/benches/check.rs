//! How long the check of a policy takes (parsed, resolved, typed and proven), and its way to a module.
//!
//! `cargo bench --workspace --bench check` measures the release profile, `--profile dev` what the tests and the
//! README's commands run.
//! Aims, on one core: check 1,000 items in 50 ms and 10,000 in 1 s, in 30 times the memory of the source; compile
//! 1,000 items in 150 ms. The time for ten times as many items is ten times as long, so read the rows as a plot:
//! what grows faster than its size shows. Memory at its most is in the `max alloc` rows. `cargo xtask bench --only compiler` times
//! the whole program, as it is released, and draws the plot.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark stops when it cannot begin")]

use std::fmt::Write;

use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use divan::{Bencher, black_box};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

fn quickstart() -> SourceFile {
    let text = include_bytes!("../../../examples/quickstart/policy.aquarium.yaml");
    SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: text.to_vec() }
}

/// How many resources every generated policy has.
const RESOURCES: usize = 10;

/// A policy of so many items and nine times as many lines: one in eleven an algorithm, nearly half of them
/// price lists, half of them agreements that bring the two together.
fn generated(items: usize) -> SourceFile {
    let (algorithms, price_lists) = (items / 11, items * 2 / 5);
    let agreements = items - RESOURCES - algorithms - price_lists - 1;
    let mut text = "aquariumpolicy:\n  resources:\n".to_owned();
    for resource in 0..RESOURCES {
        let (unit, cost_policy) =
            [("GB", "discrete"), ("hr", "onoff"), ("GB*hr", "continuous")][resource % 3];
        writeln!(text, "    - name: r{resource}\n      unit: {unit}\n      costpolicy: {cost_policy}")
            .unwrap();
    }
    text.push_str("  algorithms:\n");
    (0..algorithms).for_each(|algorithm| write_algorithm(&mut text, algorithm));
    text.push_str("  pricelists:\n");
    (0..price_lists).for_each(|price_list| write_price_list(&mut text, price_list));
    text.push_str("  creditplans:\n    - name: monthly\n      credits: 100\n      at: \"00 00 1 * *\"\n");
    text.push_str("  agreements:\n");
    for agreement in 0..agreements {
        let (algorithm, price_list) = (agreement % algorithms, agreement % price_lists);
        writeln!(text, "    - agreement:\n        name: a{agreement}\n        algorithm: l{algorithm}")
            .unwrap();
        writeln!(text, "        pricelist: p{price_list}\n        creditplan: monthly").unwrap();
        writeln!(text, "        threshold: -{agreement}\n").unwrap();
    }
    text.push_str("  roles:\n    \"*\": a0\n");
    SourceFile { path: "generated.aquarium".to_owned(), bytes: text.into_bytes() }
}

fn write_algorithm(text: &mut String, algorithm: usize) {
    writeln!(text, "    - algorithm:\n        name: l{algorithm}").unwrap();
    for resource in 0..RESOURCES {
        let free = algorithm + resource;
        let expression = match (algorithm + resource) % 4 {
            0 => "{price} times {volume}".to_owned(),
            1 => format!("price * volume * 1.{free:03}"),
            2 => format!("if $total gt {free} then $volume times $price else 0 end"),
            _ => format!("total > {free} ? volume * price : max(0, total + volume - {free}) * price"),
        };
        writeln!(text, "        r{resource}: {expression}").unwrap();
    }
}

fn write_price_list(text: &mut String, price_list: usize) {
    writeln!(text, "    - pricelist:\n        name: p{price_list}").unwrap();
    for resource in 0..RESOURCES {
        writeln!(text, "        r{resource}: 0.{:04}", 1 + (price_list * RESOURCES + resource) % 9999)
            .unwrap();
    }
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn check_quickstart(bencher: Bencher<'_, '_>) {
    let file = quickstart();
    bencher.bench_local(|| analyze(black_box(vec![file.clone()])));
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5, sample_size = 1)]
fn check_items(bencher: Bencher<'_, '_>, items: usize) {
    let file = generated(items);
    assert!(analyze(vec![file.clone()]).compiles(), "the generated policy is sound");
    bencher.bench_local(|| analyze(black_box(vec![file.clone()])));
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5, sample_size = 1)]
fn emit_items(bencher: Bencher<'_, '_>, items: usize) {
    let policy = analyze(vec![generated(items)]).into_policy().unwrap();
    bencher.bench_local(|| emit(black_box(&policy), EmitOptions::default()).unwrap());
}

/// From bytes to bytes, as `aquariumc compile` does it.
#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5, sample_size = 1)]
fn compile_items(bencher: Bencher<'_, '_>, items: usize) {
    let file = generated(items);
    bencher.bench_local(|| {
        let policy = analyze(black_box(vec![file.clone()])).into_policy().unwrap();
        emit(&policy, EmitOptions::default()).unwrap()
    });
}
