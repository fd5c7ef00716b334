//! Modules of every format that was released open, and charge as they did.
//!
//! `tests/modules/N` holds a module of format N as it was written then, its policy, events, and the report of the program
//! of that time.

#![allow(clippy::disallowed_methods, reason = "the modules of the test are files")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_charging::simulate::{Line, Options, simulate};
use aquarium_charging::{Deployments, Version};
use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use aquarium_engine::{Engine, EngineOptions, LoadedModule};
use aquarium_ir::module::{MODULE_FORMAT, ModuleFile};
use aquarium_ir::{Millis, Policy};
use serde_json::Value;

fn folder(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/modules").join(format.to_string())
}

/// The module of a format as it was released.
fn released(format: u32) -> Vec<u8> {
    std::fs::read(folder(format).join("policy.wasm")).unwrap()
}

/// Its policy, compiled now.
fn compiled(format: u32) -> Vec<u8> {
    let path = "policy.aquarium.yaml";
    let bytes = std::fs::read(folder(format).join(path)).unwrap();
    let file = SourceFile { path: path.to_owned(), bytes };
    let policy = analyze(vec![file.clone()]).into_policy().unwrap();
    emit(&policy, EmitOptions { sources: &[file], ..EmitOptions::default() }).unwrap()
}

fn policy(module: &[u8]) -> Policy {
    ModuleFile::read(module).unwrap().policy().unwrap()
}

/// What a module charges, but for its own name.
fn report(format: u32, module: LoadedModule) -> Value {
    let (policy, hash) = (Arc::clone(module.policy()), module.hash().to_owned());
    let deployments = Deployments::single(Version::new(policy, &hash, Arc::new(module)));
    let events = std::fs::read(folder(format).join("events.ndjson")).unwrap();
    let lines = events.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty());
    let lines = lines.map(|(bytes, number)| Line { file: "events.ndjson", number, bytes });
    // 2012-01-05T00:00:00Z
    let options = Options { at: Some(Millis(1_325_721_600_000)), ..Options::default() };
    nameless(serde_json::to_value(simulate(&deployments, lines, &options)).unwrap())
}

/// A report without the hashes of modules, which stand in the ids of entries too.
fn nameless(mut report: Value) -> Value {
    for user in report["users"].as_object_mut().unwrap().values_mut() {
        for entry in user["entries"].as_array_mut().unwrap() {
            let entry = entry.as_object_mut().unwrap();
            assert_eq!(entry.remove("module").unwrap().as_str().unwrap().len(), 64);
            entry.remove("id").unwrap();
        }
    }
    report
}

#[test]
fn modules_of_every_format_charge_as_they_did() {
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    for format in 1..MODULE_FORMAT {
        let text = std::fs::read(folder(format).join("report.json")).unwrap();
        let expected = nameless(serde_json::from_slice(&text).unwrap());
        assert_eq!(report(format, engine.load(&released(format)).unwrap()), expected, "format {format}");
        assert_eq!(report(format, engine.load(&compiled(format)).unwrap()), expected, "compiled anew");
    }
}

#[test]
fn a_policy_is_read_the_same_from_every_format() {
    for format in 1..MODULE_FORMAT {
        let now = policy(&compiled(format));
        let then = policy(&released(format));
        assert_eq!((then.format, now.format), (format, aquarium_ir::policy::FORMAT));
        assert_eq!(Policy { format: now.format, ..then }, now);
    }
}

#[test]
fn a_module_of_a_format_that_does_not_exist_is_refused() {
    for format in [0, MODULE_FORMAT + 1] {
        let mut module = released(1);
        let place = module.len() - 36;
        module[place..place + 4].copy_from_slice(&format.to_le_bytes());
        let refused = ModuleFile::read(&module).unwrap_err().to_string();
        assert!(refused.contains(&format!("format {format}, this program reads formats up to")), "{refused}");
    }
}
