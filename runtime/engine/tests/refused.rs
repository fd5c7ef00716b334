//! What the compiler writes is what the engine takes; any other module is refused, for what is wrong with it.

#![allow(clippy::disallowed_methods, reason = "the test keeps native code in files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod generator;

use aquarium_charging::Charger;
use aquarium_compiler::{EmitOptions, emit};
use aquarium_engine::{Engine, EngineOptions, LoadError, Refusal};
use aquarium_ir::expression::{Expression, Node, NodeId, Variable};
use aquarium_ir::module::{ModuleError, POLICY_SECTION, SEAL_SECTION, SOURCE_SECTION, seal};
use aquarium_ir::policy::{ChargeId, CostPolicy, Policy, ResourceId};
use aquarium_ir::slot::{Slot, Trap};
use ethnum::I256;
use wasm_encoder::{
    BlockType, CodeSection, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstructionSink, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use self::generator::{Random, number, policy, resource};

fn engine() -> Engine {
    Engine::new(&EngineOptions::default()).unwrap()
}

/// A policy that charges `3 * volume` for a discrete resource.
fn simple() -> Policy {
    let mut resource = resource(&mut Random::new(1), 0);
    (resource.cost_policy, resource.max) = (CostPolicy::Discrete, number("1e21"));
    let volume = Node::Variable { variable: Variable::Volume, factor: number("1e-9") };
    let nodes = vec![Node::Number(number("3")), volume, Node::Multiply(NodeId(0), NodeId(1))];
    policy(6, vec![resource], vec![(ResourceId(0), Expression { nodes, origins: Vec::new() })])
}

fn slot(charge: u32, volume: i64) -> Slot {
    let volume = I256::from(volume);
    Slot { charge: ChargeId(charge), volume, total: I256::ZERO, amount: volume, duration_millis: 0 }
}

/// A module with the right exports, whose functions are written by the tests.
struct Forged {
    pages: u64,
    import: bool,
    charge: fn(&mut InstructionSink<'_>),
    batch: fn(&mut InstructionSink<'_>),
    format: u32,
}

const HARMLESS: Forged = Forged { pages: 9, import: false, charge: |_| {}, batch: |_| {}, format: 2 };

impl Forged {
    fn bytes(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32; 2], []);
        types.ty().function([ValType::I32; 3], []);
        let mut imports = ImportSection::new();
        imports.import("outside", "reach", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(0).function(1);
        let mut memories = MemorySection::new();
        let (minimum, maximum) = (self.pages, Some(self.pages));
        memories.memory(MemoryType {
            minimum,
            maximum,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let first = u32::from(self.import);
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0).export("charge", ExportKind::Func, first);
        exports.export("charge_batch", ExportKind::Func, first + 1);
        let mut code = CodeSection::new();
        for body in [self.charge, self.batch] {
            let mut function = Function::new([]);
            body(&mut function.instructions());
            function.instructions().end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types);
        if self.import {
            module.section(&imports);
        }
        module.section(&functions).section(&memories).section(&exports).section(&code);
        let policy = serde_json::to_vec(&simple()).unwrap();
        self.sealed(module, &policy)
    }

    fn sealed(&self, mut module: Module, policy: &[u8]) -> Vec<u8> {
        for (name, data) in [(POLICY_SECTION, policy), (SOURCE_SECTION, b"{}".as_slice())] {
            module.section(&CustomSection { name: name.into(), data: data.into() });
        }
        let mut sealed = seal(module.as_slice());
        sealed[0] = u8::try_from(self.format).unwrap();
        module.section(&CustomSection { name: SEAL_SECTION.into(), data: sealed.as_slice().into() });
        module.finish()
    }

    fn refusal(&self) -> Refusal {
        match engine().load(&self.bytes()) {
            Err(LoadError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_forged_module_without_anything_foreign_is_accepted() {
    let module = engine().load(&HARMLESS.bytes()).unwrap();
    assert_eq!(module.charge_one(&slot(0, 5)).unwrap().to_string(), "0");
}

#[test]
fn floating_point_is_refused() {
    let float = Forged {
        charge: |code| {
            code.f64_const(1.0.into()).drop();
        },
        ..HARMLESS
    };
    assert!(matches!(float.refusal(), Refusal::Invalid(_) | Refusal::Instruction { .. }));
}

#[test]
fn an_instruction_that_is_not_on_the_list_is_refused_by_name() {
    let grow = Forged {
        charge: |code| {
            code.i32_const(1).memory_grow(0).drop();
        },
        ..HARMLESS
    };
    assert_eq!(grow.refusal(), Refusal::Instruction { function: 0, instruction: "MemoryGrow".into() });
}

#[test]
fn an_import_is_refused() {
    assert_eq!(Forged { import: true, ..HARMLESS }.refusal(), Refusal::Foreign("an import"));
}

#[test]
fn a_memory_of_another_size_is_refused() {
    assert_eq!(Forged { pages: 10_000, ..HARMLESS }.refusal(), Refusal::Foreign("a memory of another size"));
}

fn loop_for_ever(code: &mut InstructionSink<'_>) {
    code.loop_(BlockType::Empty).br(0).end();
}

#[test]
fn a_loop_elsewhere_and_a_second_loop_are_refused() {
    assert_eq!(Forged { charge: loop_for_ever, ..HARMLESS }.refusal(), Refusal::Loop(0));
    let twice = Forged {
        batch: |code| {
            loop_for_ever(code);
            loop_for_ever(code);
        },
        ..HARMLESS
    };
    assert_eq!(twice.refusal(), Refusal::Loop(1));
}

#[test]
fn recursion_is_refused_direct_or_not() {
    let direct = Forged {
        charge: |code| {
            code.local_get(0).local_get(1).call(0);
        },
        ..HARMLESS
    };
    assert_eq!(direct.refusal(), Refusal::Recursion(0));
    let mutual = Forged {
        charge: |code| {
            code.local_get(0).local_get(1).i32_const(0).call(1);
        },
        batch: |code| {
            code.local_get(0).local_get(1).call(0);
        },
        ..HARMLESS
    };
    assert_eq!(mutual.refusal(), Refusal::Recursion(0));
}

#[test]
fn another_format_is_refused() {
    let other = Forged { format: 3, ..HARMLESS }.bytes();
    assert_eq!(engine().load(&other).unwrap_err(), LoadError::Module(ModuleError::Format(3)));
    let mut policy = simple();
    policy.format = 7;
    let module = emit(&policy, EmitOptions::default()).unwrap();
    assert_eq!(engine().load(&module).unwrap_err(), LoadError::Module(ModuleError::Format(7)));
}

#[test]
fn a_module_that_is_cut_short_or_changed_is_refused() {
    let engine = engine();
    let module = emit(&simple(), EmitOptions::default()).unwrap();
    assert!(engine.load(&module).is_ok());
    for length in (0..module.len()).step_by(7) {
        assert!(engine.load(&module[..length]).is_err(), "the first {length} bytes");
    }
    for place in (0..module.len()).step_by(11) {
        let mut changed = module.clone();
        changed[place] ^= 1;
        assert!(engine.load(&changed).is_err(), "byte {place}");
    }
    assert!(engine.load(&[module.as_slice(), b"\0"].concat()).is_err());
}

#[test]
fn a_slot_beyond_its_limits_or_of_no_charge_does_not_take_others_with_it() {
    let module = engine().load(&emit(&simple(), EmitOptions::default()).unwrap()).unwrap();
    let mut results = Vec::new();
    module.charge(&[slot(0, 2_000_000_000), slot(9, 1), slot(0, -1), slot(0, 1)], &mut results);
    let texts: Vec<String> = results
        .iter()
        .map(|result| result.as_ref().map_or_else(ToString::to_string, ToString::to_string))
        .collect();
    assert_eq!(texts[0], "6");
    assert_eq!(results[1], Err(Trap::UnknownCharge(9)));
    assert_eq!(results[2], Err(Trap::BeyondLimits("amount")));
    assert_eq!(texts[3], "0");
}

#[test]
fn a_trap_of_one_slot_leaves_the_charges_of_the_others() {
    // Stops where the raw volume is odd; a batch stops altogether.
    let stops = Forged {
        charge: |code| {
            code.local_get(0).i64_load(wasm_encoder::MemArg { offset: 16, align: 3, memory_index: 0 });
            code.i32_wrap_i64().i32_const(1).i32_and().if_(BlockType::Empty).unreachable().end();
        },
        batch: |code| {
            code.unreachable();
        },
        ..HARMLESS
    };
    let module = engine().load(&stops.bytes()).unwrap();
    let mut results = Vec::new();
    module.charge(&[slot(0, 2), slot(0, 3), slot(0, 4)], &mut results);
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(
        matches!(&results[1], Err(Trap::Stopped(reason)) if reason.contains("unreachable")),
        "{results:?}"
    );
}

#[test]
fn native_code_is_kept_in_a_private_directory_and_survives_damage() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("native");
    let options = EngineOptions { native_cache: Some(path.clone()) };
    let bytes = emit(&simple(), EmitOptions::default()).unwrap();
    let charge = || {
        let module = Engine::new(&options).unwrap().load(&bytes).unwrap();
        module.charge_one(&slot(0, 1_500_000_000)).unwrap().to_string()
    };
    assert_eq!(charge(), "4.5");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(charge(), "4.5");
    let whole = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &whole[..whole.len() / 2]).unwrap();
    assert_eq!(charge(), "4.5");
    assert_eq!(std::fs::read(&files[0]).unwrap().len(), whole.len());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Engine::new(&options).is_err());
}

#[test]
fn an_emitted_module_has_one_loop_no_import_and_no_floating_point() {
    for wide_arithmetic in [true, false] {
        let module = emit(&simple(), EmitOptions { wide_arithmetic, ..EmitOptions::default() }).unwrap();
        let mut loops = 0;
        for payload in wasmparser::Parser::new(0).parse_all(&module) {
            match payload.unwrap() {
                wasmparser::Payload::ImportSection(_) => panic!("an import"),
                wasmparser::Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader().unwrap() {
                        let text = format!("{:?}", operator.unwrap());
                        loops += usize::from(text.starts_with("Loop"));
                        assert!(!text.starts_with("F32") && !text.starts_with("F64"), "{text}");
                        let wide = ["I64Add128", "I64Sub128", "I64MulWide"];
                        let is_wide = wide.iter().any(|name| text.starts_with(name));
                        assert!(wide_arithmetic || !is_wide, "{text}");
                    }
                }
                _ => {}
            }
        }
        assert_eq!(loops, 1);
    }
}

#[test]
fn equal_policies_give_equal_bytes_and_equal_charges_one_function() {
    let mut policy = simple();
    let module = emit(&policy, EmitOptions::default()).unwrap();
    assert_eq!(module, emit(&simple(), EmitOptions::default()).unwrap());
    let functions = |module: &[u8]| {
        let bodies = wasmparser::Parser::new(0).parse_all(module);
        bodies.filter(|body| matches!(body, Ok(wasmparser::Payload::CodeSectionEntry(_)))).count()
    };
    policy.charges.push(policy.charges[0].clone());
    let twice = emit(&policy, EmitOptions::default()).unwrap();
    assert_eq!(functions(&module), functions(&twice));
    assert!(engine().load(&twice).unwrap().charge_one(&slot(1, 1_000_000_000)).unwrap().to_string() == "3");
}
