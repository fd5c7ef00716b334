//! What a module says of its policy is the policy, and what agreements share is there once.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use aquarium_ir::Policy;
use aquarium_ir::module::ModuleFile;
use serde_json::{Value, json};

fn compiled(bytes: Vec<u8>) -> Option<Policy> {
    analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes }]).into_policy()
}

/// The policies of the corpus that compile.
fn policies() -> Vec<(PathBuf, Policy)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
    let files = ["valid", "codes", "mistakes", "fixes"].into_iter().flat_map(|folder| {
        std::fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path())
    });
    files.filter_map(|path| Some((path.clone(), compiled(std::fs::read(path).unwrap())?))).collect()
}

/// Agreements that have lists, a plan and an override in common.
fn shared() -> Policy {
    let mut text = "aquariumpolicy:
  resources:
    - {name: bw, unit: MB, costpolicy: discrete}
    - {name: vm, unit: hr, costpolicy: onoff}
  algorithms:
    - {name: default, '*': price * volume}
  pricelists:
    - {name: default, bw: 1, vm: 2}
  creditplans:
    - {name: monthly, credits: 100, at: 00 00 1 * *}
  agreements:
"
    .to_owned();
    for item in 0..50 {
        text += &format!(
            "    - {{name: a{item}, algorithm: default, pricelist: default, creditplan: monthly}}\n"
        );
    }
    text += "    - {name: child, extends: a0, pricelist: {bw: 3}}\n";
    text += "  roles: {'*': a0}\n";
    compiled(text.into_bytes()).unwrap()
}

#[test]
fn a_module_gives_back_its_policy() {
    let policies = policies();
    assert!(policies.len() > 20, "{}", policies.len());
    for (path, policy) in policies {
        let module = emit(&policy, EmitOptions::default()).unwrap();
        let read = ModuleFile::read(&module).unwrap().policy().unwrap();
        assert_eq!(read, policy, "{}", path.display());
        assert!(emit(&read, EmitOptions::default()).unwrap() == module, "{}: other bytes", path.display());
    }
}

#[test]
fn what_agreements_share_is_written_and_kept_once() {
    let policy = shared();
    let written = serde_json::to_value(&policy).unwrap();
    let agreements = &written["agreements"];
    let length = |table: &str| agreements[table].as_array().unwrap().len();
    assert_eq!(
        agreements["items"],
        json!(["pricelist default", "agreement child", "algorithm default", "creditplan monthly"])
    );
    assert_eq!((length("prices"), length("expressions"), length("plans"), length("list")), (3, 1, 1, 51));
    let read: Policy = serde_json::from_value(written).unwrap();
    for policy in [&policy, &read] {
        let [first, second] = [&policy.agreements[0], &policy.agreements[1]];
        assert!(Arc::ptr_eq(&first.prices[0], &second.prices[0]) && Arc::ptr_eq(&first.plan, &second.plan));
        assert!(Arc::ptr_eq(&first.expressions[0], &second.expressions[1]), "that of every resource");
    }
}

#[test]
fn numbers_without_a_row_are_refused() {
    let written = serde_json::to_value(shared()).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = written.clone();
        change(&mut changed["agreements"]);
        serde_json::from_value::<Policy>(changed).unwrap_err().to_string()
    };
    let missing = "an agreement names something that is not there";
    assert_eq!(refused(&|it| it["list"][0]["plan"] = json!(1)), missing);
    assert_eq!(refused(&|it| it["list"][0]["prices"][1] = json!(3)), missing);
    assert_eq!(refused(&|it| it["list"][50]["expressions"][0] = json!(1)), missing);
    assert_eq!(refused(&|it| it["prices"][0][0]["body"]["value"]["item"] = json!(4)), missing);
    assert!(refused(&|it| *it = json!(5)).contains("agreements with their tables"));
}
