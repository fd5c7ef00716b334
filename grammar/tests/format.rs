//! Formatting changes the layout and nothing else, and formatting twice changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use aquarium_grammar::format::format;
use aquarium_grammar::{Parse, parse};
use proptest::prelude::*;
use support::{Tree, well_formed};

fn comments(parse: &Parse) -> Vec<String> {
    parse.document().comments.iter().map(|comment| comment.text(parse.text()).to_owned()).collect()
}

/// What formatting makes of a text, after proving what holds for every text.
fn formatted(text: &str) -> String {
    let before = parse(text);
    let formatted = format(&before).expect("the text has no errors");
    let after = parse(&formatted);
    assert_eq!(after.errors(), &[], "{formatted}");
    assert_eq!(Tree::of(&after.document().root), Tree::of(&before.document().root), "{formatted}");
    assert_eq!(comments(&after), comments(&before), "{formatted}");
    assert_eq!(format(&after).unwrap(), formatted, "formatting twice differs");
    formatted
}

#[test]
fn files_of_the_corpus_keep_their_meaning_and_comments() {
    for (_, bytes) in well_formed() {
        formatted(std::str::from_utf8(&bytes).unwrap());
    }
}

#[test]
fn every_prefix_without_errors_keeps_its_meaning() {
    for (_, bytes) in well_formed() {
        let text = String::from_utf8(bytes).unwrap();
        let prefixes = text.char_indices().filter_map(|(end, _)| text.get(..end));
        for prefix in prefixes.filter(|prefix| parse(prefix).errors().is_empty()) {
            formatted(prefix);
        }
    }
}

/// What a mutation puts into a file.
const PIECES: &[&str] = &[
    "", "\n", "\n\n", " ", "    ", "- ", ": ", "# c\n", "  # c\n", "'", "\"", "|\n", ">+\n", "{", "}", "[",
    "]", ",", "k: v\n", "k:\n", "|2\n", "\r\n", "{price}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_without_errors_keep_their_meaning(
        file in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        length in 0_usize..8,
        piece in prop::sample::select(PIECES),
    ) {
        let files = well_formed();
        let mut text = String::from_utf8(file.get(&files).1.clone()).unwrap();
        let start = text.floor_char_boundary(place.index(text.len() + 1));
        let end = text.floor_char_boundary((start + length).min(text.len()));
        text.replace_range(start..end, piece);
        if parse(&text).errors().is_empty() {
            formatted(&text);
        }
    }

    #[test]
    fn soups_without_errors_keep_their_meaning(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
        let text = format!("a: x\n{}", pieces.concat());
        if parse(&text).errors().is_empty() {
            formatted(&text);
        }
    }
}

#[test]
fn layouts_become_canonical() {
    let text = "\n\na :   1   # one\n\n\n\nb:\n- x:  {p:1 , q: [ 1,2 ]}\n-   y: |\n         t\n           u\n# c\nd: e\n     f\n";
    let expected =
        "a: 1  # one\n\nb:\n  - x: {p:1, q: [1, 2]}\n  - y: |\n      t\n        u\n# c\nd: e\n  f\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn texts_with_errors_are_left_alone() {
    assert_eq!(format(&parse("a: [b\n")), None);
}
