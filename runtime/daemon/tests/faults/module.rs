//! A policy module that traps, or takes far too long, for some charges: whom it concerns is named, all others are served.

use std::fs;
use std::sync::Arc;

use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::module::{
    BATCH_EXPORT, CHARGE_EXPORT, MEMORY_EXPORT, MEMORY_PAGES, POLICY_SECTION, SEAL_SECTION, SOURCE_SECTION,
    seal,
};
use aquarium_ir::policy::Policy;
use wasm_encoder::{
    BlockType, CodeSection, CustomSection, ExportKind, ExportSection, Function, FunctionSection,
    InstructionSink, MemArg, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use crate::support::{Daemon, Place, event, eventually, now};

const LINES: &str = "application/x-ndjson";
/// Functions each of which calls the next one twice: no loop, no recursion, and no end in a lifetime.
const DOUBLINGS: u32 = 60;

/// Three resources: one is charged, one traps, one does not come to an end.
const POLICY: &str = "\
aquariumpolicy:
  resources:
    - resource: { name: sound, unit: MB, costpolicy: discrete }
    - resource: { name: traps, unit: MB, costpolicy: discrete }
    - resource: { name: slow, unit: MB, costpolicy: discrete }
  algorithms:
    - algorithm:
        name: default
        sound: {price} times {volume}
        traps: {price} times {volume}
        slow: {price} times {volume}
  pricelists:
    - pricelist: { name: default, sound: 1, traps: 2, slow: 3 }
  agreements:
    - agreement: { name: default, algorithm: default, pricelist: default }
";

fn policy() -> Arc<Policy> {
    let file = SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let analysis = analyze(vec![file]);
    Arc::new(analysis.policy().cloned().unwrap_or_else(|| panic!("{:?}", analysis.diagnostics)))
}

/// The indexes of the charges of a resource.
fn charges_of(policy: &Policy, resource: &str) -> Vec<u32> {
    let of_resource =
        |charge: &aquarium_ir::policy::Charge| *policy.resources[charge.resource.index()].name == *resource;
    (0..).zip(&policy.charges).filter(|(_, charge)| of_resource(charge)).map(|(index, _)| index).collect()
}

/// What the compiler would never write, sealed as if it had. Whatever is charged costs a whole credit less nothing: the
/// result is left as it is, zero.
fn forged(policy: &Policy) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 2], []);
    types.ty().function([ValType::I32; 3], []);
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    for _ in 0..DOUBLINGS {
        functions.function(2);
    }
    let mut memories = MemorySection::new();
    let (minimum, maximum) = (MEMORY_PAGES, Some(MEMORY_PAGES));
    memories.memory(MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export(MEMORY_EXPORT, ExportKind::Memory, 0).export(CHARGE_EXPORT, ExportKind::Func, 0);
    exports.export(BATCH_EXPORT, ExportKind::Func, 1);
    let mut code = CodeSection::new();
    let mut write = |body: &dyn Fn(&mut InstructionSink<'_>)| {
        let mut function = Function::new([]);
        body(&mut function.instructions());
        function.instructions().end();
        code.function(&function);
    };
    let at_start = MemArg { offset: 0, align: 2, memory_index: 0 };
    let when = |sink: &mut InstructionSink<'_>, charge: u32, then: &dyn Fn(&mut InstructionSink<'_>)| {
        sink.local_get(0).i32_load(at_start).i32_const(i32::try_from(charge).unwrap()).i32_sub().i32_eqz();
        sink.if_(BlockType::Empty);
        then(sink);
        sink.end();
    };
    write(&|sink| {
        for charge in charges_of(policy, "traps") {
            when(sink, charge, &|sink| {
                sink.unreachable();
            });
        }
        for charge in charges_of(policy, "slow") {
            when(sink, charge, &|sink| {
                sink.call(2);
            });
        }
    });
    // Charged together they trap: then they are charged one by one.
    write(&|sink| {
        sink.unreachable();
    });
    for next in 1..=DOUBLINGS {
        write(&|sink| {
            if next < DOUBLINGS {
                sink.call(2 + next).call(2 + next);
            }
        });
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    let text = serde_json::to_vec(policy).unwrap();
    for (name, data) in [(POLICY_SECTION, text.as_slice()), (SOURCE_SECTION, b"{}")] {
        module.section(&CustomSection { name: name.into(), data: data.into() });
    }
    let sealed = seal(module.as_slice());
    module.section(&CustomSection { name: SEAL_SECTION.into(), data: sealed.as_slice().into() });
    module.finish()
}

#[test]
fn a_module_that_traps_or_is_slow_concerns_those_alone_whom_it_charges() {
    let place = Place::new("");
    fs::write(place.path("forged.wasm"), forged(&policy())).unwrap();
    let (data, module) = (place.text("data"), place.text("forged.wasm"));
    let daemon = Daemon::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--policy", &module]);
    let start = now();
    let mut events: Vec<String> =
        (0..20).map(|number| event("e", &format!("good-{number}"), start, "sound", "1")).collect();
    events.insert(5, event("e", "trapped", start, "traps", "1"));
    events.insert(9, event("e", "late", start, "slow", "1"));
    let ids =
        events.iter().enumerate().map(|(number, line)| line.replace("\"e\"", &format!("\"e{number}\"")));
    let answer = daemon.post("/events", LINES, ids.collect::<Vec<_>>().join("\n").as_bytes());
    assert_eq!((answer.status, answer.body.matches("stored").count()), (200, 22), "{}", answer.body);
    for number in 0..20 {
        assert_eq!(daemon.balance(&format!("good-{number}"), now()), "0");
    }
    // The trap is the event's: it has no effect, and says so. Its user is charged for everything else.
    assert_eq!(daemon.balance("trapped", now()), "0");
    let listed = daemon.get("/quarantine").json()["quarantined"].clone();
    assert_eq!((&listed[0]["reason"], &listed[0]["userID"]), (&"trap".into(), &"trapped".into()), "{listed}");
    assert_eq!(listed.as_array().unwrap().len(), 1, "what takes too long is no finding: {listed}");
    // What did not come to its end is nobody's charge: the user waits, and is tried again.
    let late = daemon.get("/user/late/balance");
    assert_eq!(late.status, 500, "{}", late.body);
    assert!(late.fault().1.contains("set aside"), "{}", late.body);
    eventually("the user is counted", || daemon.get("/metrics").body.contains("aquarium_users_aside 1\n"));
    assert_eq!(daemon.get("/readyz").status, 200);
    let more = event("more", "good-1", start + 1, "sound", "1");
    assert_eq!(daemon.post("/events", LINES, more.as_bytes()).status, 200);
    assert_eq!(daemon.balance("good-1", now()), "0");
    let components = daemon.admin("GET", "/admin/components", "", b"").body;
    assert!(components.matches("\"restarts\":0").count() >= 4, "{components}");
    daemon.kill();
}
