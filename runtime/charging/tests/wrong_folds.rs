//! The wrong folds of `tests/wrong_folds/` still apply: `cargo xtask wrong-folds` then shows which test catches
//! each.

#![allow(clippy::disallowed_methods, reason = "the cases of the test are files")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "wrong_folds/patch.rs"]
mod patch;

use std::path::Path;

use patch::Patch;

#[test]
fn every_wrong_fold_changes_the_source_as_it_is() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = crate_root.ancestors().nth(2).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(crate_root.join("tests/wrong_folds")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let shown = path.display();
        let patch = Patch::read(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|why| panic!("{shown}: {why}"));
        let source = std::fs::read_to_string(root.join(&patch.path)).unwrap();
        let wrong = patch.apply(&source).unwrap_or_else(|why| panic!("{shown}: {why}"));
        assert_ne!(wrong, source, "{shown}");
        count += 1;
    }
    assert!(count >= 50, "there are {count}");
}
