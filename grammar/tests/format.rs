//! Formatting changes the layout and nothing else, and formatting twice changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use aquarium_grammar::format::{format, is_faithful};
use aquarium_grammar::{Parse, parse};
use proptest::prelude::*;
use support::well_formed;

fn comments(parse: &Parse) -> Vec<String> {
    parse.document().comments.iter().map(|comment| comment.text(parse.text()).to_owned()).collect()
}

/// What formatting makes of a text, after proving what holds for every text.
fn formatted(text: &str) -> String {
    let before = parse(text);
    let formatted = format(&before).expect("the text has no errors");
    let after = parse(&formatted);
    assert_eq!(after.errors(), &[], "{formatted}");
    assert!(is_faithful(&before, &after), "{text}\nbecame\n{formatted}");
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
    "",
    "\n",
    "\n\n",
    " ",
    "    ",
    "- ",
    ": ",
    "# c\n",
    "  # c\n",
    "'",
    "\"",
    "|\n",
    ">+\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "k: v\n",
    "k:\n",
    "|2\n",
    "\r\n",
    "{price}",
    "repeat:\n",
    "every:\n",
    "-\n",
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
fn every_layout_of_an_item_becomes_one() {
    let layouts = [
        "resources:\n- resource:\n  name: a\n  unit: MB\n",
        "resources:\n  - resource:\n      name: a\n      unit: MB\n",
        "resources:\n    -\n        resource:\n        name:   a\n        unit: MB\n\n\n",
        "resources:\r\n  - resource: \r\n    name: a \r\n    unit: MB",
    ];
    for layout in layouts {
        assert_eq!(
            formatted(layout),
            "resources:\n  - resource:\n      name: a\n      unit: MB\n",
            "{layout}"
        );
    }
}

#[test]
fn keys_without_value_that_wrap_nothing_stay_beside_their_neighbours() {
    for text in ["agreements:\n  - pricelist:\n    algorithm: default\n", "x:\n  - resource:\n    name: a\n"]
    {
        assert_eq!(formatted(text), text);
    }
}

#[test]
fn comments_of_items_move_with_their_keys() {
    let text =
        "resources:\n- resource: # behind\n  # above\n  name: a\n\n  # of a\n- # of the dash\n  name: b\n";
    let expected = "resources:\n  - resource:  # behind\n      # above\n      name: a\n\n      # of a\n  -  # of the dash\n    name: b\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn comments_stay_with_the_keys_that_they_stand_under() {
    let text = "a:\n- b: 1\n  # c: 2\n\n# - b: 3\nd:\n    e: 1\n    # f: 2\n\n  # g\n# h\n";
    let expected = "a:\n  - b: 1\n    # c: 2\n\n# - b: 3\nd:\n  e: 1\n  # f: 2\n\n# g\n# h\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn brackets_over_several_lines_hang_from_their_key() {
    let text = "a: [ {b: c,\n d: e}, f,\n  [g,\n h\n ]\n ]\ni:\n - {j: k,\n    l: m\n   }\n";
    let expected = "a: [{b: c,\n  d: e}, f,\n  [g,\n    h\n  ]\n]\ni:\n  - {j: k,\n      l: m\n    }\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn other_texts_are_not_taken_for_the_same() {
    let differ =
        |left: &str, right: &str| assert!(!is_faithful(&parse(left), &parse(right)), "{left}{right}");
    differ("a: 1\n", "a: 2\n");
    differ("a: 1\nb: 2\n", "b: 2\na: 1\n");
    differ("a:\n  b: 1\n", "a: 1\nb:\n");
    differ("resources:\n- resource:\n  name: a\n", "resources:\n- name: a\n");
    differ("a: 1 # c\n", "# c\na: 1\n");
    differ("a: 1\n", "a: [1\n");
}

#[test]
fn texts_with_errors_are_left_alone() {
    assert_eq!(format(&parse("a: [b\n")), None);
}
