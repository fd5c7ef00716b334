//! `aquariumc fmt`: files as they are after it, and what it says.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aquarium_compiler::{SourceFile, analyze};
use tempfile::TempDir;

const UNTIDY: &str = "aquariumpolicy:\n    name:   x  # a name\n    resources:\n    - resource:\n      name: a\n      unit: MB\n      costpolicy: discrete\n";
const TIDY: &str = "aquariumpolicy:\n  name: x  # a name\n  resources:\n    - resource:\n        name: a\n        unit: MB\n        costpolicy: discrete\n";

fn fmt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aquariumc"))
        .arg("fmt")
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn read(directory: &TempDir, name: &str) -> String {
    std::fs::read_to_string(directory.path().join(name)).unwrap()
}

fn path(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn files_are_formatted_in_place_and_only_those_that_need_it() {
    let windows = format!("\u{feff}{}", UNTIDY.replace('\n', "\r\n").trim_end());
    let files =
        [("a.aquarium", UNTIDY), ("b.aquarium", TIDY), ("c.test.aquarium.yaml", UNTIDY), ("d.yaml", UNTIDY)];
    let directory = directory(&files);
    std::fs::write(directory.path().join("w.aquarium"), windows).unwrap();
    let output = fmt(&[directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    let formatted: Vec<&str> = ["a.aquarium", "b.aquarium", "c.test.aquarium.yaml", "d.yaml", "w.aquarium"]
        .into_iter()
        .filter(|name| said.contains(&path(&directory, name)))
        .collect();
    assert_eq!(formatted, ["a.aquarium", "c.test.aquarium.yaml", "w.aquarium"]);
    for name in ["a.aquarium", "b.aquarium", "c.test.aquarium.yaml", "w.aquarium"] {
        assert_eq!(read(&directory, name), TIDY, "{name}");
    }
    assert_eq!(read(&directory, "d.yaml"), UNTIDY);
    assert_eq!(fmt(&["--check", directory.path().to_str().unwrap()]).status.code(), Some(0));
}

#[test]
fn check_lists_and_diff_shows_without_changing_anything() {
    let directory = directory(&[("a.aquarium", UNTIDY), ("b.aquarium", TIDY)]);
    let folder = directory.path().to_str().unwrap();
    let checked = fmt(&["--check", folder]);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(text(&checked.stdout), format!("{}\n", path(&directory, "a.aquarium")));
    let shown = fmt(&["--diff", folder]);
    assert_eq!(shown.status.code(), Some(1));
    let difference = text(&shown.stdout);
    assert!(difference.starts_with("--- a/"), "{difference}");
    assert!(difference.contains("\n-    name:   x  # a name\n"), "{difference}");
    assert!(difference.contains("\n+  name: x  # a name\n"), "{difference}");
    assert!(!difference.contains("b.aquarium"), "{difference}");
    assert_eq!(read(&directory, "a.aquarium"), UNTIDY);
    assert_eq!(fmt(&["--check", "--diff", folder]).status.code(), Some(2));
}

#[test]
fn standard_input_goes_to_standard_output() {
    for (given, arguments, expected, code) in [
        (UNTIDY, &["-"][..], TIDY, 0),
        (TIDY, &["-"], TIDY, 0),
        (UNTIDY, &["--check", "-"], "<stdin>\n", 1),
        (TIDY, &["--check", "-"], "", 0),
        ("aquariumpolicy: [\n", &["-"], "", 1),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aquariumc"))
            .arg("fmt")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), (expected, Some(code)), "{given}");
    }
}

#[test]
fn what_cannot_be_formatted_is_left_alone_with_its_error() {
    let files = [
        ("a.aquarium", UNTIDY),
        ("bracket.aquarium", "aquariumpolicy:\n    roles: [\n"),
        ("prose.aquarium", "# Notes\nbuy   milk\n"),
        ("twice.aquarium", "aquariumpolicy:\n    name: a\n    name: b\n"),
    ];
    let directory = directory(&files);
    let output = fmt(&[directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for (name, place) in
        [("bracket.aquarium", ":2:12"), ("prose.aquarium", ":2:1"), ("twice.aquarium", ":3:5")]
    {
        assert!(said.contains(&format!("{}{place}", path(&directory, name))), "{name}: {said}");
    }
    for (name, before) in &files[1..] {
        assert_eq!(read(&directory, name), *before);
    }
    assert_eq!(read(&directory, "a.aquarium"), TIDY);
}

fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["tests/corpus/valid", "examples/quickstart", "compiler/cli/templates"];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        // `aquariumd up` keeps its data in the example, in a folder `.aquarium`.
        path.is_file() && name.contains(".aquarium") && !name.contains(".test.")
    });
    paths.sort();
    paths
}

/// The typed policy without the places of its source.
fn meaning(bytes: &[u8]) -> serde_json::Value {
    let file = SourceFile { path: "p.aquarium".to_owned(), bytes: bytes.to_vec() };
    let policy = analyze(vec![file]).into_policy().unwrap();
    let mut policy = serde_json::to_value(policy).unwrap();
    without_places(&mut policy);
    policy
}

fn without_places(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for place in ["source", "sources", "source_sha256", "span"] {
                fields.remove(place);
            }
            fields.values_mut().for_each(without_places);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_places),
        _ => {}
    }
}

#[test]
fn a_formatted_policy_compiles_to_the_same() {
    for policy in corpus() {
        let before = std::fs::read(&policy).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.aquarium");
        std::fs::write(&path, &before).unwrap();
        assert_eq!(fmt(&[path.to_str().unwrap()]).status.code(), Some(0));
        let after = std::fs::read(&path).unwrap();
        assert!(meaning(&after) == meaning(&before), "{} means something else", policy.display());
    }
}

#[test]
fn examples_and_templates_are_in_the_canonical_layout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in ["examples/quickstart", "compiler/cli/templates"] {
        let output = fmt(&["--diff", root.join(folder).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}
