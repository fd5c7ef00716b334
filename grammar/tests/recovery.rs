//! Every input yields a tree that prints back to the same text, without panic and in bounded time.

#![allow(clippy::disallowed_methods, reason = "the texts of the test are files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(clippy::string_slice, reason = "tests cut texts")]

mod support;

use std::time::{Duration, Instant};

use aquarium_grammar::document::{Value, items};
use aquarium_grammar::{ErrorKind, Limits, parse, parse_bytes, parse_with};
use proptest::prelude::*;
use support::{parse_checked, whole_corpus};

fn texts() -> impl Iterator<Item = Vec<u8>> {
    whole_corpus().into_iter().map(|(_, bytes)| bytes)
}

#[test]
fn valid_files_have_no_errors_and_broken_files_have() {
    for (name, bytes) in support::well_formed() {
        assert_eq!(parse_checked(&bytes).errors(), &[], "{name}");
    }
    for (name, bytes) in support::corpus("broken") {
        assert!(!parse_checked(&bytes).errors().is_empty(), "{name}");
    }
}

#[test]
fn every_prefix_and_suffix_is_read() {
    for bytes in texts() {
        for end in 0..bytes.len() {
            parse_checked(&bytes[..end]);
            parse_checked(&bytes[end..]);
        }
    }
}

#[test]
fn every_file_without_one_line_is_read() {
    for bytes in texts() {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for index in 0..lines.len() {
            parse_checked(&[&lines[..index], &lines[index + 1..]].concat().concat());
        }
    }
}

#[test]
fn every_file_without_one_token_is_read() {
    for bytes in texts() {
        let parse = parse_bytes(&bytes, Limits::default());
        for token in parse.syntax().descendants_with_tokens().filter_map(|element| element.into_token()) {
            let range = std::ops::Range::<usize>::from(token.text_range());
            parse_checked(&[&bytes[..range.start], &bytes[range.end..]].concat());
        }
    }
}

/// What a mutation puts into a file.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "  ",
    "\t",
    "- ",
    ": ",
    ":",
    "? ",
    "# ",
    "'",
    "\"",
    "\\",
    "|",
    ">",
    "{",
    "}",
    "[",
    "]",
    ",",
    "---\n",
    "...\n",
    "%",
    "&a",
    "*a",
    "!t",
    "<<: ",
    "key: ",
    "\r",
    "\r\n",
    "\u{A0}",
    "\u{FEFF}",
    "\0",
    "{price}",
    "é",
    "\u{1F41F}",
];

fn mutation() -> impl Strategy<Value = (usize, usize, usize)> {
    (any::<usize>(), 0_usize..12, 0..PIECES.len() + 1)
}

/// Replaces some bytes at a place by a piece, or removes them.
fn mutate(bytes: &mut Vec<u8>, (place, length, piece): (usize, usize, usize)) {
    let start = place % (bytes.len() + 1);
    let end = (start + length).min(bytes.len());
    let piece = PIECES.get(piece).copied().unwrap_or_default();
    bytes.splice(start..end, piece.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_are_read(file in any::<prop::sample::Index>(), mutations in prop::collection::vec(mutation(), 1..20)) {
        let corpus = whole_corpus();
        let mut bytes = file.get(&corpus).1.clone();
        mutations.into_iter().for_each(|mutation| mutate(&mut bytes, mutation));
        parse_checked(&bytes);
    }

    #[test]
    fn soups_of_pieces_are_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        parse_checked(pieces.concat().as_bytes());
    }
}

// Sizes.

/// A generous limit: what is quadratic takes minutes.
const SOON: Duration = Duration::from_secs(20);

fn parse_soon(text: &str) {
    let start = Instant::now();
    let parse = parse(text);
    assert!(start.elapsed() < SOON, "{:?} for {} bytes", start.elapsed(), text.len());
    assert_eq!(parse.syntax().text().len(), u32::try_from(text.len()).unwrap().into());
}

#[test]
fn ten_thousand_levels_are_one_error() {
    let deep = [
        format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("a: {}", "[".repeat(10_000)),
        format!("a: {}", "{a: ".repeat(10_000)),
        format!("a:\n  {}x", "- ".repeat(10_000)),
        (0..3_000).map(|level| format!("{}k:\n", " ".repeat(level))).collect(),
        (0..3_000).map(|level| format!("{}k: v\n", " ".repeat(level))).collect(),
    ];
    for text in deep {
        let parse = parse_checked(text.as_bytes());
        let count = parse.errors().iter().filter(|error| error.kind == ErrorKind::TooDeep).count();
        assert_eq!(count, 1, "{:.40}", text);
    }
}

#[test]
fn a_hundred_levels_are_fine() {
    let text = format!("a: {}{}", "[".repeat(99), "]".repeat(99));
    assert_eq!(parse(&text).errors(), &[]);
    assert_eq!(parse(&format!("a: [{}]", &text[3..])).errors().len(), 1);
}

#[test]
fn large_texts_take_linear_time() {
    const MEGABYTE: usize = 1 << 20;
    parse_soon(&format!("a: {}", "x".repeat(MEGABYTE)));
    parse_soon(&format!("a: \"{}", "\\\"\n  ".repeat(MEGABYTE / 5)));
    parse_soon(&format!("a: |\n{}", "  price *\n".repeat(MEGABYTE / 10)));
    parse_soon(&format!("a: x\n{}", "  price *\n".repeat(MEGABYTE / 10)));
    parse_soon(&"\0".repeat(MEGABYTE));
    parse_soon(&"a\0".repeat(MEGABYTE / 2));
    parse_soon(&"\n".repeat(MEGABYTE));
    parse_soon(&"# c\n".repeat(MEGABYTE / 4));
    parse_soon(&"- \n".repeat(MEGABYTE / 3));
    parse_soon(&"- - \n\n".repeat(MEGABYTE / 6));
    parse_soon(&"\"a\": 'b\n".repeat(MEGABYTE / 9));
    parse_soon(&"x\n".repeat(MEGABYTE / 2));
    parse_soon(&"a: {price\n".repeat(MEGABYTE / 10));
    parse_soon(&"a: [b, \n".repeat(MEGABYTE / 8));
    parse_soon(&format!("a: [{}", "'b, \"c', \n ".repeat(MEGABYTE / 12)));
    parse_soon(&" \t\u{A0}".repeat(MEGABYTE / 4));
    parse_soon(&(0..MEGABYTE / 12).map(|n| format!("k{n}: v\n")).collect::<String>());
    parse_soon(&format!("a: {{{}}}", (0..MEGABYTE / 12).map(|n| format!("k{n}: v,")).collect::<String>()));
}

#[test]
fn ten_megabytes_of_policy_are_read_soon() {
    let item = "    - resource:\n        name: vmtime\n        unit: hr   # hours\n        e: {price} times {volume}\n";
    let text = format!("aquariumpolicy:\n  resources:\n{}", item.repeat((10 << 20) / item.len()));
    parse_soon(&text);
}

#[test]
fn a_file_over_the_limit_is_not_looked_at() {
    let limits = Limits { file_bytes_max: 10, ..Limits::default() };
    let parse = parse_with("a: [[[[[[[[[", limits);
    assert_eq!(parse.errors().iter().map(|error| error.kind).collect::<Vec<_>>(), [ErrorKind::TooLarge]);
    assert_eq!(parse.syntax().to_string(), "a: [[[[[[[[[");
}

// What is understood of broken files.

fn names(text: &str) -> Vec<String> {
    let parse = parse(text);
    let policy = parse.document().root.get("aquariumpolicy").expect("the root is understood");
    let section = policy.get("resources").expect("the section is understood");
    items(section, "resource").iter().filter_map(|item| Some(item.get("name")?.text()?.to_owned())).collect()
}

#[test]
fn what_is_around_a_broken_line_is_understood() {
    let broken = [
        "unit hr",
        "\"unit: hr",
        "unit: \"hr",
        "unit: [hr",
        "unit: {a",
        "unit: hr]",
        "- unit",
        "&unit",
        "? unit",
        "unit:hr",
        "unit: 'hr' x",
        "unit: | x",
        "unit: {price} times {volume}",
        "unit: *x",
        "unit",
        "}",
    ];
    for line in broken {
        let text = format!(
            "aquariumpolicy:\n  resources:\n    - resource:\n        name: a\n        {line}\n        costpolicy: onoff\n    - name: b\n"
        );
        assert_eq!(names(&text), ["a", "b"], "{text}");
    }
}

#[test]
fn missing_colons_do_not_hide_what_is_below() {
    let text =
        "aquariumpolicy\n  resources\n    - resource:\n        name: a\n    - resource:\n      name:b\n";
    let kinds: Vec<ErrorKind> = parse(text).errors().iter().map(|error| error.kind).collect();
    assert_eq!(names(text), ["a", "b"]);
    assert_eq!(kinds, [ErrorKind::MissingColon, ErrorKind::MissingColon, ErrorKind::MissingBlank]);
}

#[test]
fn broken_values_are_not_missing() {
    let parse = parse("a: *x\nb:\nc: {{{}}: 1}\n");
    let root = &parse.document().root;
    assert!(matches!(root.get("a"), Some(Value::Broken(_))));
    assert!(matches!(root.get("b"), Some(Value::Missing(_))));
}

#[test]
fn every_fix_that_is_offered_removes_its_error() {
    for (name, bytes) in whole_corpus() {
        let parse = parse_bytes(&bytes, Limits::default());
        for error in parse.errors() {
            let Some(fix) = &error.fix else { continue };
            let mut text = parse.text().to_owned();
            for edit in &fix.edits {
                text.replace_range(edit.span.range(), &edit.text);
            }
            let place = fix.edits[0].span.start;
            let is_there = parse_bytes(text.as_bytes(), Limits::default())
                .errors()
                .iter()
                .any(|left| left.kind == error.kind && left.span.start == place);
            assert!(!is_there, "{name}: {} stays after `{}`", error.message, fix.title);
        }
    }
}
