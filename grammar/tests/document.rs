//! The document model: layouts of items, comments, and the way back from what a text says to where it is written.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::string_slice, reason = "tests cut texts")]

use aquarium_grammar::document::{Placement, Scalar, Style, Value, items};
use aquarium_grammar::{ErrorKind, Limits, parse, parse_bytes};

/// What the items of the section `s` say, one text each.
fn layout(text: &str) -> Vec<String> {
    let parse = parse(text);
    assert_eq!(parse.errors(), &[], "{text}");
    let section = parse.document().root.get("s").unwrap();
    items(section, "w")
        .into_iter()
        .map(|item| {
            let entries = item
                .entries()
                .map(|entry| format!("{}={}", entry.key.text(), entry.value.text().unwrap_or("?")));
            let wrapper = if item.wrapper.is_some() { "w " } else { "" };
            let instead = if item.instead_of_keys().is_some() { "instead " } else { "" };
            format!("{wrapper}{instead}{}", entries.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

#[test]
fn all_layouts_of_items_mean_the_same() {
    for item in ["w:\n    a: 1\n    b: 2", "w:\n  a: 1\n  b: 2", "w: {a: 1, b: 2}"] {
        let indented = format!("s:\n- {item}\n- {item}\n");
        assert_eq!(layout(&indented), ["w a=1 b=2", "w a=1 b=2"], "{indented}");
    }
    assert_eq!(layout("s:\n  - a: 1\n    b: 2\n  - {a: 1}\n"), ["a=1 b=2", "a=1"]);
    assert_eq!(layout("s:\n  w:\n    a: 1\n"), ["w a=1"]);
    assert_eq!(layout("s:\n  w:\n  a: 1\n"), ["w a=1"]);
    assert_eq!(layout("s: {w: {a: 1}}\n"), ["w a=1"]);
    assert_eq!(layout("s: [{w: {a: 1}}, {a: 2}]\n"), ["w a=1", "a=2"]);
}

#[test]
fn items_without_keys_say_what_stands_there() {
    assert_eq!(layout("s:\n"), [""; 0]);
    assert_eq!(layout("s:\n  -\n  - x\n  - w: x\n  - w:\n"), ["instead ", "instead ", "w instead ", "w "]);
}

#[test]
fn a_name_with_overrides_is_both() {
    for text in
        ["p: d\n  x: 1\n", "p: \"d\" # c\n\n  # c\n  x: 1\n", "p:\n  d\n    x: 1\n", "p:\n  d\n  x: 1\n"]
    {
        let parse = parse(text);
        let Some(Value::Named(named)) = parse.document().root.get("p") else { panic!("{text}") };
        assert_eq!((named.name.text(), named.overrides.entries.len()), ("d", 1), "{text}");
        assert_eq!(parse.errors(), &[], "{text}");
    }
}

/// The text of key `k`, and where each of `parts` of it is written.
fn written(text: &str, parts: &[(&str, &str)]) -> Style {
    let parse = parse(text);
    let scalar: &Scalar = parse.document().root.get("k").unwrap().as_scalar().unwrap();
    for (part, expected) in parts {
        let start =
            scalar.text().find(part).unwrap_or_else(|| panic!("{part:?} is not in {:?}", scalar.text()));
        let span = scalar.source_span(start..start + part.len());
        assert_eq!(span.of(text), *expected, "{part:?} in {:?}", scalar.text());
        assert_eq!(scalar.text_offset(span.start), start);
    }
    scalar.style
}

#[test]
fn every_part_of_a_text_knows_where_it_is_written() {
    assert_eq!(written("k: a b\n", &[("b", "b"), ("a b", "a b")]), Style::Plain);
    assert_eq!(written("k: a\n  b c\n", &[("c", "c"), ("a b", "a\n  b")]), Style::Plain);
    assert_eq!(written("k: 'it''s b'\n", &[("b", "b"), ("'", "''"), ("it's", "it''s")]), Style::SingleQuoted);
    assert_eq!(
        written(
            "k: \"a\\tb \\u00e9 c\n  d\"\n",
            &[("b", "b"), ("é", "\\u00e9"), ("\t", "\\t"), ("c d", "c\n  d")]
        ),
        Style::DoubleQuoted
    );
    assert_eq!(
        written("k: |\n  if a\n    then b\n", &[("a", "a"), ("then", "then"), ("b\n", "b")]),
        Style::Literal
    );
    assert_eq!(
        written("k: >\n  a\n  b\n\n  c\n", &[("b", "b"), ("c", "c"), ("a b", "a\n  b")]),
        Style::Folded
    );
}

#[test]
fn the_end_of_a_text_is_where_it_ends() {
    for text in ["k: abc\n", "k: 'abc'\n", "k: \"a\\x62c\"\n", "k: |-\n  abc\n"] {
        let parse = parse(text);
        let scalar = parse.document().root.get("k").unwrap().as_scalar().unwrap();
        let end = scalar.source_offset(3) as usize;
        assert_eq!(text[..end].trim_end().chars().last(), Some('c'), "{text}");
    }
}

#[test]
fn comments_know_what_they_stand_above_or_beside() {
    let text = "# head\n\n# too\na:  # behind a\n  # above b\n  # and this\n  b: 1 # behind b\n  # above the item\n\n  c:\n    # of the list\n    - d: 2\n  # last\n";
    let parse = parse(text);
    let seen: Vec<(&str, String)> = parse
        .document()
        .comments
        .iter()
        .map(|comment| {
            let beside = match comment.placement {
                Placement::Trailing(line) => format!("line {:?}", line.of(text)),
                Placement::Head => "head".to_owned(),
                Placement::Above(target) => format!("above {:?}", target.of(text)),
                Placement::Last => "last".to_owned(),
            };
            (comment.text(text), beside)
        })
        .collect();
    let expected = [
        ("head", "head"),
        ("too", "head"),
        ("behind a", "line \"a:  # behind a\""),
        ("above b", "above \"b: 1\""),
        ("and this", "above \"b: 1\""),
        ("behind b", "line \"  b: 1 # behind b\""),
        ("above the item", "above \"c:\\n    # of the list\\n    - d: 2\""),
        ("of the list", "above \"- d: 2\""),
        ("last", "last"),
    ];
    assert_eq!(seen, expected.map(|(comment, beside)| (comment, beside.to_owned())));
}

#[test]
fn bytes_that_are_not_utf_8_keep_all_places() {
    let parse = parse_bytes(b"a: \xFF\xFEx\nb: y\n", Limits::default());
    assert_eq!(parse.text(), "a: \u{1A}\u{1A}x\nb: y\n");
    let errors: Vec<_> = parse.errors().iter().map(|error| (error.kind, error.span.range())).collect();
    assert_eq!(errors, [(ErrorKind::InvalidUtf8, 3..5)]);
    assert_eq!(parse.document().root.get("b").unwrap().text(), Some("y"));
}

/// What is said of commas that cut a text in brackets: the kind, the text, what the fix writes.
fn cut(text: &str) -> Vec<(ErrorKind, String, String)> {
    let parse = parse(text);
    let said = parse.errors().iter().map(|error| {
        let fix = error.fix.as_ref().unwrap();
        assert_eq!(fix.edits[0].span, error.span, "{text}");
        (error.kind, error.span.of(text).to_owned(), fix.edits[0].text.clone())
    });
    said.collect()
}

#[test]
fn a_comma_in_braces_does_not_silently_cut_a_number() {
    use ErrorKind::{SplitNumber, SplitText};
    let cases = [
        ("{a: 1,000}", SplitNumber, "1,000", "1000"),
        ("{a: 1,000, b: 2}", SplitNumber, "1,000", "1000"),
        ("{b: 2, a: -12,345,678}", SplitNumber, "-12,345,678", "-12345678"),
        ("{a: 1,000.5}", SplitNumber, "1,000.5", "1000.5"),
        ("{a: 1,000 GB}", SplitNumber, "1,000 GB", "1000 GB"),
        ("{a: 3 per 1,000,000 token}", SplitNumber, "3 per 1,000,000 token", "3 per 1000000 token"),
        ("{a: 1, 000}", SplitNumber, "1, 000", "1000"),
        ("{a: {upto: 10,000, price: 1}}", SplitNumber, "10,000", "10000"),
        ("{a: 0,5}", SplitNumber, "0,5", "0.5"),
        ("{a: 0 0 1,15 * *}", SplitText, "0 0 1,15 * *", "'0 0 1,15 * *'"),
        ("{a: 1,00,000}", SplitText, "1,00,000", "'1,00,000'"),
        ("[1,293,703,200,000, 5]", SplitNumber, "1,293,703,200,000", "1293703200000"),
    ];
    for (value, kind, written, fixed) in cases {
        let expected = vec![(kind, written.to_owned(), fixed.to_owned())];
        assert_eq!(cut(&format!("k: {value}\n")), expected, "{value}");
    }
}

#[test]
fn commas_that_separate_are_no_errors() {
    for value in [
        "{a: 1, b: 2}",
        "{a: 1,b: 2}",
        "{a: 1, 000: 2}",
        "{a: 1, 000:}",
        "{a: '1,000'}",
        "{a: 1, '000'}",
        "{a, 000}",
        "{a: b, 000}",
        "{a: 1, b}",
        "[1, 2]",
        "[1, 000]",
        "[2011-12-25,2011-12-26]",
        "[10,20]",
    ] {
        assert_eq!(cut(&format!("k: {value}\n")), [], "{value}");
    }
}
