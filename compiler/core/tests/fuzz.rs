//! What the fuzz targets demand of every input, from a seeded mutator over the corpus: a bounded number of cases.
//!
//! `AQUARIUM_FUZZ_CASES` sets the number for each target, `AQUARIUM_FUZZ_SEED` where they begin.

#![allow(
    clippy::disallowed_methods,
    reason = "the texts of the test are files, its options come from the environment"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own, too")]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use aquarium_compiler::items::EntryValue;
use aquarium_compiler::{SourceFile, analyze};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A few seconds' worth for each target.
const CASES: u64 = 20_000;

/// What a mutation puts into a text.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "    ",
    "\t",
    "- ",
    ": ",
    ":",
    "? ",
    "# ",
    "'",
    "\"",
    "\\",
    "|\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "---\n",
    "&a",
    "*",
    "!t",
    "\r\n",
    "\u{A0}",
    "\u{FEFF}",
    "\0",
    "{price}",
    "é",
    "\u{1F41F}",
    "extends: default\n",
    "effective:\n",
    "(",
    ")",
    " times ",
    " / ",
    "if ",
    " then ",
    " else ",
    " end",
    "0",
    "1e18",
    "-",
    "total",
    " GiB",
    " per ",
    "=>",
    "const x = 1;",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Every file of the corpus.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
    let folders =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut paths: Vec<_> = files.collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Every expression of the corpus.
fn expressions() -> Vec<Vec<u8>> {
    let read = |bytes| analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes }]).items.entries;
    let text = |value| match value {
        EntryValue::Expression(syntax) => Some(syntax.source.text.as_bytes().to_vec()),
        _ => None,
    };
    corpus().into_iter().flat_map(read).filter_map(|entry| text(entry.value)).collect()
}

/// Takes parts out of a text, doubles them, exchanges them for those of others, puts pieces in, changes bytes.
fn mutate(random: &mut ChaCha8Rng, text: &mut Vec<u8>, others: &[Vec<u8>]) {
    let start = random.random_range(0..=text.len());
    let end = (start + random.random_range(0..20)).min(text.len());
    let new: Vec<u8> = match random.random_range(0..5) {
        0 => Vec::new(),
        1 => text[start..end].repeat(2),
        2 => {
            let other = others.choose(random).unwrap();
            part(random, other)
        }
        3 => (0..end - start).map(|_| random.random()).collect(),
        _ => PIECES.choose(random).unwrap().as_bytes().to_vec(),
    };
    text.splice(start..end, new);
}

fn part(random: &mut ChaCha8Rng, text: &[u8]) -> Vec<u8> {
    let start = random.random_range(0..=text.len());
    text[start..(start + random.random_range(0..200)).min(text.len())].to_vec()
}

/// Runs a target over mutated texts; the text that it fails on is told.
fn run(target: fn(&[u8]), texts: &[Vec<u8>]) {
    let first = setting("AQUARIUM_FUZZ_SEED", 1);
    for seed in first..first + setting("AQUARIUM_FUZZ_CASES", CASES) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut text = texts.choose(&mut random).unwrap().clone();
        for _ in 0..random.random_range(1..6) {
            mutate(&mut random, &mut text, texts);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&text)));
        assert!(outcome.is_ok(), "AQUARIUM_FUZZ_SEED={seed}: {}", text.escape_ascii());
    }
}

#[test]
fn mutated_files_are_parsed() {
    run(targets::document, &corpus());
}

#[test]
fn mutated_expressions_are_parsed() {
    run(targets::expression, &expressions());
}

#[test]
fn mutated_policies_are_checked() {
    run(targets::check, &corpus());
}
