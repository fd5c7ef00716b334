//! Files that are made of the program's own definitions are checked in as they would be made now.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The files below a folder, by path.
fn files(root: &Path, folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
        if root.join(&name).is_dir() {
            found.extend(files(root, &name));
        } else {
            found.insert(name.clone(), std::fs::read_to_string(root.join(&name)).unwrap());
        }
    }
    found
}

#[test]
fn every_generated_file_is_current() {
    let directory = tempfile::tempdir().unwrap();
    let generated =
        Command::new(env!("CARGO_BIN_EXE_aquariumc")).arg("generate").arg(directory.path()).output();
    assert!(generated.unwrap().status.success());
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let advice = "run `cargo xtask generate`";
    let mut count = 0;
    for (path, text) in files(directory.path(), "compiler").into_iter().chain(files(directory.path(), "docs"))
    {
        let committed = std::fs::read_to_string(repository.join(&path)).unwrap_or_default();
        assert!(committed == text, "`{path}` is stale: {advice}");
        count += 1;
    }
    assert!(count > 15, "only {count} files are generated");
    for folder in ["compiler/cli/completions", "compiler/cli/man"] {
        let (made, kept) = (files(directory.path(), folder), files(&repository, folder));
        assert!(made.keys().eq(kept.keys()), "`{folder}` holds other files: {advice}");
    }
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_aquariumc")).args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("simulate"), "{shell}");
        assert!(!script.contains("generate"), "{shell} offers a verb that is not for users");
    }
}
