//! Where a text is a policy and legal YAML too, the document equals what an independent YAML parser reads: all
//! scalars as texts, wrapper keys not yet read, a lone `{word}` excepted (it is an expression, and a mapping in YAML).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(clippy::string_slice, reason = "tests cut texts")]

mod support;

use aquarium_grammar::parse;
use proptest::prelude::*;
use saphyr_parser::{Event, Parser, ScalarStyle};
use support::{Tree, well_formed};

/// What the independent parser reads; `None` where the text is no YAML, or more than one document, or uses what
/// policies do not have.
fn yaml(text: &str) -> Option<Tree> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::Nothing => {}
            Event::Alias(_) => return None,
            event => events.push((event, span.is_empty())),
        }
    }
    let documents = events.iter().filter(|(event, _)| *event == Event::DocumentEnd).count();
    let mut events = events.into_iter().filter(|(event, _)| *event != Event::DocumentEnd).peekable();
    match documents {
        0 => Some(Tree::Nothing),
        1 => tree(&mut events),
        _ => None,
    }
}

fn tree<'i>(events: &mut impl Iterator<Item = (Event<'i>, bool)>) -> Option<Tree> {
    let (event, is_empty) = events.next()?;
    value(event, is_empty, events)
}

fn value<'i>(
    event: Event<'i>,
    is_empty: bool,
    events: &mut impl Iterator<Item = (Event<'i>, bool)>,
) -> Option<Tree> {
    match event {
        Event::Scalar(_, _, _, Some(_)) => None,
        Event::Scalar(text, style, ..) => {
            let is_nothing = (is_empty || text.is_empty()) && style == ScalarStyle::Plain;
            Some(if is_nothing { Tree::Nothing } else { Tree::Text(text.into_owned()) })
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match events.next()? {
                    (Event::SequenceEnd, _) => return Some(Tree::List(items)),
                    (event, is_empty) => items.push(value(event, is_empty, events)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                match events.next()? {
                    (Event::MappingEnd, _) => return Some(Tree::Map(entries)),
                    (Event::Scalar(key, ..), _) => entries.push((key.into_owned(), tree(events)?)),
                    _ => return None,
                }
            }
        }
        _ => None,
    }
}

/// Whether both parsers accept the text, after proving that they then agree.
fn agrees(text: &str) -> bool {
    let parse = parse(text);
    let Some(expected) = yaml(text) else { return false };
    if !parse.errors().is_empty() {
        return false;
    }
    let document = Tree::of(&parse.document().root);
    assert!(equal(&document, &expected), "in\n{text}\nours {document:?}\nYAML {expected:?}");
    true
}

fn equal(ours: &Tree, yaml: &Tree) -> bool {
    match (ours, yaml) {
        (Tree::Text(text), Tree::Map(entries)) => is_lone_word(text, entries),
        (Tree::Map(ours), Tree::Map(yaml)) => {
            ours.len() == yaml.len()
                && ours.iter().zip(yaml).all(|(ours, yaml)| ours.0 == yaml.0 && equal(&ours.1, &yaml.1))
        }
        (Tree::List(ours), Tree::List(yaml)) => {
            ours.len() == yaml.len() && ours.iter().zip(yaml).all(|(ours, yaml)| equal(ours, yaml))
        }
        _ => ours == yaml,
    }
}

fn is_lone_word(text: &str, entries: &[(String, Tree)]) -> bool {
    let word = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).map(str::trim);
    matches!(entries, [(key, Tree::Nothing)] if Some(key.as_str()) == word)
}

#[test]
fn corpus_files_that_are_yaml_read_the_same() {
    let legal: Vec<String> = well_formed()
        .into_iter()
        .filter(|(_, bytes)| agrees(std::str::from_utf8(bytes).unwrap()))
        .map(|(name, _)| name)
        .collect();
    for name in
        ["comments.aquarium", "flow.aquarium", "layouts.aquarium", "texts.aquarium", "unicode.aquarium"]
    {
        assert!(legal.iter().any(|legal| legal == name), "{name} is meant to be YAML too; {legal:?} are");
    }
}

#[test]
fn corpus_files_without_a_line_read_the_same_if_they_are_yaml() {
    let mut count = 0;
    for (_, bytes) in well_formed() {
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for index in 0..lines.len() {
            let without = [&lines[..index], &lines[index + 1..]].concat().concat();
            count += usize::from(agrees(&without));
            count += usize::from(agrees(&lines[..index].concat()));
        }
    }
    assert!(count > 200, "only {count} texts were legal in both");
}

/// Lines made of what policies are made of, in columns that mostly fit.
fn line() -> impl Strategy<Value = String> {
    let dashes = prop::sample::select(vec!["", "", "", "- ", "- - ", "-"]);
    let key = prop::sample::select(vec![
        "",
        "a: ",
        "b: ",
        "c:",
        "name: ",
        "'q''k': ",
        "\"d k\": ",
        "two words: ",
        "k : ",
        "\"e\":",
        "x:y: ",
    ]);
    let text = prop::sample::select(vec![
        "",
        "",
        "x",
        "1",
        "0.10",
        "1e3",
        "~",
        "null",
        "true",
        "a b  c",
        "it's",
        "a#b",
        "a # b",
        "# c",
        "'s'",
        "''",
        "'it''s'",
        "\"d\"",
        "\"\"",
        "\"a\\tb\\u00e9\\\\\"",
        "\"a\\",
        "|",
        ">",
        "|-",
        ">+",
        "|2",
        "[a, b]",
        "[]",
        "{}",
        "{a: b, c}",
        "[a: b, {x: 'y'}]",
        "[a",
        "b]",
        "{a: 1,",
        "c: 2}",
        "{price}",
        "{price} times {volume}",
        "- 5",
        "-5",
        "? x",
        "?x",
        ": x",
        ":x",
        "http://x/y#z",
        "a:b",
        "--- a",
        "\"open",
        "close\"",
        "'open",
        "close'",
        "a\\b",
        "<<",
        "a, b",
        "a]b",
        "a \t b",
        "\t",
        "... a",
    ]);
    (0_usize..5, dashes, key, text)
        .prop_map(|(indent, dashes, key, text)| format!("{}{dashes}{key}{text}\n", "  ".repeat(indent)))
}

/// A value, and ways to write it.
fn written() -> impl Strategy<Value = Written> {
    let text = prop_oneof![
        "[a-z0-9.]{1,6}( [a-z0-9]{1,4}){0,3}",
        "[ -~é\n]{0,20}",
        Just(String::new()),
        Just("{price} times {volume}".to_owned()),
    ];
    let leaf = prop_oneof![
        9 => (text, any::<u8>()).prop_map(|(text, style)| Written::Text(text, style)),
        1 => Just(Written::Nothing),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let entries = prop::collection::btree_map("[a-z]{1,4}", inner.clone(), 1..4);
        prop_oneof![
            (entries, any::<bool>())
                .prop_map(|(entries, deep)| Written::Map(entries.into_iter().collect(), deep)),
            (prop::collection::vec(inner, 1..4), any::<bool>())
                .prop_map(|(items, deep)| Written::List(items, deep)),
        ]
    })
}

#[derive(Debug, Clone)]
enum Written {
    Nothing,
    Text(String, u8),
    Map(Vec<(String, Written)>, bool),
    List(Vec<Written>, bool),
}

impl Written {
    fn tree(&self) -> Tree {
        match self {
            Self::Nothing => Tree::Nothing,
            Self::Text(text, _) => Tree::Text(text.clone()),
            Self::Map(entries, _) => {
                Tree::Map(entries.iter().map(|(key, value)| (key.clone(), value.tree())).collect())
            }
            Self::List(items, _) => Tree::List(items.iter().map(Self::tree).collect()),
        }
    }

    /// Writes the value behind a key (`column` being the key's) or a dash.
    fn write(&self, column: usize, behind_dash: bool, out: &mut String) {
        match self {
            Self::Nothing => out.push('\n'),
            Self::Text(text, style) => write_text(text, *style, column, out),
            Self::Map(entries, deep) => {
                let inner = column + if *deep { 4 } else { 2 };
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.begin(index, inner, column, behind_dash, out);
                    out.push_str(&format!("{key}:"));
                    value.write(inner, false, out);
                }
            }
            Self::List(items, deep) => {
                let inner = column + if *deep || behind_dash { 2 } else { 0 };
                for (index, item) in items.iter().enumerate() {
                    self.begin(index, inner, column, behind_dash, out);
                    out.push('-');
                    item.write(inner, true, out);
                }
            }
        }
    }

    /// Goes to the column of a key or dash: the first one may stand behind a dash.
    fn begin(&self, index: usize, inner: usize, column: usize, behind_dash: bool, out: &mut String) {
        if index == 0 && behind_dash {
            out.push_str(&" ".repeat(inner - column - 1));
        } else {
            if index == 0 {
                out.push_str(if column.is_multiple_of(4) { "\n" } else { "   # a comment\n\n" });
            }
            out.push_str(&" ".repeat(inner));
        }
    }
}

fn write_text(text: &str, style: u8, column: usize, out: &mut String) {
    // Words with one space between: what a plain text may be broken at and comes back as.
    let is_simple = text
        .split(' ')
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'));
    let is_block =
        !text.is_empty() && !text.starts_with([' ', '\n']) && text.lines().all(|line| !line.is_empty());
    let indent = " ".repeat(column + 3);
    match style % 4 {
        0 if is_simple => out.push_str(&format!(" {}\n", text.replacen(' ', &format!("\n{indent}"), 1))),
        1 if is_block => {
            let lines: String = text.lines().map(|line| format!("{indent}{line}\n")).collect();
            out.push_str(&format!(" |{}\n{lines}", if text.ends_with('\n') { "" } else { "-" }));
        }
        2 if !text.contains('\n') => out.push_str(&format!(" '{}'   # quoted\n", text.replace('\'', "''"))),
        _ => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            out.push_str(&format!(" \"{escaped}\"\n"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_lines_read_the_same_if_they_are_yaml(lines in prop::collection::vec(line(), 1..8)) {
        agrees(&lines.concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_values_read_as_what_was_written(value in written()) {
        let mut text = "root:".to_owned();
        value.write(0, false, &mut text);
        let parse = parse(&text);
        prop_assert_eq!(parse.errors(), &[], "{}", text);
        let expected = Tree::Map(vec![("root".to_owned(), value.tree())]);
        prop_assert_eq!(Tree::of(&parse.document().root), expected, "{}", &text);
        prop_assert!(agrees(&text), "is no YAML: {}", text);
    }
}
