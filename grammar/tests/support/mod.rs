//! What the tests of the document layer share: the corpus, and trees without places.

#![allow(clippy::disallowed_methods, reason = "the texts of the test are files")]

use std::fs;
use std::path::PathBuf;

use aquarium_grammar::document::{Mapping, Value};
use aquarium_grammar::{Limits, Parse, parse_bytes};

/// The files of `tests/corpus/<folder>`, sorted by name.
pub fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(folder);
    let mut files: Vec<_> = fs::read_dir(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "aquarium"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in {}", path.display());
    files
}

/// The files without syntax errors.
pub fn well_formed() -> Vec<(String, Vec<u8>)> {
    [corpus("valid"), corpus("surface")].concat()
}

/// All files of the corpus.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub fn whole_corpus() -> Vec<(String, Vec<u8>)> {
    [well_formed(), corpus("broken"), corpus("codes"), corpus("mistakes"), corpus("fixes")].concat()
}

/// Reads bytes and proves what holds for every input: the tree prints back, all places are inside the text, and
/// the errors are sorted.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub fn parse_checked(bytes: &[u8]) -> Parse {
    let parse = parse_bytes(bytes, Limits::default());
    let text = parse.text();
    assert_eq!(text.len(), bytes.len());
    assert_eq!(parse.syntax().to_string(), text, "the tree does not print back");
    for error in parse.errors() {
        let fixed = error.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        let places = fixed.chain([error.span]).chain(error.secondary.iter().map(|(span, _)| *span));
        for span in places {
            assert!(text.get(span.range()).is_some(), "{error:?} points outside of the text {text:?}");
        }
    }
    assert!(parse.errors().is_sorted_by_key(|error| error.span.start));
    check_places(&parse.document().root, text);
    parse
}

fn check_places(value: &Value, text: &str) {
    assert!(text.get(value.span().range()).is_some(), "{value:?} is outside of the text {text:?}");
    match value {
        Value::Missing(_) | Value::Broken(_) => {}
        Value::Scalar(scalar) => {
            for (offset, _) in scalar.text().char_indices().take(50) {
                let source = scalar.source_offset(offset);
                assert!(scalar.span.touches(source), "{scalar:?} at {offset}");
            }
        }
        Value::Named(named) => {
            named.overrides.entries.iter().for_each(|entry| check_places(&entry.value, text));
        }
        Value::Mapping(mapping) => {
            mapping.entries.iter().for_each(|entry| check_places(&entry.value, text));
        }
        Value::Sequence(sequence) => sequence.items.iter().for_each(|item| check_places(item, text)),
    }
}

/// A value without places.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "not every test file uses every helper")]
pub enum Tree {
    Nothing,
    Text(String),
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    /// A name with overrides, which no YAML parser reads.
    Named(String, Box<Tree>),
    Broken,
}

impl Tree {
    #[allow(dead_code, reason = "not every test file uses every helper")]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Missing(_) => Self::Nothing,
            Value::Scalar(scalar) => Self::Text(scalar.text().to_owned()),
            Value::Mapping(mapping) => {
                let entries = mapping.entries.iter();
                Self::Map(
                    entries.map(|entry| (entry.key.text().to_owned(), Self::of(&entry.value))).collect(),
                )
            }
            Value::Sequence(sequence) => Self::List(sequence.items.iter().map(Self::of).collect()),
            Value::Named(named) => {
                Self::Named(named.name.text().to_owned(), Box::new(Self::map(&named.overrides)))
            }
            Value::Broken(_) => Self::Broken,
        }
    }

    #[allow(dead_code, reason = "not every test file uses every helper")]
    fn map(mapping: &Mapping) -> Self {
        let entries = mapping.entries.iter();
        Self::Map(entries.map(|entry| (entry.key.text().to_owned(), Self::of(&entry.value))).collect())
    }
}
